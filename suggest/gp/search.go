package gp

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// search looks for the place of the space where an acquisition is largest: many places are looked at, the most promising are
// improved by quasi-Newton steps on the coordinates that are numbers, in turn with trying the values of each of the others.
type search struct {
	e      *encoding
	acq    *acquisition
	climbs bool // by the slope, too
	rng    *rand.Rand
	even   [][]float64         // points spread evenly over the unit cube; shifted by a vector they still are
	known  func(p *place) bool // already tried, or being tried
	tops   [][]float64         // the best places known, in the unit cube
	region *region             // to search; nil for the whole space
	scale  []float64           // length scales of the numeric coordinates, by coordinate; for perturbations
}

// exact is how many values a numeric coordinate may have to be tried value by value; exchangedMost is how many coordinates are, in
// one round.
const exact, exchangedMost = 16, 24

// run returns places in decreasing order of promise, none known; it may find none.
func (s *search) run() []*place {
	candidates := s.screen(slices.DeleteFunc(s.candidates(), s.known))
	chosen := s.diverse(candidates)
	for i, c := range chosen {
		chosen[i] = s.improve(c)
	}
	all := slices.Concat(chosen, candidates)
	slices.SortStableFunc(all, byScore)
	return all
}

// first is the most promising place; nil where there is none.
func (s *search) first() *place {
	if all := s.run(); len(all) > 0 {
		return all[0]
	}
	return nil
}

func byScore(a, b *place) int { return cmp.Compare(b.score, a.score) }

// screen evaluates the candidates that a cheap bound of the acquisition leaves in the race, and returns them in decreasing order
// of promise.
func (s *search) screen(candidates []*place) []*place {
	for _, c := range candidates {
		c.score = s.acq.bound(c.x)
	}
	slices.SortStableFunc(candidates, byScore)
	var best []float64 // the scores of those that lead, in increasing order
	for i, c := range candidates {
		if len(best) == leaders && c.score < best[0] || i == screened {
			candidates = candidates[:i]
			break
		}
		c.score = s.acq.at(c.x)
		at, _ := slices.BinarySearch(best, c.score)
		best = slices.Insert(best, at, c.score)
		best = best[max(0, len(best)-leaders):]
	}
	slices.SortStableFunc(candidates, byScore)
	return candidates
}

// candidates draws places: evenly over the space, and around the best ones known.
func (s *search) candidates() []*place {
	if s.region != nil {
		return s.region.candidates(s)
	}
	var all []*place
	add := func(u []float64) {
		if p := s.e.at(u); s.e.space.Allows(p.a) {
			all = append(all, p)
		}
	}
	shift := make([]float64, s.e.space.Len())
	for i := range shift {
		shift[i] = s.rng.Float64()
	}
	for _, point := range s.even[:max(evenly/4, min(evenly, evenly*100/(1+s.acq.size())))] {
		u := make([]float64, len(shift))
		for i := range u {
			if u[i] = point[i] + shift[i]; u[i] >= 1 {
				u[i]--
			}
		}
		add(u)
	}
	for i := range nearby {
		if len(s.tops) == 0 {
			break
		}
		k := int(float64(len(s.tops)) * s.rng.Float64() * s.rng.Float64())
		add(s.perturbed(s.tops[k], [3]float64{0.2, 0.05, 0.01}[i%3]))
	}
	return all
}

// perturbed moves about half of the coordinates, one at least.
func (s *search) perturbed(u []float64, sd float64) []float64 {
	u = slices.Clone(u)
	if len(s.e.dims) == 0 {
		return u
	}
	always := s.rng.IntN(len(s.e.dims))
	chance := min(0.5, 10/float64(len(s.e.dims)))
	for j, d := range s.e.dims {
		if j != always && s.rng.Float64() >= chance {
			continue
		}
		if d.categorical || d.count > 0 && d.count <= 3 {
			u[d.param] = s.rng.Float64()
			continue
		}
		t := sd * s.rng.NormFloat64()
		if d.count > 0 {
			t += math.Copysign(0.5/float64(d.count), t)
		}
		v := u[d.param] + t
		if v < 0 {
			v = -v
		} else if v > 1 {
			v = 2 - v
		}
		u[d.param] = max(0, min(1, v))
	}
	return u
}

