package engine

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/suggest"
)

// ponder is an algorithm that takes a minute to answer.
type ponder struct {
	echo
	busy      atomic.Bool
	disturbed atomic.Bool
}

func (p *ponder) Tell(outcomes []suggest.Outcome) error {
	if p.busy.Load() {
		p.disturbed.Store(true)
	}
	return p.echo.Tell(outcomes)
}

func (p *ponder) Ask(first, n int) ([]suggest.Suggestion, error) {
	p.busy.Store(true)
	defer p.busy.Store(false)
	time.Sleep(time.Minute)
	return p.echo.Ask(first, n)
}

// pondering is an experiment whose algorithm takes its time, with trials of 10 and of 25 s.
func pondering(t *testing.T) (*theatre, *ponder) {
	t.Helper()
	slow := &ponder{}
	th := echoing(t)
	started := 0
	th.stage.script = func(task runner.Task) play {
		p := several(task)
		started++
		p.code, p.took = 0, time.Duration(10+15*(started%2))*time.Second
		return p
	}
	th.registry.Algorithms[len(th.registry.Algorithms)-1].New = func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
		slow.echo = echo{p: p, told: map[int]suggest.Outcome{}}
		return slow, nil
	}
	th.x.Spec.Spec.ParallelTrialCount = 2
	return th, slow
}

// TestAskingHoldsNothingUp lets trials end while the algorithm thinks: that is recorded at once, and told when it has answered.
func TestAskingHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th, slow := pondering(t)
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Counts.Succeeded != 8 {
			t.Fatalf("%+v, %v", state.Counts, err)
		}
		if slow.disturbed.Load() {
			t.Error("the algorithm was told something while it was being asked")
		}
		if len(slow.told) != 8 || slow.told[8].State != suggest.Completed {
			t.Errorf("the algorithm was told of %d trials, the last as %+v", len(slow.told), slow.told[8])
		}
		for _, tr := range trials(t, th.store) {
			if took := tr.Completed.Sub(tr.Running); took > 26*time.Second {
				t.Errorf("trial %d was recorded as ended %v after it began", tr.Number, took)
			}
		}
	})
}

// TestWishesAreHeardWhileAsking stops an experiment while its algorithm thinks: nothing new is started, and what the algorithm
// answers is of no use any more.
func TestWishesAreHeardWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th, _ := pondering(t)
		go func() {
			time.Sleep(100 * time.Second) // both first trials are over
			if _, err := th.store.RequestStop(t.Context(), "uid-1"); err != nil {
				t.Error(err)
			}
		}()
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Reason() != experiment.ReasonStopped || len(th.stage.starts) != 2 {
			t.Errorf("ended as %s with %d trials, %v", state.Reason(), len(th.stage.starts), err)
		}
	})
}

// panicking is an algorithm that breaks at its third trial.
type panicking struct{ echo }

func (p *panicking) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first > 2 {
		panic("index out of range")
	}
	return p.echo.Ask(first, n)
}

// TestAPanicEndsTheExperiment, with a reason that says where, and lets the trials before it come to their end.
func TestAPanicEndsTheExperiment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th, _ := pondering(t)
		th.registry.Algorithms[len(th.registry.Algorithms)-1].New = func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
			return &panicking{echo{p: p, told: map[int]suggest.Outcome{}}}, nil
		}
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Phase != experiment.Failed || state.Counts.Succeeded != 2 {
			t.Fatalf("%s with %+v, %v", state.Phase, state.Counts, err)
		}
		if !strings.Contains(state.Broken, "broke at trial 3, which is a fault of this program: index out of range") || !strings.Contains(state.Broken, "panicking") {
			t.Errorf("the reason is %q", state.Broken)
		}
	})
}
