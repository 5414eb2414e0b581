package experiment

import "time"

// Action is one thing that Plan wants done. Carrying it out twice does no harm: its identity is (experiment, number, attempt).
type Action interface{ action() }

// Suggest asks the algorithm for assignments of the trials First … First+Count-1, to be recorded as Pending.
type Suggest struct{ First, Count int }

// Start hands one attempt of a trial to the runner. The trial is recorded as Started first: whoever finds an active trial that
// is Started after a crash asks the runner what became of it.
type Start struct{ Number, Attempt int }

// Stop ends a started attempt; its trial is recorded as Stopping first: whoever finds an active trial that is Stopping after a
// crash asks the runner again.
type Stop struct {
	Number int
	Reason StopReason
}

// Drop ends a trial that the runner does not have: it becomes Killed without running.
type Drop struct {
	Number int
	Reason StopReason
}

// Finish ends the experiment in a phase, with Katib's reason and message, once no trial runs any more.
type Finish struct {
	Phase   Phase
	Reason  string
	Message string
}

func (Suggest) action() {}
func (Start) action()   {}
func (Stop) action()    {}
func (Drop) action()    {}
func (Finish) action()  {}

// Plan says what is to be done, from the recorded state alone, and when to ask again though nothing was recorded (zero: not
// before). The same state gives the same actions; recording them all leads to a state with none left to do at once.
//
// Exactly MaxTrialCount trials start: a slot of the budget is taken when a trial is suggested, whatever becomes of it, and
// given back only by one that never started. Of the trials that were started and are not over, never more than
// ParallelTrialCount exist. The experiment is decided by the goal first, then by failures, then by the budget; it then ends
// what still runs, and finishes when nothing does. An algorithm without further suggestions, and the user's wish to stop, let
// what was started come to its own end.
func Plan(s State, now time.Time) (actions []Action, wake time.Time) {
	if s.Finished() {
		return endAll(s.Active, StopFinished), time.Time{}
	}
	if f, ok := s.decided(); ok {
		if len(s.Active) == 0 {
			return []Action{f}, time.Time{}
		}
		return endAll(s.Active, StopFinished), time.Time{}
	}
	if f, ok := s.ending(); ok && len(s.Active) == 0 {
		return []Action{f}, time.Time{}
	}
	if s.StopRequested {
		return dropAll(s.Active), time.Time{}
	}
	actions = s.shrink()
	starts, wake := s.starts(now)
	actions = append(actions, starts...)
	if n := s.room(); n > 0 {
		actions = append(actions, Suggest{First: s.Next, Count: n})
	}
	return actions, wake
}

// decided reports an outcome that no running trial can change any more, but for a goal reached beside a failure.
func (s *State) decided() (Finish, bool) {
	c, spec := s.Counts, s.Spec
	bad := c.Failed + c.MetricsUnavailable
	switch {
	case s.GoalReached:
		return Finish{Succeeded, ReasonGoalReached, "Experiment has succeeded because Objective goal has reached"}, true
	case spec.MaxFailedTrialCount != nil && bad > 0 && bad >= *spec.MaxFailedTrialCount:
		return Finish{Failed, ReasonFailed, "Experiment has failed because max failed count has reached"}, true
	case spec.MaxTrialCount != nil && s.over() >= *spec.MaxTrialCount && !s.StopRequested:
		return Finish{Succeeded, ReasonMaxTrials, "Experiment has succeeded because max trial count has reached"}, true
	}
	return Finish{}, false
}

// ending reports why the experiment is to finish as soon as nothing is active.
func (s *State) ending() (Finish, bool) {
	switch {
	case s.StopRequested:
		return Finish{Succeeded, ReasonStopped, "Experiment was stopped by its user"}, true
	case s.Broken != "":
		return Finish{Failed, ReasonFailed, "Suggestion has failed: " + s.Broken}, true
	case s.Exhausted:
		return Finish{Succeeded, ReasonSuggestionEnd, "Experiment has succeeded because suggestion service has reached the end"}, true
	}
	return Finish{}, false
}

// endAll ends every active trial, the newest first.
func endAll(active []Trial, reason StopReason) (actions []Action) {
	for i := len(active) - 1; i >= 0; i-- {
		switch t := active[i]; {
		case !t.Started:
			actions = append(actions, Drop{t.Number, reason})
		case t.Stopping == "":
			actions = append(actions, Stop{t.Number, reason})
		}
	}
	return actions
}

// dropAll drops, at the user's wish, what the runner does not have, the newest first.
func dropAll(active []Trial) (actions []Action) {
	for i := len(active) - 1; i >= 0; i-- {
		if t := active[i]; !t.Started {
			actions = append(actions, Drop{t.Number, StopUser})
		}
	}
	return actions
}

// shrink gives way to lowered budgets: it drops trials beyond MaxTrialCount that were never started, and stops the newest of
// those that were beyond ParallelTrialCount. Trials that wait to be started wait on: dropping them would gain nothing.
func (s *State) shrink() (actions []Action) {
	surplus := s.surplus()
	stopping := s.running() - s.Spec.ParallelTrialCount
	for i := len(s.Active) - 1; i >= 0 && (surplus > 0 || stopping > 0); i-- {
		switch t := s.Active[i]; {
		case t.fresh() && surplus > 0:
			actions = append(actions, Drop{t.Number, StopBudget})
			surplus--
		case t.Started && t.Stopping == "" && stopping > 0:
			actions = append(actions, Stop{t.Number, StopShrunk})
			stopping--
		}
	}
	return actions
}

// starts starts what waits, in the order of numbers, as far as there is room, and says when the next one may start.
func (s *State) starts(now time.Time) (actions []Action, wake time.Time) {
	free, fresh := s.Spec.ParallelTrialCount, 0
	for _, t := range s.Active {
		if t.Started {
			free--
		} else if t.fresh() {
			fresh++
		}
	}
	fresh -= max(0, s.surplus()) // the newest are dropped
	for _, t := range s.Active {
		if t.Started {
			continue
		}
		if t.fresh() {
			if fresh--; fresh < 0 {
				continue
			}
		}
		switch {
		case t.NotBefore.After(now):
			if wake.IsZero() || t.NotBefore.Before(wake) {
				wake = t.NotBefore
			}
		case free > 0:
			free--
			actions = append(actions, Start{t.Number, t.Attempt})
		}
	}
	return actions, wake
}

// room is how many new trials there is room for.
func (s *State) room() int {
	if s.Exhausted || s.Broken != "" {
		return 0
	}
	n := s.Spec.ParallelTrialCount - len(s.Active)
	if s.Spec.MaxTrialCount != nil {
		n = min(n, *s.Spec.MaxTrialCount-s.used())
	}
	return max(0, n)
}

// running is how many trials the runner has that are not being ended.
func (s *State) running() (n int) {
	for _, t := range s.Active {
		if t.Started && t.Stopping == "" {
			n++
		}
	}
	return n
}

// surplus is how many trials too many are suggested, after MaxTrialCount was lowered.
func (s *State) surplus() int {
	if s.Spec.MaxTrialCount == nil {
		return 0
	}
	return s.used() - *s.Spec.MaxTrialCount
}
