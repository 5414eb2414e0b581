package gp

import (
	"math"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

func branchSpace(t *testing.T) *space.Space {
	t.Helper()
	when := func(parameter string, values ...string) []space.Condition {
		return []space.Condition{{Parameter: parameter, Values: values}}
	}
	s, err := space.New([]space.Parameter{
		{Name: "model", Type: space.Categorical, List: []string{"flat", "steep"}},
		{Name: "a", Type: space.Double, Max: 1, When: when("model", "flat")},
		{Name: "b", Type: space.Double, Max: 1, When: when("model", "steep")},
		{Name: "kind", Type: space.Categorical, List: []string{"x", "y", "z"}, When: when("model", "steep")},
		{Name: "c", Type: space.Double, Max: 1, When: when("kind", "y", "z")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func makeSuggester(t *testing.T, s *space.Space, seed uint64) *suggester {
	t.Helper()
	a := Algorithms()[1]
	settings, err := suggest.Complete(a.Settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.New(suggest.Problem{Space: s, Seed: seed}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return made.(*suggester)
}

// TestBranches: every combination of choices on which others depend is a branch, whose model sees what matters there besides.
func TestBranches(t *testing.T) {
	s := makeSuggester(t, branchSpace(t), 1)
	want := map[[2]float64][]int{{0, 0}: {1}, {1, 0}: {2}, {1, 1}: {2, 4}, {1, 2}: {2, 4}} // by model and kind
	if len(s.branches) != len(want) {
		t.Fatalf("%d branches, want %d", len(s.branches), len(want))
	}
	for _, b := range s.branches {
		dims := want[[2]float64{b.choices[0], b.choices[3]}]
		if len(b.e.dims) != len(dims) || b.e.num != len(dims) {
			t.Fatalf("branch %v: coordinates %v, want those of %v", b.choices, b.e.dims, dims)
		}
		for i, d := range b.e.dims {
			if d.param != dims[i] {
				t.Errorf("branch %v: coordinates %v, want those of %v", b.choices, b.e.dims, dims)
			}
		}
		u := []float64{0.3, 0.3, 0.3, 0.3, 0.3}
		if p := b.e.at(u); !sameChoices(p.a, b.choices, s.parents) {
			t.Errorf("branch %v: a place at %v", b.choices, p.a)
		}
	}
}

// TestLateBranch: a branch that is worse at most of its places, and better at the best, is found. The other alone would give 0.05.
func TestLateBranch(t *testing.T) {
	for seed := range uint64(3) {
		s := makeSuggester(t, branchSpace(t), seed)
		best := math.Inf(1)
		for number := 1; number <= 50; number++ {
			suggestions, err := s.Ask(number, 1)
			if err != nil {
				t.Fatal(err)
			}
			a := suggestions[0].Assignment
			value := 0.05 + 0.1*(a[1]-0.6)*(a[1]-0.6)
			if a[0] == 1 {
				value = 2*math.Abs(a[2]-0.15) + 0.1*a[3] + 0.1*(a[4]-0.5)*(a[4]-0.5)
			}
			best = min(best, value)
			if err := s.Tell([]suggest.Outcome{{Number: number, Assignment: a, State: suggest.Completed, Value: value}}); err != nil {
				t.Fatal(err)
			}
		}
		if best > 0.04 {
			t.Errorf("seed %d: the best is %g", seed, best)
		}
	}
}

// TestMovedTrial: a trial whose assignment turns out to be one of another branch leaves the first.
func TestMovedTrial(t *testing.T) {
	s := makeSuggester(t, branchSpace(t), 1)
	tell := func(number int, a space.Assignment) {
		if err := s.Tell([]suggest.Outcome{{Number: number, Assignment: a, State: suggest.Completed, Value: a[1] + a[2]}}); err != nil {
			t.Fatal(err)
		}
	}
	flat := func(x float64) space.Assignment {
		return s.problem.Space.Canonical(space.Assignment{0, x, 0, 0, 0})
	}
	tell(1, flat(0.1))
	tell(2, flat(0.2))
	tell(1, s.problem.Space.Canonical(space.Assignment{1, 0, 0.7, 0, 0}))
	for _, b := range s.branches {
		n := 0
		if b.choices[0] == 0 || b.choices[3] == 0 {
			n = 1
		}
		if b.history.Len() != n {
			t.Errorf("branch %v has %d trials, want %d", b.choices, b.history.Len(), n)
		}
	}
}
