package experiment

import (
	"fmt"
	"time"
)

// End says how an attempt of a trial ended, as the runner and the collector saw it.
type End struct {
	Cause   EndCause
	Reason  string // CamelCase: Completed, Error, OOMKilled, StartError, DeadlineExceeded, Lost, …
	Message string
	Fix     string
	Time    time.Time
	Step    int64 // of the attempt's last report of the objective; 0 where unknown
}

// EndCause is the class of an attempt's end.
type EndCause string

// The classes of ends.
const (
	EndSucceeded   EndCause = "Succeeded"   // the job met its success condition
	EndFailed      EndCause = "Failed"      // the job met its failure condition, or could not be started
	EndStopped     EndCause = "Stopped"     // it was stopped on request (Trial.Stopping says why)
	EndLost        EndCause = "Lost"        // its supervisor or its machine went away: no fault of the trial's
	EndInterrupted EndCause = "Interrupted" // the user interrupted the run: to be repeated, not counted against anything
)

// maxBackoff bounds the wait before a lost attempt is repeated.
const maxBackoff = time.Hour

// Conclude is a trial's next state after its current attempt ended with an observation. A trial that is over stays as it is.
//
// A job that succeeded before its stop took effect has succeeded. One that failed while it was being stopped was stopped:
// failing is how most jobs answer a signal. An attempt that was lost or interrupted is repeated, unless the trial was being
// stopped anyway or, if lost, has no repetition left; what it printed counts for nothing then.
func Conclude(t Trial, e End, o Observation, spec Spec) Trial {
	if t.State.Terminal() {
		return t
	}
	if t.Stopping == "" {
		switch {
		case e.Cause == EndInterrupted:
			return repeat(t, e, 0)
		case e.Cause == EndLost && t.Lost < spec.Retry.Lost:
			t.Lost++
			return repeat(t, e, backoff(spec.Retry.Backoff, t.Lost))
		}
	}
	t.Observation, t.Step = o, e.Step
	if e.Cause == EndSucceeded {
		return succeeded(t, e, spec.Objective)
	}
	if t.Stopping != "" || e.Cause == EndStopped {
		return stopped(t, e.Time)
	}
	t.State, t.Completed = TrialFailed, e.Time
	reason := ReasonTrialFailed
	if e.Cause == EndLost {
		reason = string(EndLost)
	}
	t.Reason, t.Message, t.Fix = or(e.Reason, reason), or(e.Message, trialHasFailed), e.Fix
	return t
}

// repeat makes a trial ready for another attempt.
func repeat(t Trial, e End, wait time.Duration) Trial {
	t.State, t.Running, t.Observation = TrialPending, time.Time{}, nil
	t.Attempt, t.Started, t.NotBefore = t.Attempt+1, false, time.Time{}
	if wait > 0 {
		t.NotBefore = e.Time.Add(wait)
	}
	t.Reason, t.Fix = or(e.Reason, string(e.Cause)), e.Fix
	t.Message = fmt.Sprintf("attempt %d follows: %s", t.Attempt, or(e.Message, "the last one did not come to its own end"))
	return t
}

func succeeded(t Trial, e End, objective Objective) Trial {
	t.Completed = e.Time
	if finite(objective.Value(t.Observation)) || objective.textual(t.Observation) {
		t.State, t.Reason, t.Message, t.Fix = TrialSucceeded, ReasonTrialSucceeded, "Trial has succeeded", e.Fix
		return t
	}
	t.State, t.Reason = TrialMetricsUnavailable, ReasonTrialMetricsUnavailable
	t.Message = fmt.Sprintf("Metrics are not available: the job succeeded but %s has no value", objective.Metric)
	if e.Fix != "" && e.Message != "" { // whoever knows what to do knows why
		t.Message = "Metrics are not available: " + e.Message
	}
	if text := objective.text(t.Observation); text != Unavailable {
		t.Message = fmt.Sprintf("Metrics are not available: the job succeeded but %s is %q, not a finite number", objective.Metric, text)
	}
	t.Fix = or(e.Fix, fmt.Sprintf("have the trial print %s=<number> on a line of its own, in the way the metrics collector reads", objective.Metric))
	return t
}

// stopped ends a trial that was stopped or dropped.
func stopped(t Trial, at time.Time) Trial {
	t.Completed, t.Fix = at, ""
	switch t.Stopping {
	case StopEarly:
		t.State, t.Reason, t.Message = TrialEarlyStopped, ReasonTrialEarlyStopped, "Trial is early stopped"
	case "":
		t.State, t.Reason, t.Message = TrialKilled, ReasonTrialKilled, "Trial was stopped from outside"
	default:
		t.State, t.Reason, t.Message = TrialKilled, string(t.Stopping), killed[t.Stopping]
	}
	if t.StopDetail != "" {
		t.Message += ": " + t.StopDetail
	}
	return t
}

// killed words the reasons of trials that were ended by no fault and no decision of their own.
var killed = map[StopReason]string{
	StopFinished: "Trial was ended because the experiment has finished",
	StopShrunk:   "Trial was ended because parallelTrialCount was lowered",
	StopBudget:   "Trial was dropped because maxTrialCount was lowered",
	StopUser:     "Trial was ended by the user",
}

// backoff is the wait before the nth repetition.
func backoff(first time.Duration, n int) time.Duration {
	for ; n > 1 && first < maxBackoff; n-- {
		first *= 2
	}
	return min(first, maxBackoff)
}

// or is the first text unless that is empty.
func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
