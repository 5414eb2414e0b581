package gp

import (
	"testing"

	"qalam/suggest/suggesttest"
)

func options() suggesttest.Options {
	return suggesttest.Options{Algorithm: Algorithms()[1], OrderIndependent: true, DistinctBatch: true, Exhausts: true, Trials: 8, LongTrials: 30_000}
}

func TestConformance(t *testing.T) {
	suggesttest.TestSuggester(t, options())
}

func BenchmarkAsk(b *testing.B) { suggesttest.BenchmarkAsk(b, options()) }
