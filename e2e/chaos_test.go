package e2e

import (
	"math/rand/v2"
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
