package tpe

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/suggest/normal"
)

// The densities. Everything is relative to the space's own distribution, which is uniform in the unit cube: a density of 1 is
// that of random search. With
//
//	μ_ij, σ_ij   centre and width of kernel i (one for each trial of the group) on axis j
//	w_i          weight of kernel i; w_0 that of the prior, which is 1 everywhere
//	Z_ij         Φ((1-μ_ij)/σ_ij) - Φ(-μ_ij/σ_ij), the mass of the untruncated kernel inside [0, 1]
//
// the density is p(x) = (w_0 + Σ_i w_i Π_j k_ij(x_j)) / (w_0 + Σ_i w_i), with the product over the axes that are active in x,
// and a factor of 1 for those that are not active in trial i: what it does not know, it leaves to the prior. So one mixture
// covers a space of conditions as it is: in a branch the trials of that branch count most, because the others have another
// value of the parent, and parameters that branches share are learned from all of them.
//
//	real      k_ij(x) = φ((x-μ_ij)/σ_ij) / (σ_ij Z_ij)
//	ordinal   the mass of that over the interval of the value, divided by the interval's length
//	nominal   (1[x = x_i] + v/n) / (1 + C·v/n) · C, with n kernels, C choices and v the weight of the prior among them

// kernels is how a mixture's kernels are made.
type kernels struct {
	ends   bool    // the ends of [0, 1] count as neighbours of the outermost kernels
	narrow float64 // no σ is less than narrow ...
	shrink float64 // ... nor than (n+2)^-shrink with n kernels
	steps  float64 // ... nor than so many of the intervals of an ordinal axis
	prior  float64 // w_0 in units of the mean w_i
	choice float64 // v, the weight of the prior among the choices of a nominal axis
	parent float64 // v where other parameters depend on the choice
}

// mixture is a density over some of the axes.
type mixture struct {
	axes     []axis // of the space
	over     []int  // the axes that it is over
	position []int  // of an axis in over, by axis from the first of over on
	reals    []int  // of these, the real ones that are always active,
	branches []int  // the real ones that are not,
	ordinals []int
	nominals []int

	n      int
	points []*point  // the kernels' centres
	weight []float64 // w_i, then w_0
	sum    float64   // of weight
	prior  float64   // ln of w_0/sum

	// By kernel, in the order of the lists above.
	c       []float64 // ln(w_i/sum / Π √(2π) σ_ij Z_ij) over the reals
	centre  []pair    // reals, then branches
	factor  []float64 // ln(1 / (√(2π) σ_ij Z_ij)) of the branches
	tables  []int32   // ordinals: where in logs the table of the kernel begins
	choices []int32   // nominals
	sigma   []float64 // by kernel and axis of over; 0 where nominal or idle
	same    []float64 // by nominal axis: ln k where the choices agree
	other   []float64 // ... and where they do not
	memo    *memo
	scratch scratch
}

// pair is the centre of a kernel and 1/(√2 σ).
type pair struct{ mu, inverse float64 }

// scratch is used again by every build.
type scratch struct {
	line []entry
	at   []float64
}

// newMixture makes an empty mixture over some axes, in increasing order.
func newMixture(axes []axis, over []int) *mixture {
	m := &mixture{axes: axes, over: over, memo: newMemo(axes, over), position: make([]int, over[len(over)-1]-over[0]+1)}
	for k, j := range over {
		m.position[j-over[0]] = k
		switch axes[j].kind {
		case ordinal:
			m.ordinals = append(m.ordinals, j)
		case nominal:
			m.nominals = append(m.nominals, j)
		default:
			if axes[j].conditional {
				m.branches = append(m.branches, j)
			} else {
				m.reals = append(m.reals, j)
			}
		}
	}
	return m
}

// lines gives the kernels in increasing order of their coordinate on an axis, appended to dst: those active there.
type lines func(j int, dst []entry) []entry

// entry is a kernel on an axis.
type entry struct {
	u     float64
	index int32 // of the kernel
}

