package spec

import (
	"fmt"
	"strings"
	"testing"

	"qalam/experiment"
	"qalam/suggest"
	"qalam/suggest/nas"
)

const networks = `apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: x}
spec:
  maxTrialCount: 3
  objective: {type: maximize, objectiveMetricName: Validation-Accuracy}
  algorithm: {algorithmName: enas}
  nasConfig:
    graphConfig:
      numLayers: 2
      inputSizes: [32, 32, 3]
      outputSizes: [10]
    operations:
      - operationType: convolution
        parameters:
          - name: filter_size
            parameterType: categorical
            feasibleSpace: {list: ["3", "5"]}
      - operationType: dropout
        parameters:
          - name: rate
            parameterType: double
            feasibleSpace: {min: "0.1", max: "0.3", step: "0.1"}
  trialTemplate:
    primaryContainerName: main
    trialParameters:
      - {name: arch, reference: architecture}
      - {name: config, reference: nn_config}
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            restartPolicy: Never
            containers:
              - name: main
                image: python
                command: [python3, -u, RunTrial.py, '--architecture="${trialParameters.arch}"', "--nn_config='${trialParameters.config}'", '{"a": "${trialParameters.arch}"}']
`

func loadNetworks(text string) (*Experiment, Faults) {
	r := suggest.Builtin()
	r.Algorithms = append(r.Algorithms, nas.Algorithms()...)
	return Load([]File{{Name: "x.yaml", Data: []byte(text)}}, Options{Registry: r})
}

// TestArchitecturesRender checks that trials get the texts without the quotes that a shell would take away, and with those that
// are part of what they read.
func TestArchitecturesRender(t *testing.T) {
	x, faults := loadNetworks(networks)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if a := x.Spec.Architecture; a == nil || a.Layers != 2 || x.Spec.Problem().Architecture != a || x.Spec.Space.Len() != 3 {
		t.Fatalf("%+v", x.Spec)
	}
	job, err := x.Template.Render(x.Values(experiment.Trial{Name: "t", Assignment: []float64{1, 3, 1}}))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%q", job["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["command"])
	want := fmt.Sprintf("%q", []any{
		"python3", "-u", "RunTrial.py", "--architecture=[[1], [3, 1]]",
		"--nn_config={'num_layers': 2, 'input_sizes': [32, 32, 3], 'output_sizes': [10], 'embedding': {'1': {'opt_id': 1, 'opt_type': 'convolution', " +
			"'opt_params': {'filter_size': '5'}}, '3': {'opt_id': 3, 'opt_type': 'dropout', 'opt_params': {'rate': 0.2}}}}",
		`{"a": "[[1], [3, 1]]"}`,
	})
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestArchitectureFaults(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"      numLayers: 2\n", "", "9:5: error: spec.nasConfig.graphConfig.numLayers: Missing NumLayers in GraphConfig"},
		{"numLayers: 2", "numLayers: 0", "10:18: error: spec.nasConfig.graphConfig.numLayers: a network cannot have 0 layers"},
		{"      inputSizes: [32, 32, 3]\n", "", "Missing InputSizes in GraphConfig"},
		{"      outputSizes: [10]\n", "", "Missing OutputSizes in GraphConfig"},
		{"[10]", "[10, 0]", "12:25: error: spec.nasConfig.graphConfig.outputSizes[1]: must be greater than 0"},
		{"operationType: dropout\n        parameters", "parameters", "Missing operationType in Operation"},
		{`{list: ["3", "5"]}`, "{list: []}", "18:35: error: spec.nasConfig.operations[0].parameters[0].feasibleSpace.list: the list is empty"},
		{`, step: "0.1"`, "", "error: spec.nasConfig.operations[1].parameters[0].feasibleSpace.step: Step parameter should be > 0 in ParameterConfig.feasibleSpace"},
		{`step: "0.1"`, `step: "0"`, "feasibleSpace.step: must be greater than 0"},
		{`max: "0.3", `, "", "feasibleSpace.max or feasibleSpace.min must be specified for parameterType: double"},
		{`max: "0.3"`, `max: "0"`, "feasibleSpace.min: min 0.1 is greater than max 0"},
		{"name: rate", `name: ""`, "parameters[0].name: the name is empty"},
		{"parameterType: double", "parameterType: float", "parameterType: float is not supported"},
		{"reference: nn_config", "reference: nnconfig", "parameter reference nnconfig does not exist in what is written of an architecture"},
		{"name: enas", "name: enas", ""},
		{"algorithmName: enas", "algorithmName: random", ""},
		{"algorithmName: enas", "algorithmName: darts", "parameter reference architecture does not exist"},
		{"algorithmName: enas", `algorithmName: enas, algorithmSettings: [{name: controller_temperature, value: "-1"}]`, "-1 must be in range (0, inf)"},
		{"algorithmName: enas", `algorithmName: enas, algorithmSettings: [{name: controller_temperature, value: "None"}]`, ""},
	} {
		if strings.Count(networks, c.old) != 1 && c.want != "" {
			t.Fatalf("%q is there %d times", c.old, strings.Count(networks, c.old))
		}
		x, faults := loadNetworks(strings.Replace(networks, c.old, c.new, 1))
		if got := faults.Error(); c.want == "" && x == nil || !strings.Contains(got, c.want) {
			t.Errorf("%q: got\n%s\nwant %s", c.new, got, c.want)
		}
	}
}
