package suggest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"qalam/space"
)

// Where results are noisy, the best of many is a lucky one. repeating tries promising assignments again and hands the mean of
// their results to the algorithm behind it, which knows nothing of repetitions. What is to be repeated follows
//
//	S. Kalyanakrishnan, A. Tewari, P. Auer, P. Stone, "PAC subset selection in stochastic multi-armed bandits", ICML 2012
//	(LUCB): of the point that leads and the one that may be better, the one that is known less,
//
// with intervals that are as wide as the results of repeated points have shown:
//
//	ȳ_i   mean of the n_i results of point i
//	s²    Σ_i Σ_k (y_ik - ȳ_i)² / Σ_i (n_i - 1), the pooled variance of the results
//	h     leader: the least ȳ_i of the points with two or more results
//	l     challenger: the least ȳ_i - c s/√n_i of the others; where that is not below ȳ_h + c s/√n_h, both are told apart
//
// Before anything is known of s, the best points are repeated once. Trials whose number makes the share of repetitions reach the
// next whole number may be repetitions; where none is wanted, they are the algorithm's. Where the budget is known, all are in its
// second half: those before would be of points that are surpassed later.
type repeating struct {
	build func() (Suggester, error) // makes the algorithm anew
	inner Suggester
	stale bool // the algorithm has to be made anew, since the numbers of its trials have changed
	space *space.Space
	rules Repetition
	from  int     // the first trial that may be a repetition
	share float64 // of the trials from there on

	own     []int // numbers of the algorithm's trials, in order
	repeats []int // numbers of repetitions, in order
	trials  map[int]*Outcome
	points  map[int]*tried // by the number of the first trial
}

// Repetition says how far promising assignments are tried again.
type Repetition struct {
	Share float64 // the largest part of the trials that are repetitions; 0 means none
	Most  int     // how often one assignment is tried in all
}

// NoRepetition tries nothing again, whatever the algorithm wants.
func NoRepetition() Repetition { return Repetition{Most: 1} }

const (
	repeatedFrom    = 10  // results before the first repetition
	repeatedFirst   = 3   // points repeated before anything is known of the noise
	mostRepetitions = 500 // in one experiment: whoever sums it up keeps them all
	intervalWidth   = 1.0 // c
)

// tried is a point with all its trials.
type tried struct {
	first   *Outcome   // nil while only repetitions were told
	repeats []*Outcome // by number

	results int     // completed trials
	pending int     // repetitions without a result yet
	mean    float64 // of the results
	squares float64 // Σ_k (y_ik - ȳ_i)²
}

// RepeatsLabel is the label of a Suggestion that names, by its number, the trial that the new one repeats.
const RepeatsLabel = "qalam.dev/repeats"

// Repeats is the number of the trial that one with these labels repeats.
func Repeats(labels map[string]string) (number int, ok bool) {
	number, err := strconv.Atoi(labels[RepeatsLabel])
	return number, err == nil && number > 0
}

// repeated puts repetitions before an algorithm.
func repeated(build func() (Suggester, error), p Problem) (Suggester, error) {
	inner, err := build()
	if err != nil || !(p.Repetition.Share > 0) {
		return inner, err
	}
	half := p.MaxTrials / 2
	share := p.Repetition.Share
	if half > 0 {
		share = min(1, share*float64(p.MaxTrials)/float64(p.MaxTrials-half))
	}
	return &repeating{
		build: build, inner: inner, space: p.Space, rules: p.Repetition, from: half + 1, share: share,
		trials: map[int]*Outcome{}, points: map[int]*tried{},
	}, nil
}

// Tell takes outcomes in and hands on what became of points.
func (r *repeating) Tell(outcomes []Outcome) error {
	var news []Outcome
	for _, o := range outcomes {
		if o.Number < 1 {
			continue
		}
		if r.space.Contains(o.Assignment) {
			normalize(&o)
		}
		if old := r.trials[o.Number]; old != nil {
			if same(old, &o) {
				continue
			}
			if r.pointOf(old) != r.pointOf(&o) {
				r.remove(old)
			}
		}
		r.add(&o)
		p := r.points[r.pointOf(&o)]
		if p.first != nil && !r.stale {
			news = append(news, r.pooled(p))
		}
	}
	if len(news) == 0 || r.stale {
		return nil
	}
	return r.inner.Tell(news)
}

// pointOf is the number of the first trial of an outcome's point.
func (r *repeating) pointOf(o *Outcome) int {
	if of, ok := Repeats(o.Labels); ok && of != o.Number {
		return of
	}
	return o.Number
}

