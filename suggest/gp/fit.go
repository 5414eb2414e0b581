package gp

import (
	"math"
	"slices"
)

// The hyper-parameters θ = (ln w_1 … ln w_d, ln s², ln σ²) are those of largest posterior density (MAP). With K = s² M + σ² I,
// r = y - m 1, m = 1ᵀK⁻¹y / 1ᵀK⁻¹1 the constant mean of largest likelihood, and α = K⁻¹ r (Rasmussen & Williams 2006,
// equations 5.8 and 5.9):
//
//	-ln p(y|θ) = ½ rᵀα + Σ_i ln L_ii + const,   ∂/∂θ = -½ tr((α αᵀ - K⁻¹) ∂K/∂θ)
//
// m needs no derivative of its own, since the likelihood is flat in it.

// prior is -ln of the prior density of the hyper-parameters, up to a constant, for values standardised to variance 1. It draws
// w_j to w0_j from both sides: -ln p(w_j) = c (w0_j/w_j + w_j/w0_j). The more parameters there are, the less each is expected to
// bend the objective, as with
//
//	C. Hvarfner, E. O. Hellsten, L. Nardi, "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024,
//
// and those with few values less than those with many. The variances have gamma densities: with shape 2 and rate 1 for s², with
// shape 1.1 and rate 30 for the noise.
type prior struct {
	w0 []float64
	c  float64
}

func newPrior(e *encoding) prior {
	p := prior{w0: make([]float64, len(e.dims)), c: wWeight}
	for j, d := range e.dims {
		p.w0[j] = wMode * math.Pow(float64(len(e.dims)), -wPower)
		if d.count > 0 && d.count <= exact {
			p.w0[j] *= wListed
		}
	}
	return p
}

const (
	lowW, highW         = -9.0, 9.0 // bounds of ln w
	lowS2, highS2       = -6.0, 6.0 // of ln s²
	lowNoise, highNoise = -13.8, 1.0
)

// fitting is the state of one fit.
type fitting struct {
	e    *encoding
	x    [][]float64 // n points
	y    []float64   // n values, standardised
	prio prior

	xs   [][]float64
	l    factor
	rows []float64   // of l, n × n
	inv  [][]float64 // L⁻ᵀ
	e2   []float64   // s² m'(q) by pair
	mat  []float64   // m(q) by pair
	a    []float64   // α
	one  []float64   // K⁻¹ 1
}

func newFitting(e *encoding, x [][]float64, y []float64) *fitting {
	n := len(x)
	f := &fitting{e: e, x: x, y: y, prio: newPrior(e), rows: make([]float64, n*n), e2: make([]float64, n*n), mat: make([]float64, n*n),
		a: make([]float64, n), one: make([]float64, n), l: make(factor, 0, n)}
	f.xs, f.inv = square(n, len(e.dims)), square(n, n)
	return f
}

// square makes n rows of m numbers.
func square(n, m int) [][]float64 {
	all := make([]float64, n*m)
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = all[i*m : (i+1)*m : (i+1)*m]
	}
	return rows
}

// hyper reads θ.
func (f *fitting) hyper(theta []float64) *kernel {
	d := len(f.e.dims)
	w := make([]float64, d)
	for j := range w {
		w[j] = math.Exp(theta[j])
	}
	return newKernel(f.e, w, math.Exp(theta[d]), math.Exp(theta[d+1]))
}

