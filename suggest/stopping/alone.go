package stopping

import (
	"fmt"
	"math"

	"qalam/suggest"
)

// alone is what rules embed that look at one trial alone.
type alone struct{}

// Tell has nothing to learn.
func (alone) Tell(suggest.Curve) {}

// diverged stops a trial whose last reports, so many at least, were no finite number: what has once become NaN rarely comes back.
type diverged struct{ most int }

func divergedSetting(most string) suggest.Setting {
	return suggest.Setting{
		Name: "max_nonfinite", Kind: suggest.KindInt, Default: most, Check: suggest.AtLeast(0),
		Doc: "A trial is stopped after so many reports in a row that are no finite number, such as NaN; " + most + " by default, 0 means never.",
	}
}

func (d diverged) judge(running suggest.Curve) suggest.Verdict {
	if d.most == 0 || running.NonFinite < d.most {
		return suggest.Verdict{}
	}
	return suggest.Verdict{Stop: true, Reason: fmt.Sprintf("its last %d values are no finite numbers", running.NonFinite)}
}

// patience stops a trial that stands still: its best value has improved by no more than delta over its last so many reports. Its
// first reports, before startStep, count as one, so that a slow start costs no patience.
type patience struct {
	alone
	diverged
	reports   int
	delta     float64
	startStep int
}

func patienceSettings() []suggest.Setting {
	return []suggest.Setting{
		{
			Name: "patience", Kind: suggest.KindInt, Default: "10", Check: suggest.AtLeast(1),
			Doc: "Number of reports without improvement after which a trial is stopped; 10 by default.",
		},
		{
			Name: "min_delta", Kind: suggest.KindFloat, Default: "0", Check: suggest.Between(0, math.MaxFloat64),
			Doc: "By how much a value must be better than the best before it, to be an improvement; any by default.",
		},
		divergedSetting("10"),
		startStep("1"),
	}
}

func newPatience(settings suggest.Settings) (suggest.Stopper, error) {
	return &patience{
		reports: int(settings.Int("patience")), delta: settings.Float("min_delta"), startStep: int(settings.Int("start_step")),
		diverged: diverged{int(settings.Int("max_nonfinite"))},
	}, nil
}

// Judge counts a running trial's reports since its last improvement.
func (p *patience) Judge(running suggest.Curve) suggest.Verdict {
	if v := p.judge(running); v.Stop {
		return v
	}
	best, at, n := math.Inf(1), 0, 0
	for _, v := range running.Values {
		if !finite(v) {
			continue
		}
		n++
		switch {
		case n <= p.startStep:
			best, at = min(best, v), n
		case v < best-p.delta: // false for differences beyond the largest number, which are improvements of no trial
			best, at = v, n
		}
	}
	if n-at < p.reports {
		return suggest.Verdict{}
	}
	return suggest.Verdict{Stop: true, Reason: fmt.Sprintf("its last %d values are not better than %.6g by more than %.6g (smaller is better)", n-at, best, p.delta)}
}

// threshold stops a trial that reports a value beyond a bound, in the direction in which the user counts.
type threshold struct {
	alone
	diverged
	lower, upper float64
	sign         float64 // of the user's values: -1 where larger is better
	startStep    int
}

func thresholdSettings() []suggest.Setting {
	return []suggest.Setting{
		{Name: "lower", Kind: suggest.KindFloat, Doc: "A trial that reports a smaller value is stopped; none by default."},
		{Name: "upper", Kind: suggest.KindFloat, Doc: "A trial that reports a larger value is stopped; none by default."},
		{
			Name: suggest.ObjectiveType, Kind: suggest.KindString, Check: suggest.OneOf("minimize", "maximize"),
			Doc: "The objective's type, which tells in which direction lower and upper count; the Experiment's own unless given.",
		},
		divergedSetting("3"),
		startStep("1"),
	}
}

func newThreshold(settings suggest.Settings) (suggest.Stopper, error) {
	t := &threshold{lower: math.Inf(-1), upper: math.Inf(1), sign: 1, startStep: int(settings.Int("start_step")), diverged: diverged{int(settings.Int("max_nonfinite"))}}
	if settings[suggest.ObjectiveType] == "maximize" {
		t.sign = -1
	}
	if settings["lower"] != "" {
		t.lower = settings.Float("lower")
	}
	if settings["upper"] != "" {
		t.upper = settings.Float("upper")
	}
	return t, nil
}

// Judge looks at each value of a running trial from its startStep-th on.
func (t *threshold) Judge(running suggest.Curve) suggest.Verdict {
	if v := t.judge(running); v.Stop {
		return v
	}
	n := 0
	for i, v := range running.Values {
		if !finite(v) {
			continue
		}
		n++
		v *= t.sign
		switch {
		case n < t.startStep:
		case v < t.lower:
			return suggest.Verdict{Stop: true, Reason: fmt.Sprintf("its value at step %d, %.6g, is below %.6g", stepOf(running, i), v, t.lower)}
		case v > t.upper:
			return suggest.Verdict{Stop: true, Reason: fmt.Sprintf("its value at step %d, %.6g, is above %.6g", stepOf(running, i), v, t.upper)}
		}
	}
	return suggest.Verdict{}
}
