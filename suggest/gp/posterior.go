package gp

import (
	"math"
	"slices"
)

// posterior is what a Gaussian process knows at any point, given values at n points (Rasmussen & Williams 2006, equations 2.25
// and 2.26): with k_* the n covariances with the points,
//
//	μ(x) = m + k_*ᵀ α,   σ²(x) = k(x, x) - |L⁻¹ k_*|²
//
// for the value without noise.
type posterior struct {
	k     *kernel
	x     [][]float64 // points, scaled
	y     []float64   // values
	l     factor
	alpha []float64
	mean  float64 // m
	base  *trend  // added to the mean everywhere; usually nil

	believed []float64 // means at the last points, where they were believed: pending ones

	q, kv, v []float64 // of the last predict: distances, covariances, L⁻¹ k_*
	xs       []float64 // scaled point
	slopes   []float64 // derivatives of the covariances by q
}

// condition makes the posterior given values y at points x, of which base explains a part or is nil; nil where the covariances
// cannot be factorised.
func condition(k *kernel, x [][]float64, y []float64, base *trend) *posterior {
	return recondition(nil, k, x, y, base)
}

// recondition is condition with the factorisation of an earlier posterior, or nil, where its kernel and first points are the same.
func recondition(old *posterior, k *kernel, x [][]float64, y []float64, base *trend) *posterior {
	p := &posterior{k: k, x: square(len(x), k.d), y: base.rest(x, y), base: base, l: make(factor, 0, len(x)), xs: make([]float64, k.d)}
	shared := old != nil && old.k == k
	for i := range x {
		k.scaled(x[i], p.x[i])
		if shared = shared && i < len(old.l) && slices.Equal(p.x[i], old.x[i]); shared {
			p.l = append(p.l, old.l[i])
			continue
		}
		if !p.extend(i) {
			return nil
		}
	}
	p.weigh()
	return p
}

// extend factorises the row of point i, the first that is not.
func (p *posterior) extend(i int) bool {
	for jitter := 0.0; jitter < 1e-2; jitter = max(1e-8, 10*jitter) {
		row := make([]float64, i+1)
		for j := range i {
			row[j], _ = p.k.covariance(p.k.distance(p.x[i], p.x[j]))
		}
		row[i] = p.k.variance()*(1+jitter) + p.k.noise
		if p.l.push(row) {
			return true
		}
	}
	return false
}

// weigh computes m and α.
func (p *posterior) weigh() {
	n := len(p.y)
	one := make([]float64, n)
	p.alpha = append(p.alpha[:0], p.y...)
	for i := range one {
		one[i] = 1
	}
	p.l.solve(p.alpha)
	p.l.solve(one)
	p.mean = dot(one, p.alpha) / dot(one, one)
	axpy(-p.mean, one, p.alpha)
	p.l.solveT(p.alpha)
}

// believe adds a point with the value that is expected there: μ stays as it is, σ shrinks around it (D. Ginsbourger,
// R. Le Riche, L. Carraro, "Kriging is well-suited to parallelize optimization", Computational Intelligence in Expensive
// Optimization Problems, Springer 2010, section 4.2: the kriging believer).
func (p *posterior) believe(x []float64) {
	mu, _ := p.predict(x)
	p.x = append(p.x, p.k.scaled(x, make([]float64, p.k.d)))
	if !p.extend(len(p.x) - 1) {
		p.x = p.x[:len(p.x)-1]
		return
	}
	p.believed = append(p.believed, mu)
	if p.base != nil {
		mu -= p.base.at(x)
	}
	p.y, p.alpha = append(p.y, mu), append(p.alpha, 0)
}

// predict is the mean and the variance at a point.
func (p *posterior) predict(x []float64) (mu, s2 float64) {
	mu = p.expect(x)
	p.v = append(p.v[:0], p.kv...)
	p.l.solve(p.v)
	return mu, p.variance()
}

func (p *posterior) variance() float64 { return max(p.k.variance()-dot(p.v, p.v), 1e-12*p.k.s2) }

