package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/space"
	"qalam/spec"
	"qalam/store"
	"qalam/store/storetest"
	"qalam/suggest"
)

// echo is an algorithm whose every suggestion depends on every bit of what it was told: labels, steps, further objectives,
// violations, and the budgets it was made for.
type echo struct {
	p    suggest.Problem
	told map[int]suggest.Outcome
}

func (e *echo) Tell(outcomes []suggest.Outcome) error {
	for _, o := range outcomes {
		e.told[o.Number] = o
	}
	return nil
}

func (e *echo) Ask(first, n int) ([]suggest.Suggestion, error) {
	h := fnv.New64()
	fmt.Fprint(h, e.p.MaxTrials, e.p.Parallel, e.p.Objectives, e.p.Constraints, len(e.p.Earlier))
	for i := range first {
		if o, ok := e.told[i]; ok {
			fmt.Fprintf(h, "%+v", o) // maps print in the order of their keys
		}
	}
	var out []suggest.Suggestion
	for i := range n {
		v := h.Sum64() + uint64(i)
		out = append(out, suggest.Suggestion{
			Assignment: space.Assignment{float64(1 + v%100)}, Labels: map[string]string{"sum": fmt.Sprint(v)},
		})
	}
	return out, nil
}

func echoes() suggest.Registry {
	r := suggest.Builtin()
	r.Algorithms = append(r.Algorithms, suggest.Algorithm{
		Name: "echo", Objectives: 3,
		New: func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
			return &echo{p: p, told: map[int]suggest.Outcome{}}, nil
		},
		Supports: func(p suggest.Problem, _ suggest.Settings) string {
			if p.Parallel > 4 {
				return "it is made for at most four trials at a time"
			}
			return ""
		},
	})
	return r
}

// several prints two objectives, a constraint's metric and steps of its own.
func several(task runner.Task) play {
	x := 0
	fmt.Sscanf(task.Job.Pods[0].Spec.Containers[0].Command[1], "--x=%d", &x)
	return play{took: 3 * time.Second, code: x % 7 / 6,
		log: fmt.Sprintf("epoch=%d loss=%d size=%d\nepoch=%d loss=%d size=%d latency=%d\n", x, x, 100-x, 2*x, x+1, 50, x%10)}
}

// echoing is an experiment searched by echo.
func echoing(t *testing.T) *theatre {
	t.Helper()
	th := newTheatre(t, document("  maxTrialCount: 8\n  parallelTrialCount: 1\n"), several)
	th.registry = echoes()
	s := &th.x.Spec.Spec
	s.Algorithm.Name = "echo"
	limit := 5.0
	s.Objective.Additional = []string{"size", "latency"}
	s.Objective.Further = []experiment.Further{{Metric: "size", Direction: experiment.Maximize}}
	s.Objective.Constraints = []experiment.Constraint{{Metric: "latency", Max: &limit}}
	return th
}

// suggested is what was suggested, by number.
func (th *theatre) suggested(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, tr := range trials(t, th.store) {
		fmt.Fprintf(&b, "%d %v %v\n", tr.Number, tr.Assignment, tr.Labels)
	}
	return b.String()
}

// TestSuggestionsSurviveACrash ends the engine at every write and lets another one go on: the algorithm is told the same, so that
// it suggests the same.
func TestSuggestionsSurviveACrash(t *testing.T) {
	want := ""
	synctest.Test(t, func(t *testing.T) {
		th := echoing(t)
		if _, err := th.run(t, th.store, nil); err != nil {
			t.Fatal(err)
		}
		want = th.suggested(t)
		tr := trials(t, th.store)[0]
		o := experiment.Outcome(tr, th.x.Spec.Spec.Objective)
		if len(o.Others) != 1 || o.Others[0] >= 0 || len(o.Violations) != 1 || o.Step == 0 || o.Labels["sum"] == "" {
			t.Errorf("the first trial is told as %+v", o)
		}
	})
	for n := 1; ; n++ {
		hit := false
		synctest.Test(t, func(t *testing.T) {
			th := echoing(t)
			f := &failing{Store: th.store, n: n, after: n%2 == 0}
			_, err := th.run(t, f, nil)
			if hit = f.hit; hit {
				if !errors.Is(err, errCrash) {
					t.Fatalf("write %d: the engine went on with %v", n, err)
				}
				if _, err = th.run(t, th.store, nil); err != nil {
					t.Fatal(err)
				}
			}
			if got := th.suggested(t); got != want {
				t.Fatalf("after a crash at write %d\n%swas suggested, without\n%s", n, got, want)
			}
		})
		if !hit {
			break
		}
	}
}

