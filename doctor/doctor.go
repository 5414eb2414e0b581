// Package doctor says why an unfinished trial is not done, or why a finished one failed: one line with its evidence and its fix.
// It is a pure function of a snapshot, the same for processes on this machine and for pods in a cluster; it looks at nothing itself.
package doctor

import (
	"time"

	"qalam/workload"
)

// Snapshot is everything that is known of one trial at one moment.
type Snapshot struct {
	Now     time.Time
	Job     *workload.Job
	Pods    []workload.PodStatus
	Verdict workload.Verdict
	Wait    string    // why the runner has not started it yet, in the runner's words
	Created time.Time // when the attempt was handed to the runner
	Ended   bool

	Primary Primary
	Metric  Metric
	Logs    []Log
	Vitals  *Vitals // nil when nothing can be seen from outside
	Params  []Param // the trial's assignment, to name the suspects (batch_size=64)
	Peers   Peers
}

// Primary says which containers speak for the trial.
type Primary struct {
	Pods      []string
	Container string
}

// Metric is what is known about the objective's points.
type Metric struct {
	Name       string
	Filters    []string  // regular expressions in use; empty means Katib's default
	Kind       string    // collector kind
	Points     int64     // points of the objective so far
	Lines      int64     // lines read so far
	NearMiss   []string  // lines that look like the metric but did not match
	Suggestion string    // a filter that would match NearMiss, or ""
	Trouble    string    // why points cannot be collected from where the experiment says; "" when they can
	First      time.Time // when the first point of the objective arrived; zero before
}

// Log is the end of one container's log, oldest line first.
type Log struct {
	Pod, Container string
	Head           []string // first lines, up to 20
	Tail           []string // last lines, up to 100
}

// Vitals is what can be seen of the trial's processes from outside.
type Vitals struct {
	Listening  []int
	CPU        time.Duration // used so far
	CPUBefore  time.Duration // used at Before
	Before     time.Time     // an earlier look, at least 30 s ago where there was one; zero when none
	Memory     int64
	Processes  int
	LastOutput time.Time
}

// Param is one value of the trial's assignment.
type Param struct{ Name, Value string }

// Peers sums up the experiment's other trials.
type Peers struct {
	MedianFirstPoint time.Duration // from running to the first point; 0 when unknown
	MedianDuration   time.Duration // of succeeded trials; 0 when unknown
}

// Severity ranks findings.
type Severity string

// The severities: a note explains a normal wait, a warning may resolve itself, an error needs somebody.
const (
	Note    Severity = "note"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Finding is one answer to "why is it not done".
type Finding struct {
	Code     string // CamelCase, stable: WaitingForResources, RendezvousIncomplete, …; documented in docs/doctor.md
	Severity Severity
	Message  string   // one line
	Evidence []string // lines, figures or fields that show it
	Fix      string   // what to do, one line
}