// diverse chooses the places to improve: the best, and then the best of those that are not close to one chosen.
func (s *search) diverse(sorted []*place) []*place {
	var chosen []*place
	for _, c := range sorted {
		if len(chosen) == climbed {
			break
		}
		if !slices.ContainsFunc(chosen, func(p *place) bool { return s.close(p, c) }) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

func (s *search) close(a, b *place) bool {
	sum := 0.0
	for j, d := range s.e.dims {
		if d.categorical && a.x[j] != b.x[j] {
			return false
		}
		t := a.x[j] - b.x[j]
		if t = math.Abs(t); t > 0.1 {
			return false
		}
		sum += t
	}
	return sum < 0.1
}

// improve climbs from a place as long as it gains.
func (s *search) improve(p *place) *place {
	for range climbRounds {
		before := p.score
		p = s.climb(p)
		p = s.exchange(p)
		if !(p.score > before+1e-3) || !s.mixed() {
			break
		}
	}
	return p
}

// mixed reports whether climbing and exchanging can help each other.
func (s *search) mixed() bool {
	numbers := slices.ContainsFunc(s.e.dims, func(d dim) bool { return !d.listed() })
	lists := slices.ContainsFunc(s.e.dims, func(d dim) bool { return d.count > 0 })
	return numbers && lists || lists
}

// climb follows the slope on the coordinates that are numbers and matter.
func (s *search) climb(p *place) *place {
	var moving []int
	for j := range s.e.num {
		if d := &s.e.dims[j]; !d.listed() && p.x[j] >= 0 {
			moving = append(moving, j)
		}
	}
	if len(moving) == 0 || !s.climbs {
		return p
	}
	x, full := slices.Clone(p.x), make([]float64, s.e.num)
	m := descent{iterations: climbSteps, gradient: 1e-4, decrease: climbDecrease}
	t := make([]float64, len(moving))
	sizes := make([]float64, len(moving))
	for i, j := range moving {
		low, high := 0.0, 1.0
		sizes[i] = max(0.02, min(1, s.scale[j]))
		if r := s.region; r != nil && r.center.x[j] >= 0 {
			half := r.half(j)
			low, high = max(0, r.center.x[j]-half), min(1, r.center.x[j]+half)
			sizes[i] = min(sizes[i], half)
		}
		t[i] = x[j] / sizes[i]
		m.low, m.high = append(m.low, low/sizes[i]), append(m.high, high/sizes[i])
	}
	m.minimize(func(t, g []float64) float64 {
		for i, j := range moving {
			x[j] = t[i] * sizes[i]
		}
		v := s.acq.gradient(x, full)
		for i, j := range moving {
			g[i] = -full[j] * sizes[i]
		}
		return -v
	}, t)
	u := slices.Clone(p.u)
	for i, j := range moving {
		u[s.e.dims[j].param] = max(0, min(1, t[i]*sizes[i]))
	}
	return s.better(p, u)
}

// better is the place at u where it is allowed and more promising, else p.
func (s *search) better(p *place, u []float64) *place {
	next := s.e.at(u)
	if !s.e.space.Allows(next.a) || s.known(next) {
		return p
	}
	if next.score = s.acq.at(next.x); next.score > p.score {
		return next
	}
	return p
}

// exchange tries other values of the coordinates that can be counted, one after the other: all where they are few, else those
// next to the present one and some farther away.
func (s *search) exchange(p *place) *place {
	for _, j := range s.countable() {
		d := &s.e.dims[j]
		if p.x[j] < 0 {
			continue
		}
		if s.e.conditional || !s.e.space.Plain() {
			p = s.exchangeAny(p, d)
			continue
		}
		best, score := -1.0, p.score
		s.acq.at(p.x)
		for _, u := range s.values(p, d) {
			x := u
			if d.categorical {
				x = math.Floor(u * float64(d.count))
			}
			if v := s.acq.moved(j, x); v > score && !s.known(s.e.at(with(p.u, d.param, u))) {
				best, score = u, v
			}
		}
		if best >= 0 {
			p = s.better(p, with(p.u, d.param, best))
		}
	}
	return p
}

// countable lists the coordinates that can be counted; some of them, drawn anew each time, where they are many.
func (s *search) countable() []int {
	var all []int
	for j := range s.e.dims {
		if s.e.dims[j].count > 0 {
			all = append(all, j)
		}
	}
	if len(all) > exchangedMost {
		s.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:exchangedMost]
	}
	return all
}

// exchangeAny does the same where other parameters may begin to matter, or the result may not be allowed.
func (s *search) exchangeAny(p *place, d *dim) *place {
	best := p
	for _, v := range s.values(p, d) {
		best = s.better(best, with(p.u, d.param, v))
	}
	return best
}

// with is u with one coordinate changed.
func with(u []float64, i int, to float64) []float64 {
	u = slices.Clone(u)
	u[i] = to
	return u
}

// values are the unit coordinates of other values of a countable parameter.
func (s *search) values(p *place, d *dim) []float64 {
	here, units := s.e.space.ToUnit(p.a, nil)[d.param], s.e.units[d.param]
	width := 1 / float64(d.count)
	switch {
	case units != nil && (d.categorical || d.count <= exact):
		units = slices.Clone(units)
	case d.categorical:
		for range kept / 2 {
			units = append(units, (math.Floor(s.rng.Float64()*float64(d.count))+0.5)*width)
		}
	default:
		u := slices.Clone(p.u)
		units = make([]float64, 0, 8)
		for _, k := range [...]float64{1, -1, 2, -2, 3, -3, 5, -5} {
			u[d.param] = here + k*width
			units = append(units, s.e.space.ToUnit(s.e.space.FromUnit(u), nil)[d.param])
		}
	}
	return slices.DeleteFunc(units, func(u float64) bool { return u == here })
}
