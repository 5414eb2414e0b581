package hyperband

import (
	"cmp"
	"math"
	"slices"
)

// Progressive asynchronous successive halving,
//
//	O. Bohdal, L. Balles, M. Wistuba, B. Ermis, C. Archambeau, G. Zappella, "PASHA: efficient HPO and NAS with progressive resource
//	allocation", ICLR 2023,
//
// is asha that goes up to rung 1 only, until the ranking of the configurations at the highest allowed rung differs from their
// ranking at the one below it (algorithm 1): then the next rung is allowed too. Rankings are soft (section 4.2): configurations
// whose values are within ε of each other may stand in either order.
//
// Two things are different here. What is allowed follows from the results known, not from the order in which they came, so
// that a rung counts as allowed as well when a trial is at it. And ε, in the paper the 90th percentile of the differences of pairs that change
// order twice from epoch to epoch, is that of pairs that change order twice from rung to rung, as no other values are known
// here; with two rungs there is none, ε is 0, and any change of order allows the third.

// mostRanked is how many configurations are ranked, the best ones: what it costs stays the same, and the others are never promoted.
const mostRanked = 64

// top is the highest rung that is allowed.
func (a *asha) top() int {
	last := len(a.rungs) - 1
	if !a.progressive {
		return last
	}
	top := min(1, last)
	for top < last && (a.rungs[top+1].trials > 0 || a.disagrees(top)) {
		top++
	}
	return top
}

// disagrees reports whether the ranking at a rung is another than at the one below.
func (a *asha) disagrees(top int) bool {
	ranked := a.ranked(top)
	e := epsilon(ranked)
	below := slices.Clone(ranked)
	slices.SortStableFunc(below, func(p, q []float64) int { return cmp.Compare(p[top-1], q[top-1]) })
	for i := range ranked {
		if math.Abs(ranked[i][top-1]-below[i][top-1]) > e {
			return true
		}
	}
	return false
}

// ranked are the values at the rungs 0 to top, NaN where there is none, of the best configurations at rung top, best first. Those
// that have no value at the rung below are left out.
func (a *asha) ranked(top int) [][]float64 {
	var ranked [][]float64
	left := 4 * mostRanked
	for _, b := range a.rungs[top].over.blocks {
		for _, e := range b {
			if left--; left < 0 || len(ranked) == mostRanked || math.IsInf(e.value, 1) {
				return ranked
			}
			values := make([]float64, top+1)
			for k := range top {
				values[k] = math.NaN()
				if s := a.at[place{e.config, k}]; s != nil {
					for _, at := range s.over {
						if !math.IsInf(at.value, 1) && !(at.value >= values[k]) {
							values[k] = at.value
						}
					}
				}
			}
			values[top] = e.value
			if !math.IsNaN(values[top-1]) {
				ranked = append(ranked, values)
			}
		}
	}
	return ranked
}

// epsilon is the 90th percentile of the last differences of the pairs whose order changes twice or more; 0 where there is none.
func epsilon(ranked [][]float64) float64 {
	var differences []float64
	for i, p := range ranked {
		for _, q := range ranked[:i] {
			changes, last := 0, 0.0
			for k := range p {
				d := p[k] - q[k]
				if d*last < 0 {
					changes++
				}
				if d != 0 && !math.IsNaN(d) {
					last = d / math.Abs(d)
				}
			}
			if changes >= 2 {
				differences = append(differences, math.Abs(p[len(p)-1]-q[len(q)-1]))
			}
		}
	}
	if len(differences) == 0 {
		return 0
	}
	slices.Sort(differences)
	return differences[int(math.Ceil(0.9*float64(len(differences))))-1]
}
