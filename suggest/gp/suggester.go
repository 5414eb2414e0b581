package gp

import (
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// suggester searches by a model of the objective. Everything it keeps but the history is made from the history alone.
type suggester struct {
	problem suggest.Problem
	e       *encoding
	history *suggest.History
	seed    uint64
	design  int // trials before the model is asked
	kind    kind
	climbs  bool // places are improved by their slope
	sobol   *suggest.Sequence
	source  *rand.PCG
	rng     *rand.Rand // reads source

	tried map[uint64]int // assignments of all trials told, hashed, with their number
	data  *data          // of the latest model
	model *model         // of the history; nil when it has changed since
	fits  []fit          // hyper-parameters found before
	even  [][]float64    // where every search looks, but for a shift; nil before the first
	noisy *kernel        // the kernel that was last learnt with noise that is none,
	rough *kernel        // and the one in its place
	last  *posterior     // of the latest model, whose factorisation may be of use for the next

	earlier []*posterior // of the experiments before this one; nil before they are made

	branches []*branch // of a conditional space
	parents  []int     // the parameters that make them
}

func newSuggester(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	source := rand.NewPCG(0, 0)
	s := &suggester{
		problem: p, e: newEncoding(p.Space), history: suggest.NewHistory(p.Space), seed: suggest.SeedOf(p, settings),
		source: source, rng: rand.New(source), tried: map[uint64]int{}, climbs: settings[optimizer] != "sampling",
	}
	switch settings[function] {
	case "PI", "PIps":
		s.kind = probability
	case "LCB":
		s.kind = lowerBound
	}
	s.sobol = suggest.NewSequence(p.Space.Len(), s.seed)
	s.design = designed
	if s.e.num < len(s.e.dims) {
		s.design = designedCategorical
	}
	if s.e.conditional { // every branch wants to be seen
		s.design = min(designedConditional, designed+len(s.e.dims))
	}
	if settings[initialPoints] != "" {
		s.design = int(settings.Int(initialPoints))
	}
	s.parents, s.branches = parentsOf(p.Space), s.newBranches()
	return s, nil
}

// Tell takes outcomes in.
func (s *suggester) Tell(outcomes []suggest.Outcome) error {
	for _, c := range s.history.Tell(outcomes) {
		s.model = nil
		if c.Old != nil {
			if h := hash(c.Old.Assignment); s.tried[h] > 1 {
				s.tried[h]--
			} else {
				delete(s.tried, h)
			}
		}
		s.tried[hash(c.New.Assignment)]++
		s.tellBranches(c)
	}
	return nil
}

// hash tells assignments apart.
func hash(a space.Assignment) uint64 {
	h := uint64(len(a))
	for _, v := range a {
		h = (h ^ math.Float64bits(v)) * 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
		h ^= h >> 29
	}
	return h
}

// Ask proposes places one after the other, each as if those before it had been told as pending.
func (s *suggester) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	if n <= 0 {
		return nil, nil
	}
	if s.model == nil {
		s.model = s.newModel()
	}
	b := &batch{suggester: s, taken: map[uint64]bool{}}
	defer s.model.back(s.model.mark())
	for _, br := range s.branches {
		if br.model == nil {
			br.model = br.newModel()
		}
		defer br.model.back(br.model.mark())
	}
	var suggestions []suggest.Suggestion
	for number := first; number < first+n; number++ {
		p, note := b.next(number)
		if p == nil {
			return suggestions, suggest.ErrExhausted
		}
		suggestions = append(suggestions, suggest.Suggestion{Assignment: p.a, Note: note})
		b.taken[hash(p.a)] = true
		if number < first+n-1 {
			s.model.believe(s.e.place(p.a).x)
			b.believeBranches(p.a)
		}
	}
	return suggestions, nil
}

// batch is one question.
type batch struct {
	*suggester
	taken    map[uint64]bool    // proposed for trials before, in this question
	proposed []space.Assignment // the same
}

// known reports whether a place was tried, is being tried, or was proposed in this question.
func (b *batch) known(p *place) bool {
	h := hash(p.a)
	return b.taken[h] || b.tried[h] > 0
}

