package spec_test

import (
	"fmt"
	"slices"
	"testing"

	"qalam/spec"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

const searched = `
objective: {type: minimize, objectiveMetricName: loss}
algorithm:
  algorithmName: %s
  algorithmSettings: [%s]
seed: %d
maxTrialCount: 40
%s
`

const parameters = `parameters:
- {name: lr, parameterType: double, feasibleSpace: {min: "0.001", max: "1", distribution: logUniform}}
- {name: momentum, parameterType: double, feasibleSpace: {min: "0", max: "0.99"}}
- {name: epochs, parameterType: int, feasibleSpace: {min: "1", max: "27"}}
`

const categories = `parameters:
- {name: a, parameterType: categorical, feasibleSpace: {list: [p, q, r, s, t, u]}}
- {name: b, parameterType: categorical, feasibleSpace: {list: [p, q, r, s, t, u]}}
- {name: c, parameterType: categorical, feasibleSpace: {list: [p, q, r, s, t, u]}}
`

const network = `nasConfig:
  graphConfig: {numLayers: 4, inputSizes: [32, 32, 3], outputSizes: [10]}
  operations:
  - operationType: convolution
    parameters:
    - {name: filter_size, parameterType: categorical, feasibleSpace: {list: ["3", "5"]}}
    - {name: num_filter, parameterType: categorical, feasibleSpace: {list: ["32", "64"]}}
    - {name: stride, parameterType: categorical, feasibleSpace: {list: ["1", "2"]}}
`

// TestSeedOfTheExperiment gives every algorithm the seed of the file: the same seed suggests the same, another one something else,
// but for those that draw nothing.
func TestSeedOfTheExperiment(t *testing.T) {
	settings := map[string]string{"pbt": "{name: suggestion_trial_dir, value: /opt/c}", "pb2": "{name: suggestion_trial_dir, value: /opt/c}"}
	for _, name := range []string{"hyperband", "asha", "pasha", "dehb", "bohb", "freezethaw"} {
		settings[name] = "{name: resource_name, value: epochs}"
	}
	drawsNothing := []string{"darts", "grid"}
	for _, a := range algorithms.All().Algorithms {
		t.Run(a.Name, func(t *testing.T) {
			suggested := func(seed int) string {
				var faults spec.Faults
				var x *spec.Experiment
				for _, space := range []string{parameters, categories, network} {
					text := fmt.Sprintf(searched, a.Name, settings[a.Name], seed, space)
					x, faults = spec.LoadSearch([]spec.File{{Name: "x.yaml", Data: []byte(text)}}, spec.Options{Registry: algorithms.All()})
					if faults.Err() == nil {
						break
					}
				}
				if err := faults.Err(); err != nil {
					t.Fatal(err)
				}
				s, err := algorithms.All().NewSuggester(a.Name, x.Spec.Problem(), x.Spec.Algorithm.Settings)
				if err != nil {
					t.Fatal(err)
				}
				var out []suggest.Outcome
				for number := 1; number <= 6; number++ {
					g, err := s.Ask(number, 1)
					if err != nil || len(g) == 0 {
						break // it waits for results, or has no more
					}
					o := suggest.Outcome{Number: number, Assignment: g[0].Assignment, Labels: g[0].Labels, State: suggest.Completed, Value: float64(number % 4)}
					out = append(out, o)
					if err := s.Tell([]suggest.Outcome{o}); err != nil {
						t.Fatal(err)
					}
				}
				if len(out) == 0 {
					t.Fatal("it suggests nothing")
				}
				return fmt.Sprint(out)
			}
			first := suggested(7)
			if first != suggested(7) {
				t.Error("the same seed suggests something else")
			}
			if same := first == suggested(8); same != slices.Contains(drawsNothing, a.Name) {
				t.Errorf("another seed suggests the same: %v", same)
			}
		})
	}
}
