package engine

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/runner"
	"qalam/space"
	"qalam/spec"
	"qalam/suggest"
	"qalam/workload"
)

// trialNameEnv is the variable by which a trial's containers know their trial, as under Katib.
const trialNameEnv = "KATIB_TRIAL_NAME"

// What holds of restarts that a job's spec says nothing about. Upstream a kind such as PyTorchJob restarts for ever, so that a
// point at which training always fails holds up the experiment, and waits 10 s before the first restart, doubled each time.
const (
	restartLimit = 6
	restartDelay = time.Second
)

// prepared is a trial rendered, laid out as pods and ready for a runner.
type prepared struct {
	values []space.Named
	task   runner.Task
}

// Prepare renders a trial's template and lays it out as pods. The error is meant for the user.
func Prepare(x Experiment, t experiment.Trial, runtimes []map[string]any) (runner.Task, error) {
	object, err := x.Spec.Template.Render(x.Spec.Values(t))
	if err != nil {
		return runner.Task{}, err
	}
	limit := int32(restartLimit)
	job, err := workload.Expand(object, workload.Options{
		Runtimes: append(slices.Clip(runtimes), x.Spec.Runtimes...), PrimaryContainer: x.Spec.PrimaryContainer,
		BackoffLimit: &limit, Backoff: restartDelay,
	})
	if err != nil {
		return runner.Task{}, err
	}
	job.AddEnv(trialNameEnv, t.Name)
	primary := workload.PrimaryPods(job, x.Spec.PrimaryPodLabels)
	if len(primary) == 0 {
		return runner.Task{}, fmt.Errorf("no pod of the %s has the labels of trialTemplate.primaryPodLabels %v", job.Kind, x.Spec.PrimaryPodLabels)
	}
	return runner.Task{
		ID:        runner.ID{Experiment: x.Record.UID, Trial: t.Name, Attempt: t.Attempt},
		Job:       job,
		Collect:   collectOf(x.Spec.Collector),
		Primary:   runner.Primary{Pods: primary, Container: x.Spec.PrimaryContainer},
		Documents: documentsOf(x.Spec.Documents), Checkpoint: checkpointOf(x, t),
	}, nil
}

// checkpointOf is the folder of a trial that goes on from another one's checkpoint, or may be gone on from; nil where the
// algorithm has no use for them.
func checkpointOf(x Experiment, t experiment.Trial) *runner.Checkpoint {
	path := x.Spec.Spec.CheckpointDir()
	if path == "" {
		return nil
	}
	c := &runner.Checkpoint{Path: path}
	if n, err := strconv.Atoi(t.Labels[suggest.ParentLabel]); err == nil && n > 0 {
		c.Parent = experiment.TrialName(x.Spec.Spec.Name, x.Record.UID, n)
	}
	return c
}

func (r *run) prepare(t experiment.Trial) (*prepared, error) {
	task, err := Prepare(r.x, t, r.e.options.Runtimes)
	if err != nil {
		return nil, err
	}
	return &prepared{values: r.state.Spec.Space.Named(t.Assignment), task: task}, nil
}

// newTail makes the tail of an attempt that has not been read yet.
func (r *run) newTail(id runner.ID) *tail {
	c := r.x.Spec.Collector
	o := r.state.Spec.Objective
	names := o.Names()
	return &tail{
		id: id, collect: collectOf(c), names: names,
		objective: o, sources: map[string]*source{}, buf: r.buf, curve: experiment.NewCurveBuilder(o),
		newFor: func(out runner.Output) (metrics.Scanner, error) {
			config := metrics.Config{Kind: string(c.Kind), Format: string(c.Format), Names: names, Filters: c.Filters, Tag: out.Tag}
			if config.Kind == collectPush { // what is pushed is written to a file, a JSON object a line
				config.Kind, config.Format = collectFile, "JSON"
			}
			return metrics.New(config)
		},
	}
}

// The collector kinds that the engine treats in a way of their own.
const (
	collectStdOut     = "StdOut"
	collectPush       = "Push"
	collectFile       = "File"
	collectPrometheus = "PrometheusMetric"
)

func collectOf(c spec.Collector) runner.Collect {
	if c.Kind == collectPush {
		return runner.Collect{Kind: collectPush, Path: runner.PushFile}
	}
	return runner.Collect{Kind: string(c.Kind), Path: c.Path, Port: c.Port}
}

// documentsOf hands on the ConfigMaps and Secrets that came with an experiment.
func documentsOf(docs map[string]spec.Document) map[string]runner.Document {
	out := make(map[string]runner.Document, len(docs))
	for name, d := range docs {
		out[name] = runner.Document{Data: d.Data, Secret: d.Secret}
	}
	return out
}
