package curves

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"qalam/suggest"
	"qalam/suggest/algorithms"
)

// small is a task of nine configurations of nine steps whose curves never cross: the first is the best.
func small(t *testing.T) *Task {
	t.Helper()
	var points, losses [][]float64
	for i := range 9 {
		loss := make([]float64, 9)
		for s := range loss {
			loss[s] = float64(i+1) + 1/float64(s+1)
		}
		points, losses = append(points, []float64{float64(i)}), append(losses, loss)
	}
	task, err := New("small", []string{"x"}, points, losses)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// order begins with the worst configuration.
var order = []int{8, 7, 6, 5, 4, 3, 2, 1, 0}

func zipped(t *testing.T, text string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func TestRead(t *testing.T) {
	tasks, err := Read(fstest.MapFS{
		"taskset/two.json.gz": zipped(t, `[{"hp": {"lr": 3, "b": 1}, "valid": {"loss": [2, NaN, 1]}}, {"hp": {"b": 2, "lr": -1}, "valid": {"loss": [3, -Infinity, 5]}}]`),
		"taskset/one.json.gz": zipped(t, `[{"hp": {}, "valid": {"loss": [1]}}]`),
		"lcbench/x.json.gz":   zipped(t, `?`),
		"else.json.gz":        zipped(t, `?`),
	}, TaskSet)
	if err != nil || len(tasks) != 2 || tasks[0].Name != "one" {
		t.Fatal(tasks, err)
	}
	two := tasks[1]
	if !slices.Equal(two.Names, []string{"b", "lr"}) || !slices.Equal(two.Unit[0], []float64{0.25, 0.75}) || !slices.Equal(two.Unit[1], []float64{0.75, 0.25}) {
		t.Errorf("hyperparameters %v at %v", two.Names, two.Unit)
	}
	if !slices.Equal(two.Loss[0], []float64{2, 1e9, 1}) || !slices.Equal(two.Loss[1], []float64{3, 1e9, 5}) || two.Best != 1 || two.Middle != 2 {
		t.Errorf("losses %v, from %v, in the middle %v", two.Loss, two.Best, two.Middle)
	}
}

func TestTroubleIsSaid(t *testing.T) {
	if _, err := Read(fstest.MapFS{"taskset/x.json.gz": zipped(t, `?`)}, LCBench); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no curves: %v", err)
	}
	for text, want := range map[string]string{
		`[]`:                        "no configurations",
		`[{"valid": {"loss": []}}]`: "0 steps",
		`[{"valid": {"loss": [1, 2]}}, {"valid": {"loss": [1]}}]`: "configuration 2 has 1 steps, the first 2",
		`[`: "JSON",
	} {
		_, err := Read(fstest.MapFS{"taskset/bad.json.gz": zipped(t, text)}, TaskSet)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "bad.json.gz") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestBudgetIsSpentStepByStep(t *testing.T) {
	task := small(t)
	b := NewBudget(task, []int{1, 2, 50})
	for i := range 2 * task.Steps() {
		if b.Spend(task.Loss[8-i/9][i%9]) {
			t.Fatalf("all is spent after %d steps", i+1)
		}
	}
	want := []float64{task.Regret(task.Loss[8][8]), task.Regret(task.Loss[7][8]), task.Regret(task.Loss[7][8])}
	if got := b.Regrets(); !slices.Equal(got, want) {
		t.Errorf("regrets %v, want %v", got, want)
	}
}

// afterSteps stops every trial after so many steps, and keeps what it is told.
type afterSteps struct {
	told []suggest.Curve
	most int
}

func (r *afterSteps) Tell(c suggest.Curve) { r.told = append(r.told, c) }

func (r *afterSteps) Judge(c suggest.Curve) suggest.Verdict {
	return suggest.Verdict{Stop: len(c.Values) >= r.most}
}

// TestStoppedTellsEveryStep: a trial's steps, then how it ended, which at the last step is by itself.
func TestStoppedTellsEveryStep(t *testing.T) {
	task := small(t)
	for most, state := range map[int]suggest.State{4: suggest.Stopped, 9: suggest.Completed, 10: suggest.Completed} {
		for _, parallel := range []int{1, 4, 20} {
			rule := &afterSteps{most: most}
			regrets := Stopped(task, rule, order, parallel, []int{100})
			if want := task.Regret(task.Loss[0][min(most, 9)-1]); regrets[0] != want {
				t.Errorf("stopped at %d, %d side by side: regrets %v, want %v", most, parallel, regrets, want)
			}
			steps := map[int]int{}
			for _, c := range rule.told {
				if c.State == suggest.Pending {
					steps[c.Number]++
				}
				if c.State != suggest.Pending && (c.State != state || steps[c.Number] != min(most, 9)) || len(c.Values) != steps[c.Number] || len(c.Steps) != len(c.Values) {
					t.Errorf("stopped at %d, %d side by side: told %+v after %d steps", most, parallel, c, steps[c.Number])
				}
			}
			if len(rule.told) != 9*(min(most, 9)+1) {
				t.Errorf("stopped at %d, %d side by side: told %d times", most, parallel, len(rule.told))
			}
		}
	}
}

func TestRulesAndAlgorithmsPlay(t *testing.T) {
	task, registry := small(t), algorithms.All()
	for _, name := range []string{"", "medianstop", "asha"} {
		var rule suggest.Stopper
		if name != "" {
			var err error
			if rule, err = registry.NewStopper(name, nil); err != nil {
				t.Fatal(err)
			}
		}
		got := Stopped(task, rule, order, 1, []int{1, 9})
		if len(got) != 2 || got[0] != task.Regret(task.Loss[8][8]) || got[1] != 0 {
			t.Errorf("%s: regrets %v", name, got)
		}
	}
	s, err := task.Space()
	if err != nil {
		t.Fatal(err)
	}
	for _, parallel := range []int{1, 4} {
		problem := suggest.Problem{Space: s, Seed: 1, Parallel: parallel}
		suggester, err := registry.NewSuggester("asha", problem, suggest.Settings{"resource_name": Resource})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Searched(task, suggester, parallel, []int{1, 20})
		if err != nil || len(got) != 2 || !(got[0] >= got[1]) || got[1] != 0 {
			t.Errorf("asha, %d side by side: regrets %v, %v", parallel, got, err)
		}
	}
}

// script proposes its trials, of (x, steps, parent), and waits for the parent, or at 0 steps for ever.
type script struct {
	trials [][3]float64
	values []float64 // of those that are over
}

func (s *script) Ask(first, _ int) ([]suggest.Suggestion, error) {
	if first > len(s.trials) {
		return nil, suggest.ErrExhausted
	}
	next := s.trials[first-1]
	if next[1] == 0 || int(next[2]) > len(s.values) {
		return nil, suggest.ErrWait
	}
	g := suggest.Suggestion{Assignment: next[:2]}
	if next[2] > 0 {
		g.Labels = map[string]string{suggest.ParentLabel: strconv.Itoa(int(next[2]))}
	}
	return []suggest.Suggestion{g}, nil
}

func (s *script) Tell(outcomes []suggest.Outcome) error {
	for _, o := range outcomes {
		if o.State == suggest.Completed {
			s.values = append(s.values, o.Value)
		} else if !math.IsNaN(o.Value) {
			return errors.New("a trial that runs has a value")
		}
	}
	return nil
}

// TestSearchedContinues: a trial that goes on from another one pays for its further steps only, and another trial at the same point
// is of another configuration.
func TestSearchedContinues(t *testing.T) {
	task := small(t)
	x := task.Unit[4][0]
	for _, parallel := range []int{1, 3} {
		s := &script{trials: [][3]float64{{x, 3, 0}, {x, 9, 1}, {x, 9, 0}}}
		got, err := Searched(task, s, parallel, []int{1, 2, 50})
		if err != nil || len(got) != 3 || got[2] != task.Regret(task.Loss[3][8]) {
			t.Fatalf("%d side by side: regrets %v, %v", parallel, got, err)
		}
		if parallel > 1 {
			continue
		}
		if want := []float64{task.Loss[4][2], task.Loss[4][8], task.Loss[3][8]}; !slices.Equal(s.values, want) {
			t.Errorf("values %v, want %v", s.values, want)
		}
		if got[0] != task.Regret(task.Loss[4][8]) || got[1] != got[2] {
			t.Errorf("regrets %v", got)
		}
	}
}

func TestSearchedSaysThatNothingRuns(t *testing.T) {
	if _, err := Searched(small(t), &script{trials: [][3]float64{{0, 1, 0}, {0, 0, 0}}}, 3, []int{9}); !errors.Is(err, suggest.ErrWait) {
		t.Errorf("error %v, want that it waits", err)
	}
}
