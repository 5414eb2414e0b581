package tune

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qalam/api/v1beta1"
)

func TestParam(t *testing.T) {
	type fs = v1beta1.FeasibleSpace
	for _, c := range []struct {
		text  string
		kind  v1beta1.ParameterType
		space fs
	}{
		{"lr=log:1e-5..1e-1", "double", fs{Min: "1e-5", Max: "1e-1", Distribution: "logUniform"}},
		{"opt=adam,sgd", "categorical", fs{List: []string{"adam", "sgd"}}},
		{"layers=int:1..8", "int", fs{Min: "1", Max: "8"}},
		{"n=int:16..128:16", "int", fs{Min: "16", Max: "128", Step: "16"}},
		{"x=0.1..0.9:0.1", "double", fs{Min: "0.1", Max: "0.9", Step: "0.1"}},
		{"x=-1..1", "double", fs{Min: "-1", Max: "1"}},
		{"x=.5..1.5", "double", fs{Min: ".5", Max: "1.5"}},
		{"x= -1 .. 1 : .5 ", "double", fs{Min: "-1", Max: "1", Step: ".5"}},
		{"batch=16,32,64", "discrete", fs{List: []string{"16", "32", "64"}}},
		{"batch=int:16,32", "discrete", fs{List: []string{"16", "32"}}},
		{"units=log:int:1..1024", "int", fs{Min: "1", Max: "1024", Distribution: "logUniform"}},
		{"units=int:log:1..1024", "int", fs{Min: "1", Max: "1024", Distribution: "logUniform"}},
		{"w=normal:0..1", "double", fs{Min: "0", Max: "1", Distribution: "normal"}},
		{"w=lognormal:0.1..1", "double", fs{Min: "0.1", Max: "1", Distribution: "logNormal"}},
		{"path=list:a..b,c:d", "categorical", fs{List: []string{"a..b", "c:d"}}},
		{`pair=a\,b,c\\`, "categorical", fs{List: []string{"a,b", `c\`}}},
		{"one=adam", "categorical", fs{List: []string{"adam"}}},
		{"m=http://host/a", "categorical", fs{List: []string{"http://host/a"}}},
	} {
		name, _, _ := strings.Cut(c.text, "=")
		got, err := Param(c.text)
		want := v1beta1.ParameterSpec{Name: name, ParameterType: c.kind, FeasibleSpace: c.space}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, d)
		}
	}
}

func TestParamFaults(t *testing.T) {
	for text, want := range map[string]string{
		"lr":                 "NAME=VALUES",
		"lr=":                "NAME=VALUES",
		"=1..2":              "no name",
		"l r=1..2":           "no name",
		"lr=2..1":            "max 1",
		"lr=log:0..1":        "above 0",
		"lr=a..b":            `lower bound "a" is not a number`,
		"lr=1..":             `upper bound "" is not a number`,
		"lr=1..2:x":          `step "x" is not a number`,
		"lr=1..2:0":          "step must be above 0",
		"n=int:1.5..2":       "whole",
		"lr=log:a,b":         "no scale",
		"lr=log:normal:1..2": "exclude each other",
		"o=a,,b":             "value 2 of the list is empty",
		"o=a,b,a":            `"a" is in the list twice`,
		"o=int:a,b":          "no list of numbers",
		"lr=0..1e999":        "not a number",
	} {
		_, err := Param(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", text, err, want)
		}
	}
}

func FuzzParam(f *testing.F) {
	for _, s := range []string{"lr=log:1e-5..1e-1", "a=b,c", "x=int:1..8:2", `p=list:a\,b,c`, "x=normal:..", "x=1...2", "x=--1..+2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Param(text)
		if err != nil {
			return
		}
		if feasible(p) != nil {
			t.Fatalf("%q: %+v was accepted but is not feasible", text, p)
		}
		if !strings.HasPrefix(strings.TrimSpace(text), p.Name) {
			t.Fatalf("%q: the name is %q", text, p.Name)
		}
	})
}

func request() Request {
	return Request{
		Params: []string{"lr=log:1e-5..1e-1", "opt=adam,sgd"}, Objectives: []Objective{{"loss", v1beta1.ObjectiveTypeMinimize}}, Trials: 4,
		Command: []string{"python3", "train.py", "--lr", "{lr}", "--opt={opt}"},
	}
}

func TestCommandStaysWordForWord(t *testing.T) {
	r := request()
	r.Command = append(r.Command, `{"a": 1}`, "{{lr}}", "a b", "$(date)", "$$", "${HOME}", "")
	e, err := Experiment(r)
	if err != nil {
		t.Fatal(err)
	}
	pod := e.Spec.TrialTemplate.TrialSpec["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	got := pod["containers"].([]any)[0].(map[string]any)["command"]
	want := []any{"python3", "train.py", "--lr", "${trialParameters.lr}", "--opt=${trialParameters.opt}", `{"a": 1}`, "{lr}", "a b", "$$(date)", "$$$", "${HOME}", ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if e.Name != "train" {
		t.Errorf("the name is %q", e.Name)
	}
}

// TestEscape holds the escaped word against Kubernetes' own rule for references, for words of all characters that matter.
func TestEscape(t *testing.T) {
	expand := func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '$' && i+1 < len(s) && s[i+1] == '$':
				i++
				b.WriteByte('$')
			case s[i] == '$' && i+1 < len(s) && s[i+1] == '(' && strings.Contains(s[i:], ")"):
				i += strings.IndexByte(s[i:], ')')
				b.WriteString("VALUE")
			default:
				b.WriteByte(s[i])
			}
		}
		return b.String()
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		word := make([]byte, rng.IntN(8))
		for i := range word {
			word[i] = "$(a)"[rng.IntN(4)]
		}
		if got := expand(escape(string(word))); got != string(word) {
			t.Fatalf("%q became %q by way of %q", word, got, escape(string(word)))
		}
	}
}

func TestRequestFaults(t *testing.T) {
	for _, c := range []struct {
		change func(*Request)
		want   string
	}{
		{func(r *Request) { r.Params = nil }, "nothing to tune"},
		{func(r *Request) { r.Params = append(r.Params, "lr=1..2") }, "two parameters lr"},
		{func(r *Request) { r.Params = append(r.Params, "wd=1..2") }, "--param wd is not used"},
		{func(r *Request) { r.Objectives = nil }, "either --minimize METRIC or --maximize"},
		{func(r *Request) { r.Command = nil }, "no command"},
		{func(r *Request) { r.Command = append(r.Command, "{lrr}") }, "did you mean {lr}?"},
		{func(r *Request) { r.Command = append(r.Command, "{print}") }, "write {{print}}"},
		{func(r *Request) { r.Settings = []string{"x"} }, "NAME=VALUE"},
		{func(r *Request) { r.StopSettings = []string{"x=1"} }, "needs --early-stopping"},
	} {
		r := request()
		c.change(&r)
		if _, err := Experiment(r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v does not say %q", err, c.want)
		}
	}
}

func TestNameOf(t *testing.T) {
	for command, want := range map[string]string{
		"python3 train.py --lr {lr}":    "train",
		"./My_Script.sh":                "my-script",
		"/usr/bin/env python3 a/b.py":   "b",
		"42":                            "tune",
		"go run ./trial":                "go",
		"x" + strings.Repeat("y", 80):   "x" + strings.Repeat("y", 34),
		"sh -c echo":                    "sh",
		"python3 -m pkg.module --x {x}": "python3",
	} {
		if got := NameOf(strings.Fields(command)); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

// TestOneFaultForOneMistake: a parameter that cannot be read is one fault, not also one of the command that refers to it.
func TestOneFaultForOneMistake(t *testing.T) {
	r := request()
	r.Params, r.Command = []string{"lr=log:0..1"}, []string{"train", "{lr}"}
	_, err := Experiment(r)
	if err == nil || !strings.Contains(err.Error(), "min 0 is not above 0") || strings.Contains(err.Error(), "no parameter") {
		t.Errorf("got %v", err)
	}
}
