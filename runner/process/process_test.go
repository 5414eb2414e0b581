package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

// This binary is also the shim, the programs that containers of tests run, and the engine that tests kill.
func TestMain(m *testing.M) {
	shim.Main()
	if role := os.Getenv("ROLE"); role != "" {
		play(role)
		return
	}
	goleak.VerifyTestMain(m)
}

func play(role string) {
	switch role {
	case "listen": // until somebody has said something
		l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
		exitOn(err)
		c, err := l.Accept()
		exitOn(err)
		b, err := io.ReadAll(c)
		exitOn(err)
		fmt.Printf("heard %s\n", b)
	case "say":
		c, err := net.Dial("tcp", os.Getenv("HOST")+":"+os.Getenv("PORT"))
		exitOn(err)
		fmt.Fprint(c, os.Getenv("TEXT"))
		exitOn(c.Close())
	case "serve":
		exitOn(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprintln(w, "loss 0.5")
		})))
	case "engine":
		playEngine()
	default:
		playLimits(role)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// pool grants everything, and counts.
type pool struct {
	mu       sync.Mutex
	held     map[runner.ID]bool
	restored int
	refuse   error
	block    chan struct{}
	grant    provision.Grant
}

func (p *pool) Check(runner.Task) error { return nil }

func (p *pool) Acquire(ctx context.Context, task runner.Task, _ bool, wait func(string)) (provision.Grant, error) {
	if p.block != nil {
		wait("waiting for 1 GPU")
		select {
		case <-p.block:
		case <-ctx.Done():
			return provision.Grant{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[task.ID] = true
	return p.grant, p.refuse
}

func (p *pool) Restore(task runner.Task, _ provision.Grant) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[task.ID] = true
	p.restored++
	return nil
}

func (p *pool) Release(id runner.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, id)
}

// literal runs what a pod's spec says, as it stands.
type literal struct{ fault error }

func (l literal) Check(runner.Task) error { return nil }

func (l literal) Provision(_ runner.Task, pod workload.Pod, dir string, _ provision.Grant) ([]provision.Container, error) {
	var list []provision.Container
	for i, c := range append(append([]workload.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		p := provision.Process{Argv: append(append([]string{}, c.Command...), c.Args...), Dir: dir, Env: []string{"PATH=/usr/bin:/bin"}}
		for _, e := range c.Env {
			p.Env = append(p.Env, e.Name+"="+e.Value)
		}
		list = append(list, provision.Container{
			Name: c.Name, Init: i < len(pod.Spec.InitContainers), Sidecar: c.RestartPolicy == "Always", Process: p,
			Paths:       []provision.Mount{{Source: filepath.Join(dir, "out"), Target: "/out"}},
			Termination: filepath.Join(dir, "termination"),
		})
	}
	return list, l.fault
}

// judge is a rule for tests: all pods must succeed, failed containers of OnFailure pods run again after the pause, a pod of policy
// Never that has failed runs again as a whole as long as its containers ran fewer than Policy.BackoffLimit times.
func judge(pause time.Duration) func(*workload.Job, workload.Status, time.Time) workload.Verdict {
	return func(job *workload.Job, status workload.Status, now time.Time) workload.Verdict {
		pods := status.Pods
		v := workload.Verdict{Phase: workload.Unstarted}
		good := 0
		for i, p := range pods {
			switch p.Phase {
			case workload.PodSucceeded:
				good++
				v.Phase = workload.Active
			case workload.PodRunning:
				v.Phase = workload.Active
			case workload.PodFailed:
				if limit := job.Policy.BackoffLimit; limit != nil && len(p.Containers) > 0 && p.Containers[0].RestartCount < *limit {
					v.Start = append(v.Start, workload.Restart{Pod: p.Name, NotBefore: now})
					continue
				}
				return workload.Verdict{Phase: workload.Failed, Reason: "PodFailed", Message: p.Message}
			}
			for _, c := range p.Containers {
				if job.Pods[i].Restart == workload.RestartOnFailure && c.Terminated != nil && c.Terminated.ExitCode != 0 {
					v.Start = append(v.Start, workload.Restart{Pod: p.Name, Container: c.Name, NotBefore: c.Terminated.FinishedAt.Add(pause)})
				}
			}
		}
		if good == len(pods) {
			return workload.Verdict{Phase: workload.Succeeded}
		}
		return v
	}
}

// bench is a Runner under test.
type bench struct {
	*Runner
	tb   testing.TB
	pool *pool
	mu   sync.Mutex
	last map[runner.ID]runner.Report
	all  []runner.Report
	news chan struct{}
	done sync.WaitGroup
}

func newBench(tb testing.TB, home string, tier provision.Tier, change func(*Options)) *bench {
	tb.Helper()
	iso := Isolation{Tier: tier}
	if tier == provision.Namespaces {
		if iso = isolation(tb); iso.Tier != tier {
			tb.Skip(iso.Why)
		}
	}
	p := &pool{held: map[runner.ID]bool{}}
	o := Options{Home: home, Isolation: iso, Pool: p, Provisioner: literal{}, Judge: judge(0)}
	if change != nil {
		change(&o)
	}
	r, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{Runner: r, tb: tb, pool: p, last: map[runner.ID]runner.Report{}, news: make(chan struct{}, 1)}
	b.done.Go(func() {
		for report := range r.Reports() {
			b.mu.Lock()
			b.last[report.ID] = report
			if len(b.all) < 10000 {
				b.all = append(b.all, report)
			}
			b.mu.Unlock()
			select {
			case b.news <- struct{}{}:
			default:
			}
		}
	})
	tb.Cleanup(func() { b.close(false) })
	return b
}

var isolation = func() func(testing.TB) Isolation {
	var once sync.Once
	var iso Isolation
	return func(tb testing.TB) Isolation {
		once.Do(func() { iso = Detect(tb.TempDir(), Program{}) })
		return iso
	}
}()

func (b *bench) close(leave bool) {
	b.Runner.mu.Lock()
	closed := b.closed
	b.Runner.mu.Unlock()
	if closed {
		return
	}
	if err := b.Close(leave, 0); err != nil {
		b.tb.Error(err)
	}
	b.done.Wait()
}

func (b *bench) start(task runner.Task) {
	b.tb.Helper()
	if err := b.Start(context.Background(), task); err != nil {
		b.tb.Fatal(err)
	}
}

// until waits for a report of the attempt that fulfils a condition.
func (b *bench) until(id runner.ID, what string, ok func(runner.Report) bool) runner.Report {
	b.tb.Helper()
	deadline := time.After(30 * time.Second)
	for {
		b.mu.Lock()
		r := b.last[id]
		b.mu.Unlock()
		if r.ID == id && ok(r) {
			return r
		}
		select {
		case <-b.news:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			b.tb.Fatalf("%v: %s did not happen; last report: %+v; shims: %s", id, what, r, b.shims())
		}
	}
}

func (b *bench) shims() string {
	text, _ := os.ReadFile(b.trouble.Name())
	return string(text)
}

func (b *bench) untilEnded(id runner.ID) runner.Report {
	b.tb.Helper()
	return b.until(id, "the end", func(r runner.Report) bool { return r.Ended })
}

func (b *bench) untilRunning(id runner.ID) runner.Report {
	b.tb.Helper()
	return b.until(id, "running", func(r runner.Report) bool { return r.Verdict.Phase == workload.Active })
}

func (b *bench) log(id runner.ID, key string) string {
	b.tb.Helper()
	var text []byte
	for buf := make([]byte, 4096); ; {
		n, err := b.ReadAt(id, key, buf, int64(len(text)))
		text = append(text, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return string(text)
		}
		if err != nil {
			b.tb.Fatal(err)
		}
	}
}

func box(name, script string) workload.Container {
	return workload.Container{Name: name, Command: []string{"/bin/sh", "-c", script}}
}

func playing(role string, env ...string) workload.Container {
	exe, _ := os.Executable()
	c := workload.Container{Name: "main", Command: []string{exe}, Env: []workload.EnvVar{{Name: "ROLE", Value: role}}}
	for i := 0; i+1 < len(env); i += 2 {
		c.Env = append(c.Env, workload.EnvVar{Name: env[i], Value: env[i+1]})
	}
	return c
}

func pods(list ...workload.Pod) []workload.Pod { return list }

func onePod(name string, containers ...workload.Container) workload.Pod {
	return workload.Pod{Name: name, Restart: workload.RestartNever, Spec: workload.PodSpec{Containers: containers}}
}

func task(trial string, list []workload.Pod) runner.Task {
	return runner.Task{
		ID:      runner.ID{Experiment: "uid", Trial: trial, Attempt: 1},
		Job:     &workload.Job{Kind: "Job", Name: trial, Pods: list},
		Collect: runner.Collect{Kind: "StdOut"},
		Primary: runner.Primary{Pods: []string{list[0].Name}, Container: "main"},
	}
}

func script(trial, text string) runner.Task {
	return task(trial, pods(onePod("pod", box("main", text))))
}

func tiers(t *testing.T, f func(t *testing.T, tier provision.Tier)) {
	for _, tier := range []provision.Tier{provision.Plain, provision.Namespaces} {
		t.Run(string(tier), func(t *testing.T) { f(t, tier) })
	}
}

func TestTrialSucceeds(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		b := newBench(t, t.TempDir(), tier, nil)
		one := script("one", "echo loss=1; echo done > termination; hostname")
		b.start(one)
		r := b.untilEnded(one.ID)
		c := r.Pods[0].Containers[0]
		if r.Verdict.Phase != workload.Succeeded || r.Lost || r.Stopped || c.Terminated == nil || c.Terminated.Reason != "Completed" || c.Terminated.Message != "done\n" {
			t.Errorf("got %+v", r)
		}
		outs, err := b.Outputs(one.ID, one.Collect)
		if err != nil || len(outs) != 1 || outs[0].Key != "pod/main/0.log" {
			t.Fatalf("outputs %+v, %v", outs, err)
		}
		got := b.log(one.ID, outs[0].Key)
		if !strings.HasPrefix(got, "loss=1\n") || tier == provision.Namespaces && got != "loss=1\npod\n" {
			t.Errorf("log %q", got)
		}
		if len(b.pool.held) > 0 {
			t.Error("resources were not given back")
		}
		if err := b.Release(one.ID, true); err != nil {
			t.Error(err)
		}
		logs, err := Logs(b.options.Home, one.ID)
		if err != nil || len(logs) != 1 || logs[0].Container != "main" {
			t.Errorf("logs %+v, %v", logs, err)
		}
		if info, err := os.Stat(filepath.Join(Folder(b.options.Home, one.ID), shim.SpecFile)); err != nil || info.Size() > 0 {
			t.Error("the spec, with its secrets, was kept")
		}
		if err := b.Release(one.ID, false); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Dir(Folder(b.options.Home, one.ID))); err == nil {
			t.Error("the folder was kept")
		}
	})
}

