package process

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

// pod is one pod of an attempt as it stands.
type pod struct {
	spec       *workload.Pod
	containers []*container
	peer       bool          // what it waits for has come, or nothing is waited for
	peerSince  time.Duration // boot time since which the pod waited for has run; 0 while it has not
	asked      time.Duration // boot time at which the pod began to wait
	held       bool          // it starts only when a verdict says so
	stopped    bool          // it was told to stop, and starts nothing until a verdict says so
	fault      string        // reason why it counts as failed though no container says so
	message    string
	primary    string // name of the container that ends the pod; "" means that all must end
	quiet      bool   // the containers beside the primary one have been told to stop
}

// container is one container of a pod, as far as its files tell.
type container struct {
	provision.Container
	First   int           // number of the first run since its pod last started as a whole
	Asked   int           // number of the last run that was asked for; -1 means none
	Started *shim.Started // of that run
	Exited  *shim.Exited  // of that run
	Before  *shim.Exited  // of the run before
	Message string        // its termination message
}

// idle says that the container has not been asked to run since its pod last started.
func (c *container) idle() bool { return c.Asked < c.First }

func (c *container) done() bool { return !c.idle() && c.Exited != nil }

func (c *container) live() bool { return !c.idle() && c.Started != nil && c.Exited == nil }

// ask counts one more run.
func (c *container) ask() {
	if c.Exited != nil {
		c.Before = c.Exited
	}
	c.Asked, c.Started, c.Exited, c.Message = max(c.Asked+1, c.First), nil, nil, ""
}

// saw takes what a file tells of one run.
func (c *container) saw(number int, started *shim.Started, exited *shim.Exited) {
	if number > c.Asked { // after adoption
		if c.Exited != nil {
			c.Before = c.Exited
		}
		c.Asked, c.Started, c.Exited = number, nil, nil
	}
	switch {
	case number == c.Asked && started != nil:
		c.Started = started
	case number == c.Asked && exited != nil:
		c.Exited = exited
		c.Message = c.message()
	case number == c.Asked-1 && exited != nil:
		c.Before = exited
	}
}

const longestMessage = 4096 // as in Kubernetes

func (c *container) message() string {
	if c.Exited.Error != "" {
		return c.Exited.Error
	}
	if c.Exited.Over != "" {
		return c.Exited.Over
	}
	if c.Termination == "" {
		return ""
	}
	f, err := os.Open(c.Termination)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, longestMessage)
	n, _ := f.Read(buf)
	return strings.ToValidUTF8(string(buf[:n]), "\uFFFD")
}

// next returns the containers of a pod that can start now: init containers one by one, then all others.
func (p *pod) next() []*container {
	if !p.peer || p.held || p.stopped || p.fault != "" {
		return nil
	}
	for _, c := range p.containers {
		if !c.Init {
			break
		}
		switch {
		case c.idle():
			return []*container{c}
		case c.Sidecar && (c.Started != nil || c.Exited != nil):
			continue
		case c.Exited == nil || c.Exited.Code != 0:
			return nil
		}
	}
	var ready []*container
	for _, c := range p.containers {
		if !c.Init && c.idle() {
			ready = append(ready, c)
		}
	}
	return ready
}

// busy says that something of the pod runs, or is about to.
func (p *pod) busy() bool {
	return slices.ContainsFunc(p.containers, func(c *container) bool { return !c.idle() && c.Exited == nil })
}

// again makes the whole pod start anew.
func (p *pod) again() {
	for _, c := range p.containers {
		c.First = c.Asked + 1
	}
	p.quiet, p.fault, p.message = false, "", ""
}

