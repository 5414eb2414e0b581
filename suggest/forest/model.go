package forest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/suggest"
	"qalam/suggest/normal"
	"qalam/suggest/pareto"
)

// model is what is believed after a history.
type model struct {
	s     *suggester
	x     [][]float64 // of the trials with a value, then of those pending
	y     []float64   // scores of the former, and what is expected of the latter
	value *forest
	best  float64 // the score to be improved on; +∞ where no trial keeps the constraints
	// conditions are what has to be kept: not to fail, and the constraints; at most 0 where it is. They are squashed so that no trial
	// is far from the others, and 0 stays 0.
	conditions []*forest
	tops       []*suggest.Record // the best trials, to search around
}

// modelStream is a number that no trial has, from which a forest's random numbers come.
const modelStream = -1

// newModel grows the forests of the history. They do not depend on what was asked before.
func (s *suggester) newModel() *model {
	done, failed, pending := data(s.history.Records())
	m := &model{s: s, best: math.Inf(1)}
	values := make([]float64, len(done))
	for i, r := range done {
		m.x, values[i] = append(m.x, s.e.encode(r.Assignment)), r.Value
	}
	m.y = scores(values)
	m.value = m.grow(m.x, m.y, 0)
	for i, r := range done {
		if r.Feasible() {
			m.best = min(m.best, m.y[i])
		}
	}
	m.growConditions(done, failed)
	m.tops = best(done)
	if len(pending) > 0 {
		x := make([][]float64, len(pending))
		for i, r := range pending {
			x[i] = s.e.encode(r.Assignment)
		}
		return m.believing(x)
	}
	return m
}

// grow grows the forest of some values.
func (m *model) grow(x [][]float64, y []float64, stream int) *forest {
	source := rand.NewPCG(0, 0)
	suggest.SeedRand(source, m.s.seed, modelStream-stream)
	return newForest(x, y, m.s.e.listed, m.s.trees, rand.New(source))
}

// believing is the model with trials whose results are not known: they are believed to be as good as expected.
func (m *model) believing(x [][]float64) *model {
	out := *m
	out.x, out.y = slices.Clone(m.x), slices.Clone(m.y)
	for _, point := range x {
		mu, _ := m.value.predict(point)
		out.x, out.y = append(out.x, point), append(out.y, mu)
	}
	out.value = m.grow(out.x, out.y, 0)
	return &out
}

// growConditions grows the forests of failure and of the constraints.
func (m *model) growConditions(done, failed []*suggest.Record) {
	if len(failed) > 0 {
		x, y := slices.Clone(m.x), make([]float64, len(m.x), len(m.x)+len(failed))
		for i := range y {
			y[i] = -1
		}
		for _, r := range failed {
			x, y = append(x, m.s.e.encode(r.Assignment)), append(y, 1)
		}
		m.conditions = append(m.conditions, m.grow(x, y, 1))
	}
	for c := range m.s.problem.Constraints {
		var x [][]float64
		var y []float64
		for i, r := range done {
			if c < len(r.Violations) && !math.IsNaN(r.Violations[c]) {
				x, y = append(x, m.x[i]), append(y, r.Violations[c])
			}
		}
		if len(y) > 0 {
			m.conditions = append(m.conditions, m.grow(x, squashed(y), 2+c))
		}
	}
}

// squashed are violations in units of their median size, between -1 and 1.
func squashed(y []float64) []float64 {
	sizes := make([]float64, len(y))
	for i, v := range y {
		sizes[i] = math.Abs(v)
	}
	slices.Sort(sizes)
	unit := sizes[len(sizes)/2]
	if !(unit > 0) || math.IsInf(unit, 0) {
		unit = 1
	}
	for i, v := range y {
		y[i] = math.Tanh(v / unit)
	}
	return y
}

// best are the trials to search around: the first of the order by violation, then by value.
func best(done []*suggest.Record) []*suggest.Record {
	const most = 10
	order := slices.Clone(done)
	slices.SortFunc(order, func(a, b *suggest.Record) int {
		return cmp.Or(cmp.Compare(pareto.Violation(a.Violations), pareto.Violation(b.Violations)), compare(a, b))
	})
	return order[:min(most, len(order))]
}

// promise is ln of the expected improvement E[max(0, f - y)] = σ (φ(z) + z Φ(z)), z = (f - μ)/σ, and of the probability that
// every condition is kept; the latter alone where there is nothing to improve on.
func (m *model) promise(x []float64) float64 {
	sum := 0.0
	if !math.IsInf(m.best, 1) {
		mu, s2 := m.value.predict(x)
		sigma := math.Sqrt(s2)
		sum = math.Log(sigma) + logImprovement((m.best-mu)/sigma)
	}
	for _, c := range m.conditions {
		mu, s2 := c.predict(x)
		sum += normal.LogCDF(-mu / math.Sqrt(s2))
	}
	return sum
}

// logImprovement is ln(φ(z) + z Φ(z)); far below 0 the first term of its asymptotic series, φ(z)/z².
func logImprovement(z float64) float64 {
	if z < -20 {
		return normal.LogPDF(z) - 2*math.Log(-z)
	}
	return math.Log(math.Exp(normal.LogPDF(z)) + z*normal.CDF(z))
}
