package view

import (
	"math"
	"strings"
	"time"

	"qalam/experiment"
	"qalam/space"
)

// Event is one thing that happened while an experiment ran: a line for people or programs.
type Event struct {
	Time       time.Time          `json:"time"`
	Elapsed    float64            `json:"elapsed"` // seconds since this run began
	Kind       string             `json:"kind"`    // trial or experiment
	Experiment string             `json:"experiment"`
	Trial      int                `json:"trial,omitempty"`
	Name       string             `json:"name,omitempty"`
	State      string             `json:"state"` // of the trial, or the experiment's phase
	Reason     string             `json:"reason,omitempty"`
	Message    string             `json:"message,omitempty"`
	Fix        string             `json:"fix,omitempty"`
	Metric     string             `json:"metric,omitempty"`
	Value      *float64           `json:"value,omitempty"` // of the objective; none where there is no finite one
	Best       bool               `json:"best,omitempty"`
	Assignment []space.Named      `json:"assignment,omitempty"`
	Duration   float64            `json:"duration,omitempty"` // seconds that the last attempt ran
	Attempt    int                `json:"attempt,omitempty"`
	Counts     *experiment.Counts `json:"counts,omitempty"` // of an experiment
}

// Event makes the event of a trial that has changed; ok is false for changes that are not worth a line: a trial that was only
// created, and one that is as it was told before.
func (p *Progress) Event(t experiment.Trial, told map[int]string, best bool, now time.Time) (e Event, ok bool) {
	key := string(t.State) + " " + t.Reason + " " + t.Fix
	if t.State == experiment.TrialPending && t.Reason == experiment.ReasonTrialCreated || told[t.Number] == key {
		return e, false
	}
	told[t.Number] = key
	if t.State.Terminal() {
		delete(told, t.Number)
	}
	e = Event{
		Time: now, Elapsed: now.Sub(p.began).Seconds(), Kind: "trial", Experiment: p.name, Trial: t.Number, Name: t.Name,
		State: string(t.State), Reason: t.Reason, Message: t.Message, Fix: t.Fix, Best: best,
		Assignment: p.space.NamedActive(t.Assignment), Attempt: t.Attempt,
	}
	if v := p.objective.Value(t.Observation); !math.IsNaN(v) {
		e.Metric, e.Value = p.objective.Metric, &v
	}
	if t.State.Terminal() && !t.Running.IsZero() {
		e.Duration = t.Completed.Sub(t.Running).Seconds()
	}
	return e, true
}

// Text writes the event as one line: the time since the run began, then words of the form name=value.
func (e Event) Text() string {
	var b strings.Builder
	b.WriteString(Clock(time.Duration(e.Elapsed * float64(time.Second))))
	word := func(name, value string) {
		if value != "" {
			b.WriteString(" " + Clean(name) + "=" + quoted(Clean(value)))
		}
	}
	if e.Kind == "trial" {
		b.WriteString(" trial=")
		b.WriteString(itoa(e.Trial))
	} else {
		word("experiment", e.Experiment)
	}
	word("state", e.State)
	if e.Value != nil {
		word(e.Metric, exact(*e.Value))
	}
	if e.Best {
		word("best", "true")
	}
	switch e.State {
	case string(experiment.TrialRunning), string(experiment.TrialSucceeded):
		if e.Fix == "" {
			break
		}
		fallthrough
	default:
		word("reason", e.Reason)
		word("message", e.Message)
		word("fix", e.Fix)
	}
	for _, n := range e.Assignment {
		word(n.Name, Short(n.Value))
	}
	if e.Duration > 0 {
		word("dur", Span(time.Duration(e.Duration*float64(time.Second))))
	}
	return b.String()
}
