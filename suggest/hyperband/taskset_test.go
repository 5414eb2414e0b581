package hyperband

import (
	"fmt"
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
	"qalam/suggest/tpe"
)

func all() suggest.Registry {
	return suggest.Registry{Algorithms: Algorithms(Models{"tpe": tpe.New})}
}

// onCurves is the mean regret of an algorithm on the curves of TaskSet at each budget, in full runs, where a trial that continues
// another one pays for the further steps only.
func onCurves(t testing.TB, name string, settings suggest.Settings, parallel, seeds int, budgets ...int) []float64 {
	t.Helper()
	tasks := suggesttest.TaskSet(t)
	s := suggest.Settings{"resource_name": suggesttest.Resource}
	for k, v := range settings {
		s[k] = v
	}
	a, err := all().Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	means := make([]float64, len(budgets))
	for i, regrets := range suggesttest.FidelityRegrets(t, tasks, suggesttest.Options{Algorithm: a, Settings: s, Parallel: parallel}, true, seeds, budgets) {
		means[i] = suggesttest.Mean(regrets)
	}
	return means
}

// TestOnLearningCurves searches six tasks of TaskSet, with three seeds each, for ten full runs: twice as far as that brings
// random search, at 0.68 of the regret of the median configuration.
func TestOnLearningCurves(t *testing.T) {
	if testing.Short() {
		t.Skip("dozens of experiments")
	}
	for _, name := range []string{"asha", "hyperband", "bohb", "dehb"} {
		r := onCurves(t, name, nil, 1, 3, 10)
		t.Logf("%-10s @10 %.3f", name, r[0])
		if r[0] > 0.5 {
			t.Errorf("%s: regret %.3f", name, r[0])
		}
	}
}

// BenchmarkOnLearningCurves prints mean regrets after 5, 10, 20 and 50 full runs as metrics: -benchtime 1x.
func BenchmarkOnLearningCurves(b *testing.B) {
	for _, name := range []string{"asha", "hyperband", "bohb", "dehb"} {
		for _, parallel := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/parallel=%d", name, parallel), func(b *testing.B) {
				budgets := []int{5, 10, 20, 50}
				for b.Loop() {
					for i, mean := range onCurves(b, name, nil, parallel, 12, budgets...) {
						b.ReportMetric(mean, fmt.Sprintf("@%d", budgets[i]))
					}
				}
			})
		}
	}
}
