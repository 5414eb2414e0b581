package hyperband

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// TestOnLearningCurves searches the configurations of TaskSet.
func TestOnLearningCurves(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of experiments")
	}
	tasks := suggesttest.TaskSet(t)
	budgets := []int{5, 10, 20, 50}
	for _, test := range []struct {
		name     string
		settings suggest.Settings
		parallel int
	}{
		{"asha", nil, 1},
		{"asha", nil, 8},
		{"hyperband", nil, 1},
		{"dehb", nil, 1},
		{"dehb", nil, 8},
	} {
		s := suggest.Settings{"resource_name": suggesttest.Resource}
		for k, v := range test.settings {
			s[k] = v
		}
		o := suggesttest.Options{Algorithm: algorithm(t, test.name), Settings: s, Parallel: test.parallel}
		r := suggesttest.FidelityRegrets(t, tasks, o, true, 12, budgets)
		t.Logf("%-10s %v %d at a time: @5 %.3f  @10 %.3f  @20 %.3f  @50 %.3f", test.name, test.settings, test.parallel,
			suggesttest.Mean(r[0]), suggesttest.Mean(r[1]), suggesttest.Mean(r[2]), suggesttest.Mean(r[3]))
	}
}
