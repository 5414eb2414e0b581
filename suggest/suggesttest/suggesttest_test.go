package suggesttest

import (
	"math"
	"math/rand/v2"
	"testing"

	"qalam/space"
)

func TestProblemsHaveTheirMinimum(t *testing.T) {
	tests := []struct {
		p  Problem
		at []space.Assignment
	}{
		{Branin(t), []space.Assignment{{-math.Pi, 12.275}, {math.Pi, 2.275}, {3 * math.Pi, 2.475}}},
		{Hartmann6(t), []space.Assignment{{0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054}}},
		{Rosenbrock(t, 5), []space.Assignment{{1, 1, 1, 1, 1}}},
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, test := range tests {
		for _, a := range test.at {
			if v := test.p.Value(a); math.Abs(v-test.p.Minimum) > 1e-6 || !test.p.Space.Contains(a) {
				t.Errorf("%s at %v is %v, want %v", test.p.Name, a, v, test.p.Minimum)
			}
		}
		for range 10_000 {
			if v := test.p.Value(test.p.Space.Sample(rng)); v < test.p.Minimum {
				t.Errorf("%s goes below its minimum: %v", test.p.Name, v)
			}
		}
	}
}

// TestRankSumKeepsItsOdds draws pairs of samples of one distribution, with ties: the p-values must be uniform, so that of 4,000
// tests at 5 % about 200 pass; fewer than 130 or more than 270 would happen once in a million.
func TestRankSumKeepsItsOdds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	passed, shifted := 0, 0
	for range 4000 {
		a, b := make([]float64, 20), make([]float64, 25)
		for i := range a {
			a[i] = float64(rng.IntN(40))
		}
		for i := range b {
			b[i] = float64(rng.IntN(40))
		}
		if RankSum(a, b) < 0.05 {
			passed++
		}
		for i := range a {
			a[i] -= 20
		}
		if RankSum(a, b) < 0.05 {
			shifted++
		}
	}
	if passed < 130 || passed > 270 {
		t.Errorf("of 4,000 equal pairs %d pass at 5 %%", passed)
	}
	if shifted < 3900 {
		t.Errorf("of 4,000 pairs half their width apart only %d pass", shifted)
	}
	if p := RankSum([]float64{1, 1}, []float64{1, 1, 1}); p != 0.5 {
		t.Errorf("all equal: %v", p)
	}
}
