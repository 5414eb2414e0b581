package suggest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
)

// queue hands out assignments that are known beforehand, then asks the algorithm behind it.
type queue struct {
	Suggester
	initial []space.Assignment
}

// queued puts the problem's initial assignments before an algorithm.
func queued(s Suggester, p Problem) Suggester {
	initial := slices.DeleteFunc(slices.Clone(p.Initial), func(a space.Assignment) bool { return !p.Space.Contains(a) })
	if len(initial) == 0 {
		return s
	}
	return &queue{s, initial}
}

// Ask lists initial assignments by the trial's number, and the algorithm's suggestions for the trials after them.
func (q *queue) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, ErrNumber
	}
	var suggestions []Suggestion
	for ; n > 0 && first <= len(q.initial); first, n = first+1, n-1 {
		suggestions = append(suggestions, Suggestion{Assignment: slices.Clone(q.initial[first-1]), Note: "one of those to be tried first"})
	}
	if n <= 0 {
		return suggestions, nil
	}
	rest, err := q.Suggester.Ask(first, n)
	return append(suggestions, rest...), err
}

// bestOf is the best assignment of each earlier experiment, at most a fifth of the budget, those of the latest experiments
// first.
func bestOf(p Problem) []space.Assignment {
	const most = 5
	limit := most
	if p.MaxTrials > 0 {
		limit = min(limit, max(1, p.MaxTrials/5))
	}
	var best []space.Assignment
	for _, earlier := range slices.Backward(p.Earlier) {
		done := slices.DeleteFunc(slices.Clone(earlier), func(o Outcome) bool {
			return o.State != Completed || math.IsNaN(o.Value) || !o.Feasible() || !p.Space.Contains(o.Assignment)
		})
		slices.SortStableFunc(done, func(a, b Outcome) int { return cmp.Compare(a.Value, b.Value) })
		for _, o := range done[:min(1, len(done))] {
			known := func(a space.Assignment) bool { return slices.Equal(a, o.Assignment) }
			if len(best) < limit && !slices.ContainsFunc(best, known) && !slices.ContainsFunc(p.Initial, known) {
				best = append(best, o.Assignment)
			}
		}
	}
	return best
}

// guard replaces suggestions that break a restriction of the space.
type guard struct {
	Suggester
	space  *space.Space
	seed   uint64
	source *rand.PCG
	rng    *rand.Rand // reads source
}

// guarded keeps an algorithm to the restrictions of the space, those algorithms too that know nothing of them.
func guarded(s Suggester, p Problem) Suggester {
	if p.Space.Plain() {
		return s
	}
	source := rand.NewPCG(0, 0)
	return &guard{s, p.Space, mix(p.Seed ^ golden), source, rand.New(source)}
}

// Ask passes suggestions on, or puts in the place of one that is not feasible the nearest of some that are.
func (g *guard) Ask(first, n int) ([]Suggestion, error) {
	suggestions, err := g.Suggester.Ask(first, n)
	for i := range suggestions {
		s := &suggestions[i]
		if !g.space.Contains(s.Assignment) {
			SeedRand(g.source, g.seed, first+i)
			s.Assignment = g.near(g.space.Canonical(slices.Clone(s.Assignment)))
		}
	}
	return suggestions, err
}

// near is the nearest, in the unit cube, of draws from the feasible assignments; a itself where it is feasible.
func (g *guard) near(a space.Assignment) space.Assignment {
	if g.space.Contains(a) {
		return a
	}
	const draws = 64
	at := g.space.ToUnit(a, nil)
	var best space.Assignment
	nearest := math.Inf(1)
	var u []float64
	for range draws {
		b := g.space.Sample(g.rng)
		u = g.space.ToUnit(b, u)
		sum := 0.0
		for j := range u {
			sum += (u[j] - at[j]) * (u[j] - at[j])
		}
		if sum < nearest {
			nearest, best = sum, b
		}
	}
	return best
}
