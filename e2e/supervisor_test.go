package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qalam/experiment"
	"qalam/runner/shim"
)

// claims are the claim files of the home's attempts whose shims live.
func (h *home) claims() map[string]shim.Claim {
	found := map[string]shim.Claim{}
	paths, _ := filepath.Glob(h.dir + "/attempts/*/*/*/" + shim.ClaimFile)
	for _, path := range paths {
		if claim, lives, err := shim.ReadClaim(filepath.Dir(path)); err == nil && lives {
			found[path] = claim
		}
	}
	return found
}

// begun is how many attempts have said that they began.
func (h *home) begun() int {
	n := 0
	for _, line := range lines(h.shared()) {
		if strings.HasPrefix(line, "start ") {
			n++
		}
	}
	return n
}

// held is a study whose trials wait until a file is there.
func held(h *home, name string, parallel, max int) study {
	return study{
		name: name, parallel: parallel, max: max, env: map[string]string{"SHARED": h.shared(), "GO": h.base + "/go"},
		script: sayBegin + `echo loss=0.9; while [ ! -e "$GO" ]; do sleep 0.05; done; echo loss=$1` + sayEnd,
	}
}

func (h *home) letGo() { h.file("go", nil) }

// F-03: a shim is killed. Its attempt is lost, what it left is killed, and the trial is repeated once.
func TestShimKilled(t *testing.T) {
	t.Parallel()
	for _, tier := range []string{"auto", "plain"} {
		t.Run(tier, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := held(h, "shim", 2, 2)
			a := h.audit(s)
			p := h.start("run", h.file("shim.json", s.json(t)), "--tier", tier, "--progress", "plain")
			h.until("two trials run", patience, func() bool { return h.begun() == 2 })
			for _, claim := range h.claims() {
				check(t, syscall.Kill(claim.PID, syscall.SIGKILL))
				break
			}
			h.until("the lost trial is repeated", patience, func() bool { return h.begun() == 3 })
			h.letGo()
			if code := p.wait(h, patience); code != 0 {
				t.Fatalf("exit code %d\n%s", code, &p.out)
			}
			trials := a.finished()
			only(a, trials, map[experiment.TrialState]int{experiment.TrialSucceeded: 2})
			lost := 0
			for _, one := range trials {
				lost += one.Lost
			}
			if lost != 1 {
				t.Errorf("%d attempts were lost, want 1", lost)
			}
		})
	}
}

// Trials are supervised by qalam-shim where it lies beside qalam, by qalam itself where it does not, and an engine of either kind carries on
// what one of the other has started.
func TestShimPrograms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(qalam)
	check(t, err)
	lone := filepath.Join(t.TempDir(), "qalam")
	check(t, os.WriteFile(lone, text, 0o755))
	for _, programs := range [][2]string{{qalam, lone}, {lone, qalam}} {
		want := map[string]string{qalam: shim.Argv0, lone: "exe"}[programs[0]]
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := held(h, "both", 2, 3)
			a := h.audit(s)
			h.program = programs[0]
			p := h.start("run", h.file("both.json", s.json(t)), "--progress", "plain")
			h.until("two trials run", patience, func() bool { return h.begun() == 2 })
			claims := h.claims()
			for _, claim := range claims {
				if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", claim.PID)); err != nil || string(name) != want+"\n" {
					t.Errorf("a shim is %q, %v; want %q", name, err, want)
				}
			}
			if len(claims) != 2 {
				t.Errorf("%d shims", len(claims))
			}
			p.kill()
			h.program = programs[1]
			h.letGo()
			h.run(0, "resume", "both")
			trials := a.finished()
			only(a, trials, map[experiment.TrialState]int{experiment.TrialSucceeded: 3})
			for _, one := range trials {
				if one.Lost != 0 || one.Attempt != 1 {
					t.Errorf("trial %d: lost %d, attempt %d", one.Number, one.Lost, one.Attempt)
				}
			}
			if notes := lines(filepath.Join(h.dir, "shims.log")); len(notes) > 0 {
				t.Errorf("shims say %q", notes)
			}
		})
	}
}

// F-04: engine, shims and trials are killed together.
func TestEverythingKilled(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := held(h, "all", 3, 4)
	a := h.audit(s)
	p := h.start("run", h.file("all.json", s.json(t)), "--progress", "plain")
	h.until("three trials run", patience, func() bool { return h.begun() == 3 })
	p.kill()
	for len(h.alive()) > 0 {
		for _, pid := range h.alive() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	a.glance()
	h.letGo()
	h.run(0, "resume", "all")
	trials := a.finished()
	only(a, trials, map[experiment.TrialState]int{experiment.TrialSucceeded: 4})
	for _, one := range trials[:3] {
		if one.Lost != 1 || one.Attempt != 2 {
			t.Errorf("trial %d: lost %d, attempt %d", one.Number, one.Lost, one.Attempt)
		}
	}
}

// F-05, F-06: the engine comes back after a reboot of the machine, and where a stranger has the number of a shim.
func TestAfterReboot(t *testing.T) {
	t.Parallel()
	for _, why := range []string{"reboot", "stranger"} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := held(h, "boot", 2, 3)
			a := h.audit(s)
			p := h.start("run", h.file("boot.json", s.json(t)), "--progress", "plain")
			h.until("two trials run", patience, func() bool { return h.begun() == 2 })
			claims := h.claims()
			p.kill()
			for len(h.alive()) > 0 {
				for _, pid := range h.alive() {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			stranger := exec.Command("sleep", "300")
			check(t, stranger.Start())
			defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
			for path, claim := range claims {
				claim.PID = stranger.Process.Pid
				if why == "reboot" {
					claim.BootID = "00000000-0000-0000-0000-000000000000"
				}
				check(t, shim.WriteFile(filepath.Dir(path), shim.ClaimFile, claim, false))
			}
			h.letGo()
			h.run(0, "resume", "boot")
			trials := a.finished()
			only(a, trials, map[experiment.TrialState]int{experiment.TrialSucceeded: 3})
			for _, one := range trials[:2] {
				if one.Lost != 1 {
					t.Errorf("trial %d: lost %d", one.Number, one.Lost)
				}
			}
			if _, _, err := shim.StartTime(stranger.Process.Pid); err != nil {
				t.Error("the stranger was killed")
			}
		})
	}
}

