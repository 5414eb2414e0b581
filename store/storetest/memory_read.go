package storetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"qalam/experiment"
	"qalam/store"
)

// Trials is SQLite.Trials.
func (m *Memory) Trials(_ context.Context, uid string, q store.Query) iter.Seq2[experiment.Trial, error] {
	return func(yield func(experiment.Trial, error) bool) {
		list, err := m.trials(uid, q)
		if err != nil {
			yield(experiment.Trial{}, err)
		}
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (m *Memory) trials(uid string, q store.Query) ([]experiment.Trial, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	e, err := m.home.find(uid)
	if err != nil {
		return nil, err
	}
	for _, state := range q.States {
		if !slices.Contains(allStates, state) {
			return nil, fmt.Errorf("state %q of trials is not known", state)
		}
	}
	var list []experiment.Trial
	for number, t := range e.trials {
		out := len(q.States) > 0 && !slices.Contains(q.States, t.State) ||
			len(q.Numbers) > 0 && !slices.Contains(q.Numbers, number) ||
			q.After > 0 && (q.Descending && number >= q.After || !q.Descending && number <= q.After)
		if !out {
			list = append(list, cloneTrial(t))
		}
	}
	slices.SortFunc(list, func(a, b experiment.Trial) int { return cmp.Compare(a.Number, b.Number) })
	if q.Descending {
		slices.Reverse(list)
	}
	if q.Limit > 0 {
		list = list[:min(q.Limit, len(list))]
	}
	return list, nil
}

// Active is SQLite.Active.
func (m *Memory) Active(_ context.Context, uid string) ([]experiment.Trial, error) {
	return m.trials(uid, store.Query{States: []experiment.TrialState{experiment.TrialPending, experiment.TrialRunning}})
}

// History is SQLite.History.
func (m *Memory) History(_ context.Context, uid string) iter.Seq2[store.Past, error] {
	return func(yield func(store.Past, error) bool) {
		list, err := m.trials(uid, store.Query{})
		if err != nil {
			yield(store.Past{}, err)
		}
		for _, t := range list {
			p := store.Past{Number: t.Number, State: t.State, Assignment: t.Assignment, Value: math.NaN(), Step: t.Step, Labels: t.Labels}
			for i, m := range t.Observation {
				v := m.Value
				if math.IsInf(v, 0) {
					v = math.NaN()
				}
				if i == 0 {
					p.Value = v
				} else {
					p.Others = append(p.Others, v)
				}
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Earlier is SQLite.Earlier.
func (m *Memory) Earlier(_ context.Context, uid string) (json.RawMessage, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	e, err := m.home.find(uid)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(e.earlier), nil
}

// Sources is SQLite.Sources.
func (m *Memory) Sources(_ context.Context, uid string, number, attempt int) ([]store.Source, error) {
	list, err := m.sources(uid, number, attempt)
	out := make([]store.Source, len(list))
	for i, s := range list {
		out[i] = s.Source
		out[i].Summaries = maps.Clone(s.Summaries)
	}
	return out, err
}

// sources returns sources that no Write changes any more.
func (m *Memory) sources(uid string, number, attempt int) ([]*source, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	e, err := m.home.find(uid)
	if err != nil {
		return nil, err
	}
	var list []*source
	for key, s := range e.sources {
		if key.number == number && (attempt == 0 || key.attempt == attempt) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *source) int {
		return cmp.Or(cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.Key, b.Key))
	})
	return list, nil
}

// Points is SQLite.Points.
func (m *Memory) Points(_ context.Context, uid string, number int, q store.PointQuery) iter.Seq2[store.Sample, error] {
	return func(yield func(store.Sample, error) bool) {
		list, err := m.sources(uid, number, q.Attempt)
		if err != nil {
			yield(store.Sample{}, err)
		}
		left := q.Limit
		for _, s := range list {
			for _, p := range s.samples {
				if q.Source != "" && p.Source != q.Source || q.Metric != "" && p.Name != q.Metric || p.Seq <= q.After {
					continue
				}
				left--
				if !yield(p, nil) || left == 0 {
					return
				}
			}
		}
	}
}

// Events is SQLite.Events.
func (m *Memory) Events(_ context.Context, uid string, after int64, limit int) ([]store.Event, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	if _, err := m.home.find(uid); err != nil && uid != "" {
		return nil, err
	}
	var list []store.Event
	for _, e := range m.home.events {
		if e.ID > after && (uid == "" || e.Experiment == uid) && (limit <= 0 || len(list) < limit) {
			list = append(list, e)
		}
	}
	return list, nil
}
