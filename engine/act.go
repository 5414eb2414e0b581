package engine

import (
	"context"
	"fmt"
	"time"

	"qalam/experiment"
	"qalam/runner"
)

// apply takes an action into the state. What it does to the world becomes an effect, carried out once it is recorded.
func (r *run) apply(a experiment.Action) error {
	switch a := a.(type) {
	case experiment.Suggest:
		return r.ask(a)
	case experiment.Start:
		return r.start(a)
	case experiment.Stop:
		return r.stop(a.Number, a.Reason, "", r.e.options.Grace)
	case experiment.Drop:
		t, err := r.active(a.Number)
		if err != nil {
			return err
		}
		return r.put(experiment.MarkDropped(t, a.Reason, time.Now()))
	case experiment.Finish:
		r.state.Finish(a, time.Now())
		r.recordDirty = true
		return nil
	default:
		return fmt.Errorf("unknown action %T", a)
	}
}

// start hands a trial's attempt to the runner. A trial that cannot be prepared fails with the reason.
func (r *run) start(a experiment.Start) error {
	t, err := r.active(a.Number)
	if err != nil {
		return err
	}
	now := time.Now()
	t = experiment.MarkStarted(t)
	if err := r.put(t); err != nil {
		return err
	}
	r.launch(t, now)
	return nil
}

// launch prepares an attempt and, once it is recorded, hands it to the runner. It serves new attempts and the adoption of old
// ones alike: the runner knows which is which.
func (r *run) launch(t experiment.Trial, now time.Time) *live {
	id := runner.ID{Experiment: r.state.UID, Trial: t.Name, Attempt: t.Attempt}
	l := &live{number: t.Number, id: id, since: now}
	l.tail = r.newTail(id)
	r.live[t.Name] = l
	r.effects = append(r.effects, func(ctx context.Context) error {
		p, err := r.prepare(t)
		if err == nil {
			l.prepared = p
			failpoint("prepared-trial")
			err = r.e.runner.Start(ctx, p.task)
		}
		if err == nil {
			return nil
		}
		end := experiment.End{Cause: experiment.EndFailed, Reason: "StartError", Message: err.Error(), Time: time.Now()}
		return r.conclude(l, end, nil)
	})
	return l
}

// stop ends a live trial early.
func (r *run) stop(number int, reason experiment.StopReason, detail string, grace time.Duration) error {
	t, err := r.active(number)
	if err != nil {
		return err
	}
	if t.Stopping == "" {
		if err := r.put(experiment.MarkStopping(t, reason, detail)); err != nil {
			return err
		}
	}
	if l := r.live[t.Name]; l != nil {
		r.effects = append(r.effects, func(context.Context) error {
			r.e.runner.Stop(l.id, grace)
			return nil
		})
	}
	return nil
}

// interrupt stops every live attempt so that it is repeated later; a second time it leaves them no grace.
func (r *run) interrupt() {
	r.grace = r.e.options.Grace
	if r.interrupting {
		r.grace = 0
	}
	r.interrupting = true
	for _, l := range r.live {
		r.e.runner.Stop(l.id, r.grace)
	}
}

// adopt takes charge again of every attempt that was handed to the runner by an earlier engine.
func (r *run) adopt(ctx context.Context) error {
	now := time.Now()
	for _, t := range r.state.Active {
		if !t.Started {
			continue
		}
		l := r.launch(t, now)
		if err := r.resumeTail(ctx, l.tail, t.Number); err != nil {
			return err
		}
		if t.Stopping != "" {
			if err := r.stop(t.Number, t.Stopping, t.StopDetail, r.e.options.Grace); err != nil {
				return err
			}
		}
	}
	return nil
}

// active finds a trial that is not over.
func (r *run) active(number int) (experiment.Trial, error) {
	t, ok := r.state.ActiveTrial(number)
	if !ok {
		return experiment.Trial{}, fmt.Errorf("trial %d of experiment %s is not active", number, r.state.Spec.Name)
	}
	return t, nil
}
