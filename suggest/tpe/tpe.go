// Package tpe searches with tree-structured Parzen estimators: it divides the trials into few good ones and the others, estimates
// the density of both, l and g, and proposes what is most likely among the good and least among the others. It knows spaces and
// outcomes.
//
//	J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, "Algorithms for hyper-parameter optimization", NIPS 2011, section 4;
//	S. Falkner, A. Klein, F. Hutter, "BOHB: robust and efficient hyperparameter optimization at scale", ICML 2018, for densities
//	over all parameters at once.
package tpe

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// rules are what the algorithms of the family differ in.
type rules struct {
	startup    int // results before the densities are used; where many are equal, different ones,
	patience   int // or so many of any kind
	candidates int // drawn from l for one suggestion
	// The number of good ones among n trials with values is min(⌈share·n + root·√n⌉, most).
	share, root float64
	most        int
	improvement bool // the good ones weigh by their improvement
	joint       bool // one density over all parameters, instead of one for each
	good, many  kernels
}

// suggester is any of the algorithms.
type suggester struct {
	rules
	space    *space.Space
	axes     []axis
	seed     uint64
	sequence *suggest.Sequence
	source   *rand.PCG
	rng      *rand.Rand // reads source

	history *suggest.History
	ranking ranking
	sample  *sample
	results int // trials that are not pending
	ties    suggest.Ties
	known   *known
	pairs   []estimators

	objectives  int
	fronts      fronts       // with several objectives
	objective   constraint   // the first pair, as though it were a constraint
	constraints []constraint // of the joint density
	earlier     []earlier    // likewise
	initial     int          // trials before the first of the algorithm's own

	branching
	pins []pin // of a branch

	// Used again by every suggestion.
	points          []*point
	weights, scores []float64
	u               []float64
	candidate       []*candidate
	drawn, order    []*candidate // of candidate
}

// estimators are the two densities over the same axes.
type estimators struct{ l, g *mixture }

func newSuggester(p suggest.Problem, settings suggest.Settings, r rules) *suggester {
	s := p.Space
	source := rand.NewPCG(0, 0)
	axes := newAxes(s)
	t := &suggester{
		rules: r, space: s, axes: axes, seed: suggest.SeedOf(p, settings), sequence: suggest.NewSequence(s.Len(), suggest.SeedOf(p, settings)),
		source: source, rng: rand.New(source), history: suggest.NewHistory(s), sample: newSample(s, axes), known: newKnown(s),
		u: make([]float64, len(axes)),
	}
	every := make([]int, len(axes))
	for j := range axes {
		every[j] = j
	}
	if len(axes) == 0 {
		return t
	}
	groups := [][]int{every}
	if !r.joint {
		groups = slices.Collect(slices.Chunk(every, 1))
	}
	for _, over := range groups {
		t.pairs = append(t.pairs, estimators{newMixture(axes, over), newMixture(axes, over)})
	}
	t.objectives = max(1, p.Objectives)
	for _, a := range p.Initial {
		if s.Contains(a) {
			t.initial++
		}
	}
	if r.joint && t.objectives == 1 {
		for range p.Constraints {
			pair := estimators{newMixture(axes, every), newMixture(axes, every)}
			t.constraints = append(t.constraints, constraint{estimators: pair})
		}
		t.newEarlier(p, every)
	}
	return t
}

// Tell learns outcomes.
func (t *suggester) Tell(outcomes []suggest.Outcome) error {
	changes := t.history.Tell(outcomes)
	for _, c := range changes {
		if c.Old != nil {
			t.results -= counts(c.Old)
		}
		t.results += counts(c.New)
		if t.pins != nil {
			continue // the search that it is a branch of does the rest
		}
		if c.Old != nil {
			t.known.remove(c.Old.Assignment)
		}
		t.known.add(c.New.Assignment)
		t.tellBranches(c)
	}
	t.ranking.tell(changes)
	if t.objectives > 1 {
		t.fronts.tell(changes)
	} else {
		t.ties.Tell(changes)
	}
	t.sample.tell(t.history, changes)
	return nil
}

// counts is 1 for a trial that has a result, good or bad.
func counts(r *suggest.Record) int {
	if r.State == suggest.Pending {
		return 0
	}
	return 1
}

// Ask proposes assignments for n trials, one after the other, as though those before were pending.
func (t *suggester) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	t.sync()
	var suggestions []suggest.Suggestion
	var err error
	var added []*trial
	for number := first; number < first+n; number++ {
		suggest.SeedRand(t.source, t.seed, number)
		a := t.inTurn(number)
		if a == nil {
			a = t.propose(number)
		}
		if a == nil {
			err = suggest.ErrExhausted
			break
		}
		suggestions = append(suggestions, suggest.Suggestion{Assignment: a})
		t.known.add(a)
		_, there := t.sample.find(number)
		if there || number == first+n-1 {
			continue
		}
		pending := t.sample.trialOf(&suggest.Record{
			Outcome: suggest.Outcome{Number: number, Assignment: a, Value: math.NaN()}, Unit: t.space.ToUnit(a, nil),
		})
		t.believe(pending)
		added = append(added, pending)
	}
	for _, pending := range added {
		t.disbelieve(pending)
	}
	for _, s := range suggestions {
		t.known.remove(s.Assignment)
	}
	return suggestions, err
}

