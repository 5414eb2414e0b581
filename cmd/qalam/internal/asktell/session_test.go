package asktell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"qalam/spec"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

const two = `
objective: {type: maximize, objectiveMetricName: accuracy}
algorithm: {algorithmName: random}
seed: 3
parameters:
- {name: lr, parameterType: double, feasibleSpace: {min: "0.001", max: "0.1", distribution: logUniform}}
- {name: opt, parameterType: categorical, feasibleSpace: {list: [sgd, adam]}}
`

// session begins a session of a file.
func session(t testing.TB, yaml string) *Session {
	t.Helper()
	x, faults := spec.LoadSearch([]spec.File{{Name: "x.yaml", Data: []byte(yaml)}}, spec.Options{Registry: algorithms.All()})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := New(x.Spec, algorithms.All(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// talk sends lines and checks what comes back: … stands for anything within a line.
func talk(t *testing.T, s *Session, lines ...string) {
	t.Helper()
	for i := 0; i+1 < len(lines); i += 2 {
		var out bytes.Buffer
		if err := s.Serve(strings.NewReader(lines[i]+"\n"), &out); err != nil {
			t.Fatalf("%s: %v", lines[i], err)
		}
		got := strings.TrimSuffix(out.String(), "\n")
		rest, fits := got, true
		for k, part := range strings.Split(lines[i+1], "…") {
			at := strings.Index(rest, part)
			if at < 0 || k == 0 && at > 0 {
				fits = false
				break
			}
			rest = rest[at+len(part):]
		}
		if !fits || !strings.HasSuffix(lines[i+1], "…") && rest != "" {
			t.Errorf("%s\nis answered by %s\nand not by      %s", lines[i], got, lines[i+1])
		}
	}
}

func TestAsksAndTells(t *testing.T) {
	s := session(t, two)
	talk(t, s,
		``, ``,
		`{"best":true}`, `{"error":"no trial has a value yet"}`,
		`{"ask":2}`, `{"suggestions":[{"number":1,"assignments":{"lr":"0.0…","opt":"…"}},{"number":2,"assignments":{"lr":"0.0…","opt":"…"}}]}`,
		`{"ask":1,"numbers":true}`, `{"suggestions":[{"number":3,"assignments":{"lr":0.0…,"opt":"…"}}]}`,
		`{"tell":[{"number":1,"value":0.31},{"number":2,"state":"Failed"}]}`, `{"told":2}`,
		`{"best":true}`, `{"number":1,"assignments":{"lr":"0.0…","opt":"…"},"value":0.31}`,
		`{"tell":[{"number":3,"value":"0.75"}]}`, `{"told":1}`,
		`{"best":true,"numbers":true}`, `{"number":3,"assignments":{"lr":0.0…,"opt":"…"},"value":0.75}`,
		`{"tell":[{"assignments":{"lr":0.01,"opt":"adam"},"value":0.9},{"assignments":{"lr":"1e-2","opt":"sgd"},"state":"running"}]}`, `{"told":2,"numbers":[4,5]}`,
		`{"tell":[{"number":5,"value":NaN}]}`, `{"told":1}`,
		`{"best":true}`, `{"number":4,"assignments":{"lr":"0.01","opt":"adam"},"value":0.9}`,
		`{"ask":1}`, `{"suggestions":[{"number":6,…`,
		`{"report":{"number":6,"step":3,"value":0.5}}`, `{"stop":false}`,
		`{"report":{"number":6,"value":0.95}}`, `{"stop":false}`,
		`{"report":{"number":6,"value":0.7}}`, `{"stop":false}`,
		`{"tell":[{"number":6}]}`, `{"told":1}`, // by what was reported: the best of it
		`{"best":true}`, `{"number":6,…,"value":0.95}`,
	)
}

func TestErrorsDoNotEndTheSession(t *testing.T) {
	s := session(t, two)
	talk(t, s, `{"ask":3}`, `…`)
	for line, want := range map[string]string{
		`{"ask":0}`:                            "0 trials cannot be asked for: from 1 to 100000 at a time",
		`{"ask":1e99}`:                         `…ask…`,
		`{"ask":1,"best":true}`:                `a line holds exactly one of "ask", "tell", "report" and "best"`,
		`{}`:                                   `a line holds exactly one of "ask", "tell", "report" and "best"`,
		`[1]`:                                  "the line is not a JSON object: it is a array",
		`{"ask":1`:                             "the line is not a JSON object: unexpected end of JSON input (at byte 8)",
		`{"aks":1}`:                            `"aks" means nothing here: did you mean "ask"?`,
		`{"tell":{"number":1}}`:                `"tell" cannot be a object`,
		`{"tell":[{"number":9,"value":1}]}`:    "result 1: there is no trial 9",
		`{"tell":[{"value":1}]}`:               `result 1: "number" is missing: say which trial is meant`,
		`{"tell":[{"number":1,"vlaue":1}]}`:    `result 1: "vlaue" means nothing here: did you mean "value"?`,
		`{"tell":[{"number":1}]}`:              `result 1: there is neither a "value" nor a "state": a trial without a value has "state":"Failed"`,
		`{"tell":[{"number":1,"value":"x"}]}`:  `result 1: metric "accuracy": "x" is not a number`,
		`{"tell":[{"number":1,"value":[1]}]}`:  "a value is a number or a text, not [1]",
		`{"tell":[{"number":1,"state":"So"}]}`: `result 1: state "So" is not known: …`,
		`{"tell":[{"number":1,"values":{"accurcy":1}}]}`:           `result 1: there is no metric "accurcy": did you mean "accuracy"?`,
		`{"tell":[{"number":1,"value":1},{"number":1,"value":1}]}`: "result 2: trial 1 is told twice",
		`{"tell":[{"assignments":{"lr":7},"value":1}]}`:            `result 1: parameter "lr": value "7" is not between min 0.001 and max 0.1; parameter "opt" has no value: add one`,
		`{"report":{"number":4,"value":1}}`:                        "there is no trial 4",
		`{"report":{"number":1,"step":2}}`:                         `a report needs a value, as in {"report":{"number":1,"step":3,"value":0.5}}`,
	} {
		quoted, _ := json.Marshal(want)
		text := strings.ReplaceAll(string(quoted), `\u003c`, "<")
		talk(t, s, line, `{"error":`+text+`}`)
	}
	talk(t, s, `{"tell":[{"number":1,"value":1},{"number":2,"value":2},{"number":3,"value":0}]}`, `{"told":3}`,
		`{"tell":[{"number":1,"value":1}]}`, `{"error":"result 1: trial 1 is over"}`,
		`{"best":true}`, `{"number":2,…,"value":2}`)
	var out bytes.Buffer
	long := strings.Repeat("x", maxLine+10) + "\n" + `{"best":true}` + "\n"
	if err := s.Serve(strings.NewReader(long), &out); err != nil || strings.Count(out.String(), "\n") != 2 || !strings.Contains(out.String(), "longer than") {
		t.Errorf("a long line: %v, %s", err, out.String())
	}
}

func TestExhaustedAndWaiting(t *testing.T) {
	s := session(t, `
objective: {type: minimize, objectiveMetricName: loss}
algorithm: {algorithmName: grid}
parameters:
- {name: n, parameterType: int, feasibleSpace: {min: "1", max: "3"}}
`)
	talk(t, s,
		`{"ask":2,"numbers":true}`, `{"suggestions":[{"number":1,"assignments":{"n":1}},{"number":2,"assignments":{"n":2}}]}`,
		`{"ask":2}`, `{"suggestions":[{"number":3,"assignments":{"n":"3"}}],"exhausted":true}`,
		`{"ask":2}`, `{"suggestions":[],"exhausted":true}`)
	waiting := suggest.Builtin()
	waiting.Algorithms[1].New = func(suggest.Problem, suggest.Settings) (suggest.Suggester, error) { return patient{}, nil }
	s, err := New(s.state.Spec, waiting, 0)
	if err != nil {
		t.Fatal(err)
	}
	talk(t, s, `{"ask":2}`, `{"suggestions":[],"waiting":true}`)
}

// patient is an algorithm that waits.
type patient struct{}

func (patient) Tell([]suggest.Outcome) error               { return nil }
func (patient) Ask(int, int) ([]suggest.Suggestion, error) { return nil, suggest.ErrWait }

func TestEarlyStoppingRule(t *testing.T) {
	s := session(t, two+`
earlyStopping: {algorithmName: medianstop, algorithmSettings: [{name: min_trials_required, value: "2"}, {name: start_step, value: "2"}]}
`)
	talk(t, s, `{"ask":3}`, `…`)
	for n := 1; n <= 2; n++ {
		for step := 1; step <= 3; step++ {
			talk(t, s, fmt.Sprintf(`{"report":{"number":%d,"step":%d,"value":0.8}}`, n, step), `{"stop":false}`)
		}
		talk(t, s, fmt.Sprintf(`{"tell":[{"number":%d,"value":0.8}]}`, n), `{"told":1}`)
	}
	talk(t, s,
		`{"report":{"number":3,"step":1,"value":0.1}}`, `{"stop":false}`,
		`{"report":{"number":3,"step":2,"value":0.2}}`, `{"stop":true,"reason":"…"}`,
		`{"tell":[{"number":3,"state":"stopped"}]}`, `{"told":1}`,
		`{"report":{"number":3,"step":3,"value":0.1}}`, `{"error":"trial 3 is over"}`)
	if s.state.Counts.EarlyStopped != 1 {
		t.Errorf("%+v", s.state.Counts)
	}
}

// TestDivergedTrialIsStopped reports numbers that are none, as Python writes them.
func TestDivergedTrialIsStopped(t *testing.T) {
	s := session(t, two+`
earlyStopping: {algorithmName: patience, algorithmSettings: [{name: max_nonfinite, value: "2"}]}
`)
	talk(t, s, `{"ask":1}`, `…`,
		`{"report":{"number":1,"value":NaN}}`, `{"stop":false}`,
		`{"report":{"number":1,"value":0.5}}`, `{"stop":false}`,
		`{"report":{"number":1,"value":null}}`, `{"stop":false}`,
		`{"report":{"number":1,"value":NaN}}`, `{"stop":true,"reason":"its last 2 values are no finite numbers"}`)
}

// TestSeedMeansTheSame asks in one session at once and in another one by one, and reads the file as part of an Experiment too.
func TestSeedMeansTheSame(t *testing.T) {
	one, each, whole := session(t, two), session(t, two), session(t, `
kind: Experiment
metadata: {name: anything at all}
spec: `+strings.ReplaceAll(two, "\n", "\n  ")+`
  trialTemplate: {nothing: of use}
`)
	a, _ := json.Marshal(one.Answer([]byte(`{"ask":5}`)))
	w, _ := json.Marshal(whole.Answer([]byte(`{"ask":5}`)))
	var b []string
	for range 5 {
		text, _ := json.Marshal(each.Answer([]byte(`{"ask":1}`)))
		b = append(b, strings.TrimSuffix(strings.TrimPrefix(string(text), `{"suggestions":[`), `]}`))
	}
	if joined := `{"suggestions":[` + strings.Join(b, ",") + `]}`; joined != string(a) || string(w) != string(a) {
		t.Errorf("at once %s\none by one %s\nfrom an Experiment %s", a, joined, w)
	}
}

func TestNotANumberIsNull(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":NaN}`:               `{"a":null}`,
		`{"a":-Infinity,"b":"x"}`: `{"a":null,"b":"x"}`,
		`{"NaN":[Infinity]}`:      `{"NaN":[null]}`,
		`{"a\"NaN":NaN}`:          `{"a\"NaN":null}`,
		`{"a\\":NaN}`:             `{"a\\":null}`,
		`"\`:                      `"\`,
		`NaN\`:                    `null\`,
	} {
		if got := string(finite([]byte(in))); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// FuzzSession sends any lines: each gets one answer of one line, nothing ends the session, and it stays usable.
func FuzzSession(f *testing.F) {
	for _, line := range []string{
		`{"ask":2}`, `{"tell":[{"number":1,"value":0.31},{"number":2,"state":"Failed"}]}`, `{"report":{"number":1,"step":3,"value":0.5}}`,
		`{"best":true}`, `{"tell":[{"assignments":{"lr":0.01,"opt":"adam"},"values":{"accuracy":NaN}}]}`, `{"best":true,"numbers":true}`,
		"{\"ask\":1}\n{\"tell\":[{\"number\":1,\"value\":-1e308}]}\n{\"best\":true}", `[[[[`, `{"ask":"1"}`, `{"tell":null,"ask":null}`,
	} {
		f.Add([]byte(line))
	}
	s := session(f, two)
	f.Fuzz(func(t *testing.T, lines []byte) {
		if bytes.Contains(lines, []byte("ask")) && len(lines) > 200 {
			t.Skip("asks for much")
		}
		s, err := New(s.state.Spec, suggest.Builtin(), len(lines)%3)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var out bytes.Buffer
		if err := s.Serve(bytes.NewReader(lines), &out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		if o := s.state.Optimal; o != nil && math.IsNaN(o.Value) {
			t.Fatal("the best trial has no value")
		}
		talk(t, s, `{"ask":1}`, `{"suggestions":[{"number":…`)
	})
}