// bound is the mean and at least the variance at a point: that which the point nearest to it alone would leave.
func (p *posterior) bound(x []float64) (mu, s2 float64) {
	mu = p.expect(x)
	most := 0.0
	for _, k := range p.kv {
		most = max(most, k)
	}
	return mu, p.k.variance() - most*most/(p.k.variance()+p.k.noise)
}

// expect is the mean alone.
func (p *posterior) expect(x []float64) float64 {
	p.k.scaled(x, p.xs)
	n := len(p.x)
	if cap(p.q) < n {
		p.q, p.kv, p.slopes = make([]float64, n+16), make([]float64, n+16), make([]float64, n+16)
	}
	p.q, p.kv, p.slopes = p.q[:n], p.kv[:n], p.slopes[:n]
	for i, xi := range p.x {
		p.q[i] = p.k.distance(p.xs, xi)
	}
	mu := p.covary()
	if p.base != nil {
		mu += p.base.at(x)
	}
	return mu
}

// covary computes the covariances from the distances, and returns the mean.
func (p *posterior) covary() float64 {
	for i, q := range p.q {
		p.kv[i], p.slopes[i] = p.k.covariance(q)
	}
	return p.mean + dot(p.kv, p.alpha)
}

// move is the mean and variance at the point of the last expect or move with coordinate j changed.
func (p *posterior) move(j int, to float64) (mu, s2 float64) {
	from := p.xs[j]
	if j < p.k.num {
		to *= p.k.root[j]
	}
	p.xs[j] = to
	for i, xi := range p.x {
		p.q[i] = max(0, p.q[i]+p.k.apart(j, to, xi[j])-p.k.apart(j, from, xi[j]))
	}
	mu = p.covary()
	if p.base != nil {
		if j < p.k.num {
			mu += p.base.move(j, to/p.k.root[j])
		} else {
			mu += p.base.move(j, to)
		}
	}
	p.v = append(p.v[:0], p.kv...)
	p.l.solve(p.v)
	return mu, p.variance()
}

// gradient is predict with the derivatives of the mean and the variance by the numeric coordinates (those that matter, in a
// conditional space): ∂μ = ∂k_*ᵀ α, ∂σ² = -2 ∂k_*ᵀ K⁻¹ k_*, ∂k_i/∂x_j = k'(q_i) · 2 w_j (x_j - x_ij).
func (p *posterior) gradient(x, dmu, ds2 []float64) (mu, s2 float64) {
	mu, s2 = p.predict(x)
	p.l.solveT(p.v)
	num := p.k.num
	clear(dmu)
	clear(ds2)
	dm, ds, xs := dmu[:num], ds2[:num], p.xs[:num]
	for i, xi := range p.x {
		a := 2 * p.slopes[i]
		b := -2 * a * p.v[i]
		a *= p.alpha[i]
		xi := xi[:num]
		if p.k.conditional {
			for j := range num {
				if xs[j] >= 0 && xi[j] >= 0 {
					t := xs[j] - xi[j]
					dm[j] += a * t
					ds[j] += b * t
				}
			}
			continue
		}
		for j, v := range xs {
			t := v - xi[j]
			dm[j] += a * t
			ds[j] += b * t
		}
	}
	for j, r := range p.k.root {
		dm[j] *= r
		ds[j] *= r
	}
	if p.base != nil {
		p.base.slope(x, dm)
	}
	return mu, s2
}

// deviation is the square root of a variance.
func deviation(s2 float64) float64 { return math.Sqrt(max(s2, 0)) }

// truncate takes the last points back out, which were believed.
func (p *posterior) truncate(n int) {
	p.believed = p.believed[:max(0, n-len(p.x)+len(p.believed))]
	p.x, p.y, p.l, p.alpha = p.x[:n], p.y[:n], p.l[:n], p.alpha[:n]
}

// certain is the posterior without the points that were believed.
func (p *posterior) certain() *posterior {
	c := *p
	c.q, c.kv, c.v, c.slopes, c.xs = nil, nil, nil, nil, make([]float64, p.k.d)
	c.truncate(len(p.x) - len(p.believed))
	return &c
}
