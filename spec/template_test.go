package spec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"qalam/api/v1beta1"
	"qalam/space"
)

func decoded(t testing.TB, text string) map[string]any {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	m, ok := tree(root.Content[0]).(map[string]any)
	if !ok {
		t.Fatalf("no document: %s", text)
	}
	return m
}

const everyPlace = `
apiVersion: batch/v1
kind: Job
metadata:
  labels: {app: "x-${trialParameters.a}", replicas: "${trialParameters.n}"}
  annotations: {note: "${trialParameters.meta}", direct: "${trialSpec.Labels[app]}"}
spec:
  parallelism: ${trialParameters.n}
  completions: "${trialParameters.n}"
  suspend: ${trialParameters.flag}
  backoffLimit: 0${trialParameters.n}
  template:
    spec:
      nodeSelector: {port: "${trialParameters.n}"}
      containers:
        - name: c
          args: ["${trialParameters.n}", "--a=${trialParameters.a}--${trialParameters.b}", "${trialParameters.a}"]
          env: [{name: A, value: "${trialParameters.a}"}, {name: T, value: "${trialParameters.name}/${trialParameters.namespace}"}]
          resources: {limits: {cpu: "${trialParameters.n}"}}
          "key-${trialParameters.b}": 1
      untouched: [1, 1.5, true, null, text, {}, []]
`

var everyParameter = []v1beta1.TrialParameterSpec{
	{Name: "a", Reference: "A"}, {Name: "b", Reference: "B"}, {Name: "n", Reference: "N"}, {Name: "flag", Reference: "F"},
	{Name: "meta", Reference: "${trialSpec.Kind}"}, {Name: "name", Reference: "${trialSpec.Name}"},
	{Name: "namespace", Reference: "${trialSpec.Namespace}"},
}

func values(a, b, n, flag string) Values {
	return Values{Name: "trial-1", Namespace: "ns", Parameters: []space.Named{{Name: "A", Value: a}, {Name: "B", Value: b}, {Name: "N", Value: n}, {Name: "F", Value: flag}}}
}

