package v1beta1

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tidwall/gjson"
)

func template(apiVersion, kind string, spec map[string]any) *Experiment {
	return &Experiment{Spec: ExperimentSpec{
		Objective:     &ObjectiveSpec{Type: ObjectiveTypeMaximize, ObjectiveMetricName: "acc", AdditionalMetricNames: []string{"loss", "time"}},
		TrialTemplate: &TrialTemplate{TrialSpec: Object{"apiVersion": apiVersion, "kind": kind, "spec": spec}},
		Parameters:    []ParameterSpec{{Name: "a"}, {Name: "b", FeasibleSpace: FeasibleSpace{Distribution: DistributionNormal}}},
	}}
}

func TestDefaultsByKind(t *testing.T) {
	master := map[string]string{"training.kubeflow.org/job-role": "master"}
	worker := map[string]string{"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "0"}
	node := map[string]string{"jobset.sigs.k8s.io/replicatedjob-name": "node", "batch.kubernetes.io/job-completion-index": "0"}
	paddle := map[string]any{"paddleReplicaSpecs": map[string]any{"Master": map[string]any{}}}
	for _, tt := range []struct {
		apiVersion, kind string
		spec             map[string]any
		success          string
		primary          map[string]string
	}{
		{"batch/v1", "Job", nil, "Complete", nil},
		{"kubeflow.org/v1", "PyTorchJob", nil, "Succeeded", master},
		{"kubeflow.org/v1", "TFJob", nil, "Succeeded", master},
		{"kubeflow.org/v1", "XGBoostJob", nil, "Succeeded", master},
		{"kubeflow.org/v2beta1", "MPIJob", nil, "Succeeded", master},
		{"kubeflow.org/v1", "PaddleJob", paddle, "Succeeded", master},
		{"kubeflow.org/v1", "PaddleJob", nil, "Succeeded", worker},
		{"kubeflow.org/v1", "JAXJob", nil, "Succeeded", worker},
		{"trainer.kubeflow.org/v1alpha1", "TrainJob", nil, "Complete", node},
		{"example.com/v1", "PyTorchJob", nil, "", nil},
		{"argoproj.io/v1alpha1", "Workflow", nil, "", nil},
	} {
		e := template(tt.apiVersion, tt.kind, tt.spec)
		SetDefaults(e)
		got := e.Spec.TrialTemplate
		want, failed := "", ""
		if tt.success != "" {
			want = `status.conditions.#(type=="` + tt.success + `")#|#(status=="True")#`
			failed = `status.conditions.#(type=="Failed")#|#(status=="True")#`
		}
		if got.SuccessCondition != want || got.FailureCondition != failed {
			t.Errorf("%s: conditions %q, %q", tt.kind, got.SuccessCondition, got.FailureCondition)
		}
		if diff := cmp.Diff(tt.primary, got.PrimaryPodLabels); diff != "" {
			t.Errorf("%s: primaryPodLabels: %s", tt.kind, diff)
		}
	}
}

func TestDefaultsOfTheRest(t *testing.T) {
	e := template("batch/v1", "Job", map[string]any{})
	e.Spec.Objective.MetricStrategies = []MetricStrategy{{Name: "loss", Value: ExtractByLatest}}
	SetDefaults(e)
	want := []MetricStrategy{{"loss", ExtractByLatest}, {"acc", ExtractByMax}, {"time", ExtractByMax}}
	if diff := cmp.Diff(want, e.Spec.Objective.MetricStrategies); diff != "" {
		t.Error(diff)
	}
	if *e.Spec.ParallelTrialCount != 3 || e.Spec.MaxTrialCount != nil || e.Spec.MaxFailedTrialCount != nil || e.Spec.ResumePolicy != NeverResume {
		t.Errorf("budgets: %+v", e.Spec)
	}
	if e.Spec.Parameters[0].FeasibleSpace.Distribution != DistributionUniform || e.Spec.Parameters[1].FeasibleSpace.Distribution != DistributionNormal {
		t.Errorf("distributions: %+v", e.Spec.Parameters)
	}
	if e.Spec.MetricsCollectorSpec.Collector.Kind != StdOutCollector || e.Spec.MetricsCollectorSpec.Source != nil {
		t.Errorf("collector: %+v", e.Spec.MetricsCollectorSpec)
	}
	again := e.DeepCopy()
	SetDefaults(again)
	if diff := cmp.Diff(e, again); diff != "" {
		t.Errorf("defaults of what has defaults: %s", diff)
	}
}

func TestDefaultsOfCollectors(t *testing.T) {
	port := IntOrString("8080")
	for kind, want := range map[CollectorKind]*SourceSpec{
		FileCollector:             {FileSystemPath: &FileSystemPath{Kind: FileKind, Path: "/var/log/katib/metrics.log", Format: TextFormat}},
		TfEventCollector:          {FileSystemPath: &FileSystemPath{Kind: DirectoryKind, Path: "/var/log/katib/tfevent/"}},
		PrometheusMetricCollector: {HttpGet: &HTTPGetAction{Path: "/metrics", Port: &port}},
		PushCollector:             nil,
		CustomCollector:           nil,
	} {
		e := &Experiment{Spec: ExperimentSpec{MetricsCollectorSpec: &MetricsCollectorSpec{Collector: &CollectorSpec{Kind: kind}}}}
		SetDefaults(e)
		if diff := cmp.Diff(want, e.Spec.MetricsCollectorSpec.Source); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}

func TestPodConditions(t *testing.T) {
	e := template("v1", "Pod", nil)
	SetDefaults(e)
	for phase, want := range map[string][2]bool{"Succeeded": {true, false}, "Failed": {false, true}, "Running": {}} {
		job := `{"kind":"Pod","status":{"phase":"` + phase + `"}}`
		met := func(path string) bool { return len(gjson.Get(job, path).Array()) > 0 }
		if got := [2]bool{met(e.Spec.TrialTemplate.SuccessCondition), met(e.Spec.TrialTemplate.FailureCondition)}; got != want {
			t.Errorf("%s: %v", phase, got)
		}
	}
}

// TestFieldsAreKatibs compares the JSON names of every type with the list in testdata.
func TestFieldsAreKatibs(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "fields.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]reflect.Type{}
	for _, v := range []any{
		ExperimentSpec{}, ExperimentStatus{}, ExperimentCondition{}, SuggestionSpec{}, SuggestionStatus{}, SuggestionCondition{}, TrialSpec{},
		TrialStatus{}, TrialCondition{}, ParameterSpec{}, FeasibleSpace{}, ObjectiveSpec{}, MetricStrategy{}, AlgorithmSpec{}, AlgorithmSetting{},
		EarlyStoppingSpec{}, EarlyStoppingSetting{}, NasConfig{}, GraphConfig{}, Operation{}, TrialTemplate{}, ConfigMapSource{},
		TrialParameterSpec{}, MetricsCollectorSpec{}, SourceSpec{}, FileSystemPath{}, FilterSpec{}, CollectorSpec{}, OptimalTrial{},
		ParameterAssignment{}, Observation{}, Metric{}, TrialAssignment{}, EarlyStoppingRule{}, HTTPGetAction{},
	} {
		kinds[reflect.TypeOf(v).Name()] = reflect.TypeOf(v)
	}
	for _, f := range archive.Files {
		typ, ok := kinds[f.Name]
		if !ok {
			t.Errorf("no type %s", f.Name)
			continue
		}
		delete(kinds, f.Name)
		var got []string
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			got = append(got, name)
		}
		if diff := cmp.Diff(strings.Fields(string(f.Data)), got); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
	}
	for name := range kinds {
		t.Errorf("testdata/fields.txtar lacks %s", name)
	}
}

func TestEveryFieldIsExplained(t *testing.T) {
	var walk func(path string, seen map[*node]bool, n *node)
	count := 0
	walk = func(path string, seen map[*node]bool, n *node) {
		o := schemaTree().object(n)
		if seen[o] {
			return
		}
		seen[o] = true
		for _, name := range o.Properties.names {
			text, err := Explain(path + "." + name)
			if err != nil {
				t.Error(err)
			}
			if len(strings.Fields(strings.SplitN(text, "\n", 3)[2])) < 2 {
				t.Errorf("%s.%s has no documentation", path, name)
			}
			count++
			walk(path+"."+name, seen, o.Properties.nodes[name])
		}
	}
	for _, root := range []string{"Experiment", "Trial", "Suggestion"} {
		walk(strings.ToLower(root), map[*node]bool{}, schemaTree().Defs[root])
	}
	if count < 150 {
		t.Errorf("only %d fields were explained", count)
	}
}

func TestExplain(t *testing.T) {
	text, err := Explain("experiment.spec.objective.goal")
	if err != nil {
		t.Fatal(err)
	}
	want := "experiment.spec.objective.goal  <text or number>\n\n" +
		"  The value that ends the experiment as a success once a trial reaches it, itself included. Default:\n  none.\n"
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	for path, want := range map[string]string{
		"experiment.spec.objective.gaol":                   "experiment.spec.objective has no field gaol: did you mean goal?",
		"experiment.spec.parameters[0].feasiblespace":      "experiment.spec.parameters has no field feasiblespace: did you mean feasibleSpace?",
		"experiment.spec.trialTemplate.trialSpec.whatever": "experiment.spec.trialTemplate.trialSpec has no documented fields",
		"objective.goal": "a path begins with its kind: try experiment.spec.objective.goal",
		"spec.objective": "a path begins with its kind: try experiment.spec.objective",
		"":               `unknown kind "": a path begins with experiment, suggestion, trial`,
		"x..":            `unknown kind "x": a path begins with experiment, suggestion, trial`,
	} {
		if _, err := Explain(path); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"maxTrialCount", "maxFailedTrialCount", "parallelTrialCount", "goal", "min", "max"}
	for name, want := range map[string]string{
		"maxTrialCuont": "maxTrialCount", "MaxTrialCount": "maxTrialCount", "max_trial_count": "maxTrialCount", "gaol": "goal", "minn": "min",
		"mx": "", "step": "", "": "", "spec": "", "maxTrials": "", "parrallelTrialCount": "parallelTrialCount", "MIN": "min",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestObjectCopyIsDeep(t *testing.T) {
	o := Object{"a": []any{map[string]any{"b": int64(1)}}, "c": nil}
	c := o.DeepCopy()
	if diff := cmp.Diff(o, c); diff != "" {
		t.Fatal(diff)
	}
	c["a"].([]any)[0].(map[string]any)["b"] = int64(2)
	if o["a"].([]any)[0].(map[string]any)["b"] != int64(1) {
		t.Error("the copy shares a map with the original")
	}
}

func TestIntOrString(t *testing.T) {
	for text, want := range map[string]IntOrString{`8080`: "8080", `"8080"`: "8080", `"web"`: "web"} {
		var v IntOrString
		if err := json.Unmarshal([]byte(text), &v); err != nil || v != want {
			t.Errorf("%s: %q, %v", text, v, err)
		}
	}
	var v IntOrString
	if err := json.Unmarshal([]byte(`[1]`), &v); err == nil {
		t.Error("a list passed for a port")
	}
	if out, err := json.Marshal([]IntOrString{"8080", "web"}); err != nil || string(out) != `[8080,"web"]` {
		t.Errorf("%s, %v", out, err)
	}
}

func TestSchemaIsACopy(t *testing.T) {
	Schema()[0] = 'x'
	onDisk, err := os.ReadFile("experiment.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(Schema()) != string(onDisk) {
		t.Error("the schema can be changed from outside, or is not the file")
	}
}
