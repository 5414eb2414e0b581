package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qalam/experiment"
)

// tiers runs a test in both tiers.
func tiers(t *testing.T, f func(t *testing.T, tier string)) {
	t.Parallel()
	for _, tier := range []string{"auto", "plain"} {
		t.Run(tier, func(t *testing.T) {
			t.Parallel()
			f(t, tier)
		})
	}
}

// F-22, F-24: trials that fork twice with sessions of their own, ignore SIGTERM or stop themselves are gone within the grace.
func TestStubbornTrials(t *testing.T) {
	for name, script := range map[string]string{
		"sessions": `trap "" TERM; (setsid setsid sh -c 'trap "" TERM; echo in >> "$GO"; while :; do sleep 0.1; done' &) ; while :; do sleep 0.1; done`,
		"stopped":  `setsid sleep 300 & echo in >> "$GO"; kill -STOP $$$$`,
	} {
		t.Run(name, func(t *testing.T) {
			tiers(t, func(t *testing.T, tier string) {
				h := newHome(t)
				s := study{name: "stubborn", parallel: 2, max: 2, script: script, env: map[string]string{"GO": h.base + "/go"}}
				p := h.start("run", h.file("stubborn.json", s.json(t)), "--tier", tier, "--grace", "1s", "--progress", "plain")
				h.until("both trials run", patience, func() bool { return len(lines(h.base+"/go")) == 2 })
				check(t, p.Process.Signal(os.Interrupt))
				began := time.Now()
				if code := p.wait(h, 10*time.Second); code != 130 {
					t.Errorf("exit code %d\n%s", code, &p.out)
				}
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("it took %v", took)
				}
				if pids := h.alive(); len(pids) > 0 {
					t.Errorf("left: %v", pids)
				}
			})
		})
	}
}

// F-24: the deadline of a trial that does not move ends it, after the grace that its pod asks for and not Kubernetes' 30 s.
func TestDeadlineOfStoppedTrial(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := study{name: "late", parallel: 1, max: 1, script: `echo loss=1; kill -STOP $$$$`, pod: object{"terminationGracePeriodSeconds": 1}}
	s.job = object{"apiVersion": "batch/v1", "kind": "Job", "spec": object{
		"activeDeadlineSeconds": 2, "backoffLimit": 0, "template": object{"spec": s.podSpec()}}}
	began := time.Now()
	h.run(4, "run", h.file("late.json", s.json(t)), "--progress", "plain")
	if took := time.Since(began); took > 25*time.Second { // three seconds, or 32 after those 30
		t.Errorf("it took %v", took)
	}
	h.nothingAlive()
	if list := h.doctor("late"); len(list) != 1 || list[0].Reason != "DeadlineExceeded" || list[0].Fix == "" {
		t.Errorf("%+v", list)
	}
}

// F-23: what a trial leaves in the background, with its standard output, does not keep it.
func TestBackgroundChild(t *testing.T) {
	tiers(t, func(t *testing.T, tier string) {
		h := newHome(t)
		s := study{name: "background", parallel: 2, max: 4, env: map[string]string{"SHARED": h.shared()},
			script: sayBegin + `echo loss=$1; sleep 999 & (setsid sleep 998 &); true` + sayEnd}
		a := h.audit(s)
		h.run(0, "run", h.file("background.json", s.json(t)), "--tier", tier, "--progress", "plain") // within patience, long before 998 s
		only(a, a.finished(), map[experiment.TrialState]int{experiment.TrialSucceeded: 4})
		a.deleted()
	})
}

// F-25: the last words of a trial that ends at once are counted, every time.
func TestLastWords(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := study{name: "words", parallel: 8, max: count("QALAM_TRIALS", 500), script: `printf loss=1; exit`}
	a := h.audit(s)
	p := h.start("run", h.file("words.json", s.json(t)), "--progress", "quiet")
	if code := p.wait(h, 30*time.Minute); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &p.out)
	}
	only(a, a.finished(), map[experiment.TrialState]int{experiment.TrialSucceeded: s.max})
}

