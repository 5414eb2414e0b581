package doctor

import (
	"slices"
	"strings"
	"time"

	"qalam/workload"
)

// Ages after which something that may be normal is worth saying.
const (
	waitNote        = 10 * time.Second // for resources or peers
	rendezvousNote  = 20 * time.Second // after the last rank began to run
	rendezvousLimit = 45 * time.Second // from here on that is a warning
	firstPointLimit = 45 * time.Second // of running without a point of the objective, or three times its siblings'
	firstPointLong  = 5 * time.Minute  // from here on that is a warning
	silenceLimit    = 45 * time.Second // without output and without use of a processor
	silenceLong     = 10 * time.Minute // from here on that is a warning
	idleShare       = 0.02             // of one processor, over at least idleSpan
	idleSpan        = 30 * time.Second
	waitShare       = 0.1              // of one processor: ranks that wait for others, and have begun not long ago
	recovery        = 30 * time.Second // of running after which an earlier failure is past
	slowFactor      = 3                // times the siblings' median
)

// rule looks at a snapshot for one kind of trouble.
type rule func(s *Snapshot) *Finding

// rules in the order of their weight: the first that speaks is the cause, those after it are often only its consequences.
var rules = []rule{
	waitingForResources,
	startError,
	configError,
	suspended,
	outOfMemory,
	acceleratorOutOfMemory,
	connectionReset,
	portTaken,
	sharedMemory,
	collective,
	download,
	rendezvousFailed,
	missingModule,
	deadline,
	crashLoop,
	exitCode,
	ranksMissing,
	rendezvousWaits,
	neverListens,
	neverJoins,
	peersNotReady,
	noMetricAtEnd,
	noMetric,
	idle,
	slow,
}

// Diagnose says why a trial is not done, or why it failed: the most likely cause first. An empty answer means that nothing
// looks wrong. The same snapshot gives the same answer.
func Diagnose(s Snapshot) []Finding {
	var out []Finding
	for _, r := range rules {
		if f := r(&s); f != nil && !slices.ContainsFunc(out, func(o Finding) bool { return o.Code == f.Code }) {
			out = append(out, *f)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return weight(b.Severity) - weight(a.Severity) })
	return out
}

func weight(s Severity) int { return slices.Index([]Severity{Note, Warning, Error}, s) }

// each calls f with every container of every pod until it returns true.
func (s *Snapshot) each(f func(pod *workload.PodStatus, c *workload.ContainerStatus) bool) {
	for i := range s.Pods {
		p := &s.Pods[i]
		for j := range p.InitContainers {
			if f(p, &p.InitContainers[j]) {
				return
			}
		}
		for j := range p.Containers {
			if f(p, &p.Containers[j]) {
				return
			}
		}
	}
}

// lastEnd is how a container ended, now or in its last run; nil when it never did.
func lastEnd(c *workload.ContainerStatus) *workload.Terminated {
	if c.Terminated != nil {
		return c.Terminated
	}
	return c.LastTerminated
}

// failedFirst is the container that ended badly before all others: its peers' troubles are mostly the echo of its own.
func (s *Snapshot) failedFirst() (pod *workload.PodStatus, c *workload.ContainerStatus) {
	var first *workload.Terminated
	s.each(func(p *workload.PodStatus, x *workload.ContainerStatus) bool {
		if e := lastEnd(x); e != nil && e.ExitCode != 0 && (first == nil || e.FinishedAt.Before(first.FinishedAt)) {
			pod, c, first = p, x, e
		}
		return false
	})
	return pod, c
}

// primary reports since when the primary container runs; zero when it does not.
func (s *Snapshot) primary() (since time.Time) {
	s.each(func(p *workload.PodStatus, c *workload.ContainerStatus) bool {
		if c.Running != nil && c.Name == s.Primary.Container && slices.Contains(s.Primary.Pods, p.Name) {
			since = c.Running.StartedAt
		}
		return !since.IsZero()
	})
	return since
}

// log is the log of one container; nil when there is none.
func (s *Snapshot) log(pod, container string) *Log {
	for i := range s.Logs {
		if s.Logs[i].Pod == pod && s.Logs[i].Container == container {
			return &s.Logs[i]
		}
	}
	return nil
}

// match finds the first log line that contains any of the texts, first in the log of the container that failed first.
func (s *Snapshot) match(texts ...string) (where, line string) {
	logs := s.Logs
	if p, c := s.failedFirst(); c != nil {
		if l := s.log(p.Name, c.Name); l != nil {
			logs = append([]Log{*l}, logs...)
		}
	}
	for _, l := range logs {
		for _, line := range l.Tail {
			if slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(line, t) }) {
				return l.Pod, strings.TrimSpace(line)
			}
		}
	}
	return "", ""
}

// lastError is the line of a log that tells most: the last one that names an exception or error, else the last one.
func (l *Log) lastError() string {
	if l == nil {
		return ""
	}
	last, named := "", ""
	for _, line := range l.Tail {
		line = strings.TrimSpace(line)
		if line != "" {
			last = line
		}
		if strings.Contains(line, "Error") || strings.Contains(line, "Exception") || strings.Contains(line, "error:") ||
			strings.Contains(line, "panic:") || strings.Contains(line, "fatal") {
			named = line
		}
	}
	if named != "" {
		return clip(named)
	}
	return clip(last)
}

// clip bounds a line of evidence.
func clip(line string) string {
	const most = 240
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "…"
}

// params lists the trial's values that are likely to matter for how much memory it takes.
func (s *Snapshot) sized() string {
	var out []string
	for _, p := range s.Params {
		name := strings.ToLower(p.Name)
		for _, word := range []string{"batch", "hidden", "units", "width", "layers", "dim", "size", "depth"} {
			if strings.Contains(name, word) {
				out = append(out, p.Name+"="+p.Value)
				break
			}
		}
	}
	return strings.Join(out, " ")
}
