package gp

import (
	"math"
	"slices"

	"qalam/suggest"
)

// region is where a trial is looked for while others are pending: around the place that would be tried if none was, as far as that
// is from the best known. One that is looked for everywhere is pushed by the pending ones to places of which nothing is known, and
// a search that has closed in on a minimum with one trial at a time would not with many. So here they spread where the model
// takes the search, over as much as it has still to go: the region shrinks as the search closes in. (A trust region as of
//
//	D. Eriksson, M. Pearce, J. Gardner, R. Turner, M. Poloczek, "Scalable global optimization via local Bayesian optimization",
//	NeurIPS 2019,
//
// whose size follows from the model, not from a count of successes.)
type region struct {
	k      *kernel
	center *place
	scaled []float64 // the centre's point
	reach  float64   // largest w_j D_j (kernel.go) from the centre in any coordinate
}

// leastReach keeps a region from closing around a place that is the best known already.
const leastReach = 1e-6

// region is that of the model, made when it is first needed; nil where the model proposes nothing. It does not depend on
// pending trials, nor on the number of the trial that it is for.
func (b *batch) region() *region {
	m := b.model
	if m.region != nil {
		return m.region
	}
	before := *b.source
	suggest.SeedRand(b.source, b.seed, 0)
	s := b.searching(m.certain())
	s.known = func(*place) bool { return false }
	all := s.run()
	*b.source = before
	if len(all) == 0 {
		return nil
	}
	k := m.value.k
	r := &region{k: k, center: all[0], scaled: k.scaled(all[0].x, make([]float64, k.d)), reach: leastReach}
	best := k.scaled(b.e.at(slices.Clone(m.tops[0])).x, make([]float64, k.d))
	for j, v := range best {
		r.reach = max(r.reach, k.apart(j, v, r.scaled[j]))
	}
	m.region = r
	return r
}

// holds reports whether a place lies within.
func (r *region) holds(p *place) bool {
	for j, v := range p.x {
		if j < r.k.num {
			v *= r.k.root[j]
		}
		if r.k.apart(j, v, r.scaled[j]) > r.reach*(1+1e-9) {
			return false
		}
	}
	return true
}

// half is how far a numeric coordinate may be from the centre's.
func (r *region) half(j int) float64 { return math.Sqrt(r.reach / r.k.w[j]) }

// candidates draws places evenly over a region.
func (r *region) candidates(s *search) []*place {
	shift := make([]float64, s.e.space.Len())
	for i := range shift {
		shift[i] = s.rng.Float64()
	}
	var all []*place
	for _, point := range s.even[:inside] {
		u := slices.Clone(r.center.u)
		for j, d := range s.e.dims {
			_, v := math.Modf(point[d.param] + shift[d.param])
			switch {
			case !d.categorical:
				u[d.param] = max(0, min(1, u[d.param]+(2*v-1)*r.half(j)))
			case r.k.w[j] <= r.reach:
				u[d.param] = v
			}
		}
		if p := s.e.at(u); s.e.space.Allows(p.a) {
			all = append(all, p)
		}
	}
	return all
}
