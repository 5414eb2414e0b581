package suggest

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"qalam/suggest/quantile"
)

// medianStop is the median stopping rule of
//
//	D. Golovin, B. Solnik, S. Moitra, G. Kochanski, J. Karro, D. Sculley, "Google Vizier: a service for black-box
//	optimization", KDD 2017, section 3.2.2:
//
// a running trial is stopped at step s when the best value it has reported is strictly worse than the median, over the
// finished trials, of their running averages: the mean of what each reported up to step s.
//
// Precisely: the finished trials compared are those that reported at step s. Where a running trial reports at a step at which
// fewer than min_trials_required finished trials did, s is the latest earlier step at which enough of them did; the best value
// counts its later reports too, which can only spare it. Neither side is looked at before its start_step-th report. The median of
// an even number is the mean of the middle two. A curve's reports are ordered by step; values that are no finite numbers do
// not count. From the 128th report on a finished trial's averages are kept at some of its reports only, ever more sparsely (see
// kept), so that long curves cost little.
//
// The rule percentile is the same but for two things: it compares with the best values that the finished trials had reached by
// then, not with averages, and with another rank among them than the middle one: a trial goes on while it is among the best of
// them. That is what Optuna's PercentilePruner does,
//
//	T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama, "Optuna: a next-generation hyperparameter optimization framework", KDD
//	2019, section 3.2,
//
// with its interpolation between ranks left away.
//
// Katib's rule of the name medianstop is katibStop.
type medianStop struct {
	minTrials int
	startStep int     // counted in reports
	fraction  float64 // of the finished trials that are better than the level of percentile; 0 for medianstop
	told      map[int]struct{}
	levels    map[int64]*quantile.Split // of finished trials, by step
	ready     []int64                   // steps with minTrials levels or more, in increasing order
	scratch   []report
}

// report is one value of a curve.
type report struct {
	step  int64
	value float64
}

func newMedianStop(settings Settings) (Stopper, error) {
	if settings["compat"] == "katib" {
		return newKatibStop(settings), nil
	}
	return &medianStop{
		minTrials: int(settings.Int("min_trials_required")), startStep: int(settings.Int("start_step")),
		told: map[int]struct{}{}, levels: map[int64]*quantile.Split{},
	}, nil
}

func newPercentile(settings Settings) (Stopper, error) {
	return &medianStop{
		minTrials: int(settings.Int("min_trials_required")), startStep: int(settings.Int("start_step")),
		fraction: settings.Float("percentile") / 100,
		told:     map[int]struct{}{}, levels: map[int64]*quantile.Split{},
	}, nil
}

// Tell adds the running averages, or the best values, of a finished trial; others do not count.
func (m *medianStop) Tell(finished Curve) {
	if _, ok := m.told[finished.Number]; ok || finished.State != Completed {
		return
	}
	m.told[finished.Number] = struct{}{}
	reports := m.reports(finished)
	mean, best := 0.0, math.Inf(1)
	for i, r := range reports {
		n := i + 1
		mean += r.value/float64(n) - mean/float64(n) // two quotients: the difference of the values may overflow
		best = min(best, r.value)
		lastOfStep := n == len(reports) || reports[n].step != r.step
		if n >= m.startStep && lastOfStep && kept(n) {
			m.add(r.step, mean, best)
		}
	}
}

func (m *medianStop) add(step int64, average, best float64) {
	at := m.levels[step]
	if at == nil {
		at = &quantile.Split{}
		m.levels[step] = at
	}
	if n := at.Len() + 1; m.fraction > 0 {
		at.Add(best, max(1, int(m.fraction*float64(n))))
	} else {
		at.Add(average, (n+1)/2)
	}
	if at.Len() == m.minTrials {
		i, _ := slices.BinarySearch(m.ready, step)
		m.ready = slices.Insert(m.ready, i, step)
	}
}

// kept reports whether the average at a trial's nth report is kept: all below 128, then every second, from 256 on every fourth,
// and so on, always the same so that trials share them.
func kept(n int) bool {
	drop := bits.Len(uint(n)) - 7
	return drop <= 0 || n&(1<<drop-1) == 0
}