func TestRender(t *testing.T) {
	tmpl, _, problems := compile(decoded(t, everyPlace), everyParameter)
	if problems != nil {
		t.Fatal(problems)
	}
	got, err := tmpl.Render(values(`"quoted" ${trialParameters.b}`, "{\"json\": [1]}\nline", "3", "true"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := `"quoted" ${trialParameters.b}`, "{\"json\": [1]}\nline"
	want := map[string]any{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{
			"name": "trial-1", "namespace": "ns",
			"labels":      map[string]any{"app": "x-" + a, "replicas": "3"},
			"annotations": map[string]any{"note": "Job", "direct": "x-${trialParameters.a}"},
		},
		"spec": map[string]any{
			"parallelism": int64(3), "completions": int64(3), "suspend": true, "backoffLimit": "03",
			"template": map[string]any{"spec": map[string]any{
				"nodeSelector": map[string]any{"port": "3"},
				"containers": []any{map[string]any{
					"name": "c", "args": []any{"3", "--a=" + a + "--" + b, a},
					"env":       []any{map[string]any{"name": "A", "value": a}, map[string]any{"name": "T", "value": "trial-1/ns"}},
					"resources": map[string]any{"limits": map[string]any{"cpu": "3"}},
					"key-" + b:  int64(1),
				}},
				"untouched": []any{int64(1), 1.5, true, nil, "text", map[string]any{}, []any{}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRenderErrors(t *testing.T) {
	tmpl, _, _ := compile(decoded(t, `{kind: Job, spec: {"${trialParameters.a}": 1, "${trialParameters.b}": 2}}`), everyParameter)
	if _, err := tmpl.Render(values("x", "x", "", "")); err == nil || !strings.Contains(err.Error(), `key "x" twice`) {
		t.Errorf("equal keys: %v", err)
	}
	if _, err := tmpl.Render(Values{Name: "t"}); err == nil || !strings.Contains(err.Error(), `no value of parameter "A"`) {
		t.Errorf("no value: %v", err)
	}
}

// leaves flattens a document.
func leaves(v any, path string, out map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		out[path] = fmt.Sprintf("map of %d", len(v))
		for k, e := range v {
			leaves(e, field(path, k), out)
		}
	case []any:
		out[path] = fmt.Sprintf("list of %d", len(v))
		for i, e := range v {
			leaves(e, item(path, i), out)
		}
	default:
		out[path] = v
	}
}

// checkShape renders a template with any values and checks that the document differs from the template at placeholders alone.
func checkShape(t interface{ Fatalf(string, ...any) }, root map[string]any, a, b string) {
	tmpl, uses, problems := compile(root, everyParameter)
	if problems != nil {
		t.Fatalf("problems: %v", problems)
	}
	before := map[string]any{}
	leaves(root, "", before)
	v := values(a, b, "7", "false")
	got, err := tmpl.Render(v)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	delete(got["metadata"].(map[string]any), "name")
	delete(got["metadata"].(map[string]any), "namespace")
	after := map[string]any{}
	leaves(got, "", after)
	if len(before) != len(after) {
		t.Fatalf("%d places became %d", len(before), len(after))
	}
	placeholders := map[string]bool{}
	for _, u := range uses {
		placeholders[u.path] = true
	}
	for path, was := range before {
		is, ok := after[path]
		switch {
		case !ok:
			t.Fatalf("%s is gone", path)
		case !placeholders[path] && !reflect.DeepEqual(was, is):
			t.Fatalf("%s was %v and is %v", path, was, is)
		}
	}
	if got := after["spec.args[0]"]; got != "--a="+a+" --b="+b {
		t.Fatalf("values are not as they were: %q", got)
	}
	again, _ := tmpl.Render(v)
	delete(again["metadata"].(map[string]any), "name")
	delete(again["metadata"].(map[string]any), "namespace")
	if !reflect.DeepEqual(got, again) {
		t.Fatalf("two renderings differ")
	}
}

const shape = `{apiVersion: v1, kind: Job, metadata: {labels: {a: "${trialParameters.a}"}}, spec: {replicas: "${trialParameters.b}", suspend: "${trialParameters.a}",
  args: ["--a=${trialParameters.a} --b=${trialParameters.b}", plain, "${trialParameters.a}${trialParameters.a}"], n: 1}}`

var nasty = []string{
	`"`, `\`, `'`, "\n", "${trialParameters.b}", "${trialParameters.a}", "{}", "[]", ": ", "- ", "$(id)", "`id`", "; rm -rf /", "\x00", "é", "null", "true", "5", "}", "${trialSpec.Name}",
}

func TestValuesNeverChangeTheShape(t *testing.T) {
	root := decoded(t, shape)
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.SampledFrom(nasty)), func(s []string) string { return strings.Join(s, "") }))
	rapid.Check(t, func(t *rapid.T) { checkShape(t, root, text.Draw(t, "a"), text.Draw(t, "b")) })
}

func FuzzRender(f *testing.F) {
	for _, n := range nasty {
		f.Add(n, `"}, "x": {"`)
	}
	root := decoded(f, shape)
	f.Fuzz(func(t *testing.T, a, b string) { checkShape(t, root, a, b) })
}

func FuzzCompile(f *testing.F) {
	f.Add("a ${trialParameters.a} b")
	f.Add("${trialSpec.Labels[${trialParameters.a}]}")
	f.Add("${trialParameters.}}${trialParameters.${trialParameters.a}}")
	f.Fuzz(func(t *testing.T, text string) {
		root := map[string]any{"kind": "Job", "spec": map[string]any{text: []any{text}, "command": []any{"sh", "-c", text}}}
		tmpl, _, problems := compile(root, everyParameter)
		got, err := tmpl.Render(values("1", "2", "3", "true"))
		if err == nil && problems == nil && len(got) != 3 {
			t.Fatalf("%v", got)
		}
	})
}

func TestScriptsAreFound(t *testing.T) {
	for _, tt := range []struct {
		command, args []any
		want          string
	}{
		{[]any{"sh", "-c", "x"}, nil, "command[1] command[2]"},
		{[]any{"/bin/bash", "-euo", "pipefail", "-c", "x", "y"}, nil, "command[3] command[4]"},
		{[]any{"/usr/bin/env", "bash", "-lc"}, []any{"x", "y"}, "command[2] args[0]"},
		{[]any{"/opt/venv/bin/python3.11", "-u", "-c", "x"}, nil, "command[2] command[3]"},
		{[]any{"python3", "train.py", "-c", "x"}, nil, ""},
		{[]any{"bash", "run.sh", "-c", "x"}, nil, ""},
		{[]any{"bash", "-x", "run.sh"}, []any{"x"}, ""},
		{[]any{"busybox", "sh", "-c", "x"}, nil, "command[2] command[3]"},
		{[]any{"torchrun", "train.py"}, []any{"x"}, ""},
		{[]any{"bash", "--norc", "-c"}, []any{"x"}, "command[2] args[0]"},
		{[]any{"perl", "-ne", "x"}, nil, "command[1] command[2]"},
		{nil, nil, ""},
	} {
		found := scriptsIn(map[string]any{"command": tt.command, "args": tt.args})
		var got []string
		for _, name := range []string{"command", "args"} {
			for i := range 9 {
				if found[name][i] {
					got = append(got, item(name, i))
				}
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%v %v: %s, want %s", tt.command, tt.args, s, tt.want)
		}
	}
}

// TestNoValueRunsInAShell runs what templates render to: whatever the value, no marker file appears.
func TestNoValueRunsInAShell(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	scripts := []string{
		`{kind: Job, spec: {command: [sh, -c, "echo ${trialParameters.a}"]}}`,
		`{kind: Job, spec: {command: [sh, -c, 'echo "${trialParameters.a}"']}}`,
		`{kind: Job, spec: {command: [sh, -c, 'echo "$0"', "${trialParameters.a}"]}}`,
		`{kind: Job, spec: {command: [echo, "${trialParameters.a}"]}}`,
	}
	rendered := 0
	for _, script := range scripts {
		tmpl, _, problems := compile(decoded(t, script), everyParameter)
		if problems != nil {
			t.Fatal(problems)
		}
		for _, value := range []string{"$(touch MARK)", "`touch MARK`", "; touch MARK", "\"; touch MARK; \"", "\ntouch MARK\n", "| touch MARK", "& touch MARK", "-rf", "adam", "1e-3"} {
			job, err := tmpl.Render(values(strings.ReplaceAll(value, "MARK", marker), "", "", ""))
			if err != nil {
				continue
			}
			rendered++
			var argv []string
			for _, a := range job["spec"].(map[string]any)["command"].([]any) {
				argv = append(argv, a.(string))
			}
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", argv, err, out)
			}
			if _, err := os.Stat(marker); err == nil {
				t.Fatalf("%q ran the value", argv)
			}
		}
	}
	if rendered != 2*10+2*3 {
		t.Errorf("%d commands were run", rendered)
	}
}

func BenchmarkRender(b *testing.B) {
	x, faults := load(tutorial)
	if x == nil {
		b.Fatal(faults)
	}
	v := Values{Name: "t", Namespace: "n", Parameters: []space.Named{{Name: "lr", Value: "0.01"}, {Name: "momentum", Value: "0.5"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Template.Render(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if x, faults := load(tutorial); x == nil {
			b.Fatal(faults)
		}
	}
}
