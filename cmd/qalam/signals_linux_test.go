package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// session is a qalam in a terminal of its own.
type session struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	mu     sync.Mutex
	output bytes.Buffer
	done   chan error
}

// environment makes a folder with an experiment, and the environment to run it in. The trials run script, with their value as $1
// and the folder as $2.
func environment(t *testing.T, script string, trials, parallel int) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	doc := fmt.Sprintf(`
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: live}
spec:
  objective: {type: minimize, objectiveMetricName: loss, goal: 0}
  algorithm: {algorithmName: random}
  parallelTrialCount: %d
  maxTrialCount: %d
  parameters:
    - {name: x, parameterType: double, feasibleSpace: {min: "0.1", max: "1"}}
  trialTemplate:
    primaryContainerName: c
    trialParameters: [{name: x, reference: x}]
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: img, command: [sh, %q, "${trialParameters.x}", %q]}]}}}
`, parallel, trials, filepath.Join(dir, "trial.sh"), dir)
	for name, text := range map[string]string{"e.yaml": doc, "trial.sh": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "QALAM_HOME=") && !strings.HasPrefix(kv, "NO_COLOR=") {
			env = append(env, kv)
		}
	}
	env = append(env, "QALAM_HOME="+filepath.Join(dir, "home"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "TERM=xterm-256color", "LANG=C.UTF-8")
	return dir, env
}

// program is this test binary under the name by which it is qalam.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "qalam")
	if err := os.Symlink(exe, link); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	cmd := exec.Command(link, args...)
	cmd.Args[0], cmd.Dir = "qalam", dir
	return cmd
}

// inTerminal starts qalam in a terminal with so many columns, and 24 rows.
func inTerminal(t *testing.T, dir string, env []string, columns uint16, args ...string) *session {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals can be made here: %v", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, cmd: program(t, dir, args...), master: master, done: make(chan error, 1)}
	s.cmd.Env = env
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.output.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		err := s.cmd.Wait()
		select {
		case <-read:
		case <-time.After(2 * time.Second): // trials that run on may hold the terminal
		}
		s.done <- err
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it has usually ended
		_ = master.Close()
	})
	return s
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// waitFor waits until something stands in the output.
func (s *session) waitFor(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		if re.MatchString(s.text()) {
			return
		}
	}
	s.t.Fatalf("%q did not come:\n%s", pattern, s.text())
}

// press presses a key.
func (s *session) press(key string) {
	s.t.Helper()
	if _, err := s.master.WriteString(key); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end, which must come with an exit code within a time.
func (s *session) ends(code int, within time.Duration) {
	s.t.Helper()
	select {
	case <-s.done:
		if got := s.cmd.ProcessState.ExitCode(); got != code {
			s.t.Fatalf("exit code %d, want %d:\n%s", got, code, s.text())
		}
	case <-time.After(within):
		s.t.Fatalf("it goes on after %s:\n%s", within, s.text())
	}
}

const ctrlC = "\x03"

// qalam runs a command to its end and returns what it prints.
func qalam(t *testing.T, dir string, env []string, code int, args ...string) string {
	t.Helper()
	cmd := program(t, dir, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("qalam %s: exit code %d, want %d (%v)\n%s", strings.Join(args, " "), got, code, err, out)
	}
	return string(out)
}

// The trials of these tests note each of their beginnings, wait until the file "go" is there, and print their metric.
const patient = `
echo begun >> $2/begun
trap 'echo told to end; exit 1' TERM
echo loss=$1
while ! [ -e $2/go ]; do sleep 0.05; done
echo loss=$1
`

const stubborn = `
echo begun >> $2/begun
trap '' TERM
echo $$ > $2/pid
echo loss=$1
while ! [ -e $2/go ]; do sleep 0.05; done
`

func lines(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(data, []byte("\n"))
}

func letGo(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCtrlCOnceEndsTrialsAndCanBeResumed(t *testing.T) {
	t.Parallel()
	dir, env := environment(t, patient, 2, 2)
	s := inTerminal(t, dir, env, 80, "run", "e.yaml")
	s.waitFor(`2 running`)
	s.press("typed\r") // what is typed does not disturb the drawing
	s.press(ctrlC)
	s.ends(exitInterrupted, 10*time.Second)
	if strings.Contains(s.text(), "typed") {
		t.Errorf("the terminal shows what is typed:\n%q", s.text())
	}
	if !strings.Contains(s.text(), "qalam resume live") || !strings.Contains(s.text(), "\x1b[?25h") {
		t.Errorf("no command to go on, or no cursor:\n%q", s.text())
	}
	if out := qalam(t, dir, env, 0, "logs", "live", "--trial", "1", "--attempt", "1"); !strings.Contains(out, "told to end") {
		t.Errorf("the trial was not asked to end:\n%s", out)
	}
	if out := qalam(t, dir, env, 0, "trials", "live"); strings.Count(out, "Pending") != 2 {
		t.Errorf("after an interruption:\n%s", out)
	}
	letGo(t, dir)
	if out := qalam(t, dir, env, 0, "resume", "live"); !strings.Contains(out, "2 succeeded") {
		t.Errorf("after going on:\n%s", out)
	}
	if n := lines(t, filepath.Join(dir, "begun")); n != 4 {
		t.Errorf("%d attempts, want 4: each trial twice", n)
	}
}

func TestCtrlCTwiceKillsAtOnce(t *testing.T) {
	t.Parallel()
	dir, env := environment(t, stubborn, 1, 1)
	s := inTerminal(t, dir, env, 80, "run", "e.yaml")
	s.waitFor(`1 running`)
	s.press(ctrlC)
	s.waitFor(`interrupted: running trials get SIGTERM and 30s`)
	time.Sleep(300 * time.Millisecond)
	select {
	case <-s.done:
		t.Fatal("a trial that ignores SIGTERM was not given its grace")
	default:
	}
	s.press(ctrlC)
	s.ends(exitInterrupted, 5*time.Second)
	letGo(t, dir)
	if out := qalam(t, dir, env, 0, "run", "e.yaml", "--resume"); !strings.Contains(out, "1 succeeded") {
		t.Errorf("after going on:\n%s", out)
	}
}

func TestSIGTERMAndSIGHUPLeaveTheTrialsToRunOn(t *testing.T) {
	for name, end := range map[string]func(*session){
		"SIGTERM": func(s *session) { _ = s.cmd.Process.Signal(syscall.SIGTERM) },
		"SIGHUP":  func(s *session) { _ = s.master.Close() }, // the terminal's window is closed
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, env := environment(t, patient, 2, 2)
			s := inTerminal(t, dir, env, 80, "run", "e.yaml")
			s.waitFor(`2 running`)
			end(s)
			s.ends(exitTerminated, 5*time.Second)
			if out := qalam(t, dir, env, 0, "trials", "live"); strings.Count(out, "Running") != 2 {
				t.Errorf("afterwards:\n%s", out)
			}
			letGo(t, dir)
			if out := qalam(t, dir, env, 0, "resume", "live"); !strings.Contains(out, "2 succeeded") {
				t.Errorf("after going on:\n%s", out)
			}
			if n := lines(t, filepath.Join(dir, "begun")); n != 2 {
				t.Errorf("%d attempts, want 2: none was repeated", n)
			}
		})
	}
}

