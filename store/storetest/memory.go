package storetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"qalam/experiment"
	"qalam/store"
)

// Memory is a store that keeps everything in memory: for tests of what uses a store. It passes the same suite as the real one.
type Memory struct {
	home   *home
	mu     sync.Mutex
	owns   bool
	closed bool
}

// home is what all handles of one Memory share.
type home struct {
	mu          sync.Mutex
	owner       *store.Owner
	experiments []*entry // by creation
	events      []store.Event
	event       int64
	requests    int64
}

type entry struct {
	x       store.Experiment
	earlier []byte
	trials  map[int]experiment.Trial
	numbers map[string]int // of trials by name
	sources map[sourceKey]*source
}

type sourceKey struct {
	number, attempt int
	key             string
}

type source struct {
	store.Source
	samples []store.Sample
}

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{home: &home{}} }

// Again opens the same store once more, as another process or the same one after a restart would.
func (m *Memory) Again() *Memory { return &Memory{home: m.home} }

// lock locks the home for a method that changes it.
func (m *Memory) lock() (unlock func(), err error) {
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if closed {
		return nil, store.ErrClosed
	}
	m.home.mu.Lock()
	return m.home.mu.Unlock, nil
}

// find returns an experiment; the home is locked.
func (h *home) find(uid string) (*entry, error) {
	for _, e := range h.experiments {
		if e.x.UID == uid {
			return e, nil
		}
	}
	return nil, fmt.Errorf("experiment %s: %w", uid, store.ErrNotFound)
}

// Own is SQLite.Own.
func (m *Memory) Own(_ context.Context, command string) (func() error, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if m.home.owner != nil {
		return nil, &store.OwnedError{Owner: *m.home.owner}
	}
	m.home.owner = &store.Owner{PID: os.Getpid(), Host: "memory", Started: time.Now().UTC().Truncate(time.Second), Command: command}
	m.owns = true
	return sync.OnceValue(func() error {
		m.home.mu.Lock()
		defer m.home.mu.Unlock()
		m.home.owner, m.owns = nil, false
		return nil
	}), nil
}

// Owner is SQLite.Owner.
func (m *Memory) Owner() (*store.Owner, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	if m.home.owner == nil {
		return nil, nil
	}
	o := *m.home.owner
	return &o, nil
}

// Changes is SQLite.Changes.
func (m *Memory) Changes(context.Context) (int64, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	return m.home.requests, nil
}

// Close is SQLite.Close.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Create is SQLite.Create.
func (m *Memory) Create(_ context.Context, x store.Experiment) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for _, e := range m.home.experiments {
		if e.x.UID == x.UID || e.x.Namespace == x.Namespace && e.x.Name == x.Name {
			return fmt.Errorf("experiment %s/%s: %w", x.Namespace, x.Name, store.ErrExists)
		}
	}
	x = cloneExperiment(x)
	if !x.Created.IsZero() {
		x.Created = x.Created.UTC().Round(0)
	}
	earlier := x.Earlier
	x.Earlier = nil
	m.home.experiments = append(m.home.experiments, &entry{x: x, earlier: earlier, trials: map[int]experiment.Trial{}, numbers: map[string]int{},
		sources: map[sourceKey]*source{}})
	m.home.requests++
	return nil
}

func cloneExperiment(x store.Experiment) store.Experiment {
	x.Source, x.Record, x.Earlier = bytes.Clone(x.Source), bytes.Clone(x.Record), bytes.Clone(x.Earlier)
	x.Desire.Budgets = store.Budgets{
		ParallelTrialCount:  clonePointer(x.Desire.Budgets.ParallelTrialCount),
		MaxTrialCount:       clonePointer(x.Desire.Budgets.MaxTrialCount),
		MaxFailedTrialCount: clonePointer(x.Desire.Budgets.MaxFailedTrialCount),
	}
	return x
}