// Judge compares a running trial with those that finished.
func (m *medianStop) Judge(running Curve) Verdict {
	best, last, n := math.Inf(1), int64(math.MinInt64), 0
	for i, v := range running.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		best, last, n = min(best, v), max(last, stepOf(running, i)), n+1
	}
	i, exact := slices.BinarySearch(m.ready, last)
	if exact {
		i++
	}
	if n == 0 || n < m.startStep || i == 0 {
		return Verdict{}
	}
	step := m.ready[i-1]
	at := m.levels[step]
	if m.fraction > 0 {
		if best <= at.Kth() {
			return Verdict{}
		}
		return Verdict{Stop: true, Reason: fmt.Sprintf(
			"its best value up to step %d, %.6g, is worse than %.6g, the best %.4g %% of %d finished trials at step %d (smaller is better)",
			last, best, at.Kth(), 100*m.fraction, at.Len(), step)}
	}
	middle := at.Kth()
	if at.Len()%2 == 0 {
		middle = middle/2 + at.Next()/2
	}
	if best <= middle {
		return Verdict{}
	}
	return Verdict{Stop: true, Reason: fmt.Sprintf(
		"its best value up to step %d, %.6g, is worse than %.6g, the median of the running averages of %d finished trials at step %d (smaller is better)",
		last, best, middle, at.Len(), step)}
}

// stepOf is the step of a curve's value i, its number from 1 where the curve names no steps.
func stepOf(c Curve, i int) int64 {
	if len(c.Steps) == len(c.Values) {
		return c.Steps[i]
	}
	return int64(i + 1)
}

// reports lists the finite values of a curve by step, those of one step in order of arrival. It is valid until the next call.
func (m *medianStop) reports(c Curve) []report {
	m.scratch = m.scratch[:0]
	for i, v := range c.Values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			m.scratch = append(m.scratch, report{stepOf(c, i), v})
		}
	}
	slices.SortStableFunc(m.scratch, func(a, b report) int { return cmp.Compare(a.step, b.step) })
	return m.scratch
}

// katibStop is Katib's rule of the name medianstop: at its start_step-th report, and at no other, a running trial's best value is
// compared with the mean, over the finished trials with as many reports, of the mean of their first start_step reports.
type katibStop struct {
	minTrials, startStep int
	told                 map[int]struct{}
	mean                 float64
	n                    int
}

func newKatibStop(settings Settings) *katibStop {
	return &katibStop{minTrials: int(settings.Int("min_trials_required")), startStep: int(settings.Int("start_step")), told: map[int]struct{}{}}
}

// Tell adds the mean of a finished trial's first reports; others do not count.
func (k *katibStop) Tell(finished Curve) {
	if _, ok := k.told[finished.Number]; ok || finished.State != Completed || len(finished.Values) < k.startStep {
		return
	}
	k.told[finished.Number] = struct{}{}
	mean := 0.0
	for i, v := range finished.Values[:k.startStep] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
		mean += v/float64(i+1) - mean/float64(i+1)
	}
	k.n++
	k.mean += mean/float64(k.n) - k.mean/float64(k.n)
}

// Judge compares the best of a running trial's first reports. Reports that arrive together are looked at together, so later
// ones are not counted rather than waited for.
func (k *katibStop) Judge(running Curve) Verdict {
	if k.n < k.minTrials || len(running.Values) < k.startStep {
		return Verdict{}
	}
	best := math.Inf(1)
	for _, v := range running.Values[:k.startStep] {
		best = min(best, v) // NaN spares
	}
	if !(best > k.mean) || math.IsInf(best, 1) {
		return Verdict{}
	}
	return Verdict{Stop: true, Reason: fmt.Sprintf(
		"the best of its first %d values, %.6g, is worse than %.6g, the mean of the first %d values of %d finished trials (smaller is better)",
		k.startStep, best, k.mean, k.startStep, k.n)}
}
