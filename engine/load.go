package engine

import (
	"context"
	"iter"
	"time"

	"qalam/experiment"
	"qalam/store"
	"qalam/suggest"
)

// Store is where the engine records what it does. What Write returns from is durable.
type Store interface {
	Journal
	Reader
}

// Journal is the writing half of a Store, with what the user asks for.
type Journal interface {
	// Write records a batch as a whole.
	Write(ctx context.Context, b store.Batch) error
	// Changes returns a number that changes whenever another process has written.
	Changes(ctx context.Context) (int64, error)
	// Get returns what is kept of an experiment.
	Get(ctx context.Context, uid string) (store.Experiment, error)
}

// Reader is the reading half of a Store.
type Reader interface {
	Active(ctx context.Context, uid string) ([]experiment.Trial, error)
	History(ctx context.Context, uid string) iter.Seq2[store.Past, error]
	Sources(ctx context.Context, uid string, number, attempt int) ([]store.Source, error)
	Points(ctx context.Context, uid string, number int, q store.PointQuery) iter.Seq2[store.Sample, error]
}

// readBuffer is how much of an output is parsed at a time; longer than any line that a scanner keeps.
const readBuffer = 256 << 10

// load takes an experiment up from the store: its state, the algorithm with everything it has been told, and the places up to
// which the outputs of active trials were read.
func (e *Engine) load(ctx context.Context, x Experiment) (*run, error) {
	uid := x.Record.UID
	active, err := e.store.Active(ctx, uid)
	if err != nil {
		return nil, err
	}
	sp := x.Spec.Spec
	sp.Seed = x.Record.Seed
	state, err := experiment.Restore(sp, uid, x.Record.Record, active)
	if err != nil {
		return nil, err
	}
	r := &run{
		e: e, x: x, state: state, inbox: newInbox(), live: map[string]*live{}, dirty: map[int]experiment.Trial{},
		buf: make([]byte, readBuffer), version: -1,
	}
	if len(state.Conditions) == 0 {
		r.state.Create(time.Now())
		r.recordDirty = true
	}
	r.suggester, err = e.registry.NewSuggester(sp.Algorithm.Name, sp.Problem(), sp.Algorithm.Settings)
	if err != nil {
		return nil, err
	}
	if es := sp.EarlyStopping; es != nil {
		if r.stopper, err = e.registry.NewStopper(es.Name, es.Settings); err != nil {
			return nil, err
		}
	}
	return r, r.remember(ctx)
}

// remember tells the algorithm and the early-stopping rule what they were told before.
func (r *run) remember(ctx context.Context) error {
	const chunk = 4096
	outcomes := make([]suggest.Outcome, 0, chunk)
	flush := func() error {
		err := r.suggester.Tell(outcomes)
		outcomes = outcomes[:0]
		return err
	}
	for past, err := range r.e.store.History(ctx, r.state.UID) {
		if err != nil {
			return err
		}
		outcome := experiment.Outcome(trialOf(past, r.state.Spec.Objective), r.state.Spec.Objective)
		outcomes = append(outcomes, outcome)
		if len(outcomes) == chunk {
			if err := flush(); err != nil {
				return err
			}
		}
		if r.stopper != nil && past.State.Terminal() {
			if err := r.rememberCurve(ctx, past.Number, outcome.State); err != nil {
				return err
			}
		}
	}
	return flush()
}

// trialOf is as much of a trial as an algorithm's memory holds.
func trialOf(past store.Past, o experiment.Objective) experiment.Trial {
	return experiment.Trial{
		Number: past.Number, State: past.State, Assignment: past.Assignment,
		Observation: experiment.Observation{{Name: o.Metric, Value: past.Value}},
	}
}

// rememberCurve tells the early-stopping rule the curve of a trial that is over.
func (r *run) rememberCurve(ctx context.Context, number int, state suggest.State) error {
	b := experiment.NewCurveBuilder(r.state.Spec.Objective)
	for sample, err := range r.e.store.Points(ctx, r.state.UID, number, store.PointQuery{Metric: r.state.Spec.Objective.Metric}) {
		if err != nil {
			return err
		}
		b.Add(sample.Point)
	}
	r.stopper.Tell(b.Curve(number, state))
	return nil
}

// resumeTail takes up what is recorded of an attempt that an earlier engine started.
func (r *run) resumeTail(ctx context.Context, t *tail, number int) error {
	sources, err := r.e.store.Sources(ctx, r.state.UID, number, t.id.Attempt)
	if err != nil {
		return err
	}
	q := store.PointQuery{Attempt: t.id.Attempt, Metric: r.state.Spec.Objective.Metric}
	return t.restore(sources, r.e.store.Points(ctx, r.state.UID, number, q))
}

// takeWishes takes up what the user has asked of the experiment since the last time, from whatever process.
func (r *run) takeWishes(ctx context.Context) error {
	version, err := r.e.store.Changes(ctx)
	if err != nil || version == r.version {
		return err
	}
	r.version = version
	x, err := r.e.store.Get(ctx, r.state.UID)
	if err != nil {
		return err
	}
	return r.follow(x.Desire)
}

// follow does what the user asks for.
func (r *run) follow(d store.Desire) error {
	if d.Revision == r.state.Revision {
		return nil
	}
	edit := experiment.Edit{Parallel: d.Budgets.ParallelTrialCount, Max: d.Budgets.MaxTrialCount, MaxFailed: d.Budgets.MaxFailedTrialCount}
	now := time.Now()
	if next, err := experiment.ApplyEdit(r.state, edit, now); err == nil {
		r.state = next
	} else { // whoever asked has been told already; what cannot be done is left out and noted
		r.batch.Events = append(r.batch.Events, store.Event{Time: now, Kind: "EditRefused", Message: err.Error()})
	}
	r.state.StopRequested = d.Stop || d.Delete
	r.state.Revision = d.Revision
	r.recordDirty = true
	return nil
}
