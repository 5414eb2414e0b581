package nas

import (
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func network(t testing.TB, layers int, algorithm string) (*suggest.Architecture, *space.Space) {
	t.Helper()
	a := &suggest.Architecture{
		Layers: layers, InputSizes: []int{32, 32, 3}, OutputSizes: []int{10},
		Operations: []suggest.Operation{
			{Type: "convolution", Parameters: []space.Parameter{
				{Name: "filter_size", Type: space.Categorical, List: []string{"3", "5"}}, {Name: "stride", Type: space.Categorical, List: []string{"1", "2"}},
			}},
			{Type: "reduction", Parameters: []space.Parameter{{Name: "pool_size", Type: space.Int, Min: 2, Max: 3}}},
		},
	}
	s, err := Space(a, algorithm, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a, s
}

func options(t testing.TB) map[string]suggesttest.Options {
	all := map[string]suggesttest.Options{}
	for name, x := range map[string]struct {
		layers   int
		settings suggest.Settings
	}{
		"rl":        {3, suggest.Settings{"controller_hidden_size": "12"}},
		"bare rl":   {3, suggest.Settings{"controller_hidden_size": "8", "controller_temperature": "None", "controller_tanh_const": "None", "controller_skip_weight": "0.8", "controller_skip_target": "1", "controller_entropy_weight": "None"}},
		"one layer": {1, suggest.Settings{"controller_hidden_size": "8"}},
		"evolution": {4, suggest.Settings{"controller": "evolution"}},
	} {
		o := suggesttest.Options{Algorithm: enasAlgorithm(), Settings: x.settings, OrderIndependent: true, Trials: 24}
		o.Architecture, o.Space = network(t, x.layers, "enas")
		all[name] = o
	}
	o := suggesttest.Options{Algorithm: dartsAlgorithm(), OrderIndependent: true, Unseeded: true}
	o.Architecture, o.Space = network(t, 4, "darts")
	all["darts"] = o
	return all
}

func TestConformance(t *testing.T) {
	for name, o := range options(t) {
		t.Run(name, func(t *testing.T) { suggesttest.TestSuggester(t, o) })
	}
}

// BenchmarkAsk has networks of 12 layers beside the conformance suite's.
func BenchmarkAsk(b *testing.B) {
	all := options(b)
	deep := suggesttest.Options{Algorithm: enasAlgorithm()}
	deep.Architecture, deep.Space = network(b, 12, "enas")
	all["rl, 12 layers"] = deep
	for name, o := range all {
		b.Run(name, func(b *testing.B) { suggesttest.BenchmarkAsk(b, o) })
	}
}