// F-29: what cannot be started fails once, with a text that helps.
func TestTrialCannotStart(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	bad := task("bad", pods(onePod("pod", workload.Container{Name: "main", Command: []string{"/no/python3"}})))
	b.start(bad)
	r := b.untilEnded(bad.ID)
	end := r.Pods[0].Containers[0].Terminated
	if r.Verdict.Phase != workload.Failed || end == nil || end.Reason != "StartError" || end.ExitCode != 127 || !strings.Contains(end.Message, "/no/python3 does not exist") {
		t.Errorf("got %+v", r)
	}
	b2 := newBench(t, t.TempDir(), provision.Plain, func(o *Options) { o.Provisioner = literal{errors.New("no ConfigMap named x")} })
	b2.start(bad)
	if r := b2.untilEnded(bad.ID); r.Verdict.Reason != "CreateContainerConfigError" || !strings.Contains(r.Verdict.Message, "no ConfigMap named x") {
		t.Errorf("got %+v", r)
	}
}

// F-22, F-83: stopping ends everything soon after the grace period, and is told as such.
func TestStop(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		b := newBench(t, t.TempDir(), tier, nil)
		stubborn := script("s", `trap "" TERM; setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & echo ready; while :; do sleep 1; done`)
		b.start(stubborn)
		b.untilRunning(stubborn.ID)
		for b.log(stubborn.ID, "pod/main/0.log") == "" {
			time.Sleep(time.Millisecond)
		}
		begin := time.Now()
		b.Stop(stubborn.ID, 300*time.Millisecond)
		r := b.untilEnded(stubborn.ID)
		if took := time.Since(begin); !r.Stopped || r.Lost || took < 300*time.Millisecond || took > 5*time.Second {
			t.Errorf("after %v: %+v", took, r)
		}
		if n := killMarked(Folder(b.options.Home, stubborn.ID)); n > 0 {
			t.Errorf("%d processes were left", n)
		}
		b.Stop(stubborn.ID, 0) // does nothing
		for i := range 20 {    // stopping at any moment of a start
			quick := script(fmt.Sprint("q", i), "sleep 30")
			b.start(quick)
			time.Sleep(time.Duration(i) * time.Millisecond / 2)
			b.Stop(quick.ID, 0)
			if r := b.untilEnded(quick.ID); !r.Stopped || r.Lost {
				t.Errorf("%d: got %+v", i, r)
			}
		}
	})
}

