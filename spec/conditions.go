package spec

import (
	"encoding/json"

	"github.com/tidwall/gjson"
)

// Conditions tell a job's end from its document: GJSON paths.
type Conditions struct {
	Success, Failure string
}

// Outcome is how a job ended.
type Outcome string

// The outcomes of a job.
const (
	JobUndecided Outcome = "Undecided"
	JobSucceeded Outcome = "Succeeded"
	JobFailed    Outcome = "Failed"
)

// Verdict is what conditions make of a job. Reason and Message are those of the part of the job that met the condition.
type Verdict struct {
	Outcome Outcome
	Reason  string
	Message string
}

// Evaluate applies the conditions to a job as JSON, as Katib does: failure first; a condition holds when its path yields an
// object or a list that is not empty, never by a text, a number or a boolean.
func (c Conditions) Evaluate(job []byte) Verdict {
	if !gjson.ValidBytes(job) {
		return Verdict{Outcome: JobUndecided, Message: "the job is no JSON document"}
	}
	for _, try := range []struct {
		path    string
		outcome Outcome
	}{{c.Failure, JobFailed}, {c.Success, JobSucceeded}} {
		if found, ok := met(job, try.path); ok {
			v := Verdict{Outcome: try.outcome}
			var why struct{ Reason, Message string }
			if json.Unmarshal([]byte(found.Raw), &why) == nil {
				v.Reason, v.Message = why.Reason, why.Message
			}
			return v
		}
	}
	return Verdict{Outcome: JobUndecided}
}

func met(job []byte, path string) (found gjson.Result, ok bool) {
	if path == "" {
		return gjson.Result{}, false
	}
	found = gjson.GetBytes(job, path)
	if found.IsObject() {
		return found, true
	}
	if found.IsArray() {
		if list := found.Array(); len(list) > 0 {
			return list[0], true
		}
	}
	return gjson.Result{}, false
}