// F-14: a second engine is refused with the number of the first, also when that one does not move.
func TestSecondEngine(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := held(h, "one", 1, 1)
	p := h.start("run", h.file("one.json", s.json(t)), "--progress", "plain")
	h.until("a trial runs", patience, func() bool { return h.begun() == 1 })
	s.name = "two"
	second := h.file("two.json", s.json(t))
	for _, stopped := range []bool{false, true} {
		if stopped {
			check(t, p.Process.Signal(syscall.SIGSTOP))
		}
		for _, args := range [][]string{{"run", second}, {"resume", "one"}} {
			if out := h.run(7, args...); !strings.Contains(out, "pid "+itoa(p.Process.Pid)+" ") {
				t.Errorf("%v: %s", args, out)
			}
		}
	}
	check(t, p.Process.Signal(syscall.SIGCONT))
	h.letGo()
	if code := p.wait(h, patience); code != 0 {
		t.Errorf("exit code %d\n%s", code, &p.out)
	}
}

// F-21: Ctrl-C, Ctrl-C twice, SIGTERM and the terminal's end.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signals []syscall.Signal
		code    int
		begun   int // attempts in all
	}{
		"ctrl-c":       {[]syscall.Signal{syscall.SIGINT}, 130, 4},
		"ctrl-c twice": {[]syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 130, 4},
		"SIGTERM":      {[]syscall.Signal{syscall.SIGTERM}, 143, 2},
		"SIGHUP":       {[]syscall.Signal{syscall.SIGHUP}, 143, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := held(h, "signals", 2, 2)
			if len(c.signals) > 1 {
				s.script = `trap "" TERM; ` + s.script
			}
			a := h.audit(s)
			p := h.start("run", h.file("signals.json", s.json(t)), "--progress", "plain", "--grace", "20s")
			h.until("two trials run", patience, func() bool { return h.begun() == 2 })
			began := time.Now()
			for i, signal := range c.signals {
				if i > 0 {
					time.Sleep(300 * time.Millisecond)
				}
				check(t, p.Process.Signal(signal))
			}
			if code := p.wait(h, 15*time.Second); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, &p.out)
			}
			t.Logf("over after %v", time.Since(began))
			if !strings.Contains(p.out.String(), "qalam resume signals") {
				t.Errorf("it does not say how to go on: %s", &p.out)
			}
			if c.code == 130 {
				h.nothingAlive()
			} else if n := len(h.claims()); n != 2 {
				t.Errorf("%d trials run on, want 2", n)
			}
			a.glance()
			h.letGo()
			h.run(0, "resume", "signals")
			only(a, a.finished(), map[experiment.TrialState]int{experiment.TrialSucceeded: 2})
			if n := h.begun(); n != c.begun {
				t.Errorf("%d attempts, want %d", n, c.begun)
			}
		})
	}
}

// F-26: nobody is there while a trial prints a million lines (a tenth of that by default); all are counted, once.
func TestAwayWhilePrinting(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	n := count("QALAM_LINES", 100_000)
	s := study{
		name: "away", parallel: 1, max: 1, env: map[string]string{"SHARED": h.shared(), "GO": h.base + "/go", "N": itoa(n)},
		script: sayBegin + `echo loss=2; while [ ! -e "$GO" ]; do sleep 0.02; done; seq -f 'loss=%.0f.5' 2 "$N"` + sayEnd,
	}
	a := h.audit(s)
	p := h.start("run", h.file("away.json", s.json(t)), "--progress", "plain")
	h.until("the trial runs", patience, func() bool { return h.begun() == 1 })
	p.kill()
	h.letGo()
	h.until("the trial has ended", patience, func() bool { return len(lines(h.shared())) == 2 })
	h.run(0, "resume", "away")
	only(a, a.finished(), map[experiment.TrialState]int{experiment.TrialSucceeded: 1})
}

// What a user asks of a running experiment from another terminal is followed.
func TestEditAndStopWhileRunning(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := held(h, "wishes", 1, 3)
	a := h.audit(s)
	p := h.start("run", h.file("wishes.json", s.json(t)), "--progress", "plain")
	h.until("a trial runs", patience, func() bool { return h.begun() == 1 })
	a.parallel, a.max = 3, 8
	h.run(0, "edit", "wishes", "--parallel", "3", "--max-trials", "8")
	h.until("three trials run", patience, func() bool { return h.begun() == 3 })
	h.run(0, "stop", "wishes")
	time.Sleep(300 * time.Millisecond)
	h.letGo()
	code := p.wait(h, patience)
	trials := a.finished()
	succeeded := states(trials)[experiment.TrialSucceeded]
	if succeeded < 3 || succeeded == 8 || h.begun() != succeeded || code != 0 {
		t.Errorf("exit code %d, %v, %d began\n%s", code, states(trials), h.begun(), &p.out)
	}
	h.run(0, "resume", "wishes")
	trials = a.finished()
	if states(trials)[experiment.TrialSucceeded] != 8 {
		t.Errorf("after the resume: %v", states(trials))
	}
	a.deleted()
}
