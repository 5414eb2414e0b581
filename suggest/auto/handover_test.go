package auto

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// TestHandOver compares what evolution begins with with sorting all results.
func TestHandOver(t *testing.T) {
	x, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{10, handedOver, handedOver + 1, 2 * handedOver, 7 * handedOver} {
		s := suggester{history: suggest.NewHistory(x)}
		var outcomes, want []suggest.Outcome
		before := n - n/10
		for number := 1; number <= n; number++ {
			o := suggest.Outcome{Number: number, Assignment: space.Assignment{rng.Float64()}, State: suggest.Completed, Value: float64(rng.IntN(n))}
			if number%7 == 0 {
				o.State = suggest.Failed
			}
			outcomes = append(outcomes, o)
			if o.State == suggest.Completed && number < before {
				want = append(want, o)
			}
		}
		s.history.Tell(outcomes)
		if len(want) > handedOver {
			slices.SortStableFunc(want, func(a, b suggest.Outcome) int { return cmp.Compare(a.Value, b.Value) })
			want = want[:handedOver]
		}
		same := func(a, b suggest.Outcome) bool { return a.Number == b.Number && a.Value == b.Value }
		if got := s.best(before); !slices.EqualFunc(got, want, same) {
			t.Errorf("%d results: %d handed over, want %d, or others", n, len(got), len(want))
		}
	}
}

// TestSince counts the results after the best, whatever the order in which they came.
func TestSince(t *testing.T) {
	x, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s := suggester{history: suggest.NewHistory(x), traits: traits{few: 300}}
	for i, c := range []struct {
		number int
		state  suggest.State
		value  float64
		want   int
	}{
		{5, suggest.Completed, 3, 0}, {9, suggest.Completed, 3, 1}, {7, suggest.Failed, 0, 1}, {2, suggest.Completed, 4, 1},
		{6, suggest.Completed, 8, 2}, {3, suggest.Completed, 1, 3}, {12, suggest.Completed, 0, 0},
	} {
		s.history.Tell([]suggest.Outcome{{Number: c.number, Assignment: space.Assignment{0.5}, State: c.state, Value: c.value}})
		if got := s.since(); got != c.want {
			t.Errorf("%d: %d results since the best, want %d", i, got, c.want)
		}
	}
}
