package evolution

import (
	"math"
	"slices"

	"qalam/suggest"
)

// NSGA-III, for more than three objectives, where nearly every trial of a population is on the first front and crowding says little:
// directions spread evenly over the front keep the population spread.
//
//	K. Deb, H. Jain, "An evolutionary many-objective optimization algorithm using reference-point-based nondominated sorting
//	approach, part I: solving problems with box constraints", IEEE Transactions on Evolutionary Computation 18(4), 577-601 (2014);
//	H. Jain, K. Deb, part II: "handling constraints and extending to an adaptive approach", same issue, 602-622.
//
//	m      number of objectives
//	z^min  ideal point: the least value of each objective in the population
//	a      intercepts (by objective) of the plane through the extreme points
//	w      a reference direction in R^m, w_k ≥ 0
//	ρ_j    niche count: members whose nearest direction is j
//
// It is in its steady state, as NSGA-II is here: one trial enters at a time, and one leaves, of the last front: of the niche that has most
// members, the one farthest from its direction. That is what the paper's niching (section IV-E), which fills niches with
// fewest members first and with the nearest, comes to for one place. In tournaments the rank counts, then the niche count, where the paper
// draws parents at random: with hundreds of trials selection cannot be left to the survival alone.

// newNSGA3 makes NSGA-II with directions.
func newNSGA3(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	g := &nsga2{proposer: newProposer(p, settings), objectives: max(1, p.Objectives), limit: sizeOf(p, settings, 25, 20, 100)}
	g.directions = directions(g.objectives, g.limit)
	return g, nil
}

// directions are at most n reference points on the simplex Σ w_k = 1 (at least the m corners), all with coordinates that are
// multiples of 1/H:
//
//	I. Das, J. E. Dennis, "Normal-boundary intersection: a new method for generating the Pareto surface in nonlinear multicriteria
//	optimization problems", SIAM Journal on Optimization 8(3), 631-657 (1998).
//
// Where H < m there would be none but on the border of the simplex, and a second layer, half as wide, stands inside, as in section
// V of Deb and Jain.
func directions(m, n int) [][]float64 {
	h := 1
	for count(m, h+1) <= n && m > 1 {
		h++
	}
	all := lattice(m, h)
	if inner := min(h, m-1); h < m && m > 1 {
		for inner > 1 && len(all)+count(m, inner) > n {
			inner--
		}
		if len(all)+count(m, inner) <= n {
			for _, w := range lattice(m, inner) {
				for k := range w {
					w[k] = w[k]/2 + 1/(2*float64(m))
				}
				all = append(all, w)
			}
		}
	}
	return all
}

// count is the number of points of a lattice, C(H+m-1, m-1), or very many.
func count(m, h int) int {
	n := 1.0
	for i := 1; i < m; i++ {
		n = n * float64(h+i) / float64(i)
	}
	return int(math.Round(min(n, 1<<30)))
}

// lattice lists the points of the simplex in R^m whose coordinates are multiples of 1/H.
func lattice(m, h int) [][]float64 {
	var all [][]float64
	w := make([]float64, m)
	var fill func(k, left int)
	fill = func(k, left int) {
		if k == m-1 {
			w[k] = float64(left) / float64(h)
			all = append(all, slices.Clone(w))
			return
		}
		for i := range left + 1 {
			w[k] = float64(i) / float64(h)
			fill(k+1, left-i)
		}
	}
	fill(0, h)
	return all
}

// niche is where a member belongs.
type niche struct {
	direction int
	distance  float64 // to it, normalised
}

// niches associates members with directions (algorithms 2 and 3 of the paper).
func (g *nsga2) niches(front []int) []niche {
	ideal := slices.Clone(g.population[0].Values)
	for _, m := range g.population {
		for k, v := range m.Values {
			ideal[k] = min(ideal[k], v)
		}
	}
	scale := intercepts(g.values(front), ideal)
	out := make([]niche, len(g.population))
	y := make([]float64, g.objectives)
	for i, m := range g.population {
		for k, v := range m.Values {
			y[k] = v/scale[k] - ideal[k]/scale[k]
		}
		out[i] = nearest(g.directions, y)
	}
	return out
}