func TestStopWhileWaiting(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	b.pool.block = make(chan struct{})
	one := script("w", "true")
	b.start(one)
	b.until(one.ID, "waiting", func(r runner.Report) bool { return r.Wait == "waiting for 1 GPU" })
	if err := b.Release(one.ID, false); err == nil {
		t.Error("released while it waits")
	}
	b.Stop(one.ID, time.Minute)
	if r := b.untilEnded(one.ID); !r.Stopped {
		t.Errorf("got %+v", r)
	}
}

// F-03: a shim that is killed leaves nothing, and its attempt is lost.
func TestShimKilled(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		b := newBench(t, t.TempDir(), tier, nil)
		one := script("k", "setsid sleep 300 & sleep 300")
		b.start(one)
		b.untilRunning(one.ID)
		b.attempt(one.ID).shim.kill()
		r := b.untilEnded(one.ID)
		if !r.Lost || r.Stopped || r.Verdict.Reason != "Lost" || r.Pods[0].Containers[0].Terminated.Reason != "Lost" {
			t.Errorf("got %+v", r)
		}
		if n := killMarked(Folder(b.options.Home, one.ID)); n > 0 {
			t.Errorf("%d processes were left", n)
		}
	})
}

func TestInitSidecarPrimary(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	p := onePod("pod", box("main", "echo main >> ../order; sleep 0.2; exit 0"), box("helper", "while :; do sleep 0.1; done"))
	side := box("side", "echo side >> ../order; while :; do sleep 0.1; done")
	side.RestartPolicy = "Always"
	p.Spec.InitContainers = []workload.Container{box("first", "sleep 0.1; echo first >> ../order"), side, box("second", "echo second >> ../order")}
	one := task("i", pods(p))
	b.start(one)
	begin := time.Now()
	r := b.untilEnded(one.ID)
	if r.Verdict.Phase != workload.Succeeded || time.Since(begin) < primaryGrace {
		t.Errorf("after %v: %+v", time.Since(begin), r)
	}
	order, _ := os.ReadFile(filepath.Join(Folder(b.options.Home, one.ID), "pods", "order"))
	if got := strings.Replace(string(order), "side\n", "", 1); got != "first\nsecond\nmain\n" || strings.HasPrefix(string(order), "side") || len(got) == len(order) {
		t.Errorf("order %q", order)
	}
	if c := r.Pods[0].Containers[1].Terminated; c == nil || c.ExitCode != 143 {
		t.Errorf("helper: %+v", c)
	}
}

