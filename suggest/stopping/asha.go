package stopping

import (
	"fmt"
	"math"

	"qalam/suggest"
	"qalam/suggest/quantile"
)

// asha is asynchronous successive halving in the form that stops and never resumes:
//
//	L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A. Talwalkar, "A system for massively
//	parallel hyperparameter tuning", MLSys 2020, algorithm 2 and section 3.2 (the promotion there is a trial that goes on here).
//
// In its letters: r is the least resource, R the greatest, η the reduction factor, s the early-stopping rate of a bracket. Rung k is
// at step r·η^(s+k) < R. A trial reaches it with its first report, in order of arrival, at that step or a later one, and has there
// the best value that it reported up to then. It goes on while that value is among the best max(1, ⌊n/η⌋) of the n values at
// the rung, those of running and of stopped trials included.
//
// A rung judges a trial until the trial reaches the next one, so that a trial which was let through while few others had come as
// far is stopped when better ones have.
type asha struct {
	r, R      float64 // in steps; R is +Inf where none is known
	eta       float64
	minTrials int
	startStep int // counted in reports
	brackets  []bracket
	shares    []float64     // of the trials that are given to each bracket; they add up to 1
	told      map[int]climb // by number
}

// bracket is the rungs that its trials climb, in increasing order.
type bracket []*rung

// rung holds the values of the trials that reached it.
type rung struct {
	step   float64
	values quantile.Split // at rank allowed
}

// climb is how far a trial has come, as far as it was told.
type climb struct {
	reports int // that were looked at
	rungs   int // that were reached
	best    float64
}

func newASHA(settings suggest.Settings) (suggest.Stopper, error) {
	return newHalving(settings, 1), nil
}

// newHyperband makes one bracket for each early-stopping rate, as in
//
//	L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: a novel bandit-based approach to hyperparameter
//	optimization", Journal of Machine Learning Research 18(185), 1-52 (2018), algorithm 1.
//
// A trial's bracket follows from its number, so that each gets trials in proportion to how many Hyperband starts in it,
// ⌈(s_max+1) η^s/(s+1)⌉ with s = s_max in the most aggressive one.
func newHyperband(settings suggest.Settings) (suggest.Stopper, error) {
	r, R, eta := settings.Float("min_resource"), settings.Float("max_resource"), settings.Float("reduction_factor")
	return newHalving(settings, 1+int(math.Floor(math.Log(max(R/r, 1))/math.Log(eta)+1e-9))), nil
}

func newHalving(settings suggest.Settings, brackets int) *asha {
	a := &asha{
		r: settings.Float("min_resource"), R: settings.Float("max_resource"), eta: settings.Float("reduction_factor"),
		minTrials: int(settings.Int("min_trials_required")), startStep: int(settings.Int("start_step")),
		brackets: make([]bracket, brackets), told: map[int]climb{},
	}
	if a.R <= 0 {
		a.R = math.Inf(1)
	}
	sum := 0.0
	for b := range brackets {
		s := float64(brackets - 1 - b)
		a.shares = append(a.shares, math.Ceil(float64(brackets)*math.Pow(a.eta, s)/(s+1)))
		sum += a.shares[b]
	}
	for b := range a.shares {
		a.shares[b] /= sum
	}
	return a
}

// bracketOf is the index of a trial's bracket. The numbers are spread by the golden ratio, evenly also in every stretch of them.
func (a *asha) bracketOf(number int) int {
	u := math.Mod(float64(number)*(math.Phi-1), 1)
	for b, share := range a.shares {
		if u -= share; u < 0 {
			return b
		}
	}
	return 0
}

// rung is rung k of a bracket; nil beyond the last.
func (a *asha) rung(b, k int) *rung {
	rungs := a.brackets[b]
	for len(rungs) <= k {
		step := a.r * math.Pow(a.eta, float64(b+len(rungs)))
		if !(step < a.R) || math.IsInf(step, 1) {
			return nil
		}
		rungs = append(rungs, &rung{step: step})
		a.brackets[b] = rungs
	}
	return rungs[k]
}

// allowed is how many of n trials may go on from a rung.
func (a *asha) allowed(n int) int { return max(1, int(float64(n)/a.eta)) }

// climb looks at the reports of a curve that were not looked at yet. at is called with each rung reached and the value there.
func (a *asha) climb(from climb, c suggest.Curve, at func(r *rung, value float64)) climb {
	if from.reports == 0 {
		from.best = math.Inf(1)
	}
	b := a.bracketOf(c.Number)
	for i := from.reports; i < len(c.Values); i++ {
		if v := c.Values[i]; finite(v) {
			from.best = min(from.best, v)
			for r := a.rung(b, from.rungs); r != nil && float64(stepOf(c, i)) >= r.step; r = a.rung(b, from.rungs) {
				at(r, from.best)
				from.rungs++
			}
		}
	}
	from.reports = max(from.reports, len(c.Values))
	return from
}

// Tell adds a trial's values at the rungs that it has newly reached, whatever its state.
func (a *asha) Tell(known suggest.Curve) {
	a.told[known.Number] = a.climb(a.told[known.Number], known, func(r *rung, value float64) {
		r.values.Add(value, a.allowed(r.values.Len()+1))
	})
}

// Judge compares a running trial with all others at the last rung that it reached.
func (a *asha) Judge(running suggest.Curve) suggest.Verdict {
	if len(running.Values) < a.startStep {
		return suggest.Verdict{}
	}
	var last *rung
	value := 0.0
	reached := a.climb(climb{}, running, func(r *rung, v float64) { last, value = r, v })
	if last == nil {
		return suggest.Verdict{}
	}
	n, level := last.values.Len(), last.values.Kth()
	if a.told[running.Number].rungs < reached.rungs { // its own value is not among them yet
		n++
		if a.allowed(n) > a.allowed(n-1) || n == 1 {
			level = last.values.Next() // of the others it may be behind all but those better than this one
		}
	}
	if n <= a.minTrials || value <= level {
		return suggest.Verdict{}
	}
	return suggest.Verdict{Stop: true, Reason: fmt.Sprintf(
		"its best value up to step %.6g, %.6g, is not among the best %d of the %d trials that came so far, which reach %.6g (smaller is better)",
		last.step, value, a.allowed(n), n, level)}
}
