package shim

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// attempt is a shim that a test has started, with its folder.
type attempt struct {
	tb  testing.TB
	dir string
	cmd *exec.Cmd
}

const cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

func launch(tb testing.TB, dir string, spec Spec) *attempt {
	tb.Helper()
	a := &attempt{tb: tb, dir: dir}
	if spec.Marker == "" {
		spec.Marker = dir
	}
	if err := WriteFile(dir, SpecFile, spec, false); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, ControlFile), 0o600); err != nil {
		tb.Fatal(err)
	}
	a.cmd = command(dir, spec)
	if err := bornLate(a.cmd.Start); err != nil {
		tb.Fatal(err)
	}
	return a
}

func command(dir string, spec Spec) *exec.Cmd {
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{Argv0, dir}, Env: []string{"GOMAXPROCS=1"}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if spec.Namespaces {
		cmd.SysProcAttr.Cloneflags = cloneflags
	}
	return cmd
}

func (a *attempt) send(c Command) {
	a.tb.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		a.tb.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(a.dir, ControlFile), os.O_RDWR, 0)
	if err != nil {
		a.tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(b, '\n')); err != nil {
		a.tb.Fatal(err)
	}
}

func (a *attempt) await(name string, v any) {
	a.tb.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ReadFile(filepath.Join(a.dir, name), v) == nil {
			return
		}
	}
	a.tb.Fatalf("%s did not come; log: %s", name, a.log())
}

func (a *attempt) wait() {
	a.tb.Helper()
	if err := a.cmd.Wait(); err != nil {
		a.tb.Fatal(err)
	}
}

func (a *attempt) log() string {
	b, _ := os.ReadFile(filepath.Join(a.dir, "log"))
	return string(b)
}

func sh(script string) Run {
	return Run{Pod: "p", Container: "c", Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Log: "log"}
}

func tiers(t *testing.T, f func(t *testing.T, spec Spec)) {
	t.Run("plain", func(t *testing.T) { f(t, Spec{}) })
	t.Run("namespaces", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		f(t, Spec{Namespaces: true, PIDs: true, Network: true})
	})
}

func TestRunsToItsEnd(t *testing.T) {
	tiers(t, func(t *testing.T, spec Spec) {
		spec.Start, spec.Final = []Run{sh(`echo "out $0 $QALAM_ATTEMPT"; echo err >&2; umask; ulimit -c; read x || echo eof`)}, true
		a := launch(t, t.TempDir(), spec)
		a.wait()
		var e Exited
		a.await("p.c.0.exit.json", &e)
		if e.Code != 0 || e.Finished.Boot < e.Started.Boot {
			t.Errorf("got %+v", e)
		}
		want := fmt.Sprintf("out /bin/sh %s/p/c/0\nerr\n0022\n0\neof\n", a.dir)
		if a.log() != want {
			t.Errorf("log:\n%swant:\n%s", a.log(), want)
		}
		if c, lives, err := ReadClaim(a.dir); err != nil || lives || c.Done == nil || c.Done.Why != "final" {
			t.Errorf("claim: %+v, %v, %v", c, lives, err)
		}
	})
}

// F-22: what forks twice, starts a session and ignores SIGTERM is gone soon after the grace period (a second on a machine that has nothing else to do).
func TestNothingSurvives(t *testing.T) {
	tiers(t, func(t *testing.T, spec Spec) {
		daemon := `trap "" TERM; (trap "" TERM; setsid sh -c "trap '' TERM; while :; do sleep 1; done" & ) & while :; do sleep 1; done`
		spec.Start = []Run{sh(daemon)}
		a := launch(t, t.TempDir(), spec)
		var s Started
		a.await("p.c.0.run.json", &s)
		time.Sleep(200 * time.Millisecond)
		begin := time.Now()
		a.send(Command{Exit: "stop", Grace: 300 * time.Millisecond})
		a.wait()
		if took := time.Since(begin); took < 300*time.Millisecond || took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if left := marked(t, a.dir); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
		var e Exited
		a.await("p.c.0.exit.json", &e)
		if e.Code != 137 || e.Signal != 9 {
			t.Errorf("got %+v", e)
		}
	})
}

// TestForsaken: a shim whose folder is removed ends what it runs, and itself.
func TestForsaken(t *testing.T) {
	tiers(t, func(t *testing.T, spec Spec) {
		dir := t.TempDir()
		spec.Marker = dir
		spec.Start = []Run{sh("echo up; exec sleep 600")}
		a := launch(t, dir, spec)
		for a.log() != "up\n" {
			time.Sleep(5 * time.Millisecond)
		}
		var told Started
		a.await("p.c.0.run.json", &told) // what is written while the folder is removed would stay
		wake, err := os.OpenFile(filepath.Join(dir, ControlFile), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer wake.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := wake.WriteString("{}\n"); err != nil { // it would look by itself within a minute
			t.Fatal(err)
		}
		a.cmd.Wait() // that its end can no longer be written down is no success
		if left := marked(t, dir); len(left) > 0 {
			t.Errorf("still there: %v", left)
		}
	})
}

// marked lists the processes whose environment holds the marker.
func marked(t *testing.T, marker string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), MarkerVariable+"="+marker) {
			left = append(left, f)
		}
	}
	return left
}

