package stopping

import (
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func rule(t testing.TB, name string, settings suggest.Settings) suggesttest.StopperOptions {
	t.Helper()
	r, err := suggest.Registry{StopRules: StopRules()}.LookupStopRule(name)
	if err != nil {
		t.Fatal(err)
	}
	return suggesttest.StopperOptions{Rule: r, Settings: settings, OrderIndependent: true}
}

func halvingRule(t testing.TB, name string, settings suggest.Settings) suggesttest.StopperOptions {
	o := rule(t, name, settings)
	o.SparesBest, o.StopsHopeless = true, true
	return o
}

func TestConformance(t *testing.T) {
	t.Run("asha", func(t *testing.T) { suggesttest.TestStopper(t, halvingRule(t, "asha", nil)) })
	t.Run("asha 4", func(t *testing.T) {
		suggesttest.TestStopper(t, halvingRule(t, "asha", suggest.Settings{
			"reduction_factor": "4", "max_resource": "50", "min_resource": "2.5", "min_trials_required": "5", "start_step": "3",
		}))
	})
	t.Run("hyperband", func(t *testing.T) { suggesttest.TestStopper(t, halvingRule(t, "hyperband", nil)) })
	t.Run("curve", func(t *testing.T) { suggesttest.TestStopper(t, halvingRule(t, "curve", nil)) })
	t.Run("curve, fixed", func(t *testing.T) {
		suggesttest.TestStopper(t, halvingRule(t, "curve", suggest.Settings{"min_probability": "0.05", "max_resource": "60", "min_trials_required": "3"}))
	})
	t.Run("patience", func(t *testing.T) { suggesttest.TestStopper(t, rule(t, "patience", nil)) })
	t.Run("threshold", func(t *testing.T) {
		o := rule(t, "threshold", suggest.Settings{"upper": "9"})
		o.StopsHopeless, o.SparesBest = true, true
		suggesttest.TestStopper(t, o)
	})
}

func BenchmarkJudge(b *testing.B) {
	for _, name := range []string{"asha", "curve"} {
		b.Run(name, func(b *testing.B) { suggesttest.BenchmarkJudge(b, halvingRule(b, name, nil)) })
	}
}

func BenchmarkTellCurve(b *testing.B) {
	for _, name := range []string{"asha", "curve"} {
		b.Run(name, func(b *testing.B) { suggesttest.BenchmarkTellCurve(b, halvingRule(b, name, nil)) })
	}
}