func TestRestarts(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, func(o *Options) { o.Judge = judge(100 * time.Millisecond) })
	p := onePod("pod", box("main", `echo run; echo x >> ../n; test $(wc -l < ../n) -ge 3`))
	p.Restart = workload.RestartOnFailure
	inPlace := task("r", pods(p))
	b.start(inPlace)
	r := b.untilEnded(inPlace.ID)
	if c := r.Pods[0].Containers[0]; r.Verdict.Phase != workload.Succeeded || c.RestartCount != 2 || c.LastTerminated == nil || c.LastTerminated.ExitCode != 1 {
		t.Errorf("got %+v", r)
	}
	outs, err := b.Outputs(inPlace.ID, inPlace.Collect)
	if err != nil || len(outs) != 3 || outs[2].Key != "pod/main/2.log" {
		t.Errorf("outputs %+v, %v", outs, err)
	}
	limit := int32(3)
	whole := onePod("pod", box("main", `test $(wc -l < ../w) -ge 3`))
	whole.Spec.InitContainers = []workload.Container{box("init", "echo x >> ../w")}
	anew := task("w", pods(whole))
	anew.Job.Policy.BackoffLimit = &limit
	b.start(anew)
	r = b.untilEnded(anew.ID)
	if c := r.Pods[0]; r.Verdict.Phase != workload.Succeeded || c.Containers[0].RestartCount != 2 || c.InitContainers[0].RestartCount != 2 {
		t.Errorf("got %+v", r)
	}
}

