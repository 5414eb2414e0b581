package experiment

import (
	"errors"
	"fmt"
	"time"
)

// Edit changes budgets; nil leaves one as it is. Nothing else of an experiment can be changed.
type Edit struct{ Parallel, Max, MaxFailed *int }

// Restartable says why raising MaxTrialCount cannot take the experiment up again, by Katib's rule; "" when it can.
func Restartable(s State) string {
	switch {
	case !s.Finished():
		return "it has not finished"
	case s.Phase == Failed:
		return "it has failed"
	case s.Reason() != ReasonMaxTrials:
		return fmt.Sprintf("it has not finished by reaching maxTrialCount (%s)", s.Reason())
	case s.Spec.Resume != ResumeLongRunning && s.Spec.Resume != ResumeFromVolume:
		return fmt.Sprintf("its resumePolicy is %s; LongRunning and FromVolume allow it", s.Spec.Resume)
	}
	return ""
}

// ApplyEdit gives an experiment new budgets. A finished one can only be edited when Restartable has nothing against it, and
// goes on when its MaxTrialCount leaves room. Unlike Katib it allows a MaxTrialCount below the number of trials there are:
// what was never started is dropped, and the experiment finishes when that many trials are over. The state handed in is left
// as it is.
func ApplyEdit(s State, e Edit, at time.Time) (State, error) {
	next, err := edited(s, e)
	if err != nil || !s.Finished() || next.sameBudgets(s) {
		return next, err
	}
	if why := Restartable(s); why != "" {
		return s, fmt.Errorf("experiment %s cannot be edited: %s", s.Spec.Name, why)
	}
	if next.hasRoom() {
		next.restart(at)
	}
	return next, nil
}

// Resume takes a finished experiment up again at its user's explicit wish, with new budgets. Other than an edit it asks no
// resume policy, and it also continues an experiment that its user stopped, or that failed and may now fail more often. An
// experiment that is not finished only takes the budgets and forgets a wish to stop. It is an error when nothing would come
// of it. The state handed in is left as it is.
func Resume(s State, e Edit, at time.Time) (State, error) {
	next, err := edited(s, e)
	if err != nil {
		return s, err
	}
	if !s.Finished() {
		next.StopRequested = false
		return next, nil
	}
	next.restart(at)
	if f, ok := next.decided(); ok {
		return s, fmt.Errorf("experiment %s cannot be resumed: %s", s.Spec.Name, next.remedy(f))
	}
	if next.Exhausted {
		return s, fmt.Errorf("experiment %s cannot be resumed: every assignment of its space has been tried", s.Spec.Name)
	}
	return next, nil
}

// remedy says why a finish is still due and what would change that.
func (s *State) remedy(f Finish) string {
	switch f.Reason {
	case ReasonGoalReached:
		return fmt.Sprintf("trial %s has reached the goal", s.Optimal.Name)
	case ReasonFailed:
		return fmt.Sprintf("%d trials have failed; raise maxFailedTrialCount above that", s.Counts.Failed+s.Counts.MetricsUnavailable)
	default:
		return fmt.Sprintf("its %d trials are over; raise maxTrialCount above that", s.over())
	}
}

// edited is the state with new budgets, checked as Katib does when an experiment is created.
func edited(s State, e Edit) (State, error) {
	if e.Parallel != nil {
		s.Spec.ParallelTrialCount = *e.Parallel
	}
	if e.Max != nil {
		s.Spec.MaxTrialCount = clone(e.Max)
	}
	if e.MaxFailed != nil {
		s.Spec.MaxFailedTrialCount = clone(e.MaxFailed)
	}
	parallel, most, failed := s.Spec.ParallelTrialCount, s.Spec.MaxTrialCount, s.Spec.MaxFailedTrialCount
	var errs []error
	if parallel <= 0 {
		errs = append(errs, fmt.Errorf("parallelTrialCount is %d but must be greater than 0", parallel))
	}
	if most != nil && *most <= 0 {
		errs = append(errs, fmt.Errorf("maxTrialCount is %d but must be greater than 0; to end the experiment, stop it", *most))
	}
	if failed != nil && *failed < 0 {
		errs = append(errs, fmt.Errorf("maxFailedTrialCount is %d but must not be less than 0", *failed))
	}
	if most != nil && *most > 0 && parallel > *most {
		errs = append(errs, fmt.Errorf("parallelTrialCount is %d but must not be more than maxTrialCount, %d", parallel, *most))
	}
	if most != nil && *most > 0 && failed != nil && *failed > *most {
		errs = append(errs, fmt.Errorf("maxFailedTrialCount is %d but must not be more than maxTrialCount, %d", *failed, *most))
	}
	return s, errors.Join(errs...)
}

// hasRoom reports whether the budget allows another trial.
func (s *State) hasRoom() bool {
	return s.Spec.MaxTrialCount == nil || s.used() < *s.Spec.MaxTrialCount
}

func (s *State) sameBudgets(o State) bool {
	return s.Spec.ParallelTrialCount == o.Spec.ParallelTrialCount &&
		same(s.Spec.MaxTrialCount, o.Spec.MaxTrialCount) && same(s.Spec.MaxFailedTrialCount, o.Spec.MaxFailedTrialCount)
}

func same(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

func clone(n *int) *int { c := *n; return &c }
