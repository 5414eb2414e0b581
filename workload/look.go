package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The times of the rules.
const (
	backoffBase  = 10 * time.Second // before the first restart, as the kubelet
	backoffMost  = 300 * time.Second
	backoffReset = 600 * time.Second // a run of this length starts the count anew
	// settle is how long after another pod's failure the success of the pod that speaks for the job still counts: ranks that end
	// together are seen one by one. Peers are not stopped before it is over.
	settle = time.Second
)

// unknownCode is what the operator takes for the exit code of a pod that failed and has none: one to be retried.
const unknownCode = 0xbeef

// seat is a pod with what was observed of it.
type seat struct {
	*Pod
	status PodStatus
	begun  bool // something of it has been started since it was last started as a whole, or it has ended
	quiet  bool // nothing of it runs
	ended  bool // it has succeeded or failed
}

// failure is the end of a container, or of a pod, that calls for a restart or ends the job.
type failure struct {
	seat      *seat
	container string // "" when the pod as a whole has failed
	at        time.Time
	run       *Terminated // nil when the pod failed for no container's sake
	code      int
	count     int32 // restarts of the container before
	retry     bool
}

// look is a job as it was observed once: what the rules are asked about.
type look struct {
	*Job
	now      time.Time
	start    time.Time
	seats    []*seat // of the pods that run, in the job's order
	failures []*failure
	again    []Restart // sidecars that have ended
	restarts int
}

func (j *Job) look(s Status, now time.Time) *look {
	byName := make(map[string]*PodStatus, len(s.Pods))
	for i := range s.Pods {
		byName[s.Pods[i].Name] = &s.Pods[i]
	}
	l := &look{Job: j, now: now, start: s.StartTime}
	for i := range j.Pods {
		p := &j.Pods[i]
		if p.Idle {
			continue
		}
		st := &seat{Pod: p, status: PodStatus{Name: p.Name, Phase: PodPending}}
		if found := byName[p.Name]; found != nil {
			st.status = *found
		}
		st.observe()
		l.seats = append(l.seats, st)
		if s.StartTime.IsZero() {
			l.start = earlier(l.start, st.first())
		}
	}
	for _, st := range l.seats {
		l.fail(st)
	}
	slices.SortStableFunc(l.failures, func(a, b *failure) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(rank(a), rank(b)))
	})
	l.restarts = l.count() + int(s.Restarts)
	return l
}

// rank puts the failure that ends a job before one at the same time that does not.
func rank(f *failure) int {
	if f.retry {
		return 1
	}
	return 0
}

// earlier is the earlier of two times, where zero stands for none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (st *seat) containers() []ContainerStatus {
	return slices.Concat(st.status.InitContainers, st.status.Containers)
}

func (st *seat) observe() {
	st.ended = st.status.Phase == PodSucceeded || st.status.Phase == PodFailed
	st.quiet = true
	for _, c := range st.containers() {
		creating := c.Waiting != nil && c.Waiting.Reason == "ContainerCreating"
		if c.Running != nil || creating {
			st.quiet = false
		}
		if c.Running != nil || creating || c.Terminated != nil || c.LastTerminated != nil || c.RestartCount > 0 {
			st.begun = true
		}
	}
	if st.status.Phase == PodRunning && len(st.containers()) == 0 {
		st.quiet = false
	}
	st.begun = st.begun || st.ended || st.status.Phase == PodRunning
}

// first is the earliest time at which something of the pod is known to have run.
func (st *seat) first() time.Time {
	t := st.status.StartTime
	for _, c := range st.containers() {
		if c.Running != nil {
			t = earlier(t, c.Running.StartedAt)
		}
		for _, e := range []*Terminated{c.Terminated, c.LastTerminated} {
			if e != nil {
				t = earlier(t, e.StartedAt)
			}
		}
	}
	return t
}

// finished is when a pod ended: when the container did whose end counts, where that is known.
func (st *seat) finished() time.Time {
	var last time.Time
	for _, c := range st.containers() {
		if c.Terminated == nil {
			continue
		}
		if c.Name == st.Default && st.status.Phase == PodSucceeded {
			return c.Terminated.FinishedAt
		}
		if c.Terminated.FinishedAt.After(last) {
			last = c.Terminated.FinishedAt
		}
	}
	return last
}

// sidecar says whether an init container is one that runs beside the others.
func (st *seat) sidecar(name string) bool {
	for i := range st.Spec.InitContainers {
		if c := &st.Spec.InitContainers[i]; c.Name == name {
			return c.RestartPolicy == string(RestartAlways)
		}
	}
	return false
}

// serves says whether the container runs that speaks for the pod.
func (st *seat) serves() bool {
	if st.status.Phase == PodRunning && len(st.status.Containers) == 0 {
		return true
	}
	for _, c := range st.status.Containers {
		if c.Running != nil && (c.Name == st.Default || st.Default == "") {
			return true
		}
	}
	return false
}

