package tpe_test

import (
	"math"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// TestAgainstSobol compares the best of 60 trials over 31 seeds with scrambled Sobol points. An equally good algorithm would pass
// one of the checks once in a thousand times; the seeds are fixed.
func TestAgainstSobol(t *testing.T) {
	sobol, err := suggest.Builtin().Lookup("sobol")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []suggesttest.Problem{suggesttest.Branin(t), suggesttest.Hartmann6(t), suggesttest.Rosenbrock(t, 4)} {
		reference := suggesttest.Regrets(t, sobol, nil, p, 60, 31)
		for _, name := range []string{"tpe", "multivariate-tpe"} {
			regrets := suggesttest.Regrets(t, algorithm(t, name), nil, p, 60, 31)
			suggesttest.CheckBetter(t, name+" on "+p.Name, regrets, reference, 0.001)
		}
	}
}

func square(t *testing.T) *space.Space {
	t.Helper()
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// search plays trials one after the other.
func search(t *testing.T, name string, p suggest.Problem, trials int, run func(a space.Assignment) suggest.Outcome) []suggest.Outcome {
	t.Helper()
	suggester, err := suggest.Registry{Algorithms: []suggest.Algorithm{algorithm(t, name)}}.NewSuggester(name, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []suggest.Outcome
	for number := 1; number <= trials; number++ {
		s, err := suggester.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := run(s[0].Assignment)
		o.Number, o.Assignment = number, s[0].Assignment
		all = append(all, o)
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestConstraintIsLearned minimises x + y where x·y must be at least 0.2: the best is 2√0.2 = 0.894, on the border. Of random
// points 48 % are feasible, and the best of 80 has 0.96 in the middle.
func TestConstraintIsLearned(t *testing.T) {
	for _, name := range []string{"tpe", "multivariate-tpe"} {
		var best []float64
		for seed := range 9 {
			all := search(t, name, suggest.Problem{Space: square(t), Seed: uint64(seed), Constraints: 1}, 80, func(a space.Assignment) suggest.Outcome {
				return suggest.Outcome{State: suggest.Completed, Value: a[0] + a[1], Violations: []float64{0.2 - a[0]*a[1]}}
			})
			least := math.Inf(1)
			for _, o := range all {
				if o.Feasible() {
					least = min(least, o.Value)
				}
			}
			best = append(best, least)
		}
		slices.Sort(best)
		if best[4] > 0.93 {
			t.Errorf("%s: the median of the best feasible values is %.3f", name, best[4])
		}
	}
}

// TestSeveralObjectives looks for the segment between two points, whose distances are the objectives. A random point comes
// within 0.05 of it one time in 16.
func TestSeveralObjectives(t *testing.T) {
	near := 0
	all := search(t, "motpe", suggest.Problem{Space: square(t), Objectives: 2}, 120, func(a space.Assignment) suggest.Outcome {
		return suggest.Outcome{
			State: suggest.Completed, Value: math.Hypot(a[0]-0.3, a[1]-0.6), Others: []float64{math.Hypot(a[0]-0.7, a[1]-0.6)},
		}
	})
	left, right := false, false
	for _, o := range all[60:] {
		if x, y := o.Assignment[0], o.Assignment[1]; x > 0.25 && x < 0.75 && math.Abs(y-0.6) < 0.05 {
			near++
			left, right = left || x < 0.42, right || x > 0.58
		}
	}
	if near < 20 || !left || !right {
		t.Errorf("%d of the last 60 trials are near the segment; near its left end: %v, its right: %v", near, left, right)
	}
}

// TestEarlierExperiments hands on what an experiment found about a function alike, and about one that lies elsewhere. Were it of
// no use, the first check would pass once in a hundred times.
func TestEarlierExperiments(t *testing.T) {
	bowl := func(x, y float64) func(a space.Assignment) suggest.Outcome {
		return func(a space.Assignment) suggest.Outcome {
			return suggest.Outcome{State: suggest.Completed, Value: math.Hypot(a[0]-x, a[1]-y)}
		}
	}
	least := func(p suggest.Problem, trials int) float64 {
		best := math.Inf(1)
		for _, o := range search(t, "multivariate-tpe", p, trials, bowl(0.2, 0.7)) {
			best = min(best, o.Value)
		}
		return best
	}
	s := square(t)
	alike := search(t, "multivariate-tpe", suggest.Problem{Space: s, Seed: 77}, 60, bowl(0.25, 0.65))
	unlike := search(t, "multivariate-tpe", suggest.Problem{Space: s, Seed: 78}, 60, bowl(0.9, 0.1))
	var cold, warm, misled []float64
	for seed := range 15 {
		p := suggest.Problem{Space: s, Seed: uint64(seed)}
		cold = append(cold, least(p, 8))
		p.Earlier = [][]suggest.Outcome{alike}
		warm = append(warm, least(p, 8))
		p.Earlier = [][]suggest.Outcome{unlike}
		misled = append(misled, least(p, 60))
	}
	suggesttest.CheckBetter(t, "with an earlier experiment", warm, cold, 0.01)
	slices.Sort(misled)
	if misled[7] > 0.05 {
		t.Errorf("after 60 trials, misled by an earlier experiment, the median regret is %.3f", misled[7])
	}
}

// TestFailuresAreAvoided lets trials fail in a half of the space, where the values get better and better.
func TestFailuresAreAvoided(t *testing.T) {
	failed := 0
	for _, o := range search(t, "multivariate-tpe", suggest.Problem{Space: square(t)}, 80, func(a space.Assignment) suggest.Outcome {
		if a[0] > 0.5 {
			return suggest.Outcome{State: suggest.Failed, Value: math.NaN()}
		}
		return suggest.Outcome{State: suggest.Completed, Value: math.Hypot(a[0]-0.45, a[1]-0.5)}
	})[40:] {
		if o.State == suggest.Failed {
			failed++
		}
	}
	if failed > 15 {
		t.Errorf("%d of the last 40 trials failed", failed)
	}
}
