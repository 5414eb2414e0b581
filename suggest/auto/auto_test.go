package auto_test

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/algorithms"
	"qalam/suggest/suggesttest"
)

func entry(t testing.TB) suggest.Algorithm {
	t.Helper()
	a, err := algorithms.All().Lookup("auto")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) {
	suggesttest.TestSuggester(t, suggesttest.Options{Algorithm: entry(t), OrderIndependent: true, DistinctBatch: true, Trials: 16})
}

func BenchmarkAsk(b *testing.B) {
	suggesttest.BenchmarkAsk(b, suggesttest.Options{Algorithm: entry(b)})
}
