package resources

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
)

// Options say what a Pool hands out, and how.
type Options struct {
	Capacity Capacity
	ShareGPU bool    // one accelerator may be given to several containers at once
	Locks    string  // folder of the locks by which programs of one user share devices and ports; "" means <user cache>/qalam/locks
	Groups   *Groups // cgroups to make for tasks that have limits; nil means none
	// GroupAll makes a cgroup for every attempt, so that all its processes can be killed at once; a PID namespace does that too,
	// and costs less.
	GroupAll bool
	Tasks    int64 // most processes and threads that a container with a cgroup may have at once; 0 means provision.Tasks
}

// Pool hands out a machine's resources: first come, first served, all that a task asks for or nothing. It may be used by several
// goroutines at once.
type Pool struct {
	o     Options
	locks *locks

	mu    sync.Mutex
	held  map[runner.ID]*holding
	used  need
	load  map[provision.Device]int // containers that have it
	queue []*waiter
}

// holding is what one task has.
type holding struct {
	name  string
	need  need
	grant provision.Grant
	locks []*lock
	away  []string // names of locks that are held by what the task has inherited them to
}

// waiter is a task that waits for its turn.
type waiter struct {
	task   runner.Task
	need   need
	ports  bool
	reason string
	wake   chan struct{} // of capacity 1: something is new
	done   bool
	grant  provision.Grant
	err    error
}

// New makes a Pool that has given out nothing.
func New(o Options) (*Pool, error) {
	if o.Locks == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("finding a folder for locks: %w: set XDG_CACHE_HOME", err)
		}
		o.Locks = filepath.Join(cache, "qalam", "locks")
	}
	if o.Tasks == 0 {
		o.Tasks = provision.Tasks(runtime.NumCPU())
	}
	locks, err := openLocks(o.Locks)
	if err != nil {
		return nil, err
	}
	return &Pool{o: o, locks: locks, held: map[runner.ID]*holding{}, used: need{devices: map[string]int64{}}, load: map[provision.Device]int{}}, nil
}

// Mode says in words how limits are enforced.
func (p *Pool) Mode() string { return p.o.Groups.String() }

// Check says why a task can never run on this machine: see process.Pool.
func (p *Pool) Check(task runner.Task) error {
	n, err := needOf(task)
	if err != nil {
		return err
	}
	var faults []error
	c := p.o.Capacity
	if n.milliCPU > c.MilliCPU {
		faults = append(faults, fmt.Errorf("asks for %s, this machine has %s: lower the pods' requests, or say --cpus %s to let them share",
			cpus(n.milliCPU), number(c.MilliCPU), number(n.milliCPU)))
	}
	if n.memory > c.Memory && c.Memory > 0 {
		faults = append(faults, fmt.Errorf("asks for %s of memory, this machine has %s: lower the pods' requests", size(n.memory), size(c.Memory)))
	}
	for _, name := range slices.Sorted(maps.Keys(n.devices)) {
		if err := p.checkDevices(task, name, n.devices[name]); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%s %s %w", task.Job.Kind, task.Job.Name, err)
	}
	return nil
}

func (p *Pool) checkDevices(task runner.Task, name string, wanted int64) error {
	have := int64(len(p.devices(name)))
	hint := "ask for fewer"
	if p.o.ShareGPU {
		wanted = 0 // what counts is the container that asks for most
		for i := range task.Job.Pods {
			for j := range task.Job.Pods[i].Spec.Containers {
				req, _ := requests(&task.Job.Pods[i].Spec.Containers[j])
				wanted = max(wanted, req[name])
			}
		}
	} else if have > 0 {
		hint += ", or let containers share them (--share-gpu; programs that use NCCL cannot)"
	}
	if wanted <= have {
		return nil
	}
	has := fmt.Sprint(have)
	if have == 0 {
		has = "none"
		hint = "leave the request out, or say --gpus N if it is there"
	}
	return fmt.Errorf("asks for %d %s, this machine has %s: %s", wanted, name, has, hint)
}

