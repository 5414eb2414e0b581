// Package stats knows the statistics by which methods are compared over problems and seeds. It knows nothing of what was measured.
package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Quantile is the value below which a share of the sample lies, between neighbours in proportion; NaN of nothing.
func Quantile(sample []float64, share float64) float64 {
	if len(sample) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(sample))
	at := share * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) || sorted[low] == sorted[low+1] || at == float64(low) { // the latter also where values are infinite
		return sorted[low]
	}
	part := at - float64(low)
	return sorted[low]*(1-part) + sorted[low+1]*part
}

// Median is the middle of the sample.
func Median(sample []float64) float64 { return Quantile(sample, 0.5) }

// Mean is the average.
func Mean(sample []float64) float64 {
	sum := 0.0
	for _, v := range sample {
		sum += v
	}
	return sum / float64(len(sample))
}

// Ranks gives every value its place in increasing order, from 1; equal values share the mean of theirs.
func Ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return ranks
}

// Interval holds the ends of a confidence interval.
type Interval struct{ Low, High float64 }

// Bootstrap is the 95 % interval of the mean, found by drawing the sample anew, with replacement, from a fixed seed.
func Bootstrap(sample []float64, resamples int) Interval {
	if len(sample) == 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(sample))))
	means := make([]float64, resamples)
	for i := range means {
		sum := 0.0
		for range sample {
			sum += sample[rng.IntN(len(sample))]
		}
		means[i] = sum / float64(len(sample))
	}
	return Interval{Quantile(means, 0.025), Quantile(means, 0.975)}
}

// BootstrapRatio is the 95 % interval of the ratio of two means, found as by Bootstrap, of pairs. Draws of which both means are 0
// are left out.
func BootstrapRatio(above, below []float64, resamples int) Interval {
	rng := rand.New(rand.NewPCG(1, uint64(len(above))))
	var ratios []float64
	for range resamples {
		a, b := 0.0, 0.0
		for range above {
			i := rng.IntN(len(above))
			a, b = a+above[i], b+below[i]
		}
		if ratio := a / b; !math.IsNaN(ratio) {
			ratios = append(ratios, ratio)
		}
	}
	return Interval{Quantile(ratios, 0.025), Quantile(ratios, 0.975)}
}

// A12 is the chance that a value of a is larger than one of b, ties counting half.
//
// A. Vargha, H. D. Delaney, "A critique and improvement of the CL common language effect size statistics of McGraw and Wong",
// Journal of Educational and Behavioral Statistics 25(2), 101-132 (2000).
func A12(a, b []float64) float64 {
	sum := 0.0
	for _, v := range a {
		for _, w := range b {
			if v > w {
				sum++
			} else if v == w {
				sum += 0.5
			}
		}
	}
	return sum / float64(len(a)*len(b))
}

// Holm adjusts the p-values of several tests made together. NaN, which stands for no test, stays.
//
// S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6(2), 65-70 (1979).
func Holm(p []float64) []float64 {
	var order []int
	adjusted := slices.Clone(p)
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	highest := 0.0
	for k, i := range order {
		highest = max(highest, min(1, float64(len(order)-k)*p[i]))
		adjusted[i] = highest
	}
	return adjusted
}

// CriticalDifference is how far the mean ranks of two of k methods over n problems must lie apart for a difference at 5 %; NaN
// for more methods than the table has.
//
// P. Nemenyi, "Distribution-free multiple comparisons", Princeton 1963; quantiles of J. Demšar, "Statistical comparisons of
// classifiers over multiple data sets", JMLR 7, 1-30 (2006), and of the studentized range beyond.
func CriticalDifference(k, n int) float64 {
	quantiles := []float64{1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164, 3.219, 3.268, 3.313, 3.354, 3.391, 3.426, 3.458, 3.489, 3.517, 3.544}
	if k < 2 || k-2 >= len(quantiles) || n < 1 {
		return math.NaN()
	}
	return quantiles[k-2] * math.Sqrt(float64(k*(k+1))/float64(6*n))
}
