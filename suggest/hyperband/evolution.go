package hyperband

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// evolution proposes configurations by differential evolution in the unit cube, with the mutation current-to-pbest/1 of
//
//	J. Zhang, A. C. Sanderson, "JADE: adaptive differential evolution with optional external archive", IEEE Transactions on
//	Evolutionary Computation 13(5), 945-958 (2009), equation 6,
//
// which uses few trials better than the rand/1 of DEHB, F = CR = 0.5, and coordinates that leave the cube drawn anew as in DEHB (Awad
// et al. 2021, section 3.1). The population is the best NP configurations known, whichever rung they came to, so that nothing
// waits for a generation to end. It begins when there are so many, or as many as modelled compares at a rung where that is less: fewer
// are too alike to find anything between them.
type evolution struct {
	history *suggest.History
	uniform *uniform
	space   *space.Space
	least   int // members of the population with which it begins
}

// The parameters of differential evolution, by their letters in the papers.
const (
	NP = 10   // size of the population
	p  = 0.25 // fraction of it that is called best
	F  = 0.5  // weight of a difference
	CR = 0.5  // probability that a coordinate is the mutant's
)

// newEvolution takes how many results make a rung the one from which on configurations are compared, 3 or more.
func newEvolution(s *space.Space, seed uint64, enough int) *evolution {
	return &evolution{suggest.NewHistory(s), newUniform(s, seed), s, min(NP, enough)}
}

// Tell takes outcomes in.
func (e *evolution) Tell(outcomes []suggest.Outcome) error {
	e.history.Tell(outcomes)
	return nil
}

// Ask mutates and crosses the population.
func (e *evolution) Ask(first, n int) ([]suggest.Suggestion, error) {
	population := e.population()
	out := make([]suggest.Suggestion, n)
	for i := range out {
		number := first + i
		if len(population) < e.least {
			out[i].Assignment = e.uniform.one(number)
			continue
		}
		rng := e.uniform.dice.of(number)
		const tries = 10
		for range tries {
			out[i].Assignment = e.space.FromUnit(offspring(population, rng))
			known := slices.ContainsFunc(population, func(r *suggest.Record) bool { return slices.Equal(r.Assignment, out[i].Assignment) })
			if !known && e.space.Allows(out[i].Assignment) {
				break
			}
		}
		if !e.space.Allows(out[i].Assignment) {
			out[i].Assignment = e.uniform.one(number)
		}
	}
	return out, nil
}

// population is the best NP records, best first.
func (e *evolution) population() []*suggest.Record {
	best := make([]*suggest.Record, 0, NP+1)
	for _, r := range e.history.Records() {
		if r.State != suggest.Completed || len(best) == NP && r.Value >= best[NP-1].Value {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, r, func(a, b *suggest.Record) int {
			return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
		})
		best = slices.Insert(best, i, r)[:min(len(best)+1, NP)]
	}
	return best
}

// offspring is the target x_i crossed with the mutant v = x_i + F (x_best - x_i) + F (x_r1 - x_r2).
func offspring(population []*suggest.Record, rng *rand.Rand) []float64 {
	order := rng.Perm(len(population))
	x, r1, r2 := population[order[0]].Unit, population[order[1]].Unit, population[order[2]].Unit
	best := population[rng.IntN(max(1, int(p*float64(len(population)))))].Unit
	u := slices.Clone(x)
	always := rng.IntN(len(u))
	for j := range u {
		if j != always && rng.Float64() >= CR {
			continue
		}
		u[j] = x[j] + F*(best[j]-x[j]) + F*(r1[j]-r2[j])
		if u[j] < 0 || u[j] > 1 {
			u[j] = rng.Float64()
		}
	}
	return u
}