// F-29: what cannot be started fails once, with the reason in words.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	script := h.file("script", []byte("#!/no/such/interpreter\n"))
	check(t, os.Chmod(script, 0o755))
	plain := h.file("plain", []byte("echo loss=1\n"))
	for name, c := range map[string]struct {
		command []any
		words   string
	}{
		"missing":        {[]any{"/no/such/program"}, "/no/such/program"},
		"not on path":    {[]any{"no-such-program-anywhere"}, "no-such-program-anywhere"},
		"not executable": {[]any{plain}, "executable"},
		"shebang":        {[]any{script}, "interpreter"},
		"folder":         {[]any{h.base}, "folder"},
	} {
		t.Run(name, func(t *testing.T) {
			tiers(t, func(t *testing.T, tier string) {
				h := newHome(t)
				s := study{name: "start", parallel: 1, max: 1, container: object{"command": append(c.command, "${trialParameters.x}")}}
				p := h.start("run", h.file("start.json", s.json(t)), "--tier", tier, "--progress", "plain")
				if p.wait(h, patience) == 2 { // it can be seen beforehand
					if out := p.out.String(); !strings.Contains(out, c.words) {
						t.Errorf("%s", out)
					}
					return
				}
				a := h.audit(s)
				trials := a.finished()
				if len(trials) != 1 {
					t.Fatalf("%d trials", len(trials))
				}
				one := trials[0]
				if one.State != experiment.TrialFailed || one.Reason != "StartError" || one.Attempt != 1 || one.Fix == "" ||
					!strings.Contains(one.Message, c.words) {
					t.Errorf("%s attempt %d, %s: %s; %s", one.State, one.Attempt, one.Reason, one.Message, one.Fix)
				}
			})
		})
	}
}

// collected makes a study collect from a file.
func collected(path string) func(object) {
	return func(spec object) {
		spec["metricsCollectorSpec"] = object{"collector": object{"kind": "File"}, "source": object{"fileSystemPath": object{"path": path, "kind": "File"}}}
	}
}

// F-37: a file of metrics that is none is refused with the reason; the trial goes on, nothing hangs and nothing is read.
func TestMetricsFileThatIsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ make, words string }{
		"link":   {`ln -s /etc/shadow "$M"`, "symbolic link"},
		"fifo":   {`mkfifo "$M"`, "FIFO"},
		"zero":   {`ln -s /dev/zero "$M"`, "symbolic link"},
		"device": {`mknod "$M" c 1 5`, "device"},
		"folder": {`mkdir "$M"`, "folder"},
	} {
		t.Run(name, func(t *testing.T) {
			tiers(t, func(t *testing.T, tier string) {
				if name == "device" {
					root(t)
				}
				h := newHome(t)
				path := h.base + "/out/metrics" // in a folder of its own, so that the whole folder is the trial's
				s := study{name: "file", parallel: 1, max: 1, script: c.make + `; sleep 0.5`, env: map[string]string{"M": path}, change: collected(path)}
				p := h.start("run", h.file("file.json", s.json(t)), "--tier", tier, "--progress", "plain")
				p.wait(h, 20*time.Second)
				one := h.audit(s).finished()[0]
				if one.State != experiment.TrialMetricsUnavailable || !strings.Contains(one.Message, c.words) || one.Fix == "" {
					t.Errorf("%s, %s: %s; %s", one.State, one.Reason, one.Message, one.Fix)
				}
			})
		})
	}
}

