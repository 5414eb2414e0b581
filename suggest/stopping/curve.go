package stopping

import (
	"fmt"
	"math"
	"slices"

	"qalam/suggest"
)

// curve stops a trial when, for each step that it would still cost, a new trial is likelier to become the best one.
//
// The chance p that a trial at step t reaches by step R, the end of a full run, a value better than y*, the best of all others, is
// predicted from two sources, each a distribution of how much the best value y(t) will still improve.
//
// The trial's own curve, extrapolated by a power law, y(t) = c + a t^-b ("pow3" of
//
//	T. Domhan, J. T. Springenberg, F. Hutter, "Speeding up automatic hyperparameter optimization of deep neural networks by
//	extrapolation of learning curves", IJCAI 2015),
//
// by which it improves, in each doubling of t, 2^-b times as much as in the one before. The improvement of the last doubling is
// seen; b is not, and has a lognormal distribution around 1/2 with scale 1/2.
//
// The other trials, as in freeze-thaw optimisation,
//
//	K. Swersky, J. Snoek, R. P. Adams, "Freeze-thaw Bayesian optimization", arXiv:1406.3896 (2014),
//
// but without a parametric model, which plateaus and sudden drops would belie: how much those improved from t on that were alike at
// t. Alike are those of similar rank in value, and of similar rank in the improvement of the last doubling. Of a trial that was
// stopped it is only known how far it came, so that it counts if that is far enough already, and not at all otherwise.
//
// A new trial becomes the best of n+1 with chance 1/(n+1), whatever the distribution, at the price of the C steps that a trial has
// cost on average. So a trial is stopped when p/(R-t) is less than a fraction of 1/((n+1) C).
type curve struct {
	R         float64 // the end of a full run; 0 means that of the longest completed trial
	least     float64 // fixed threshold for p; 0 means the one above
	minTrials int
	startStep int // counted in reports

	told    map[int]*track
	best    [2]*track // the best two, so that one can be left out
	similar []int     // numbers of the trials to compare with
	halved  int       // how often that list was thinned out
	over    int       // trials that are over
	steps   float64   // that those took
	longest float64   // last step of the longest completed trial
}

const (
	perDoubling = 4   // points at which a track is kept for each doubling of the step
	mostSimilar = 256 // trials to compare with, at most
	fraction    = 0.5 // of a new trial's chance per step that a trial must have
	ownWeight   = 0.5 // of the trial's own extrapolation, in trials that are exactly alike
	valueWidth  = 0.3 // standard deviations of what is alike, in ranks from 0 to 1: of the value,
	slopeWidth  = 0.5 // and of the improvement
)

// exponents are seven equally likely values of b.
var exponents = func() (b [7]float64) {
	for i, z := range []float64{-1.465, -0.792, -0.366, 0, 0.366, 0.792, 1.465} { // standard normal at (i+1/2)/7
		b[i] = 0.5 * math.Exp(0.5*z)
	}
	return b
}()

func curveSettings() []suggest.Setting {
	return []suggest.Setting{
		{
			Name: "max_resource", Kind: suggest.KindFloat, Default: "0", Check: suggest.Between(0, math.MaxFloat64),
			Doc: "Last step of a full run; 0, the default, means that of the longest completed trial.",
		},
		{
			Name: "min_probability", Kind: suggest.KindFloat, Default: "0", Check: suggest.Between(0, 1),
			Doc: "The least chance to become the best trial with which one may go on; 0, the default, asks for half of a new trial's chance per step.",
		},
		{
			Name: "min_trials_required", Kind: suggest.KindInt, Default: "1", Check: suggest.AtLeast(1),
			Doc: "Number of other trials that must have come as far before one is stopped; 1 by default.",
		},
		startStep("2"),
	}
}

func newCurve(settings suggest.Settings) (suggest.Stopper, error) {
	return &curve{
		R: settings.Float("max_resource"), least: settings.Float("min_probability"),
		minTrials: int(settings.Int("min_trials_required")), startStep: int(settings.Int("start_step")), told: map[int]*track{},
	}, nil
}

// track is a curve made comparable: its best value at steps 2^(m/perDoubling).
type track struct {
	number  int
	state   suggest.State
	reports int       // that were looked at
	z       []float64 // the best value when step 2^(m/perDoubling) was reached, by m; nil where no longer needed
	best    float64
	last    int64 // the largest step
}

// mark is the last m whose step 2^(m/perDoubling) is reached.
func mark(step int64) int {
	return int(math.Floor(perDoubling*math.Log2(float64(max(step, 1))) + 1e-9))
}

// follow looks at the reports of a curve that were not looked at yet.
func (t *track) follow(c suggest.Curve) {
	if t.reports == 0 {
		t.best, t.last = math.Inf(1), math.MinInt64
	}
	for i := t.reports; i < len(c.Values); i++ {
		if v := c.Values[i]; finite(v) {
			t.best, t.last = min(t.best, v), max(t.last, stepOf(c, i))
			for m := mark(stepOf(c, i)); len(t.z) <= m; {
				t.z = append(t.z, t.best)
			}
		}
	}
	t.reports = max(t.reports, len(c.Values))
}

// slope is the improvement over the doubling before m, or over as much of one as there was, stretched.
func (t *track) slope(m int) float64 {
	switch {
	case m == 0:
		return 0
	case m < perDoubling:
		return (t.z[0] - t.z[m]) * perDoubling / float64(m)
	default:
		return t.z[m-perDoubling] - t.z[m]
	}
}

