package analysis

import (
	"math"
	"slices"

	"qalam/suggest/normal"
)

// The method of
//
//	S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces",
//	IJCAI 2023, section 4:
//
// a parameter matters as far as its values among the best trials are distributed otherwise than among all of them. With the
// densities p_γ' of the former and p_γ of the latter over the cells g of the parameter, its local marginal variance is, up to a
// factor that is the same for all parameters,
//
//	v = Σ_g p_γ(g) (p_γ'(g)/p_γ(g) - 1)²,
//
// Pearson's divergence of the two. The densities are Parzen's, with kernels cut off at the sides, a bandwidth by the rule of D. W.
// Scott, "Multivariate density estimation" (1992), and one uniform kernel as a prior.
//
// A parameter that matters only under a condition is compared among the trials in which it does: with shares α of the best trials
// and β of all, its part of the divergence of the whole space is (α²/β) v; whether the condition holds is the other parameter's.
const (
	best     = 0.1 // γ': the share of trials that are the best
	fewest   = 5   // of them, where there are twice as many trials
	pedRows  = 10_000
	shuffles = 19 // so that a parameter without influence passes for Certain once in 20 times
)

// Importance says which parameters distinguish the best tenth of the trials from the others, in shares that add up to 1. It holds
// for parameters that matter under conditions too. Its error is ErrTooFew.
func (a *Analysis) Importance() (Report, error) {
	rows := a.activated(spread(a.completed(), pedRows))
	if len(rows) < 2*leastRows {
		return Report{}, ErrTooFew
	}
	top := bestRows(rows)
	p := &pearson{axes: axes(a.space), rows: rows}
	d := len(p.axes)
	report := Report{Trials: len(rows), Importances: make([]Importance, d)}
	v, sum := make([]float64, d), 0.0
	for j := range v {
		p.region(j)
		v[j] = p.divergence(j, top)
		sum += v[j]
		x := &report.Importances[j]
		x.Parameters, x.Certain = []int{j}, v[j] > 0
		rng := generator(j)
		order := make([]int, len(rows))
		for i := range order {
			order[i] = i
		}
		for range shuffles {
			for i := range top {
				k := i + rng.IntN(len(order)-i)
				order[i], order[k] = order[k], order[i]
			}
			by := p.divergence(j, order[:len(top)])
			x.Chance += by / shuffles
			x.Certain = x.Certain && v[j] > by
		}
	}
	for j := range v {
		if x := &report.Importances[j]; sum > 0 {
			x.Share, x.Chance = v[j]/sum, x.Chance/sum
		}
	}
	report.sort()
	return report, nil
}

// bestRows lists the best rows by index: a tenth of all or more, those that are equal included.
func bestRows(rows []row) []int {
	n := max(int(math.Ceil(best*float64(len(rows)))), min(fewest, len(rows)/2))
	cut := lowest(rows, n-1)
	var top []int
	for i, r := range rows {
		if r.value <= cut {
			top = append(top, i)
		}
	}
	return top
}

// pearson computes divergences of one parameter at a time.
type pearson struct {
	axes   []axis
	rows   []row
	all    []float64 // density of the parameter over the rows in which it is active
	active int       // how many these are
	counts []float64 // room
	p      []float64 // room
}

// region makes the density of a parameter over all rows.
func (p *pearson) region(j int) {
	x := p.axes[j]
	p.counts, p.p = make([]float64, x.cells), make([]float64, x.cells)
	p.active = 0
	for _, r := range p.rows {
		if r.active == nil || r.active[j] {
			p.counts[x.cell(r.Unit[j])]++
			p.active++
		}
	}
	p.all = slices.Clone(x.density(p.counts, float64(p.active), p.p))
}

// divergence is (α²/β) v of a parameter for those rows that are the best.
func (p *pearson) divergence(j int, top []int) float64 {
	x := p.axes[j]
	clear(p.counts)
	n := 0
	for _, i := range top {
		if r := p.rows[i]; r.active == nil || r.active[j] {
			p.counts[x.cell(r.Unit[j])]++
			n++
		}
	}
	if n == 0 || len(top) == len(p.rows) {
		return 0
	}
	v := 0.0
	for g, q := range x.density(p.counts, float64(n), p.p) {
		ratio := q/p.all[g] - 1
		v += p.all[g] * ratio * ratio
	}
	alpha, beta := float64(n)/float64(len(top)), float64(p.active)/float64(len(p.rows))
	return alpha * alpha / beta * v
}

// density smooths counts of n values over cells into a probability of each cell, in p.
func (x axis) density(counts []float64, n float64, p []float64) []float64 {
	prior := 1 / float64(x.cells)
	if !x.ordered || x.cells < 3 {
		for g, c := range counts {
			p[g] = (c + prior) / (n + 1)
		}
		return p
	}
	b := bandwidth(counts, n)
	for g := range p {
		p[g] = prior
	}
	cdf := make([]float64, 2*x.cells) // of a kernel at 0, up to the side before cell i - cells + 1
	for i := range cdf {
		cdf[i] = normal.CDF((float64(i-x.cells) + 0.5) / b)
	}
	for i, c := range counts {
		if c == 0 {
			continue
		}
		side := cdf[x.cells-1-i:]
		c /= side[x.cells] - side[0]
		for g := range p {
			p[g] += c * (side[g+1] - side[g])
		}
	}
	for g := range p {
		p[g] /= n + 1
	}
	return p
}

// bandwidth is Scott's, in cells: 1.059 min(interquartile range / 1.34, standard deviation) n^(-1/5), but no less than makes a
// kernel reach half a cell in 90 of 100 cases.
func bandwidth(counts []float64, n float64) float64 {
	mean, sum := 0.0, 0.0
	low, high := -1, -1
	for i, c := range counts {
		mean += c * float64(i) / n
		if sum += c; low < 0 && sum >= n/4 {
			low = i
		}
		if high < 0 && sum >= 3*n/4 {
			high = i
		}
	}
	variance := 0.0
	for i, c := range counts {
		variance += c * (float64(i) - mean) * (float64(i) - mean) / n
	}
	sigma := math.Sqrt(variance)
	if spread := float64(high-low) / 1.34; spread > 0 {
		sigma = min(sigma, spread)
	}
	return max(1.059*sigma*math.Pow(n, -0.2), 0.5/1.64)
}
