package auto_test

import (
	"math/rand/v2"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/algorithms"
	"qalam/suggest/suggesttest"
)

func entry(t testing.TB) suggest.Algorithm {
	t.Helper()
	a, err := algorithms.All().Lookup("auto")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) {
	suggesttest.TestSuggester(t, suggesttest.Options{Algorithm: entry(t), OrderIndependent: true, DistinctBatch: true, Trials: 16})
}

func BenchmarkAsk(b *testing.B) {
	suggesttest.BenchmarkAsk(b, suggesttest.Options{Algorithm: entry(b)})
}

// TestRepeats plays experiments of a noisy objective, and one without noise: auto tries promising values again where they can be
// counted and there are trials to spare, and no more than three times where that teaches nothing.
func TestRepeats(t *testing.T) {
	listed := []space.Parameter{
		{Name: "a", Type: space.Int, Min: 0, Max: 9}, {Name: "b", Type: space.Categorical, List: []string{"x", "y", "z"}},
		{Name: "c", Type: space.Double, Min: 0, Max: 1, Step: 0.1},
	}
	for _, c := range []struct {
		name        string
		params      []space.Parameter
		noise       float64
		trials      int
		rules       suggest.Repetition
		least, most int
	}{
		{"noisy", listed, 1, 60, suggest.Repetition{}, 6, 12},
		{"exact", listed, 0, 60, suggest.Repetition{}, 1, 3},
		{"few trials", listed, 1, 39, suggest.Repetition{}, 0, 0},
		{"forbidden", listed, 1, 60, suggest.NoRepetition(), 0, 0},
		{"real number", []space.Parameter{{Name: "a", Type: space.Double, Min: 0, Max: 9}}, 1, 60, suggest.Repetition{}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := space.New(c.params)
			if err != nil {
				t.Fatal(err)
			}
			suggester, err := algorithms.All().NewSuggester("auto", suggest.Problem{Space: s, Seed: 3, MaxTrials: c.trials, Repetition: c.rules}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := repetitions(t, suggester, c.trials, c.noise); n < c.least || n > c.most {
				t.Errorf("%d of %d trials are repetitions, want from %d to %d", n, c.trials, c.least, c.most)
			}
		})
	}
}

// repetitions plays an experiment whose objective is the first parameter with noise, and counts the trials that repeat others; all are
// in the second half.
func repetitions(t *testing.T, s suggest.Suggester, trials int, noise float64) (n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for number := 1; number <= trials; number++ {
		suggestions, err := s.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		x := suggestions[0]
		if _, repeats := suggest.Repeats(x.Labels); repeats {
			if n++; number <= trials/2 {
				t.Errorf("trial %d is a repetition", number)
			}
		}
		o := suggest.Outcome{
			Number: number, Assignment: x.Assignment, State: suggest.Completed, Value: x.Assignment[0] + noise*rng.NormFloat64(), Labels: x.Labels,
		}
		if err := s.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// TestTies tells twenty results and asks a hundred times what is next: where they are equal about half are the density's, and none
// where they differ. (48 are to be expected; chance goes beyond the limits once in ten thousand
// times; the seed is fixed.)
func TestTies(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		value       func(number int) float64
		least, most int // of a hundred
	}{
		{"equal", func(int) float64 { return 1 }, 28, 67},
		{"different", func(number int) float64 { return 1 / float64(number) }, 0, 0},
	} {
		suggester, err := algorithms.All().NewSuggester("auto", suggest.Problem{Space: s, Seed: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		for number := 1; number <= 20; number++ {
			o := suggest.Outcome{Number: number, Assignment: s.Sample(rng), State: suggest.Completed, Value: c.value(number)}
			if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
				t.Fatal(err)
			}
		}
		density := 0
		for number := 21; number <= 120; number++ {
			suggestions, err := suggester.Ask(number, 1)
			if err != nil {
				t.Fatal(err)
			}
			if suggestions[0].Labels["qalam.dev/auto"] == "density" {
				density++
			}
		}
		if density < c.least || density > c.most {
			t.Errorf("%s: %d of 100 trials are the density's", c.name, density)
		}
	}
}
