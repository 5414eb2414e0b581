package gp

import (
	"math"
	"math/rand/v2"
)

// Fantasies: values that pending trials may turn out to have, drawn from their joint posterior; what a trial promises is averaged
// over them. So a trial is worth most where it helps whichever way those before it end (the marginal gain of one trial in a batch):
//
//	J. Snoek, H. Larochelle, R. P. Adams, "Practical Bayesian optimization of machine learning algorithms", NIPS 2012, section 3.2.
//
// Let L be the factor of the covariances of all n points, of which the last are pending. There L⁻¹(y - m) is standard normal a
// priori, so with independent normal z in those rows and 0 in the others
//
//	y_z = y + L z,   α_z = α + L⁻ᵀ z,   μ_z(x) = μ(x) + k_*ᵀ L⁻ᵀ z
//
// where y, α and μ are those of the kriging believer, which is z = 0. σ(x) is the same for all. With f_z the best value, known or in the
// fantasy, the average is taken on the logarithmic scale, as by Ament et al. (2023), section 4.1:
//
//	ln (1/M Σ_z exp(logEI(f_z, μ_z(x), σ(x))))
type fantasies struct {
	shift [][]float64 // L⁻ᵀ z by fantasy
	best  []float64   // f_z

	value, dmu, dsigma []float64 // of the last point looked at, by fantasy: logEI and its derivatives
	share              []float64 // by fantasy: derivative of the average by μ_z
	lean               []float64 // Σ_z share L⁻ᵀ z
}

// imagine draws the given number of fantasies, in pairs ±z; nil where no trial is pending. best is the best value known.
func (p *posterior) imagine(best float64, count int, rng *rand.Rand) *fantasies {
	n := len(p.x)
	first := n - len(p.believed)
	if first == n {
		return nil
	}
	f := &fantasies{
		shift: square(count, n), best: make([]float64, count), value: make([]float64, count), dmu: make([]float64, count),
		dsigma: make([]float64, count), share: make([]float64, count), lean: make([]float64, n),
	}
	z := make([]float64, n)
	for i, shift := range f.shift {
		for j := first; j < n; j++ {
			if z[j] = -z[j]; i%2 == 0 {
				z[j] = rng.NormFloat64()
			}
		}
		copy(shift, z)
		p.l.solveT(shift)
		f.best[i] = best
		for j := first; j < n; j++ { // μ_z(x_j), which is y_zj but for the noise: k_jᵀ α_z = (K α_z)_j - σ² α_zj
			mu := p.believed[j-first] + dot(p.l[j][first:], z[first:j+1]) - p.k.noise*shift[j]
			f.best[i] = min(f.best[i], mu)
		}
	}
	return f
}

// promise is the average at the point where the posterior was last asked, with its derivatives by μ and σ.
func (f *fantasies) promise(p *posterior, mu, sigma float64) (v, dmu, dsigma float64) {
	top := math.Inf(-1)
	for i, shift := range f.shift {
		f.value[i], f.dmu[i], f.dsigma[i] = logEI(f.best[i], mu+dot(p.kv, shift), sigma)
		top = max(top, f.value[i])
	}
	total := 0.0
	for i, v := range f.value {
		f.share[i] = math.Exp(v - top)
		total += f.share[i]
	}
	for i := range f.share {
		f.share[i] /= total
		dsigma += f.share[i] * f.dsigma[i]
		f.share[i] *= f.dmu[i]
		dmu += f.share[i]
	}
	return top + math.Log(total/float64(len(f.value))), dmu, dsigma
}

// slope adds to g the part of the gradient at the last point that comes from the means of the fantasies differing: Σ_z ∂v/∂μ_z
// ∂(k_*ᵀ L⁻ᵀ z), as in posterior.gradient.
func (f *fantasies) slope(p *posterior, g []float64) {
	clear(f.lean)
	for i, shift := range f.shift {
		axpy(f.share[i], shift, f.lean)
	}
	for i, xi := range p.x {
		a := 2 * p.slopes[i] * f.lean[i]
		for j, r := range p.k.root {
			if !p.k.conditional || p.xs[j] >= 0 && xi[j] >= 0 {
				g[j] += a * r * (p.xs[j] - xi[j])
			}
		}
	}
}
