package spec

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"qalam/api/v1beta1"
	"qalam/experiment"
	"qalam/suggest"
)

func mustLoad(t testing.TB, text string) *Experiment {
	t.Helper()
	x, faults := load(text)
	if x == nil {
		t.Fatal(faults)
	}
	return x
}

func TestFilesGoTogether(t *testing.T) {
	config := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\nbinaryData: {d: ZQ==}"
	secret := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\ndata: {c: ZA==}\n"
	o := Options{Registry: suggest.Builtin()}
	x, faults := Load([]File{{"c.yaml", []byte(config)}, {"x.yaml", []byte("\ufeff" + tutorial)}, {"s.yaml", []byte(secret)}}, o)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := map[string]Document{
		"ConfigMap/c": {Data: map[string][]byte{"a": []byte("b"), "d": []byte("e")}},
		"Secret/s":    {Data: map[string][]byte{"a": []byte("b"), "c": []byte("d")}, Secret: true},
	}
	if diff := cmp.Diff(want, x.Documents); diff != "" {
		t.Error(diff)
	}
	again, faults := Load([]File{{"store", x.Source}}, o)
	if again == nil || len(faults) > 0 {
		t.Fatal(faults)
	}
	if diff := cmp.Diff(x.Wire, again.Wire); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, again.Documents); diff != "" {
		t.Error(diff)
	}
}

func TestOneOfSeveralIsStoredAlone(t *testing.T) {
	other := strings.Replace(tutorial, "name: pytorchjob-mnist", "name: other", 1)
	o := Options{Registry: suggest.Builtin(), Name: "other"}
	x, faults := Load([]File{{"x.yaml", []byte(tutorial + "---\n" + other)}}, o)
	if x == nil || x.Spec.Name != "other" {
		t.Fatal(faults)
	}
	again, faults := Load([]File{{"store", x.Source}}, Options{Registry: suggest.Builtin()})
	if again == nil {
		t.Fatal(faults)
	}
	if diff := cmp.Diff(x.Wire, again.Wire); diff != "" {
		t.Error(diff)
	}
}

func TestSeedOfTheUser(t *testing.T) {
	if x := mustLoad(t, tutorial); x.Wire.Spec.Seed != nil || x.Spec.Seed != 0 {
		t.Errorf("seed %v, %d", x.Wire.Spec.Seed, x.Spec.Seed)
	}
	if x := mustLoad(t, strings.Replace(tutorial, "spec:\n", "spec:\n  seed: 7\n", 1)); x.Wire.Spec.Seed == nil || x.Spec.Seed != 7 {
		t.Errorf("seed %v, %d", x.Wire.Spec.Seed, x.Spec.Seed)
	}
}

func TestCheckEdit(t *testing.T) {
	before := mustLoad(t, tutorial)
	for _, tt := range []struct{ old, new, want string }{
		{"maxTrialCount: 12", "maxTrialCount: 5", ""},
		{"parallelTrialCount: 3", "parallelTrialCount: 2", ""},
		{"  maxFailedTrialCount: 3\n", "", ""},
		{"spec:\n", "spec:\n  seed: 3\n", "spec.seed"},
		{"goal: 0.001", "goal: 0.002", "spec.objective.goal"},
		{`min: "0.01"`, `min: "0.02"`, "spec.parameters[0].feasibleSpace.min"},
		{"algorithmName: random", "algorithmName: sobol", "spec.algorithm.algorithmName"},
		{"restartPolicy: OnFailure", "restartPolicy: Never", "spec.trialTemplate.trialSpec"},
		{"name: pytorchjob-mnist", "name: other", "metadata"},
	} {
		err := CheckEdit(before, mustLoad(t, strings.Replace(tutorial, tt.old, tt.new, 1)))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.new, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want+": ")):
			t.Errorf("%s: %v", tt.new, err)
		}
	}
	seeded := mustLoad(t, strings.Replace(tutorial, "spec:\n", "spec:\n  seed: 3\n", 1))
	if err := CheckEdit(seeded, before); err != nil {
		t.Errorf("a seed that was drawn: %v", err)
	}
	after := mustLoad(t, strings.Replace(tutorial, "maxTrialCount: 12", "maxTrialCount: 20", 1))
	e := Edited(before, after)
	if e.Parallel != nil || e.MaxFailed != nil || e.Max == nil || *e.Max != 20 {
		t.Errorf("%+v", e)
	}
}

