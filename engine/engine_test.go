package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/store"
	"qalam/store/storetest"
	"qalam/suggest"
	"qalam/suggest/stopping"
)

// ten lines of a falling loss, the last of which is the trial's x / 100.
func falling(task runner.Task) play {
	x := 0
	fmt.Sscanf(task.Job.Pods[0].Spec.Containers[0].Command[1], "--x=%d", &x)
	var log strings.Builder
	for i := 10; i > 0; i-- {
		fmt.Fprintf(&log, "epoch=%d loss=%g\n", 11-i, float64(x*i)/100)
	}
	return play{log: log.String(), took: 10 * time.Second}
}

// theatre is a store, a stage and an experiment.
type theatre struct {
	store *storetest.Memory
	stage *stage
	x     Experiment

	registry suggest.Registry // the zero value means the built-in one
	runner   Runner           // nil means the stage
}

func newTheatre(t *testing.T, yaml string, script func(runner.Task) play) *theatre {
	t.Helper()
	st := storetest.NewMemory()
	if _, err := st.Own(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	th := &theatre{store: st, stage: newStage(script)}
	t.Cleanup(th.stage.close)
	th.x = read(t, st, yaml)
	return th
}

// run runs the experiment with an engine of its own, as it stands in the store.
func (th *theatre) run(t *testing.T, st Store, commands <-chan Command) (*experiment.State, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rec, err := th.store.Get(ctx, th.x.Record.UID)
	if err != nil {
		t.Fatal(err)
	}
	x := th.x
	x.Record = rec
	registry := th.registry
	if registry.Algorithms == nil {
		registry = suggest.Builtin()
	}
	var r Runner = th.stage
	if th.runner != nil {
		r = th.runner
	}
	state, err := New(ctx, st, r, registry, Options{}).Run(ctx, x, commands)
	cancel()
	synctest.Wait()
	return state, err
}

func TestRunsToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 7\n  parallelTrialCount: 3\n"), falling)
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if state.Phase != experiment.Succeeded || state.Reason() != experiment.ReasonMaxTrials || state.Counts.Succeeded != 7 {
			t.Errorf("ended as %s (%s) with %+v", state.Phase, state.Reason(), state.Counts)
		}
		if state.Optimal == nil || state.Optimal.Number != 1 || state.Optimal.Value != 0.01 {
			t.Errorf("optimal trial %+v, want number 1 with 0.01", state.Optimal)
		}
		if th.stage.most != 3 {
			t.Errorf("%d trials at once, want 3", th.stage.most)
		}
		th.check(t, 7)
	})
}

// check holds of every finished experiment: each attempt began once, exactly so many trials started, and of each that
// succeeded exactly the points it printed are recorded.
func (th *theatre) check(t *testing.T, want int) {
	t.Helper()
	seen := map[runner.ID]bool{}
	names := map[string]bool{}
	for _, id := range th.stage.starts {
		if seen[id] {
			t.Errorf("attempt %d of %s began twice", id.Attempt, id.Trial)
		}
		seen[id], names[id.Trial] = true, true
	}
	if len(names) != want {
		t.Errorf("%d trials started, want %d", len(names), want)
	}
	for _, tr := range trials(t, th.store) {
		if !tr.State.Terminal() {
			t.Errorf("trial %d is still %s", tr.Number, tr.State)
		}
		n := 0
		for _, err := range th.store.Points(t.Context(), "uid-1", tr.Number, store.PointQuery{Attempt: tr.Attempt, Metric: "loss"}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		printed := strings.Count(string(th.stage.acts[runner.ID{Experiment: "uid-1", Trial: tr.Name, Attempt: tr.Attempt}].log), "loss=")
		if n != printed {
			t.Errorf("trial %d: %d points recorded, %d printed", tr.Number, n, printed)
		}
	}
}

// failing is a store whose nth write fails: before it is recorded, or after.
type failing struct {
	Store
	n     int
	after bool
	hit   bool
}

var errCrash = errors.New("crash")

func (f *failing) Write(ctx context.Context, b store.Batch) error {
	if f.n--; f.n != 0 {
		return f.Store.Write(ctx, b)
	}
	f.hit = true
	if f.after {
		if err := f.Store.Write(ctx, b); err != nil {
			return err
		}
	}
	return errCrash
}

// TestCrashAtEveryWrite ends the engine at its nth write, before or after it took effect, for every n, and has another one go on:
// what the trials did and what is recorded must be the same as without.
func TestCrashAtEveryWrite(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			hit := false
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t, document("  maxTrialCount: 3\n  parallelTrialCount: 2\n"), falling)
				f := &failing{Store: th.store, n: n, after: after}
				_, err := th.run(t, f, nil)
				if hit = f.hit; hit {
					if !errors.Is(err, errCrash) {
						t.Fatalf("write %d: the engine went on with %v", n, err)
					}
					if _, err = th.run(t, th.store, nil); err != nil {
						t.Fatalf("write %d: the second engine: %v", n, err)
					}
				}
				th.check(t, 3)
			})
			if t.Failed() {
				t.Fatalf("with a crash at write %d (after it took effect: %v)", n, after)
			}
			if !hit {
				if n < 10 {
					t.Errorf("a whole run writes %d times only", n)
				}
				break
			}
		}
	}
}

func TestLostAttemptIsRepeatedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 2\n  parallelTrialCount: 1\n"), func(task runner.Task) play {
			p := falling(task)
			p.lost = task.ID.Attempt == 1 || strings.HasSuffix(task.Job.Pods[0].Spec.Containers[0].Command[1], "=2")
			return p
		})
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if state.Counts.Succeeded != 1 || state.Counts.Failed != 1 || len(th.stage.starts) != 4 {
			t.Errorf("%+v after %d attempts, want one succeeded and one failed after 4", state.Counts, len(th.stage.starts))
		}
		th.check(t, 2)
	})
}

func TestInterruptAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 4\n  parallelTrialCount: 2\n"), falling)
		commands := make(chan Command, 1)
		go func() {
			time.Sleep(15 * time.Second)
			commands <- Interrupt
		}()
		if _, err := th.run(t, th.store, commands); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("ended with %v, want an interruption", err)
		}
		if th.stage.live != 0 {
			t.Errorf("%d trials live after the interruption", th.stage.live)
		}
		for _, tr := range trials(t, th.store) {
			if tr.State == experiment.TrialRunning {
				t.Errorf("trial %d is recorded as running", tr.Number)
			}
		}
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Counts.Succeeded != 4 {
			t.Fatalf("resumed to %+v, %v", state.Counts, err)
		}
		th.check(t, 4)
	})
}

func TestLeaveAndAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 4\n  parallelTrialCount: 2\n"), falling)
		commands := make(chan Command, 1)
		go func() {
			time.Sleep(4 * time.Second)
			commands <- Leave
		}()
		if _, err := th.run(t, th.store, commands); !errors.Is(err, ErrLeft) {
			t.Fatalf("ended with %v", err)
		}
		time.Sleep(20 * time.Second) // both end while nobody looks
		th.stage.mu.Lock()
		began, living := len(th.stage.starts), th.stage.live
		th.stage.mu.Unlock()
		if began != 2 || living != 0 {
			t.Fatalf("%d attempts began and %d live, want 2 and 0", began, living)
		}
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Counts.Succeeded != 4 || len(th.stage.starts) != 4 {
			t.Fatalf("resumed to %+v after %d attempts, %v", state.Counts, len(th.stage.starts), err)
		}
		th.check(t, 4)
	})
}

func TestEarlyStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml := document(`  maxTrialCount: 6
  parallelTrialCount: 1
  earlyStopping:
    algorithmName: medianstop
    algorithmSettings: [{name: min_trials_required, value: "1"}, {name: start_step, value: "3"}]
`)
		th := newTheatre(t, yaml, falling) // every later x is worse
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if state.Counts.EarlyStopped == 0 || state.Counts.Succeeded == 0 || state.Counts.EarlyStopped+state.Counts.Succeeded != 6 {
			t.Errorf("%+v, want some stopped early and the rest succeeded", state.Counts)
		}
		for _, tr := range trials(t, th.store) {
			if tr.State == experiment.TrialEarlyStopped && (len(tr.Observation) == 0 || !strings.Contains(tr.Message, "median")) {
				t.Errorf("trial %d was stopped with observation %v: %s", tr.Number, tr.Observation, tr.Message)
			}
		}
	})
}

// TestDivergedTrialIsStopped runs trials that print nothing but NaN for a long time: patience ends them, and their status says why.
func TestDivergedTrialIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 2\n  parallelTrialCount: 1\n"), func(runner.Task) play {
			return play{log: strings.Repeat("loss=nan\n", 1000), took: 1000 * time.Second}
		})
		th.registry = suggest.Builtin()
		th.registry.StopRules = append(th.registry.StopRules, stopping.StopRules()...)
		th.x.Spec.Spec.EarlyStopping = &experiment.Named{Name: "patience", Settings: suggest.Settings{"max_nonfinite": "4"}}
		began := time.Now()
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Counts.EarlyStopped != 2 {
			t.Fatalf("%+v, %v, want two stopped early", state.Counts, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v until two trials were stopped after four lines, one a second", took)
		}
		for _, tr := range trials(t, th.store) {
			if tr.Reason != experiment.ReasonTrialEarlyStopped || tr.Message != "Trial is early stopped: its last 4 values are no finite numbers" {
				t.Errorf("trial %d is %s (%s): %s", tr.Number, tr.State, tr.Reason, tr.Message)
			}
			conditions := experiment.TrialConditions(tr)
			if last := conditions[len(conditions)-1]; !strings.Contains(last.Message, "no finite numbers") {
				t.Errorf("the status of trial %d says %+v", tr.Number, last)
			}
		}
	})
}

func TestWishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 50\n  parallelTrialCount: 2\n"), falling)
		go func() {
			time.Sleep(5 * time.Second)
			three := 3
			if _, err := th.store.RequestEdit(context.Background(), "uid-1", store.Budgets{ParallelTrialCount: &three}); err != nil {
				t.Error(err)
			}
			time.Sleep(20 * time.Second)
			if _, err := th.store.RequestStop(context.Background(), "uid-1"); err != nil {
				t.Error(err)
			}
		}()
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if th.stage.most != 3 || state.Reason() != experiment.ReasonStopped || state.Counts.Total() > 12 {
			t.Errorf("%d at once, ended by %s with %+v", th.stage.most, state.Reason(), state.Counts)
		}
	})
}

func TestTrialThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 5\n  parallelTrialCount: 1\n  maxFailedTrialCount: 2\n"), func(runner.Task) play {
			return play{refuse: "image i is mapped to no folder"}
		})
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if state.Phase != experiment.Failed || state.Counts.Failed != 2 {
			t.Errorf("ended as %s with %+v", state.Phase, state.Counts)
		}
		if tr := trials(t, th.store)[0]; tr.Reason != "StartError" || !strings.Contains(tr.Message, "mapped to no folder") {
			t.Errorf("trial 1: %s: %s", tr.Reason, tr.Message)
		}
	})
}

// TestDoctorSpeaksWithinAMinute: a trial that runs but prints nothing that is the objective says so, before it ends.
func TestDoctorSpeaksWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 1\n  parallelTrialCount: 1\n"), func(runner.Task) play {
			return play{log: strings.Repeat("Loss: 0.5\n", 100), took: time.Hour}
		})
		seen := make(chan string, 1)
		go func() {
			time.Sleep(time.Minute)
			seen <- trials(t, th.store)[0].Reason
		}()
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if reason := <-seen; reason != "NoMetric" {
			t.Errorf("after a minute the trial says %q", reason)
		}
		if state.Counts.MetricsUnavailable != 1 {
			t.Errorf("%+v, want one trial without metrics", state.Counts)
		}
	})
}

// TestFaultsWithoutEnd runs experiments under random crashes, losses, failures and bad metrics, and checks them all.
func TestFaultsWithoutEnd(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	for seed := range rounds {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			th := newTheatre(t, document("  maxTrialCount: 30\n  parallelTrialCount: 4\n"), func(task runner.Task) play {
				p := falling(task)
				p.took = time.Duration(rng.IntN(20_000)) * time.Millisecond
				switch rng.IntN(8) {
				case 0:
					p.code = 1
				case 1:
					p.lost = true
				case 2:
					p.log = "loss=nan\n"
				case 3:
					p.log = ""
				}
				return p
			})
			var err error
			for crashes := 0; ; crashes++ {
				st := Store(th.store)
				if crashes < 8 {
					st = &failing{Store: th.store, n: 1 + rng.IntN(60), after: rng.IntN(2) == 0}
				}
				if _, err = th.run(t, st, nil); !errors.Is(err, errCrash) {
					break
				}
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if th.stage.most > 4 {
				t.Errorf("seed %d: %d trials at once", seed, th.stage.most)
			}
			th.check(t, 30)
		})
	}
}

// TestLogsAreTrimmed: of a log beyond the limit the middle is given back, never what has not been recorded.
func TestLogsAreTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noise := strings.Repeat(strings.Repeat("x", 1023)+"\n", logLimit>>10) // as large as the limit
		th := newTheatre(t, document("  maxTrialCount: 1\n  parallelTrialCount: 1\n"), func(runner.Task) play {
			return play{log: "loss=3\n" + noise + "loss=2\n", took: time.Second}
		})
		if _, err := th.run(t, th.store, nil); err != nil {
			t.Fatal(err)
		}
		want := int64(len(noise)) + 14 - logTail
		if len(th.stage.trims) != 1 || th.stage.trims[0] != want {
			t.Errorf("trimmed up to %v, want once up to %d", th.stage.trims, want)
		}
		th.check(t, 1)
	})
}