// add takes a trial in, in the place of what was known of it.
func (r *repeating) add(o *Outcome) {
	_, known := r.trials[o.Number]
	r.trials[o.Number] = o
	at := r.pointOf(o)
	p := r.points[at]
	if p == nil {
		p = &tried{}
		r.points[at] = p
	}
	if at == o.Number {
		p.first = o
		if !known {
			insert(&r.own, o.Number)
		}
	} else {
		i, _ := slices.BinarySearchFunc(p.repeats, o.Number, func(k *Outcome, n int) int { return cmp.Compare(k.Number, n) })
		if known {
			p.repeats[i] = o
		} else {
			p.repeats = slices.Insert(p.repeats, i, o)
			insert(&r.repeats, o.Number)
			r.shift(o.Number)
		}
	}
	p.sum()
}

// remove takes a trial out whose point has changed.
func (r *repeating) remove(o *Outcome) {
	at := r.pointOf(o)
	p := r.points[at]
	list := &r.own
	if at == o.Number {
		p.first = nil
	} else {
		p.repeats = slices.DeleteFunc(p.repeats, func(k *Outcome) bool { return k == o })
		list = &r.repeats
	}
	if i, known := slices.BinarySearch(*list, o.Number); known {
		*list = slices.Delete(*list, i, i+1)
	}
	r.stale = true
	p.sum()
	delete(r.trials, o.Number)
}

func insert(sorted *[]int, number int) {
	i, _ := slices.BinarySearch(*sorted, number)
	*sorted = slices.Insert(*sorted, i, number)
}

// shift notes that a repetition has come up before trials that the algorithm knows by other numbers.
func (r *repeating) shift(number int) {
	r.stale = r.stale || len(r.own) > 0 && r.own[len(r.own)-1] > number
}

// sum computes what is known of a point, in the order of its trials.
func (p *tried) sum() {
	p.results, p.pending, p.mean, p.squares = 0, 0, 0, 0
	base, sum, parts := 0.0, 0.0, 0.0
	p.each(func(o *Outcome) {
		switch o.State {
		case Completed:
			if p.results == 0 {
				base = o.Value
			}
			sum += o.Value - base // so that the mean of equal values is that value
			p.results++
		case Pending:
			p.pending++
		}
	})
	if p.results == 0 {
		return
	}
	n := float64(p.results)
	if p.mean = base + sum/n; !finite(p.mean) { // the values are almost too large to be numbers
		p.each(func(o *Outcome) {
			if o.State == Completed {
				parts += o.Value / n
			}
		})
		p.mean = parts
	}
	p.each(func(o *Outcome) {
		if o.State == Completed {
			p.squares += (o.Value - p.mean) * (o.Value - p.mean)
		}
	})
}

// each goes through the trials of a point.
func (p *tried) each(f func(*Outcome)) {
	if p.first != nil {
		f(p.first)
	}
	for _, o := range p.repeats {
		f(o)
	}
}

// pooled is what the algorithm is told of a point: of its first trial, with the means of all results.
func (r *repeating) pooled(p *tried) Outcome {
	o := *p.first
	o.Number -= r.before(o.Number)
	if p.results == 0 || len(p.repeats) == 0 {
		return o
	}
	o.State, o.Value, o.Violations = Completed, p.mean, nil
	p.each(func(k *Outcome) {
		if k.State == Completed {
			o.Violations = addTo(o.Violations, k.Violations)
		}
	})
	for i := range o.Violations {
		o.Violations[i] /= float64(p.results)
	}
	return o
}

// addTo adds up lists of one length; what is missing in one is NaN.
func addTo(sums, more []float64) []float64 {
	if sums == nil {
		return slices.Clone(more)
	}
	for i := range sums {
		if i < len(more) {
			sums[i] += more[i]
		} else {
			sums[i] = math.NaN()
		}
	}
	return sums
}

// before is the number of repetitions before a trial.
func (r *repeating) before(number int) int {
	i, _ := slices.BinarySearch(r.repeats, number)
	return i
}

// refresh makes the algorithm anew where its trials have got other numbers.
func (r *repeating) refresh() error {
	if !r.stale {
		return nil
	}
	inner, err := r.build()
	if err != nil {
		return err
	}
	var all []Outcome
	for _, number := range r.own {
		all = append(all, r.pooled(r.points[number]))
	}
	r.inner, r.stale = inner, false
	return inner.Tell(all)
}

