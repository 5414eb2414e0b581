// Package e2e holds the built program to the invariants of docs/design.md while it is killed, starved and misled, and to what it
// says about trials that are not done. It knows the program's commands and what its home holds; it is tests only.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"qalam/runner/shim"
)

// binaryVariable names the program for tests that run once more in a namespace of their own.
const binaryVariable = "QALAM_E2E_BINARY"

var (
	qalam  string // the program
	folder string // of everything that is built
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := f.Value.Set("48"); err != nil { // these tests wait more than they compute
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if qalam = os.Getenv(binaryVariable); qalam != "" {
		folder = filepath.Dir(qalam)
		os.Exit(m.Run())
	}
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "qalam-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		if err := os.Chmod(folder, 0o755); err != nil { // another user is to run the program, too
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		qalam = filepath.Join(folder, "qalam")
		if err := errors.Join(build(qalam, "cmd/qalam"), build(filepath.Join(folder, shim.Argv0), "cmd/qalam-shim")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		os.Setenv(binaryVariable, qalam)
		return m.Run()
	}())
}

func build(out, program string, flags ...string) error {
	cmd := exec.Command("go", append(append([]string{"build", "-o", out}, flags...), "qalam/"+program)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, text)
	}
	return nil
}

// breakable is the program with its failpoints, built when it is first wanted.
var breakable = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "qalam-failpoints")
	return path, build(path, "cmd/qalam", "-tags", "failpoints")
})

// count is a number from the environment, where a heavier form of a test is wanted.
func count(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return usual
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func programs(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
	}
}

const python = "/usr/bin/python3"

// torch skips a test where Debian's Python has no PyTorch.
func torch(t testing.TB) {
	t.Helper()
	if err := haveTorch(); err != nil {
		t.Skipf("needs PyTorch for %s: %v", python, err)
	}
}

var haveTorch = sync.OnceValue(func() error { return exec.Command(python, "-c", "import torch").Run() })

// object is a JSON object.
type object = map[string]any

// study is an Experiment of trials that run a shell script with the value of x as its first argument.
type study struct {
	name          string
	parallel, max int
	script        string
	env           map[string]string
	pod           object            // further fields of the pod's spec
	container     object            // further fields of the container
	job           object            // instead of the batch/v1 Job
	change        func(spec object) // of the Experiment
}

func (s study) json(t testing.TB) []byte {
	t.Helper()
	if s.job == nil {
		s.job = object{"apiVersion": "batch/v1", "kind": "Job", "spec": object{"backoffLimit": 0, "template": object{"spec": s.podSpec()}}}
	}
	spec := object{
		"objective":          object{"type": "minimize", "objectiveMetricName": "loss"},
		"algorithm":          object{"algorithmName": "random"},
		"parallelTrialCount": max(s.parallel, 1), "maxTrialCount": max(s.max, 1), "seed": 7,
		"parameters": []any{object{"name": "x", "parameterType": "double", "feasibleSpace": object{"min": "0.1", "max": "1"}}},
		"trialTemplate": object{
			"primaryContainerName": "main",
			"trialParameters":      []any{object{"name": "x", "reference": "x"}},
			"trialSpec":            s.job,
		},
	}
	if s.change != nil {
		s.change(spec)
	}
	data, err := json.Marshal(object{
		"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": object{"name": s.name}, "spec": spec,
	})
	check(t, err)
	return data
}

// podSpec is the spec of a pod that runs the script.
func (s study) podSpec() object {
	container := object{"name": "main", "image": "img", "command": []any{"/bin/sh", "-c", s.script, "sh", "${trialParameters.x}"}}
	var env []any
	for name, value := range s.env {
		env = append(env, object{"name": name, "value": value})
	}
	if env != nil {
		container["env"] = env
	}
	for k, v := range s.container {
		container[k] = v
	}
	pod := object{"restartPolicy": "Never", "containers": []any{container}}
	for k, v := range s.pod {
		pod[k] = v
	}
	return pod
}

// home is a home of the program in a folder that the test owns.
type home struct {
	testing.TB
	base, dir string
	program   string
	wrap      []string // to run the program under
}

func newHome(t testing.TB) *home { return homeIn(t, t.TempDir()) }

