package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/store"
	"qalam/suggest"
	"qalam/suggest/pbt"
)

// keeper is a stage whose trials have checkpoints: how often a model was trained.
type keeper struct {
	*stage
	t *testing.T

	mu      sync.Mutex
	folders map[string]int // by trial
	gone    int            // calls of Discard
	kill    int            // the call that the engine does not outlive; 0 means none
	dead    bool
	refuse  bool // Discard fails
}

var errRefused = errors.New("a folder that nobody may remove")

func (k *keeper) Start(ctx context.Context, task runner.Task) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return nil
	}
	k.stage.mu.Lock()
	known := k.acts[task.ID] != nil
	k.stage.mu.Unlock()
	if !known {
		parent, kept := k.folders[task.Checkpoint.Parent]
		if task.Checkpoint.Parent != "" && !kept {
			k.t.Errorf("attempt %d of trial %s goes on from trial %s, whose checkpoint is gone", task.ID.Attempt, task.ID.Trial, task.Checkpoint.Parent)
		}
		k.folders[task.ID.Trial] = parent + 1
	}
	return k.stage.Start(ctx, task)
}

func (k *keeper) Discard(_, trial string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone++; k.gone == k.kill {
		k.dead = true
	}
	switch {
	case k.dead:
		return nil
	case k.refuse:
		return errRefused
	}
	delete(k.folders, trial)
	return nil
}

func (k *keeper) Kept(string) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.folders)), nil
}

// stretch is a trial of a population: some fail, some are lost at first, and all take a time of their own.
func stretch(task runner.Task) play {
	h := fnv.New32()
	fmt.Fprint(h, task.ID.Trial)
	n := h.Sum32()
	p := play{took: time.Duration(1+n%7) * time.Second, log: fmt.Sprintf("loss=%d\n", n%1009)}
	if n/7%8 == 0 {
		p.code, p.log = 1, ""
	}
	p.lost = n/56%6 == 0 && task.ID.Attempt == 1
	return p
}

// training is a population of five over eight generations or so.
func training(t *testing.T) (*theatre, *keeper) {
	t.Helper()
	th := newTheatre(t, document("  maxTrialCount: 40\n  parallelTrialCount: 3\n"), stretch)
	th.registry = suggest.Builtin()
	th.registry.Algorithms = append(th.registry.Algorithms, pbt.Algorithms()...)
	s := &th.x.Spec.Spec
	s.Algorithm = experiment.Named{Name: "pbt", Settings: suggest.Settings{"suggestion_trial_dir": "/ckpt", "n_population": "5"}}
	s.Retry.Lost = 1
	k := &keeper{stage: th.stage, t: t, folders: map[string]int{}}
	th.runner = k
	return th, k
}

// checkKept: after a run, the folders that are left are the optimal trial's and those of the trials that a longer run could go on
// from, no more and no less.
func checkKept(t *testing.T, th *theatre, k *keeper, state *experiment.State) {
	t.Helper()
	suggester, err := th.registry.NewSuggester("pbt", state.Spec.Problem(), state.Spec.Algorithm.Settings)
	if err != nil {
		t.Fatal(err)
	}
	all := trials(t, th.store)
	for _, tr := range all {
		if err := suggester.Tell([]suggest.Outcome{experiment.Outcome(tr, state.Spec.Objective)}); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for _, tr := range all {
		if tr.Number == state.Optimal.Number || suggest.MayBeParent(suggester)(tr.Number) {
			want = append(want, tr.Name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(k.folders)); !slices.Equal(got, want) {
		t.Errorf("kept are %v, want %v", got, want)
	}
	if len(all) != 40 || len(want) > 16 {
		t.Errorf("%d trials, of which %d are kept", len(all), len(want))
	}
}

// TestCheckpointsGo runs a population and looks at what is left, and that nobody missed what is gone.
func TestCheckpointsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th, k := training(t)
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		if state.Counts.Failed == 0 || len(th.stage.starts) == 40 {
			t.Errorf("%+v with %d attempts: no trial failed, or none was lost", state.Counts, len(th.stage.starts))
		}
		checkKept(t, th, k, state)
	})
}

// powerCut has all that runs go away, and what was not recorded is forgotten.
func (k *keeper) powerCut() {
	time.Sleep(time.Minute) // for the reports that nobody will read
	for len(k.reports) > 0 {
		<-k.reports
	}
	clear(k.acts)
}

