package hyperband

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func algorithm(t testing.TB, name string) suggest.Algorithm {
	t.Helper()
	a, err := all().Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func options(t testing.TB) []suggesttest.Options {
	layers := suggest.Settings{"resource_name": "layers", "r_l": "8", "eta": "2"}
	width := suggest.Settings{"resource_name": "width", "r_l": "1000", "min_resource": "30"}
	return []suggesttest.Options{
		{Algorithm: algorithm(t, "asha"), Settings: layers, OrderIndependent: true},
		{Algorithm: algorithm(t, "pasha"), Settings: width, OrderIndependent: true},
		{Algorithm: algorithm(t, "hyperband"), Settings: layers, OrderIndependent: true},
		{Algorithm: algorithm(t, "hyperband"), Settings: width, OrderIndependent: true, Trials: 150},
		{Algorithm: algorithm(t, "hyperband"), Settings: suggest.Settings{"resource_name": "layers", "brackets": "fixed"}, OrderIndependent: true},
		{Algorithm: algorithm(t, "bohb"), Settings: width, OrderIndependent: true},
		{Algorithm: algorithm(t, "dehb"), Settings: width, OrderIndependent: true, Trials: 100},
		{Algorithm: algorithm(t, "freezethaw"), Settings: layers, OrderIndependent: true},
		{Algorithm: algorithm(t, "freezethaw"), Settings: width, OrderIndependent: true, Trials: 80},
	}
}

func TestConformance(t *testing.T) {
	for _, o := range options(t) {
		t.Run(o.Algorithm.Name+" of "+o.Settings["resource_name"]+o.Settings["brackets"], func(t *testing.T) { suggesttest.TestSuggester(t, o) })
	}
}

func BenchmarkAsk(b *testing.B) {
	for _, o := range options(b) {
		b.Run(o.Algorithm.Name+" of "+o.Settings["resource_name"]+o.Settings["brackets"], func(b *testing.B) { suggesttest.BenchmarkAsk(b, o) })
	}
}
