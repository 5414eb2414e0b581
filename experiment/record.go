package experiment

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qalam/space"
)

// record is what Record writes: all of a State but for the Spec, of which only the budgets change, and the active trials.
type record struct {
	Version             int             `json:"version"`
	Phase               Phase           `json:"phase"`
	Conditions          []Condition     `json:"conditions,omitempty"`
	Counts              Counts          `json:"counts"`
	Next                int             `json:"next"`
	Dropped             int             `json:"dropped,omitempty"`
	Optimal             *recordedTrial  `json:"optimal,omitempty"`
	Pareto              []ParetoTrial   `json:"pareto,omitempty"`
	Repeated            []recordedGroup `json:"repeated,omitempty"`
	GoalReached         bool            `json:"goalReached,omitempty"`
	Exhausted           bool            `json:"exhausted,omitempty"`
	Broken              string          `json:"broken,omitempty"`
	StopRequested       bool            `json:"stopRequested,omitempty"`
	Revision            int64           `json:"revision,omitempty"`
	Started             time.Time       `json:"started,omitzero"`
	Completed           time.Time       `json:"completed,omitzero"`
	ParallelTrialCount  int             `json:"parallelTrialCount"`
	MaxTrialCount       *int            `json:"maxTrialCount,omitempty"`
	MaxFailedTrialCount *int            `json:"maxFailedTrialCount,omitempty"`
}

type recordedTrial struct {
	Number      int              `json:"number"`
	Name        string           `json:"name"`
	Assignment  space.Assignment `json:"assignment"`
	Observation Observation      `json:"observation"`
}

// recordedGroup is a Repeated; its trials have one assignment.
type recordedGroup struct {
	Number int             `json:"number"`
	Trials []recordedTrial `json:"trials"`
}

const recordVersion = 1

// Record is what is to be recorded of an experiment beside its trials, as JSON. It stays small however many trials there are.
func (s *State) Record() ([]byte, error) {
	r := record{
		Version: recordVersion, Phase: s.Phase, Conditions: s.Conditions, Counts: s.Counts, Next: s.Next, Dropped: s.Dropped,
		Pareto: s.Pareto, GoalReached: s.GoalReached, Exhausted: s.Exhausted, Broken: s.Broken, StopRequested: s.StopRequested, Revision: s.Revision,
		Started: s.Started, Completed: s.Completed,
		ParallelTrialCount: s.Spec.ParallelTrialCount, MaxTrialCount: s.Spec.MaxTrialCount, MaxFailedTrialCount: s.Spec.MaxFailedTrialCount,
	}
	if o := s.Optimal; o != nil {
		r.Optimal = &recordedTrial{o.Number, o.Name, o.Assignment, o.Observation}
	}
	for _, g := range s.Repeated {
		group := recordedGroup{Number: g.Number}
		for _, o := range g.Trials {
			group.Trials = append(group.Trials, recordedTrial{o.Number, o.Name, o.Assignment, o.Observation})
		}
		r.Repeated = append(r.Repeated, group)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("record of experiment %s: %w", s.Spec.Name, err)
	}
	return data, nil
}

// Restore is the state of an experiment from its Record and its active trials, in any order: what it was when both were
// recorded together, at a cost that does not grow with the trials that are over. An empty record is that of a new experiment.
// The budgets of the record replace those of the spec. A record that does not agree with the trials is an error.
func Restore(spec Spec, uid string, data []byte, active []Trial) (State, error) {
	s := NewState(spec, uid)
	if len(data) > 0 {
		var r record
		if err := json.Unmarshal(data, &r); err != nil {
			return s, fmt.Errorf("record of experiment %s: %w", spec.Name, err)
		}
		if r.Version != recordVersion {
			return s, fmt.Errorf("record of experiment %s has version %d, this version of qalam knows %d", spec.Name, r.Version, recordVersion)
		}
		s.take(r)
	}
	s.Active = slices.SortedFunc(slices.Values(active), byNumber)
	return s, s.agree()
}

func (s *State) take(r record) {
	s.Phase, s.Conditions, s.Counts, s.Next, s.Dropped = r.Phase, r.Conditions, r.Counts, r.Next, r.Dropped
	s.Exhausted, s.Broken, s.StopRequested, s.Revision = r.Exhausted, r.Broken, r.StopRequested, r.Revision
	s.Started, s.Completed, s.Pareto = r.Started, r.Completed, r.Pareto
	s.Spec.ParallelTrialCount, s.Spec.MaxTrialCount, s.Spec.MaxFailedTrialCount = r.ParallelTrialCount, r.MaxTrialCount, r.MaxFailedTrialCount
	if o := r.Optimal; o != nil {
		objective := s.Spec.Objective
		s.Optimal = o.optimal(objective)
		s.GoalReached = r.GoalReached || objective.reachedBy(o.Observation)
	}
	for _, g := range r.Repeated {
		for _, o := range g.Trials {
			s.offerRepeated(g.Number, *o.optimal(s.Spec.Objective))
		}
	}
}

func (t recordedTrial) optimal(o Objective) *Optimal {
	return &Optimal{Number: t.Number, Name: t.Name, Assignment: t.Assignment, Observation: o.Revalue(t.Observation), Value: o.Value(t.Observation)}
}

// agree checks that the active trials are those that were counted.
func (s *State) agree() error {
	var c Counts
	last := 0
	for _, t := range s.Active {
		if t.State.Terminal() || t.Number <= last || t.Number >= s.Next {
			return fmt.Errorf("trial %d (%s) of experiment %s is not among the active trials on record", t.Number, t.State, s.Spec.Name)
		}
		c.add(t.State, 1)
		last = t.Number
	}
	if c.Pending != s.Counts.Pending || c.Running != s.Counts.Running {
		return fmt.Errorf("experiment %s has %d pending and %d running trials but %d and %d on record",
			s.Spec.Name, c.Pending, c.Running, s.Counts.Pending, s.Counts.Running)
	}
	return nil
}
