package cmaes

import (
	"math"
	"math/rand/v2"
	"slices"

	"qalam/suggest"
)

// A descent is one run of the strategy until it makes no more progress. The next one begins elsewhere, with twice as many trials
// in a generation:
//
//	A. Auger, N. Hansen, "A restart CMA evolution strategy with increasing population size", CEC 2005 (IPOP);
//
// or, as long as those have had fewer trials, with few trials in a generation and a small step:
//
//	N. Hansen, "Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed", GECCO 2009 workshop (BIPOP).
type descent struct {
	number int     // from 0
	sigma  float64 // the step size at its start
	large  int     // lambda of the last descent with a large population
	small  bool    // it is one with a small population
	spent  [2]int  // trials of descents with large and small populations, but for the first
}

// The restart strategies.
const (
	none  = "none"
	ipop  = "ipop"
	bipop = "bipop"
)

// start is what the first descent begins with.
type start struct {
	lambda  int
	m       []float64
	sigma   float64
	cov     []float64 // nil means the identity
	q       [][]float64
	counts  []int // of categories
	restart string
	seed    uint64
}

// populous makes the first generations larger where restarts follow: by half, but not above 12 trials. Restarts are for rugged
// functions, whose local minima larger generations overlook; within 1000 trials, one descent with so many finds more than one with
// fewer and then one with twice as many. Measured on the tuning problems of bench/search.
func (s *start) populous() {
	if s.restart != none {
		s.lambda = max(s.lambda, min(12, s.lambda+s.lambda/2))
	}
}

// first is the state before the first trial.
func (s *start) first() *state {
	st := s.begin(descent{sigma: s.sigma, large: s.lambda}, s.lambda, slices.Clone(s.m))
	if s.cov != nil {
		st.gaussian.cov = slices.Clone(s.cov)
		st.gaussian.factor()
	}
	for i := range s.q {
		copy(st.categorical.q[i], s.q[i])
	}
	return st
}

func (s *start) begin(d descent, lambda int, m []float64) *state {
	return &state{rates: newRates(lambda, len(m)), gaussian: newGaussian(m, d.sigma), categorical: newCategorical(s.counts), descent: d}
}

// again is the first state of the next descent.
func (s *start) again(st *state) *state {
	d := st.descent
	d.number++
	source := rand.NewPCG(0, 0)
	suggest.SeedRand(source, s.seed^0x5eed, d.number)
	rng := rand.New(source)
	m := make([]float64, len(s.m))
	for j := range m {
		m[j] = rng.Float64()
	}
	var lambda int
	d.small = s.restart == bipop && d.spent[1] < d.spent[0]
	if d.small {
		u := rng.Float64()
		lambda = int(float64(s.lambda) * math.Pow(float64(d.large)/float64(2*s.lambda), u*u))
		lambda = max(lambda, s.lambda)
		d.sigma = s.sigma * math.Pow(10, -2*rng.Float64())
	} else {
		d.large *= 2
		lambda = d.large
		d.sigma = s.sigma
	}
	return s.begin(d, lambda, m)
}

// next is the state after a generation: of the same descent, or of the next one.
func (s *start) next(st *state, members []*member, axes []axis) *state {
	next := st.after(members, axes)
	if next.descent.number > 0 {
		next.descent.spent[index(next.descent.small)] += len(members)
	}
	if s.restart != none && next.stalled(axes) {
		return s.again(next)
	}
	return next
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stalled reports whether the descent is over. That the best values hardly change says so only once steps are short: along a narrow
// valley, or where the first values were huge, they hardly change either.
func (st *state) stalled(axes []axis) bool {
	const (
		tolerance = 1e-6 // of the step size at the start, below which all steps are too small to matter
		short     = 3e-3 // of it, above which values that hardly change say nothing
		flat      = 1e-5 // share of the values' first range within which the best values show no progress
		equal     = 1e-12
		condition = 1e14 // of the covariance
	)
	p := st.gaussian
	step, reals := 0.0, false
	for j := range axes {
		if axes[j].edges == nil {
			step, reals = max(step, p.deviation(j)), true
		}
	}
	step /= st.descent.sigma
	if len(st.history) >= st.window() {
		low, high := slices.Min(st.history), slices.Max(st.history)
		same := equal * max(math.Abs(high), math.Abs(low))
		if step < short {
			same = max(same, flat*st.scale)
		}
		if !(high-low > same) {
			return true
		}
	}
	if len(p.D) > 0 && square(slices.Max(p.D)/slices.Min(p.D)) > condition {
		return true
	}
	return reals && step < tolerance
}

func square(x float64) float64 { return x * x }