func (p *pod) find(name string) *container {
	for _, c := range p.containers {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// grace is how long the pod's containers may take to stop.
func (p *pod) grace() time.Duration {
	const standard = 30 * time.Second // as in Kubernetes
	if s := p.spec.Spec.TerminationGracePeriodSeconds; s != nil && *s >= 0 {
		return time.Duration(*s) * time.Second
	}
	return standard
}

// status says what was observed of the pod, as Kubernetes would.
func (p *pod) status(when func(shim.Stamp) time.Time, address string) workload.PodStatus {
	s := workload.PodStatus{Name: p.spec.Name, PodIP: address, WaitingForPeers: !p.peer, Reason: p.fault, Message: p.message}
	for _, c := range p.containers {
		cs := c.status(when)
		if c.Started != nil || c.Exited != nil {
			at := c.began(when)
			if s.StartTime.IsZero() || at.Before(s.StartTime) {
				s.StartTime = at
			}
		}
		if c.Init {
			s.InitContainers = append(s.InitContainers, cs)
		} else {
			s.Containers = append(s.Containers, cs)
		}
	}
	s.Phase = p.phase()
	return s
}

func (c *container) began(when func(shim.Stamp) time.Time) time.Time {
	if c.Started != nil {
		return when(c.Started.Started)
	}
	return when(c.Exited.Started)
}

func (c *container) status(when func(shim.Stamp) time.Time) workload.ContainerStatus {
	s := workload.ContainerStatus{Name: c.Name, RestartCount: int32(max(c.Asked, c.First, 0))}
	if c.Before != nil {
		s.LastTerminated = terminated(c.Before, c.Before.Error+c.Before.Over, when)
	}
	switch {
	case c.idle():
		s.Waiting = &workload.Waiting{Reason: "PodInitializing"}
		if c.Exited != nil {
			s.LastTerminated = terminated(c.Exited, c.Message, when)
		}
	case c.Exited != nil:
		s.Terminated = terminated(c.Exited, c.Message, when)
	case c.Started != nil:
		s.Running = &workload.Running{StartedAt: when(c.Started.Started)}
	default:
		s.Waiting = &workload.Waiting{Reason: "ContainerCreating"}
	}
	return s
}

func terminated(e *shim.Exited, message string, when func(shim.Stamp) time.Time) *workload.Terminated {
	t := &workload.Terminated{ExitCode: e.Code, Signal: e.Signal, Message: message, StartedAt: when(e.Started), FinishedAt: when(e.Finished)}
	switch {
	case e.Error != "":
		t.Reason = "StartError"
	case e.Over != "", e.OOM && e.Code != 0:
		t.Reason = "OOMKilled"
	case e.Code == 0:
		t.Reason = "Completed"
	default:
		t.Reason = "Error"
	}
	return t
}

// phase follows the kubelet. Where a primary container is known, what ends after it does not count.
func (p *pod) phase() workload.PodPhase {
	if p.fault != "" {
		return workload.PodFailed
	}
	policy := p.spec.Restart
	if policy == "" {
		policy = workload.RestartPolicy(p.spec.Spec.RestartPolicy)
	}
	if phase, done := p.initialised(policy); !done {
		return phase
	}
	regular, started, ended, good := p.counted()
	switch {
	case started == 0:
		return workload.PodPending
	case ended < regular || policy == workload.RestartAlways:
		return workload.PodRunning
	case good == regular:
		return workload.PodSucceeded
	case policy == workload.RestartOnFailure:
		return workload.PodRunning
	}
	return workload.PodFailed
}

// initialised reports whether all init containers are done; phase is the pod's where they are not.
func (p *pod) initialised(policy workload.RestartPolicy) (phase workload.PodPhase, done bool) {
	for _, c := range p.containers {
		if !c.Init || c.Sidecar {
			continue
		}
		if c.done() && c.Exited.Code != 0 && (policy == workload.RestartNever || policy == workload.RestartExitCode) {
			return workload.PodFailed, false
		}
		if !c.done() || c.Exited.Code != 0 {
			return workload.PodPending, false
		}
	}
	return "", true
}

// counted is how many containers there are but for those of the beginning, and how many of these have started, have ended, and have
// ended well.
func (p *pod) counted() (regular, started, ended, good int) {
	primary := p.find(p.primary)
	for _, c := range p.containers {
		if c.Init {
			continue
		}
		regular++
		if c.Started != nil && !c.idle() || c.done() {
			started++
		}
		if !c.done() {
			continue
		}
		ended++
		after := primary != nil && primary != c && primary.done() && primary.Exited.Finished.Boot <= c.Exited.Finished.Boot
		if c.Exited.Code == 0 || after {
			good++
		}
	}
	return regular, started, ended, good
}

// name takes a file's name apart: <pod>.<container>.<number>.run.json or ….exit.json. A pod's name may have dots.
func name(file string) (pod, container string, number int, exited, ok bool) {
	base, exited := strings.CutSuffix(file, shim.ExitedTail)
	if !exited {
		if base, ok = strings.CutSuffix(file, shim.StartedTail); !ok {
			return "", "", 0, false, false
		}
	}
	pod, container, number, ok = runOf(base)
	return pod, container, number, exited, ok
}

// runOf takes <pod>.<container>.<number> apart.
func runOf(base string) (pod, container string, number int, ok bool) {
	i := strings.LastIndexByte(base, '.')
	j := strings.LastIndexByte(base[:max(i, 0)], '.')
	if j <= 0 {
		return "", "", 0, false
	}
	number, err := strconv.Atoi(base[i+1:])
	return base[:j], base[j+1 : i], number, err == nil && number >= 0
}

// primaryOf says which container of a pod ends it.
func primaryOf(task runner.Task, p *workload.Pod) string {
	if !slices.Contains(task.Primary.Pods, p.Name) {
		return ""
	}
	for _, c := range p.Spec.Containers {
		if c.Name == task.Primary.Container {
			return c.Name
		}
	}
	return ""
}
