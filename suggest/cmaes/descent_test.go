package cmaes

import (
	"math"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// TestDescentsGoToTheEnd: along the floor of a valley whose sides are a million times steeper, the best values change little compared
// with those of the first trials; a search with restarts still goes to its end before it begins anew.
func TestDescentsGoToTheEnd(t *testing.T) {
	var params []space.Parameter
	for _, name := range []string{"a", "b", "c", "d"} {
		params = append(params, space.Parameter{Name: name, Type: space.Double, Min: -5, Max: 5})
	}
	sp, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	valley := func(a space.Assignment) float64 {
		sum := 1e6 * square(a[0]+1)
		for _, x := range a[1:] {
			sum += square(x - 2)
		}
		return sum
	}
	for seed := range uint64(10) {
		s := newSearch(t, suggest.Problem{Space: sp, Seed: seed}, suggest.Settings{"restart_strategy": ipop})
		best, number := math.Inf(1), 1
		for ; number <= 2000; number++ {
			suggestions, err := s.Ask(number, 1)
			if err != nil {
				t.Fatal(err)
			}
			if s.next.st.descent.number > 0 {
				break
			}
			a := suggestions[0].Assignment
			best = min(best, valley(a))
			_ = s.Tell([]suggest.Outcome{{Number: number, Assignment: a, State: suggest.Completed, Value: valley(a)}})
		}
		if best > 1e-3 || number > 2000 {
			t.Errorf("seed %d: at %v the search begins anew before trial %d", seed, best, number)
		}
	}
}

// TestPopulous: with restarts generations are larger, but where the search begins at good trials, or has larger ones anyway.
func TestPopulous(t *testing.T) {
	for _, c := range []struct {
		dims, lambda int
		strategy     string
		warm         bool
	}{{5, 8, none, false}, {5, 12, ipop, false}, {5, 12, bipop, false}, {5, 8, bipop, true}, {2, 9, ipop, false}, {40, 15, ipop, false}} {
		var params []space.Parameter
		for i := range c.dims {
			params = append(params, space.Parameter{Name: "x" + string(rune('a'+i)), Type: space.Double, Max: 1})
		}
		sp, err := space.New(params)
		if err != nil {
			t.Fatal(err)
		}
		problem := suggest.Problem{Space: sp}
		if c.warm {
			problem.Earlier = [][]suggest.Outcome{{{Number: 1, Assignment: make(space.Assignment, c.dims), State: suggest.Completed, Value: 1}}}
		}
		if got := newSearch(t, problem, suggest.Settings{"restart_strategy": c.strategy}).start.lambda; got != c.lambda {
			t.Errorf("%+v: generations of %d", c, got)
		}
	}
}
