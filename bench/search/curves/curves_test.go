package curves

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"qalam/bench/search/problem"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

func tasks(t testing.TB) []*Task {
	t.Helper()
	folder := os.Getenv("QALAM_BENCHMARKS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "benchmarks")
	}
	tasks, err := Read(folder)
	if err != nil {
		t.Skip(err)
	}
	return tasks
}

// TestRivalsAreThoseMeasuredBefore compares with mean regrets over the six tasks and seeds 0 to 2 after 5, 10 and 20 full runs, of
// the simulation with which the rules were measured before.
func TestRivalsAreThoseMeasuredBefore(t *testing.T) {
	all := tasks(t)
	if len(all) != 6 {
		t.Skipf("%d tasks instead of 6", len(all))
	}
	want := map[string][3]float64{
		"full": {0.7996, 0.5871, 0.3906}, "katib": {0.7887, 0.4638, 0.2831}, "vizier": {0.7996, 0.4724, 0.3016},
		"optuna_median": {0.7996, 0.4394, 0.3350}, "sha3": {0.5831, 0.3673, 0.1801}, "sha4": {0.5521, 0.3568, 0.1857},
		"hyperband3": {0.7294, 0.4451, 0.2239}, "asha3": {0.3941, 0.2607, 0.1654}, "asha4": {0.4699, 0.2831, 0.1661},
	}
	for _, r := range Rivals() {
		var mean [3]float64
		for _, task := range all {
			for seed := range 3 {
				for i, v := range r.Run(task, seed, []int{5, 10, 20}) {
					mean[i] += v / 18
				}
			}
		}
		for i, v := range want[r.Name] {
			if math.Abs(mean[i]-v) > 0.00006 {
				t.Errorf("%s: mean regrets %.4f, want %.4f", r.Name, mean, want[r.Name])
				break
			}
		}
	}
}

// small is a task of nine configurations whose curves never cross.
func small() *Task {
	t := &Task{Name: "small", names: []string{"x"}}
	for i := range 9 {
		loss := make([]float64, 9)
		for s := range loss {
			loss[s] = float64(i+1) + 1/float64(s+1)
		}
		t.unit, t.loss = append(t.unit, []float64{float64(i)}), append(t.loss, loss)
	}
	t.finish()
	return t
}

func TestBudgetIsSpentStepByStep(t *testing.T) {
	task := small()
	for _, r := range Rivals() {
		got := r.Run(task, 1, []int{1, 4, 9})
		for i := range got {
			if !(got[i] >= 0) || i > 0 && got[i] > got[i-1] {
				t.Errorf("%s: regrets %v", r.Name, got)
			}
		}
		if len(got) != 3 || got[2] != 0 && r.Name == "full" {
			t.Errorf("%s: regrets %v", r.Name, got)
		}
	}
}

func TestOursPlay(t *testing.T) {
	task := small()
	registry := algorithms.All()
	for _, name := range []string{"medianstop", "asha"} {
		stopper, err := registry.NewStopper(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		rule := func(*problem.Twister, int) Rule { return Ours(stopper) }
		got := Stopped(task, rule, 1, []int{9})
		if len(got) != 1 || got[0] != 0 {
			t.Errorf("%s: regrets %v", name, got)
		}
	}
	s, err := task.Space()
	if err != nil {
		t.Fatal(err)
	}
	suggester, err := registry.NewSuggester("asha", suggest.Problem{Space: s, Seed: 1}, suggest.Settings{"resource_name": Resource})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Searched(task, suggester, []int{1, 20})
	if err != nil || len(got) != 2 || got[1] != 0 {
		t.Errorf("asha: regrets %v, %v", got, err)
	}
}

func TestAbsentCurvesAreSaid(t *testing.T) {
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("no curves are no trouble")
	}
}
