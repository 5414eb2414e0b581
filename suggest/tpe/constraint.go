package tpe

import (
	"math"
	"slices"

	"qalam/suggest"
)

// Constraints that are observed, as in
//
//	S. Watanabe, F. Hutter, "c-TPE: tree-structured Parzen estimator with inequality constraints for expensive hyperparameter
//	optimization", IJCAI 2023:
//
// each constraint i splits the trials into those that keep it and those that do not, with densities l_i and g_i like the
// objective's. What is maximised is the product of the relative density ratios r_i = 1 / (γ_i + (1-γ_i)·g_i/l_i), γ_i being the
// share of the trials that l_i is made of. Unlike there, the objective's good trials are the first of the order above, feasible
// ones as long as there are some: on our problems that comes as close to a border and finds the feasible region no later. tpe, too,
// has densities over all parameters then: a constraint says little of one parameter by itself (medians of regret after 100 trials
// without and with that: gardner2 5.1 and 0.0023, hart6c 0.63 and 0.071).

// constraint is what is known of one of them.
type constraint struct {
	estimators
	share  float64 // γ
	active bool    // some trials keep it and some do not, so that there is something to learn
}

// learnConstraints builds the densities of every constraint.
func (t *suggester) learnConstraints() {
	for i := range t.constraints {
		c := &t.constraints[i]
		limit := t.limit(i)
		keeps := func(trial *trial) (keeps, known bool) {
			v, known := violation(trial.record, i)
			return v <= limit, known
		}
		build := func(m *mixture, rule kernels, side bool) float64 {
			points, weights := t.sample.without(func(trial *trial) bool {
				k, known := keeps(trial)
				return !known || k != side
			}, t.points[:0], t.weights[:0])
			t.points, t.weights = points, weights
			if len(points) > 0 {
				m.build(points, weights, rule)
			}
			sum := 0.0
			for _, w := range weights {
				sum += w
			}
			return sum
		}
		kept, broken := build(c.l, t.many, true), build(c.g, t.many, false)
		c.active = kept > 0 && broken > 0
		c.share = kept / (kept + broken)
	}
}

// violation is how far a trial violates constraint i; known is false where that is not known.
func violation(r *suggest.Record, i int) (v float64, known bool) {
	if classOf(&r.Outcome) == unusable || i >= len(r.Violations) || math.IsNaN(r.Violations[i]) {
		return 0, false
	}
	return r.Violations[i], true
}

// limit is up to which value a constraint counts as kept: 0, or where no trial keeps it, such that the best tenth does.
func (t *suggester) limit(i int) float64 {
	var all []float64
	for _, trial := range t.sample.all {
		if v, known := violation(trial.record, i); known {
			if v <= 0 {
				return 0
			}
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/10]
}

// ratio is ln r of a constraint, or of the objective, at x.
func (c *constraint) ratio(x *point) float64 {
	return -math.Log(c.share + (1-c.share)*math.Exp(min(700, c.g.log(x)-c.l.log(x))))
}
