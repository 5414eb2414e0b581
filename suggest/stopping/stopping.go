// Package stopping holds early-stopping rules that look at running and stopped trials too, or at one trial alone. It knows the
// curves of trials, neither how they are trained nor what they try.
package stopping

import (
	"math"

	"qalam/suggest"
)

// StopRules lists the rules of this package.
func StopRules() []suggest.StopRule {
	return []suggest.StopRule{
		{
			Name: "asha", New: newASHA, Settings: halving("0", "0 means none: rungs go on"),
			Doc: "Stops a trial that is not among the best 1/reduction_factor at the rungs min_resource, min_resource·reduction_factor and so on.",
		},
		{
			Name: "hyperband", New: newHyperband, Settings: halving("81", "it tells how many brackets there are"),
			Doc: "asha in several brackets, of which some start with a later first rung: a hedge for curves that cross late.",
		},
		{
			Name: "curve", New: newCurve, Settings: curveSettings(),
			Doc: "Stops a trial whose curve, extrapolated and compared with similar ones, makes it less likely to become the best than a new trial.",
		},
		{
			Name: "patience", New: newPatience, Settings: patienceSettings(),
			Doc: "Stops a trial whose best value has not improved for a number of reports.",
		},
		{
			Name: "threshold", New: newThreshold, Settings: thresholdSettings(),
			Doc: "Stops a trial that reports a value worse than a bound.",
		},
		{
			Name: "wilcoxon", New: newWilcoxon, Settings: wilcoxonSettings(),
			Doc: "Stops a trial that reports a value for each fold or data set, when it is worse than the best trial on those that both have, by the signed-rank test.",
		},
	}
}

// startStep is Katib's setting of that name.
func startStep(reports string) suggest.Setting {
	return suggest.Setting{
		Name: "start_step", Kind: suggest.KindInt, Default: reports, Check: suggest.AtLeast(1),
		Doc: "Number of reports of the objective from which on a trial may be stopped; " + reports + " by default.",
	}
}

func halving(most, meaning string) []suggest.Setting {
	return []suggest.Setting{
		{
			Name: "min_resource", Kind: suggest.KindFloat, Default: "1", Check: positive,
			Doc: "Step of the first rung; 1 by default.",
		},
		{
			Name: "max_resource", Kind: suggest.KindFloat, Default: most, Check: suggest.Between(0, math.MaxFloat64),
			Doc: "Step at which a trial is done, where there is no rung any more; " + most + " by default (" + meaning + ").",
		},
		{
			Name: "reduction_factor", Kind: suggest.KindFloat, Default: "3", Check: suggest.Between(1.1, 1e6),
			Doc: "η: at each rung one of so many trials goes on, to so many times the step; 3 by default.",
		},
		{
			Name: "min_trials_required", Kind: suggest.KindInt, Default: "1", Check: suggest.AtLeast(1),
			Doc: "Number of other trials that must have reached a rung before any is stopped there; 1 by default.",
		},
		startStep("1"),
	}
}

func positive(value string) string { return suggest.Between(1e-300, math.MaxFloat64)(value) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// stepOf is the step of a curve's value i, its number from 1 where the curve names no steps.
func stepOf(c suggest.Curve, i int) int64 {
	if len(c.Steps) == len(c.Values) {
		return c.Steps[i]
	}
	return int64(i + 1)
}
