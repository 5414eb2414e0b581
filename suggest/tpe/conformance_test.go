package tpe_test

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
	"qalam/suggest/tpe"
)

func algorithm(t testing.TB, name string) suggest.Algorithm {
	t.Helper()
	a, err := suggest.Registry{Algorithms: tpe.Algorithms()}.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func options(t testing.TB) map[string]suggesttest.Options {
	return map[string]suggesttest.Options{
		"tpe":              {Algorithm: algorithm(t, "tpe")},
		"multivariate-tpe": {Algorithm: algorithm(t, "multivariate-tpe")},
		"few candidates":   {Algorithm: algorithm(t, "motpe"), Settings: suggest.Settings{"n_startup_trials": "1", "n_ei_candidates": "2"}},
	}
}

func TestConformance(t *testing.T) {
	for name, o := range options(t) {
		o.OrderIndependent, o.DistinctBatch, o.Exhausts = true, true, true
		t.Run(name, func(t *testing.T) { suggesttest.TestSuggester(t, o) })
	}
}

func BenchmarkAsk(b *testing.B) {
	for name, o := range options(b) {
		b.Run(name, func(b *testing.B) { suggesttest.BenchmarkAsk(b, o) })
	}
}
