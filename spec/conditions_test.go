package spec

import (
	"fmt"
	"strings"
	"testing"
)

func TestEvaluate(t *testing.T) {
	pytorch := Conditions{
		Success: `status.conditions.#(type=="Succeeded")#|#(status=="True")#`,
		Failure: `status.conditions.#(type=="Failed")#|#(status=="True")#`,
	}
	job := func(conditions ...string) string {
		return `{"kind":"PyTorchJob","status":{"conditions":[` + strings.Join(conditions, ",") + `]}}`
	}
	entry := func(typ, status string) string {
		return fmt.Sprintf(`{"type":%q,"status":%q,"reason":"R%s","message":"m %s"}`, typ, status, typ, typ)
	}
	succeeded := Verdict{Outcome: JobSucceeded, Reason: "RSucceeded", Message: "m Succeeded"}
	failed := Verdict{Outcome: JobFailed, Reason: "RFailed", Message: "m Failed"}
	workflow := Conditions{Success: `status.[@this].#(phase=="Succeeded")#`, Failure: `status.[@this].#(phase=="Failed")#`}
	for _, tt := range []struct {
		name string
		c    Conditions
		job  string
		want Verdict
	}{
		{"nothing yet", pytorch, `{"kind":"PyTorchJob"}`, Verdict{Outcome: JobUndecided}},
		{"running", pytorch, job(entry("Running", "True")), Verdict{Outcome: JobUndecided}},
		{"succeeded", pytorch, job(entry("Running", "False"), entry("Succeeded", "True")), succeeded},
		{"failed", pytorch, job(entry("Failed", "True")), failed},
		{"no longer failed", pytorch, job(entry("Failed", "False")), Verdict{Outcome: JobUndecided}},
		{"failure is looked at first", pytorch, job(entry("Succeeded", "True"), entry("Failed", "True")), failed},
		{"workflow", workflow, `{"status":{"phase":"Succeeded","message":"done"}}`, Verdict{Outcome: JobSucceeded, Message: "done"}},
		{"an object", Conditions{Success: "status.done"}, `{"status":{"done":{"reason":"R"}}}`, Verdict{Outcome: JobSucceeded, Reason: "R"}},
		{"an empty list", Conditions{Success: "status.done"}, `{"status":{"done":[]}}`, Verdict{Outcome: JobUndecided}},
		{"a text", Conditions{Success: "status.done"}, `{"status":{"done":"yes"}}`, Verdict{Outcome: JobUndecided}},
		{"true", Conditions{Success: "status.done"}, `{"status":{"done":true}}`, Verdict{Outcome: JobUndecided}},
		{"a number", Conditions{Failure: "status.done"}, `{"status":{"done":1}}`, Verdict{Outcome: JobUndecided}},
		{"a list of texts", Conditions{Success: "status.done"}, `{"status":{"done":["yes"]}}`, Verdict{Outcome: JobSucceeded}},
		{"no JSON", pytorch, `{"status":`, Verdict{Outcome: JobUndecided, Message: "the job is no JSON document"}},
		{"no conditions", Conditions{}, `{}`, Verdict{Outcome: JobUndecided}},
	} {
		if got := tt.c.Evaluate([]byte(tt.job)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	f.Add(`status.conditions.#(type=="Failed")#|#(status=="True")#`, `{"status":{"conditions":[{"type":"Failed","status":"True"}]}}`)
	f.Add(`[@this].#(status.phase=="Failed")#`, `{"status":{"phase":"Failed"}}`)
	f.Add(`a.@flatten|@pretty:{"indent":"x"}`, `{"a":[[1],[2]]}`)
	f.Add(`{a,b}.#(`, `{}`)
	f.Fuzz(func(t *testing.T, path, job string) {
		if len(path) > maxFilter {
			t.Skip()
		}
		v := Conditions{Success: path, Failure: path}.Evaluate([]byte(job))
		if v.Outcome == JobSucceeded {
			t.Fatal("failure is looked at first")
		}
	})
}
