package cmaes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// The numeric parameters are searched as in
//
//	N. Hansen, "The CMA evolution strategy: a tutorial", arXiv 1604.00772 (2016), whose equations are cited by number,
//
// with its negative weights; in more than maxFull dimensions the covariance is diagonal:
//
//	R. Ros, N. Hansen, "A simple modification in CMA-ES achieving linear time and space complexity", PPSN X, 296-305 (2008).
//
// Symbols:
//
//	d        number of numeric parameters; coordinates are those of the unit cube
//	lambda   trials in a generation
//	m        [d] mean
//	sigma    step size, in widths of the unit cube
//	cov      [d·d] covariance C, row by row; [d] variances where it is diagonal
//	B, D     [d·d], [d] its eigenvectors (in columns) and the roots of its eigenvalues: C = B D² Bᵀ; B is nil where diagonal
//	ps, pc   [d] the evolution paths p_σ and p_c
//	A        [d] diagonal matrix of the margin correction, 1 for real parameters (see margin.go)
//	z, y, v  [d] a sample: z ~ N(0, I), y = B D z ~ N(0, C), v = m + σ A y
type gaussian struct {
	m, A   []float64
	sigma  float64
	cov    []float64
	B, D   []float64
	ps, pc []float64
	g      int // generations since the start of the descent
}

// maxFull is the largest number of dimensions with a full covariance.
const maxFull = 50

// rates are the parameters of the strategy, which depend on lambda and d alone (table 1 of the tutorial).
type rates struct {
	lambda, d    int
	w            []float64 // [lambda] of the covariance, negative for the worse half
	mean         []float64 // [lambda] of the mean: the positive part of w, of sum 1
	muEff        float64
	cs, ds       float64 // of the step size
	cc, c1, cmu  float64 // of the covariance
	chi          float64 // E‖N(0, I)‖
	sumW         float64
	longest      float64 // of Mahalanobis length for solutions that were not drawn from the distribution
	diagonalOnly bool
}

// newRates derives the parameters for d numeric dimensions.
func newRates(lambda, d int) *rates {
	r := &rates{lambda: lambda, d: d, w: make([]float64, lambda), mean: make([]float64, lambda), diagonalOnly: d > maxFull}
	var plus, minus, plus2, minus2 float64
	for i := range r.w {
		r.w[i] = math.Log(float64(lambda+1)/2) - math.Log(float64(i+1)) // (49)
		if i < lambda/2 {
			plus, plus2 = plus+r.w[i], plus2+r.w[i]*r.w[i]
		} else {
			minus, minus2 = minus-r.w[i], minus2+r.w[i]*r.w[i]
		}
	}
	n := float64(d)
	// Trials are few where they train a model: the strategy learns the shape faster, and changes its step more boldly, than the
	// defaults, which are made for thousands of evaluations. Measured on the tuning problems of bench/search.
	const haste, damping = 1.5, 0.6
	r.muEff = plus * plus / plus2
	n1 := max(1, n)
	r.c1 = haste * 2 / ((n+1.3)*(n+1.3) + r.muEff)                                 // (57)
	r.cmu = haste * 2 * (0.25 + r.muEff + 1/r.muEff - 2) / ((n+2)*(n+2) + r.muEff) // (58)
	if r.diagonalOnly {                                                            // Ros and Hansen (2008), section 3
		r.c1 *= (n + 2) / 3
		r.cmu *= (n + 2) / 3
	}
	r.cmu = min(r.cmu, 1-r.c1-1e-8)
	r.cs = (r.muEff + 2) / (n + r.muEff + 5)                               // (55)
	r.ds = damping * (1 + 2*max(0, math.Sqrt((r.muEff-1)/(n+1))-1) + r.cs) // (55)
	r.cc = (4 + r.muEff/n1) / (n + 4 + 2*r.muEff/n1)                       // (56)
	r.chi = math.Sqrt(n) * (1 - 1/(4*n1) + 1/(21*n1*n1))                   // below (29)
	muEffMinus := 1.0
	if minus2 > 0 {
		muEffMinus = minus * minus / minus2
	}
	scale := min(1+r.c1/r.cmu, 1+2*muEffMinus/(r.muEff+2), (1-r.c1-r.cmu)/(n1*r.cmu)) // (50) to (52)
	for i := range r.w {
		if i < lambda/2 {
			r.w[i] /= plus
			r.mean[i] = r.w[i]
		} else {
			r.w[i] *= scale / minus // (53)
		}
		r.sumW += r.w[i]
	}
	r.longest = math.Sqrt(n) + 2*n/(n+2)
	return r
}

