package gp

// What a smooth function does not explain of the values is noise, or it is the objective itself: the loss of a model that is trained
// the same way each time is often rough, or a function of steps. It makes a difference where a search has closed in. A model with
// noise σ² is never sure of a place however often it was tried, and would try it again and again; where the same value comes out each
// time nothing can be gained. So what is not explained can be a second, rough part of the objective instead of noise,
//
//	k(x, x') = s² m(q) + ρ² m(r q),   r = rougher
//
// with ρ² for σ²: a function like the first one, whose length scales are √r times as short (additive components: Rasmussen & Williams
// 2006, section 5.4.3). The values of trials that stand all but at the same place say which it is.

// rougher is r, and exactNoise the variance that is left for noise.
const (
	rougher    = 30
	exactNoise = 1e-5
)

// same places and values: two trials are at the same place where the smooth part differs by less than a tenth of the noise, in
// variance; with normal noise their values then differ by less than √0.02 σ in one case of 13. Three such pairs out of three,
// four of seven or the like happen by chance once or twice in a thousand histories.
const (
	samePlace = 0.1
	sameValue = 0.02
	samePairs = 3
)

// settled is the kernel that predictions are made with: that which was learnt or, where trials at the same place have the same value,
// the one with roughness for noise. (On trees, forests, networks and kernel machines, seven problems, regret after 20, 30 and 50 trials
// is 0.98 ± 0.02, 0.96 ± 0.02 and 0.94 ± 0.04 times what it is without, on none of them more; the suite seldom meets it.)
func (s *suggester) settled(k *kernel, x [][]float64, y []float64) *kernel {
	if k.noise <= noisyFrom*k.s2 || !k.repeats(x, y) {
		return k
	}
	if s.noisy != k {
		s.noisy, s.rough = k, newKernel(s.e, k.w, k.s2, exactNoise)
		s.rough.rough = k.noise
	}
	return s.rough
}

// repeats reports whether most trials that are at the same place as one before have its value, and some are.
func (k *kernel) repeats(x [][]float64, y []float64) bool {
	pairs, same := 0, 0
	scaled := square(len(x), k.d)
	for i := range x {
		k.scaled(x[i], scaled[i])
		nearest, q := -1, farthest
		for j := range i {
			if d := k.distance(scaled[i], scaled[j]); d < q {
				nearest, q = j, d
			}
		}
		if nearest < 0 {
			continue
		}
		if m, _, _ := matern(q); k.s2*(1-m) > samePlace*k.noise {
			continue
		}
		pairs++
		if d := y[i] - y[nearest]; d*d < sameValue*k.noise {
			same++
		}
	}
	return same >= samePairs && 2*same > pairs
}

// farthest is a distance beyond which a trial is not looked for.
const farthest = 1.0
