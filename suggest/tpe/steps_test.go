package tpe_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// limits is what the loss of a tree is by the limits of its growth: only the tightest of several counts, the tree grows by whole nodes,
// and where it is only a root nothing counts at all. Most of the space is one plateau.
func limits(t *testing.T, n int) suggesttest.Problem {
	t.Helper()
	parameters := make([]space.Parameter, n)
	for i := range parameters {
		parameters[i] = space.Parameter{Name: fmt.Sprintf("limit%d", i), Type: space.Double, Max: 1}
	}
	s, err := space.New(parameters)
	if err != nil {
		t.Fatal(err)
	}
	return suggesttest.Problem{Name: "limits", Space: s, Value: func(a space.Assignment) float64 {
		const best, root = 2, 8 // in twentieths of a limit
		tightest := 0.0
		for i, v := range a {
			tightest = max(tightest, math.Abs(v-float64(i)/10)) // they differ in where they begin to matter
		}
		return math.Abs(min(root, math.Floor(20*tightest)) - best)
	}}
}

// TestSteps compares the best of 50 trials over 31 seeds with scrambled Sobol points on a function of steps. An equally good algorithm
// would pass once in a thousand times; the seeds are fixed.
func TestSteps(t *testing.T) {
	sobol, err := suggest.Builtin().Lookup("sobol")
	if err != nil {
		t.Fatal(err)
	}
	p := limits(t, 4)
	reference := suggesttest.Regrets(t, sobol, nil, p, 50, 31)
	for _, name := range []string{"tpe", "multivariate-tpe"} {
		regrets := suggesttest.Regrets(t, algorithm(t, name), nil, p, 50, 31)
		suggesttest.CheckBetter(t, name+" on "+p.Name, regrets, reference, 0.001)
	}
}

// TestPatience asks after results that are all equal: evenly spread trials go on for twice as long as the default says, and for as long
// as the user says.
func TestPatience(t *testing.T) {
	s := square(t)
	for _, c := range []struct {
		settings suggest.Settings
		until    int // results with which the densities are used
	}{{nil, 10}, {suggest.Settings{"n_startup_trials": "3"}, 3}} {
		suggester, err := suggest.Registry{Algorithms: []suggest.Algorithm{algorithm(t, "multivariate-tpe")}}.NewSuggester(
			"multivariate-tpe", suggest.Problem{Space: s, Seed: 1}, c.settings)
		if err != nil {
			t.Fatal(err)
		}
		sequence, u := suggest.NewSequence(2, 1), make([]float64, 2)
		for number := 1; number <= c.until+1; number++ {
			suggestions, err := suggester.Ask(number, 1)
			if err != nil {
				t.Fatal(err)
			}
			a := suggestions[0].Assignment
			sequence.At(uint64(number-1), u)
			if even := slices.Equal(a, s.FromUnit(u)); even != (number <= c.until) {
				t.Errorf("%v, trial %d: evenly spread: %v", c.settings, number, even)
			}
			if err := suggester.Tell([]suggest.Outcome{{Number: number, Assignment: a, State: suggest.Completed, Value: 1}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
