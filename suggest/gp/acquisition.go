package gp

// kind is what makes a value promising.
type kind uint8

const (
	improvement kind = iota // ln E[max(0, best - y)]
	probability             // ln P(y < best - margin)
	lowerBound              // -(μ - κσ), a confidence bound
)

// kappa is κ of the confidence bound, and margin that of the probability of improvement, in deviations of the values: as in
// scikit-optimize, whose settings these are.
const kappa, margin = 1.96, 0.01

// acquisition is how much a trial at a point promises, on a logarithmic scale: the expected improvement of the objective, say,
// times the probabilities that each condition is kept.
type acquisition struct {
	kind       kind
	value      *posterior   // of the warped objective; nil while no trial has a value
	best       float64      // to be improved on
	conditions []*posterior // each is kept where its value is at most 0

	fantasies *fantasies // of pending trials, with their best values in the place of best; nil without them

	others []*posterior // of further objectives
	boxes  *boxes       // what is to be covered, of several objectives; nil with one

	dmu, ds2       []float64   // derivatives of one posterior by the coordinates
	mus, sigmas    []float64   // by objective
	byMu, bySigma  []float64   // derivatives by them
	slopes, curves [][]float64 // derivatives of the means and variances by the coordinates, by objective
}

// promise is that of a value with mean mu and deviation sigma, as the posterior has just predicted it, with its derivatives by
// both.
func (q *acquisition) promise(mu, sigma float64) (v, dmu, dsigma float64) {
	if q.fantasies != nil {
		return q.fantasies.promise(q.value, mu, sigma)
	}
	switch q.kind {
	case probability:
		z := (q.best - margin - mu) / sigma
		v, slope := logCDF(z)
		return v, -slope / sigma, -slope * z / sigma
	case lowerBound:
		return kappa*sigma - mu, -1, kappa
	}
	return logEI(q.best, mu, sigma)
}

// at is the acquisition's value.
func (q *acquisition) at(x []float64) float64 {
	return q.combine(func(p *posterior) (mu, s2 float64) { return p.predict(x) })
}

// bound is at least the value of at, but for the conditions, which it takes as if all were most uncertain.
func (q *acquisition) bound(x []float64) float64 {
	return q.combine(func(p *posterior) (mu, s2 float64) { return p.bound(x) })
}

// moved is the value at the last point looked at, with coordinate j changed.
func (q *acquisition) moved(j int, to float64) float64 {
	return q.combine(func(p *posterior) (mu, s2 float64) { return p.move(j, to) })
}

// combine makes the value of what the posteriors say.
func (q *acquisition) combine(predict func(p *posterior) (mu, s2 float64)) float64 {
	sum := 0.0
	switch {
	case q.value != nil && q.boxes != nil:
		q.prepare(0)
		for k, p := range q.objectives() {
			mu, s2 := predict(p)
			q.mus[k], q.sigmas[k] = mu, deviation(s2)
		}
		sum = q.boxes.improvement(q.mus, q.sigmas)
	case q.value != nil:
		mu, s2 := predict(q.value)
		sum, _, _ = q.promise(mu, deviation(s2))
	}
	for _, c := range q.conditions {
		mu, s2 := predict(c)
		v, _ := logCDF(-mu / deviation(s2))
		sum += v
	}
	return sum
}

// size is how many points the largest posterior knows.
func (q *acquisition) size() int {
	n := 0
	for _, p := range q.conditions {
		n = max(n, len(p.x))
	}
	if q.value != nil {
		n = max(n, len(q.value.x))
	}
	return n
}

func (q *acquisition) objectives() []*posterior {
	return append([]*posterior{q.value}, q.others...)
}

// prepare makes room for objectives and for so many coordinates.
func (q *acquisition) prepare(coordinates int) {
	m := 1 + len(q.others)
	if len(q.mus) < m {
		q.mus, q.sigmas, q.byMu, q.bySigma = make([]float64, m), make([]float64, m), make([]float64, m), make([]float64, m)
	}
	if coordinates > 0 && len(q.slopes) < m {
		q.slopes, q.curves = square(m, coordinates), square(m, coordinates)
	}
}

// gradient is at with the derivatives by the numeric coordinates.
func (q *acquisition) gradient(x, g []float64) float64 {
	if len(q.dmu) < len(g) {
		q.dmu, q.ds2 = make([]float64, len(g)), make([]float64, len(g))
	}
	clear(g)
	sum := 0.0
	switch {
	case q.value != nil && q.boxes != nil:
		sum = q.cover(x, g)
	case q.value != nil:
		mu, s2 := q.value.gradient(x, q.dmu, q.ds2)
		sigma := deviation(s2)
		v, dmu, dsigma := q.promise(mu, sigma)
		sum += v
		for j := range g {
			g[j] += dmu*q.dmu[j] + dsigma*q.ds2[j]/(2*sigma)
		}
		if q.fantasies != nil {
			q.fantasies.slope(q.value, g)
		}
	}
	for _, c := range q.conditions {
		mu, s2 := c.gradient(x, q.dmu, q.ds2)
		sigma := deviation(s2)
		v, slope := logCDF(-mu / sigma)
		sum += v
		for j := range g {
			g[j] += slope * (-q.dmu[j]/sigma + mu/sigma*q.ds2[j]/(2*s2))
		}
	}
	return sum
}

// cover is the improvement of the hypervolume, whose derivatives it adds to g.
func (q *acquisition) cover(x, g []float64) float64 {
	q.prepare(len(g))
	for k, p := range q.objectives() {
		mu, s2 := p.gradient(x, q.slopes[k], q.curves[k])
		q.mus[k], q.sigmas[k] = mu, deviation(s2)
	}
	v := q.boxes.improvement(q.mus, q.sigmas)
	q.boxes.slope(q.byMu, q.bySigma)
	for k := range q.mus {
		axpy(q.byMu[k], q.slopes[k], g)
		axpy(q.bySigma[k]/(2*q.sigmas[k]), q.curves[k], g)
	}
	return v
}