// nearest is the direction w with the least perpendicular distance |y - (wᵀy) w/|w|²|.
func nearest(directions [][]float64, y []float64) niche {
	best := niche{distance: math.Inf(1)}
	for j, w := range directions {
		wy, ww, yy := 0.0, 0.0, 0.0
		for k := range w {
			wy += w[k] * y[k]
			ww += w[k] * w[k]
			yy += y[k] * y[k]
		}
		if d := yy - wy*wy/ww; d < best.distance {
			best = niche{j, d}
		}
	}
	return best
}

// intercepts are a - z^min, from a front and the ideal point (section IV-C): the extreme point of axis k is the one for which
// max_l (f_l - z_l)/w_l is least, w being the axis direction with 1e-6 in place of 0. Where these points span no plane that
// cuts every axis above the ideal, it is the width of the front.
func intercepts(front [][]float64, ideal []float64) []float64 {
	m := len(ideal)
	width := make([]float64, m)
	for _, v := range front {
		for k := range v {
			width[k] = max(width[k], v[k]-ideal[k])
		}
	}
	for k, w := range width {
		if !(w > 1e-300) || math.IsInf(w, 0) {
			width[k] = 1
		}
	}
	rows := make([][]float64, m) // of the linear system Z b = 1, in units of the width
	for k := range rows {
		least := math.Inf(1)
		for _, v := range front {
			worst := 0.0
			for l := range v {
				t := (v[l] - ideal[l]) / width[l]
				if l != k {
					t *= 1e6
				}
				worst = max(worst, t)
			}
			if worst < least || rows[k] == nil {
				least, rows[k] = worst, v
			}
		}
	}
	for k, v := range rows {
		rows[k] = make([]float64, m+1)
		for l := range v {
			rows[k][l] = (v[l] - ideal[l]) / width[l]
		}
		rows[k][m] = 1
	}
	if b := solve(rows); b != nil {
		cut := slices.Clone(width)
		for k := range cut {
			cut[k] /= b[k]
			if !(b[k] > 0.1 && b[k] < 1e3) { // far outside the front, or next to the ideal point
				return width
			}
		}
		return cut
	}
	return width
}

// solve solves the linear system of rows (the right side is their last column) by elimination with pivots; nil where it is singular.
// It overwrites the rows.
func solve(rows [][]float64) []float64 {
	n := len(rows)
	for k := range n {
		pivot := k
		for i := k + 1; i < n; i++ {
			if math.Abs(rows[i][k]) > math.Abs(rows[pivot][k]) {
				pivot = i
			}
		}
		rows[k], rows[pivot] = rows[pivot], rows[k]
		if math.Abs(rows[k][k]) < 1e-10 {
			return nil
		}
		for i := range n {
			if i == k {
				continue
			}
			f := rows[i][k] / rows[k][k]
			for l := k; l <= n; l++ {
				rows[i][l] -= f * rows[k][l]
			}
		}
	}
	x := make([]float64, n)
	for k := range x {
		x[k] = rows[k][n] / rows[k][k]
	}
	return x
}

// outOfNiche is the index of the member that is to leave: of the last front, given by its indices, and of the fullest niche there,
// the farthest from its direction, of equal ones the youngest.
func (g *nsga2) outOfNiche(first, last []int) int {
	all := g.niches(first)
	counts := tally(all, len(g.directions))
	out := last[0]
	for _, i := range last[1:] {
		a, b := all[i], all[out]
		if ca, cb := counts[a.direction], counts[b.direction]; ca > cb || ca == cb && a.distance >= b.distance {
			out = i
		}
	}
	return out
}

// tally counts the members by niche: ρ.
func tally(all []niche, directions int) []int {
	counts := make([]int, directions)
	for _, n := range all {
		counts[n.direction]++
	}
	return counts
}
