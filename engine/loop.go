package engine

import (
	"context"
	"fmt"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/store"
	"qalam/suggest"
)

// run is one experiment that is being carried out. All of it belongs to the goroutine of Engine.Run.
type run struct {
	e         *Engine
	x         Experiment
	state     experiment.State
	suggester suggest.Suggester
	stopper   suggest.Stopper // nil when there is no early stopping
	inbox     *inbox
	live      map[string]*live // attempts handed to the runner and not concluded, by trial name
	version   int64            // of the store, when the user's wishes were last looked at
	buf       []byte

	batch        store.Batch // what has changed since the last write
	dirty        map[int]experiment.Trial
	recordDirty  bool
	effects      []func(context.Context) error // what is to be done once the batch is durable
	waiting      bool                          // the algorithm waits for results
	asking       bool                          // the algorithm is being asked
	answers      chan asked                    // what it answers
	untold       []experiment.Trial            // what is to be told to it then
	wishing      bool                          // the user's wishes are to be looked at then
	interrupting bool
	grace        time.Duration
	durations    peers
	checkpoints  checkpoints
}

// live is one attempt that the runner has.
type live struct {
	number    int
	id        runner.ID
	prepared  *prepared
	tail      *tail
	report    runner.Report
	since     time.Time // when it was handed to the runner
	condition condition // what the doctor said, and for how long
	judged    int       // points of the objective that the stopper has seen
	shown     int       // of those that are finite, the ones that the observer has seen
}

// loop is the life of a run: look, decide, record, act, wait.
func (r *run) loop(ctx context.Context, commands <-chan Command) error {
	poll := time.NewTicker(r.e.options.Poll)
	defer poll.Stop()
	diagnose := time.NewTicker(r.e.options.Diagnose)
	defer diagnose.Stop()
	wake := time.NewTimer(0)
	defer wake.Stop()
	if err := r.takeWishes(ctx); err != nil { // those of the time when nobody ran the experiment
		return err
	}
	if err := r.adopt(ctx); err != nil {
		return err
	}
	for {
		next, err := r.settle(ctx)
		if err != nil {
			return err
		}
		if r.interrupting && len(r.live) == 0 {
			return ErrInterrupted
		}
		if r.state.Finished() && len(r.live) == 0 {
			return nil
		}
		if !next.IsZero() {
			wake.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-commands:
			if c == Leave {
				return ErrLeft
			}
			r.interrupt()
		case a := <-r.answers:
			if err = r.answered(a); err == nil && r.wishing {
				err = r.takeWishes(ctx)
			}
		case <-r.inbox.ready:
			err = r.takeReports()
		case <-poll.C:
			err = r.look(ctx)
		case <-diagnose.C:
			err = r.examine()
		case <-wake.C:
		}
		if err != nil {
			return err
		}
	}
}

// settle plans until there is nothing more to plan, records all that came of it in one write, and then acts. It returns when
// the plan wants to be asked again.
func (r *run) settle(ctx context.Context) (time.Time, error) {
	for {
		var wake time.Time
		for round := 0; ; round++ {
			if round > 10_000 {
				return wake, fmt.Errorf("the plan of experiment %s does not come to rest", r.state.Spec.Name)
			}
			actions, at := r.plan()
			wake = at
			if len(actions) == 0 {
				break
			}
			for _, a := range actions {
				if err := r.apply(a); err != nil {
					return wake, err
				}
			}
		}
		if !r.changed() {
			r.discardCheckpoints()
		}
		if !r.changed() {
			return wake, nil
		}
		if err := r.write(ctx); err != nil {
			return wake, err
		}
		if err := r.act(ctx); err != nil {
			return wake, err
		}
	}
}

// plan is experiment.Plan, less what cannot be done now: suggestions that wait for results, anything new while the user
// interrupts.
func (r *run) plan() ([]experiment.Action, time.Time) {
	if r.interrupting {
		return nil, time.Time{}
	}
	actions, wake := experiment.Plan(r.state, time.Now())
	if r.waiting || r.asking {
		actions = withoutSuggest(actions)
	}
	return actions, wake
}

func (r *run) changed() bool {
	return len(r.dirty) > 0 || r.recordDirty || len(r.batch.Appends) > 0 || len(r.effects) > 0
}

// write records everything that has changed, in one transaction.
func (r *run) write(ctx context.Context) error {
	for _, t := range r.dirty {
		r.batch.Trials = append(r.batch.Trials, t)
	}
	record, err := r.state.Record()
	if err != nil {
		return err
	}
	r.batch.Experiment, r.batch.Record = r.state.UID, record
	failpoint("unrecorded")
	err = r.e.store.Write(ctx, r.batch)
	failpoint("recorded")
	r.batch = store.Batch{}
	if err != nil {
		return fmt.Errorf("record experiment %s: %w", r.state.Spec.Name, err)
	}
	for _, t := range r.dirty {
		r.e.options.Observer.Trial(t)
	}
	clear(r.dirty)
	r.recordDirty = false
	r.e.options.Observer.Experiment(&r.state)
	return nil
}

// act does what was recorded.
func (r *run) act(ctx context.Context) error {
	effects := r.effects
	r.effects = nil
	for _, do := range effects {
		if err := do(ctx); err != nil {
			return err
		}
		failpoint("acted")
	}
	return nil
}

// put takes a changed trial into the state and marks it to be recorded.
func (r *run) put(t experiment.Trial) error {
	if err := r.state.Apply(t); err != nil {
		return err
	}
	r.dirty[t.Number] = t
	r.recordDirty = true
	return nil
}
