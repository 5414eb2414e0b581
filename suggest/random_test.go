package suggest_test

import (
	"math"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/normal"
)

// The tests of this file have fixed seeds and do not fail by chance. With other seeds, each of their 54 comparisons would fail a right
// sampler once in 100,000 times: one of them, in one of 2,000 runs.
const (
	randomTrials = 8192
	randomSeeds  = 4
)

// truncated is the distribution function of a normal distribution in the middle of the bounds, with a sixth of their width for
// standard deviation, that is cut off at them.
func truncated(x, low, high float64) float64 {
	mean, sd := (low+high)/2, (high-low)/6
	below := normal.CDF((low - mean) / sd)
	return (normal.CDF((x-mean)/sd) - below) / (normal.CDF((high-mean)/sd) - below)
}

// marginal is a parameter with its exact distribution function, and where its values can be counted, their edges: value k is what is
// drawn where a real number of that distribution would have fallen between edges k and k+1.
type marginal struct {
	space.Parameter
	cdf   func(x float64) float64
	edges []float64
}

func marginals() []marginal {
	line := func(low, high float64) func(float64) float64 {
		return func(x float64) float64 { return (x - low) / (high - low) }
	}
	bell := func(low, high float64) func(float64) float64 {
		return func(x float64) float64 { return truncated(x, low, high) }
	}
	logarithm := func(f func(float64) float64) func(float64) float64 {
		return func(x float64) float64 { return f(math.Log(x)) }
	}
	halves := func(low, high float64) (edges []float64) { // around whole numbers
		for x := low - 0.5; x <= high+0.5; x++ {
			edges = append(edges, x)
		}
		return edges
	}
	ln := math.Log
	return []marginal{
		{space.Parameter{Name: "double", Type: space.Double, Min: -3, Max: 2}, line(-3, 2), nil},
		{
			space.Parameter{Name: "log", Type: space.Double, Min: 1e-5, Max: 0.1, Distribution: space.LogUniform},
			logarithm(line(ln(1e-5), ln(0.1))), nil,
		},
		{space.Parameter{Name: "normal", Type: space.Double, Min: -1, Max: 3, Distribution: space.Normal}, bell(-1, 3), nil},
		{
			space.Parameter{Name: "logNormal", Type: space.Double, Min: 0.001, Max: 10, Distribution: space.LogNormal},
			logarithm(bell(ln(0.001), ln(10))), nil,
		},
		{space.Parameter{Name: "int", Type: space.Int, Min: 2, Max: 20}, line(1.5, 20.5), halves(2, 20)},
		{
			space.Parameter{Name: "log int", Type: space.Int, Min: 1, Max: 64, Distribution: space.LogUniform},
			logarithm(line(ln(0.5), ln(64.5))), halves(1, 64),
		},
		{space.Parameter{Name: "normal int", Type: space.Int, Min: 0, Max: 12, Distribution: space.Normal}, func(x float64) float64 {
			below := func(x float64) float64 { return normal.CDF((x - 6) / 2) }
			return (below(x) - below(-0.5)) / (below(12.5) - below(-0.5))
		}, halves(0, 12)},
		{space.Parameter{Name: "stepped", Type: space.Double, Min: 0, Max: 1, Step: 0.125}, line(-0.0625, 1.0625), []float64{
			-0.0625, 0.0625, 0.1875, 0.3125, 0.4375, 0.5625, 0.6875, 0.8125, 0.9375, 1.0625}},
		{space.Parameter{Name: "discrete", Type: space.Discrete, List: []string{"0.1", "1", "5", "100"}}, line(-0.5, 3.5), halves(0, 3)},
		{space.Parameter{Name: "categorical", Type: space.Categorical, List: []string{"adam", "sgd", "lion"}}, line(-0.5, 2.5), halves(0, 2)},
	}
}

