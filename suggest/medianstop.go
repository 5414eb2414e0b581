package suggest

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
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
// Katib's rule of that name compares with the mean of the finished trials' averages over their first start_step reports, and
// only once.
type medianStop struct {
	minTrials int
	startStep int // counted in reports
	told      map[int]struct{}
	averages  map[int64]*median // running averages of finished trials, by step
	ready     []int64           // steps with minTrials averages or more, in increasing order
	scratch   []report
}

// report is one value of a curve.
type report struct {
	step  int64
	value float64
}

func newMedianStop(settings Settings) (Stopper, error) {
	return &medianStop{
		minTrials: int(settings.Int("min_trials_required")), startStep: int(settings.Int("start_step")),
		told: map[int]struct{}{}, averages: map[int64]*median{},
	}, nil
}

// Tell adds the running averages of a finished trial; others do not count.
func (m *medianStop) Tell(finished Curve) {
	if _, ok := m.told[finished.Number]; ok || finished.State != Completed {
		return
	}
	m.told[finished.Number] = struct{}{}
	reports := m.reports(finished)
	mean := 0.0
	for i, r := range reports {
		n := i + 1
		mean += r.value/float64(n) - mean/float64(n) // two quotients: the difference of the values may overflow
		lastOfStep := n == len(reports) || reports[n].step != r.step
		if n >= m.startStep && lastOfStep && kept(n) {
			m.add(r.step, mean)
		}
	}
}

func (m *medianStop) add(step int64, average float64) {
	at := m.averages[step]
	if at == nil {
		at = &median{}
		m.averages[step] = at
	}
	at.add(average)
	if at.len() == m.minTrials {
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
	at := m.averages[step]
	middle := at.middle()
	if best <= middle {
		return Verdict{}
	}
	return Verdict{Stop: true, Reason: fmt.Sprintf(
		"its best value up to step %d, %.6g, is worse than %.6g, the median of the running averages of %d finished trials at step %d (smaller is better)",
		last, best, middle, at.len(), step)}
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

// median keeps numbers in two heaps that meet in the middle: adding one costs a logarithm, the median nothing.
type median struct {
	lower heap // the smaller half, negated, so that its top is the largest; one more than upper when odd
	upper heap // the larger half
}

func (m *median) len() int { return len(m.lower) + len(m.upper) }

func (m *median) add(v float64) {
	if len(m.lower) == len(m.upper) {
		m.upper.push(v)
		m.lower.push(-m.upper.pop())
	} else {
		m.lower.push(-v)
		m.upper.push(-m.lower.pop())
	}
}

func (m *median) middle() float64 {
	if len(m.lower) > len(m.upper) {
		return -m.lower[0]
	}
	return -m.lower[0]/2 + m.upper[0]/2
}

// heap is a binary heap with the smallest number at its top, index 0.
type heap []float64

func (h *heap) push(v float64) {
	*h = append(*h, v)
	a := *h
	for i := len(a) - 1; i > 0; {
		parent := (i - 1) / 2
		if a[parent] <= a[i] {
			break
		}
		a[parent], a[i] = a[i], a[parent]
		i = parent
	}
}

func (h *heap) pop() float64 {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	*h = a[:last]
	a = a[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if a[child] < a[least] {
				least = child
			}
		}
		if least == i {
			return top
		}
		a[i], a[least] = a[least], a[i]
		i = least
	}
}