// F-55: a file of metrics that is cut, or replaced by a shorter one, is counted from its new beginning; nothing twice.
func TestMetricsFileCut(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]string{"cut": `echo loss=3 > "$M"`, "replaced": `echo loss=3 > "$M.new"; mv "$M.new" "$M"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			path := h.base + "/out/metrics" // in a folder of its own, so that the whole folder is the trial's
			s := study{name: "cut", parallel: 1, max: 1, script: `echo loss=1 > "$M"; echo loss=2 >> "$M"; sleep 1; ` + again + `; sleep 1; echo loss=4 >> "$M"`,
				env: map[string]string{"M": path}, change: collected(path)}
			a := h.audit(s)
			h.run(0, "run", h.file("cut.json", s.json(t)), "--progress", "plain")
			one := a.finished()[0]
			if texts(one.Observation)[1] != "1" || texts(one.Observation)[2] != "4" || texts(one.Observation)[3] != "4" {
				t.Errorf("%v", texts(one.Observation))
			}
			out := h.run(0, "export", "cut", "-o", "jsonl", "--points")
			if n := strings.Count(out, `"value"`); n != 4 {
				t.Errorf("%d points:\n%s", n, out)
			}
		})
	}
}

// usage is the processor time and the peak memory of a process.
func (p *engine) usage() (cpu time.Duration, memory int64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0, 0
	}
	f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	for _, line := range lines(fmt.Sprintf("/proc/%d/status", p.Process.Pid)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			memory = kb << 10
		}
	}
	return time.Duration(user+system) * 10 * time.Millisecond, memory
}

// watched runs a study to its end and returns how much of a processor the engine used at most, over half a second, and its peak
// memory.
func (h *home) watched(file string) (cores float64, memory int64) {
	h.Helper()
	p := h.start("run", file, "--progress", "plain")
	var before time.Duration
	at := time.Now()
	for !p.ended() {
		select {
		case <-p.done:
		case <-time.After(500 * time.Millisecond):
		}
		if cpu, hwm := p.usage(); hwm > 0 {
			if before > 0 {
				cores = max(cores, float64(cpu-before)/float64(time.Since(at)))
			}
			before, at, memory = cpu, time.Now(), max(memory, hwm)
		}
		if time.Since(at) > patience {
			h.Fatalf("it does not end:\n%s", &p.out)
		}
	}
	if code := p.ProcessState.ExitCode(); code != 0 {
		h.Errorf("exit code %d\n%s", code, &p.out)
	}
	return cores, memory
}

const (
	mostMemory = 300 << 20
	mostCores  = 1.5
)

// F-52: lines without an end, zeros and progress bars do not fill the engine's memory, and what follows them is counted.
func TestEndlessLines(t *testing.T) {
	t.Parallel()
	size := count("QALAM_LINE_MEGABYTES", 64)
	for name, script := range map[string]string{
		"no newline": `head -c ` + itoa(size) + `M /dev/zero | tr '\0' a; echo; echo loss=1`,
		"zeros":      `head -c ` + itoa(size) + `M /dev/zero; echo; echo loss=1`,
		"bars":       `yes ' 10%|#         | 1/10' | tr '\n' '\r' | head -c ` + itoa(size) + `M; echo; echo loss=1`,
		"not UTF-8":  `head -c ` + itoa(size/8) + `M /dev/urandom; echo; echo loss=1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := study{name: "lines", parallel: 1, max: 1, script: script}
			_, memory := h.watched(h.file("lines.json", s.json(t)))
			one := h.audit(s).finishedUnread()[0]
			if one.State != experiment.TrialSucceeded || texts(one.Observation)[3] != "1" {
				t.Errorf("%s: %s; %v", one.State, one.Message, texts(one.Observation))
			}
			if memory > mostMemory {
				t.Errorf("the engine took %d MiB", memory>>20)
			}
			t.Logf("%d MiB", memory>>20)
		})
	}
}

// F-53: a trial that prints as fast as it can does not take the engine with it, and its summary is exact.
func TestFlood(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	n := count("QALAM_FLOOD_LINES", 4_000_000)
	s := study{name: "flood", parallel: 1, max: 1, script: `echo loss=9; yes loss=0.5 | head -n ` + itoa(n) + `; echo loss=0.25; yes loss=0.5 | head -n 1000; echo loss=0.75`}
	cores, memory := h.watched(h.file("flood.json", s.json(t)))
	one := h.audit(s).finishedUnread()[0]
	if got := texts(one.Observation); one.State != experiment.TrialSucceeded || got[1] != "0.25" || got[2] != "9" || got[3] != "0.75" {
		t.Errorf("%s: %v", one.State, got)
	}
	if memory > mostMemory || cores > mostCores {
		t.Errorf("the engine took %d MiB and %.1f processors", memory>>20, cores)
	}
	h.counts(s, one, int64(n+1003))
	t.Logf("%d MiB, %.2f processors", memory>>20, cores)
}

// F-72: whatever becomes of trials, exactly maxTrialCount of them are started.
func TestExactlyMaxTrialCount(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := study{name: "exactly", parallel: 4, max: 20, env: map[string]string{"SHARED": h.shared()},
		script: sayBegin + `n=$(grep ^start "$SHARED" | grep -nx "start $QALAM_ATTEMPT" | cut -d: -f1); case $((n % 4)) in 0) c=3;; 1) echo no metric;; 2) c=KILL;; *) echo loss=$1;; esac` + sayEnd +
			`; case "$c" in KILL) kill -KILL $$$$;; *) exit $c;; esac`,
		change: func(spec object) { spec["maxFailedTrialCount"] = 20 },
	}
	a := h.audit(s)
	h.run(0, "run", h.file("exactly.json", s.json(t)), "--progress", "plain")
	trials := a.finished()
	if n := h.begun(); len(trials) != 20 || n != 20 {
		t.Errorf("%d trials, %d began", len(trials), n)
	}
	got := states(trials)
	if got[experiment.TrialFailed] != 10 || got[experiment.TrialMetricsUnavailable] != 5 || got[experiment.TrialSucceeded] != 5 {
		t.Errorf("%v", got)
	}
	a.deleted()
}