// restarting says whether containers that end are started again in the pod.
func (st *seat) restarting() bool {
	return st.Restart == RestartOnFailure || st.Restart == RestartAlways
}

// fail collects the failures of one pod.
func (l *look) fail(st *seat) {
	switch st.status.Phase {
	case PodSucceeded:
		return
	case PodFailed:
		l.add(l.podFailure(st))
		return
	}
	for _, c := range st.status.InitContainers {
		switch {
		case c.Terminated == nil:
		case st.sidecar(c.Name):
			l.again = append(l.again, Restart{Pod: st.Name, Container: c.Name, NotBefore: c.Terminated.FinishedAt.Add(l.delay(c.RestartCount, c.Terminated))})
		case c.Terminated.ExitCode != 0:
			l.add(l.containerFailure(st, &c))
		}
	}
	if st.done() {
		return
	}
	for _, c := range st.status.Containers {
		if c.Terminated == nil {
			continue
		}
		bad := c.Terminated.ExitCode != 0
		if bad && (st.restarting() || c.Name == st.Default) || st.Restart == RestartAlways {
			l.add(l.containerFailure(st, &c))
		}
	}
}

// done says whether the container that counts has ended well: then helpers beside it need not.
func (st *seat) done() bool {
	return st.Restart != RestartAlways && slices.ContainsFunc(st.status.Containers, func(c ContainerStatus) bool {
		return c.Name == st.Default && c.Terminated != nil && c.Terminated.ExitCode == 0
	})
}

func (l *look) add(f *failure) {
	switch f.seat.Restart {
	case RestartAlways, RestartOnFailure:
		f.retry = true
	case RestartExitCode:
		f.retry = f.code >= 128
	default:
		f.retry = l.Policy.Recreate
	}
	if f.retry || !f.seat.spare {
		l.failures = append(l.failures, f)
	}
}

func (l *look) containerFailure(st *seat, c *ContainerStatus) *failure {
	f := &failure{seat: st, container: c.Name, at: c.Terminated.FinishedAt, run: c.Terminated, code: c.Terminated.ExitCode, count: c.RestartCount}
	if !st.restarting() {
		f.container = ""
	}
	return f
}

// podFailure says why a pod has failed: by the container whose end counts, else by the first to fail.
func (l *look) podFailure(st *seat) *failure {
	f := &failure{seat: st, code: unknownCode}
	for _, c := range st.containers() {
		f.count = max(f.count, c.RestartCount)
		if c.Terminated == nil || c.Terminated.ExitCode == 0 || st.sidecar(c.Name) {
			continue
		}
		if f.run == nil || c.Name == st.Default {
			f.run, f.code = c.Terminated, c.Terminated.ExitCode
		}
	}
	f.at = st.finished()
	if f.run != nil {
		f.at = f.run.FinishedAt
	}
	return f
}

// count adds up the restarts so far. Restarts of a whole job, or of whole pods, show in every container of theirs.
func (l *look) count() int {
	most, sum := 0, 0
	for _, st := range l.seats {
		own, all := 0, 0
		for _, c := range st.containers() {
			if !st.sidecar(c.Name) {
				own = max(own, int(c.RestartCount))
				all += int(c.RestartCount)
			}
		}
		if !st.restarting() {
			all = own
		}
		most, sum = max(most, own), sum+all
	}
	if l.Policy.Together {
		return most
	}
	return sum
}

// delay is how long after a run's end the next one starts: twice as long each time, from the base to the most, and the base again
// after a long run.
func (l *look) delay(restarts int32, run *Terminated) time.Duration {
	d := l.Policy.Backoff
	if d <= 0 {
		d = backoffBase
	}
	if run != nil && !run.StartedAt.IsZero() && run.FinishedAt.Sub(run.StartedAt) >= backoffReset {
		restarts = 0
	}
	for ; restarts > 0 && d < backoffMost; restarts-- {
		d *= 2
	}
	return min(d, backoffMost)
}

// describe says how a run ended, for people.
func (f *failure) describe() string {
	pod := "pod " + f.seat.Name
	if f.run == nil {
		s := pod + " failed"
		if f.seat.status.Reason != "" {
			s += ": " + f.seat.status.Reason
		}
		if f.seat.status.Message != "" {
			s += ": " + f.seat.status.Message
		}
		return s
	}
	name := f.container
	for _, c := range f.seat.containers() {
		if c.Terminated == f.run {
			name = c.Name
		}
	}
	s := fmt.Sprintf("container %s of %s exited with code %d", name, pod, f.run.ExitCode)
	if f.run.Signal != 0 {
		s = fmt.Sprintf("container %s of %s was killed by signal %d", name, pod, f.run.Signal)
	}
	if f.run.Reason != "" && f.run.Reason != "Error" && f.run.Reason != "Completed" {
		s += " (" + f.run.Reason + ")"
	}
	if m, _, _ := strings.Cut(strings.TrimSpace(f.run.Message), "\n"); m != "" {
		s += ": " + m
	}
	return s
}
