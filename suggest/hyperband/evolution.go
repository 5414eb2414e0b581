package hyperband

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/pareto"
	"qalam/suggest/tried"
)

// evolution proposes configurations by differential evolution in the unit cube,
//
//	R. Storn, K. Price, "Differential evolution - a simple and efficient heuristic for global optimization over continuous spaces",
//	Journal of Global Optimization 11(4), 341-359 (1997),
//
// with F = CR = 0.5 as in DEHB (Awad et al. 2021, section 3.1), and with the mutation current-to-pbest/1 of
//
//	J. Zhang, A. C. Sanderson, "JADE: adaptive differential evolution with optional external archive", IEEE Transactions on
//	Evolutionary Computation 13(5), 945-958 (2009), equation 6,
//
// in the place of DEHB's rand/1. A number that leaves the cube comes to lie halfway between its parent's and the bound, as there; drawn
// anew, as in DEHB, it is seldom good where an optimum lies at a bound. The population is all that the model is told a value of, so that
// nothing waits for a generation to end, but what is mutated, and crossed, is one of its best few: a search by multi-fidelity is over
// before a whole population has come closer to an optimum. (Regret after 20 and 50 full runs on the tuning half of LCBench, with 48 seeds,
// 0.119 ± 0.008 and 0.057; with the best ten as a population, each of which is mutated, 0.137 and 0.062. On TaskSet it is 0.057 and
// 0.010 against 0.060 and 0.006.)
//
// The population, which has come far, may all agree on a parameter, as they have it from the same parent, and the differences within it would
// never change that again: then the difference is one to any configuration that was tried, as to JADE's archive. Choices have no
// differences, and are taken over from those. (On a paraboloid of a real, a logarithm and a choice 5 of 200 searches are left with the wrong
// choice after 20 full runs, and none after 50; without either 10 and 6.)
//
// It begins with as many configurations as modelled compares at a rung, ten at most: fewer are too alike to find anything between them.
type evolution struct {
	history *suggest.History
	uniform *uniform
	space   *space.Space
	tried   *tried.Set
	choices []bool // which parameters are categorical
	least   int    // members of the population with which it begins

	population []*suggest.Record // P, in the order of their numbers
	best       []*suggest.Record // of them, best first
}

// The parameters of differential evolution, by their letters in the papers.
const (
	pNP = 3   // how many are called best
	F   = 0.5 // weight of a difference, and probability of a choice other than the best's
	CR  = 0.5 // probability that a coordinate is the mutant's
)

// newEvolution takes how many results make a rung the one from which on configurations are compared, 3 or more.
func newEvolution(s *space.Space, seed uint64, enough int) *evolution {
	const most = 10
	e := &evolution{history: suggest.NewHistory(s), uniform: newUniform(s, seed), space: s, tried: tried.New(s), least: min(most, enough)}
	for _, p := range s.Parameters() {
		e.choices = append(e.choices, p.Type == space.Categorical)
	}
	return e
}

// Tell takes outcomes in.
func (e *evolution) Tell(outcomes []suggest.Outcome) error {
	for _, c := range e.history.Tell(outcomes) {
		e.tried.Tell(c)
	}
	return nil
}

// Ask mutates and crosses the best of the population.
func (e *evolution) Ask(first, n int) ([]suggest.Suggestion, error) {
	e.gather()
	batch := e.tried.Batch()
	out := make([]suggest.Suggestion, n)
	for i := range out {
		number := first + i
		if len(e.population) >= e.least {
			out[i].Assignment = e.evolved(number, batch)
		}
		if out[i].Assignment == nil {
			out[i].Assignment = e.uniform.one(number)
		}
		batch.Add(out[i].Assignment)
	}
	return out, nil
}

// evolved is an offspring that is worth a trial, nil where some tries find none.
func (e *evolution) evolved(number int, batch *tried.Batch) space.Assignment {
	rng := e.uniform.dice.of(number)
	const tries = 10
	for range tries {
		a := e.space.FromUnit(e.offspring(rng))
		copied := slices.ContainsFunc(e.best, func(r *suggest.Record) bool { return slices.Equal(r.Assignment, a) })
		if !copied && batch.Fits(a) {
			return a
		}
	}
	return nil
}

// gather finds the population and the best of it: those that keep all constraints, by their values, then those that break them least.
func (e *evolution) gather() {
	e.population, e.best = e.population[:0], e.best[:0]
	for _, r := range e.history.Records() {
		if r.State != suggest.Completed {
			continue
		}
		e.population = append(e.population, r)
		i := len(e.best)
		for i > 0 && compare(r, e.best[i-1]) < 0 {
			i--
		}
		if i < pNP {
			e.best = slices.Insert(e.best, i, r)[:min(len(e.best)+1, pNP)]
		}
	}
}

func compare(a, b *suggest.Record) int {
	return cmp.Or(cmp.Compare(pareto.Violation(a.Violations), pareto.Violation(b.Violations)), cmp.Compare(a.Value, b.Value))
}

// offspring is the target x_i crossed with the mutant v = x_i + F (x_best - x_i) + F (x_r1 - x_r2), where i and best are of the best, and r1
// and r2, which differ, of the population.
func (e *evolution) offspring(rng *rand.Rand) []float64 {
	x, best := e.best[rng.IntN(len(e.best))].Unit, e.best[rng.IntN(len(e.best))].Unit
	a, b := rng.IntN(len(e.population)), rng.IntN(len(e.population)-1)
	if b >= a {
		b++
	}
	r1, r2 := e.population[a].Unit, e.population[b].Unit
	other := e.history.Records()[rng.IntN(e.history.Len())].Unit // any that was tried
	u := slices.Clone(x)
	always := rng.IntN(len(u))
	for j := range u {
		if j != always && rng.Float64() >= CR {
			continue
		}
		if e.choices[j] {
			if u[j] = best[j]; rng.Float64() < F {
				u[j] = other[j]
			}
			continue
		}
		difference := r1[j] - r2[j]
		if difference == 0 {
			difference = r1[j] - other[j]
		}
		u[j] = x[j] + F*(best[j]-x[j]) + F*difference
		if u[j] < 0 {
			u[j] = x[j] / 2
		} else if u[j] > 1 {
			u[j] = (1 + x[j]) / 2
		}
	}
	return u
}