// sorted is the lines of points that are not kept in order.
func sorted(points []*point) lines {
	return func(j int, dst []entry) []entry {
		for i, p := range points {
			if p.choices[j] != idle {
				dst = append(dst, entry{p.u[j], int32(i)})
			}
		}
		slices.SortFunc(dst, func(a, b entry) int { return cmp.Or(cmp.Compare(a.u, b.u), cmp.Compare(a.index, b.index)) })
		return dst
	}
}

// build makes the mixture of kernels at points with weights.
func (m *mixture) build(points []*point, weights []float64, along lines, rule kernels) {
	n := len(points)
	m.n, m.points = n, points
	m.weight = append(m.weight[:0], weights...)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	w0 := rule.prior
	if n > 0 {
		w0 *= sum / float64(n)
	}
	m.weight, m.sum = append(m.weight, w0), sum+w0
	m.prior = math.Log(w0 / m.sum)
	nr, nb, no, nn := len(m.reals), len(m.branches), len(m.ordinals), len(m.nominals)
	m.centre = resize(m.centre, n*(nr+nb))
	m.factor = resize(m.factor, n*nb)
	m.tables = resize(m.tables, n*no)
	m.choices = resize(m.choices, n*nn)
	m.sigma = resize(m.sigma, n*len(m.over))
	m.c = resize(m.c, n)
	clear(m.sigma)
	for k, j := range m.over {
		if m.axes[j].kind != nominal {
			m.widths(k, along, rule)
		}
	}
	m.same, m.other = m.same[:0], m.other[:0]
	for k, j := range m.nominals {
		m.buildNominal(k, j, rule)
	}
	m.buildReals()
	m.buildOrdinals()
}

// widths finds σ_ij on axis over[k]: the larger of the distances to the neighbours on both sides.
func (m *mixture) widths(k int, along lines, rule kernels) {
	j := m.over[k]
	line := along(j, m.scratch.line[:0])
	m.scratch.line = line
	n, stride := len(line), len(m.over)
	narrow := max(rule.narrow, math.Pow(float64(n+2), -rule.shrink))
	if count := m.axes[j].count; count > 0 {
		narrow = max(narrow, rule.steps/float64(count))
	}
	for r := range line {
		below, above := line[r].u, 1-line[r].u
		if r > 0 {
			below = line[r].u - line[r-1].u
		} else if !rule.ends && n > 1 {
			below = 0
		}
		if r < n-1 {
			above = line[r+1].u - line[r].u
		} else if !rule.ends && n > 1 {
			above = 0
		}
		m.sigma[int(line[r].index)*stride+k] = max(narrow, min(1, max(below, above)))
	}
}

const sqrt2Pi = math.Sqrt2 * math.SqrtPi

// buildReals fills in what the density of real axes needs.
func (m *mixture) buildReals() {
	nr, nb, stride := len(m.reals), len(m.branches), len(m.over)
	for i, p := range m.points {
		// One logarithm for some axes: their product cannot underflow.
		c, product, factors := 0.0, m.sum/m.weight[i], 0
		row := m.centre[i*(nr+nb):]
		for k, j := range m.reals {
			mu, sigma := p.u[j], m.sigma[i*stride+m.position[j-m.over[0]]]
			row[k] = pair{mu, 1 / (math.Sqrt2 * sigma)}
			product *= sqrt2Pi * sigma * inside(mu, sigma)
			if factors++; factors == 64 {
				c, product, factors = c-math.Log(product), 1, 0
			}
		}
		m.c[i] = c - math.Log(product)
		for k, j := range m.branches {
			if p.choices[j] == idle {
				row[nr+k], m.factor[i*nb+k] = pair{}, 0
				continue
			}
			mu, sigma := p.u[j], m.sigma[i*stride+m.position[j-m.over[0]]]
			row[nr+k] = pair{mu, 1 / (math.Sqrt2 * sigma)}
			m.factor[i*nb+k] = -math.Log(sqrt2Pi * sigma * inside(mu, sigma))
		}
	}
}