// sync does what many changes left to be done.
func (t *suggester) sync() {
	t.ranking.sync(t.history)
	t.fronts.sync(t.history)
	t.sample.sync(t.history)
}

// pin puts the coordinates that a branch keeps to into u.
func (t *suggester) pin(u []float64) {
	for _, p := range t.pins {
		u[p.axis] = p.u
	}
}

// propose is the suggestion for one trial, nil where every feasible assignment is known.
func (t *suggester) propose(number int) space.Assignment {
	var a space.Assignment
	early := t.early()
	switch {
	case len(t.axes) == 0:
		a = t.fresh(space.Assignment{})
	case early && number > t.initial && number-t.initial <= len(t.earlier):
		a = t.fresh(t.earlier[number-t.initial-1].best)
	case early && len(t.earlier) == 0:
		t.sequence.At(uint64(number-1), t.u)
		t.pin(t.u)
		a = t.fresh(t.space.FromUnit(t.u))
	case t.joint:
		t.estimate()
		a = t.jointly()
	default:
		t.estimate()
		a = t.independently()
	}
	if a == nil && t.pins == nil {
		a = t.somewhere()
	}
	return a
}

// goodOf is how many of n trials are good.
func (t *suggester) goodOf(n int) int {
	return min(int(math.Ceil(t.share*float64(n)+t.root*math.Sqrt(float64(n)))), t.most, n)
}

// estimate builds the densities for the trials known.
func (t *suggester) estimate() {
	records, weights := t.split()
	good, many, shares := t.sample.split(records)
	for _, p := range t.pairs {
		p.l.build(good, weights, t.kernels())
		p.g.build(many, shares, t.many)
	}
	t.objective = constraint{t.pairs[0], float64(len(good)) / float64(len(good)+len(many)), true}
	t.learnConstraints()
	t.weigh()
}

// split finds the good trials and their weights.
func (t *suggester) split() ([]*suggest.Record, []float64) {
	n := t.goodOf(t.ranking.total)
	if t.objectives > 1 {
		good := t.fronts.best(n, t.sample, t.history)
		return good, even(len(good))
	}
	return t.ranking.best(n, t.improvement)
}

// even are equal weights.
func even(n int) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// jointly draws candidates from the good densities and takes the best that may be tried.
func (t *suggester) jointly() space.Assignment {
	t.drawn = t.drawn[:0]
	for tries := 4 * t.candidates; len(t.drawn) < t.candidates && tries > 0; tries-- {
		x := t.spare(len(t.drawn))
		t.origin().draw(&x.point, t.rng)
		t.pin(x.u)
		t.space.FromUnitTo(x.a, x.u)
		if t.fresh(x.a) == nil {
			continue
		}
		t.place(&x.point, x.a)
		t.drawn = append(t.drawn, x)
	}
	var best *candidate
	if t.single() {
		best = t.promising()
	} else {
		highest := math.Inf(-1)
		for _, x := range t.drawn {
			if score := t.score(&x.point); score > highest {
				best, highest = x, score
			}
		}
	}
	if best == nil {
		return nil
	}
	return slices.Clone(best.a)
}

// candidate is one of the assignments compared for a suggestion.
type candidate struct {
	point
	a     space.Assignment
	most  float64   // what ln l is no more than
	terms []float64 // of l
}

// spare is the candidate of an index, to be used again.
func (t *suggester) spare(i int) *candidate {
	if i == len(t.candidate) {
		t.candidate = append(t.candidate, &candidate{point: *t.newPoint(), a: make(space.Assignment, len(t.axes))})
	}
	return t.candidate[i]
}

// single reports whether the objective's densities are all that the score is made of.
func (t *suggester) single() bool {
	return !slices.ContainsFunc(t.constraints, func(c constraint) bool { return c.active }) &&
		!slices.ContainsFunc(t.earlier, func(e earlier) bool { return e.weight > 0 })
}

