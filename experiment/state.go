package experiment

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"qalam/space"
)

// Counts holds the number of trials in every state.
type Counts struct {
	Pending, Running, Succeeded, Failed, Killed, EarlyStopped, MetricsUnavailable int
}

// Total is the number of trials.
func (c Counts) Total() int {
	return c.Pending + c.Running + c.Succeeded + c.Failed + c.Killed + c.EarlyStopped + c.MetricsUnavailable
}

// add counts n more trials in a state.
func (c *Counts) add(s TrialState, n int) {
	switch s {
	case TrialPending:
		c.Pending += n
	case TrialRunning:
		c.Running += n
	case TrialSucceeded:
		c.Succeeded += n
	case TrialFailed:
		c.Failed += n
	case TrialKilled:
		c.Killed += n
	case TrialEarlyStopped:
		c.EarlyStopped += n
	case TrialMetricsUnavailable:
		c.MetricsUnavailable += n
	}
}

// Optimal is the best trial so far.
type Optimal struct {
	Number      int
	Name        string
	Assignment  space.Assignment
	Observation Observation
	Value       float64 // objective by its strategy, in the user's direction; finite, but NaN where the objective is a text

	Repetitions int     // of its values, where they were tried again; 0 where they were not
	Mean        float64 // of these repetitions
}

// State is the recorded state of an experiment, summed up: Plan costs the same at 100,000 trials as at ten. It is kept up by
// Apply, one trial at a time; Fold of all trials gives the same State. A State shares its slices with its copies: only one of
// them may be changed further.
type State struct {
	Spec               Spec
	UID                string
	Phase              Phase
	Conditions         []Condition
	Counts             Counts
	Next               int     // number of the next trial to be suggested, from 1
	Dropped            int     // killed trials of which no attempt was started: they used nothing of the budget
	Active             []Trial // trials that are not over, by number
	Optimal            *Optimal
	Pareto             []ParetoTrial // trials that no other betters in every objective, by number; empty with one objective
	Repeated           []Repeated    // what was tried again, by number
	GoalReached        bool
	Exhausted          bool   // the algorithm has nothing more to suggest
	Broken             string // why the algorithm can suggest no more although it should; "" when it can
	StopRequested      bool   // the user asked to end the experiment
	Revision           int64  // of the user's wishes, as far as they have been followed; 0 means none has
	Started, Completed time.Time
}

// NewState is the state of an experiment without trials.
func NewState(spec Spec, uid string) State {
	return State{Spec: spec, UID: uid, Phase: Created, Next: 1}
}

// Fold sums up all trials of an experiment, in any order, each number once: what Apply of every change would have led to.
// What is recorded of the experiment itself (how it ended, what the user asked for) is not in its trials; see Restore.
// Numbers that are missing count as used and over, so that a trial someone deleted holds up nothing.
func Fold(spec Spec, uid string, trials iter.Seq[Trial]) State {
	s := NewState(spec, uid)
	first := Trial{}
	for t := range trials {
		if first.Number == 0 || t.Number < first.Number {
			first = t
		}
		s.Next = max(s.Next, t.Number+1)
		s.count(t, 1)
		if !t.State.Terminal() {
			s.Active = append(s.Active, t)
		}
		s.offer(t)
	}
	slices.SortFunc(s.Active, byNumber)
	if first.Number > 0 {
		s.begin(first.Created)
	}
	return s
}

// Apply takes a new or changed trial into the state, at a cost that grows with the active trials only. Applying a trial as it
// is already changes nothing. A change that cannot happen to a trial is an error and leaves the state as it was: a trial that
// is over never comes back, attempts follow each other, and new trials come in order.
func (s *State) Apply(t Trial) error {
	i, active := s.find(t.Number)
	switch {
	case t.Number < 1:
		return fmt.Errorf("trial %d: trials are numbered from 1", t.Number)
	case t.Number > s.Next:
		return fmt.Errorf("trial %d comes before trial %d", t.Number, s.Next)
	case t.Number == s.Next:
		s.Next++
		s.count(t, 1)
		if !t.State.Terminal() {
			s.Active = append(s.Active, t)
		}
		s.offer(t)
		s.begin(t.Created)
		return nil
	case !active:
		if t.State.Terminal() {
			return nil // it is over: the same once more
		}
		return fmt.Errorf("trial %d is over and cannot be %s again", t.Number, t.State)
	}
	if err := follows(s.Active[i], t); err != nil {
		return fmt.Errorf("trial %d: %w", t.Number, err)
	}
	s.count(s.Active[i], -1)
	s.count(t, 1)
	if t.State.Terminal() {
		s.Active = slices.Delete(s.Active, i, i+1)
		s.offer(t)
	} else {
		s.Active[i] = t
	}
	return nil
}

