package gp

// kind is what makes a value promising.
type kind uint8

const (
	improvement kind = iota // ln E[max(0, best - y)]
	probability             // ln P(y < best - margin)
	bound                   // -(μ - κσ), a confidence bound
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

	dmu, ds2 []float64
}

// promise is that of a value with mean mu and deviation sigma, with its derivatives by both.
func (q *acquisition) promise(mu, sigma float64) (v, dmu, dsigma float64) {
	switch q.kind {
	case probability:
		z := (q.best - margin - mu) / sigma
		v, slope := logCDF(z)
		return v, -slope / sigma, -slope * z / sigma
	case bound:
		return kappa*sigma - mu, -1, kappa
	}
	return logEI(q.best, mu, sigma)
}

// at is the acquisition's value.
func (q *acquisition) at(x []float64) float64 {
	sum := 0.0
	if q.value != nil {
		mu, s2 := q.value.predict(x)
		sum, _, _ = q.promise(mu, deviation(s2))
	}
	return sum + q.kept(x)
}

// kept is the logarithm of the probability that all conditions are kept.
func (q *acquisition) kept(x []float64) float64 {
	sum := 0.0
	for _, c := range q.conditions {
		mu, s2 := c.predict(x)
		v, _ := logCDF(-mu / deviation(s2))
		sum += v
	}
	return sum
}

// moved is the value at the last point looked at, with coordinate j changed.
func (q *acquisition) moved(j int, to float64) float64 {
	sum := 0.0
	if q.value != nil {
		mu, s2 := q.value.move(j, to)
		sum, _, _ = q.promise(mu, deviation(s2))
	}
	for _, c := range q.conditions {
		mu, s2 := c.move(j, to)
		v, _ := logCDF(-mu / deviation(s2))
		sum += v
	}
	return sum
}

// gradient is at with the derivatives by the numeric coordinates.
func (q *acquisition) gradient(x, g []float64) float64 {
	if len(q.dmu) < len(g) {
		q.dmu, q.ds2 = make([]float64, len(g)), make([]float64, len(g))
	}
	clear(g)
	sum := 0.0
	if q.value != nil {
		mu, s2 := q.value.gradient(x, q.dmu, q.ds2)
		sigma := deviation(s2)
		v, dmu, dsigma := q.promise(mu, sigma)
		sum += v
		for j := range g {
			g[j] += dmu*q.dmu[j] + dsigma*q.ds2[j]/(2*sigma)
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
