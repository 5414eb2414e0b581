package spec

import (
	"strings"
	"testing"

	"qalam/suggest"
	"qalam/suggest/stopping"
)

// TestRulesCountAsTheObjectiveDoes: a rule that has to know in which direction the user counts is told, unless the user says it.
func TestRulesCountAsTheObjectiveDoes(t *testing.T) {
	const text = `apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: x}
spec:
  maxTrialCount: 3
  objective: {type: maximize, objectiveMetricName: accuracy}
  algorithm: {algorithmName: random}
  earlyStopping:
    algorithmName: threshold
    algorithmSettings:
      - {name: lower, value: "0.5"}
  parameters:
    - name: lr
      parameterType: double
      feasibleSpace: {min: "0.1", max: "0.3"}
  trialTemplate:
    primaryContainerName: main
    trialParameters:
      - {name: lr, reference: lr}
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            restartPolicy: Never
            containers:
              - {name: main, image: python, command: [train, "${trialParameters.lr}"]}
`
	r := suggest.Builtin()
	r.StopRules = append(r.StopRules, stopping.StopRules()...)
	given := strings.Replace(text, "    algorithmSettings:\n", "    algorithmSettings:\n      - {name: objective_type, value: minimize}\n", 1)
	for text, want := range map[string]string{
		text: "maximize", strings.Replace(text, "maximize", "minimize", 1): "minimize", given: "minimize",
		strings.Replace(strings.Replace(text, "threshold", "patience", 1), "lower", "patience", 1): "",
	} {
		text = strings.Replace(text, `{name: patience, value: "0.5"}`, `{name: patience, value: "5"}`, 1)
		x, faults := Load([]File{{Name: "x.yaml", Data: []byte(text)}}, Options{Registry: r})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if got := x.Spec.EarlyStopping.Settings[suggest.ObjectiveType]; got != want {
			t.Errorf("got %q, want %q of %s", got, want, text)
		}
	}
}