func TestWire(t *testing.T) {
	x := mustLoad(t, tutorial)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	suggestion := suggest.Suggestion{Assignment: x.Spec.Space.Sample(rand.New(rand.NewPCG(1, 2))), Note: "TPE, for there are 7 results"}
	trial := experiment.NewTrial(x.Spec, "uid", 1, suggestion, at)
	trial.State, trial.Reason, trial.Message = experiment.TrialSucceeded, "TrialSucceeded", "Trial has succeeded"
	trial.Running, trial.Completed = at.Add(time.Second), at.Add(time.Minute)
	trial.Observation = experiment.Observation{{Name: "loss", Min: "0.1", Max: "0.9", Latest: "0.2", Value: 0.1}}
	w, err := x.ToTrial(trial)
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != trial.Name || w.Labels[LabelExperiment] != "pytorchjob-mnist" || w.Spec.PrimaryContainerName != "pytorch" ||
		w.Annotations[AnnotationNote] != suggestion.Note || w.Spec.RunSpec["metadata"].(map[string]any)["name"] != trial.Name || w.Status.Observation.Metrics[0].Min != "0.1" {
		t.Errorf("%+v", w)
	}
	if last := w.Status.Conditions[len(w.Status.Conditions)-1]; last.Type != v1beta1.TrialSucceeded || last.Status != "True" {
		t.Errorf("%+v", w.Status.Conditions)
	}
	status := experiment.Status{
		Started: at, Trials: 1, Counts: experiment.Counts{Succeeded: 1}, Lists: experiment.Lists{Succeeded: []string{trial.Name}},
		Conditions: []experiment.Condition{{Type: "Running", Status: "True", Reason: "ExperimentRunning", Updated: at, Transition: at}},
		Optimal:    &experiment.Optimal{Number: 1, Name: trial.Name, Assignment: trial.Assignment, Observation: trial.Observation, Value: 0.1},
	}
	spec := x.Spec
	spec.Seed, spec.ParallelTrialCount = 9, 2
	e := x.ToExperiment(spec, "uid", at, status)
	if *e.Spec.Seed != 9 || *e.Spec.ParallelTrialCount != 2 || *x.Wire.Spec.ParallelTrialCount != 3 || x.Wire.Status.Trials != 0 {
		t.Errorf("%+v", e.Spec)
	}
	started := metav1.NewTime(at)
	want := v1beta1.ExperimentStatus{
		StartTime: &started, Trials: 1, TrialsSucceeded: 1, SucceededTrialList: []string{trial.Name},
		Conditions: []v1beta1.ExperimentCondition{{Type: "Running", Status: "True", Reason: "ExperimentRunning", LastUpdateTime: started, LastTransitionTime: started}},
		CurrentOptimalTrial: v1beta1.OptimalTrial{
			BestTrialName: trial.Name, ParameterAssignments: w.Spec.ParameterAssignments,
			Observation: v1beta1.Observation{Metrics: []v1beta1.Metric{{Name: "loss", Min: "0.1", Max: "0.9", Latest: "0.2"}}},
		},
	}
	if diff := cmp.Diff(want, e.Status); diff != "" {
		t.Error(diff)
	}
	// What is printed is an Experiment that can be run again.
	text, err := yaml.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	again, faults := load(string(text))
	if again == nil || len(faults) > 0 {
		t.Fatalf("%v\n%s", faults, text)
	}
	if again.Spec.Seed != 9 {
		t.Errorf("seed %d", again.Spec.Seed)
	}
}

func TestFaultText(t *testing.T) {
	_, faults := load(strings.Replace(tutorial, "goal: 0.001", "goal:\t"+strings.Repeat(" ", 300)+"x", 1))
	if len(faults) != 1 {
		t.Fatal(faults)
	}
	lines := strings.Split(faults.Error(), "\n")
	if len(lines) != 3 || len([]rune(lines[1])) > 120 || []rune(lines[1])[len([]rune(lines[2]))-1] != 'x' {
		t.Errorf("the mark is not below the x:\n%s", faults)
	}
	if faults.Err() == nil || len(faults.Warnings()) != 0 {
		t.Error("an error is a warning")
	}
	if err := (Faults{{Severity: SeverityWarning}}).Err(); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
}