// F-23: a container ends with its first process, whatever that leaves behind, while the attempt's other containers go on.
func TestLeftoversEndWithTheirContainer(t *testing.T) {
	tiers(t, func(t *testing.T, spec Spec) {
		other := sh("sleep 60")
		other.Container = "other"
		spec.Start = []Run{sh("setsid sleep 61 & (sleep 62 &) ; sleep 63 & exit 3"), other}
		a := launch(t, t.TempDir(), spec)
		var e Exited
		a.await("p.c.0.exit.json", &e)
		if e.Code != 3 {
			t.Errorf("got %+v", e)
		}
		if left := marked(t, a.dir+"/p/c/0"); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
		if live := marked(t, a.dir+"/p/other/0"); len(live) == 0 {
			t.Error("the other container is gone too")
		}
		a.send(Command{Exit: "over", Grace: time.Minute})
		a.wait()
		a.await("p.other.0.exit.json", &e)
		if e.Code != 143 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestRestartAndStop(t *testing.T) {
	a := launch(t, t.TempDir(), Spec{Start: []Run{sh("exit 7")}, Final: true})
	var e Exited
	a.await("p.c.0.exit.json", &e)
	next := sh("kill -STOP $$; exit 0") // F-24: one that has stopped itself can be ended too
	next.Number = 1
	if err := WriteFile(a.dir, "more.json", []Run{next}, false); err != nil {
		t.Fatal(err)
	}
	a.send(Command{Start: "more.json"})
	a.send(Command{Start: "more.json"})
	var s Started
	a.await("p.c.1.run.json", &s)
	for state := ""; !strings.HasPrefix(state, "T"); time.Sleep(time.Millisecond) { // until it has
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID))
		if err != nil {
			t.Fatal(err)
		}
		_, state, _ = strings.Cut(string(stat), ") ")
	}
	a.send(Command{Stop: []string{"p/c"}, Grace: 100 * time.Millisecond})
	a.await("p.c.1.exit.json", &e)
	if e.Signal != 9 {
		t.Errorf("got %+v", e)
	}
	a.send(Command{Exit: "over"})
	a.wait()
}

// F-29: what cannot be started says which file is wrong and what to do.
func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		argv0, dir string
		code       int
		want       string
	}{
		{"/no/such/program", "", 127, "program /no/such/program does not exist: correct the command"},
		{"no-such-program", "", 127, `program "no-such-program" is in none of the folders of PATH (/usr/bin:/bin)`},
		{write("plain", "#!/bin/sh\n", 0o644), "", 126, "is not executable: make it so (chmod +x)"},
		{write("bang", "#!/no/python3\n", 0o755), "", 127, `names the interpreter "/no/python3", which cannot be started`},
		{write("crlf", "#!/bin/sh\r\n", 0o755), "", 127, `names the interpreter "/bin/sh\r"`},
		{write("text", "hello\n", 0o755), "", 126, "neither a program of this machine nor a script"},
		{dir, "", 126, "is a directory"},
		{"/bin/true", "/no/such/folder", 127, "working directory /no/such/folder: no such file or directory"},
		{"/bin/true", "/etc/passwd", 126, "working directory /etc/passwd is no directory"},
	}
	for _, test := range tests {
		r := sh("")
		r.Argv, r.Dir = []string{test.argv0}, test.dir
		a := launch(t, t.TempDir(), Spec{Start: []Run{r}, Final: true})
		var e Exited
		a.await("p.c.0.exit.json", &e)
		if e.Code != test.code || !strings.Contains(e.Error, test.want) {
			t.Errorf("%s: got %d %q, want %d with %q", test.argv0, e.Code, e.Error, test.code, test.want)
		}
		a.send(Command{Exit: "over"})
		a.wait()
	}
}

func TestOneShimPerAttempt(t *testing.T) {
	a := launch(t, t.TempDir(), Spec{Start: []Run{sh("sleep 60")}})
	var c Claim
	a.await(ClaimFile, &c)
	if _, lives, err := ReadClaim(a.dir); err != nil || !lives {
		t.Errorf("lives %v, %v", lives, err)
	}
	if start, _, err := StartTime(a.cmd.Process.Pid); err != nil || c.PID != a.cmd.Process.Pid || c.StartTime != start || c.BootID != BootID() {
		t.Errorf("claim %+v, pid %d, start %d, %v", c, a.cmd.Process.Pid, start, err)
	}
	for _, when := range []string{"alive", "dead"} {
		second := command(a.dir, Spec{})
		if err := second.Run(); second.ProcessState == nil || second.ProcessState.ExitCode() != ExitTaken {
			t.Errorf("while the first is %s, a second ended with %v", when, err)
		}
		if when == "alive" {
			a.send(Command{Exit: "over"})
			a.wait()
		}
	}
}