func TestAKilledEngineLosesNothing(t *testing.T) {
	t.Parallel()
	dir, env := environment(t, patient, 3, 2)
	s := inTerminal(t, dir, env, 80, "run", "e.yaml")
	s.waitFor(`2 running`)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.done
	letGo(t, dir)
	if out := qalam(t, dir, env, 0, "run", "e.yaml", "--resume"); !strings.Contains(out, "3 succeeded") {
		t.Errorf("after going on:\n%s", out)
	}
	if n := lines(t, filepath.Join(dir, "begun")); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func TestASecondEngineIsRefusedEvenWhenTheFirstIsStopped(t *testing.T) {
	t.Parallel()
	dir, env := environment(t, patient, 1, 1)
	s := inTerminal(t, dir, env, 80, "run", "e.yaml")
	s.waitFor(`1 running`)
	pid := fmt.Sprintf("pid %d on", s.cmd.Process.Pid)
	for _, stopped := range []bool{false, true} {
		if stopped {
			if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		if out := qalam(t, dir, env, exitConflict, "resume", "live"); !strings.Contains(out, pid) {
			t.Errorf("the owner, %s, is not named (stopped: %t):\n%s", pid, stopped, out)
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	letGo(t, dir)
	s.ends(exitSucceeded, 10*time.Second)
}

// TestLiveView reads what a person sees: the drawing never leaves its lines, follows the size of the terminal, and gives way to
// the summary.
func TestLiveView(t *testing.T) {
	t.Parallel()
	for _, columns := range []uint16{40, 80, 120} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			dir, env := environment(t, patient, 4, 3)
			s := inTerminal(t, dir, env, columns, "run", "e.yaml")
			s.waitFor(`0/4 done`)
			s.waitFor(`3 running`)
			s.waitFor(`#3 [^\n]*running`)
			if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 6, Col: 30}); err != nil {
				t.Fatal(err)
			}
			s.waitFor(`and \d more trials`)
			letGo(t, dir)
			s.ends(exitSucceeded, 20*time.Second)
			text := s.text()
			_, drawn, _ := strings.Cut(text, "\x1b[?25l")
			drawn, after, ok := strings.Cut(drawn, "\x1b[?25h")
			if !ok || !strings.Contains(after, "best loss 0.") || !strings.Contains(after, "next: qalam trials live") {
				t.Errorf("the end:\n%s", after)
			}
			sequences := regexp.MustCompile("\x1b\\[[?0-9;]*[A-Za-z]")
			for line := range strings.SplitSeq(drawn, "\n") {
				if n := len([]rune(strings.Trim(sequences.ReplaceAllString(line, ""), "\r"))); n >= int(columns) {
					t.Errorf("a line of %d columns in a terminal of %d: %q", n, columns, line)
				}
			}
			if !strings.Contains(drawn, "4/4 done") {
				t.Error("the last drawing does not show the end")
			}
		})
	}
}

func TestNoColorWhereNoneIsWanted(t *testing.T) {
	t.Parallel()
	dir, env := environment(t, `echo loss=$1; sleep 0.3`, 1, 1)
	s := inTerminal(t, dir, append(env, "NO_COLOR=1"), 80, "run", "e.yaml")
	s.ends(exitSucceeded, 20*time.Second)
	if regexp.MustCompile("\x1b\\[[0-9;]*m").MatchString(s.text()) {
		t.Errorf("there are colours:\n%q", s.text())
	}
	s = inTerminal(t, dir, env, 80, "run", "e.yaml", "--replace")
	s.ends(exitSucceeded, 20*time.Second)
	if !regexp.MustCompile("\x1b\\[[0-9;]*m").MatchString(s.text()) {
		t.Errorf("there are no colours:\n%q", s.text())
	}
}
