package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

// attempt is one attempt in charge. Its supervisor goroutine owns everything but what mu guards.
type attempt struct {
	r    *Runner
	task runner.Task
	dir  string

	pods    []*pod
	grant   provision.Grant
	marker  string
	bootID  string // of the machine when the attempt was launched
	final   bool   // its shim exits by itself after success
	asked   bool   // all that it may have run was asked for here, and in its spec file
	shim    *process
	exiting bool              // it was told to exit
	within  time.Duration     // the grace it was told
	lost    string            // why there is no shim though the attempt has not ended by itself
	decided *workload.Verdict // once it is final
	since   time.Time         // when the first of its pods first started; zero before
	queue   []shim.Command
	retry   time.Duration
	last    runner.Report
	kill    time.Duration // boot time at which the shim itself is killed, because it does not exit; 0 means never

	wake  chan struct{}
	ended chan struct{} // closed when nothing of it runs any more

	mu      sync.Mutex
	files   []string // names of files that were moved into the folder; "" stands for all
	stops   bool
	grace   time.Duration
	waiting context.CancelFunc // ends the wait for resources
	layout  []*pod             // of pods, once it stands: for Outputs and Probe
	pid     int                // of the shim, while it lives
}

func newAttempt(r *Runner, task runner.Task) *attempt {
	return &attempt{r: r, task: task, dir: Folder(r.options.Home, task.ID), wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

func (a *attempt) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// changed is told of a file in the attempt's folder.
func (a *attempt) changed(file string) {
	a.mu.Lock()
	a.files = append(a.files, file)
	a.mu.Unlock()
	a.poke()
}

func (a *attempt) stop(grace time.Duration) {
	a.mu.Lock()
	if !a.stops || grace < a.grace {
		a.stops, a.grace = true, grace
	}
	if a.waiting != nil {
		a.waiting()
	}
	a.mu.Unlock()
	a.poke()
}

func (a *attempt) stopping() (bool, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stops, a.grace
}

// supervise sees one attempt through, from resources to the end. It returns early when ctx ends, and leaves what runs running.
func (a *attempt) supervise(ctx context.Context) {
	wd := int32(-1)
	defer func() {
		if wd >= 0 {
			a.r.watch.remove(wd)
		}
	}()
	err := a.begin(ctx, func() (err error) {
		wd, err = a.r.watch.add(a)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			a.refuse(err)
		}
		return
	}
	a.follow(ctx)
}

// follow carries an attempt on until nothing of it runs any more.
func (a *attempt) follow(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		gone := a.shim == nil || a.shim.gone()
		if gone && a.shim != nil && a.shim.code == shim.ExitTaken && a.takeOver() {
			continue
		}
		a.collect(gone)
		verdict := a.judge()
		if gone {
			a.finish(verdict)
			return
		}
		next := a.act(&verdict)
		a.publish(runner.Report{Verdict: verdict})
		timer.Reset(next)
		select {
		case <-a.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// takeOver turns to the shim that was faster than the one started here: one that an engine started just before it was killed. It
// says whether there is one that lives.
func (a *attempt) takeOver() bool {
	found, claim, err := inspect(a.dir)
	a.shim, a.asked = nil, false
	if err != nil || found != alive {
		return false
	}
	if a.shim, err = adopt(claim, a.poke); err != nil {
		a.shim = nil
		return false
	}
	a.seen()
	a.changed("")
	return true
}

// collect takes in what files tell.
func (a *attempt) collect(all bool) {
	a.mu.Lock()
	files := a.files
	a.files = nil
	a.mu.Unlock()
	if all && !a.told() || slices.Contains(files, "") {
		files = nil
		entries, err := os.ReadDir(a.dir)
		if err != nil {
			return
		}
		for _, e := range entries {
			files = append(files, e.Name())
		}
		slices.SortFunc(files, byNumber)
	}
	for _, file := range files {
		a.see(file)
	}
}

// told says that there is no file which it has not been told of.
func (a *attempt) told() bool {
	return a.asked && !slices.ContainsFunc(a.pods, (*pod).busy)
}

// byNumber puts the files of earlier runs first.
func byNumber(x, y string) int {
	_, _, m, _, _ := name(x)
	_, _, n, _, _ := name(y)
	if m != n {
		return m - n
	}
	return strings.Compare(x, y)
}

func (a *attempt) see(file string) {
	podName, containerName, number, exited, ok := name(file)
	if !ok {
		return
	}
	p := a.pod(podName)
	if p == nil {
		return
	}
	c := p.find(containerName)
	if c == nil {
		return
	}
	path := filepath.Join(a.dir, file)
	if exited {
		var e shim.Exited
		if shim.ReadFile(path, &e) == nil {
			c.saw(number, nil, &e)
		}
		return
	}
	var s shim.Started
	if shim.ReadFile(path, &s) == nil {
		c.saw(number, &s, nil)
	}
}

func (a *attempt) pod(name string) *pod {
	for _, p := range a.pods {
		if p.spec.Name == name {
			return p
		}
	}
	return nil
}

func (a *attempt) statuses() []workload.PodStatus {
	when := func(s shim.Stamp) time.Time { return a.r.clock.of(s, a.bootID) }
	statuses := make([]workload.PodStatus, 0, len(a.task.Job.Pods))
	for i := range a.task.Job.Pods {
		spec := &a.task.Job.Pods[i]
		if p := a.pod(spec.Name); p != nil {
			statuses = append(statuses, p.status(when, a.grant.Addresses[spec.Name]))
		} else {
			statuses = append(statuses, workload.PodStatus{Name: spec.Name, Phase: workload.PodPending})
		}
	}
	return statuses
}

const verdictFile = "verdict.json" // the final verdict, where something still ran when it was reached

// judge asks the rules of the job's kind. A final verdict stands: what is stopped because of it must not change it.
func (a *attempt) judge() workload.Verdict {
	if a.decided != nil {
		return *a.decided
	}
	pods := a.statuses()
	for i := range pods { // the deadline counts from the first start, which later runs of the pods no longer show
		if at := pods[i].StartTime; !at.IsZero() && (a.since.IsZero() || at.Before(a.since)) {
			a.since = at
		}
	}
	v := a.r.options.Judge(a.task.Job, workload.Status{Pods: pods, StartTime: a.since}, a.r.clock.now())
	if stops, _ := a.stopping(); !over(v) || stops {
		return v
	}
	a.decided = &v
	for _, p := range a.pods {
		if p.busy() {
			if err := shim.WriteFile(a.dir, verdictFile, v, false); err != nil {
				fmt.Fprintln(a.r.trouble, err) // matters only if this process is killed before the attempt has ended
			}
			break
		}
	}
	return v
}

func over(v workload.Verdict) bool {
	return v.Phase == workload.Succeeded || v.Phase == workload.Failed
}

// publish reports what has changed.
func (a *attempt) publish(r runner.Report) {
	r.ID = a.task.ID
	if r.Pods == nil {
		r.Pods = a.statuses()
	}
	r.At = a.last.At
	if reflect.DeepEqual(r, a.last) {
		return
	}
	r.At = a.r.clock.now()
	a.last = r
	a.r.queue.put(r)
}

// finish reports the end of an attempt whose shim is gone.
func (a *attempt) finish(verdict workload.Verdict) {
	report := runner.Report{Verdict: verdict}
	if claim, _, err := shim.ReadClaim(a.dir); err == nil && claim.Done != nil {
		report.Stopped = claim.Done.Why == whyStopped
	} else {
		if a.bootID == a.r.clock.bootID {
			killLeftovers(a.marker, a.grant)
		}
		stops, _ := a.stopping()
		report.Stopped = stops
		if !over(verdict) && !stops {
			report.Lost = true
			a.markLost(&report)
		}
	}
	a.r.options.Pool.Release(a.task.ID)
	a.publishEnd(report)
}

// publishEnd reports the end, after which the attempt can be released at once.
func (a *attempt) publishEnd(report runner.Report) {
	report.Ended = true
	a.mu.Lock()
	a.pid = 0
	a.mu.Unlock()
	close(a.ended)
	a.publish(report)
}

// markLost says of every container that ran how it ended: nobody knows.
func (a *attempt) markLost(report *runner.Report) {
	why := a.lost
	switch {
	case why != "":
	case a.bootID != a.r.clock.bootID:
		why = "this machine was started anew while the trial ran"
	default:
		why = "the process that supervised the trial was killed (see " + a.r.trouble.Name() + ")"
	}
	report.Verdict.Reason, report.Verdict.Message = "Lost", why
	report.Pods = a.statuses()
	for i := range report.Pods {
		for _, list := range [][]workload.ContainerStatus{report.Pods[i].InitContainers, report.Pods[i].Containers} {
			for j := range list {
				if c := &list[j]; c.Running != nil {
					c.Terminated = &workload.Terminated{ExitCode: 137, Reason: "Lost", Message: why, StartedAt: c.Running.StartedAt}
					c.Running = nil
				}
			}
		}
	}
}

// refuse reports the end of an attempt that never started.
func (a *attempt) refuse(err error) {
	report := runner.Report{Verdict: workload.Verdict{Phase: workload.Failed, Reason: "StartError", Message: err.Error()}}
	var refused *refusal
	if errors.As(err, &refused) {
		report.Verdict.Reason = refused.reason
	}
	var lost *lostError
	if errors.As(err, &lost) {
		killLeftovers(a.dir, provision.Grant{})
		report.Lost, report.Verdict.Reason = true, "Lost"
	}
	if stops, _ := a.stopping(); stops {
		report.Stopped = true
		report.Verdict = workload.Verdict{Phase: workload.Unstarted}
	}
	a.r.options.Pool.Release(a.task.ID)
	a.publishEnd(report)
}

// lostError says that an attempt was launched, and is gone without what is needed to carry it on: a power cut leaves it so.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// refusal is an error with the reason Kubernetes would give.
type refusal struct {
	reason string
	err    error
}

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

func refused(reason, format string, args ...any) error {
	return &refusal{reason, fmt.Errorf(format, args...)}
}
