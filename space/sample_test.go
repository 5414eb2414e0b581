package space

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The samples are seeded, so these tests never fail by chance once they pass; with a new seed each comparison would fail a right
// sampler once in a million times.
const draws = 20_000

// normalBetween is the mass of a normal distribution between x and y when it is truncated to [low, high].
func normalBetween(x, y, low, high, mean, sd float64) float64 {
	below := func(v float64) float64 { return (1 + math.Erf((v-mean)/sd/math.Sqrt2)) / 2 }
	return (below(y) - below(x)) / (below(high) - below(low))
}

func TestSampleOfReals(t *testing.T) {
	const low, high = 0.001, 2.0
	mean, sd := (low+high)/2, (high-low)/6
	lnLow, lnHigh := math.Log(low), math.Log(high)
	tests := map[Distribution]func(x float64) float64{
		Uniform:    func(x float64) float64 { return (x - low) / (high - low) },
		LogUniform: func(x float64) float64 { return math.Log(x/low) / math.Log(high/low) },
		Normal:     func(x float64) float64 { return normalBetween(low, x, low, high, mean, sd) },
		LogNormal: func(x float64) float64 {
			return normalBetween(lnLow, math.Log(x), lnLow, lnHigh, (lnLow+lnHigh)/2, (lnHigh-lnLow)/6)
		},
	}
	for d, cdf := range tests {
		s := mustNew(t, Parameter{Name: "x", Type: Double, Min: low, Max: high, Distribution: d})
		rng := rand.New(rand.NewPCG(1, 2))
		xs := make([]float64, draws)
		for i := range xs {
			xs[i] = s.Sample(rng)[0]
		}
		slices.Sort(xs)
		worst := 0.0
		for i, x := range xs {
			worst = max(worst, cdf(x)-float64(i)/draws, float64(i+1)/draws-cdf(x))
		}
		// Kolmogorov's distribution: P(sqrt(n)·D > k) is about 2·exp(-2k²), 1e-6 at k = 2.694.
		if k := worst * math.Sqrt(draws); k > 2.694 {
			t.Errorf("%s: Kolmogorov-Smirnov sqrt(n)·D = %.3f", d, k)
		}
	}
}

func TestSampleOfCountableValues(t *testing.T) {
	ln := math.Log
	same := func(n int) []float64 { return slices.Repeat([]float64{1}, n) }
	logInts := func(low, high int) (w []float64) {
		for v := low; v <= high; v++ {
			w = append(w, ln((float64(v)+0.5)/(float64(v)-0.5)))
		}
		return w
	}
	normal := func(n int, mean, sd float64) (w []float64) {
		for v := range n {
			w = append(w, normalBetween(float64(v)-0.5, float64(v)+0.5, -0.5, float64(n)-0.5, mean, sd))
		}
		return w
	}
	tests := []struct {
		p      Parameter
		weight []float64 // of each value, in order
	}{
		{Parameter{Type: Int, Min: 1, Max: 8}, same(8)},
		{Parameter{Type: Int, Min: 16, Max: 64, Step: 16}, same(4)},
		{Parameter{Type: Double, Min: 0.01, Max: 0.05, Step: 0.02}, same(3)},
		{Parameter{Type: Double, Min: 0, Max: 1, Step: 0.3}, same(4)},
		{Parameter{Type: Discrete, List: []string{"1", "10", "100"}, Distribution: LogUniform}, same(3)},
		{Parameter{Type: Categorical, List: []string{"a", "b", "c", "d", "e"}, Distribution: Normal}, same(5)},
		{Parameter{Type: Int, Min: 1, Max: 32, Distribution: LogUniform}, logInts(1, 32)},
		{Parameter{Type: Int, Min: 100, Max: 102, Distribution: LogUniform}, logInts(100, 102)},
		// The first value keeps no less than half of itself below it.
		{Parameter{Type: Double, Min: 0.1, Max: 2.1, Step: 1, Distribution: LogUniform}, []float64{ln(0.6 / 0.05), ln(1.6 / 0.6), ln(2.6 / 1.6)}},
		{Parameter{Type: Int, Min: 0, Max: 12, Distribution: Normal}, normal(13, 6, 2)},
		{Parameter{Type: Int, Min: 0, Max: 1, Distribution: Normal}, same(2)},
		{Parameter{Type: Int, Min: 1, Max: 4, Distribution: LogNormal}, func() (w []float64) {
			for v := 1.0; v <= 4; v++ {
				w = append(w, normalBetween(ln(v-0.5), ln(v+0.5), ln(0.5), ln(4.5), ln(4)/2, ln(4)/6))
			}
			return w
		}()},
	}
	for _, test := range tests {
		test.p.Name = "x"
		t.Run(fmt.Sprintf("%s %s %v-%v", test.p.Type, test.p.Distribution, test.p.Min, test.p.Max), func(t *testing.T) {
			s := mustNew(t, test.p)
			rng := rand.New(rand.NewPCG(3, 4))
			cube, drawn := make([]float64, len(test.weight)), make([]float64, len(test.weight))
			for range draws {
				drawn[s.axes[0].rank(s.Sample(rng)[0])]++
				cube[s.axes[0].rank(s.FromUnit([]float64{rng.Float64()})[0])]++
			}
			checkCounts(t, "Sample", drawn, test.weight)
			checkCounts(t, "FromUnit of uniform points", cube, test.weight)
		})
	}
}

// checkCounts compares counts with their weights by Pearson's chi-square, at one in a million (Wilson and Hilferty's
// approximation of its quantile).
func checkCounts(t *testing.T, what string, counts, weights []float64) {
	t.Helper()
	var total, chi2 float64
	for _, w := range weights {
		total += w
	}
	for i, n := range counts {
		expected := weights[i] / total * draws
		chi2 += (n - expected) * (n - expected) / expected
	}
	k := float64(len(counts) - 1)
	limit := k * math.Pow(1-2/(9*k)+4.753*math.Sqrt(2/(9*k)), 3)
	if chi2 > limit {
		t.Errorf("%s: chi-square %.1f with %g degrees of freedom, limit %.1f: %v", what, chi2, k, limit, counts)
	}
}