// Two trials own the same port and the same host names at the same time; the worker waits for its master to listen.
func TestSamePortsAndNames(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Namespaces, nil)
	var ids []runner.ID
	for _, trial := range []string{"a", "b"} {
		master := onePod("job-master-0", playing("listen", "PORT", "23456"))
		master.Names = []string{"job-master-0", "job-master-0.ns.svc"}
		worker := onePod("job-worker-0", playing("say", "HOST", "job-master-0.ns.svc", "PORT", "23456", "TEXT", trial))
		worker.WaitFor = &workload.WaitFor{Pod: "job-master-0", Port: 23456, For: time.Minute}
		pair := task(trial, pods(master, worker))
		b.start(pair)
		ids = append(ids, pair.ID)
	}
	for _, id := range ids {
		if r := b.untilEnded(id); r.Verdict.Phase != workload.Succeeded {
			t.Errorf("got %+v", r)
		}
		if got := b.log(id, "job-master-0/main/0.log"); got != "heard "+id.Trial+"\n" {
			t.Errorf("%s: log %q", id.Trial, got)
		}
	}
}

func TestPeerNeverRuns(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	master := onePod("m", box("main", "sleep 60"))
	master.Spec.InitContainers = []workload.Container{box("slow", "sleep 60")}
	worker := onePod("w", box("main", "true"))
	worker.WaitFor = &workload.WaitFor{Pod: "m", Port: 1, For: 300 * time.Millisecond}
	pair := task("p", pods(master, worker))
	b.start(pair)
	if r := b.untilEnded(pair.ID); r.Verdict.Phase != workload.Failed || !strings.Contains(r.Verdict.Message, "pod m, which it must reach on port 1") {
		t.Errorf("got %+v", r)
	}
}

func TestPageAndProbe(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		b := newBench(t, t.TempDir(), tier, nil)
		port := map[provision.Tier]int{provision.Plain: 28765, provision.Namespaces: 8080}[tier]
		one := task("s", pods(onePod("pod", playing("serve", "PORT", fmt.Sprint(port)))))
		b.start(one)
		b.untilRunning(one.ID)
		var v runner.Vitals
		for end := time.Now().Add(10 * time.Second); len(v.Listening) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			v = b.Probe(one.ID)
		}
		if len(v.Listening) != 1 || v.Listening[0] != port || v.Processes != 1 || v.Memory == 0 {
			t.Errorf("vitals %+v", v)
		}
		page, err := b.Page(context.Background(), one.ID, runner.Collect{Path: "/metrics", Port: port})
		if err != nil || string(page) != "loss 0.5\n" {
			t.Errorf("page %q, %v", page, err)
		}
		if _, err := b.Page(context.Background(), one.ID, runner.Collect{Path: "/other", Port: port}); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("other page: %v", err)
		}
	})
}