// randomUniforms draws trials of a search with all kinds of parameters at once, and leads each value through its distribution
// function: by parameter, [randomTrials] numbers that are uniform in [0, 1] where values cannot be counted, and indices of the values
// where they can.
func randomUniforms(t *testing.T, kinds []marginal, seed uint64) [][]float64 {
	t.Helper()
	params := make([]space.Parameter, len(kinds))
	for j, m := range kinds {
		params[j] = m.Parameter
	}
	sp, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	r, err := suggest.Builtin().NewSuggester("random", suggest.Problem{Space: sp, Seed: seed}, nil)
	if err != nil {
		t.Fatal(err)
	}
	suggestions, err := r.Ask(1, randomTrials)
	if err != nil {
		t.Fatal(err)
	}
	columns := make([][]float64, len(kinds))
	for _, s := range suggestions {
		for j, m := range kinds {
			v := m.cdf(s.Assignment[j])
			if m.edges != nil {
				k, _ := slices.BinarySearch(m.edges, s.Assignment[j])
				v = float64(k - 1)
			}
			columns[j] = append(columns[j], v)
		}
	}
	return columns
}

// chiSquareLimit is the quantile of 1 - 1e-5 of the chi-square distribution (Wilson and Hilferty's approximation).
func chiSquareLimit(degrees float64) float64 {
	return degrees * math.Pow(1-2/(9*degrees)+4.265*math.Sqrt(2/(9*degrees)), 3)
}

// TestRandomHasTheDistributionsOfItsParameters compares what one search draws with the exact distribution of each parameter: by
// Kolmogorov and Smirnov's test, or by Pearson's where the values can be counted.
func TestRandomHasTheDistributionsOfItsParameters(t *testing.T) {
	kinds := marginals()
	for seed := range uint64(randomSeeds) {
		for j, column := range randomUniforms(t, kinds, seed) {
			if m := kinds[j]; m.edges != nil {
				chi2 := 0.0
				counts := make([]float64, len(m.edges)-1)
				for _, k := range column {
					counts[int(k)]++
				}
				for k, n := range counts {
					expected := randomTrials * (m.cdf(m.edges[k+1]) - m.cdf(m.edges[k]))
					chi2 += (n - expected) * (n - expected) / expected
				}
				if limit := chiSquareLimit(float64(len(counts) - 1)); chi2 > limit {
					t.Errorf("seed %d, %s: chi-square %.1f, limit %.1f: %v", seed, m.Name, chi2, limit, counts)
				}
				continue
			}
			slices.Sort(column)
			worst := 0.0
			for i, u := range column {
				worst = max(worst, u-float64(i)/randomTrials, float64(i+1)/randomTrials-u)
			}
			// P(√n D > k) is about 2 exp(-2k²), 1e-5 at k = 2.471.
			if k := worst * math.Sqrt(randomTrials); k > 2.471 {
				t.Errorf("seed %d, %s: √n D of Kolmogorov and Smirnov is %.3f", seed, kinds[j].Name, k)
			}
		}
	}
}

// TestRandomParametersAreIndependent counts pairs of parameters of a trial, of one parameter in successive trials, and of it in the
// trials of two searches with successive seeds, in 8 × 8 equally likely cells.
func TestRandomParametersAreIndependent(t *testing.T) {
	kinds := marginals()[:4]
	const side = 8
	check := func(what string, a, b []float64) {
		t.Helper()
		var counts [side * side]float64
		for i := range a {
			counts[int(a[i]*side)*side+int(b[i]*side)]++
		}
		expected, chi2 := float64(len(a))/side/side, 0.0
		for _, n := range counts {
			chi2 += (n - expected) * (n - expected) / expected
		}
		if limit := chiSquareLimit(side*side - 1); chi2 > limit {
			t.Errorf("%s: chi-square %.1f, limit %.1f", what, chi2, limit)
		}
	}
	columns, others := randomUniforms(t, kinds, 1), randomUniforms(t, kinds, 2)
	for j := range kinds {
		for k := range j {
			check(kinds[k].Name+" and "+kinds[j].Name, columns[k], columns[j])
		}
		check(kinds[j].Name+" in successive trials", columns[j][1:], columns[j][:randomTrials-1])
		check(kinds[j].Name+" of successive seeds", columns[j], others[j])
	}
}
