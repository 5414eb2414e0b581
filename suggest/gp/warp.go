package gp

import (
	"math"
	"slices"
)

// warp leads objective values to a scale on which a Gaussian process fits them: monotone, so that the best stays the best, with
// mean 0 and variance 1. Losses have a long tail of bad values, which would hide the differences of the good ones. So values
// are measured from the median in units of the spread of the better half, those far above are cut, and the rest is bent by the
// power that makes them most normal:
//
//	I.-K. Yeo, R. A. Johnson, "A new family of power transformations to improve normality or symmetry", Biometrika 87(4),
//	954-959 (2000),
//
// as A. I. Cowen-Rivers et al., "HEBO: pushing the limits of sample-efficient hyperparameter optimisation", JAIR 74 (2022) do.
type warp struct {
	center, scale float64 // t = (y - center) / scale
	cut           float64 // the largest t
	lambda        float64
	mean, sd      float64
}

// newWarp fits the warp to values, at least one.
func newWarp(values []float64) warp {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	w := warp{lambda: 1, sd: 1, cut: math.Inf(1), center: sorted[(n-1)/2]/2 + sorted[n/2]/2}
	w.scale = max(w.center-sorted[(n-1)/4], zoom*early(values))
	if spread := sorted[n-1]/2 - sorted[0]/2; !(w.scale > 1e-3*spread) {
		w.scale = spread
	}
	if !(w.scale > math.Abs(w.center)*1e-13) || !(w.scale > 1e-300) || math.IsInf(w.scale, 0) {
		w.scale = max(1, math.Abs(w.center))
	}
	t := make([]float64, n)
	for i, y := range sorted {
		t[i] = y/w.scale - w.center/w.scale
	}
	w.cut = max(tail, t[0]+1)
	for i := range t {
		t[i] = min(t[i], w.cut)
	}
	if n >= bendFrom {
		w.lambda = fitPower(t)
	}
	w.standardize(t)
	return w
}

// early is the spread of the better half of the first values, before a search has gathered many at one place: however many there
// are later, their small differences must not hide that other places exist.
func early(values []float64) float64 {
	const first = 16
	sorted := slices.Sorted(slices.Values(values[:min(first, len(values))]))
	return sorted[len(sorted)/2] - sorted[(len(sorted)-1)/4]
}

// standardize sets mean and sd from the values before the power.
func (w *warp) standardize(t []float64) {
	sum, squares := 0.0, 0.0
	for _, v := range t {
		sum += power(v, w.lambda)
	}
	w.mean = sum / float64(len(t))
	for _, v := range t {
		squares += (power(v, w.lambda) - w.mean) * (power(v, w.lambda) - w.mean)
	}
	w.sd = math.Sqrt(squares / float64(len(t)))
	if !(w.sd > 1e-12) {
		w.sd = 1
	}
}

// forward warps a value.
func (w *warp) forward(y float64) float64 {
	t := min(y/w.scale-w.center/w.scale, w.cut)
	return (power(t, w.lambda) - w.mean) / w.sd
}

// inverse is the value that forward leads to z, as far as there is one.
func (w *warp) inverse(z float64) float64 {
	return w.center + w.scale*unpower(w.mean+z*w.sd, w.lambda)
}

// power is Yeo and Johnson's ψ(λ, t) (their equation 2.1).
func power(t, lambda float64) float64 {
	switch {
	case t >= 0 && lambda == 0:
		return math.Log1p(t)
	case t >= 0:
		return math.Expm1(lambda*math.Log1p(t)) / lambda
	case lambda == 2:
		return -math.Log1p(-t)
	}
	return -math.Expm1((2-lambda)*math.Log1p(-t)) / (2 - lambda)
}

// unpower is its inverse; beyond its range, the end of it.
func unpower(v, lambda float64) float64 {
	switch {
	case v >= 0 && lambda == 0:
		return math.Expm1(v)
	case v >= 0:
		return math.Expm1(math.Log1p(max(lambda*v, -1+1e-12)) / lambda)
	case lambda == 2:
		return -math.Expm1(-v)
	}
	return -math.Expm1(math.Log1p(max(-(2-lambda)*v, -1+1e-12)) / (2 - lambda))
}

// fitPower is the λ of largest likelihood (their equation 3.1) within bounds that keep it a moderate bend, by a golden section.
func fitPower(t []float64) float64 {
	n := float64(len(t))
	jacobian := 0.0
	for _, v := range t {
		jacobian += math.Copysign(math.Log1p(math.Abs(v)), v)
	}
	loss := func(lambda float64) float64 {
		w := warp{lambda: lambda}
		w.standardize(t)
		return n*math.Log(w.sd) - (lambda-1)*jacobian
	}
	ratio := (math.Sqrt(5) - 1) / 2
	low, high := bendLow, bendHigh
	a, b := high-ratio*(high-low), low+ratio*(high-low)
	fa, fb := loss(a), loss(b)
	for high-low > 0.01 {
		if fa <= fb {
			high, b, fb = b, a, fa
			a = high - ratio*(high-low)
			fa = loss(a)
		} else {
			low, a, fa = a, b, fb
			b = low + ratio*(high-low)
			fb = loss(b)
		}
	}
	return (low + high) / 2
}