// devices lists the accelerators of one kind.
func (p *Pool) devices(resource string) []provision.Device {
	var all []provision.Device
	for _, d := range p.o.Capacity.Devices {
		if d.Resource == resource {
			all = append(all, d)
		}
	}
	return all
}

// retry is how often a waiting task looks again for what other programs hold.
const retry = time.Second

// Acquire waits until a task's turn has come and takes what it asks for: see process.Pool. A task that asks for nothing need not
// wait for its turn.
func (p *Pool) Acquire(ctx context.Context, task runner.Task, ports bool, wait func(reason string)) (provision.Grant, error) {
	if err := p.Check(task); err != nil {
		return provision.Grant{}, err
	}
	n, err := needOf(task)
	if err != nil {
		return provision.Grant{}, err
	}
	w := &waiter{task: task, need: n, ports: ports, wake: make(chan struct{}, 1)}
	p.mu.Lock()
	if h := p.held[task.ID]; h != nil {
		p.mu.Unlock()
		return h.grant, nil
	}
	p.queue = append(p.queue, w)
	p.serve()
	p.mu.Unlock()
	told := ""
	for {
		p.mu.Lock()
		done, grant, err, reason := w.done, w.grant, w.err, w.reason
		p.mu.Unlock()
		if done {
			return grant, err
		}
		if reason != told && wait != nil {
			wait(reason)
		}
		told = reason
		again := time.NewTimer(retry)
		select {
		case <-w.wake:
		case <-again.C:
			p.mu.Lock()
			p.serve()
			p.mu.Unlock()
		case <-ctx.Done():
			again.Stop()
			return p.abandon(w, ctx.Err())
		}
		again.Stop()
	}
}

// abandon takes a waiter out of the queue; one that was served meanwhile gives back what it got.
func (p *Pool) abandon(w *waiter, err error) (provision.Grant, error) {
	p.mu.Lock()
	p.queue = slices.DeleteFunc(p.queue, func(o *waiter) bool { return o == w })
	served := w.done && w.err == nil
	if !served {
		p.serve()
	}
	p.mu.Unlock()
	if served {
		p.Release(w.task.ID)
	}
	return provision.Grant{}, err
}

// serve gives those whose turn it is what they ask for, and tells the others what they wait for. The first in line is never
// overtaken by anyone who takes something.
func (p *Pool) serve() {
	var blocked *waiter
	var why string
	p.queue = slices.DeleteFunc(p.queue, func(w *waiter) bool {
		reason := ""
		switch {
		case blocked == nil || w.need.nothing():
			if reason = p.admit(w); reason == "" {
				return true
			}
			if blocked == nil {
				blocked, why = w, reason
			}
		case w.task.ID.Experiment == blocked.task.ID.Experiment:
			reason = fmt.Sprintf("in line behind %s, which is %s", blocked.task.ID.Trial, why)
		default:
			reason = fmt.Sprintf("in line behind %s of another experiment, which is %s", blocked.task.ID.Trial, why)
		}
		if reason != w.reason {
			w.reason = reason
			w.notify()
		}
		return false
	})
}

func (w *waiter) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// admit gives a waiter what it asks for, or says what it waits for.
func (p *Pool) admit(w *waiter) string {
	if reason := p.lacking(&w.need); reason != "" {
		return reason
	}
	h := &holding{name: w.task.ID.Trial, need: w.need}
	if reason := p.takeDevices(h, w.task); reason != "" {
		p.drop(h)
		return reason
	}
	err := p.takePorts(h, w)
	if err == nil {
		h.grant.Cgroups, err = p.o.Groups.make(w.task, p.o.GroupAll, p.o.Tasks)
	}
	h.grant.SoftMemory = !p.o.Groups.Enforces("memory")
	if err != nil {
		p.drop(h)
		w.done, w.err = true, err
		w.notify()
		return ""
	}
	for _, l := range h.locks {
		h.grant.Locks = append(h.grant.Locks, l.file)
	}
	p.hold(w.task.ID, h)
	w.done, w.grant = true, h.grant
	w.notify()
	return ""
}

