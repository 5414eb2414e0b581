package gp

import "math"

// powers holds 2^{i/64}.
var powers = func() (p [64]float64) {
	for i := range p {
		p[i] = math.Exp2(float64(i) / 64)
	}
	return p
}()

// expNegative is e^{-t} for t ≥ 0, with a relative error below 1e-14; the kernel spends most of its time here. With
// -t = (64 k + i)·ln 2/64 + r for whole k, 0 ≤ i < 64 and |r| ≤ ln 2/128 it is 2^k · 2^{i/64} · e^r, and five terms of e^r suffice:
//
//	P. T. P. Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", ACM Transactions
//	on Mathematical Software 15(2), 144-157 (1989).
func expNegative(t float64) float64 {
	const (
		perStep = 64 / math.Ln2
		high    = 0x1.62e42feep-7 // ln 2/64 with the last bits 0, so that its multiples are exact, and
		low     = 0x1.a39ef35793c76p-39
	)
	if !(t < 700) {
		return math.Exp(-t)
	}
	n := int(t*perStep + 0.5) // -t is -n steps and a rest
	m := float64(n)
	r := (m*high - t) + m*low
	e := 1 + r*(1+r*(0.5+r*(1.0/6+r*(1.0/24+r*(1.0/120)))))
	k := -n >> 6
	return powers[-n&63] * e * math.Float64frombits(uint64(1023+k)<<52)
}
