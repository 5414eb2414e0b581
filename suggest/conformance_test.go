package suggest_test

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func builtin(t testing.TB) []suggesttest.Options {
	var all []suggesttest.Options
	for _, o := range []suggesttest.Options{
		{Algorithm: suggest.Algorithm{Name: "random"}},
		{Algorithm: suggest.Algorithm{Name: "grid"}, DistinctBatch: true, Exhausts: true, Unseeded: true},
		{Algorithm: suggest.Algorithm{Name: "sobol"}},
	} {
		a, err := suggest.Builtin().Lookup(o.Algorithm.Name)
		if err != nil {
			t.Fatal(err)
		}
		o.Algorithm, o.OrderIndependent = a, true
		all = append(all, o)
	}
	return all
}

func TestConformance(t *testing.T) {
	for _, o := range builtin(t) {
		t.Run(o.Algorithm.Name, func(t *testing.T) { suggesttest.TestSuggester(t, o) })
	}
}

func BenchmarkAsk(b *testing.B) {
	for _, o := range builtin(b) {
		b.Run(o.Algorithm.Name, func(b *testing.B) { suggesttest.BenchmarkAsk(b, o) })
	}
}

func stopRule(t testing.TB, name string, settings suggest.Settings) suggesttest.StopperOptions {
	rule, err := suggest.Builtin().LookupStopRule(name)
	if err != nil {
		t.Fatal(err)
	}
	return suggesttest.StopperOptions{Rule: rule, Settings: settings, OrderIndependent: true, SparesBest: true, StopsHopeless: true}
}

func medianStop(t testing.TB) suggesttest.StopperOptions { return stopRule(t, "medianstop", nil) }

func TestStopperConformance(t *testing.T) {
	t.Run("medianstop", func(t *testing.T) { suggesttest.TestStopper(t, medianStop(t)) })
	t.Run("percentile", func(t *testing.T) { suggesttest.TestStopper(t, stopRule(t, "percentile", nil)) })
	t.Run("katib", func(t *testing.T) {
		o := stopRule(t, "medianstop", suggest.Settings{"compat": "katib"})
		o.OrderIndependent = false // rounding aside it does not
		suggesttest.TestStopper(t, o)
	})
}

func BenchmarkJudge(b *testing.B) { suggesttest.BenchmarkJudge(b, medianStop(b)) }

func BenchmarkTellCurve(b *testing.B) { suggesttest.BenchmarkTellCurve(b, medianStop(b)) }

// TestSobolAgainstRandom compares the best of 50 trials over 101 seeds. With Bonferroni's three comparisons an equally good sobol
// would fail one of them once in 300 times; the seeds are fixed, so it does not fail by chance.
func TestSobolAgainstRandom(t *testing.T) {
	algorithms := map[string]suggest.Algorithm{}
	for _, o := range builtin(t) {
		algorithms[o.Algorithm.Name] = o.Algorithm
	}
	for _, p := range []suggesttest.Problem{suggesttest.Branin(t), suggesttest.Hartmann6(t), suggesttest.Rosenbrock(t, 4)} {
		sobol := suggesttest.Regrets(t, algorithms["sobol"], nil, p, 50, 101)
		random := suggesttest.Regrets(t, algorithms["random"], nil, p, 50, 101)
		suggesttest.CheckNotWorse(t, p.Name, sobol, random, 0.001)
		t.Logf("%s: the chance that sobol is no better is %.2g", p.Name, suggesttest.RankSum(sobol, random))
	}
}
