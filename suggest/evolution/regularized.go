package evolution

import (
	"cmp"
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/pareto"
)

// regularized is the aging evolution of
//
//	E. Real, A. Aggarwal, Y. Huang, Q. V. Le, "Regularized evolution for image classifier architecture search", AAAI 2019
//	(arXiv 1802.01548), algorithm 1:
//
// the best of a few trials drawn from the latest ones is mutated in one parameter. No trial is kept for being good, so that a
// lucky measurement dies out. The first trials are a Sobol sequence.
type regularized struct {
	*proposer
	limit  int // size of the population
	sample int
	latest []*suggest.Record // the population, nil where not known
}

func newRegularized(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	limit := sizeOf(p, settings, 10, 20, 100)
	sample := limit / 2 // bolder than the paper's quarter, as trials are few
	if settings["sample_size"] != "" {
		sample = int(settings.Int("sample_size"))
	}
	return &regularized{proposer: newProposer(p, settings), limit: limit, sample: sample}, nil
}

// Tell takes outcomes in.
func (g *regularized) Tell(outcomes []suggest.Outcome) error {
	if _, changed := g.tell(outcomes); changed {
		g.latest = nil
	}
	return nil
}

// Ask mutates n times.
func (g *regularized) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	if g.latest == nil {
		g.latest = make([]*suggest.Record, 0, g.limit)
		for _, r := range slices.Backward(g.history.Records()) {
			if !math.IsNaN(r.Value) {
				g.latest = append(g.latest, r)
			}
			if len(g.latest) == g.limit {
				break
			}
		}
	}
	return g.propose(first, n, g.breed), nil
}

// breed mutates the best of a sample; with boldness, in more than one parameter.
func (g *regularized) breed(number int, boldness float64) space.Assignment {
	if number <= g.limit || len(g.latest) == 0 {
		return nil
	}
	best := g.latest[g.rng.IntN(len(g.latest))]
	for range g.sample - 1 {
		if r := g.latest[g.rng.IntN(len(g.latest))]; better(r, best) {
			best = r
		}
	}
	u := slices.Clone(best.Unit)
	active := g.space.Active(best.Assignment, nil)
	var choices []int
	for _, i := range g.free {
		if active[i] {
			choices = append(choices, i)
		} else {
			u[i] = g.rng.Float64()
		}
	}
	if len(choices) > 0 {
		g.change(u, choices[g.rng.IntN(len(choices))])
	}
	g.mutate(u, boldness)
	return g.space.FromUnit(u)
}

// better reports whether a trial violates the constraints less than another one, or as little with a smaller value.
func better(a, b *suggest.Record) bool {
	return cmp.Or(cmp.Compare(pareto.Violation(a.Violations), pareto.Violation(b.Violations)), cmp.Compare(a.Value, b.Value)) < 0
}