func (p *Pool) hold(id runner.ID, h *holding) {
	p.held[id] = h
	p.used.milliCPU = add(p.used.milliCPU, h.need.milliCPU)
	p.used.memory = add(p.used.memory, h.need.memory)
	for _, devices := range h.grant.Devices {
		for _, d := range devices {
			p.load[d]++
		}
	}
}

// lacking says what of processors and memory is not free.
func (p *Pool) lacking(n *need) string {
	c := p.o.Capacity
	if n.milliCPU > 0 && n.milliCPU > c.MilliCPU-p.used.milliCPU {
		return fmt.Sprintf("waiting for %s: %s of %s are taken by %s", cpus(n.milliCPU), number(p.used.milliCPU), number(c.MilliCPU),
			p.holders(func(h *holding) bool { return h.need.milliCPU > 0 }))
	}
	if n.memory > 0 && c.Memory > 0 && n.memory > c.Memory-p.used.memory {
		return fmt.Sprintf("waiting for %s of memory: %s of %s are taken by %s", size(n.memory), size(p.used.memory), size(c.Memory),
			p.holders(func(h *holding) bool { return h.need.memory > 0 }))
	}
	return ""
}

// holders names the tasks that have something.
func (p *Pool) holders(has func(*holding) bool) string {
	var names []string
	for _, h := range p.held {
		if has(h) {
			names = append(names, h.name)
		}
	}
	slices.Sort(names)
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	if len(names) == 0 {
		return "other programs"
	}
	return strings.Join(names, ", ")
}

// Restore takes what a task of an earlier run of this program holds: see process.Pool. It takes more than there is if it must,
// because the task runs.
func (p *Pool) Restore(task runner.Task, grant provision.Grant) error {
	n, err := needOf(task)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[task.ID] != nil {
		return nil
	}
	h := &holding{name: task.ID.Trial, need: n, grant: grant}
	for _, devices := range grant.Devices {
		for _, d := range devices {
			if !p.o.ShareGPU && p.load[d] == 0 {
				p.keep(h, deviceLock(d))
			}
		}
	}
	for _, port := range grant.Ports {
		p.keep(h, portLock(port))
	}
	p.hold(task.ID, h)
	return nil
}

// keep takes a lock again. One that is taken is so by the task's own supervisor, or by another program since that ended.
func (p *Pool) keep(h *holding, name string) {
	l, err := p.locks.take(name)
	switch {
	case err == nil:
		h.locks = append(h.locks, l)
	case errors.Is(err, errTaken):
		h.away = append(h.away, name)
	}
}

func (p *Pool) drop(h *holding) {
	for _, name := range h.away {
		if l, err := p.locks.take(name); err == nil {
			h.locks = append(h.locks, l)
		}
	}
	for _, l := range h.locks {
		l.release()
	}
	h.locks, h.away = nil, nil
}

// Release gives back what a task holds, and serves those who wait.
func (p *Pool) Release(id runner.ID) {
	p.mu.Lock()
	h := p.held[id]
	p.giveBack(id)
	p.serve()
	p.mu.Unlock()
	if h != nil {
		p.o.Groups.remove(h.grant.Cgroups)
	}
}

func (p *Pool) giveBack(id runner.ID) {
	h := p.held[id]
	if h == nil {
		return
	}
	delete(p.held, id)
	p.used.milliCPU -= h.need.milliCPU
	p.used.memory -= h.need.memory
	for _, devices := range h.grant.Devices {
		for _, d := range devices {
			p.load[d]--
		}
	}
	p.drop(h)
}