// follows checks that a live trial can become another: the transitions that the Mark functions and Conclude make.
func follows(old, t Trial) error {
	repeated := t.Attempt == old.Attempt+1
	switch {
	case t.Name != old.Name || !slices.Equal(t.Assignment, old.Assignment):
		return fmt.Errorf("its name or assignment changed (%s, %s)", old.Name, t.Name)
	case t.Attempt != old.Attempt && !repeated:
		return fmt.Errorf("attempt %d follows attempt %d", t.Attempt, old.Attempt)
	case repeated && (t.State != TrialPending || t.Started):
		return fmt.Errorf("attempt %d is %s before it was recorded as pending", t.Attempt, t.State)
	case repeated && old.Stopping != "":
		return fmt.Errorf("attempt %d follows although the trial is being ended (%s)", t.Attempt, old.Stopping)
	case !repeated && old.Started && !t.Started:
		return fmt.Errorf("attempt %d was started and cannot be unstarted", t.Attempt)
	case t.State == TrialRunning && !t.Started:
		return fmt.Errorf("attempt %d runs but was never started", t.Attempt)
	case old.Stopping != "" && t.Stopping != old.Stopping:
		return fmt.Errorf("the reason for ending it changed from %s to %q", old.Stopping, t.Stopping)
	case t.Lost < old.Lost:
		return fmt.Errorf("lost attempts fell from %d to %d", old.Lost, t.Lost)
	}
	return nil
}

// ActiveTrial finds a trial that is not over.
func (s *State) ActiveTrial(number int) (Trial, bool) {
	if i, ok := s.find(number); ok {
		return s.Active[i], true
	}
	return Trial{}, false
}

func (s *State) find(number int) (int, bool) {
	return slices.BinarySearchFunc(s.Active, number, func(t Trial, n int) int { return cmp.Compare(t.Number, n) })
}

// count adds a trial to the counts, or with n = -1 takes it away.
func (s *State) count(t Trial, n int) {
	s.Counts.add(t.State, n)
	if t.State == TrialKilled && t.fresh() {
		s.Dropped += n
	}
}

// offer makes a trial that ended the optimal one if it is better in the first objective. Only finite values compare, and of
// equals the first number wins, so that the order in which trials end never matters. While no trial has a number, the last one
// whose objective is a text is the optimal one, as in Katib.
func (s *State) offer(t Trial) {
	if t.State != TrialSucceeded && t.State != TrialEarlyStopped {
		return
	}
	o := s.Spec.Objective
	value := o.Value(t.Observation)
	if !finite(value) && !o.textual(t.Observation) {
		return
	}
	s.offerPareto(t)
	s.GoalReached = s.GoalReached || o.reachedBy(t.Observation)
	found := &Optimal{Number: t.Number, Name: t.Name, Assignment: t.Assignment, Observation: t.Observation, Value: value}
	of, repeats := t.repeats()
	switch {
	case repeats && finite(value):
		s.offerRepeated(of, *found)
	case len(s.Repeated) == 0 && (s.Optimal == nil || o.better(found, s.Optimal)):
		s.Optimal = found
	}
}

// better orders trials: one that has a number before one that has a text, one that breaks the constraints less before one that
// breaks them more, and so any that keeps them before any that does not.
func (o Objective) better(a, than *Optimal) bool {
	switch {
	case !finite(a.Value):
		return !finite(than.Value) && a.Number > than.Number
	case !finite(than.Value):
		return true
	}
	return cmp.Or(
		cmp.Compare(o.excess(a.Observation), o.excess(than.Observation)),
		cmp.Compare(o.Cost(a.Value), o.Cost(than.Value)),
		cmp.Compare(a.Number, than.Number),
	) < 0
}

// used is how many trials of the budget are taken: suggested, and started or still to be.
func (s *State) used() int { return s.Next - 1 - s.Dropped }

// over is how many trials of the budget are over.
func (s *State) over() int { return s.used() - len(s.Active) }

func byNumber(a, b Trial) int { return cmp.Compare(a.Number, b.Number) }
