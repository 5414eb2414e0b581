package experiment

import (
	"slices"
	"time"
)

// Phase is the state of an experiment as a whole.
type Phase string

// The phases of an experiment.
const (
	Created    Phase = "Created"
	Running    Phase = "Running"
	Restarting Phase = "Restarting"
	Succeeded  Phase = "Succeeded"
	Failed     Phase = "Failed"
)

// The reasons of experiments, spelled as in Katib but for ExperimentStopped, which Katib has no word for: it knows no way to
// end an experiment before its time.
const (
	ReasonCreated       = "ExperimentCreated"
	ReasonRunning       = "ExperimentRunning"
	ReasonRestarting    = "ExperimentRestarting"
	ReasonGoalReached   = "ExperimentGoalReached"
	ReasonMaxTrials     = "ExperimentMaxTrialsReached"
	ReasonSuggestionEnd = "ExperimentSuggestionEndReached"
	ReasonStopped       = "ExperimentStopped"
	ReasonFailed        = "ExperimentFailed"
)

// Create records when the experiment was created. It happens once.
func (s *State) Create(at time.Time) {
	if len(s.Conditions) > 0 {
		return
	}
	s.Phase, s.Started = Created, at
	s.Conditions = set(nil, condition(string(Created), True, ReasonCreated, "Experiment is created", at))
}

// begin makes the experiment run: Apply does so with every new trial.
func (s *State) begin(at time.Time) {
	s.Create(at)
	if s.Phase == Running || s.Finished() {
		return
	}
	s.Phase = Running
	s.Conditions = set(s.Conditions, condition(string(Running), True, ReasonRunning, "Experiment is running", at))
}

// Finish records the end of the experiment. The first end holds until a restart.
func (s *State) Finish(f Finish, at time.Time) {
	if s.Finished() {
		return
	}
	s.Create(at)
	s.Phase, s.Completed = f.Phase, at
	s.Conditions = end(s.Conditions, condition(string(f.Phase), True, f.Reason, f.Message, at))
}

// Finished reports whether the experiment is over.
func (s *State) Finished() bool { return s.Phase == Succeeded || s.Phase == Failed }

// Reason is why the experiment is in its phase: the reason of its last condition.
func (s *State) Reason() string {
	if len(s.Conditions) == 0 {
		return ""
	}
	return s.Conditions[len(s.Conditions)-1].Reason
}

// restart takes a finished experiment up again; it runs with its next trial.
func (s *State) restart(at time.Time) {
	s.Phase, s.Completed, s.StopRequested, s.Broken = Restarting, time.Time{}, false, ""
	kept := slices.DeleteFunc(slices.Clone(s.Conditions), func(c Condition) bool {
		return c.Type == string(Succeeded) || c.Type == string(Failed)
	})
	// A second restart is an event of its own, although nothing about the condition but its time is new.
	kept = slices.DeleteFunc(kept, func(c Condition) bool { return c.Type == string(Restarting) })
	s.Conditions = set(kept, condition(string(Restarting), True, ReasonRestarting, "Experiment is restarted", at))
}
