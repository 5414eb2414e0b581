package view

import (
	"math"
	"slices"
	"time"

	"qalam/experiment"
	"qalam/space"
)

// Progress is what a person wants to know of a running experiment, kept up trial by trial at a cost that does not grow with
// their number. It is not safe for concurrent use.
type Progress struct {
	name      string
	algorithm string
	stopRule  string
	objective experiment.Objective
	space     *space.Space
	began     time.Time // of this run

	counts   experiment.Counts
	most     *int // maxTrialCount
	parallel int
	phase    experiment.Phase
	reason   string
	best     *experiment.Optimal
	gain     float64 // of the best over the one before; NaN when there was none
	bestAt   int     // trials that were over when the best was found
	history  []float64
	stride   int // trials per entry of history
	skipped  int
	active   []activeTrial // by number
	bad      []experiment.Trial
	mean     duration
	note     string // a line at the end of the drawing
}

// activeTrial is a trial that is not over, with its latest point.
type activeTrial struct {
	experiment.Trial
	step  int64
	value float64 // NaN before the first point
}

// duration is a mean that follows what is recent.
type duration struct {
	mean time.Duration
	n    int
}

func (d *duration) add(x time.Duration) {
	d.n++
	d.mean += (x - d.mean) / time.Duration(min(d.n, 32))
}

// maxHistory is the number of entries of the history that are kept; when there are more, every second one is left out.
const maxHistory = 1024

// maxBad is the number of failed trials that are remembered.
const maxBad = 3

// New begins to follow an experiment from the state it has. began is when this run began; before holds the values of the
// objective of the trials that are over already, in the order of their numbers, NaN where there is none.
func New(s *experiment.State, began time.Time, before []float64) *Progress {
	p := &Progress{
		name: s.Spec.Name, algorithm: s.Spec.Algorithm.Name, objective: s.Spec.Objective, space: s.Spec.Space,
		began: began, gain: math.NaN(), stride: 1,
	}
	if s.Spec.EarlyStopping != nil {
		p.stopRule = s.Spec.EarlyStopping.Name
	}
	best := math.NaN()
	for _, v := range before {
		if math.IsNaN(best) || p.objective.Cost(v) < p.objective.Cost(best) {
			best = v
		}
		p.remember(best)
	}
	for _, t := range s.Active {
		p.Trial(t)
	}
	p.Experiment(s)
	p.gain = math.NaN()
	return p
}

// Trial takes in a trial that has changed.
func (p *Progress) Trial(t experiment.Trial) {
	i, known := slices.BinarySearchFunc(p.active, t.Number, func(a activeTrial, n int) int { return a.Number - n })
	switch {
	case t.State.Terminal():
		if known {
			p.active = slices.Delete(p.active, i, i+1)
		}
		p.over(t)
	case known:
		if p.active[i].Attempt != t.Attempt {
			p.active[i].value = math.NaN()
		}
		p.active[i].Trial = t
	default:
		p.active = slices.Insert(p.active, i, activeTrial{Trial: t, value: math.NaN()})
	}
}

func (p *Progress) over(t experiment.Trial) {
	if t.State == experiment.TrialSucceeded && !t.Running.IsZero() {
		p.mean.add(t.Completed.Sub(t.Running))
	}
	if t.State == experiment.TrialFailed || t.State == experiment.TrialMetricsUnavailable {
		p.bad = append(p.bad, t)
		p.bad = p.bad[max(0, len(p.bad)-maxBad):]
	}
	best := math.NaN()
	if p.best != nil {
		best = p.best.Value
	}
	if v := p.objective.Value(t.Observation); t.State == experiment.TrialSucceeded && !math.IsNaN(v) &&
		(math.IsNaN(best) || p.objective.Cost(v) < p.objective.Cost(best)) {
		best = v
	}
	p.remember(best)
}

// remember adds the best value so far to the history.
func (p *Progress) remember(best float64) {
	if p.skipped++; p.skipped < p.stride {
		return
	}
	p.skipped = 0
	if p.history = append(p.history, best); len(p.history) < maxHistory {
		return
	}
	for i := range len(p.history) / 2 {
		p.history[i] = p.history[2*i+1]
	}
	p.history, p.stride = p.history[:len(p.history)/2], 2*p.stride
}

// Point takes in the latest value of the objective of a running trial.
func (p *Progress) Point(number int, step int64, value float64) {
	i, known := slices.BinarySearchFunc(p.active, number, func(a activeTrial, n int) int { return a.Number - n })
	if known {
		p.active[i].step, p.active[i].value = step, value
	}
}

// Experiment takes in what has changed of the experiment as a whole, and reports whether there is a new best trial.
func (p *Progress) Experiment(s *experiment.State) (newBest bool) {
	p.counts, p.phase, p.reason = s.Counts, s.Phase, s.Reason()
	p.most, p.parallel = s.Spec.MaxTrialCount, s.Spec.ParallelTrialCount
	if s.Optimal == nil || p.best != nil && s.Optimal.Number == p.best.Number {
		return false
	}
	p.gain = math.NaN()
	if p.best != nil {
		p.gain = s.Optimal.Value - p.best.Value
	}
	p.best, p.bestAt = s.Optimal, p.done()
	return true
}

// Note sets a line that is drawn last, "" for none.
func (p *Progress) Note(text string) { p.note = text }

// done is the number of trials that are over.
func (p *Progress) done() int { return p.counts.Total() - p.counts.Pending - p.counts.Running }

// left estimates how long the experiment goes on, from how long trials took; false while that is not known.
func (p *Progress) left(now time.Time) (time.Duration, bool) {
	if p.most == nil || p.mean.n == 0 || p.parallel < 1 || p.phase == experiment.Succeeded || p.phase == experiment.Failed {
		return 0, false
	}
	work := time.Duration(max(0, *p.most-p.done()-p.counts.Running)) * p.mean.mean
	for _, t := range p.active {
		if t.State == experiment.TrialRunning {
			work += max(0, p.mean.mean-now.Sub(t.Running))
		}
	}
	return work / time.Duration(p.parallel), true
}
