package spec

import (
	"strings"
	"testing"

	"qalam/suggest"
)

// TestDefaultAlgorithm: where there is auto, it searches parameters for which no algorithm is named; architectures need a name.
func TestDefaultAlgorithm(t *testing.T) {
	r := suggest.Builtin()
	auto := r.Algorithms[0]
	auto.Name = "auto"
	r.Algorithms = append(r.Algorithms, auto)
	const experiment = `
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: x}
spec:
  objective: {type: minimize, objectiveMetricName: loss}
  ALGORITHM
  maxTrialCount: 3
  PARAMETERS
  trialTemplate:
    primaryContainerName: main
    trialParameters: [{name: lr, reference: lr}]
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: a, command: [train, "${trialParameters.lr}"]}]}}}
`
	const parameters = `parameters: [{name: lr, parameterType: double, feasibleSpace: {min: "0", max: "1"}}]`
	for _, c := range []struct{ algorithm, parameters, want string }{
		{"", parameters, ""},
		{"algorithm: {}", parameters, ""},
		{`algorithm: {algorithmName: ""}`, parameters, ""},
		{"algorithm: {algorithmName: [random]}", parameters, "spec.algorithm.algorithmName: must be a text"},
		{"", "nasConfig: {graphConfig: {numLayers: 1}}", "spec.algorithm: must be specified"},
	} {
		text := strings.NewReplacer("ALGORITHM", c.algorithm, "PARAMETERS", c.parameters).Replace(experiment)
		x, faults := Load([]File{{Name: "x.yaml", Data: []byte(text)}}, Options{Registry: r})
		if c.want != "" {
			if x != nil || !strings.Contains(faults.Error(), c.want) {
				t.Errorf("%q: %v, want %q", c.algorithm, faults, c.want)
			}
			continue
		}
		if x == nil || x.Spec.Algorithm.Name != "auto" || x.Wire.Spec.Algorithm.AlgorithmName != "auto" {
			t.Errorf("%q: %v", c.algorithm, faults)
		}
	}
}
