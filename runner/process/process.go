// Package process runs trials as processes of this machine: one shim per attempt, which starts the containers of all its pods,
// in namespaces of its own where the machine allows. It keeps what it must know to adopt them in files. It decides nothing about
// restarts or outcomes (package workload does) and knows no experiment.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

// Pool hands out the machine's resources. Package resources implements it.
type Pool interface {
	// Check says why a task can never run on this machine, and what to do; nil when it can.
	Check(task runner.Task) error
	// Acquire waits until everything that all pods of the task request is free, and takes it. It calls wait with the reason
	// whenever that is new. With ports, every port that the pods listen on also gets one on this machine, because the task
	// shares them with others. An error is that of ctx, or says why the task cannot run.
	Acquire(ctx context.Context, task runner.Task, ports bool, wait func(reason string)) (provision.Grant, error)
	// Restore takes what a task of an earlier run of this program holds.
	Restore(task runner.Task, grant provision.Grant) error
	// Release gives back what a task holds, when nothing of it runs any more; it does nothing for one that holds nothing.
	Release(id runner.ID)
}

// Provisioner turns pods into processes. Package provision implements it.
type Provisioner interface {
	// Check says why a task can never run on this machine (no command and no image map, a reference to a ConfigMap that is not
	// there, …), and what to do; nil when it can.
	Check(task runner.Task) error
	// Provision makes what one pod of the task needs below dir, which exists and is the pod's own, and returns its containers:
	// init containers first, all in the order of the pod's spec. It may be called again for a pod that starts anew. The pod's
	// hosts file and host name are the runner's.
	Provision(task runner.Task, pod workload.Pod, dir string, grant provision.Grant) ([]provision.Container, error)
}

// Options say how a Runner works.
type Options struct {
	Home        string // folder that attempts are kept below; it must be on a local file system
	Isolation   Isolation
	Program     Program // what shims are started from
	HostNetwork bool    // every task sees this machine's network, not only those that ask for it
	Pool        Pool
	Provisioner Provisioner
	Tasks       int64 // most processes and threads an attempt may have at once; 0 means provision.Tasks for each of its containers
	// Judge tells what the rules of a job's kind make of its pods; nil means (*workload.Job).Judge.
	Judge func(job *workload.Job, status workload.Status, now time.Time) workload.Verdict
	Now   func() time.Time // the wall clock; nil means a clock that follows CLOCK_BOOTTIME from when the Runner was made
}

// Runner runs trials as processes. It implements runner.Runner, runner.Outputs, runner.Prober and runner.Pages.
type Runner struct {
	options Options
	clock   clock
	watch   *watcher
	queue   *queue
	trouble *os.File // stderr of all shims
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	attempts map[runner.ID]*attempt
	closed   bool
}

// New makes a Runner whose attempts lie below options.Home, which is made if need be.
func New(options Options) (*Runner, error) {
	home, err := filepath.Abs(options.Home)
	if err != nil {
		return nil, err
	}
	options.Home = home
	if options.Judge == nil {
		options.Judge = (*workload.Job).Judge
	}
	if err := os.MkdirAll(filepath.Join(home, attemptsFolder), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for attempts: %w", err)
	}
	trouble, err := os.OpenFile(filepath.Join(home, "shims.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of shims: %w", err)
	}
	if err := shim.Hear(trouble); err != nil {
		fmt.Fprintln(trouble, "shims will sync how their runs end:", err)
	}
	r := &Runner{options: options, trouble: trouble, queue: newQueue(), attempts: map[runner.ID]*attempt{}}
	r.clock = newClock(options.Now)
	if r.watch, err = newWatcher(); err != nil {
		trouble.Close()
		r.queue.close()
		return nil, err
	}
	if why := options.Program.Why; why != "" {
		fmt.Fprintln(trouble, why)
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

const attemptsFolder = "attempts"

// Folder is where an attempt's files lie: its logs are <pod>.<container>.<run>.log.
func Folder(home string, id runner.ID) string {
	return filepath.Join(home, attemptsFolder, id.Experiment, id.Trial, strconv.Itoa(id.Attempt))
}

// Start takes charge of an attempt: see runner.Runner. Starting what is in charge already does nothing.
func (r *Runner) Start(_ context.Context, task runner.Task) error {
	for _, part := range []string{task.ID.Experiment, task.ID.Trial} {
		if part == "" || part == "." || part == ".." || filepath.Base(part) != part {
			return fmt.Errorf("%q cannot name a folder", part)
		}
	}
	if len(task.Job.Pods) == 0 {
		return fmt.Errorf("%s %s has no pods to run", task.Job.Kind, task.Job.Name)
	}
	if err := r.options.Provisioner.Check(task); err != nil {
		return err
	}
	if err := r.options.Pool.Check(task); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("the runner is closed")
	}
	if r.attempts[task.ID] != nil {
		return nil
	}
	a := newAttempt(r, task)
	r.attempts[task.ID] = a
	r.running.Add(1)
	go func() {
		defer r.running.Done()
		a.supervise(r.ctx)
	}()
	return nil
}

// Stop ends an attempt within grace: see runner.Runner.
func (r *Runner) Stop(id runner.ID, grace time.Duration) {
	if a := r.attempt(id); a != nil {
		a.stop(grace)
	}
}

// Reports delivers reports. A reader that is slow gets the latest of each attempt. The channel is closed by Close.
func (r *Runner) Reports() <-chan runner.Report { return r.queue.out }

// Release forgets an attempt that has ended: see runner.Runner. With keep its logs and its end stay in its folder.
func (r *Runner) Release(id runner.ID, keep bool) error {
	a := r.attempt(id)
	if a != nil {
		select {
		case <-a.ended:
		default:
			return fmt.Errorf("attempt %d of %s still runs", id.Attempt, id.Trial)
		}
		r.mu.Lock()
		delete(r.attempts, id)
		r.mu.Unlock()
	}
	r.options.Pool.Release(id)
	if keep && a != nil && a.asked {
		return a.clear()
	}
	return clear(Folder(r.options.Home, id), keep)
}

// Close ends the Runner. With leave, what runs goes on and is adopted by the next Runner; otherwise it is ended within grace
// first. Reports that nobody has read by then are dropped.
func (r *Runner) Close(leave bool, grace time.Duration) error {
	r.mu.Lock()
	r.closed = true
	attempts := make([]*attempt, 0, len(r.attempts))
	for _, a := range r.attempts {
		attempts = append(attempts, a)
	}
	r.mu.Unlock()
	if !leave {
		for _, a := range attempts {
			a.stop(grace)
		}
		for _, a := range attempts {
			<-a.ended
		}
	}
	r.cancel()
	r.running.Wait()
	r.queue.close()
	return errors.Join(r.watch.close(), r.trouble.Close())
}

func (r *Runner) attempt(id runner.ID) *attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts[id]
}

var (
	_ runner.Runner  = (*Runner)(nil)
	_ runner.Outputs = (*Runner)(nil)
	_ runner.Prober  = (*Runner)(nil)
	_ runner.Pages   = (*Runner)(nil)
)
