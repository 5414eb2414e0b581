package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

func itoa(n int) string { return strconv.Itoa(n) }

// specFile is a shim's spec together with what a later engine needs to carry the attempt on.
type specFile struct {
	shim.Spec
	Engine record `json:"engine"`
}

// record is what an engine writes down for its successors.
type record struct {
	BootID string          `json:"bootID"`
	Grant  provision.Grant `json:"grant"`
	Pods   []recordedPod   `json:"pods"`
}

type recordedPod struct {
	Name       string                `json:"name"`
	Containers []provision.Container `json:"containers"`
	First      []int                 `json:"first,omitempty"` // container.First
}

// NetworkAnnotation on a job or a pod, with the value "host", lets its trials see this machine's network.
const NetworkAnnotation = "qalam/network"

func wantsHost(job *workload.Job) bool {
	if job.Annotations[NetworkAnnotation] == "host" {
		return true
	}
	for i := range job.Pods {
		if job.Pods[i].Spec.HostNetwork || job.Pods[i].Annotations[NetworkAnnotation] == "host" {
			return true
		}
	}
	return false
}

// begin launches the attempt, or takes it over as it is found: see the table in docs. watch is called before anything can change.
func (a *attempt) begin(ctx context.Context, watch func() error) error {
	found, claim, err := inspect(a.dir)
	if err != nil {
		return err
	}
	if found == fresh {
		if err := a.prepare(ctx); err != nil {
			return err
		}
	} else if err := a.recall(claim); err != nil {
		if found == gone {
			return &lostError{err}
		}
		return err
	}
	if err := watch(); err != nil {
		return err
	}
	a.show()
	if found == fresh {
		return a.launch()
	}
	if found == alive {
		if a.shim, err = adopt(claim, a.poke); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	a.seen()
	a.changed("")
	return nil
}

// seen makes the attempt's processes known to Probe.
func (a *attempt) seen() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shim != nil {
		a.pid = a.shim.pid
	}
}

// show makes the attempt's layout known to Outputs.
func (a *attempt) show() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.layout = a.pods
}