func TestMountsAndNames(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "file"), []byte("content\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mounts := []Mount{
		{Source: src, Target: "/opt/qalam-test/deep/er"},
		{Source: src, Target: "/qalam-root-test/x", ReadOnly: true},
		{Source: filepath.Join(src, "file"), Target: "/etc/qalam-test/name"},
		{Source: "tmpfs", Target: "/var/qalam-mem", Size: 1 << 20},
	}
	script := `hostname; cat /opt/qalam-test/deep/er/file /qalam-root-test/x/file /etc/qalam-test/name; ls -d /usr/bin /etc/passwd
touch /qalam-root-test/x/no 2>/dev/null || echo read-only; touch /opt/qalam-test/deep/er/yes && echo written
df -k --output=size /var/qalam-mem | tail -1 | tr -d ' '; cat /proc/1/comm; echo $$; ls /sys/class/net >/dev/null; cat /proc/net/dev | grep -c :`
	one, two := sh(script), sh(script)
	one.Mounts, two.Mounts = mounts, mounts
	one.Hostname, two.Hostname, two.Pod, two.Log = "host-one", "host-two", "q", "log2"
	for _, alone := range []bool{true, false} {
		start := []Run{one, two}
		if alone {
			start = start[:1]
		}
		a := launch(t, t.TempDir(), Spec{Namespaces: true, PIDs: true, Network: true, Start: start, Final: true})
		a.wait()
		got := strings.Split(a.log(), "\n")
		want := "host-one|content|content|content|/etc/passwd|/usr/bin|read-only|written|1024|exe"
		if s := strings.Join(got[:min(10, len(got))], "|"); s != want {
			t.Errorf("alone=%v: got\n%s\nwant\n%s", alone, s, want)
		}
		os.Remove(filepath.Join(src, "yes"))
	}
	for _, path := range []string{"/opt/qalam-test", "/qalam-root-test", "/etc/qalam-test", "/var/qalam-mem"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was left on the machine", path)
		}
	}
}

// F-10: when the disk is full, the container's log is short but its end is recorded.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	a := launch(t, dir, Spec{Start: []Run{sh("echo begin; head -c 3000000 /dev/zero; exit 5")}})
	var e Exited
	a.await("p.c.0.exit.json", &e)
	if e.Code != 5 {
		t.Errorf("got %+v", e)
	}
	a.send(Command{Exit: "over"})
	a.wait()
	if c, lives, err := ReadClaim(a.dir); err != nil || lives || c.Done == nil {
		t.Errorf("claim: %+v, %v, %v", c, lives, err)
	}
}

func BenchmarkTrue(b *testing.B) {
	for _, tier := range []string{"exec", "nothing", "plain", "namespaces"} {
		b.Run(tier, func(b *testing.B) {
			root := b.TempDir()
			if tier == "namespaces" && os.Getuid() != 0 {
				b.Skip("needs root")
			}
			b.SetParallelism(8)
			var n = make(chan int, b.N)
			for i := range b.N {
				n <- i
			}
			before := processorTime()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if tier == "exec" {
						if err := exec.Command("/bin/true").Run(); err != nil {
							b.Error(err)
						}
						continue
					}
					if tier == "nothing" { // a shim that finds no folder
						command("/no/such/folder", Spec{}).Run()
						continue
					}
					dir := filepath.Join(root, itoa(<-n))
					if err := os.Mkdir(dir, 0o700); err != nil {
						b.Error(err)
					}
					ns := tier == "namespaces"
					r := sh("")
					r.Argv = []string{"/bin/true"}
					a := launch(b, dir, Spec{Namespaces: ns, PIDs: ns, Network: ns, Start: []Run{r}, Final: true})
					a.wait()
				}
			})
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "trials/s")
		})
	}
}

// processorTime is what this process and its children have used, which other load on the machine does not change much.
func processorTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

// A container is woken as punctually as any process, wherever it is forked from, and its shim's own thread is too.
func TestPunctual(t *testing.T) {
	tiers(t, func(t *testing.T, spec Spec) {
		alone, apart := sh("cat /proc/self/timerslack_ns"), sh("cat /proc/self/timerslack_ns /proc/$PPID/timerslack_ns")
		apart.Pod, apart.Hostname, apart.Mounts = "q", "other", []Mount{{Source: "tmpfs", Target: "/mnt"}}
		spec.Start, spec.Final = []Run{alone, apart}, true
		a := launch(t, t.TempDir(), spec)
		a.wait()
		if got := strings.Fields(a.log()); len(got) != 3 || got[0] != "50000" || got[1] != "50000" || got[2] != "50000" {
			t.Errorf("woken within ns: %v", got)
		}
	})
}