// Ask proposes repetitions for some trials and asks the algorithm for the others.
func (r *repeating) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, ErrNumber
	}
	if n <= 0 {
		return nil, nil
	}
	if err := r.refresh(); err != nil {
		return nil, err
	}
	chosen := r.choose(first, n)
	own := n
	for _, p := range chosen {
		if p != nil {
			own--
		}
	}
	var fresh []Suggestion
	var err error
	if own > 0 {
		if fresh, err = r.inner.Ask(first-r.before(first), own); err != nil && !errors.Is(err, ErrExhausted) && !errors.Is(err, ErrWait) {
			return nil, err
		}
	}
	suggestions := make([]Suggestion, 0, n)
	for _, p := range chosen {
		switch {
		case p != nil:
			suggestions = append(suggestions, Suggestion{
				Assignment: slices.Clone(p.first.Assignment), Labels: map[string]string{RepeatsLabel: strconv.Itoa(p.first.Number)},
				Note: fmt.Sprintf("repeats trial %d, which is among the best so far", p.first.Number),
			})
		case len(fresh) > 0:
			suggestions, fresh = append(suggestions, fresh[0]), fresh[1:]
		default:
			return suggestions, err
		}
	}
	return suggestions, nil
}

// choose decides for each of some trials which point it repeats; nil for those of the algorithm.
func (r *repeating) choose(first, n int) []*tried {
	chosen := make([]*tried, n)
	var c *contest
	for i := range chosen {
		after := float64(first + i - r.from)
		if after < 0 || math.Floor((after+1)*r.share) == math.Floor(after*r.share) {
			continue
		}
		if c == nil {
			c = r.newContest()
		}
		if chosen[i] = c.next(); chosen[i] != nil {
			c.asked[chosen[i]]++
			c.left--
		}
	}
	return chosen
}

// contest is what is known of the points when repetitions are chosen.
type contest struct {
	points  []*tried // with a result, that keep the constraints, in the order of their first trials
	asked   map[*tried]int
	most    int
	left    int     // repetitions that may still be made
	freedom int     // Σ_i (n_i - 1)
	s       float64 // standard deviation of the results of one point
}

func (r *repeating) newContest() *contest {
	c := &contest{asked: map[*tried]int{}, most: r.rules.Most, left: mostRepetitions - len(r.repeats)}
	squares := 0.0
	for _, number := range r.own {
		p := r.points[number]
		if p.results == 0 || p.first.State == Pending {
			continue
		}
		c.freedom += p.results - 1
		squares += p.squares
		if o := r.pooled(p); o.Feasible() && r.space.Contains(o.Assignment) {
			c.points = append(c.points, p)
		}
	}
	if c.freedom > 0 {
		c.s = math.Sqrt(squares / float64(c.freedom))
	}
	return c
}

// tries is how often a point was tried or is being tried.
func (c *contest) tries(p *tried) int { return p.results + p.pending + c.asked[p] }

func (c *contest) half(p *tried) float64 { return intervalWidth * c.s / math.Sqrt(float64(p.results)) }

// next is the point to be repeated next; nil where there is none.
func (c *contest) next() *tried {
	if len(c.points) < repeatedFrom || c.left <= 0 {
		return nil
	}
	if c.freedom < repeatedFirst {
		return c.once()
	}
	if !(c.s > 0) {
		return nil // the same again and again: nothing is to be learnt
	}
	leader := least(c.points, func(p *tried) float64 {
		if p.results < 2 {
			return math.NaN()
		}
		return p.mean
	})
	if leader == nil {
		return nil
	}
	challenger := least(c.points, func(p *tried) float64 {
		if p == leader || c.tries(p) >= c.most {
			return math.NaN()
		}
		return p.mean - c.half(p)
	})
	switch {
	case challenger == nil || !(challenger.mean-c.half(challenger) < leader.mean+c.half(leader)):
		return nil
	case c.tries(leader) < c.most && c.tries(leader) <= c.tries(challenger):
		return leader
	}
	return challenger
}

// once is the best of the few points that are repeated before anything is known of the noise.
func (c *contest) once() *tried {
	few := slices.Clone(c.points)
	slices.SortStableFunc(few, func(a, b *tried) int { return cmp.Compare(a.mean, b.mean) })
	for _, p := range few[:repeatedFirst] {
		if c.tries(p) < 2 {
			return p
		}
	}
	return nil
}

// least is the first of the points of which a function is least; nil where it is NaN of all.
func least(points []*tried, of func(*tried) float64) (best *tried) {
	low := math.NaN()
	for _, p := range points {
		if v := of(p); !math.IsNaN(v) && !(v >= low) {
			best, low = p, v
		}
	}
	return best
}
