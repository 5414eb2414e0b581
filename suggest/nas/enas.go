package nas

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

const none = "None" // a setting that Katib lets be nothing

// enas proposes architectures that no trial had before, as far as there are any: drawn from the controller's policy, or made from
// good ones by evolution.
type enas struct {
	space   *space.Space
	L, N    int
	seed    uint64
	source  *rand.PCG
	rng     *rand.Rand // reads source
	history *suggest.History
	known   map[string]int // how many trials have an architecture
	learner *learner       // nil for evolution
}

func newEnas(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	ops, _ := p.Space.Count(0)
	source := rand.NewPCG(0, 0)
	e := &enas{
		space: p.Space, L: p.Architecture.Layers, N: int(ops), seed: p.Seed, source: source, rng: rand.New(source),
		history: suggest.NewHistory(p.Space), known: map[string]int{},
	}
	if settings["controller"] == controllerRL {
		e.learner = &learner{tuning: tuned(settings), L: e.L, N: e.N, seed: e.seed, history: e.history}
	}
	return e, nil
}

func key(a space.Assignment) string {
	b := make([]byte, 0, 2*len(a))
	for _, v := range a {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return string(b)
}

// Tell takes outcomes in.
func (e *enas) Tell(outcomes []suggest.Outcome) error {
	for _, c := range e.history.Tell(outcomes) {
		if c.Old != nil {
			if k := key(c.Old.Assignment); e.known[k] > 1 {
				e.known[k]--
			} else {
				delete(e.known, k)
			}
		}
		e.known[key(c.New.Assignment)]++
		if e.learner != nil && (c.New.State == suggest.Completed || c.Old != nil && c.Old.State == suggest.Completed) {
			e.learner.forget(c.New.Number)
		}
	}
	return nil
}

// tries is how often an architecture is drawn again because a trial has it. Then it is changed place by place until none has.
const tries = 20

// Ask proposes architectures.
func (e *enas) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	var suggestions []suggest.Suggestion
	var propose func() space.Assignment
	batch := map[string]bool{}
	for i := range n {
		if propose == nil {
			propose = e.proposer()
		}
		suggest.SeedRand(e.source, e.seed, first+i)
		a := propose()
		for try := range 3 * tries {
			if k := key(a); !batch[k] && e.known[k] == 0 {
				break
			}
			if try < tries {
				a = propose()
			} else {
				a = e.mutant(a)
			}
		}
		batch[key(a)] = true
		suggestions = append(suggestions, suggest.Suggestion{Assignment: a})
	}
	return suggestions, nil
}

// proposer is what draws architectures, given what is known.
func (e *enas) proposer() func() space.Assignment {
	if e.learner == nil {
		return e.evolution()
	}
	last := 0
	for _, r := range slices.Backward(e.history.Records()) {
		if r.State == suggest.Completed {
			last = r.Number
			break
		}
	}
	if last == 0 {
		return func() space.Assignment { return e.space.Sample(e.rng) }
	}
	draw := &sampler{rng: e.rng}
	r := newRollout(e.learner.policy(last), 1)
	return func() space.Assignment {
		r.run(draw)
		a := make(space.Assignment, 0, e.space.Len())
		for l := range e.L {
			a = append(a, float64(r.chosen[l][0]))
			a = append(a, r.skips[l]...)
		}
		return a
	}
}

// sampler decides at random, as the policy has it.
type sampler struct{ rng *rand.Rand }

func (s *sampler) operation(_, _ int, p []float64) int {
	u := s.rng.Float64()
	for a, q := range p {
		if u -= q; u < 0 {
			return a
		}
	}
	return len(p) - 1
}

func (s *sampler) skip(_, _, _ int, p float64) bool { return s.rng.Float64() < p }

// evolution is the method of
//
//	E. Real, A. Aggarwal, Y. Huang, Q. V. Le, "Regularized evolution for image classifier architecture search", AAAI 2019:
//
// of the youngest trials, some are drawn, and the best of these is changed in one place.
func (e *enas) evolution() func() space.Assignment {
	var population []*suggest.Record
	for _, r := range slices.Backward(e.history.Records()) {
		if len(population) == populationSize {
			break
		}
		if r.State == suggest.Completed {
			population = append(population, r)
		}
	}
	return func() space.Assignment {
		if len(population) < initialTrials {
			return e.space.Sample(e.rng)
		}
		parent := population[e.rng.IntN(len(population))]
		for range tournament - 1 {
			if r := population[e.rng.IntN(len(population))]; r.Value < parent.Value {
				parent = r
			}
		}
		return e.mutant(parent.Assignment)
	}
}

const (
	populationSize = 50
	initialTrials  = 20
	tournament     = 5
)

// mutant changes one operation or, as often, one skip bit.
func (e *enas) mutant(parent space.Assignment) space.Assignment {
	a := slices.Clone(parent)
	bits := e.L * (e.L - 1) / 2
	if e.N > 1 && (bits == 0 || e.rng.IntN(2) == 0) {
		at := dimensions(e.rng.IntN(e.L))
		a[at] = float64((int(a[at]) + 1 + e.rng.IntN(e.N-1)) % e.N)
		return a
	}
	if bits == 0 {
		return a
	}
	k := e.rng.IntN(bits)
	for l := 1; ; l++ {
		if k < l {
			at := dimensions(l) + 1 + k
			a[at] = 1 - a[at]
			return a
		}
		k -= l
	}
}