func clonePointer(p *int) *int {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// Get is SQLite.Get.
func (m *Memory) Get(_ context.Context, uid string) (store.Experiment, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	e, err := m.home.find(uid)
	if err != nil {
		return store.Experiment{}, err
	}
	return cloneExperiment(e.x), nil
}

// Find is SQLite.Find.
func (m *Memory) Find(_ context.Context, namespace, name string) (store.Experiment, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	for _, e := range m.home.experiments {
		if e.x.Namespace == namespace && e.x.Name == name {
			return cloneExperiment(e.x), nil
		}
	}
	return store.Experiment{}, fmt.Errorf("experiment %s/%s: %w", namespace, name, store.ErrNotFound)
}

// List is SQLite.List.
func (m *Memory) List(context.Context) ([]store.Listed, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	var list []store.Listed
	for _, e := range m.home.experiments {
		l := store.Listed{Experiment: cloneExperiment(e.x), Counts: e.counts()}
		l.Source = nil
		list = append(list, l)
	}
	return list, nil
}

// Counts is SQLite.Counts.
func (m *Memory) Counts(_ context.Context, uid string) (experiment.Counts, error) {
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	e, err := m.home.find(uid)
	if err != nil {
		return experiment.Counts{}, err
	}
	return e.counts(), nil
}

func (e *entry) counts() (c experiment.Counts) {
	for _, t := range e.trials {
		switch t.State {
		case experiment.TrialPending:
			c.Pending++
		case experiment.TrialRunning:
			c.Running++
		case experiment.TrialSucceeded:
			c.Succeeded++
		case experiment.TrialFailed:
			c.Failed++
		case experiment.TrialKilled:
			c.Killed++
		case experiment.TrialEarlyStopped:
			c.EarlyStopped++
		case experiment.TrialMetricsUnavailable:
			c.MetricsUnavailable++
		}
	}
	return c
}

// Request is SQLite.Request.
func (m *Memory) Request(_ context.Context, uid string, change func(*store.Desire) error) (store.Desire, error) {
	unlock, err := m.lock()
	if err != nil {
		return store.Desire{}, err
	}
	defer unlock()
	e, err := m.home.find(uid)
	if err != nil {
		return store.Desire{}, err
	}
	d := cloneExperiment(e.x).Desire
	if err := change(&d); err != nil {
		return store.Desire{}, err
	}
	d.Revision = e.x.Desire.Revision + 1
	e.x.Desire = d
	m.home.requests++
	return cloneExperiment(e.x).Desire, nil
}

// RequestStop is SQLite.RequestStop.
func (m *Memory) RequestStop(ctx context.Context, uid string) (store.Desire, error) {
	return m.Request(ctx, uid, func(d *store.Desire) error { d.Stop = true; return nil })
}

// RequestDelete is SQLite.RequestDelete.
func (m *Memory) RequestDelete(ctx context.Context, uid string) (store.Desire, error) {
	return m.Request(ctx, uid, func(d *store.Desire) error { d.Delete = true; return nil })
}

// RequestEdit is SQLite.RequestEdit.
func (m *Memory) RequestEdit(ctx context.Context, uid string, b store.Budgets) (store.Desire, error) {
	return m.Request(ctx, uid, func(d *store.Desire) error { d.Budgets = d.Budgets.With(b); return nil })
}

// Delete is SQLite.Delete.
func (m *Memory) Delete(_ context.Context, uid string) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if !m.owns {
		return store.ErrNotOwner
	}
	if _, err := m.home.find(uid); err != nil {
		return err
	}
	m.home.experiments = slices.DeleteFunc(m.home.experiments, func(e *entry) bool { return e.x.UID == uid })
	m.home.events = slices.DeleteFunc(m.home.events, func(e store.Event) bool { return e.Experiment == uid })
	m.home.requests++
	return nil
}

