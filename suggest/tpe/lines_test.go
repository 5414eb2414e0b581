package tpe

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/suggest"

	"pgregory.net/rapid"
)

// TestMixtureFollows builds a mixture again and again of points that come, go and return, and compares it to the last bit with one
// made anew, forgotten tables among it, and the density with what its terms make.
func TestMixtureFollows(t *testing.T) {
	s := testSpace(t)
	axes := newAxes(s)
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		pool := make([]*point, 80)
		for i := range pool {
			u := make([]float64, len(axes))
			for j := range u {
				if u[j] = rng.Float64(); rng.IntN(4) == 0 {
					u[j] = float64(rng.IntN(3)) / 2
				}
			}
			pool[i] = at(s, axes, u)
		}
		over := rapid.SampledFrom([][]int{{0, 1, 2, 3, 4, 5}, {1}, {2}, {1, 4}, {0, 5}}).Draw(t, "axes")
		rule := kernels{ends: rng.IntN(2) == 0, narrow: 0.01, shrink: 1, steps: 0.5, prior: 1, choice: 0.5, parent: 2}
		old := newMixture(axes, over)
		in := make([]bool, len(pool))
		for range rapid.IntRange(1, 8).Draw(t, "builds") {
			for range []int{1, 3, 60}[rng.IntN(3)] {
				i := rng.IntN(len(pool))
				in[i] = !in[i]
			}
			var points []*point
			var weights []float64
			for i, p := range pool {
				if in[i] {
					points, weights = append(points, p), append(weights, float64(1+rng.IntN(2)))
				}
			}
			if rng.IntN(5) == 0 {
				old.memo.logs = append(old.memo.logs, make([]float64, 1<<18)...)
			}
			rule.shrink = float64(1 + rng.IntN(2))
			old.build(points, weights, rule)
			anew := newMixture(axes, over)
			anew.build(points, weights, rule)
			for range 5 {
				x := pool[rng.IntN(len(pool))]
				if got, want := old.log(x), anew.log(x); got != want {
					t.Fatalf("ln p = %.17g, made anew %.17g", got, want)
				}
				if most, terms := old.most(x, nil); old.of(terms) != old.log(x) || most < old.log(x)-1e-12 {
					t.Fatalf("ln p = %.17g, of its terms %.17g, and at most %.17g", old.log(x), old.of(terms), most)
				}
			}
		}
	})
}

// TestPromisingIsBest compares the candidate chosen with that of the highest score.
func TestPromisingIsBest(t *testing.T) {
	s := testSpace(t)
	for seed := range 40 {
		made, err := New(suggest.Problem{Space: s, Seed: uint64(seed)})
		if err != nil {
			t.Fatal(err)
		}
		suggester := made.(*suggester)
		suggester.turns = 0 // branches draw candidates of their own
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		for number := 1; number <= 60; number++ {
			suggestions, err := suggester.Ask(number, 1)
			if err != nil {
				t.Fatal(err)
			}
			a := suggestions[0].Assignment
			if len(suggester.drawn) > 0 {
				best, highest := (*candidate)(nil), math.Inf(-1)
				for _, x := range suggester.drawn {
					if score := suggester.score(&x.point); score > highest {
						best, highest = x, score
					}
				}
				if !slices.Equal(best.a, a) {
					t.Fatalf("trial %d: %v is proposed, %v has the highest score", number, a, best.a)
				}
			}
			o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: value(s, a) + 0.1*rng.Float64()}
			if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestKernels looks at the least width of the kernels of good trials among forty: where many results are equal it shrinks less. With
// several objectives the first one's values say nothing.
func TestKernels(t *testing.T) {
	s := testSpace(t)
	for _, c := range []struct {
		name       string
		objectives int
		value      func(number int) float64
		shrink     float64
	}{
		{"different results", 1, func(number int) float64 { return float64(number) }, 2},
		{"some equal", 1, func(number int) float64 { return float64(number / 10 * number) }, 2},
		{"half equal", 1, func(number int) float64 { return float64(number / 2) }, 1},
		{"half equal, several objectives", 2, func(number int) float64 { return float64(number / 2) }, 2},
	} {
		made, err := newMultivariate(suggest.Problem{Space: s, Seed: 1, Objectives: c.objectives}, suggest.Settings{"n_ei_candidates": candidates})
		if err != nil {
			t.Fatal(err)
		}
		suggester, rng := made.(*suggester), rand.New(rand.NewPCG(1, 4))
		for number := 1; number <= 40; number++ {
			o := suggest.Outcome{Number: number, Assignment: s.Sample(rng), State: suggest.Completed, Value: c.value(number)}
			if c.objectives > 1 {
				o.Others = []float64{rng.Float64()}
			}
			if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
				t.Fatal(err)
			}
		}
		if got := suggester.kernels().shrink; got != c.shrink {
			t.Errorf("%s: the least width shrinks as 1/(n+2)^%v, want %v", c.name, got, c.shrink)
		}
	}
}
