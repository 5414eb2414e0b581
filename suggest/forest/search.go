package forest

import (
	"cmp"
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest/tried"
)

// The most promising assignment is looked for as by SMAC (section 4.3): random ones and the best of all trials are where local
// searches begin, which go to the best of some neighbours as long as there is a better one. A neighbour differs in one parameter:
// numbers move by a normal deviation, values of lists are exchanged.

const (
	randomPlaces = 400
	climbed      = 8  // places from which local searches start
	steps        = 10 // of a local search, at most
	neighbours   = 32 // of a place, at most
)

// place is a place in the forms that the search needs.
type place struct {
	u     []float64
	a     space.Assignment
	score float64
}

// search is the most promising assignment that fits, nil where none was found.
func (s *suggester) search(m *model, batch *tried.Batch) space.Assignment {
	var all []place
	for range randomPlaces {
		u := make([]float64, s.space.Len())
		for i := range u {
			u[i] = s.rng.Float64()
		}
		all = append(all, s.at(u, m))
	}
	for _, r := range m.tops { // not to be tried again, but to start from
		all = append(all, s.at(slices.Clone(r.Unit), m))
	}
	better := func(p, q place) int { return cmp.Compare(q.score, p.score) }
	slices.SortStableFunc(all, better)
	starts := slices.Clone(all[:min(climbed/2, len(all))])
	for _, r := range m.tops[:min(climbed/2, len(m.tops))] {
		starts = append(starts, s.at(slices.Clone(r.Unit), m))
	}
	found := place{score: math.Inf(-1)}
	consider := func(p place) {
		if p.score > found.score && batch.Fits(p.a) {
			found = p
		}
	}
	for _, p := range starts {
		s.climb(p, m, consider)
	}
	for _, p := range all {
		if p.score <= found.score {
			break
		}
		consider(p)
	}
	return found.a
}

// at is the place at a point of the unit cube; it is as bad as can be where restrictions forbid it.
func (s *suggester) at(u []float64, m *model) place {
	p := place{u: u, a: s.space.FromUnit(u), score: math.Inf(-1)}
	if s.space.Allows(p.a) {
		p.score = m.promise(s.e.encode(p.a))
	}
	return p
}

// climb goes from place to better place and shows each neighbour.
func (s *suggester) climb(p place, m *model, show func(place)) {
	if len(s.e.free) == 0 {
		return
	}
	for step := range steps {
		deviation := 0.2 * math.Pow(0.7, float64(step))
		best := p
		for range min(neighbours, 6*len(s.e.free)) {
			q := s.at(s.neighbour(p, deviation), m)
			if show(q); q.score > best.score {
				best = q
			}
		}
		if best.score > p.score {
			p = best
		} else if step > 3 {
			return
		}
	}
}

// neighbour changes one parameter that matters.
func (s *suggester) neighbour(p place, deviation float64) []float64 {
	u := slices.Clone(p.u)
	s.e.active = s.space.Active(p.a, s.e.active)
	k := s.rng.IntN(len(s.e.free))
	for range 32 {
		if s.e.active[s.e.free[k]] {
			break
		}
		k = s.rng.IntN(len(s.e.free))
	}
	i := s.e.free[k]
	if s.e.listed[k] {
		u[i] = s.rng.Float64()
		return u
	}
	n, finite := s.space.Count(i)
	t := deviation * s.rng.NormFloat64()
	if finite { // far enough to be another value
		t += math.Copysign(0.5/float64(n), t)
	}
	u[i] = math.Abs(u[i] + t)
	if u[i] > 1 {
		u[i] = max(0, 2-u[i])
	}
	return u
}
