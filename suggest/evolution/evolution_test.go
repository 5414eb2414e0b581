package evolution_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/evolution"
	"qalam/suggest/pareto"
	"qalam/suggest/suggesttest"
)

func named(t testing.TB, name string) suggest.Algorithm {
	t.Helper()
	for _, a := range evolution.Algorithms() {
		if a.Name == name {
			return a
		}
	}
	t.Fatal("there is no", name)
	return suggest.Algorithm{}
}

func newSuggester(t testing.TB, name string, p suggest.Problem) suggest.Suggester {
	t.Helper()
	registry := suggest.Registry{Algorithms: evolution.Algorithms()}
	s, err := registry.NewSuggester(name, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func cube(t testing.TB, dims int) *space.Space {
	t.Helper()
	params := make([]space.Parameter, dims)
	for i := range params {
		params[i] = space.Parameter{Name: string(rune('a' + i)), Type: space.Double, Max: 1}
	}
	s, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sphere has the front from (0, 1) to (1, 0) at a[1:] = 0.5.
func sphere(a space.Assignment) []float64 {
	g := 0.0
	for _, v := range a[1:] {
		g += (v - 0.5) * (v - 0.5)
	}
	return []float64{a[0]*a[0] + g, (1-a[0])*(1-a[0]) + g}
}

func outcome(number int, a space.Assignment, values []float64) suggest.Outcome {
	return suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: values[0], Others: values[1:]}
}

func play(t testing.TB, s suggest.Suggester, trials int, f func(a space.Assignment) suggest.Outcome) (told []suggest.Outcome) {
	t.Helper()
	for number := 1; number <= trials; number++ {
		suggestions, err := s.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := f(suggestions[0].Assignment)
		o.Number, o.Assignment = number, suggestions[0].Assignment
		told = append(told, o)
		if err := s.Tell(told[number-1:]); err != nil {
			t.Fatal(err)
		}
	}
	return told
}

// TestFrontAgainstRandom compares the hypervolume of 100 trials over 25 seeds; an equally good nsga2 would pass once in 1000 times.
func TestFrontAgainstRandom(t *testing.T) {
	s := cube(t, 5)
	volumes := func(make func(seed uint64) suggest.Suggester) (missing []float64) {
		for seed := range uint64(25) {
			var values [][]float64
			play(t, make(seed), 100, func(a space.Assignment) suggest.Outcome {
				values = append(values, sphere(a))
				return outcome(0, a, sphere(a))
			})
			missing = append(missing, 4-pareto.Hypervolume(values, []float64{2, 2}))
		}
		return missing
	}
	nsga2 := volumes(func(seed uint64) suggest.Suggester {
		return newSuggester(t, "nsga2", suggest.Problem{Space: s, Seed: seed, Objectives: 2, MaxTrials: 100})
	})
	random := volumes(func(seed uint64) suggest.Suggester {
		a, _ := suggest.Builtin().Lookup("random")
		r, _ := a.New(suggest.Problem{Space: s, Seed: seed}, suggest.Settings{})
		return r
	})
	suggesttest.CheckBetter(t, "the front of a sphere", nsga2, random, 0.001)
}

// TestAgainstRandom does the same for one objective, on which both algorithms work.
func TestAgainstRandom(t *testing.T) {
	random, _ := suggest.Builtin().Lookup("random")
	for _, name := range []string{"nsga2", "evolution"} {
		p := suggesttest.Hartmann6(t)
		suggesttest.CheckBetter(t, name, suggesttest.Regrets(t, named(t, name), nil, p, 150, 25), suggesttest.Regrets(t, random, nil, p, 150, 25), 0.001)
	}
}

// TestConstraintsFirst: where a feasible trial is known, breeding stays where the constraint holds, in most trials.
func TestConstraintsFirst(t *testing.T) {
	s := newSuggester(t, "nsga2", suggest.Problem{Space: cube(t, 3), Seed: 1, Objectives: 2, Constraints: 1, MaxTrials: 200})
	told := play(t, s, 200, func(a space.Assignment) suggest.Outcome {
		o := outcome(0, a, sphere(a))
		o.Violations = []float64{0.8 - a[1]} // far from the front without it
		return o
	})
	feasible := 0
	for _, o := range told[150:] {
		if o.Feasible() {
			feasible++
		}
	}
	if feasible < 30 { // of 50; a fifth of the space is feasible
		t.Errorf("%d of the last 50 trials are feasible", feasible)
	}
}

// TestOrderOfTelling tells outcomes in any order, asking in between, and compares with a fresh Suggester.
func TestOrderOfTelling(t *testing.T) {
	p := suggest.Problem{Space: cube(t, 4), Seed: 3, Objectives: 3, MaxTrials: 300}
	rng := rand.New(rand.NewPCG(1, 1))
	three := func(a space.Assignment) []float64 { return append(sphere(a), a[3]+a[2]*a[2]) }
	var all []suggest.Outcome
	for number := 1; number <= 120; number++ {
		a := p.Space.Sample(rng)
		all = append(all, outcome(number, a, three(a)))
	}
	old := newSuggester(t, "nsga2", p)
	var told []suggest.Outcome
	for i := range 120 {
		j := i + rng.IntN(min(12, 120-i))
		all[i], all[j] = all[j], all[i]
		if i%7 == 0 {
			failed := all[i]
			failed.State, failed.Value, failed.Others = suggest.Failed, math.NaN(), nil
			_ = old.Tell([]suggest.Outcome{failed})
		}
		_ = old.Tell(all[i : i+1])
		told = append(told, all[i])
		got, err := old.Ask(1000+i, 2)
		if err != nil {
			t.Fatal(err)
		}
		fresh := newSuggester(t, "nsga2", p)
		_ = fresh.Tell(slices.Clone(told))
		want, _ := fresh.Ask(1000+i, 2)
		for k := range want {
			if !slices.Equal(got[k].Assignment, want[k].Assignment) {
				t.Fatalf("after %d outcomes: %v, fresh %v", i+1, got[k].Assignment, want[k].Assignment)
			}
		}
	}
}