// inside is Z, the mass of a kernel in [0, 1]; its centre lies there too, so that it is never small.
func inside(mu, sigma float64) float64 {
	const far = 9 // standard deviations beyond which no mass is left
	z := 1.0
	if mu < far*sigma {
		z -= normal.CDF(-mu / sigma)
	}
	if 1-mu < far*sigma {
		z -= normal.CDF((mu - 1) / sigma)
	}
	return z
}

// buildOrdinals fills in which tables the ordinal axes use.
func (m *mixture) buildOrdinals() {
	no, stride := len(m.ordinals), len(m.over)
	if no == 0 {
		return
	}
	m.memo.trim()
	for at, j := range m.ordinals {
		k := m.position[j-m.over[0]]
		for i, p := range m.points {
			m.tables[i*no+at] = m.memo.table(j, p.choices[j], m.sigma[i*stride+k])
		}
	}
}

// buildNominal fills in nominal axis k, which is axis j of the space.
func (m *mixture) buildNominal(k, j int, rule kernels) {
	nn, active := len(m.nominals), 0
	for i, p := range m.points {
		m.choices[i*nn+k] = p.choices[j]
		if p.choices[j] != idle {
			active++
		}
	}
	count := float64(m.axes[j].count)
	v := rule.choice
	if m.axes[j].parent {
		v = rule.parent
	}
	v /= float64(active + 1)
	m.same = append(m.same, math.Log((1+v)/(1+count*v)*count))
	m.other = append(m.other, math.Log(v/(1+count*v)*count))
}

// negligible is how far below the largest term the logarithm of one may be that still counts.
const negligible = 36

// log is ln p(x).
func (m *mixture) log(x *point) float64 {
	sum := logSum{m.prior, 1}
	if len(m.reals) == len(m.over) {
		m.addReals(&sum, x)
		return sum.log()
	}
	for i := range m.n {
		if a, ok := m.term(i, x, sum.top-negligible); ok {
			sum.add(a)
		}
	}
	return sum.log()
}

// addReals adds all kernels where all axes are real: what log does, without what it could skip.
func (m *mixture) addReals(sum *logSum, x *point) {
	m.scratch.at = m.scratch.at[:0]
	for _, j := range m.reals {
		m.scratch.at = append(m.scratch.at, x.u[j])
	}
	at, rest := m.scratch.at, m.centre
next:
	for _, a := range m.c {
		row := rest[:len(at)]
		rest = rest[len(at):]
		least := sum.top - negligible
		for k := range row {
			t := (at[k] - row[k].mu) * row[k].inverse
			if a -= t * t; a < least {
				continue next
			}
		}
		sum.add(a)
	}
}

// logSum is the logarithm of a sum of exponentials: of exp(top)·sum, top being the largest exponent so far.
type logSum struct{ top, sum float64 }

func (s *logSum) add(a float64) {
	if a > s.top {
		s.top, s.sum = a, s.sum*math.Exp(s.top-a)+1
	} else {
		s.sum += math.Exp(a - s.top)
	}
}

func (s *logSum) log() float64 { return s.top + math.Log(s.sum) }

// term is the logarithm of kernel i's share of p(x); ok is false where it is less than least.
func (m *mixture) term(i int, x *point, least float64) (a float64, ok bool) {
	nr, nb, no, nn := len(m.reals), len(m.branches), len(m.ordinals), len(m.nominals)
	a = m.c[i]
	for k, j := range m.nominals {
		switch own, its := m.choices[i*nn+k], x.choices[j]; {
		case own == idle || its == idle:
		case own == its:
			a += m.same[k]
		default:
			a += m.other[k]
		}
	}
	for k, j := range m.ordinals {
		if its := x.choices[j]; its != idle {
			a += m.memo.logs[m.tables[i*no+k]+its]
		}
	}
	row := m.centre[i*(nr+nb) : (i+1)*(nr+nb)]
	for k, j := range m.reals {
		t := (x.u[j] - row[k].mu) * row[k].inverse
		if a -= t * t; a < least && nb == 0 {
			return a, false
		}
	}
	for k, j := range m.branches {
		if x.choices[j] != idle {
			t := (x.u[j] - row[nr+k].mu) * row[nr+k].inverse
			a += m.factor[i*nb+k] - t*t
		}
	}
	return a, a >= least
}