// promising is the candidate with the highest score where that is ln l/g, as score would have it. Candidates are looked at in the order of
// what l may be: where the prior of g alone makes one worse than another, or a single trial near by, nothing else of g needs to be known.
func (t *suggester) promising() *candidate {
	l, g := t.objective.l, t.objective.g
	for _, x := range t.drawn {
		x.most, x.terms = l.most(&x.point, x.terms)
	}
	t.order = append(t.order[:0], t.drawn...)
	slices.SortStableFunc(t.order, func(a, b *candidate) int { return cmp.Compare(b.most, a.most) })
	const rounding = 1e-9
	best, highest := (*candidate)(nil), math.Inf(-1)
	for _, x := range t.order {
		if g.least() > x.most-highest+rounding {
			break
		}
		logL := l.of(x.terms)
		limit := logL - highest + rounding
		if g.least() > limit {
			continue
		}
		score := logL - g.below(&x.point, limit)
		if score > highest || score == highest && slices.Index(t.drawn, x) < slices.Index(t.drawn, best) {
			best, highest = x, score
		}
	}
	return best
}

// origin chooses the density from which a candidate comes: that of the objective or, now and then, of a constraint or of an
// earlier experiment.
func (t *suggester) origin() *mixture {
	sum := 1.0
	for i := range t.constraints {
		if t.constraints[i].active {
			sum += 0.5
		}
	}
	for i := range t.earlier {
		sum += t.earlier[i].weight
	}
	if sum == 1 {
		return t.objective.l
	}
	at := t.rng.Float64() * sum
	for i := range t.constraints {
		if c := &t.constraints[i]; c.active {
			if at -= 0.5; at < 0 {
				return c.l
			}
		}
	}
	for i := range t.earlier {
		if at -= t.earlier[i].weight; at < 0 {
			return t.earlier[i].l
		}
	}
	return t.objective.l
}

// score is what a suggestion maximises.
func (t *suggester) score(x *point) float64 {
	bound := false
	sum := 0.0
	for i := range t.constraints {
		if c := &t.constraints[i]; c.active {
			bound = true
			sum += c.ratio(x)
		}
	}
	if bound {
		sum += t.objective.ratio(x)
	} else {
		sum += t.objective.score(x)
	}
	for i := range t.earlier {
		if e := &t.earlier[i]; e.weight > 0 {
			sum += e.weight * e.score(x)
		}
	}
	return sum
}

// independently takes the best candidate of every parameter by itself; again, where that may not be tried.
func (t *suggester) independently() space.Assignment {
	const attempts = 8
	x, u := t.newPoint(), make([]float64, len(t.axes))
	for range attempts {
		for j := range t.axes {
			u[j] = t.alone(j, x)
		}
		if a := t.fresh(t.space.FromUnit(u)); a != nil {
			return a
		}
	}
	return nil
}

// alone is the best candidate for one parameter. x is used again by every call.
func (t *suggester) alone(j int, x *point) float64 {
	l, g := t.pairs[j].l, t.pairs[j].g
	a := &t.axes[j]
	t.scores = resize(t.scores, a.count) // of the choices drawn before, NaN of others
	for k := range t.scores {
		t.scores[k] = math.NaN()
	}
	best, highest := 0.5, math.Inf(-1)
	for range t.candidates {
		l.draw(x, t.rng)
		k := a.choice(x.u[j])
		x.choices[j] = k
		if a.count > 0 && !math.IsNaN(t.scores[k]) {
			continue
		}
		score := l.log(x) - g.log(x)
		if a.count > 0 {
			t.scores[k] = score
		}
		if score > highest {
			highest, best = score, x.u[j]
		}
	}
	return best
}

func (t *suggester) newPoint() *point {
	return &point{u: make([]float64, len(t.axes)), choices: make([]int32, len(t.axes))}
}

// place puts x where an assignment is.
func (t *suggester) place(x *point, a space.Assignment) {
	x.u = t.space.ToUnit(a, x.u)
	var active []bool
	if t.space.Conditional() {
		active = t.space.Active(a, nil)
	}
	choose(t.axes, x, active)
}

// fresh is the assignment itself where it may be tried: restrictions hold, and it is not known; otherwise nil.
func (t *suggester) fresh(a space.Assignment) space.Assignment {
	if !t.space.Allows(a) || t.known.has(a) {
		return nil
	}
	return a
}

// somewhere is an assignment that was not tried, found at random; nil where there is none. In spaces too large to be gone
// through it may be one that was tried after all.
func (t *suggester) somewhere() space.Assignment {
	const draws = 64
	var a space.Assignment
	for range draws {
		a = t.space.Sample(t.rng)
		if t.fresh(a) != nil {
			return a
		}
	}
	const most = 1 << 20 // combinations to go through
	size, finite := t.space.Size()
	if !finite || size > most {
		return a
	}
	begin := t.rng.Uint64N(size)
	for _, part := range [2][2]uint64{{begin, size}, {0, begin}} {
		for at := part[0]; at < part[1]; at++ {
			next, ok := t.space.Next(at, most)
			if !ok || next >= part[1] {
				break
			}
			if a := t.fresh(t.space.At(next)); a != nil {
				return a
			}
			at = next
		}
	}
	return nil
}
