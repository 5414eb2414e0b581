// Package normal knows the standard normal distribution where its tails underflow: logarithms of its masses, their inverse, and
// truncated draws without rejection. It knows nothing of what is modelled with it.
//
// Symbols: φ is the density, Φ the cumulative distribution function, z a number of standard deviations. Errors are stated
// relative to the result, or absolute for logarithms near 0; the tests compare with values of 40 digits.
package normal

import "math"

const (
	// logSqrt2Pi is ln √(2π).
	logSqrt2Pi = 0.918938533204672741780329736406
	// deep is where Φ begins to lose digits to underflow of erfc, and its asymptotic series is exact to the last digit.
	deep = -30
)

// LogPDF is ln φ(z).
func LogPDF(z float64) float64 { return -z*z/2 - logSqrt2Pi }

// CDF is Φ(z); relative error below 2e-13 for z > -30.
func CDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// LogCDF is ln Φ(z) for any z; relative error below 2e-13, in both tails.
func LogCDF(z float64) float64 {
	switch {
	case z > 0:
		return math.Log1p(-math.Erfc(z/math.Sqrt2) / 2)
	case z > deep:
		return math.Log(math.Erfc(-z/math.Sqrt2) / 2)
	}
	return LogPDF(z) - math.Log(-z) + math.Log1p(tail(z*z))
}

// tail is the asymptotic series of √(2π)·(-z)·e^{z²/2}·Φ(z) - 1 for z below deep, with its argument z²: M. Abramowitz,
// I. A. Stegun, "Handbook of mathematical functions" (1964), 26.2.12.
func tail(square float64) float64 {
	sum, term := 0.0, 1.0
	for k := 1.0; k <= 10; k++ {
		term *= -(2*k - 1) / square
		sum += term
	}
	return sum
}

// Erfcx is e^{x²}·erfc(x), which decreases like 1/(x√π) where erfc underflows; relative error below 1e-14. It is +Inf below about -26.6.
func Erfcx(x float64) float64 {
	if x < 25 {
		square := x * x
		rest := math.FMA(x, x, -square) // what rounding took from the square, which the exponential would magnify
		return math.Exp(square) * math.Erfc(x) * (1 + rest)
	}
	return (1 + tail(2*x*x)) / (x * math.SqrtPi)
}

// LogMass is ln(Φ(b) - Φ(a)) for a ≤ b, -Inf where they are equal; absolute error below 1e-12, or 1e-12 of the result where
// that is larger.
func LogMass(a, b float64) float64 {
	if a > 0 {
		a, b = -b, -a // the lower tail has the digits
	}
	w := b - a
	if !(w > 0) {
		return math.Inf(-1)
	}
	if middle := (a + b) / 2; w*max(1, math.Abs(middle)) < 1e-2 {
		// The difference would cancel. With m the middle and t = w/2, ∫ φ(m+s) ds from -t to t is
		// φ(m)·w·(1 + (m²-1)t²/6 + (m⁴-6m²+3)t⁴/120 + …).
		t2, m2 := w*w/4, middle*middle
		return LogPDF(middle) + math.Log(w) + math.Log1p((m2-1)*t2/6+((m2-6)*m2+3)*t2*t2/120)
	}
	switch {
	case b > 0:
		return math.Log1p(-CDF(a) - CDF(-b))
	case a > deep:
		return math.Log(CDF(b) - CDF(a))
	}
	high := LogCDF(b)
	return high + math.Log1p(-math.Exp(LogCDF(a)-high))
}

// Quantile is the z with ln Φ(z) = logP, for logP ≤ 0; relative error below 1e-12, absolute where z is near 0.
func Quantile(logP float64) float64 {
	const half = -math.Ln2
	switch {
	case logP >= 0:
		return math.Inf(1)
	case math.IsInf(logP, -1):
		return math.Inf(-1)
	case logP > half: // the other tail
		return -Quantile(math.Log(-math.Expm1(logP)))
	}
	z := -math.Sqrt2 * math.Erfinv(-math.Expm1(logP+math.Ln2)) // exact near the middle
	if logP < -3 {
		r := math.Sqrt(-2 * logP)
		z = -math.Sqrt(max(1, -2*(logP+logSqrt2Pi+math.Log(r))))
	}
	for range 6 {
		// Newton's step on ln Φ, which is concave with slope φ/Φ.
		l := LogCDF(z)
		step := (l - logP) * math.Exp(l-LogPDF(z))
		z -= step
		if math.Abs(step) <= 1e-15*math.Abs(z) {
			break
		}
	}
	return z
}

// Truncated is the quantile of the distribution truncated to [a, b]: the z with mass u of the part of it between a and z. A
// uniform u makes it a draw. a < b; 0 ≤ u ≤ 1.
func Truncated(u, a, b float64) float64 {
	if a <= 0 && b >= 0 { // most of the mass is in the middle, where Φ itself has the digits
		return Between(u, a, b, CDF(a), CDF(-b))
	}
	if a > 0 {
		return -truncated(1-u, -b, -a)
	}
	return truncated(u, a, b)
}

// Between is Truncated for a ≤ 0 ≤ b, given the masses below a and above b.
func Between(u, a, b, below, above float64) float64 {
	if p := below + u*(1-above-below); p <= 0.5 {
		return max(a, math.Sqrt2*math.Erfinv(2*p-1))
	}
	return min(b, -math.Sqrt2*math.Erfinv(2*(above+(1-u)*(1-above-below))-1))
}

// truncated works in the lower tail.
func truncated(u, a, b float64) float64 {
	low, high := LogCDF(a), LogCDF(b)
	var logP float64
	if low < high-1 {
		logP = high + math.Log(u+(1-u)*math.Exp(low-high))
	} else {
		logP = low + math.Log1p(u*math.Expm1(high-low))
	}
	return max(a, min(b, Quantile(logP)))
}
