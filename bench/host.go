package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"qalam/engine"
	"qalam/experiment"
	"qalam/runner"
	"qalam/runner/process"
	"qalam/runner/provision"
	"qalam/runner/resources"
	"qalam/runner/shim"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
)

// roleVariable makes a process of this program something else than the bench: an engine, or a trial that prints.
const roleVariable = "QALAM_BENCH_ROLE"

// child does what the process was started for, if that is not to measure.
func child() bool {
	role, rest, _ := strings.Cut(os.Getenv(roleVariable), " ")
	var err error
	switch role {
	case "":
		return false
	case "engine":
		err = host(os.Stdin, os.Stdout)
	case "emit":
		err = emit(os.Stdout, rest)
	default:
		err = fmt.Errorf("%s=%s is unknown", roleVariable, role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench "+role+":", err)
		os.Exit(1)
	}
	return true
}

// order tells a child which experiment to run.
type order struct {
	Home     string `json:"home"`
	UID      string `json:"uid"`
	Source   []byte `json:"source"`           // the Experiment's document
	Images   string `json:"images,omitempty"` // image map
	Programs string `json:"programs"`         // folder with what "make build" builds
	Running  int    `json:"running"`          // milestone: so many trials run at once
	Adopted  int    `json:"adopted"`          // milestone: the runner has told of so many attempts that they run
	Ended    []int  `json:"ended"`            // milestones: so many trials are over
	Profile  string `json:"profile,omitempty"`
}

// milestone is a line that a child writes.
type milestone struct {
	Name     string        `json:"name"`
	Count    int           `json:"count"`
	At       time.Duration `json:"at"`       // CLOCK_BOOTTIME, which all processes share
	CPU      time.Duration `json:"cpu"`      // of the child
	Children time.Duration `json:"children"` // of what it has waited for
	Peak     int64         `json:"peak"`     // resident memory, bytes
	Phase    string        `json:"phase,omitempty"`
}

// The names of milestones.
const (
	onOpen    = "open"
	onRunning = "running"
	onFirst   = "first" // a trial of this engine's runs
	onAdopted = "adopted"
	onEnded   = "ended"
	onDone    = "done"
)

// host is an engine that runs one experiment, as qalam would.
func host(in io.Reader, out io.Writer) error {
	commands := json.NewDecoder(in)
	var o order
	if err := commands.Decode(&o); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	st, err := store.Open(ctx, o.Home, store.Options{})
	if err != nil {
		return err
	}
	release, err := st.Own(ctx, "bench")
	if err != nil {
		return errors.Join(err, st.Close())
	}
	err = o.run(ctx, st, commands, &reporter{order: o, out: json.NewEncoder(out)})
	return errors.Join(err, release(), st.Close())
}

func (o order) run(ctx context.Context, st *store.SQLite, commands *json.Decoder, rep *reporter) error {
	x, err := o.experiment(ctx, st)
	if err != nil {
		return err
	}
	r, err := newRunner(ctx, o, x.Spec.Spec.ParallelTrialCount)
	if err != nil {
		return err
	}
	rep.tell(onOpen, 0, "")
	wishes := make(chan engine.Command)
	go func() {
		for {
			var c engine.Command
			if commands.Decode(&c) != nil {
				c = engine.Interrupt // nobody is left who wants the trials
			}
			select {
			case wishes <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	e := engine.New(ctx, st, watched{r, rep.relay(ctx, r)}, suggest.Builtin(), engine.Options{Grace: time.Second, Observer: rep})
	state, err := e.Run(ctx, x, wishes)
	if err != nil && !errors.Is(err, engine.ErrInterrupted) && !errors.Is(err, engine.ErrLeft) {
		return err
	}
	left := errors.Is(err, engine.ErrLeft)
	rep.tell(onDone, state.Counts.Total()-state.Counts.Pending-state.Counts.Running, string(state.Phase))
	return r.Close(left, time.Second)
}

// experiment takes the experiment up, or makes it.
func (o order) experiment(ctx context.Context, st *store.SQLite) (engine.Experiment, error) {
	sp, err := load(o.Source)
	if err != nil {
		return engine.Experiment{}, err
	}
	record, err := st.Get(ctx, o.UID)
	if errors.Is(err, store.ErrNotFound) {
		record = recordOf(o.UID, sp)
		err = st.Create(ctx, record)
	}
	return engine.Experiment{Record: record, Spec: sp}, err
}

func load(source []byte) (*spec.Experiment, error) {
	x, faults := spec.Load([]spec.File{{Name: "bench.yaml", Data: source}}, spec.Options{Registry: suggest.Builtin()})
	return x, faults.Errors().Err()
}

func recordOf(uid string, x *spec.Experiment) store.Experiment {
	return store.Experiment{UID: uid, Namespace: x.Spec.Namespace, Name: x.Spec.Name, Source: x.Source, Seed: 1, Created: time.Now()}
}

// newRunner makes the runner that qalam would make.
func newRunner(ctx context.Context, o order, parallel int) (*process.Runner, error) {
	var config provision.Config
	if o.Images != "" {
		var err error
		if config, err = provision.Load(o.Images); err != nil {
			return nil, err
		}
	}
	program := process.FindProgram(o.Programs)
	isolation := process.Detect(o.Home, program)
	capacity := resources.Detect(ctx, resources.Overrides{})
	groups, _ := resources.FindGroups() // none of the trials here has a limit
	pool, err := resources.New(resources.Options{Capacity: capacity, Groups: groups, Locks: filepath.Join(o.Home, "locks")})
	if err != nil {
		return nil, err
	}
	provisioner := provision.New(provision.Options{
		Config: config, Tier: isolation.Tier, Home: o.Home, Environ: os.Environ(), Node: "localhost",
		Cores: max(1, int(capacity.MilliCPU/1000)), Memory: capacity.Memory, Parallel: func(string) int { return parallel },
	})
	return process.New(process.Options{Home: o.Home, Isolation: isolation, Program: program, Pool: pool, Provisioner: provisioner})
}

// watched is a runner whose reports are looked at on their way.
type watched struct {
	*process.Runner
	reports <-chan runner.Report
}

func (w watched) Reports() <-chan runner.Report { return w.reports }

// reporter writes the milestones.
type reporter struct {
	order order
	mu    sync.Mutex
	out   *json.Encoder

	running map[int]bool
	most    int
	ended   int
	first   bool
}

// relay hands reports on and counts the attempts that run. Where nobody wants to know that, the reports go their own way.
func (r *reporter) relay(ctx context.Context, from *process.Runner) <-chan runner.Report {
	if r.order.Adopted == 0 {
		return from.Reports()
	}
	to := make(chan runner.Report)
	go func() {
		defer close(to)
		seen := map[runner.ID]bool{}
		for rep := range from.Reports() {
			select {
			case to <- rep:
			case <-ctx.Done():
				return
			}
			if !seen[rep.ID] && running(rep) {
				seen[rep.ID] = true
				if len(seen) == r.order.Adopted {
					r.tell(onAdopted, len(seen), "")
				}
			}
		}
	}()
	return to
}

func running(rep runner.Report) bool {
	for _, p := range rep.Pods {
		for _, c := range p.Containers {
			if c.Running != nil {
				return true
			}
		}
	}
	return false
}

// Trial implements engine.Observer.
func (r *reporter) Trial(t experiment.Trial) {
	if r.running == nil {
		r.running = map[int]bool{}
	}
	switch {
	case t.State == experiment.TrialRunning:
		r.running[t.Number] = true
		if !r.first {
			r.first = true
			r.tell(onFirst, t.Number, "")
		}
		if len(r.running) > r.most {
			r.most = len(r.running)
			if r.most == r.order.Running {
				r.tell(onRunning, r.most, "")
			}
		}
	case t.State.Terminal():
		delete(r.running, t.Number)
		r.ended++
		for _, n := range r.order.Ended {
			if n == r.ended {
				r.tell(onEnded, n, "")
			}
		}
	default:
		delete(r.running, t.Number)
	}
}

// Point implements engine.Observer.
func (r *reporter) Point(int, int64, float64) {}

// Experiment implements engine.Observer.
func (r *reporter) Experiment(*experiment.State) {}

func (r *reporter) tell(name string, count int, phase string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Encode(milestone{
		Name: name, Count: count, At: shim.Boottime(), CPU: used(unix.RUSAGE_SELF), Children: used(unix.RUSAGE_CHILDREN),
		Peak: peak(), Phase: phase,
	}) // whoever reads is gone: then nothing matters any more
}

// used is the processor time of this process, or of those it has waited for.
func used(who int) time.Duration {
	var u unix.Rusage
	if unix.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the most memory that was ever resident in this process, in bytes.
func peak() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\nVmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseInt(kib, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