// next proposes the place for one trial; nil when there is none left.
func (b *batch) next(number int) (p *place, note string) {
	suggest.SeedRand(b.source, b.seed, number)
	if len(b.earlier) > 0 && number <= firsts && b.design > 0 {
		if p := b.first(newTrend(b.earlier, nil, nil), number, b.known); p != nil {
			return p, ""
		}
	}
	if number > b.design && b.model.ready() {
		if b.turn() {
			if p := b.inBranch(number); p != nil {
				return p, ""
			}
		}
		if p := b.beside(); p != nil {
			return p, ""
		}
		if p := b.search(); p != nil {
			return p, ""
		}
		note = "chosen at random: the model proposed nothing new"
	} else if number > b.design && b.model.broken {
		note = "chosen evenly over the space: the model is singular"
	}
	if p := b.spread(number); p != nil {
		return p, note
	}
	return b.untried(), note
}

// search asks the model.
func (b *batch) search() *place { return b.searching(b.model).first() }

func (b *batch) searching(m *model) *search {
	return &search{
		e: b.e, acq: m.acquisition(b.kind), climbs: b.climbs, rng: b.rng, even: b.evenPoints(), known: b.known, tops: m.tops, scale: m.scales(),
	}
}

// beside asks the model while trials are pending; nil where there are none, or it proposes nothing. Other functions than the expected
// improvement of one objective do without.
func (b *batch) beside() *place {
	m := b.model
	if m.value == nil || len(m.value.believed) == 0 || !m.improves || b.kind != improvement || len(m.others) > 0 {
		return nil
	}
	r := b.region()
	if r == nil {
		return nil
	}
	s := b.searching(m)
	if pending := len(m.value.believed); float64(len(m.value.x)-pending) >= imaginedFrom*float64(pending) {
		s.acq.fantasies = m.value.imagine(m.known, imagined, b.rng)
	}
	s.region = r
	s.known = func(p *place) bool { return !r.holds(p) || b.known(p) }
	return s.first()
}

// evenPoints are spread over the unit cube.
func (s *suggester) evenPoints() [][]float64 {
	if s.even == nil {
		const after = 1 << 30 // points that no design reaches
		s.even = square(evenly, s.problem.Space.Len())
		for i := range s.even {
			s.sobol.At(uint64(after+i), s.even[i])
		}
	}
	return s.even
}

// spread is a point of the design: the middle of the space, then evenly distributed ones.
func (b *batch) spread(number int) *place {
	u := make([]float64, b.problem.Space.Len())
	for try := range 64 {
		switch {
		case number == 1 && try == 0:
			for i := range u {
				u[i] = 0.5
			}
		case try < 8:
			b.sobol.At(uint64(number-1)+uint64(try)<<20, u)
			if number > b.design && b.model.pending+len(b.taken) > 0 {
				b.inward(u)
			}
		default:
			b.problem.Space.ToUnit(b.problem.Space.Sample(b.rng), u)
		}
		if p := b.e.at(slices.Clone(u)); b.problem.Space.Allows(p.a) && !b.known(p) {
			return p
		}
	}
	if _, finite := b.problem.Space.Size(); !finite { // a repetition is better than nothing
		return b.e.place(b.problem.Space.Sample(b.rng))
	}
	return nil
}

// inward leads a point towards the middle of the space, for a trial that the model would have been asked for if there were results:
// it would have gone on from the middle, where the first trial was, rather than to the ends of all ranges, where most of a cube of
// many dimensions is.
func (b *batch) inward(u []float64) {
	for _, d := range b.e.dims {
		if !d.categorical {
			u[d.param] = 0.5 + inner*(u[d.param]-0.5)
		}
	}
}

// untried is the first place of a finite space, from a random one on, that is not known; nil where there is none.
func (b *batch) untried() *place {
	size, _ := b.problem.Space.Size()
	from := b.rng.Uint64N(max(size, 1))
	for _, part := range [2][2]uint64{{from, size}, {0, from}} {
		const patience = 1 << 20
		index := part[0]
		for looked := 0; index < part[1] && looked < patience; looked++ {
			next, ok := b.problem.Space.Next(index, patience)
			if next >= part[1] {
				break
			}
			if ok {
				if p := b.e.place(b.problem.Space.At(next)); !b.known(p) {
					return p
				}
				next++
			}
			index = next
		}
	}
	return nil
}
