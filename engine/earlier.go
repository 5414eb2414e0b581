package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"qalam/experiment"
	"qalam/space"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
)

// maxEarlier is the number of trials, the latest, that are taken over from each earlier experiment.
const maxEarlier = 10_000

// Library is where earlier experiments are found.
type Library interface {
	Find(ctx context.Context, namespace, name string) (store.Experiment, error)
	History(ctx context.Context, uid string) iter.Seq2[store.Past, error]
}

// Taken says what was taken over from one earlier experiment.
type Taken struct {
	Experiment string // as it was named
	Trials     int    // that fit
	Of         int    // how many were over
}

// earlierExperiment is what a new experiment keeps of an earlier one, so that nothing that becomes of that one matters.
type earlierExperiment struct {
	Experiment string         `json:"experiment"`
	UID        string         `json:"uid"`
	Trials     []earlierTrial `json:"trials"`
}

// earlierTrial is an outcome; JSON knows no NaN, which is null here.
type earlierTrial struct {
	Number     int              `json:"n"`
	State      suggest.State    `json:"s"`
	Assignment space.Assignment `json:"x"`
	Value      *float64         `json:"v,omitempty"`
	Others     []*float64       `json:"o,omitempty"`
	Violations []*float64       `json:"c,omitempty"`
	Step       int64            `json:"t,omitempty"`
}

// Earlier gathers what the experiments that sp.WarmStart names have found, in the space and in the words of the new one: to be
// recorded with it (store.Experiment.Earlier). Parameters go by their names. A number between the bounds becomes the nearest
// feasible one; trials with values that do not exist now are left out, and a parameter that the earlier experiment did not have
// takes the middle of its values. Metrics go by their names as well; where the earlier experiment did not record the new
// objective, its own objective stands for it.
func Earlier(ctx context.Context, lib Library, sp experiment.Spec, registry suggest.Registry) (json.RawMessage, []Taken, error) {
	if len(sp.WarmStart) == 0 {
		return nil, nil, nil
	}
	var all []earlierExperiment
	var taken []Taken
	for _, ref := range sp.WarmStart {
		namespace, name, ok := strings.Cut(ref, "/")
		if !ok {
			namespace, name = sp.Namespace, ref
		}
		rec, err := lib.Find(ctx, namespace, name)
		if err != nil {
			return nil, nil, fmt.Errorf("spec.warmStart: %w", err)
		}
		old, faults := spec.Load([]spec.File{{Name: ref, Data: rec.Source}}, spec.Options{Registry: registry})
		if err := faults.Err(); err != nil {
			return nil, nil, fmt.Errorf("spec.warmStart: experiment %s was created by another version of qalam: %w", ref, err)
		}
		m, err := newMatch(sp, old.Spec)
		if err != nil {
			return nil, nil, fmt.Errorf("spec.warmStart: experiment %s: %w", ref, err)
		}
		e := earlierExperiment{Experiment: namespace + "/" + name, UID: rec.UID}
		over := 0
		for past, err := range lib.History(ctx, rec.UID) {
			if err != nil {
				return nil, nil, err
			}
			if !past.State.Terminal() {
				continue
			}
			over++
			if out, ok := m.outcome(past); ok {
				e.Trials = append(e.Trials, writtenOutcome(out))
			}
		}
		e.Trials = e.Trials[max(0, len(e.Trials)-maxEarlier):]
		all, taken = append(all, e), append(taken, Taken{ref, len(e.Trials), over})
	}
	data, err := json.Marshal(all)
	return data, taken, err
}

// match leads trials of an earlier experiment into a new one.
type match struct {
	now, old experiment.Spec
	from     []int // by parameter of the new space: its index in the old one, -1 where there is none
}

func newMatch(now, old experiment.Spec) (*match, error) {
	m := &match{now: now, old: old}
	if now.Architecture != nil || old.Architecture != nil {
		return nil, errors.New("what was found about architectures cannot be taken over: leave it out")
	}
	params := old.Space.Parameters()
	common := 0
	for _, p := range now.Space.Parameters() {
		i := slices.IndexFunc(params, func(q space.Parameter) bool { return p.Name == q.Name })
		if m.from = append(m.from, i); i >= 0 {
			common++
		}
	}
	if common == 0 {
		return nil, errors.New("it has no parameter in common with this one: leave it out")
	}
	return m, nil
}

// outcome is a trial's outcome in the new experiment, unless it does not fit.
func (m *match) outcome(past store.Past) (suggest.Outcome, bool) {
	if !m.old.Space.Contains(past.Assignment) {
		return suggest.Outcome{}, false
	}
	a, ok := m.assignment(past.Assignment)
	if !ok {
		return suggest.Outcome{}, false
	}
	o, was := m.now.Objective, m.old.Objective
	p := experiment.Past{Number: past.Number, State: past.State, Assignment: a, Value: past.ValueOf(was, o.Metric), Step: past.Step}
	if !slices.Contains(was.Names(), o.Metric) {
		p.Value = o.Cost(was.Cost(past.Value)) // flips the sign again where this one maximises
	}
	for _, name := range o.Additional {
		p.Others = append(p.Others, past.ValueOf(was, name))
	}
	out := p.Outcome(o)
	return out, !slices.ContainsFunc(out.Others, math.IsNaN)
}

// assignment finds the values of the new space, unless there are none.
func (m *match) assignment(old space.Assignment) (space.Assignment, bool) {
	s := m.now.Space
	middle := make([]float64, s.Len())
	for i := range middle {
		middle[i] = 0.5
	}
	a := s.FromUnit(middle)
	active := m.old.Space.Active(old, nil)
	for i, k := range m.from {
		if k < 0 || !active[k] {
			continue
		}
		v, ok := s.Fit(i, m.old.Space.Text(k, old[k]))
		if !ok {
			return nil, false
		}
		a[i] = v
	}
	a = s.Canonical(a)
	return a, s.Contains(a)
}

func writtenOutcome(o suggest.Outcome) earlierTrial {
	t := earlierTrial{Number: o.Number, State: o.State, Assignment: o.Assignment, Value: pointer(o.Value), Step: o.Step}
	for _, v := range o.Others {
		t.Others = append(t.Others, pointer(v))
	}
	for _, v := range o.Violations {
		t.Violations = append(t.Violations, pointer(v))
	}
	return t
}

func pointer(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func value(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

// earlier reads what was recorded of earlier experiments when an experiment was created.
func (e *Engine) earlier(ctx context.Context, uid string) ([][]suggest.Outcome, error) {
	data, err := e.store.Earlier(ctx, uid)
	if err != nil || data == nil {
		return nil, err
	}
	return ReadEarlier(data)
}

// ReadEarlier reads what Earlier wrote.
func ReadEarlier(data json.RawMessage) ([][]suggest.Outcome, error) {
	if data == nil {
		return nil, nil
	}
	var all []earlierExperiment
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("what was learnt from earlier experiments: %w", err)
	}
	out := make([][]suggest.Outcome, len(all))
	for i, x := range all {
		for _, t := range x.Trials {
			o := suggest.Outcome{Number: t.Number, State: t.State, Assignment: t.Assignment, Value: value(t.Value), Step: t.Step}
			for _, v := range t.Others {
				o.Others = append(o.Others, value(v))
			}
			for _, v := range t.Violations {
				o.Violations = append(o.Violations, value(v))
			}
			out[i] = append(out[i], o)
		}
	}
	return out, nil
}