// Tell follows a trial, whatever its state.
func (c *curve) Tell(known suggest.Curve) {
	t := c.told[known.Number]
	if t == nil {
		t = &track{number: known.Number}
		c.told[known.Number] = t
		c.compareWith(t)
	}
	if t.state != suggest.Pending { // it was over before
		return
	}
	t.follow(known)
	if t.state = known.State; t.state != suggest.Pending {
		c.over++
		c.steps += float64(max(t.last, 1))
		if !c.compares(t.number) {
			t.z = nil
		}
	}
	if t.state == suggest.Completed {
		c.longest = max(c.longest, float64(t.last))
	}
	switch {
	case t.reports == 0:
	case c.best[0] == nil || c.best[0] == t || better(t, c.best[0]):
		if c.best[0] != t {
			c.best[0], c.best[1] = t, c.best[0]
		}
	case c.best[1] == nil || better(t, c.best[1]):
		c.best[1] = t
	}
}

func better(a, b *track) bool { return a.best < b.best || a.best == b.best && a.number < b.number }

// compares reports whether a trial is one of those to compare with. Halving the fraction of those, which are spread evenly by
// the golden ratio, leaves the same ones whatever the order in which they came.
func (c *curve) compares(number int) bool {
	return math.Mod(float64(number)*(math.Phi-1), 1) < math.Pow(0.5, float64(c.halved))
}

func (c *curve) compareWith(t *track) {
	if !c.compares(t.number) {
		return
	}
	i, _ := slices.BinarySearch(c.similar, t.number)
	c.similar = slices.Insert(c.similar, i, t.number)
	for len(c.similar) > mostSimilar && c.halved < 50 {
		c.halved++
		c.similar = slices.DeleteFunc(c.similar, func(n int) bool {
			gone := !c.compares(n)
			if u := c.told[n]; gone && u.state != suggest.Pending {
				u.z = nil
			}
			return gone
		})
	}
}

// Judge weighs a running trial's chance against a new one's.
func (c *curve) Judge(running suggest.Curve) suggest.Verdict {
	if len(running.Values) < c.startStep {
		return suggest.Verdict{}
	}
	me := track{number: running.Number}
	me.follow(running)
	R := c.R
	if R == 0 {
		R = c.longest
	}
	rival := c.best[0]
	if rival != nil && rival.number == me.number {
		rival = c.best[1]
	}
	if rival == nil || len(me.z) == 0 || me.best <= rival.best || !(float64(me.last) < R) {
		return suggest.Verdict{}
	}
	d, others := c.predict(&me, R)
	p, threshold := d.atLeast(me.best-rival.best), c.least
	if threshold == 0 {
		threshold = c.fair(&me, R)
	}
	if others < c.minTrials || p >= threshold {
		return suggest.Verdict{}
	}
	return suggest.Verdict{Stop: true, Reason: fmt.Sprintf(
		"its best value up to step %d is %.6g; the chance that it gets below %.6g, the best of the others, by step %.6g is %.3g, and %.3g is the least with which one may go on (smaller is better)",
		me.last, me.best, rival.best, R, p, threshold)}
}

// fair is the fraction of a new trial's chance to be the best, for what the rest of a trial costs.
func (c *curve) fair(me *track, R float64) float64 {
	n, C := len(c.told), R
	if c.told[me.number] != nil {
		n--
	}
	if c.over > 0 {
		C = c.steps / float64(c.over)
	}
	return min(fraction/float64(n+1)*(R-float64(max(me.last, 0)))/C, 0.5)
}

// improvement is a distribution of how much a trial will still improve: outcomes with weights.
type improvement struct {
	by     []float64
	weight []float64
	open   []bool // of trials that were not completed: they may have improved by more
}

func (d *improvement) add(by, weight float64, open bool) {
	d.by, d.weight, d.open = append(d.by, by), append(d.weight, weight), append(d.open, open)
}

// atLeast is the chance of an improvement by more than so much.
func (d *improvement) atLeast(much float64) float64 {
	sum, hit := 0.0, 0.0
	for i, by := range d.by {
		switch {
		case by > much:
			hit += d.weight[i]
			sum += d.weight[i]
		case !d.open[i]:
			sum += d.weight[i]
		}
	}
	return hit / sum
}

// predict says how much a trial will improve up to step R, and how many others came as far as it.
func (c *curve) predict(me *track, R float64) (improvement, int) {
	var d improvement
	m := len(me.z) - 1
	slope := me.slope(m)
	doublings := max(0, math.Log2(R)-float64(m)/perDoubling)
	for _, b := range exponents {
		r := math.Exp2(-b)
		d.add(slope*r*(1-math.Pow(r, doublings))/(1-r), ownWeight/float64(len(exponents)), false)
	}
	var others []*track
	var values, slopes []float64
	for _, n := range c.similar {
		if t := c.told[n]; n != me.number && len(t.z) > m {
			others = append(others, t)
			values, slopes = append(values, t.z[m]), append(slopes, t.slope(m))
		}
	}
	sortedValues, sortedSlopes := slices.Sorted(slices.Values(values)), slices.Sorted(slices.Values(slopes))
	value, rise := rank(sortedValues, me.z[m]), rank(sortedSlopes, slope)
	for i, t := range others {
		x, y := (rank(sortedValues, values[i])-value)/valueWidth, (rank(sortedSlopes, slopes[i])-rise)/slopeWidth
		d.add(t.z[m]-t.best, math.Exp(-(x*x+y*y)/2), t.state != suggest.Completed)
	}
	return d, len(others)
}

// rank is where a value stands among sorted ones, from 0 to 1, in the middle of those that equal it.
func rank(sorted []float64, v float64) float64 {
	low, _ := slices.BinarySearch(sorted, v)
	high := low
	for high < len(sorted) && sorted[high] == v {
		high++
	}
	return (float64(low+high) + 1) / float64(2*len(sorted)+2)
}
