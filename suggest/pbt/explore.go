package pbt

import (
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// perturb explores as the paper does (section 4.1.1): each parameter is drawn anew with a probability, and multiplied by 0.8 or 1.2
// otherwise. Numbers keep to their bounds and steps, and move by one step at least; numbers of a list move to a neighbour; what
// has no order becomes another of its values once in four times.
type perturb struct {
	space    *space.Space
	params   []space.Parameter
	alone    []*space.Space // of each parameter that has steps, by itself
	resample float64        // probability
}

func newPerturb(s *space.Space, resample float64) *perturb {
	e := &perturb{space: s, params: s.Parameters(), alone: make([]*space.Space, s.Len()), resample: resample}
	for i, p := range e.params {
		if p.Step > 0 {
			p.When = nil
			e.alone[i], _ = space.New([]space.Parameter{p}) // a parameter of a Space has no faults
		}
	}
	return e
}

// change is the probability that a categorical parameter changes.
const change = 0.25

func (e *perturb) explore(winner *suggest.Record, _ int, _ []suggest.Suggestion, rng *rand.Rand) (space.Assignment, string) {
	var a space.Assignment
	for range 100 { // until the restrictions hold
		a = slices.Clone(winner.Assignment)
		fresh := e.space.Sample(rng)
		active := e.space.Active(a, nil)
		for i := range a {
			switch {
			case !active[i]:
				a[i] = fresh[i] // in case it matters now
			case rng.Float64() < e.resample:
				a[i] = fresh[i]
			default:
				a[i] = e.move(i, a, rng)
			}
		}
		if a = e.space.Canonical(a); e.space.Allows(a) {
			return a, ""
		}
	}
	return slices.Clone(winner.Assignment), ""
}

// move is the changed value of parameter i.
func (e *perturb) move(i int, a space.Assignment, rng *rand.Rand) float64 {
	up := rng.IntN(2) == 1
	p := &e.params[i]
	switch p.Type {
	case space.Categorical:
		if n := len(p.List); n > 1 && rng.Float64() < change {
			return float64((int(a[i]) + 1 + rng.IntN(n-1)) % n)
		}
		return a[i]
	case space.Discrete:
		by := -1.0
		if up {
			by = 1
		}
		return min(max(a[i]+by, 0), float64(len(p.List)-1))
	}
	v, by := a[i], 0.2*abs(a[i])
	if by == 0 {
		by = 0.02 * (p.Max - p.Min)
	}
	by = max(by, p.Step)
	if (v < 0) == up { // times 1.2 leads away from 0
		by = -by
	}
	if v == 0 && !up {
		by = -abs(by)
	}
	return e.feasible(i, min(max(v+by, p.Min), p.Max))
}

func abs(v float64) float64 { return max(v, -v) }

// feasible is the feasible value of parameter i nearest to v.
func (e *perturb) feasible(i int, v float64) float64 {
	if e.alone[i] == nil {
		return v
	}
	return e.alone[i].FromUnit(e.alone[i].ToUnit(space.Assignment{v}, nil))[0]
}
