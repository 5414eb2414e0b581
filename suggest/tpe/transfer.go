package tpe

import (
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// What earlier experiments found. The densities l_e and g_e of each earlier experiment e make a score ln l_e(x)/g_e(x), which is
// added to that of this experiment with a weight: how well it agrees with what this experiment found by itself, and less with
// every result, as a user's prior is in
//
//	C. Hvarfner et al., "πBO: augmenting acquisition functions with user beliefs for Bayesian optimization", ICLR 2022.
//
// The agreement is Kendall's τ between the scores and the values of this experiment's trials, less its standard deviation where both
// have nothing to do with each other, √(2 (2n + 5) / (9 n (n - 1))) for n trials (M. G. Kendall, "A new measure of rank correlation",
// Biometrika 30, 81-93 (1938)), and no less than 0: an experiment that agrees by chance would mislead.

const (
	maxEarlier = 8       // experiments learned from, the latest
	faith      = 10      // results of this experiment by which the weight of an earlier one has halved
	compared   = 48      // trials by which agreement is judged
	forgotten  = ordered // results of this experiment from which on earlier ones say nothing new
)

// earlier is one earlier experiment.
type earlier struct {
	estimators
	best   space.Assignment
	weight float64
}

// newEarlier learns the earlier experiments of a problem: those with enough trials.
func (t *suggester) newEarlier(p suggest.Problem, over []int) {
	latest := p.Earlier[max(0, len(p.Earlier)-maxEarlier):]
	for _, outcomes := range slices.Backward(latest) {
		h := suggest.NewHistory(t.space)
		h.Tell(numbered(outcomes))
		r := ranking{total: h.Len()}
		r.sync(h)
		const least = 5
		if r.total < least || classOf(&r.records[0].Outcome) != completed {
			continue
		}
		s := newSample(t.space, t.axes)
		s.stale = true
		s.sync(h)
		records, weights := r.best(t.goodOf(r.total), t.improvement)
		e := earlier{
			estimators: estimators{newMixture(t.axes, over), newMixture(t.axes, over)},
			best:       records[0].Assignment,
		}
		good, many, shares := s.split(records)
		e.l.build(good, weights, t.good)
		e.g.build(many, shares, t.many)
		t.earlier = append(t.earlier, e)
	}
}

// numbered gives outcomes numbers of their own: experiments may have been put together.
func numbered(outcomes []suggest.Outcome) []suggest.Outcome {
	outcomes = slices.Clone(outcomes)
	for i := range outcomes {
		outcomes[i].Number = i + 1
	}
	return outcomes
}

// weigh finds how much the earlier experiments count.
func (t *suggester) weigh() {
	if t.results > forgotten {
		for i := range t.earlier {
			t.earlier[i].weight = 0
		}
		return
	}
	records := t.ranking.records
	n := min(compared, len(records))
	x := t.newPoint()
	for i := range t.earlier {
		e := &t.earlier[i]
		scores := make([]float64, n)
		for k := range scores { // spread over the ranks, so that the order is that of k
			t.place(x, records[k*len(records)/n].Assignment)
			scores[k] = e.score(x)
		}
		const belief = 3 // trials that agreement is worth before there are any
		agree := ((kendall(scores)-chance(n))*float64(n) + belief) / float64(n+belief)
		e.weight = max(0, agree) * faith / (faith + float64(t.results))
	}
}

// kendall is the rank correlation between how scores fall and their order: 1 where they fall all along, -1 where they rise.
func kendall(scores []float64) float64 {
	agree, pairs := 0, 0
	for i, a := range scores {
		for _, b := range scores[i+1:] {
			pairs++
			if a > b {
				agree++
			} else if a < b {
				agree--
			}
		}
	}
	return float64(agree) / math.Max(1, float64(pairs))
}

// chance is the standard deviation of Kendall's τ for n trials whose order means nothing.
func chance(n int) float64 {
	if n < 2 {
		return 0
	}
	m := float64(n)
	return math.Sqrt(2 * (2*m + 5) / (9 * m * (m - 1)))
}

func (e *estimators) score(x *point) float64 { return e.l.log(x) - e.g.log(x) }
