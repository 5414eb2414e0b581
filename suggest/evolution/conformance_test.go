package evolution_test

import (
	"fmt"
	"testing"

	"qalam/suggest"
	"qalam/suggest/evolution"
	"qalam/suggest/suggesttest"
)

func variants() []suggesttest.Options {
	var all []suggesttest.Options
	for _, a := range evolution.Algorithms() {
		all = append(all,
			suggesttest.Options{Algorithm: a, OrderIndependent: true, DistinctBatch: true, Settings: suggest.Settings{"population_size": "6"}, LongTrials: 20_000},
			suggesttest.Options{Algorithm: a, OrderIndependent: true, MaxTrials: 80, Trials: 60},
		)
	}
	return all
}

func TestConformance(t *testing.T) {
	for i, o := range variants() {
		t.Run(fmt.Sprintf("%s %d", o.Algorithm.Name, i), func(t *testing.T) { suggesttest.TestSuggester(t, o) })
	}
}

func BenchmarkAsk(b *testing.B) {
	for _, o := range variants()[1:] {
		b.Run(o.Algorithm.Name, func(b *testing.B) { suggesttest.BenchmarkAsk(b, o) })
	}
}
