package suggest

import (
	"math"
	"testing"

	"qalam/space"
)

// TestShuffledIsAPermutation holds for every size and key: each number is met once.
func TestShuffledIsAPermutation(t *testing.T) {
	for _, size := range []uint64{1, 2, 3, 4, 5, 15, 16, 17, 100, 1000, 4097} {
		for key := range uint64(8) {
			seen := make([]bool, size)
			for i := range size {
				at := shuffled(i, size, mix(key))
				if at >= size || seen[at] {
					t.Fatalf("size %d, key %d: %d leads to %d, which is met before or outside", size, key, i, at)
				}
				seen[at] = true
			}
		}
	}
}

// TestRandomDrawsEveryAssignmentOnce: in a finite space nothing is repeated before all has been drawn, the order is another one
// for every round and seed, and every assignment is as likely as another at every place (chi-square with 14 degrees of freedom;
// a sound generator exceeds the bound once in 10^6 runs of this test).
func TestRandomDrawsEveryAssignmentOnce(t *testing.T) {
	s, err := space.New([]space.Parameter{
		{Name: "lr", Type: space.Double, Min: 0.01, Max: 0.05, Step: 0.01},
		{Name: "momentum", Type: space.Discrete, List: []string{"0.5", "0.6", "0.7"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const size, seeds = 15, 6000
	first := map[[2]float64]int{}
	for seed := range uint64(seeds) {
		r, err := newRandom(Problem{Space: s, Seed: seed}, nil)
		if err != nil {
			t.Fatal(err)
		}
		two, err := r.Ask(1, 2*size)
		if err != nil {
			t.Fatal(err)
		}
		first[[2]float64(two[0].Assignment)]++
		for round := range 2 {
			met := map[[2]float64]bool{}
			for _, x := range two[round*size : (round+1)*size] {
				met[[2]float64(x.Assignment)] = true
			}
			if len(met) != size {
				t.Fatalf("seed %d, round %d: %d different assignments of %d", seed, round, len(met), size)
			}
		}
	}
	chi := 0.0
	for _, n := range first {
		chi += math.Pow(float64(n)-seeds/size, 2) / (seeds / size)
	}
	if chi > 54.4 || len(first) != size {
		t.Errorf("chi-square %.1f over %d assignments: the first draws are not uniform", chi, len(first))
	}
}

// TestRandomDrawsIndependentlyElsewhere: a space with a distribution is sampled by it.
func TestRandomDrawsIndependentlyElsewhere(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "n", Type: space.Int, Min: 1, Max: 10, Distribution: space.Normal}})
	if err != nil {
		t.Fatal(err)
	}
	if got := shuffleSize(s); got != 0 {
		t.Errorf("a normal distribution over %d values is shuffled", got)
	}
}