// newGaussian begins at mean m with step size sigma and covariance I.
func newGaussian(m []float64, sigma float64) *gaussian {
	d := len(m)
	p := &gaussian{m: m, sigma: sigma, A: ones(d), ps: make([]float64, d), pc: make([]float64, d)}
	if d > maxFull {
		p.cov = ones(d)
	} else {
		p.cov = make([]float64, d*d)
		for i := range d {
			p.cov[i*d+i] = 1
		}
	}
	p.factor()
	return p
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

func (p *gaussian) clone() *gaussian {
	q := *p
	q.m, q.A, q.cov = slices.Clone(p.m), slices.Clone(p.A), slices.Clone(p.cov)
	q.ps, q.pc = slices.Clone(p.ps), slices.Clone(p.pc)
	return &q // B and D are made anew by factor, never changed
}

// variance is C_jj.
func (p *gaussian) variance(j int) float64 {
	d := len(p.m)
	if len(p.cov) == d {
		return p.cov[j] // diagonal, or d = 1
	}
	return p.cov[j*d+j]
}

// deviation is the standard deviation of v_j.
func (p *gaussian) deviation(j int) float64 { return p.sigma * p.A[j] * math.Sqrt(p.variance(j)) }

// factor makes B and D from C, and C positive definite where rounding has spoiled it.
func (p *gaussian) factor() {
	d := len(p.m)
	const least = 1e-14 // of the largest eigenvalue
	p.D = make([]float64, d)
	p.B = nil
	if d > maxFull || d <= 1 {
		largest := 0.0
		for _, c := range p.cov {
			largest = max(largest, c)
		}
		for j := range p.D {
			p.cov[j] = max(p.cov[j], least*largest)
			p.D[j] = math.Sqrt(p.cov[j])
		}
		return
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(d, slices.Clone(p.cov)), true) {
		p.forget()
		return
	}
	values := eigen.Values(nil)
	largest := values[d-1]
	if !(largest > 0) || math.IsInf(largest, 1) {
		p.forget()
		return
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	p.B = vectors.RawMatrix().Data
	for j, v := range values {
		p.D[j] = math.Sqrt(max(v, least*largest))
	}
}

// forget makes C the identity: what is left when it has become singular.
func (p *gaussian) forget() {
	d := len(p.m)
	clear(p.cov)
	p.B, p.D = make([]float64, d*d), ones(d)
	for j := range d {
		p.cov[j*d+j], p.B[j*d+j] = 1, 1
	}
	clear(p.pc)
}

// stretch is y = B D z.
func (p *gaussian) stretch(z, y []float64) {
	d := len(z)
	for i := range y {
		if p.B == nil {
			y[i] = p.D[i] * z[i]
			continue
		}
		sum := 0.0
		for j, b := range p.B[i*d : (i+1)*d] {
			sum += b * p.D[j] * z[j]
		}
		y[i] = sum
	}
}

// relax is D⁻¹ Bᵀ y, the inverse of stretch.
func (p *gaussian) relax(y, z []float64) {
	d := len(y)
	clear(z)
	for i := range y {
		if p.B == nil {
			z[i] = y[i] / p.D[i]
			continue
		}
		for j, b := range p.B[i*d : (i+1)*d] {
			z[j] += b * y[i]
		}
	}
	if p.B != nil {
		for j := range z {
			z[j] /= p.D[j]
		}
	}
}

// update moves the distribution by a generation: ys are the samples y from the best to the worst, w and mean their weights.
// Indices of ys and weights agree.
func (p *gaussian) update(r *rates, ys [][]float64, w, mean []float64) {
	d := len(p.m)
	p.g++
	yw, z := make([]float64, d), make([]float64, d)
	for i, y := range ys {
		axpy(mean[i], y, yw) // (41)
	}
	for j := range p.m {
		p.m[j] += p.sigma * p.A[j] * yw[j] // (42), c_m = 1
	}

	p.relax(yw, z) // D⁻¹ Bᵀ ⟨y⟩; p_σ is kept in these coordinates turned back by B
	if p.B != nil {
		z = p.turn(z)
	}
	norm := 0.0
	for j := range p.ps {
		p.ps[j] = (1-r.cs)*p.ps[j] + math.Sqrt(r.cs*(2-r.cs)*r.muEff)*z[j] // (43)
		norm += p.ps[j] * p.ps[j]
	}
	norm = math.Sqrt(norm)
	p.sigma *= math.Exp(min(1, r.cs/r.ds*(norm/r.chi-1))) // (44), not beyond a factor of e

	h := 0.0 // (45): p_c stalls while p_σ is long
	if norm/math.Sqrt(1-math.Pow(1-r.cs, 2*float64(p.g))) < (1.4+2/float64(d+1))*r.chi {
		h = 1
	}
	for j := range p.pc {
		p.pc[j] = (1-r.cc)*p.pc[j] + h*math.Sqrt(r.cc*(2-r.cc)*r.muEff)*yw[j]
	}
	keep := 1 + r.c1*(1-h)*r.cc*(2-r.cc) - r.c1 - r.cmu*r.sumW // (47)
	for i := range p.cov {
		p.cov[i] *= keep
	}
	p.add(r.c1, p.pc)
	for i, y := range ys {
		wi := w[i]
		if wi < 0 { // (46)
			p.relax(y, z)
			wi *= float64(d) / (dot(z, z) + 1e-12)
		}
		p.add(r.cmu*wi, y)
	}
	p.factor()
}

// turn is B z.
func (p *gaussian) turn(z []float64) []float64 {
	d := len(z)
	out := make([]float64, d)
	for i := range out {
		out[i] = dot(p.B[i*d:(i+1)*d], z)
	}
	return out
}

// add adds c y yᵀ to the covariance.
func (p *gaussian) add(c float64, y []float64) {
	d := len(y)
	for i := range y {
		if len(p.cov) == d {
			p.cov[i] += c * y[i] * y[i]
		} else {
			axpy(c*y[i], y, p.cov[i*d:(i+1)*d])
		}
	}
}

func axpy(a float64, x, y []float64) {
	for i := range x {
		y[i] += a * x[i]
	}
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}