// F-50: values that are no finite numbers are never best.
func TestOddValues(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	odd := []string{"nan", "-inf", "inf", "", "1e999", "-1e999", "--5", "\x1b[31m-3\x1b[0m", "0.5", "0.25", "nan"}
	h.file("values", []byte(strings.Join(odd, "\n")+"\n"))
	s := study{name: "odd", parallel: 1, max: len(odd), env: map[string]string{"SHARED": h.shared(), "V": h.base + "/values"},
		script: sayBegin + `n=$(grep -c ^start "$SHARED"); echo "loss=$(sed -n ${n}p "$V")"` + sayEnd,
		change: func(spec object) { spec["maxFailedTrialCount"] = len(odd) },
	}
	h.run(0, "run", h.file("odd.json", s.json(t)), "--progress", "plain")
	if out := h.run(0, "best", "odd"); !strings.Contains(out, "-3") {
		t.Errorf("%s", out)
	}
	for _, one := range h.audit(s).finishedUnread() {
		if one.State == experiment.TrialSucceeded {
			t.Logf("trial %d (%q): %v", one.Number, odd[one.Number-1], texts(one.Observation))
		} else if one.Message == "" || one.Fix == "" {
			t.Errorf("trial %d: %s %q %q", one.Number, one.State, one.Message, one.Fix)
		}
	}
}

// F-10: the disk that logs lie on is full. Trials go on, and what they have said and how they ended is kept.
func TestLogsOnFullDisk(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	h := newHome(t)
	attempts := filepath.Join(h.dir, "attempts")
	check(t, os.MkdirAll(attempts, 0o700))
	check(t, sh("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", attempts))
	t.Cleanup(func() { _ = sh("umount", "-l", attempts) })
	s := study{name: "full", parallel: 1, max: 1, env: map[string]string{"SHARED": h.shared()},
		script: sayBegin + `echo loss=0.5; yes | head -c 3000000; echo loss=0.1; sleep 0.3` + sayEnd + `; exit 0`}
	a := h.audit(s)
	h.run(0, "run", h.file("full.json", s.json(t)), "--progress", "plain")
	one := a.finished()[0]
	if one.State != experiment.TrialSucceeded || texts(one.Observation)[3] != "0.5" || len(lines(h.shared())) != 2 {
		t.Errorf("%s, %s: %s; %v", one.State, one.Reason, one.Message, texts(one.Observation))
	}
}

// A user who is not root gets namespaces, too: two pods of a trial meet by their names there.
func TestWithoutPrivileges(t *testing.T) {
	t.Parallel()
	root(t)
	programs(t, "setpriv")
	base, err := os.MkdirTemp("", "qalam-e2e-user-")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	check(t, os.Chmod(base, 0o777))
	h := homeIn(t, base)
	check(t, os.Mkdir(h.dir, 0o700))
	check(t, os.Chown(h.dir, 65534, 65534))
	h.wrap = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"}
	s := study{name: "user", parallel: 2, max: 2}
	s.job = pytorchJob(s.podWith(python, "-c", meet, "${trialParameters.x}"), s.podWith(python, "-c", meet))
	s.change = primary("pytorch")
	out := h.run(0, "run", h.file("user.json", s.json(t)), "--progress", "plain", "--tier", "namespaces")
	if !strings.Contains(out, "namespaces tier") {
		t.Errorf("%s", out)
	}
	if n := strings.Count(h.run(0, "trials", "user", "--state", "Succeeded", "-o", "name"), "\n"); n != 2 {
		t.Errorf("%d trials succeeded", n)
	}
	h.nothingAlive()
}

// meet is a program whose processes meet at MASTER_ADDR:MASTER_PORT, as those of PyTorch do, without PyTorch.
const meet = `
import os, socket, time
address = (os.environ["MASTER_ADDR"] if os.environ["RANK"] != "0" else "0.0.0.0", int(os.environ["MASTER_PORT"]))
if os.environ["RANK"] == "0":
    server = socket.create_server(address)
    server.accept()[0].sendall(b"hello")
    print("loss=0.5", flush=True)
else:
    for _ in range(200):
        try:
            print(socket.create_connection(address).recv(5), flush=True)
            break
        except OSError:
            time.sleep(0.05)
    else:
        raise SystemExit(1)
`

// podWith is the spec of a pod that runs a program.
func (s study) podWith(command ...any) object {
	s.container = object{"command": command}
	return s.podSpec()
}

// pytorchJob is a PyTorchJob of a master and a worker.
func pytorchJob(master, worker object) object {
	for _, pod := range []object{master, worker} {
		for _, c := range pod["containers"].([]any) {
			c.(object)["name"] = "pytorch"
		}
		delete(pod, "restartPolicy")
	}
	replica := func(pod object) object {
		return object{"replicas": 1, "restartPolicy": "Never", "template": object{"spec": pod}}
	}
	return object{"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "spec": object{
		"pytorchReplicaSpecs": object{"Master": replica(master), "Worker": replica(worker)}}}
}

// primary names the primary container.
func primary(name string) func(object) {
	return func(spec object) { spec["trialTemplate"].(object)["primaryContainerName"] = name }
}
