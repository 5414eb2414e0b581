package cmaes_test

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/cmaes"
	"qalam/suggest/suggesttest"
)

func variants() map[string]suggesttest.Options {
	algorithm := cmaes.Algorithms()[0]
	return map[string]suggesttest.Options{
		"default": {Algorithm: algorithm, OrderIndependent: true, DistinctBatch: true, Trials: 60},
		"ipop":    {Algorithm: algorithm, OrderIndependent: true, DistinctBatch: true, LongTrials: 10_000, Settings: suggest.Settings{"restart_strategy": "ipop", "sigma": "0.3"}},
		"bipop":   {Algorithm: algorithm, OrderIndependent: true, DistinctBatch: true, LongTrials: 10_000, Settings: suggest.Settings{"restart_strategy": "bipop", "random_state": "7"}},
	}
}

func TestConformance(t *testing.T) {
	for name, o := range variants() {
		t.Run(name, func(t *testing.T) {
			if o.Settings["random_state"] != "" {
				o.Unseeded = true
			}
			suggesttest.TestSuggester(t, o)
		})
	}
}

func BenchmarkAsk(b *testing.B) { suggesttest.BenchmarkAsk(b, variants()["default"]) }
