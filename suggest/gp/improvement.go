package gp

import (
	"math"

	"qalam/suggest/normal"
)

// Expected improvement on a logarithmic scale, which keeps its slope where improvement is all but impossible:
//
//	S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy, "Unexpected improvements to expected improvement for Bayesian
//	optimization", NeurIPS 2023, equation 9.
//
// With z = (f - μ)/σ for a best value f and a value distributed as N(μ, σ²), where smaller is better:
//
//	ln E[max(0, f - y)] = ln σ + ln h(z),   h(z) = φ(z) + z Φ(z)

// mills is Φ(-t)/φ(t), for t ≥ 0 (J. P. Mills 1926), and rest is 1 - t mills(t), which it does not lose to cancellation.
func mills(t float64) (ratio, rest float64) {
	if t < 25 {
		ratio = math.Sqrt(math.Pi/2) * normal.Erfcx(t/math.Sqrt2)
		return ratio, 1 - t*ratio
	}
	i := 1 / (t * t) // the asymptotic series, whose first term left out is below 1e-11 of the sum
	rest = i * (1 - i*(3-i*(15-i*(105-945*i))))
	return (1 - rest) / t, rest
}

// logH is ln h(z), with Φ/h and φ/h at z, which are d ln h/dz and the like by σ.
func logH(z float64) (value, cumulative, density float64) {
	if z > -1 {
		phi := math.Exp(normal.LogPDF(z))
		cdf := normal.CDF(z)
		h := phi + z*cdf
		return math.Log(h), cdf / h, phi / h
	}
	z = max(z, -1e100)
	ratio, rest := mills(-z)
	return normal.LogPDF(z) + math.Log(rest), ratio / rest, 1 / rest
}

// logEI is the logarithm of the expected improvement on best, with its derivatives by the mean and by the deviation.
func logEI(best, mu, sigma float64) (value, dmu, dsigma float64) {
	h, cumulative, density := logH((best - mu) / sigma)
	return math.Log(sigma) + h, -cumulative / sigma, density / sigma
}

// logCDF is ln Φ(z) with its derivative.
func logCDF(z float64) (value, slope float64) {
	if z > -1 {
		cdf := normal.CDF(z)
		return math.Log(cdf), math.Exp(normal.LogPDF(z)) / cdf
	}
	z = max(z, -1e100)
	ratio, _ := mills(-z)
	return normal.LogPDF(z) + math.Log(ratio), 1 / ratio
}
