package experiment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"qalam/space"
	"qalam/suggest"
)

// TrialState is the state of a trial.
type TrialState string

// The states of a trial. Running means that its primary container runs.
const (
	TrialPending            TrialState = "Pending"
	TrialRunning            TrialState = "Running"
	TrialSucceeded          TrialState = "Succeeded"
	TrialFailed             TrialState = "Failed"
	TrialKilled             TrialState = "Killed"
	TrialEarlyStopped       TrialState = "EarlyStopped"
	TrialMetricsUnavailable TrialState = "MetricsUnavailable"
)

// Terminal reports whether a trial in this state is over.
func (s TrialState) Terminal() bool { return s != TrialPending && s != TrialRunning }

// The reasons of trials, spelled as in Katib.
const (
	ReasonTrialCreated            = "TrialCreated"
	ReasonTrialRunning            = "TrialRunning"
	ReasonTrialSucceeded          = "TrialSucceeded"
	ReasonTrialFailed             = "TrialFailed"
	ReasonTrialMetricsUnavailable = "MetricsUnavailable"
	ReasonTrialEarlyStopped       = "TrialEarlyStopped"
	ReasonTrialKilled             = "TrialKilled"
)

// Trial is one evaluation of one assignment. Its identity is (experiment, Number).
type Trial struct {
	Number      int
	Name        string // deterministic: TrialName(experiment name, UID, Number)
	Assignment  space.Assignment
	Labels      map[string]string // from the suggestion
	Note        string            // from the suggestion
	State       TrialState
	Reason      string     // one CamelCase word: TrialCreated, TrialRunning, OOMKilled, RendezvousIncomplete, …
	Message     string     // one line for people: why it is in this state, with the evidence
	Fix         string     // one line for people: what to do, or ""
	Attempt     int        // from 1; the attempt that runs or ran last
	Started     bool       // whether the current attempt was handed to the runner
	Lost        int        // attempts lost so far through no fault of the trial's
	NotBefore   time.Time  // earliest time of the next attempt; zero means now
	Stopping    StopReason // why it is being ended; "" when it is not
	StopDetail  string     // the figures behind Stopping, one line
	Created     time.Time
	Running     time.Time // when the primary container of the current attempt started; zero before
	Completed   time.Time
	Observation Observation
	Step        int64 // of the last report of the objective; 0 where unknown
}

// StopReason says why a trial is being ended before its own end.
type StopReason string

// The reasons for ending a trial.
const (
	StopEarly    StopReason = "EarlyStopped" // an early-stopping rule decided so
	StopFinished StopReason = "ExperimentFinished"
	StopShrunk   StopReason = "ParallelTrialCountLowered"
	StopBudget   StopReason = "MaxTrialCountLowered"
	StopUser     StopReason = "StoppedByUser"
)

// fresh reports whether no attempt of the trial was ever started.
func (t Trial) fresh() bool { return t.Attempt <= 1 && !t.Started }

// TrialName is the name of a trial: the experiment's name and eight letters or digits that follow from the experiment's UID
// and the trial's number, so that a trial created twice is the same trial. It is at most 9 bytes longer than the experiment's
// and a DNS label when that is one.
func TrialName(experiment, uid string, number int) string {
	mac := hmac.New(sha256.New, []byte(uid))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(number)))
	return experiment + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:5]))
}

// NewTrial makes the trial of a suggestion. It is to be recorded before it is started.
func NewTrial(spec Spec, uid string, number int, s suggest.Suggestion, at time.Time) Trial {
	return Trial{
		Number:     number,
		Name:       TrialName(spec.Name, uid, number),
		Assignment: s.Assignment,
		Labels:     s.Labels,
		Note:       s.Note,
		State:      TrialPending,
		Reason:     ReasonTrialCreated,
		Message:    "Trial is created",
		Attempt:    1,
		Created:    at,
	}
}

// The Mark functions take a trial to its next state. What cannot happen to a trial changes nothing: nothing happens to one
// that is over, and what has happened already does not happen again.

// MarkStarted records the intent to hand the current attempt to the runner.
func MarkStarted(t Trial) Trial {
	if t.State != TrialPending || t.Started {
		return t
	}
	t.Started, t.NotBefore = true, time.Time{}
	return t
}

// MarkRunning records that the primary container runs since a time.
func MarkRunning(t Trial, since time.Time) Trial {
	if t.State != TrialPending || !t.Started {
		return t
	}
	t.State, t.Running = TrialRunning, since
	t.Reason, t.Message, t.Fix = ReasonTrialRunning, "Trial is running", ""
	return t
}

// MarkPending records that a started attempt does not run, or runs no longer, and why: it waits for resources, or its
// container is being restarted.
func MarkPending(t Trial, reason, message string) Trial {
	if t.State.Terminal() {
		return t
	}
	t.State, t.Running = TrialPending, time.Time{}
	t.Reason, t.Message, t.Fix = reason, message, ""
	return t
}

// MarkStopping records the intent to end a started attempt. The first reason holds.
func MarkStopping(t Trial, reason StopReason, detail string) Trial {
	if t.State.Terminal() || !t.Started || t.Stopping != "" {
		return t
	}
	t.Stopping, t.StopDetail = reason, detail
	return t
}

// MarkDropped ends a trial that the runner does not have.
func MarkDropped(t Trial, reason StopReason, at time.Time) Trial {
	if t.State != TrialPending || t.Started {
		return t
	}
	t.Stopping = reason
	return stopped(t, at)
}