func TestFilesAndEvents(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	one := script("f", `mkdir -p out/train out/test; echo loss=1 > out/metrics.log; echo e > out/train/events.out.tfevents.1; echo f > out/events.out.tfevents.2; echo g > out/other`)
	one.Collect = runner.Collect{Kind: "File", Path: "/out/metrics.log"}
	b.start(one)
	b.untilEnded(one.ID)
	outs, err := b.Outputs(one.ID, one.Collect)
	if err != nil || len(outs) != 1 || outs[0].Key != "pod/main/file" || b.log(one.ID, outs[0].Key) != "loss=1\n" {
		t.Errorf("file: %+v, %v", outs, err)
	}
	b.attempt(one.ID).task.Collect.Path = "/out"
	outs, err = b.Outputs(one.ID, runner.Collect{Kind: "TensorFlowEvent", Path: "/out"})
	if err != nil || len(outs) != 2 || outs[0].Tag != "" || outs[1].Tag != "train" || b.log(one.ID, outs[1].Key) != "e\n" {
		t.Errorf("events: %+v, %v", outs, err)
	}
	for _, key := range []string{"pod/main/../x.log", "../../etc/passwd", "pod/main/events/../../../spec.json", "", "pod"} {
		if _, err := b.ReadAt(one.ID, key, make([]byte, 1), 0); err == nil {
			t.Errorf("%q can be read", key)
		}
	}
}

func TestTrimKeepsOffsets(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	one := script("t", "seq 1 700000")
	b.start(one)
	b.untilEnded(one.ID)
	key := "pod/main/0.log"
	before := b.log(one.ID, key)
	upTo := int64(len(before) - 100_000)
	for range 2 {
		if err := b.Trim(one.ID, key, upTo); err != nil {
			t.Fatal(err)
		}
	}
	after := b.log(one.ID, key)
	if len(after) != len(before) || after[:logHead] != before[:logHead] || after[upTo:] != before[upTo:] || after[logHead+logBlock] != 0 {
		t.Error("more or less than the middle is gone")
	}
	var shown bytes.Buffer
	logs, _ := Logs(b.options.Home, one.ID)
	offset, err := CopyLog(&shown, logs[0].Path, 0)
	if err != nil || offset != int64(len(before)) || !strings.Contains(shown.String(), "bytes were removed here") || strings.Contains(shown.String(), "\x00") {
		t.Errorf("copy to %d of %d: %v", offset, len(before), err)
	}
}

func TestSlowReaderGetsTheNewest(t *testing.T) {
	q := newQueue()
	id := runner.ID{Trial: "x"}
	for i := range 1000 {
		q.put(runner.Report{ID: id, Wait: fmt.Sprint(i)})
	}
	q.put(runner.Report{ID: runner.ID{Trial: "y"}})
	var got []string
	for len(got) == 0 || got[len(got)-1] != "" {
		got = append(got, (<-q.out).Wait)
	}
	if len(got) > 3 || got[len(got)-2] != "999" {
		t.Errorf("got %v", got)
	}
	q.close()
}

// Without root, namespaces are made inside a user namespace: the same tests pass there.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is not root already")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "nobody") // t.TempDir lies in a folder of root's
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "test")
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.v", "-test.run", "^(TestTrialSucceeds|TestStop|TestEngineKilled|TestShimKilled|TestSamePortsAndNames|TestPageAndProbe|TestImageFolder.*|TestOwnTmp.*|TestMemoryIsWatched|TestForkBomb|TestRestartsBesideForkBomb)$")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("--- PASS: TestSamePortsAndNames")) {
		t.Skipf("no namespaces without root:\n%s", out)
	}
}

// With the rules of the job kinds themselves.
func TestRealRules(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Plain, func(o *Options) { o.Judge = nil })
	good, bad := script("good", "exit 0"), script("bad", "exit 3")
	two := task("two", pods(onePod("m", box("main", "sleep 30")), onePod("w", box("main", "exit 9"))))
	for one, want := range map[*runner.Task]workload.Phase{&good: workload.Succeeded, &bad: workload.Failed, &two: workload.Failed} {
		begin := time.Now()
		b.start(*one)
		if r := b.untilEnded(one.ID); r.Verdict.Phase != want || r.Lost || r.Stopped || time.Since(begin) > 10*time.Second {
			t.Errorf("after %v: %+v", time.Since(begin), r)
		}
	}
}
