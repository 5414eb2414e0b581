package gp

import "math"

// The covariance of the values at two points x, x' ∈ R^d is that of
//
//	C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, equation 4.17 (ν = 5/2),
//
// with a length scale for every coordinate:
//
//	k(x, x') = s² m(q),   m(q) = (1 + √(5q) + 5q/3) e^{-√(5q)},   q = Σ_j w_j D_j(x_j, x'_j)
//
// w_j > 0 is the inverse square of a length scale; D_j is the square of the difference of numeric coordinates and, for
// categorical ones, 0 where they are equal and 1 where they differ (Hamming). Where a parameter matters at one of the points
// only, D_j is 1, as between the ends of its range; where it matters at neither, 0:
//
//	F. Hutter, M. A. Osborne, "A kernel for hierarchical parameter spaces", arXiv:1310.5738 (2013), section 3.
//
// In terms of q the derivative is finite where points coincide: m'(q) = -5/6 (1 + √(5q)) e^{-√(5q)}.
type kernel struct {
	num, d      int
	conditional bool
	w           []float64 // by coordinate
	root        []float64 // √w_j of the numeric coordinates
	s2          float64   // s²
	noise       float64   // variance of the observations' noise, on the same scale as s2
	rough       float64   // ρ² of the rough part (rough.go); 0 without
}

func newKernel(e *encoding, w []float64, s2, noise float64) *kernel {
	k := &kernel{num: e.num, d: len(e.dims), conditional: e.conditional, w: w, s2: s2, noise: noise, root: make([]float64, e.num)}
	for j := range k.root {
		k.root[j] = math.Sqrt(w[j])
	}
	return k
}

// covariance is k(x, x') at a distance q, with its derivative by q.
func (k *kernel) covariance(q float64) (v, dq float64) {
	m, e, t := matern(q)
	v, dq = k.s2*m, k.s2*slope(e, t)
	if k.rough > 0 {
		m, e, t = matern(rougher * q)
		v += k.rough * m
		dq += k.rough * rougher * slope(e, t)
	}
	return v, dq
}

// variance is k(x, x).
func (k *kernel) variance() float64 { return k.s2 + k.rough }

// scaled is x with its numeric coordinates divided by their length scales.
func (k *kernel) scaled(x, dst []float64) []float64 {
	copy(dst, x)
	for j, r := range k.root {
		dst[j] *= r
	}
	return dst
}

// distance is q of two scaled points.
func (k *kernel) distance(a, b []float64) float64 {
	q := 0.0
	if k.conditional {
		for j := range k.num {
			q += k.apart(j, a[j], b[j])
		}
	} else {
		x, y := a[:k.num], b[:k.num]
		for j, v := range x {
			t := v - y[j]
			q += t * t
		}
	}
	for j := k.num; j < k.d; j++ {
		if a[j] != b[j] {
			q += k.w[j]
		}
	}
	return q
}

// apart is w_j D_j of two scaled coordinates.
func (k *kernel) apart(j int, a, b float64) float64 {
	switch {
	case j >= k.num && a == b:
		return 0
	case j >= k.num, (a < 0) != (b < 0):
		return k.w[j]
	}
	return (a - b) * (a - b)
}

// matern is m(q), and e^{-√(5q)} and √(5q) of which its derivative is made.
func matern(q float64) (m, e, t float64) {
	t = math.Sqrt(5 * q)
	e = expNegative(t)
	return (1 + t + t*t/3) * e, e, t
}

// slope is m'(q) of the parts that matern gave.
func slope(e, t float64) float64 { return -5.0 / 6 * (1 + t) * e }
