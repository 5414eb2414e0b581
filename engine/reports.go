package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
	"qalam/workload"
)

// takeReports takes up what the runner has told since the last time.
func (r *run) takeReports() error {
	for _, rep := range r.inbox.take() {
		l := r.live[rep.ID.Trial]
		if l == nil || l.id != rep.ID {
			continue // of an attempt that is over
		}
		l.report = rep
		if rep.Ended {
			if err := r.ended(l); err != nil {
				return err
			}
			continue
		}
		if err := r.progress(l); err != nil {
			return err
		}
	}
	return nil
}

// progress records that a trial's primary container has begun to run, or does so no longer.
func (r *run) progress(l *live) error {
	t, err := r.active(l.number)
	if err != nil {
		return err
	}
	if r.interrupting {
		return nil // what is being stopped is not restarted, whatever the rules of its kind make of its end
	}
	since, running := primaryRunning(l.report.Pods, l.prepared.task.Primary)
	switch {
	case running && t.State != experiment.TrialRunning:
		return r.put(experiment.MarkRunning(t, since))
	case !running && t.State == experiment.TrialRunning && t.Stopping == "" && l.report.Verdict.Phase == workload.Restarting:
		return r.put(experiment.MarkPending(t, l.report.Verdict.Reason, l.report.Verdict.Message))
	}
	return nil
}

// primaryRunning reports since when the first of the primary containers runs.
func primaryRunning(pods []workload.PodStatus, primary runner.Primary) (since time.Time, running bool) {
	for _, p := range pods {
		if !slices.Contains(primary.Pods, p.Name) {
			continue
		}
		for _, c := range p.Containers {
			if c.Name == primary.Container && c.Running != nil && (!running || c.Running.StartedAt.Before(since)) {
				since, running = c.Running.StartedAt, true
			}
		}
	}
	return since, running
}

// ended concludes an attempt of which nothing runs any more: its outputs are read to the end, and its points, its offsets and
// its final state are recorded together.
func (r *run) ended(l *live) error {
	appends, err := l.tail.read(r.e.runner, time.Now(), true)
	if err != nil {
		return err
	}
	r.batch.Appends = append(r.batch.Appends, appends...)
	failpoint("drained")
	end, err := r.endOf(l)
	if err != nil {
		return err
	}
	observation := experiment.Observe(l.tail.summaries(), r.state.Spec.Objective)
	return r.conclude(l, end, observation)
}

// endOf says how an attempt ended, by the trial template's own conditions over the job as its controller would show it.
func (r *run) endOf(l *live) (experiment.End, error) {
	end := experiment.End{Time: time.Now(), Reason: l.report.Verdict.Reason, Message: l.report.Verdict.Message}
	switch {
	case l.report.Stopped && r.interrupting:
		end.Cause, end.Reason, end.Message = experiment.EndInterrupted, "Interrupted", "the run was interrupted"
		return end, nil
	case l.report.Stopped:
		end.Cause = experiment.EndStopped
		return end, nil
	case l.report.Lost:
		end.Cause = experiment.EndLost
		return end, nil
	}
	object := l.prepared.task.Job.Object(l.report.Verdict, l.report.Status())
	text, err := json.Marshal(object)
	if err != nil {
		return end, fmt.Errorf("status of trial %s: %w", l.id.Trial, err)
	}
	switch v := r.x.Spec.Conditions.Evaluate(text); v.Outcome {
	case spec.JobSucceeded:
		end.Cause = experiment.EndSucceeded
		if l.tail.summaries()[r.state.Spec.Objective.Metric].Count == 0 {
			r.explain(l, &end)
		}
	case spec.JobFailed:
		end.Cause = experiment.EndFailed
		r.explain(l, &end)
	default:
		end.Cause, end.Reason = experiment.EndFailed, "ConditionsUndecided"
		end.Message = fmt.Sprintf("the job ended (%s) but neither successCondition nor failureCondition holds", l.report.Verdict.Phase)
		end.Fix = "check trialTemplate.successCondition and failureCondition against the job's status"
	}
	return end, nil
}

// conclude records an attempt's end and lets go of it.
func (r *run) conclude(l *live, end experiment.End, observation experiment.Observation) error {
	t, err := r.active(l.number)
	if err != nil {
		return err
	}
	end.Step, _, _ = l.tail.curve.Last()
	next := experiment.Conclude(t, end, observation, r.state.Spec)
	if err := r.put(next); err != nil {
		return err
	}
	delete(r.live, l.id.Trial)
	if next.State.Terminal() {
		if err := r.tell(next); err != nil {
			return err
		}
		r.durations.add(next, l.tail.first)
		r.concludeCheckpoint(next)
		if r.stopper != nil {
			r.stopper.Tell(l.tail.curve.Curve(next.Number, experiment.Outcome(next, r.state.Spec.Objective).State))
		}
	}
	r.effects = append(r.effects, func(context.Context) error {
		if err := r.trim(l); err != nil {
			return err
		}
		if err := r.e.runner.Release(l.id, true); err != nil {
			return fmt.Errorf("release trial %s: %w", l.id.Trial, err)
		}
		return nil
	})
	return nil
}

// look reads the outputs of every live attempt, judges what is new, and takes up the user's wishes.
func (r *run) look(ctx context.Context) error {
	now := time.Now()
	for _, l := range r.live {
		if l.prepared == nil || l.report.Ended {
			continue
		}
		if err := r.collect(ctx, l, now); err != nil {
			return err
		}
		if err := r.judge(l); err != nil {
			return err
		}
	}
	return r.takeWishes(ctx)
}

// collect takes what is new in an attempt's outputs, or on its metrics page.
func (r *run) collect(ctx context.Context, l *live, now time.Time) error {
	var appends []store.Append
	var err error
	if pages, ok := r.e.runner.(runner.Pages); ok && l.tail.collect.Kind == collectPrometheus {
		appends = l.tail.readPage(ctx, pages, now)
	} else {
		appends, err = l.tail.read(r.e.runner, now, false)
	}
	r.batch.Appends = append(r.batch.Appends, appends...)
	return err
}

// judge asks the early-stopping rule about an attempt that has reported something new.
func (r *run) judge(l *live) error {
	n, finite := l.tail.curve.Reports(), l.tail.curve.Len()
	if n == l.judged {
		return nil
	}
	l.judged = n
	if step, value, ok := l.tail.curve.Last(); ok && finite != l.shown {
		l.shown = finite
		r.e.options.Observer.Point(l.number, step, value)
	}
	t, err := r.active(l.number)
	if err != nil || r.stopper == nil || t.Stopping != "" || r.interrupting {
		return err
	}
	known := l.tail.curve.Curve(l.number, suggest.Pending)
	r.stopper.Tell(known)
	if v := r.stopper.Judge(known); v.Stop {
		return r.stop(l.number, experiment.StopEarly, v.Reason, r.e.options.Grace)
	}
	return nil
}
