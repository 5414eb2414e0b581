package tpe

import (
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
//
// A kernel is nowhere higher than at h_i = w_i Π_j h_ij, with h_ij = 1/(√(2π) σ_ij Z_ij) or, on a nominal axis, its factor where the
// choices agree. What is computed is ln h_i less what each axis takes from it, which is never less than 0: as soon as a kernel is
// negligible beside those before, the other axes need not be looked at.

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
	lines
	over     []int // the axes that it is over
	nominals []int // of these, the nominal ones
	column   []int // by place in over: the axis's place in columns, or in nominals

	weights []float64 // w_i, then w_0
	sum     float64   // of weights
	prior   float64   // ln w_0 - base
	offset  float64   // base - ln sum
	base    float64   // ln of the product of all nominal axes' factors where choices agree
	same    []float64 // by nominal axis: ln k where the choices agree
	gap     []float64 // ... and how much less it is where they do not
	each    []float64 // ... and the mass of a choice that is not the kernel's own
}

// newMixture makes an empty mixture over some axes, in increasing order.
func newMixture(axes []axis, over []int) *mixture {
	m := &mixture{lines: newLines(axes, over), over: over}
	for _, j := range over {
		if axes[j].kind == nominal {
			m.column = append(m.column, len(m.nominals))
			m.nominals = append(m.nominals, j)
		} else {
			m.column = append(m.column, slices.Index(m.columns, j))
		}
	}
	return m
}

// build makes the mixture of kernels at points with weights. What it costs depends on how much differs from the last time, and
// what results does not: points that come in the same order as then are recognised by their address.
func (m *mixture) build(points []*point, weights []float64, rule kernels) {
	n := len(points)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	w0 := rule.prior
	if n > 0 {
		w0 *= sum / float64(n)
	}
	m.sum = sum + w0
	m.follow(points, rule)
	m.weigh(weights)
	m.weights = append(append(m.weights[:0], weights...), w0)
	m.same, m.gap, m.each, m.base = m.same[:0], m.gap[:0], m.each[:0], 0
	for _, j := range m.nominals {
		m.buildNominal(j, rule)
	}
	m.prior, m.offset = math.Log(w0)-m.base, m.base-math.Log(m.sum)
}

// buildNominal appends what is known of a nominal axis.
func (m *mixture) buildNominal(j int, rule kernels) {
	active := len(m.points)
	if m.axes[j].conditional {
		for _, p := range m.points {
			if p.choices[j] == idle {
				active--
			}
		}
	}
	count := float64(m.axes[j].count)
	v := rule.choice
	if m.axes[j].parent {
		v = rule.parent
	}
	v /= float64(active + 1)
	same := math.Log((1 + v) / (1 + count*v) * count)
	m.same = append(m.same, same)
	m.gap = append(m.gap, same-math.Log(v/(1+count*v)*count))
	m.each = append(m.each, v/(1+count*v))
	m.base += same
}

// negligible is how far below the largest term the logarithm of one may be that still counts.
const negligible = 36

// least is what ln p(x) is no less than, for any x.
func (m *mixture) least() float64 { return m.prior + m.offset }

// log is ln p(x).
func (m *mixture) log(x *point) float64 { return m.below(x, math.Inf(1)) }

// below is ln p(x), or where that is more than a limit, perhaps something else that is more.
func (m *mixture) below(x *point, limit float64) float64 {
	sum := logSum{top: m.prior, sum: 1}
	m.add(x, limit-m.offset, &sum)
	return sum.log() + m.offset
}

// most is what ln p(x) is no more than, and the terms of which of makes ln p(x), in the place of others.
func (m *mixture) most(x *point, others []float64) (bound float64, terms []float64) {
	sum := logSum{top: m.prior, later: true, terms: others[:0]}
	m.add(x, math.Inf(1), &sum)
	return sum.top + math.Log(float64(1+len(sum.terms))) + m.offset, sum.terms
}

// of is ln p(x) of its terms, to the last bit what log makes.
func (m *mixture) of(terms []float64) float64 {
	sum := logSum{top: m.prior, sum: 1}
	for _, a := range terms {
		sum.add(a)
	}
	return sum.log() + m.offset
}

