// Package runner says what it means to run a trial: the task an engine hands over, and the reports and outputs it gets back.
// The packages below it do so with processes, containers or Kubernetes jobs. It knows no experiment and decides nothing about
// trials beyond the rules of their job kind (package workload).
package runner

import (
	"context"
	"errors"
	"time"

	"qalam/workload"
)

// ID identifies one attempt of one trial.
type ID struct {
	Experiment string // UID of the experiment
	Trial      string // name of the trial
	Attempt    int    // from 1
}

// Task is one attempt to be run.
type Task struct {
	ID      ID
	Job     *workload.Job
	Collect Collect
	Primary Primary
	// Documents are the ConfigMaps and Secrets that came with the experiment, by "ConfigMap/name" and "Secret/name".
	Documents map[string]Document
	// Checkpoint is the folder that the trial keeps from attempt to attempt and hands on to others; nil means that it has none.
	Checkpoint *Checkpoint
}

// Checkpoint is a folder of a trial's own, in which its program finds what it is to go on from and leaves what others go on from.
type Checkpoint struct {
	Path   string // where the primary containers see it
	Parent string // the name of the trial of whose folder it is a copy when an attempt begins; "" means that it is empty
	Dir    string // on this machine; the runner fills it in
}

// Document is a ConfigMap or a Secret that came with the experiment.
type Document struct {
	Data   map[string][]byte
	Secret bool
}

// Primary says which containers speak for the trial.
type Primary struct {
	Pods      []string // names of the primary pods
	Container string   // primaryContainerName
}

// Collect says where a trial's points come from.
type Collect struct {
	Kind string // StdOut, File, TensorFlowEvent, PrometheusMetric, Custom, Push or None, as in a Katib Experiment
	Path string // of the file, directory or HTTP page, inside the container
	Port int    // of the HTTP page
}

// PushFile is where a trial with a Push collector writes its metrics, as its primary containers see it: a JSON object a line.
const PushFile = "/qalam-push/metrics.jsonl"

// Report is what is known of one attempt now. It is complete: a later report replaces an earlier one.
type Report struct {
	ID      ID
	Pods    []workload.PodStatus
	Verdict workload.Verdict
	Ended   bool   // nothing of it runs any more and its outputs are complete
	Lost    bool   // it ended because its supervisor or its machine went away
	Stopped bool   // it ended because Stop was called
	Wait    string // why it has not started yet (waiting for resources, …), or ""
	At      time.Time
}

// Status is the report in the words of the job kind's rules.
func (r Report) Status() workload.Status { return workload.Status{Pods: r.Pods} }

// ErrUnreadable says that points cannot be collected from where the experiment says, as it is now: there is a device, a FIFO, a
// folder or a symbolic link, or something that may not be read. An error that wraps it is meant for the user; nothing else of the
// attempt is the worse for it.
var ErrUnreadable = errors.New("points cannot be collected")

// Output is one stream of bytes that a trial writes and points are read from.
type Output struct {
	Key  string // stable within the attempt: "pod/container/0.log", "pod/container/file", …
	Kind string // text, tfevent or page: which scanner reads it (JSON or TEXT is the experiment's choice)
	Tag  string // prefix of metric names: the event file's folder below the collector's path
	Size int64  // bytes there now
}

// Runner starts, watches, stops and adopts attempts of trials.
type Runner interface {
	// Start takes charge of an attempt: it launches it, or adopts it when it was launched before and still runs or has
	// ended meanwhile. It returns without waiting for the launch; what happens is told by reports. An error says that the
	// task can never run here (unmapped image, unsupported kind or field) and is meant for the user.
	Start(ctx context.Context, task Task) error
	// Stop ends an attempt within grace: SIGTERM, then SIGKILL for everything that is left of it. It returns at once;
	// a report with Ended and Stopped follows. Stopping what is unknown or over does nothing.
	Stop(id ID, grace time.Duration)
	// Reports delivers reports, each when something has changed. The engine reads them until it is done.
	Reports() <-chan Report
	// Release forgets an attempt that has ended and gives its resources back; keep says whether its files stay.
	Release(id ID, keep bool) error
}

// Outputs gives access to what attempts wrote, while they run and afterwards.
type Outputs interface {
	// Outputs lists the streams that points are collected from. An error may wrap ErrUnreadable, here and of ReadAt.
	Outputs(id ID, collect Collect) ([]Output, error)
	// Logs lists the logs of all containers of an attempt, whether points are collected from them or not, in the order of
	// their keys: "pod/container/0.log", one for each run of the container.
	Logs(id ID) ([]Output, error)
	// ReadAt reads from one stream or log; io.EOF says that there is nothing more now.
	ReadAt(id ID, key string, buf []byte, offset int64) (int, error)
}

// Prober looks at a running attempt from outside, for the doctor.
type Prober interface {
	// Probe returns what can be seen of an attempt's processes now.
	Probe(id ID) Vitals
}

// Vitals is what can be seen of a running attempt from outside.
type Vitals struct {
	Listening  []int         // TCP ports that its processes listen on, where they may have to meet at one
	CPU        time.Duration // processor time used so far by all its processes
	Memory     int64         // bytes resident in all its processes
	Processes  int
	LastOutput time.Time // when it last wrote to any log; zero when it never did
}

// Checkpoints keeps the folders of trials that have checkpoints.
type Checkpoints interface {
	// Discard removes the folder of a trial from which nobody will go on. Where there is none it does nothing.
	Discard(experiment, trial string) error
	// Kept lists the trials of an experiment that have a folder, in any order.
	Kept(experiment string) ([]string, error)
}

// Pages fetches the metrics pages of trials with a PrometheusMetric collector.
type Pages interface {
	// Page fetches the page once; the body is bounded.
	Page(ctx context.Context, id ID, collect Collect) ([]byte, error)
}