// TestCheckpointsAfterACrash ends the engine at its nth write, before or after it took effect, or while it removes the nth folder,
// with or without its trials, and has another one go on: it misses none, and the same is left in the end.
func TestCheckpointsAfterACrash(t *testing.T) {
	for _, where := range []string{"before a write", "after a write", "at a folder", "before a write, with all trials"} {
		for n := 1; ; n += 5 {
			hit := false
			synctest.Test(t, func(t *testing.T) {
				th, k := training(t)
				f := &failing{Store: th.store, after: where == "after a write"}
				if where == "at a folder" {
					k.kill = n
				} else {
					f.n = n
				}
				st := Store(f)
				if k.kill > 0 {
					st = &killed{th.store, k}
				}
				state, err := th.run(t, st, nil)
				if hit = err != nil; hit && !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
				if k.dead = false; hit {
					k.kill = 0
					if where == "before a write, with all trials" {
						k.powerCut()
					}
					if state, err = th.run(t, th.store, nil); err != nil {
						t.Fatal(err)
					}
				}
				if k.kill == 0 || k.gone < k.kill { // otherwise it was killed after its last write
					checkKept(t, th, k, state)
				}
			})
			if t.Failed() {
				t.Fatalf("with a crash %s, number %d", where, n)
			}
			if !hit {
				if n < 10 {
					t.Errorf("a whole run comes %d times to where it is to crash %s", n, where)
				}
				break
			}
		}
	}
}

// killed is the store of an engine that does not outlive the removal of a folder.
type killed struct {
	Store
	k *keeper
}

func (s *killed) Write(ctx context.Context, b store.Batch) error {
	s.k.mu.Lock()
	dead := s.k.dead
	s.k.mu.Unlock()
	if dead {
		return errCrash
	}
	return s.Store.Write(ctx, b)
}

// TestCheckpointThatCannotGo is told, holds nothing up, and is tried again by the next engine.
func TestCheckpointThatCannotGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th, k := training(t)
		k.refuse = true
		if _, err := th.run(t, &failing{Store: th.store, n: 60}, nil); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if events, err := th.store.Events(t.Context(), "uid-1", 0, 1); err != nil || len(events) != 1 || events[0].Message != errRefused.Error() {
			t.Errorf("events %+v, %v", events, err)
		}
		k.refuse = false
		state, err := th.run(t, th.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkKept(t, th, k, state)
	})
}

// relay is an algorithm whose every trial goes on from the one before, and which wants none continued that was continued once.
type relay struct {
	echo
	t      *testing.T
	asking *atomic.Bool
	last   int
}

func (a *relay) Tell(outcomes []suggest.Outcome) error {
	for _, o := range outcomes {
		a.last = max(a.last, o.Number)
	}
	return a.echo.Tell(outcomes)
}

func (a *relay) Ask(first, n int) ([]suggest.Suggestion, error) {
	a.asking.Store(true)
	defer a.asking.Store(false)
	time.Sleep(2 * time.Second)
	out, err := (&chain{a.echo}).Ask(first, 1)
	if err == nil && (n > 1 || a.told[first-1].State == suggest.Pending && first > 1) {
		if first > 1 && a.told[first-1].State == suggest.Pending {
			out = nil
		}
		err = suggest.ErrWait
	}
	return out, err
}

func (a *relay) MayBeParent(number int) bool {
	if a.asking.Load() {
		a.t.Error("the algorithm is asked two things at once")
	}
	return number >= a.last
}

// TestCheckpointOfARepeatedTrial: a trial that is lost begins again from its parent's checkpoint, although no other is to go on
// from that; and an algorithm that is being asked is left alone.
func TestCheckpointOfARepeatedTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 6\n  parallelTrialCount: 2\n"), func(task runner.Task) play {
			return play{took: 3 * time.Second, log: "loss=1\n", lost: task.ID.Attempt == 1}
		})
		th.registry = suggest.Builtin()
		th.registry.Algorithms = append(th.registry.Algorithms, suggest.Algorithm{
			Name: "relay", Settings: []suggest.Setting{{Name: "suggestion_trial_dir", Kind: suggest.KindString}},
			New: func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
				return &relay{echo: echo{p: p, told: map[int]suggest.Outcome{}}, t: t, asking: &atomic.Bool{}}, nil
			},
		})
		s := &th.x.Spec.Spec
		s.Algorithm = experiment.Named{Name: "relay", Settings: suggest.Settings{"suggestion_trial_dir": "/ckpt"}}
		s.Retry.Lost = 1
		k := &keeper{stage: th.stage, t: t, folders: map[string]int{}}
		th.runner = k
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Counts.Succeeded != 6 || len(th.stage.starts) != 12 {
			t.Fatalf("%+v with %d attempts, %v", state.Counts, len(th.stage.starts), err)
		}
		best, last := state.Optimal.Name, trials(t, th.store)[5].Name
		if want := map[string]int{best: 1, last: 6}; !maps.Equal(k.folders, want) {
			t.Errorf("kept are %v, want %v", k.folders, want)
		}
	})
}