// loss is -ln of the posterior density of θ, with its gradient; infinite where K is not positive definite.
func (f *fitting) loss(theta, g []float64) float64 {
	n := len(f.x)
	k := f.hyper(theta)
	for i, x := range f.x {
		k.scaled(x, f.xs[i])
	}
	f.l = f.l[:0]
	for i := range n {
		row := f.rows[i*n : i*n+i+1]
		for j := range i {
			m, e, t := matern(k.distance(f.xs[i], f.xs[j]))
			f.mat[i*n+j], f.e2[i*n+j] = m, k.s2*slope(e, t)
			row[j] = k.s2 * m
		}
		row[i] = k.s2 + k.noise
		if !f.l.push(row) {
			return math.Inf(1)
		}
	}
	for i := range f.a {
		f.a[i], f.one[i] = f.y[i], 1
	}
	f.l.solve(f.a)
	f.l.solve(f.one)
	m := dot(f.one, f.a) / dot(f.one, f.one)
	axpy(-m, f.one, f.a) // L⁻¹ r
	value := 0.5*dot(f.a, f.a) + f.l.logDet()
	f.l.solveT(f.a)
	f.gradient(k, g)
	return value + f.prio.add(k, g)
}

// gradient writes the derivative of -ln p(y|θ).
func (f *fitting) gradient(k *kernel, g []float64) {
	n, d := len(f.x), k.d
	clear(g)
	f.l.inverseT(f.inv)
	trace := 0.0
	for i := range n {
		xi := f.xs[i]
		for j := range i {
			w := f.a[i]*f.a[j] - dot(f.inv[i][i:], f.inv[j][i:]) // (α αᵀ - K⁻¹)_ij, which occurs twice
			g[d] -= w * k.s2 * f.mat[i*n+j]
			w *= f.e2[i*n+j]
			xj := f.xs[j]
			if k.conditional {
				for c := range d {
					g[c] -= w * k.apart(c, xi[c], xj[c])
				}
				continue
			}
			gn, xj2 := g[:k.num], xj[:k.num]
			for c, v := range xi[:k.num] {
				t := v - xj2[c]
				gn[c] -= w * t * t
			}
			for c := k.num; c < d; c++ {
				if xi[c] != xj[c] {
					g[c] -= w * k.w[c]
				}
			}
		}
		trace += f.a[i]*f.a[i] - dot(f.inv[i][i:], f.inv[i][i:])
	}
	g[d] -= 0.5 * k.s2 * trace
	g[d+1] = -0.5 * k.noise * trace
}

// add is the prior's part of the loss; it adds its gradient to g.
func (p prior) add(k *kernel, g []float64) float64 {
	value := 0.0
	for j, w := range k.w {
		value += p.c * (p.w0[j]/w + w/p.w0[j])
		g[j] += p.c * (w/p.w0[j] - p.w0[j]/w)
	}
	const noiseShape, noiseRate = 1.1, 30
	value += k.s2 - math.Log(k.s2)
	g[k.d] += k.s2 - 1
	value += noiseRate*k.noise - (noiseShape-1)*math.Log(k.noise)
	g[k.d+1] += noiseRate*k.noise - (noiseShape - 1)
	return value
}

// maximize finds the hyper-parameters from fixed starts, so that they depend on the data alone, and the loss there; nil where the
// matrix of covariances cannot be factorised anywhere. With more than a few trials the likelihood has more than one peak: what
// long length scales do not explain, noise does (Rasmussen & Williams 2006, section 5.4.1). So a second start is where there is next
// to no noise. That peak is narrower, so it has to be higher to hold as much of the probability.
func (f *fitting) maximize() (k *kernel, loss float64) {
	d := len(f.e.dims)
	m := descent{iterations: fitSteps, gradient: fitGradient, decrease: fitDecrease}
	m.low, m.high = append(slices.Repeat([]float64{lowW}, d), lowS2, lowNoise), append(slices.Repeat([]float64{highW}, d), highS2, highNoise)
	loss = math.Inf(1)
	for i, start := range [2]struct{ w, noise float64 }{{1, startNoise}, {startShort, startExact}} {
		if i > 0 && len(f.x) <= onePeak {
			break
		}
		theta := make([]float64, d+2)
		for j := range d {
			theta[j] = math.Log(start.w * f.prio.w0[j])
		}
		theta[d+1] = math.Log(start.noise)
		if l := m.minimize(f.loss, theta); l < loss-float64(i)*narrower {
			k, loss = f.hyper(theta), l
		}
	}
	return k, loss
}
