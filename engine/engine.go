// Package engine carries an experiment out: it asks experiment.Plan what is to be done, records each intent in the store, has
// the runner do it, collects the points that trials write, and asks the doctor about trials that are not done. It decides
// nothing itself and knows neither SQLite nor processes nor Kubernetes.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
)

// Options says how an Engine works; the zero value is the default.
type Options struct {
	Grace    time.Duration    // between SIGTERM and SIGKILL for a trial that is stopped; 0 means 30 s
	Poll     time.Duration    // between two looks at the outputs of running trials; 0 means 100 ms
	Diagnose time.Duration    // between two examinations of a trial that is not done; 0 means 5 s
	Observer Observer         // is told what happens; nil means nobody
	Runtimes []map[string]any // TrainJob runtimes besides the built-in ones, as decoded documents
}

// Observer is told what happens to an experiment, from the goroutine that runs it: it must return quickly.
type Observer interface {
	// Trial tells that a trial has changed.
	Trial(t experiment.Trial)
	// Point tells the latest value of the objective of a running trial.
	Point(number int, step int64, value float64)
	// Experiment tells that the experiment as a whole has changed. The state is only valid during the call.
	Experiment(s *experiment.State)
}

// Engine runs experiments of one store with one runner.
type Engine struct {
	store    Store
	runner   Runner
	registry suggest.Registry
	options  Options

	mu   sync.Mutex
	runs map[string]*run // by UID, those that run now
}

// Runner is what the engine needs of a runner.
type Runner interface {
	runner.Runner
	runner.Outputs
}

// Experiment is one experiment to be run: what the store holds of it and what its documents say.
type Experiment struct {
	Record store.Experiment
	Spec   *spec.Experiment
}

// Command is what a user asks of a running experiment.
type Command int

// The commands. Interrupt stops the running trials so that they are repeated later; a second Interrupt does so at once. Leave
// lets them run on by themselves, to be adopted by the next engine.
const (
	Interrupt Command = iota + 1
	Leave
)

// ErrInterrupted and ErrLeft say that Run returned because of a Command; the experiment can be resumed.
var (
	ErrInterrupted = errors.New("the experiment was interrupted")
	ErrLeft        = errors.New("the trials run on by themselves")
)

// New makes an Engine. It starts to read the runner's reports, until the context ends.
func New(ctx context.Context, st Store, r Runner, registry suggest.Registry, o Options) *Engine {
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = 100 * time.Millisecond
	}
	if o.Diagnose == 0 {
		o.Diagnose = 5 * time.Second
	}
	if o.Observer == nil {
		o.Observer = silent{}
	}
	e := &Engine{store: st, runner: r, registry: registry, options: o, runs: map[string]*run{}}
	go e.dispatch(ctx)
	return e
}

// dispatch hands every report to the run it belongs to. It ends with the context or the runner.
func (e *Engine) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case rep, ok := <-e.runner.Reports():
			if !ok {
				return
			}
			e.mu.Lock()
			r := e.runs[rep.ID.Experiment]
			e.mu.Unlock()
			if r != nil {
				r.inbox.put(rep)
			}
		}
	}
}

// Run carries an experiment out until it is finished, a command ends it, the context ends or the store fails. It takes up
// where an earlier engine stopped: trials that still run are adopted, those that ended meanwhile are concluded. The state
// returned is the last one that was recorded.
func (e *Engine) Run(ctx context.Context, x Experiment, commands <-chan Command) (*experiment.State, error) {
	r, err := e.load(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("experiment %s: %w", x.Spec.Spec.Name, err)
	}
	e.mu.Lock()
	if e.runs[x.Record.UID] != nil {
		e.mu.Unlock()
		return nil, fmt.Errorf("experiment %s runs already", x.Spec.Spec.Name)
	}
	e.runs[x.Record.UID] = r
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.runs, x.Record.UID)
		e.mu.Unlock()
	}()
	err = r.loop(ctx, commands)
	return &r.state, err
}

// inbox holds the latest report of every attempt that has not been looked at; a later report replaces an earlier one.
type inbox struct {
	mu      sync.Mutex
	reports map[runner.ID]runner.Report
	order   []runner.ID
	ready   chan struct{} // holds one token while there is something
}

func newInbox() *inbox {
	return &inbox{reports: map[runner.ID]runner.Report{}, ready: make(chan struct{}, 1)}
}

func (b *inbox) put(rep runner.Report) {
	b.mu.Lock()
	if _, known := b.reports[rep.ID]; !known {
		b.order = append(b.order, rep.ID)
	}
	b.reports[rep.ID] = rep
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take empties the inbox, in order of first arrival.
func (b *inbox) take() []runner.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]runner.Report, 0, len(b.order))
	for _, id := range b.order {
		out = append(out, b.reports[id])
	}
	clear(b.reports)
	b.order = b.order[:0]
	return out
}

type silent struct{}

func (silent) Trial(experiment.Trial)       {}
func (silent) Point(int, int64, float64)    {}
func (silent) Experiment(*experiment.State) {}
