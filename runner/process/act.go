package process

import (
	"path/filepath"
	"time"

	"qalam/runner/shim"
	"qalam/workload"
)

const (
	whyStopped = "stopped" // Stop was called
	whyOver    = "over"    // the job is over

	startTail = ".start.json" // of files that tell a shim what more to start

	// primaryGrace is how long the containers beside a primary one may go on when that has ended.
	primaryGrace = 5 * time.Second
	// stuckAfter is how long past its grace a shim may take to exit before it is killed.
	stuckAfter = 10 * time.Second
	// peerPoll is how often a pod that waits for a peer looks at it.
	peerPoll = 200 * time.Millisecond
	// peerPatience is how long a peer may run without listening before who waits for it is started all the same: on a cluster
	// nothing but the peer's name is waited for.
	peerPatience = 30 * time.Second
	farOff       = time.Hour
)

// act carries out a verdict as far as it is due, and says after how long to look again.
func (a *attempt) act(v *workload.Verdict) time.Duration {
	next := farOff
	stops, grace := a.stopping()
	switch {
	case stops:
		a.exit(whyStopped, grace)
	case over(*v):
		a.exit(whyOver, a.longestGrace())
	case !a.exiting:
		now := a.r.clock.now()
		next = min(next, a.restart(v.Start, now), a.peers(), a.quieten())
		if !v.Wake.IsZero() {
			next = min(next, max(v.Wake.Sub(now), time.Millisecond))
		}
		for _, name := range v.Stop {
			if p := a.pod(name); p != nil && !p.stopped {
				p.stopped = true
				a.queue = append(a.queue, shim.Command{Stop: []string{name}, Grace: p.grace()})
			}
		}
		a.startDue()
	}
	if a.kill > 0 {
		if left := a.kill - shim.Boottime(); left > 0 {
			next = min(next, left)
		} else {
			a.kill = 0
			a.lost = "the process that supervised the trial did not answer and was killed"
			a.shim.kill()
		}
	}
	return min(next, a.flush())
}

// exit tells the shim to stop everything and go; telling it again can only shorten the grace.
func (a *attempt) exit(why string, grace time.Duration) {
	if a.exiting && grace >= a.within {
		return
	}
	if why == whyOver && (a.exiting || a.final && a.succeeded()) {
		return // it goes by itself
	}
	a.exiting, a.within = true, grace
	a.kill = shim.Boottime() + grace + stuckAfter
	a.queue = append(a.queue, shim.Command{Exit: why, Grace: grace})
}

// succeeded says that the only container's first run has ended well.
func (a *attempt) succeeded() bool {
	c := a.pods[0].containers[0]
	return c.Asked == 0 && c.done() && c.Exited.Code == 0
}

func (a *attempt) longestGrace() time.Duration {
	var longest time.Duration
	for _, p := range a.pods {
		longest = max(longest, p.grace())
	}
	return longest
}

// restart starts anew what has ended and is due.
func (a *attempt) restart(list []workload.Restart, now time.Time) time.Duration {
	next := farOff
	var runs []shim.Run
	for _, again := range list {
		if wait := again.NotBefore.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		p := a.pod(again.Pod)
		if p == nil {
			continue
		}
		if again.Container != "" {
			p.stopped = false
			if c := p.find(again.Container); c != nil && c.done() {
				c.ask()
				runs = append(runs, a.run(p, c))
			}
			continue
		}
		if p.busy() {
			continue // what is being stopped must be gone first
		}
		if err := a.renew(p); err != nil {
			p.fault, p.message, next = "CreateContainerConfigError", err.Error(), 0
		}
	}
	a.send(runs)
	return next
}

// renew makes a pod start as a whole again, with folders made afresh.
func (a *attempt) renew(p *pod) error {
	containers, err := a.provision(p.spec)
	if err != nil {
		return err
	}
	p.again()
	p.held, p.stopped = false, false
	for i := range containers {
		if c := p.find(containers[i].Name); c != nil {
			c.Container = containers[i]
		}
	}
	return a.writeSpec(nil)
}

// startDue starts the containers whose turn it is.
func (a *attempt) startDue() { a.send(a.due()) }

func (a *attempt) due() []shim.Run {
	var runs []shim.Run
	for _, p := range a.pods {
		for _, c := range p.next() {
			c.ask()
			runs = append(runs, a.run(p, c))
		}
	}
	return runs
}

func (a *attempt) send(runs []shim.Run) {
	if len(runs) == 0 {
		return
	}
	file := runs[0].Base() + startTail
	if err := shim.WriteFile(a.dir, file, runs, false); err != nil {
		a.lost = err.Error()
		a.exit(whyOver, 0)
		return
	}
	a.queue, a.asked = append(a.queue, shim.Command{Start: file}), false
}

// peers looks whether pods that wait for others may start.
func (a *attempt) peers() time.Duration {
	next := farOff
	var listening map[int]bool
	for _, p := range a.pods {
		if p.peer {
			continue
		}
		w, now := p.spec.WaitFor, shim.Boottime()
		peer := a.pod(w.Pod)
		if listening == nil {
			listening = listeners(a.shim.pid)
		}
		switch {
		case peer == nil || peer.phase() == workload.PodSucceeded || peer.phase() == workload.PodFailed:
			p.peer = true
		case listening[a.port(w.Pod, w.Port)]:
			p.peer = true
		case peer.phase() == workload.PodRunning:
			if p.peerSince == 0 {
				p.peerSince = now
			}
			p.peer = now-p.peerSince >= peerPatience
		case w.For > 0 && now-p.asked >= w.For:
			p.peer = true
			p.fault = "PeerNotRunning"
			p.message = "pod " + w.Pod + ", which it must reach on port " + itoa(w.Port) + ", was not running after " + w.For.String()
		}
		switch {
		case !p.peer:
			next = min(next, peerPoll)
		case p.fault != "":
			next = 0 // the rules must be asked about that
		}
	}
	return next
}

// port is where a pod's port is on the network that the attempt sees.
func (a *attempt) port(pod string, port int) int {
	if here, ok := a.grant.Ports[pod+"/"+itoa(port)]; ok {
		return here
	}
	return port
}

// quieten stops what runs beside a primary container that has ended.
func (a *attempt) quieten() time.Duration {
	next := farOff
	for _, p := range a.pods {
		c := p.find(p.primary)
		if c == nil || p.quiet || !c.done() {
			continue
		}
		policy := p.spec.Restart
		if policy == workload.RestartAlways || policy == workload.RestartOnFailure && c.Exited.Code != 0 {
			continue // it will start again
		}
		if left := primaryGrace - (shim.Boottime() - c.Exited.Finished.Boot); left > 0 {
			next = min(next, left)
			continue
		}
		p.quiet = true
		for _, other := range p.containers {
			if other != c && !other.Init && other.live() {
				a.queue = append(a.queue, shim.Command{Stop: []string{p.spec.Name + "/" + other.Name}, Grace: p.grace()})
			}
		}
	}
	return next
}

// flush hands the shim what it has been told, in order. A shim that has not opened its FIFO yet is told soon after.
func (a *attempt) flush() time.Duration {
	for len(a.queue) > 0 {
		if err := tell(filepath.Join(a.dir, shim.ControlFile), a.queue[0]); err != nil {
			a.retry = min(max(2*a.retry, time.Millisecond), 100*time.Millisecond)
			return a.retry
		}
		a.queue = a.queue[1:]
		a.retry = 0
	}
	a.queue = nil
	return farOff
}