// draw draws a point from the mixture: x.u on the axes that it is over.
func (m *mixture) draw(x *point, rng *rand.Rand) {
	at := rng.Float64() * m.sum
	i := 0
	for i < m.n && at >= m.weight[i] {
		at -= m.weight[i]
		i++
	}
	for k, j := range m.over {
		u := rng.Float64()
		if i == m.n || m.points[i].choices[j] == idle {
			x.u[j] = u
			continue
		}
		mu := m.points[i].u[j]
		if m.axes[j].kind == nominal {
			x.u[j] = m.drawChoice(slices.Index(m.nominals, j), m.points[i].choices[j], u)
			continue
		}
		sigma := m.sigma[i*len(m.over)+k]
		x.u[j] = mu + sigma*normal.Truncated(u, -mu/sigma, (1-mu)/sigma)
	}
}

// drawChoice is the coordinate of a choice drawn from a kernel on nominal axis k by a uniform u.
func (m *mixture) drawChoice(k int, own int32, u float64) float64 {
	a := &m.axes[m.nominals[k]]
	count := float64(a.count)
	each := math.Exp(m.other[k]) / count // of every choice; the rest is the own choice's
	if rest := u - each*count; rest >= 0 {
		return a.middle(own)
	}
	return a.middle(min(int32(u/each), int32(a.count-1)))
}

func resize[E any](s []E, n int) []E { return slices.Grow(s[:0], n)[:n] }

// memo keeps the tables of ordinal kernels: the kernel's mass over the interval of each value, relative to the interval's length.
type memo struct {
	axes     []axis
	first    int       // axis for which place has something
	computed [][]table // by axis and value: at place[j] + value
	place    []int
	logs     []float64
}

// table is one that was computed.
type table struct {
	sigma float64
	at    int32
}

func newMemo(axes []axis, over []int) *memo {
	m := &memo{axes: axes, first: over[0], place: make([]int, over[len(over)-1]-over[0]+1)}
	size := 0
	for _, j := range over {
		m.place[j-m.first] = size
		if axes[j].kind == ordinal {
			size += axes[j].count
		}
	}
	m.computed = make([][]table, size)
	m.zero()
	return m
}

// zero puts the table of idle kernels in front: it is 0 everywhere.
func (m *memo) zero() { m.logs = append(m.logs[:0], make([]float64, maxOrdinal)...) }

// trim forgets all tables when they have become many.
func (m *memo) trim() {
	const most = 1 << 18 // 2 MiB
	if len(m.logs) > most {
		for i := range m.computed {
			m.computed[i] = nil
		}
		m.zero()
	}
}

// table finds where the table of a kernel begins in logs.
func (m *memo) table(j int, value int32, sigma float64) int32 {
	if value == idle {
		return 0
	}
	slot := &m.computed[m.place[j-m.first]+int(value)]
	for _, k := range slices.Backward(*slot) {
		if k.sigma == sigma {
			return k.at
		}
	}
	at := int32(len(m.logs))
	edges := m.axes[j].edges
	mu := m.axes[j].middle(value)
	whole := math.Log(inside(mu, sigma))
	for k := range m.axes[j].count {
		mass := normal.LogMass((edges[k]-mu)/sigma, (edges[k+1]-mu)/sigma)
		m.logs = append(m.logs, mass-whole-math.Log(edges[k+1]-edges[k]))
	}
	*slot = append(*slot, table{sigma, at})
	return at
}
