package tpe

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// twoBranches has a branch that is good at once, and one that is better after a search in three dimensions.
func twoBranches(t testing.TB) (*space.Space, func(a space.Assignment) float64) {
	t.Helper()
	when := func(value string) []space.Condition {
		return []space.Condition{{Parameter: "model", Values: []string{value}}}
	}
	s, err := space.New([]space.Parameter{
		{Name: "model", Type: space.Categorical, List: []string{"early", "late"}},
		{Name: "a", Type: space.Double, Max: 1, When: when("early")},
		{Name: "x", Type: space.Double, Max: 1, When: when("late")},
		{Name: "y", Type: space.Double, Max: 1, When: when("late")},
		{Name: "z", Type: space.Double, Max: 1, When: when("late")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func(a space.Assignment) float64 {
		if a[0] == 0 {
			return 0.05 + 0.05*(a[1]-0.5)*(a[1]-0.5)
		}
		sum := 0.0
		for j, v := range []float64{0.3, 0.6, 0.7} {
			sum += 3 * (a[2+j] - v) * (a[2+j] - v)
		}
		return sum
	}
}

// TestBranchesTakeTurns looks for the branch that is better late. A search that never returned to it would find it now and then by its
// first trials: one value in 100 there is below the other branch's least.
func TestBranchesTakeTurns(t *testing.T) {
	s, f := twoBranches(t)
	found, most := 0, 0.0
	for seed := range 15 {
		suggester, err := New(suggest.Problem{Space: s, Seed: uint64(seed)})
		if err != nil {
			t.Fatal(err)
		}
		best, early := math.Inf(1), 0.0
		for number := 1; number <= 80; number++ {
			suggestions, err := suggester.Ask(number, 1)
			if err != nil {
				t.Fatal(err)
			}
			a := suggestions[0].Assignment
			best = min(best, f(a))
			if a[0] == 0 {
				early++
			}
			if err := suggester.Tell([]suggest.Outcome{{Number: number, Assignment: a, State: suggest.Completed, Value: f(a)}}); err != nil {
				t.Fatal(err)
			}
		}
		if best < 0.03 {
			found++
		}
		most = max(most, early)
	}
	if found < 12 || most < 10 {
		t.Errorf("%d of 15 searches found the better branch; the other one has %v trials at most", found, most)
	}
}

// TestChangedBranch tells trials, then that some had values of another branch, and compares with a search that was told the last only.
func TestChangedBranch(t *testing.T) {
	s, f := twoBranches(t)
	rng := rand.New(rand.NewPCG(2, 5))
	create := func() *suggester {
		made, err := New(suggest.Problem{Space: s, Seed: 9})
		if err != nil {
			t.Fatal(err)
		}
		return made.(*suggester)
	}
	old, all := create(), []suggest.Outcome(nil)
	for number := 1; number <= 60; number++ {
		a := s.Sample(rng)
		o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: f(a)}
		all = append(all, o)
		if rng.IntN(3) == 0 {
			o.Assignment = s.Sample(rng)
		}
		_ = old.Tell([]suggest.Outcome{o})
		if _, err := old.Ask(number+1, 1); err != nil {
			t.Fatal(err)
		}
	}
	_ = old.Tell(all)
	fresh := create()
	_ = fresh.Tell(all)
	for first := 61; first < 90; first++ {
		got, _ := old.Ask(first, 3)
		want, _ := fresh.Ask(first, 3)
		for i := range want {
			if !slices.Equal(got[i].Assignment, want[i].Assignment) {
				t.Fatalf("trial %d: %v, to a search told the last alone %v", first+i, got[i].Assignment, want[i].Assignment)
			}
		}
	}
}
