package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"qalam/experiment"
)

// printing is a study whose trials print some lines and take their time over it.
func printing(h *home, name string, parallel, max, lines int) study {
	return study{
		name: name, parallel: parallel, max: max, env: map[string]string{"SHARED": h.shared()},
		script: sayBegin + `i=0; while [ $i -lt ` + itoa(lines) + ` ]; do i=$((i+1)); echo loss=$1$i; sleep 0.05; done` + sayEnd,
	}
}

// F-02: the engine is killed again and again, at random; whoever goes on finds everything, runs nothing twice and counts
// everything once.
func TestCrashAtRandom(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	kills := count("QALAM_KILLS", 30)
	parallel, lines := 8, 8
	if kills > 100 {
		parallel, lines = 50, 100
	}
	s := printing(h, "crash", parallel, kills*6, lines)
	file := h.file("crash.json", s.json(t))
	a := h.audit(s)
	seed := uint64(count("QALAM_SEED", 1))
	rng := rand.New(rand.NewPCG(seed, 2))
	p := h.start("run", file, "--progress", "plain")
	killed := 0
	for ; killed < kills; killed++ {
		select {
		case <-p.done:
		case <-time.After(time.Duration(1+rng.IntN(600)) * time.Millisecond):
		}
		if p.ended() {
			break
		}
		p.kill()
		if killed%5 == 0 {
			a.glance()
		}
		p = h.start("run", file, "--resume", "--progress", "plain")
	}
	if code := p.wait(h, time.Duration(kills)*4*time.Second+patience); code != 0 {
		t.Fatalf("exit code %d (seed %d)\n%s", code, seed, &p.out)
	}
	if killed < kills*2/3 {
		t.Errorf("the experiment was over after %d kills", killed)
	}
	only(a, a.finished(), map[experiment.TrialState]int{experiment.TrialSucceeded: s.max})
	a.deleted()
	t.Logf("%d kills, seed %d", killed, seed)
}

func itoa(n int) string { return strconv.Itoa(n) }

// steps are where the engine, its runner and a shim can be killed. An experiment of five trials, of which two run at a time, is recorded seven
// times at least, however much is recorded at once.
var steps = map[string][]string{
	"QALAM_FAILPOINT": {"unrecorded", "unrecorded@3", "unrecorded@7", "recorded", "recorded@2", "recorded@5", "recorded@7", "prepared-trial",
		"prepared-trial@3", "acted", "acted@4", "drained", "drained@3", "prepared", "launched"},
	"QALAM_SHIM_FAILPOINT": {"begin", "locked", "claimed", "started", "told", "ended", "written:exit.json", "recorded", "killed"},
}

// F-01, F-03: the engine or a shim is killed at every step that either takes.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	program, err := breakable()
	check(t, err)
	rounds := count("QALAM_STEP_ROUNDS", 1)
	for variable, names := range steps {
		for _, step := range names {
			for _, tier := range []string{"auto", "plain"} {
				if tier == "plain" && variable == "QALAM_FAILPOINT" && rounds == 1 {
					continue // the engine knows no tiers
				}
				t.Run(step+" "+tier, func(t *testing.T) {
					t.Parallel()
					for range rounds {
						crashAt(t, program, variable, step, tier)
					}
				})
			}
		}
	}
}

func crashAt(t *testing.T, program, variable, step, tier string) {
	h := newHome(t)
	h.program = program
	s := printing(h, "step", 2, 5, 2)
	file := h.file("step.json", s.json(t))
	a := h.audit(s)
	value := step
	if variable == "QALAM_SHIM_FAILPOINT" {
		value += "@" + h.base + "/once"
	}
	args := []string{"run", file, "--progress", "plain", "--tier", tier}
	p := h.startWith([]string{variable + "=" + value}, args...)
	code := p.wait(h, patience)
	if variable == "QALAM_FAILPOINT" {
		if code != -1 {
			t.Fatalf("nothing was killed: exit code %d\n%s", code, &p.out)
		}
		a.glance()
		h.run(0, append(args, "--resume")...)
	} else if code != 0 {
		t.Fatalf("exit code %d\n%s", code, &p.out)
	} else if len(lines(h.base+"/once")) != 0 || !there(h.base+"/once") {
		t.Fatal("no shim was killed")
	}
	only(a, a.finished(), map[experiment.TrialState]int{experiment.TrialSucceeded: s.max})
	a.deleted()
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