// Write is SQLite.Write.
func (m *Memory) Write(ctx context.Context, b store.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkBatch(b); err != nil {
		return err
	}
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if !m.owns {
		return store.ErrNotOwner
	}
	e, err := m.home.find(b.Experiment)
	if err != nil {
		return err
	}
	if err := e.write(b); err != nil {
		return err
	}
	for _, ev := range b.Events {
		m.home.event++
		ev.ID, ev.Experiment, ev.Time = m.home.event, b.Experiment, utc(ev.Time)
		m.home.events = append(m.home.events, ev)
	}
	return nil
}

func checkBatch(b store.Batch) error {
	for _, t := range b.Trials {
		if t.Number < 1 || t.Number > math.MaxInt32 || t.Name == "" || !slices.Contains(allStates, t.State) {
			return fmt.Errorf("trial %d (%q, state %q) cannot be recorded", t.Number, t.Name, t.State)
		}
	}
	for _, a := range b.Appends {
		if err := a.Check(); err != nil {
			return err
		}
	}
	return nil
}

var allStates = []experiment.TrialState{experiment.TrialPending, experiment.TrialRunning, experiment.TrialSucceeded,
	experiment.TrialFailed, experiment.TrialKilled, experiment.TrialEarlyStopped, experiment.TrialMetricsUnavailable}

// write checks everything before it changes anything.
func (e *entry) write(b store.Batch) error {
	numbers := map[string]int{}
	for _, t := range b.Trials {
		if before, ok := e.trials[t.Number]; ok && before.State.Terminal() && !t.State.Terminal() {
			return fmt.Errorf("trial %d, to be %s: %w", t.Number, t.State, store.ErrTerminal)
		}
		numbers[t.Name] = t.Number
	}
	sources := map[sourceKey]*source{}
	for _, a := range b.Appends {
		number, ok := numbers[a.Trial]
		if !ok {
			number, ok = e.numbers[a.Trial]
		}
		if !ok {
			return fmt.Errorf("trial %s: %w", a.Trial, store.ErrNotFound)
		}
		key := sourceKey{number, a.Attempt, a.Source}
		s := sources[key]
		if s == nil {
			s = &source{Source: store.Source{Attempt: a.Attempt, Key: a.Source}}
			if old := e.sources[key]; old != nil {
				*s = *old // readers go on with the old one
			}
		}
		if err := s.add(a); err != nil {
			return err
		}
		sources[key] = s
	}
	if b.Record != nil {
		e.x.Record = bytes.Clone(b.Record)
	}
	for _, t := range b.Trials {
		delete(e.numbers, e.trials[t.Number].Name)
		e.trials[t.Number], e.numbers[t.Name] = cloneTrial(t), t.Number
	}
	maps.Copy(e.sources, sources)
	return nil
}

func (s *source) add(a store.Append) error {
	points, fresh, err := a.Fresh(s.Epoch, s.Position)
	if err != nil || !fresh {
		return err
	}
	if s.Epoch != a.Epoch {
		s.Epoch, s.Position = a.Epoch, 0
	}
	s.Position = max(s.Position, a.To)
	for _, p := range points {
		s.Points++
		if !p.Time.IsZero() {
			p.Time = time.UnixMilli(p.Time.UnixMilli()).UTC()
		}
		s.samples = append(s.samples, store.Sample{Attempt: s.Attempt, Source: s.Key, Epoch: a.Epoch, Seq: s.Points, Point: p})
	}
	if a.Summaries != nil {
		s.Summaries = maps.Clone(a.Summaries)
	}
	return nil
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

func cloneTrial(t experiment.Trial) experiment.Trial {
	t.Assignment, t.Observation = slices.Clone(t.Assignment), slices.Clone(t.Observation)
	t.Labels = maps.Clone(t.Labels)
	t.NotBefore, t.Created, t.Running, t.Completed = utc(t.NotBefore), utc(t.Created), utc(t.Running), utc(t.Completed)
	return t
}
