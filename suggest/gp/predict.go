package gp

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// Model is a fitted Gaussian process, for those who want to know what it believes: predictions are in the objective's own units,
// smaller is better. It is used by one goroutine.
type Model struct {
	s *suggester
	m *model
}

// ErrTooFew says that there are fewer results than a model can be made of.
var ErrTooFew = errors.New("a model needs two trials with a value")

// ErrSingular says that the results cannot be modelled, for numerical reasons.
var ErrSingular = errors.New("the model is singular")

// Fit models the first objective of a problem after the outcomes. Its error is ErrTooFew or ErrSingular.
func Fit(p suggest.Problem, outcomes []suggest.Outcome) (*Model, error) {
	made, err := newSuggester(p, suggest.Settings{})
	if err != nil {
		return nil, err
	}
	s := made.(*suggester) // newSuggester makes no other
	if err := s.Tell(outcomes); err != nil {
		return nil, err
	}
	m := s.newModel()
	switch {
	case m.broken:
		return nil, ErrSingular
	case m.value == nil:
		return nil, ErrTooFew
	}
	return &Model{s, m}, nil
}

// Predict is the value to expect at an assignment of the space, and its standard deviation, the noise of observations left out.
func (m *Model) Predict(a space.Assignment) (mean, sd float64) {
	mu, s2 := m.m.value.predict(m.s.e.place(a).x)
	sigma := deviation(s2)
	return m.raw(mu, sigma)
}

// Bounds are what the value at an assignment of the space lies between, as many standard deviations of the model to each side as
// width says; NaN beyond all values.
func (m *Model) Bounds(a space.Assignment, width float64) (low, high float64) {
	mu, s2 := m.m.value.predict(m.s.e.place(a).x)
	sigma := width * deviation(s2)
	return m.m.warp.inverse(mu - sigma), m.m.warp.inverse(mu + sigma)
}

// raw leads a normal distribution back to the objective's units: by its median, and half the width of its middle 68 %.
func (m *Model) raw(mu, sigma float64) (mean, sd float64) {
	w := &m.m.warp
	return w.inverse(mu), (w.inverse(mu+sigma) - w.inverse(mu-sigma)) / 2
}

// Noise is the standard deviation that observations of one assignment have around their mean, near the best value.
func (m *Model) Noise() float64 {
	_, sd := m.raw(m.m.best, math.Sqrt(m.m.value.k.noise))
	return sd
}

// Relevance says of every parameter how much the objective depends on it: the square root of w_j of the kernel, in units of the
// parameter's range; 0 for parameters with one value.
func (m *Model) Relevance() []float64 {
	out := make([]float64, m.s.problem.Space.Len())
	for j, d := range m.s.e.dims {
		out[d.param] = math.Sqrt(m.m.value.k.w[j])
	}
	return out
}

// Best is the lowest value known or, where values are noisy, the lowest mean of a trial; of those that keep every constraint. It
// is infinite where none does.
func (m *Model) Best() float64 {
	if !m.m.improves {
		return math.Inf(1)
	}
	return m.m.warp.inverse(m.m.best)
}

// Gain is by how much the best value is expected to fall with n more trials, in the objective's units: the trials that would be
// suggested, with values drawn from the joint posterior at them. It is 0 while no trial keeps every constraint.
func (m *Model) Gain(n int) float64 {
	if n <= 0 || !m.m.improves {
		return 0
	}
	const draws = 512
	next := 1 + m.s.history.Len()
	m.s.model = m.m
	suggestions, _ := m.s.Ask(max(next, m.s.design+1), n) // fewer where the space is through
	points := make([][]float64, len(suggestions))
	for i, s := range suggestions {
		points[i] = m.s.e.place(s.Assignment).x
	}
	rng := rand.New(rand.NewPCG(m.s.seed, uint64(next)))
	sum, best := 0.0, m.Best()
	joint := m.m.value.joint(points)
	if joint == nil {
		return 0
	}
	z, low := make([]float64, len(points)), 0.0
	for range draws {
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		low = m.m.best
		for i, row := range joint.l {
			low = min(low, joint.mu[i]+dot(row, z[:i+1]))
		}
		sum += max(0, best-m.m.warp.inverse(low))
	}
	return sum / draws
}

// gaussian is a joint distribution with means mu and covariance l lᵀ.
type gaussian struct {
	mu []float64
	l  factor
}

// joint is the posterior at several points: Σ = K_** - (L⁻¹ K_*)ᵀ (L⁻¹ K_*) (Rasmussen & Williams 2006, equation 2.24).
func (p *posterior) joint(points [][]float64) *gaussian {
	out := &gaussian{}
	var vs, scaled [][]float64
	for i, x := range points {
		mu, _ := p.predict(x)
		out.mu = append(out.mu, mu)
		vs = append(vs, slices.Clone(p.v))
		scaled = append(scaled, slices.Clone(p.xs))
		row := make([]float64, i+1)
		for j := range row {
			v, _ := p.k.covariance(p.k.distance(scaled[i], scaled[j]))
			row[j] = v - dot(vs[i], vs[j])
		}
		row[i] += 1e-9 * p.k.s2
		if !out.l.push(row) {
			return nil
		}
	}
	return out
}
