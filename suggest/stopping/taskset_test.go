package stopping

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// onCurves is the mean regret of a rule on the curves of TaskSet at each budget, in full runs; an empty name stops nothing.
func onCurves(t testing.TB, name string, settings suggest.Settings, parallel, seeds int, budgets ...int) []float64 {
	t.Helper()
	var o *suggesttest.StopperOptions
	if name != "" {
		registry := suggest.Registry{StopRules: slices.Concat(suggest.Builtin().StopRules, StopRules())}
		r, err := registry.LookupStopRule(name)
		if err != nil {
			t.Fatal(err)
		}
		o = &suggesttest.StopperOptions{Rule: r, Settings: settings}
	}
	return suggesttest.StopRegrets(t, o, parallel, seeds, budgets)
}

// TestOnLearningCurves stops trials of random configurations on the curves of TaskSet, six tasks and eight orders. 1 is the regret
// of the median configuration; measured on these tasks after 10 and 20 full runs: no stopping 0.68 and 0.50, the rules of Katib 0.60 and
// 0.43, of Vizier 0.61 and 0.39, Optuna's successive halving (η = 4) 0.40 and 0.22.
func TestOnLearningCurves(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of experiments")
	}
	for _, test := range []struct {
		name string
		most [2]float64
	}{
		{"medianstop", [2]float64{0.65, 0.40}},
		{"percentile", [2]float64{0.40, 0.20}},
		{"asha", [2]float64{0.40, 0.246}},
		{"curve", [2]float64{0.25, 0.18}},
	} {
		r := onCurves(t, test.name, nil, 1, 8, 10, 20)
		t.Logf("%-10s @10 %.3f  @20 %.3f", test.name, r[0], r[1])
		if r[0] > test.most[0] || r[1] > test.most[1] {
			t.Errorf("%s: regrets %.3f, more than %.3f", test.name, r, test.most)
		}
	}
}

// BenchmarkOnLearningCurves prints the mean regrets of all rules after 5, 10, 20 and 50 full runs as metrics: -benchtime 1x.
func BenchmarkOnLearningCurves(b *testing.B) {
	known := suggest.Settings{"max_resource": "51"}
	for _, rule := range []struct {
		name     string
		settings suggest.Settings
	}{
		{"", nil}, {"medianstop", nil}, {"medianstop", suggest.Settings{"compat": "katib"}}, {"percentile", nil}, {"asha", known},
		{"asha", suggest.Settings{"reduction_factor": "4"}}, {"hyperband", known}, {"patience", nil}, {"curve", nil}, {"curve", known},
		{"curve", suggest.Settings{"min_probability": "0.05"}},
	} {
		for _, parallel := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s %v/parallel=%d", cmp.Or(rule.name, "none"), rule.settings, parallel), func(b *testing.B) {
				budgets := []int{5, 10, 20, 50}
				for b.Loop() {
					for i, mean := range onCurves(b, rule.name, rule.settings, parallel, 12, budgets...) {
						b.ReportMetric(mean, fmt.Sprintf("@%d", budgets[i]))
					}
				}
			})
		}
	}
}

// TestCurveIsCalibrated predicts how much 900 trials a task will still improve after 5, 10 and 20 of 51 steps, when 100 others
// have been completed: the intervals that leave 5 % on each side must hold it in about nine of ten cases. Many do not improve at
// all, and are predicted to: what falls on such a point of the distribution is spread over it at random.
func TestCurveIsCalibrated(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of predictions")
	}
	held, all := 0, 0
	rng := rand.New(rand.NewPCG(1, 1))
	for _, task := range suggesttest.TaskSet(t) {
		s, err := newCurve(suggest.Settings{"start_step": "2", "min_trials_required": "1"})
		if err != nil {
			t.Fatal(err)
		}
		c := s.(*curve)
		for i, loss := range task.Loss[:100] {
			c.Tell(suggest.Curve{Number: i + 1, State: suggest.Completed, Values: loss})
		}
		for _, steps := range []int{5, 10, 20} {
			for i, loss := range task.Loss[100:] {
				me := track{number: 1000 + i}
				me.follow(suggest.Curve{Values: loss[:steps]})
				d, _ := c.predict(&me, float64(len(loss)))
				below, equal := d.around(me.z[len(me.z)-1] - slices.Min(loss))
				if u := below + rng.Float64()*equal; u >= 0.05 && u <= 0.95 {
					held++
				}
				all++
			}
		}
	}
	share := float64(held) / float64(all)
	t.Logf("90 %% intervals hold %.1f %% of %d", 100*share, all)
	if share < 0.85 || share > 0.95 {
		t.Error("they must hold from 85 % to 95 %")
	}
}

// around is the chance of an improvement by less than so much, and by just so much.
func (d *improvement) around(much float64) (below, equal float64) {
	sum := 0.0
	for i, by := range d.by {
		if d.open[i] {
			continue
		}
		sum += d.weight[i]
		if by < much-1e-12 {
			below += d.weight[i]
		} else if by <= much+1e-12 {
			equal += d.weight[i]
		}
	}
	return below / sum, equal / sum
}
