package cmaes

import (
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// sample is one point drawn from a state's distribution.
type sample struct {
	v    []float64 // [d] numeric coordinates
	y    []float64 // [d] (v - m) / (σ A)
	cats []int     // by categorical parameter
}

// drawer draws from the distributions of states, and leads samples to assignments and back.
type drawer struct {
	space  *space.Space
	axes   []axis // numeric parameters of more than one value
	cats   []int  // categorical parameters of more than one value, by index in the space
	counts []int  // how many categories these have
	seed   uint64
	limit  int // how many draws of one trial are looked at

	sequence *suggest.Sequence // of d dimensions

	source *rand.PCG
	rng    *rand.Rand // reads source
	unit   []float64  // scratch
}

func newDrawer(s *space.Space, seed uint64) *drawer {
	source := rand.NewPCG(0, 0)
	d := &drawer{space: s, seed: seed, source: source, rng: rand.New(source), unit: make([]float64, s.Len()), limit: 1}
	finite := true
	for i, p := range s.Parameters() {
		n, countable := s.Count(i)
		finite = finite && countable
		switch {
		case countable && n == 1:
		case p.Type == space.Categorical:
			d.cats, d.counts = append(d.cats, i), append(d.counts, int(n))
		default:
			d.axes = append(d.axes, newAxis(i, p))
		}
	}
	if finite || !s.Plain() {
		d.limit = maxDraws
	}
	d.sequence = suggest.NewSequence(len(d.axes), seed)
	return d
}

const (
	maxDraws  = 64 // of one trial, until one is allowed and new
	wideDraws = 16 // of these come from the distribution itself
	redraws   = 20 // of a sample until it is in the unit cube
)

// draws are the successive samples for one trial: a function of the state, the seed and the trial's number.
type draws struct {
	*drawer
	st     *state
	number int
	n      int // how many were drawn
}

// of begins the draws of one trial. Those of another trial end.
func (d *drawer) of(st *state, number int) *draws {
	suggest.SeedRand(d.source, d.seed, number)
	return &draws{drawer: d, st: st, number: number}
}

// next draws the next sample. From wideDraws on, more and more coordinates are drawn from the whole space, as the distribution
// has nothing new to offer.
func (d *draws) next() sample {
	s := sample{v: make([]float64, len(d.axes)), y: make([]float64, len(d.axes)), cats: make([]int, len(d.cats))}
	d.numbers(&s)
	for i := range s.cats {
		s.cats[i] = d.st.categorical.draw(i, d.rng.Float64())
	}
	if d.n >= wideDraws {
		d.scatter(&s)
	}
	d.n++
	return s
}

// numbers draws v and y. The first draws of successive trials come from a scrambled Sobol sequence, so that a generation is
// spread more evenly than by chance:
//
//	O. Teytaud, S. Gelly, "DCMA: yet another derandomization in covariance-matrix-adaptation", GECCO 2007.
//
// What falls outside the cube is drawn again some times, and then mirrored at its sides.
func (d *draws) numbers(s *sample) {
	p := d.st.gaussian
	z := make([]float64, len(s.v))
	if d.n == 0 {
		d.sequence.At(uint64(d.number), z)
		for j, u := range z {
			z[j] = quantile(max(u, 1e-16))
		}
	} else {
		d.normals(z)
	}
	for range redraws {
		p.stretch(z, s.y)
		inside := true
		for j, y := range s.y {
			s.v[j] = p.m[j] + p.sigma*p.A[j]*y
			inside = inside && s.v[j] >= 0 && s.v[j] <= 1
		}
		if inside {
			return
		}
		d.normals(z)
	}
	for j, v := range s.v {
		s.v[j] = fold(v)
	}
	p.adopt(s, d.st.longest)
}

// fold mirrors a coordinate at the sides of the unit cube until it is inside.
func fold(v float64) float64 {
	v = math.Abs(math.Mod(v, 2))
	return min(v, 2-v)
}

func (d *drawer) normals(z []float64) {
	for j := range z {
		z[j] = d.rng.NormFloat64()
	}
}

// scatter draws some coordinates from the whole space.
func (d *draws) scatter(s *sample) {
	share := float64(d.n-wideDraws+1) / (maxDraws - wideDraws)
	for j := range s.v {
		if d.rng.Float64() < share {
			s.v[j] = d.rng.Float64()
		}
	}
	for i, K := range d.counts {
		if d.rng.Float64() < share {
			s.cats[i] = d.rng.IntN(K)
		}
	}
	d.st.gaussian.adopt(s, d.st.longest)
}

// assignment is what a sample stands for.
func (d *drawer) assignment(s sample) space.Assignment {
	for i := range d.unit {
		d.unit[i] = 0.5
	}
	for j, a := range d.axes {
		d.unit[a.param] = s.v[j]
	}
	for i, param := range d.cats {
		d.unit[param] = (float64(s.cats[i]) + 0.5) / float64(d.counts[i])
	}
	return d.space.FromUnit(d.unit)
}

// find draws the samples of a trial anew until one stands for its assignment; ok is false where none does, as for a trial
// that came from elsewhere.
func (d *drawer) find(st *state, r *suggest.Record) (s sample, ok bool) {
	draws := d.of(st, r.Number)
	for range d.limit {
		s := draws.next()
		if slices.Equal(d.assignment(s), r.Assignment) {
			return s, true
		}
	}
	return sample{}, false
}

// place is the sample for an assignment that was not drawn: the middle of its cells.
func (d *drawer) place(r *suggest.Record) sample {
	s := sample{v: make([]float64, len(d.axes)), y: make([]float64, len(d.axes)), cats: make([]int, len(d.cats))}
	for j, a := range d.axes {
		s.v[j] = r.Unit[a.param]
	}
	for i, param := range d.cats {
		s.cats[i] = int(r.Assignment[param])
	}
	return s
}

// adopt makes a sample that was drawn from another distribution one of p's, as solutions are injected in
//
//	N. Hansen, "Injecting external solutions into CMA-ES", arXiv 1110.4181 (2011):
//
// where it is farther from the mean than samples are, it is drawn nearer.
func (p *gaussian) adopt(s *sample, longest float64) {
	s.y = make([]float64, len(s.v))
	for j := range s.y {
		s.y[j] = (s.v[j] - p.m[j]) / (p.sigma * p.A[j])
	}
	p.shorten(s.y, longest)
}

// shorten scales y to a Mahalanobis length of at most longest.
func (p *gaussian) shorten(y []float64, longest float64) {
	z := make([]float64, len(y))
	p.relax(y, z)
	if length := math.Sqrt(dot(z, z)); length > longest {
		for j := range y {
			y[j] *= longest / length
		}
	}
}
