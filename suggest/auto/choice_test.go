package auto

import (
	"strings"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/cmaes"
	"qalam/suggest/suggesttest"
)

// light is auto with parts that cost nothing but for CMA-ES, which takes over after a few results.
func light(t testing.TB) suggest.Algorithm {
	t.Helper()
	random, err := suggest.Builtin().Lookup("random")
	if err != nil {
		t.Fatal(err)
	}
	return algorithm(Parts{Model: random, Density: random, Evolution: cmaes.Algorithms()[0]}, 12)
}

// TestConformanceAcrossTheSwitch plays experiments in which CMA-ES takes over, restarted at every trial.
func TestConformanceAcrossTheSwitch(t *testing.T) {
	suggesttest.TestSuggester(t, suggesttest.Options{Algorithm: light(t), OrderIndependent: true, Trials: 30, LongTrials: 20_000})
}

// TestSwitch plays 60 trials: CMA-ES proposes only after 12 results, then most, and it begins near the best known.
func TestSwitch(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	suggester, err := light(t).New(suggest.Problem{Space: s, Seed: 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	proposed := map[string]int{}
	near, late := 0, 0
	for number := 1; number <= 60; number++ {
		suggestions, err := suggester.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		x := suggestions[0]
		part := x.Labels[by]
		proposed[part]++
		if part == "evolution" && number <= 12 {
			t.Fatalf("trial %d is proposed by evolution", number)
		}
		if !strings.Contains(x.Note, "for there are") {
			t.Errorf("trial %d: note %q", number, x.Note)
		}
		a := x.Assignment
		value := (a[0]-0.8)*(a[0]-0.8) + (a[1]-0.2)*(a[1]-0.2)
		if part == "evolution" {
			late++
			if value < 0.09 {
				near++
			}
		}
		o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: value, Labels: x.Labels}
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	if proposed["evolution"] < 30 || proposed["model"] < 12 {
		t.Errorf("proposed by: %v", proposed)
	}
	if near < late*2/3 { // by chance a quarter of them
		t.Errorf("%d of %d trials of evolution are near the best", near, late)
	}
}

func TestChoice(t *testing.T) {
	all := [parts]bool{true, true, true, true, true}
	numbers := traits{parameters: 4, numeric: true, objectives: 1, few: 300}
	mixed := traits{parameters: 4, objectives: 1, few: 300}
	with := func(t traits, change func(*traits)) traits { change(&t); return t }
	for i, c := range []struct {
		t       traits
		can     [parts]bool
		results int
		since   int
		ties    float64
		draw    float64
		want    part
	}{
		{numbers, all, 0, 0, 0, 0.1, model},
		{numbers, all, 29, 0, 0, 0.1, model},
		{numbers, all, 30, 10, 0, 0.1, density},
		{numbers, all, 30, 9, 0, 0.1, model},
		{numbers, all, 299, 10, 0, 0.4, model},
		{numbers, all, 10, 0, 0.6, 0.25, density},
		{numbers, all, 10, 0, 0.6, 0.35, model},
		{numbers, all, 20, 0, 0.05, 0, model},
		{numbers, all, 300, 0, 1, 0.4, evolution},
		{numbers, all, 300, 0, 0, 0.1, evolution},
		{numbers, all, 300, 0, 0, 0.9, model},
		{mixed, all, 300, 0, 0, 0.1, density},
		{mixed, all, 300, 0, 0, 0.8, model},
		{with(numbers, func(t *traits) { t.constraints = 1 }), all, 300, 0, 0, 0.1, density},
		{with(numbers, func(t *traits) { t.size = 500 }), all, 400, 0, 0, 0.2, model},
		{with(numbers, func(t *traits) { t.parameters = 100 }), all, 0, 0, 0, 0.1, density},
		{with(numbers, func(t *traits) { t.parameters = 100 }), all, 300, 0, 0, 0.9, evolution},
		{with(mixed, func(t *traits) { t.levels = 1000 }), all, 300, 0, 0, 0.9, density},
		{with(mixed, func(t *traits) { t.objectives = 2 }), all, 10, 0, 0, 0.9, model},
		{with(mixed, func(t *traits) { t.objectives = 2 }), [parts]bool{density: true, population: true}, 10, 0, 0, 0.9, density},
		{with(mixed, func(t *traits) { t.objectives = 2 }), all, 200, 0, 0, 0.9, population},
		{with(mixed, func(t *traits) { t.objectives = 4 }), all, 0, 0, 0, 0.9, directions},
		{numbers, [parts]bool{density: true}, 0, 0, 0, 0.1, density},
	} {
		if got := c.t.choose(c.can, c.results, c.since, c.ties, c.draw); got.part != c.want || got.why == "" {
			t.Errorf("%d: %s (%s), want %s", i, got.part, got.why, c.want)
		}
	}
}

// TestRefusal: what no part can search is refused with the reason.
func TestRefusal(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	r := suggest.Registry{Algorithms: []suggest.Algorithm{algorithm(Parts{Evolution: cmaes.Algorithms()[0]}, 12)}}
	_, err = r.NewSuggester("auto", suggest.Problem{Space: s, Objectives: 3}, nil)
	if err == nil || !strings.Contains(err.Error(), "one objective, not 3") {
		t.Error(err)
	}
	if _, err := r.NewSuggester("auto", suggest.Problem{Space: s}, nil); err != nil {
		t.Errorf("one objective: %v", err)
	}
}