func homeIn(t testing.TB, base string) *home {
	t.Helper()
	h := &home{TB: t, base: base, dir: filepath.Join(base, "home"), program: qalam}
	t.Cleanup(func() {
		for _, pid := range h.alive() { // of a test that failed
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return h
}

// file writes a file beside the home.
func (h *home) file(name string, data []byte) string {
	h.Helper()
	path := filepath.Join(h.base, name)
	check(h, os.WriteFile(path, data, 0o644))
	return path
}

// shared is a file that trials write to.
func (h *home) shared() string { return filepath.Join(h.base, "shared") }

// command is the program with arguments and the home.
func (h *home) command(args ...string) *exec.Cmd {
	words := append(append(append([]string{}, h.wrap...), h.program), args...)
	cmd := exec.Command(words[0], append(words[1:], "--home", h.dir)...)
	cmd.Env = append(os.Environ(), "HOME="+h.base, "LANG=C.UTF-8")
	return cmd
}

// engine is the program that was started.
type engine struct {
	*exec.Cmd
	out  bytes.Buffer
	done chan struct{} // closed when it has ended
}

func (h *home) start(args ...string) *engine { return h.startWith(nil, args...) }

func (h *home) startWith(env []string, args ...string) *engine {
	h.Helper()
	p := &engine{Cmd: h.command(args...), done: make(chan struct{})}
	p.Env = append(p.Env, env...)
	p.Stdout, p.Stderr = &p.out, &p.out
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(h, p.Start())
	go func() {
		_ = p.Cmd.Wait() // its exit code tells
		close(p.done)
	}()
	h.Cleanup(func() { _ = p.Process.Kill(); <-p.done })
	return p
}

// wait waits for the end and returns the exit code.
func (p *engine) wait(h *home, limit time.Duration) int {
	h.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		_ = p.Process.Signal(syscall.SIGQUIT)
		<-p.done
		h.Fatalf("%v did not end within %v:\n%s", p.Args, limit, &p.out)
	}
	return p.ProcessState.ExitCode()
}

func (p *engine) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *engine) kill() {
	_ = p.Process.Kill()
	<-p.done
}

const patience = 2 * time.Minute

// run runs the program to its end and wants an exit code.
func (h *home) run(want int, args ...string) string {
	h.Helper()
	p := h.start(args...)
	if code := p.wait(h, patience); code != want {
		h.Fatalf("qalam %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, &p.out)
	}
	return p.out.String()
}

// trial is what the program tells of a trial with -o jsonl.
type trial struct {
	Metadata struct{ Name string }
	Status   struct {
		Conditions []struct{ Type, Status, Reason, Message string }
	}
}

// told is what qalam doctor says of a trial.
type told struct {
	Trial                             int
	Name, State, Reason, Message, Fix string
}

// doctor asks the program why trials are not done.
func (h *home) doctor(name string) []told {
	h.Helper()
	out, err := h.command("doctor", name, "-o", "jsonl").Output()
	if err != nil {
		return nil // not there yet
	}
	var list []told
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var one told
		if dec.Decode(&one) != nil {
			return list
		}
		list = append(list, one)
	}
}

// until waits for something.
func (h *home) until(what string, limit time.Duration, holds func() bool) {
	h.Helper()
	for began := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > limit {
			h.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// lines are the lines of a file, none when it is not there.
func lines(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// alive lists the processes of this home's attempts, shims included.
func (h *home) alive() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	marker, attempts := []byte("QALAM_ATTEMPT="+h.dir+"/"), []byte("qalam-shim\x00"+h.dir+"/")
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		args, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if bytes.Contains(env, marker) || bytes.HasPrefix(args, attempts) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// nothingAlive wants every process of the home's attempts gone soon.
func (h *home) nothingAlive() {
	h.Helper()
	var pids []int
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		if pids = h.alive(); len(pids) == 0 {
			return
		}
	}
	for _, pid := range pids {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		h.Errorf("process %d still runs: %q", pid, args)
	}
}

const inside = "QALAM_E2E_INSIDE"

// ownMounts runs the test once more where nobody else sees its mounts, and reports whether this is that run.
func ownMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		return true
	}
	root(t)
	programs(t, "unshare", "mount", "umount")
	self, err := os.Executable()
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	switch {
	case err != nil:
		t.Fatal(err)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skip("see above")
	}
	return false
}

func sh(command string, args ...string) error {
	out, err := exec.Command(command, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s %v: %w: %s", command, args, err, out)
	}
	return err
}