// add adds to a sum, until its logarithm exceeds a limit, what the kernels are at x.
func (m *mixture) add(x *point, limit float64, sum *logSum) {
	at := m.at[:0]
	for _, j := range m.columns[:m.numbers] {
		at = append(at, x.u[j])
	}
	m.at = at
	all := m.reals == len(m.over)
	stride := len(m.columns)
	at = at[:m.reals]
	enough := math.Exp(limit - sum.top) // the sum up to which ln p(x) is within the limit
next:
	for i := len(m.slots) - 1; i >= 0; i-- { // the latest trials are nearest to where the search is now
		slot := m.slots[i]
		a, least := m.height[slot], sum.top-negligible
		row := m.centre[int(slot)*stride:][:len(at)]
		for k := range row {
			t := (at[k] - row[k].mu) * row[k].inverse
			if a -= t * t; a < least {
				continue next
			}
		}
		if !all {
			if a = m.others(a, least, i, x); a < least {
				continue next
			}
		}
		if sum.add(a) && !math.IsInf(limit, 1) {
			enough = math.Exp(limit - sum.top)
		}
		if sum.sum > enough {
			break
		}
	}
}

// others takes from a what the axes that are not among the reals take from kernel i, or enough to be less than least.
func (m *mixture) others(a, least float64, i int, x *point) float64 {
	p, slot := m.points[i], int(m.slots[i])
	for k, j := range m.nominals {
		switch own, its := p.choices[j], x.choices[j]; {
		case own == idle || its == idle:
			a -= m.same[k]
		case own != its:
			a -= m.gap[k]
		}
	}
	if a < least {
		return a
	}
	heights := m.heights[slot*m.bounded():]
	row := m.centre[slot*len(m.columns):][:len(m.columns)]
	for k := m.reals; k < m.numbers; k++ {
		if x.choices[m.columns[k]] == idle {
			a -= heights[k-m.reals]
			continue
		}
		t := (m.at[k] - row[k].mu) * row[k].inverse
		a -= t * t
	}
	for k := m.numbers; k < len(m.columns) && a >= least; k++ {
		j := m.columns[k]
		own, its := p.choices[j], x.choices[j]
		switch {
		case own == idle:
		case its == idle:
			a -= heights[k-m.reals]
		default:
			table := &m.table[slot*m.steps()+k-m.numbers]
			if *table == none {
				*table = m.memo.table(j, own, m.mass[slot*len(m.columns)+k].sigma)
			}
			a -= m.memo.lost(*table, j, own, its)
		}
	}
	return a
}

// logSum is the logarithm of a sum of exponentials: of exp(top)·sum, top being the largest exponent so far.
type logSum struct {
	top, sum float64
	later    bool // exponents are kept in terms, to be added later
	terms    []float64
}

// add adds exp(a) and reports whether that is the largest so far.
func (s *logSum) add(a float64) bool {
	if s.later {
		s.top, s.terms = max(s.top, a), append(s.terms, a)
		return false
	}
	if a > s.top {
		s.top, s.sum = a, s.sum*math.Exp(s.top-a)+1
		return true
	}
	s.sum += math.Exp(a - s.top)
	return false
}

func (s *logSum) log() float64 { return s.top + math.Log(s.sum) }

// draw draws a point from the mixture: x.u on the axes that it is over.
func (m *mixture) draw(x *point, rng *rand.Rand) {
	at := rng.Float64() * m.sum
	i, n := 0, len(m.points)
	for i < n && at >= m.weights[i] {
		at -= m.weights[i]
		i++
	}
	for k, j := range m.over {
		u := rng.Float64()
		if i == n || m.points[i].choices[j] == idle {
			x.u[j] = u
			continue
		}
		if m.axes[j].kind == nominal {
			x.u[j] = m.drawChoice(m.column[k], m.points[i].choices[j], u)
			continue
		}
		mu, mass := m.points[i].u[j], &m.mass[int(m.slots[i])*len(m.columns)+m.column[k]]
		x.u[j] = mu + mass.sigma*normal.Between(u, -mu/mass.sigma, (1-mu)/mass.sigma, mass.below, mass.above)
	}
}

// drawChoice is the coordinate of a choice drawn from a kernel on nominal axis k by a uniform u.
func (m *mixture) drawChoice(k int, own int32, u float64) float64 {
	a := &m.axes[m.nominals[k]]
	count := float64(a.count)
	each := m.each[k] // of every choice; the rest is the own choice's
	if rest := u - each*count; rest >= 0 {
		return a.middle(own)
	}
	return a.middle(min(int32(u/each), int32(a.count-1)))
}
