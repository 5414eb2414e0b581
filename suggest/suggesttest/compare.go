package suggesttest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"qalam/suggest"
)

// Regrets runs an algorithm on a problem, one trial after the other, once for each seed from 1, and returns for each run how far
// its best value stayed above the minimum.
func Regrets(t testing.TB, a suggest.Algorithm, settings suggest.Settings, p Problem, trials, seeds int) []float64 {
	t.Helper()
	o := Options{Algorithm: a, Settings: settings}
	regrets := make([]float64, seeds)
	for i := range regrets {
		suggester := o.make(t, p.Space, uint64(i+1))
		if suggester == nil {
			t.Fatalf("%s does not support %s", a.Name, p.Name)
		}
		best := math.Inf(1)
		for number := 1; number <= trials; number++ {
			suggestions, err := suggester.Ask(number, 1)
			if errors.Is(err, suggest.ErrExhausted) {
				break
			}
			if problem := checkAnswer(p.Space, suggestions, 1, err); problem != nil || len(suggestions) == 0 {
				t.Fatalf("%s on %s, trial %d: %v %v", a.Name, p.Name, number, problem, err)
			}
			value := p.Value(suggestions[0].Assignment)
			best = min(best, value)
			outcome := suggest.Outcome{Number: number, Assignment: suggestions[0].Assignment, State: suggest.Completed, Value: value}
			if err := suggester.Tell([]suggest.Outcome{outcome}); err != nil {
				t.Fatal(err)
			}
		}
		regrets[i] = best - p.Minimum
	}
	return regrets
}

// RankSum is the chance that samples of one and the same distribution show a as far below b as they are, or farther: the
// one-sided test of Wilcoxon, Mann and Whitney in its normal approximation with the correction for ties, good from about ten
// values on each side.
//
// H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the other", Annals of
// Mathematical Statistics 18(1), 50-60 (1947).
func RankSum(a, b []float64) float64 {
	na, nb := float64(len(a)), float64(len(b))
	all := slices.Concat(a, b)
	slices.Sort(all)
	rank := func(v float64) float64 { // the mean rank of v and its ties, from 1
		low, _ := slices.BinarySearch(all, v)
		high := low
		for high < len(all) && all[high] == v {
			high++
		}
		return float64(low+high+1) / 2
	}
	sum := 0.0
	for _, v := range a {
		sum += rank(v)
	}
	n, ties := na+nb, 0.0
	for i := 0; i < len(all); {
		run := 1
		for i+run < len(all) && all[i+run] == all[i] {
			run++
		}
		ties += float64(run*run*run - run)
		i += run
	}
	variance := na * nb / 12 * (n + 1 - ties/(n*(n-1)))
	if !(variance > 0) {
		return 0.5 // all equal, or too few to tell
	}
	u := sum - na*(na+1)/2 // small when a is small
	z := (u - na*nb/2 + 0.5) / math.Sqrt(variance)
	return math.Erfc(-z/math.Sqrt2) / 2
}

// CheckBetter fails unless the regrets of the candidate are smaller than those of the reference beyond chance: were both
// equally good, the check would pass with the odds given (0.001 is one in a thousand).
func CheckBetter(t testing.TB, what string, candidate, reference []float64, odds float64) {
	t.Helper()
	if p := RankSum(candidate, reference); p > odds {
		t.Errorf("%s: not better than the reference: p = %.2g, wanted %g; median regret %.4g against %.4g",
			what, p, odds, middleOf(candidate), middleOf(reference))
	}
}

// CheckNotWorse fails when the regrets of the candidate are larger than those of the reference beyond chance: were both equally
// good, the check would fail with the odds given.
func CheckNotWorse(t testing.TB, what string, candidate, reference []float64, odds float64) {
	t.Helper()
	if p := RankSum(reference, candidate); p < odds {
		t.Errorf("%s: worse than the reference: p = %.2g; median regret %.4g against %.4g",
			what, p, middleOf(candidate), middleOf(reference))
	}
}

func middleOf(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
