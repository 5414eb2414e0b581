package analysis

import (
	"math"
	"math/rand/v2"

	"qalam/space"
	"qalam/suggest"
)

// Bounded is a Surrogate that says between what bounds the objective is.
type Bounded interface {
	Surrogate
	// Bounds are what the value at an assignment lies between, as many standard deviations to each side as width says.
	Bounds(a space.Assignment, width float64) (low, high float64)
	// Noise is the standard deviation of results with the same assignment, near the best value.
	Noise() float64
}

const (
	leastBounded = 20   // trials
	doubt        = 0.1  // δ: the probability with which the bounds do not hold
	shrunk       = 5    // by which β is divided
	wide         = 1024 // places looked at all over the space,
	around       = 16   // and so many around each of the best few trials
	few          = 16
)

// regret bounds the simple regret, the distance of the best trial's true value from the least there is:
//
//	A. Makarova, H. Shen, V. Perrone, A. Klein, J. B. Faddoul, A. Krause, M. Seeger, C. Archambeau, "Automatic termination for
//	hyperparameter optimization", AutoML 2022, equation 1 and section 4,
//
//	r̄ = min_{x of trials} UCB(x) - min_{x of the space} LCB(x),   UCB, LCB = μ ± √β σ,   β = (2/5) ln(d t² π²/(6 δ))
//
// with t trials, d parameters, and β divided by 5 as there. A search that goes on gains less than r̄, as far as the model is right and
// with probability 1 - δ; where r̄ is less than the noise of a result, no result could tell. The least LCB is looked for at evenly
// spread places and around the best trials, always the same ones. NaN where there is no bound.
func (a *Analysis) regret(rows []row, surrogate Surrogate) (bound, noise float64) {
	m, ok := surrogate.(Bounded)
	d := float64(a.space.Len())
	if !ok || len(rows) < leastBounded || d == 0 {
		return math.NaN(), 0
	}
	t := float64(len(rows))
	width := math.Sqrt(2. / shrunk * math.Log(d*t*t*math.Pi*math.Pi/(6*doubt)))
	upper, lower := math.Inf(1), math.Inf(1)
	look := func(x space.Assignment) {
		if low, _ := m.Bounds(x, width); !math.IsNaN(low) && a.space.Contains(x) {
			lower = min(lower, low)
		}
	}
	for _, r := range rows {
		low, high := m.Bounds(r.Assignment, width)
		if !math.IsNaN(high) {
			upper = min(upper, high)
		}
		if !math.IsNaN(low) {
			lower = min(lower, low)
		}
	}
	even := suggest.NewSequence(a.space.Len(), 1)
	u := make([]float64, a.space.Len())
	for i := range wide {
		even.At(uint64(i), u)
		look(a.space.FromUnit(u))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	limit := lowest(rows, min(few, len(rows))-1)
	left := few
	for _, r := range rows {
		if r.value > limit || left == 0 {
			continue
		}
		left--
		for k := range around {
			reach := math.Pow(2, -float64(k%8)-1)
			for j, v := range r.Unit {
				u[j] = min(1, max(0, v+reach*rng.NormFloat64()/2))
			}
			look(a.space.FromUnit(u))
		}
	}
	if noise = m.Noise(); !finite(upper-lower) || !finite(noise) {
		return math.NaN(), 0
	}
	return upper - lower, noise
}
