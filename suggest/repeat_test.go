package suggest_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/suggesttest"
	"qalam/suggest/tpe"
)

// TestRepetitionConformance runs the suite with repetitions before algorithms that count trials in different ways. A grid is not
// exhausted at its last trial then.
func TestRepetitionConformance(t *testing.T) {
	for _, o := range builtin(t) {
		o.DistinctBatch, o.Exhausts = false, false
		o.Repetition = suggest.Repetition{Share: 0.4, Most: 4}
		t.Run(o.Algorithm.Name, func(t *testing.T) { suggesttest.TestSuggester(t, o) })
		if o.Algorithm.Name == "sobol" {
			o.MaxTrials = 30
			t.Run("sobol, budget", func(t *testing.T) { suggesttest.TestSuggester(t, o) })
		}
	}
	for _, a := range tpe.Algorithms() {
		if a.Name == "multivariate-tpe" {
			t.Run(a.Name, func(t *testing.T) {
				suggesttest.TestSuggester(t, suggesttest.Options{
					Algorithm: a, OrderIndependent: true, Trials: 24, LongTrials: 5000, Repetition: suggest.Repetition{Share: 0.3, Most: 3},
				})
			})
		}
	}
}

func BenchmarkAskRepetition(b *testing.B) {
	o := builtin(b)[0]
	o.Repetition = suggest.Repetition{Share: 0.2, Most: 5}
	suggesttest.BenchmarkAsk(b, o)
}

// played is one experiment with repetitions.
func played(t rapid.TB, p suggest.Problem, a suggest.Algorithm, trials int, value func(a space.Assignment, number int) float64) []suggest.Outcome {
	t.Helper()
	s, err := suggest.Registry{Algorithms: []suggest.Algorithm{a}}.NewSuggester(a.Name, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []suggest.Outcome
	for number := 1; number <= trials; number++ {
		g, err := s.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := suggest.Outcome{
			Number: number, Assignment: g[0].Assignment, Labels: g[0].Labels, State: suggest.Completed, Value: value(g[0].Assignment, number),
		}
		all = append(all, o)
		if err := s.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// recommended is the trial that an experiment with repetitions ends with: of the point whose repetitions have the best mean, or
// else that of the best value.
func recommended(all []suggest.Outcome) suggest.Outcome {
	sum, count := map[int]float64{}, map[int]float64{}
	for _, o := range all {
		if of, ok := suggest.Repeats(o.Labels); ok {
			sum[of] += o.Value
			count[of]++
		}
	}
	best, low := all[0], math.Inf(1)
	for _, o := range all {
		v := o.Value
		if len(sum) > 0 {
			v = sum[o.Number] / count[o.Number]
		}
		if v < low {
			best, low = o, v
		}
	}
	return best
}

// TestRepetitionRules plays experiments of every kind: repetitions are of trials before them, with their assignments, never more
// than the share and never more of one than allowed, and the other trials are what the algorithm would have proposed without them.
func TestRepetitionRules(t *testing.T) {
	sobol, err := suggest.Builtin().Lookup("sobol")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := square(t)
		p := suggest.Problem{Space: s, Seed: rapid.Uint64().Draw(t, "seed"), MaxTrials: rapid.SampledFrom([]int{0, 60}).Draw(t, "budget")}
		bare := played(t, p, sobol, 60, func(space.Assignment, int) float64 { return 0 })
		p.Repetition = suggest.Repetition{Share: rapid.Float64Range(0.01, 0.5).Draw(t, "share"), Most: rapid.IntRange(2, 6).Draw(t, "most")}
		noise := rapid.SampledFrom([]float64{0, 0.01, 1}).Draw(t, "noise")
		rng := rand.New(rand.NewPCG(p.Seed, 1))
		all := played(t, p, sobol, 60, func(a space.Assignment, _ int) float64 { return a[0] + a[1] + noise*rng.NormFloat64() })
		times := map[int]int{}
		own, repeats := 0, 0
		for _, o := range all {
			of, ok := suggest.Repeats(o.Labels)
			if !ok {
				if !slices.Equal(o.Assignment, bare[own].Assignment) {
					t.Fatalf("trial %d is %v, trial %d without repetitions %v", o.Number, o.Assignment, own+1, bare[own].Assignment)
				}
				own++
				continue
			}
			repeats++
			times[of]++
			if of >= o.Number || !slices.Equal(o.Assignment, all[of-1].Assignment) {
				t.Fatalf("trial %d repeats trial %d", o.Number, of)
			}
			if times[of]+1 > p.Repetition.Most {
				t.Fatalf("trial %d is tried more than %d times", of, p.Repetition.Most)
			}
		}
		if float64(repeats) > 60*p.Repetition.Share+1e-9 {
			t.Fatalf("%d of 60 trials are repetitions, with a share of %v", repeats, p.Repetition.Share)
		}
		if noise == 0 && repeats > 3 {
			t.Fatalf("%d repetitions of what always gives the same", repeats)
		}
	})
}

func square(t rapid.TB) *space.Space {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRepetitionHelps searches Hartmann's function around its minimum, 0.3 to each side, with noise of standard deviation 0.3,
// and compares the true value of what is recommended in the end with and without repetitions, at equal trials and for the same
// seeds. Were repetitions of no use, the mean of the 240 differences would be 2.6 standard errors below 0 once in 200 times.
func TestRepetitionHelps(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays many experiments")
	}
	p := suggesttest.Hartmann6(t)
	var params []space.Parameter
	for i, at := range []float64{0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573} {
		params = append(params, space.Parameter{Name: string(rune('a' + i)), Type: space.Double, Min: max(0, at-0.3), Max: min(1, at+0.3)})
	}
	s, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range tpe.Algorithms() {
		if a.Name != "multivariate-tpe" {
			continue
		}
		const seeds, trials = 240, 80
		var once, again, squares, sum float64
		for seed := range uint64(seeds) {
			play := func(r suggest.Repetition) float64 {
				all := played(t, suggest.Problem{Space: s, Seed: seed, MaxTrials: trials, Repetition: r}, a, trials, func(a space.Assignment, number int) float64 {
					return p.Value(a) + 0.3*rand.New(rand.NewPCG(seed, uint64(number))).NormFloat64()
				})
				return p.Value(recommended(all).Assignment) - p.Minimum
			}
			without, with := play(suggest.Repetition{}), play(suggest.Repetition{Share: 0.2, Most: 5})
			once, again = once+without/seeds, again+with/seeds
			sum += (with - without) / seeds
			squares += (with - without) * (with - without) / seeds
		}
		z := sum / math.Sqrt((squares-sum*sum)/(seeds-1))
		t.Logf("mean regret %.3f with repetitions, %.3f without: %.1f standard errors", again, once, z)
		if z > -2.6 {
			t.Errorf("mean regret %.3f with repetitions, %.3f without: only %.1f standard errors below", again, once, -z)
		}
	}
}