// prepare gets resources and makes the attempt's folder.
func (a *attempt) prepare(ctx context.Context) error {
	if err := a.acquire(ctx); err != nil {
		return err
	}
	a.grant.HostNetwork = a.r.options.HostNetwork || wantsHost(a.task.Job)
	a.grant.Addresses = map[string]string{}
	for i := range a.task.Job.Pods {
		a.grant.Addresses[a.task.Job.Pods[i].Name] = "127.0.0.1"
	}
	a.bootID, a.marker = a.r.clock.bootID, a.dir
	if _, err := makeFolders(filepath.Join(a.r.options.Home, attemptsFolder), a.task.ID.Experiment, a.task.ID.Trial, itoa(a.task.ID.Attempt)); err != nil {
		return refused("CreateContainerError", "making the attempt's folder: %w", err)
	}
	if err := a.checkpoint(); err != nil {
		return refused("CreateContainerError", "%w", err)
	}
	for i := range a.task.Job.Pods {
		spec := &a.task.Job.Pods[i]
		if spec.Idle {
			continue
		}
		containers, err := a.provision(spec)
		if err != nil {
			return refused("CreateContainerConfigError", "pod %s: %w", spec.Name, err)
		}
		a.add(spec, containers)
	}
	if len(a.pods) == 0 {
		return refused("CreateContainerConfigError", "no pod of %s has anything to run", a.task.Job.Name)
	}
	if a.namespaces() {
		if err := a.writeHosts(); err != nil {
			return refused("CreateContainerError", "%w", err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(a.dir, shim.ControlFile), 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
		return refused("CreateContainerError", "making %s: %w", filepath.Join(a.dir, shim.ControlFile), err)
	}
	return nil
}

func (a *attempt) namespaces() bool { return a.r.options.Isolation.Tier == provision.Namespaces }

func (a *attempt) acquire(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.mu.Lock()
	a.waiting = cancel
	stops := a.stops
	a.mu.Unlock()
	if stops {
		return context.Canceled
	}
	ports := !a.namespaces() || a.r.options.HostNetwork || wantsHost(a.task.Job)
	grant, err := a.r.options.Pool.Acquire(ctx, a.task, ports, func(reason string) {
		a.publish(runner.Report{Verdict: workload.Verdict{Phase: workload.Unstarted}, Wait: reason})
	})
	a.mu.Lock()
	a.waiting = nil
	a.mu.Unlock()
	if err != nil {
		return refused("Unschedulable", "%w", err)
	}
	a.grant = grant
	return nil
}

// provision makes a pod's folders and returns its containers.
func (a *attempt) provision(spec *workload.Pod) ([]provision.Container, error) {
	dir, err := makeFolders(a.dir, "pods", spec.Name)
	if err != nil {
		return nil, err
	}
	return a.r.options.Provisioner.Provision(a.task, *spec, dir, a.grant)
}

// makeFolders makes a folder in a folder in one that is there, and returns the innermost. It looks for none of them first, since most are
// new.
func makeFolders(path string, names ...string) (string, error) {
	for _, name := range names {
		path = filepath.Join(path, name)
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return path, nil
}

func (a *attempt) add(spec *workload.Pod, containers []provision.Container) *pod {
	p := &pod{spec: spec, peer: spec.WaitFor == nil, held: spec.Held, asked: shim.Boottime(), primary: primaryOf(a.task, spec)}
	for _, c := range containers {
		p.containers = append(p.containers, &container{Container: c, Asked: -1})
	}
	a.pods = append(a.pods, p)
	return p
}

// recall takes what an earlier engine wrote down.
func (a *attempt) recall(claim shim.Claim) error {
	var f specFile
	if err := shim.ReadFile(filepath.Join(a.dir, shim.SpecFile), &f); err != nil {
		return refused("CreateContainerError", "what an earlier run of this program wrote down: %w", err)
	}
	a.grant, a.marker, a.bootID, a.final = f.Engine.Grant, f.Marker, f.Engine.BootID, f.Final
	if claim.BootID != "" {
		a.bootID = claim.BootID
	}
	for _, old := range f.Engine.Pods {
		for i := range a.task.Job.Pods {
			if spec := &a.task.Job.Pods[i]; spec.Name == old.Name {
				p := a.add(spec, old.Containers)
				for j := range min(len(old.First), len(p.containers)) {
					p.containers[j].First = old.First[j]
					p.containers[j].Asked = old.First[j] - 1
				}
			}
		}
	}
	if err := a.r.options.Pool.Restore(a.task, a.grant); err != nil {
		return refused("Unschedulable", "%w", err)
	}
	var decided workload.Verdict
	if shim.ReadFile(filepath.Join(a.dir, verdictFile), &decided) == nil {
		a.decided = &decided
	}
	a.collect(true)
	for _, p := range a.pods {
		for _, c := range p.containers {
			p.peer = p.peer || !c.idle()
			p.held = p.held && c.idle()
		}
	}
	return nil
}

// run describes the run of a container that was asked for last.
func (a *attempt) run(p *pod, c *container) shim.Run {
	r := shim.Run{
		Pod: p.spec.Name, Container: c.Name, Number: c.Asked,
		Argv: c.Process.Argv, Env: c.Process.Env, Dir: c.Process.Dir,
		Log:     logFile(p.spec.Name, c.Name, c.Asked),
		Cgroups: a.grant.Cgroups[p.spec.Name+"/"+c.Name],
	}
	if len(r.Cgroups) == 0 {
		r.Cgroups = a.grant.Cgroups[""]
	}
	if a.grant.SoftMemory {
		r.Memory = c.Process.Limits.Memory
	}
	if !a.namespaces() {
		return r
	}
	r.Hostname = p.spec.Hostname
	if r.Hostname == "" {
		r.Hostname = p.spec.Name
	}
	const longestHostname = 64
	r.Hostname = strings.TrimRight(r.Hostname[:min(len(r.Hostname), longestHostname)], "-.")
	r.Mounts = append(r.Mounts, shim.Mount{Source: a.hostsFile(p.spec), Target: "/etc/hosts"})
	for _, m := range c.Process.Mounts {
		r.Mounts = append(r.Mounts, shim.Mount(m))
	}
	return r
}

// writeSpec writes what the shim is to start first, and what a later engine needs to know.
func (a *attempt) writeSpec(start []shim.Run) error {
	f := specFile{
		Spec: shim.Spec{
			Marker: a.marker, Namespaces: a.namespaces(), PIDs: a.namespaces() && a.r.options.Isolation.PIDs,
			Network: a.namespaces() && !a.grant.HostNetwork, Cgroups: a.cgroups(), Tasks: a.tasks(), Locks: len(a.grant.Locks), Start: start, Final: a.final,
		},
		Engine: record{BootID: a.bootID, Grant: a.grant},
	}
	for _, p := range a.pods {
		old := recordedPod{Name: p.spec.Name}
		for _, c := range p.containers {
			old.Containers = append(old.Containers, c.Container)
			old.First = append(old.First, c.First)
		}
		f.Engine.Pods = append(f.Engine.Pods, old)
	}
	return shim.WriteFile(a.dir, shim.SpecFile, f, false)
}

// tasks is how many processes and threads the attempt may have at once.
func (a *attempt) tasks() int64 {
	if n := a.r.options.Tasks; n > 0 {
		return n
	}
	n := int64(0)
	for _, p := range a.pods {
		n += int64(len(p.containers))
	}
	return n * provision.Tasks(runtime.NumCPU())
}

func (a *attempt) cgroups() []string {
	var all []string
	for _, dirs := range a.grant.Cgroups {
		all = append(all, dirs...)
	}
	return all
}

// launch starts a shim with what can start at once.
func (a *attempt) launch() error {
	a.final = a.endsBySuccess()
	v := a.judge()
	if over(v) {
		return refused(v.Reason, "%s", v.Message)
	}
	for _, again := range v.Start { // held pods, of which a rule says that they may start
		if p := a.pod(again.Pod); p != nil && again.Container == "" && !again.NotBefore.After(a.r.clock.now()) {
			p.held = false
		}
	}
	if err := a.writeSpec(a.due()); err != nil {
		return refused("CreateContainerError", "%w", err)
	}
	failpoint("prepared")
	var err error
	if a.shim, err = a.r.options.Program.start(a.dir, a.r.options.Isolation, a.grant.HostNetwork, a.r.trouble, a.grant.Locks, a.poke); err != nil {
		return refused("CreateContainerError", "starting the process that supervises the trial: %w", err)
	}
	failpoint("launched")
	a.asked = true
	a.seen()
	a.publish(runner.Report{Verdict: a.judge()})
	return nil
}

// endsBySuccess says that the attempt is over as soon as its only container has ended with code 0.
func (a *attempt) endsBySuccess() bool {
	policy := a.task.Job.Pods[0].Restart
	return len(a.task.Job.Pods) == 1 && len(a.pods[0].containers) == 1 && a.task.Job.Policy.Completions <= 1 &&
		policy != workload.RestartAlways && a.task.Job.Pods[0].WaitFor == nil && !a.task.Job.Pods[0].Held
}

// found is how an attempt's folder is found.
type found int

const (
	fresh found = iota // no shim has ever claimed it
	alive              // its shim lives
	gone               // it had a shim
)

// inspect looks at an attempt's folder: whether a shim has claimed it, and still lives.
func inspect(dir string) (found, shim.Claim, error) {
	claim, lives, err := shim.ReadClaim(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fresh, claim, nil
	case err != nil:
		return 0, claim, err
	case lives:
		return alive, claim, nil
	}
	return gone, claim, nil
}