// TestEditedBudgetsMakeTheAlgorithmAnew edits the budgets under way, in the life of one engine or between two: what follows must
// be the same. Budgets that the algorithm cannot search with are refused.
func TestEditedBudgetsMakeTheAlgorithmAnew(t *testing.T) {
	run := func(restart bool) (suggested string) {
		synctest.Test(t, func(t *testing.T) {
			th := echoing(t)
			edit := func(parallel, most int) {
				if _, err := th.store.RequestEdit(t.Context(), "uid-1", store.Budgets{ParallelTrialCount: &parallel, MaxTrialCount: &most}); err != nil {
					t.Error(err)
				}
			}
			commands := make(chan Command, 1)
			go func() {
				time.Sleep(7 * time.Second) // in the middle of the third trial
				if restart {
					commands <- Leave
				} else {
					edit(1, 12)
				}
			}()
			_, err := th.run(t, th.store, commands)
			if restart {
				if !errors.Is(err, ErrLeft) {
					t.Fatal(err)
				}
				edit(1, 12)
				_, err = th.run(t, th.store, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			suggested = th.suggested(t)
		})
		return suggested
	}
	one, two := run(false), run(true)
	if one != two || strings.Count(one, "\n") != 12 {
		t.Errorf("with one engine\n%swith two\n%s", one, two)
	}
	synctest.Test(t, func(t *testing.T) {
		th := echoing(t)
		parallel := 6
		if _, err := th.store.RequestEdit(t.Context(), "uid-1", store.Budgets{ParallelTrialCount: &parallel}); err != nil {
			t.Fatal(err)
		}
		state, err := th.run(t, th.store, nil)
		if err != nil || state.Spec.ParallelTrialCount != 1 {
			t.Fatalf("%d trials at a time, %v", state.Spec.ParallelTrialCount, err)
		}
		events, err := th.store.Events(context.Background(), "uid-1", 0, 10)
		if err != nil || len(events) != 1 || !strings.Contains(events[0].Message, "at most four") {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}

// chain is an algorithm whose every trial goes on from the checkpoint of the one before.
type chain struct{ echo }

func (c *chain) Ask(first, n int) ([]suggest.Suggestion, error) {
	out, err := c.echo.Ask(first, n)
	for i := range out {
		if first+i > 1 {
			out[i].Labels = map[string]string{suggest.ParentLabel: fmt.Sprint(first + i - 1)}
		}
	}
	return out, err
}

// TestTrialsGoOnFromCheckpoints starts trials with the names of their parents, after a restart as well.
func TestTrialsGoOnFromCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := echoing(t)
		th.registry.Algorithms[len(th.registry.Algorithms)-1].New = func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
			return &chain{echo{p: p, told: map[int]suggest.Outcome{}}}, nil
		}
		th.registry.Algorithms[len(th.registry.Algorithms)-1].Settings = []suggest.Setting{{Name: "suggestion_trial_dir", Kind: suggest.KindString}}
		th.x.Spec.Spec.Algorithm.Settings = suggest.Settings{"suggestion_trial_dir": "/ckpt"}
		if _, err := th.run(t, &failing{Store: th.store, n: 9}, nil); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if _, err := th.run(t, th.store, nil); err != nil {
			t.Fatal(err)
		}
		before := ""
		for _, id := range th.stage.starts {
			c := th.stage.acts[id].task.Checkpoint
			if c == nil || c.Path != "/ckpt" || c.Parent != before {
				t.Errorf("trial %s starts with %+v, want the checkpoint of %q", id.Trial, c, before)
			}
			before = id.Trial
		}
		if len(th.stage.starts) != 8 {
			t.Errorf("%d trials started", len(th.stage.starts))
		}
	})
}

// TestWarmStart learns from an experiment by the names of its parameters and metrics, and what it learnt stays when that one is gone.
func TestWarmStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, document("  maxTrialCount: 6\n  parallelTrialCount: 1\n"), falling)
		if _, err := th.run(t, th.store, nil); err != nil {
			t.Fatal(err)
		}
		next := strings.Replace(document("  warmStart: {experiments: [e]}\n"), `{min: "1", max: "100"}`, `{min: "2", max: "5"}`, 1)
		next = strings.Replace(next, "objectiveMetricName: loss", "objectiveMetricName: other", 1)
		next = strings.Replace(next, "type: minimize", "type: maximize", 1)
		x, faults := spec.Load([]spec.File{{Name: "x.yaml", Data: []byte(next)}}, spec.Options{Registry: suggest.Builtin()})
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		data, taken, err := Earlier(t.Context(), th.store, x.Spec, suggest.Builtin())
		if err != nil || len(taken) != 1 || taken[0].Trials != 4 || taken[0].Of != 6 {
			t.Fatalf("took %+v, %v", taken, err)
		}
		earlier, err := ReadEarlier(data)
		if err != nil || len(earlier) != 1 {
			t.Fatal(err)
		}
		for i, o := range earlier[0] {
			if want := float64(i + 2); o.Assignment[0] != want || o.State != suggest.Completed || o.Value != want/100 {
				t.Errorf("outcome %+v, want %v with %v", o, want, want/100)
			}
		}
		if _, _, err := Earlier(t.Context(), storetest.NewMemory(), x.Spec, suggest.Builtin()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of no experiment: %v", err)
		}
	})
}
