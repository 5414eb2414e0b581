package stopping

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// TestOnLearningCurves stops trials of random configurations on the curves of TaskSet.
func TestOnLearningCurves(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of experiments")
	}
	tasks := suggesttest.TaskSet(t)
	budgets := []int{5, 10, 20, 50}
	builtin := func(name string, settings suggest.Settings) *suggesttest.StopperOptions {
		r, err := suggest.Builtin().LookupStopRule(name)
		if err != nil {
			t.Fatal(err)
		}
		return &suggesttest.StopperOptions{Rule: r, Settings: settings}
	}
	ours := func(name string, settings suggest.Settings) *suggesttest.StopperOptions {
		o := rule(t, name, settings)
		return &o
	}
	for _, test := range []struct {
		name string
		o    *suggesttest.StopperOptions
	}{
		{"none", nil},
		{"medianstop", builtin("medianstop", nil)},
		{"medianstop compat", builtin("medianstop", suggest.Settings{"compat": "katib"})},
		{"percentile", builtin("percentile", nil)},
		{"asha", ours("asha", suggest.Settings{"max_resource": "51"})},
		{"asha open", ours("asha", nil)},
		{"asha 4", ours("asha", suggest.Settings{"reduction_factor": "4"})},
		{"hyperband", ours("hyperband", suggest.Settings{"max_resource": "51"})},
		{"patience", ours("patience", nil)},
	} {
		for _, parallel := range []int{1, 8} {
			r := suggesttest.StopRegrets(t, tasks, test.o, parallel, 12, budgets)
			t.Logf("%-18s %d at a time: @5 %.3f  @10 %.3f  @20 %.3f  @50 %.3f", test.name, parallel,
				suggesttest.Mean(r[0]), suggesttest.Mean(r[1]), suggesttest.Mean(r[2]), suggesttest.Mean(r[3]))
		}
	}
}
