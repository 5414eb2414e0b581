package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
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
	Earlier(ctx context.Context, uid string) (json.RawMessage, error)
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
	if sp.Earlier, err = e.earlier(ctx, uid); err != nil {
		return nil, err
	}
	state, err := experiment.Restore(sp, uid, x.Record.Record, active)
	if err != nil {
		return nil, err
	}
	r := &run{
		e: e, x: x, state: state, inbox: newInbox(), live: map[string]*live{}, dirty: map[int]experiment.Trial{},
		buf: make([]byte, readBuffer), version: -1, answers: make(chan asked, 1),
	}
	if len(state.Conditions) == 0 {
		r.state.Create(time.Now())
		r.recordDirty = true
	}
	if es := sp.EarlyStopping; es != nil {
		if r.stopper, err = e.registry.NewStopper(es.Name, es.Settings); err != nil {
			return nil, err
		}
	}
	if err := r.remember(ctx, r.stopper); err != nil {
		return nil, err
	}
	return r, r.findCheckpoints()
}

// remember makes the algorithm for the problem as it now is, and tells it everything that is recorded; and the early-stopping
// rule, where one is given, the curves of the trials that are over.
func (r *run) remember(ctx context.Context, stopper suggest.Stopper) (err error) {
	sp := r.state.Spec
	r.suggester, err = r.e.registry.NewSuggester(sp.Algorithm.Name, sp.Problem(), sp.Algorithm.Settings)
	if err != nil {
		return err
	}
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
		outcome := past.Outcome(r.state.Spec.Objective)
		outcomes = append(outcomes, outcome)
		if len(outcomes) == chunk {
			if err := flush(); err != nil {
				return err
			}
		}
		if stopper != nil && past.State.Terminal() {
			if err := r.rememberCurve(ctx, past.Number, outcome.State); err != nil {
				return err
			}
		}
	}
	return flush()
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
	if r.wishing = r.asking; r.asking { // an edit may make the algorithm anew
		return nil
	}
	version, err := r.e.store.Changes(ctx)
	if err != nil || version == r.version {
		return err
	}
	r.version = version
	x, err := r.e.store.Get(ctx, r.state.UID)
	if err != nil {
		return err
	}
	return r.follow(ctx, x.Desire)
}

// follow does what the user asks for. An algorithm is made for budgets: with others it is made anew, and remembers what is
// recorded and what is about to be, so that what it suggests does not depend on when it was made.
func (r *run) follow(ctx context.Context, d store.Desire) error {
	if d.Revision == r.state.Revision {
		return nil
	}
	edit := experiment.Edit{Parallel: d.Budgets.ParallelTrialCount, Max: d.Budgets.MaxTrialCount, MaxFailed: d.Budgets.MaxFailedTrialCount}
	now := time.Now()
	before := r.state.Spec.Problem()
	next, err := experiment.ApplyEdit(r.state, edit, now)
	if err == nil {
		err = Refuses(r.e.registry, next.Spec)
	}
	if err == nil {
		r.state = next
	} else { // whoever asked has been told already; what cannot be done is left out and noted
		r.batch.Events = append(r.batch.Events, store.Event{Time: now, Kind: "EditRefused", Message: err.Error()})
	}
	r.state.StopRequested = d.Stop || d.Delete
	r.state.Revision = d.Revision
	r.recordDirty = true
	if p := r.state.Spec.Problem(); p.MaxTrials == before.MaxTrials && p.Parallel == before.Parallel {
		return nil
	}
	r.waiting = false
	if err := r.remember(ctx, nil); err != nil {
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(r.dirty)) {
		if err := r.tell(r.dirty[n]); err != nil {
			return err
		}
	}
	return nil
}

// Refuses says why the algorithm of an experiment cannot search it within its budgets.
func Refuses(registry suggest.Registry, s experiment.Spec) error {
	a, err := registry.Lookup(s.Algorithm.Name)
	if err != nil {
		return err
	}
	settings, err := suggest.Complete(a.Settings, s.Algorithm.Settings)
	if err != nil {
		return err
	}
	if why := a.Refuses(s.Problem(), settings); why != "" {
		return fmt.Errorf("algorithm %s cannot search with these budgets: %s", s.Algorithm.Name, why)
	}
	return nil
}
