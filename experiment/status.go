package experiment

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Status is what is told of an experiment: Katib's ExperimentStatus. Its lists hold the active trials only, so that it stays
// small; ListTrials makes the whole ones for those who ask.
type Status struct {
	Phase              Phase
	Conditions         []Condition // the last one is the state
	Started, Completed time.Time
	Optimal            *Optimal  // nil while no trial has a value
	Pareto             []Optimal // the Pareto set of several objectives; Summarize leaves it to those who have the trials
	Trials             int       // how many there are
	Counts             Counts
	Lists              Lists
}

// Lists holds names of trials by state, in the order of their numbers.
type Lists struct {
	Pending, Running, Succeeded, Failed, Killed, EarlyStopped, MetricsUnavailable []string
}

// Summarize is the status of an experiment. It shares the State's conditions and optimal trial, which are never changed in
// place.
func Summarize(s State) Status {
	return Status{
		Phase:      s.Phase,
		Conditions: slices.Clip(s.Conditions),
		Started:    s.Started,
		Completed:  s.Completed,
		Optimal:    s.Optimal,
		Trials:     s.Counts.Total(),
		Counts:     s.Counts,
		Lists:      ListTrials(slices.Values(s.Active)),
	}
}

// ListTrials sorts the names of trials, given by number, into the lists of Katib's ExperimentStatus.
func ListTrials(trials iter.Seq[Trial]) Lists {
	var l Lists
	for t := range trials {
		list := l.of(t.State)
		*list = append(*list, t.Name)
	}
	return l
}

func (l *Lists) of(s TrialState) *[]string {
	switch s {
	case TrialRunning:
		return &l.Running
	case TrialSucceeded:
		return &l.Succeeded
	case TrialFailed:
		return &l.Failed
	case TrialKilled:
		return &l.Killed
	case TrialEarlyStopped:
		return &l.EarlyStopped
	case TrialMetricsUnavailable:
		return &l.MetricsUnavailable
	default:
		return &l.Pending
	}
}

// TrialConditions is the history of a trial as Katib's TrialStatus tells it; the last condition is the state. Other than in
// Katib, Running is True only while the primary container runs, and turns False when a trial is stopped early. Katib has no
// condition for a trial that waits: its last one is Created, and Running, before it, is False with the reason why. A
// trial that runs and is not well has the reason in Running.
func TrialConditions(t Trial) []Condition {
	created := condition(string(Created), True, ReasonTrialCreated, "Trial is created", t.Created)
	if t.State == TrialPending {
		if t.Reason == "" || t.Reason == ReasonTrialCreated {
			return []Condition{created}
		}
		return []Condition{condition(string(Running), False, t.Reason, t.Message, t.Created), created}
	}
	cs := []Condition{created}
	if !t.Running.IsZero() {
		cs = set(cs, condition(string(Running), True, ReasonTrialRunning, "Trial is running", t.Running))
	}
	switch t.State {
	case TrialRunning:
		if t.Reason != "" && t.Reason != ReasonTrialRunning && t.Reason != ReasonTrialCreated { // it runs, and is not well
			last := &cs[len(cs)-1]
			last.Reason, last.Message = t.Reason, t.Message
		}
		return cs
	case TrialMetricsUnavailable:
		return end(cs, condition(string(TrialMetricsUnavailable), True, ReasonTrialMetricsUnavailable, t.Message, t.Completed))
	case TrialFailed:
		return end(cs, condition(string(TrialFailed), True, jobReason(t.Reason), jobMessage(t.Message), t.Completed))
	}
	return end(cs, condition(string(t.State), True, t.Reason, t.Message, t.Completed))
}

const trialHasFailed = "Trial has failed"

// jobReason is the reason of a failed trial as Katib puts it together from its own and the job's.
func jobReason(reason string) string {
	if reason == ReasonTrialFailed {
		return reason
	}
	return ReasonTrialFailed + ". Job reason: " + reason
}

func jobMessage(message string) string {
	if strings.HasPrefix(message, trialHasFailed) {
		return message
	}
	return trialHasFailed + ". Job message: " + message
}
