package space

import "math"

// scale is a distribution truncated to an interval: cdf leads from the interval to [0, 1], quantile leads back. Numbers are
// given as their distance from the parameter's min, so that bounds close together far from 0 lose no digits.
type scale struct {
	log        bool // the logarithm is what is distributed
	normal     bool
	min, lnMin float64 // needed where log is set
	from, to   float64 // the interval: distances from min, or where log is set differences of the logarithms
	mean, sd   float64 // of the normal distribution before truncation, likewise
	below      float64 // its mass below from
	mass       float64 // its mass from from to to
}

// newScale makes the distribution for the bounds low and low+width of a parameter, truncated to the interval of the distances
// from and to, which may be up to half a step wider than the bounds.
func newScale(d Distribution, low, width, from, to float64) scale {
	s := scale{log: d == LogUniform || d == LogNormal, normal: d == Normal || d == LogNormal, min: low}
	if s.log {
		s.lnMin = math.Log(low)
	}
	s.from, s.to = s.warp(from), s.warp(to)
	if s.normal {
		s.mean, s.sd = s.warp(width)/2, s.warp(width)/6
		s.below = phi((s.from - s.mean) / s.sd)
		s.mass = phi((s.to-s.mean)/s.sd) - s.below
	}
	return s
}

// warp is ln((min+d)/min) where the logarithm is distributed, otherwise d.
func (s *scale) warp(d float64) float64 {
	switch {
	case !s.log:
		return d
	case d < s.min:
		return math.Log1p(d / s.min)
	}
	return math.Log(s.min+d) - s.lnMin // d/min might overflow
}

// unwarp is the inverse of warp.
func (s *scale) unwarp(w float64) float64 {
	switch {
	case !s.log:
		return w
	case w < math.Ln2:
		return s.min * math.Expm1(w)
	}
	return math.Exp(w+s.lnMin) - s.min
}

// cdf is the mass of the numbers below min+d, for a distance d within the interval.
func (s *scale) cdf(d float64) float64 {
	w := s.warp(d)
	if s.normal {
		return (phi((w-s.mean)/s.sd) - s.below) / s.mass
	}
	return (w - s.from) / (s.to - s.from)
}

// quantile is the distance from min with mass u below it, but for rounding within the interval.
func (s *scale) quantile(u float64) float64 {
	if s.normal {
		p := s.below + float64(u*s.mass)
		return s.unwarp(s.mean + float64(s.sd*math.Sqrt2*math.Erfinv(2*p-1)))
	}
	return s.unwarp(s.from + float64(u*(s.to-s.from)))
}

// phi is the standard normal cumulative distribution function.
func phi(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
