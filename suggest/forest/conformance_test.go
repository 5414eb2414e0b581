package forest

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func options() suggesttest.Options {
	return suggesttest.Options{Algorithm: Algorithms()[0], OrderIndependent: true, DistinctBatch: true, Trials: 10}
}

func TestConformance(t *testing.T) {
	suggesttest.TestSuggester(t, options())
}

// TestConformanceFew is that of a few trees that are asked at once.
func TestConformanceFew(t *testing.T) {
	o := options()
	o.Settings = suggest.Settings{"n_trees": "3", "n_startup_trials": "1"}
	o.LongTrials, o.Trials = 5_000, 8
	suggesttest.TestSuggester(t, o)
}

func BenchmarkAsk(b *testing.B) { suggesttest.BenchmarkAsk(b, options()) }
