package pbt

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func algorithm(t testing.TB, name string) suggest.Algorithm {
	t.Helper()
	a, err := suggest.Registry{Algorithms: Algorithms()}.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func with(settings suggest.Settings) suggest.Settings {
	out := suggest.Settings{"suggestion_trial_dir": "/checkpoints", "n_population": "6"}
	for k, v := range settings {
		out[k] = v
	}
	return out
}

func options(t testing.TB) []suggesttest.Options {
	return []suggesttest.Options{
		{Algorithm: algorithm(t, "pbt"), Settings: with(nil), OrderIndependent: true, Trials: 60},
		{Algorithm: algorithm(t, "pbt"), Settings: with(suggest.Settings{"resample_probability": "0.25", "truncation_threshold": "0.9"}), OrderIndependent: true},
		{Algorithm: algorithm(t, "pb2"), Settings: with(nil), OrderIndependent: true},
		{Algorithm: algorithm(t, "pb2"), Settings: with(suggest.Settings{"n_population": "2"}), OrderIndependent: true, LongTrials: 1000},
	}
}

func TestConformance(t *testing.T) {
	for _, o := range options(t) {
		t.Run(o.Algorithm.Name, func(t *testing.T) { suggesttest.TestSuggester(t, o) })
	}
}

func BenchmarkAsk(b *testing.B) {
	for _, o := range options(b) {
		b.Run(o.Algorithm.Name, func(b *testing.B) { suggesttest.BenchmarkAsk(b, o) })
	}
}

// model is one of Jaderberg's, section 4 and figure 2: it climbs Q̂ = 1.2 - h0 θ0² - h1 θ1² and is judged by Q = 1.2 - θ0² - θ1².
type model [2]float64

func (m *model) train(h space.Assignment, steps int) (q float64) {
	for range steps {
		for i := range m {
			m[i] -= 0.02 * 2 * h[i] * m[i]
		}
	}
	return 1.2 - m[0]*m[0] - m[1]*m[1]
}

func square(t *testing.T) *space.Space {
	t.Helper()
	s, err := space.New([]space.Parameter{{Name: "h0", Type: space.Double, Max: 1}, {Name: "h1", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// toy plays Jaderberg's example with models that start at θ = (0.9, 0.9), of which so many train at a time for a number of
// generations. Each trial starts from the checkpoint of its parent, whose lineage is checked, and one in twenty fails.
func toy(t *testing.T, name string, settings suggest.Settings, seed uint64, parallel, trials int) (best float64, all []suggest.Outcome) {
	t.Helper()
	registry := suggest.Registry{Algorithms: Algorithms()}
	suggester, err := registry.NewSuggester(name, suggest.Problem{Space: square(t), Seed: seed}, with(settings))
	if err != nil {
		t.Fatal(err)
	}
	return play(t, suggester, seed, parallel, trials)
}

// play is toy with a Suggester.
func play(t *testing.T, suggester suggest.Suggester, seed uint64, parallel, trials int) (best float64, all []suggest.Outcome) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	checkpoints := map[int]model{}
	var running []int
	best = math.Inf(-1)
	for len(all) < trials || len(running) > 0 {
		if free := min(parallel-len(running), trials-len(all)); free > 0 {
			suggestions, err := suggester.Ask(len(all)+1, free)
			if err != nil && !errors.Is(err, suggest.ErrWait) {
				t.Fatal(err)
			}
			for _, g := range suggestions {
				o := suggest.Outcome{Number: len(all) + 1, Assignment: g.Assignment, Labels: g.Labels, Value: math.NaN()}
				all, running = append(all, o), append(running, o.Number)
				if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
					t.Fatal(err)
				}
			}
		}
		i := rng.IntN(len(running))
		o := &all[running[i]-1]
		running = slices.Delete(running, i, i+1)
		m := model{0.9, 0.9}
		if parent, err := strconv.Atoi(o.Labels[suggest.ParentLabel]); err == nil {
			var ok bool
			if m, ok = checkpoints[parent]; !ok {
				t.Fatalf("trial %d descends from trial %d, which has no checkpoint", o.Number, parent)
			}
		} else if o.Labels[GenerationLabel] != "0" {
			t.Fatalf("trial %d has no parent: %v", o.Number, o.Labels)
		}
		o.State, o.Value = suggest.Failed, math.NaN()
		if rng.IntN(20) > 0 {
			q := m.train(o.Assignment, 4)
			best = max(best, q)
			checkpoints[o.Number] = m
			o.State, o.Value = suggest.Completed, -q
		}
		if err := suggester.Tell([]suggest.Outcome{*o}); err != nil {
			t.Fatal(err)
		}
	}
	return best, all
}

// TestQuadratic: a population of six reaches Q = 1.15 of 1.2 within 20 generations, whatever the seed.
func TestQuadratic(t *testing.T) {
	for seed := range uint64(20) {
		for _, parallel := range []int{1, 3, 6, 9} {
			best, all := toy(t, "pbt", nil, seed, parallel, 120)
			if best < 1.15 {
				t.Errorf("seed %d, %d at a time: Q is %.3f", seed, parallel, best)
			}
			checkLineage(t, all)
		}
	}
}

// TestPB2IsBetterInSmallPopulations compares how far the best stays from 1.2 with five models of which two give way, after twenty
// generations, over 60 seeds with the same beginnings. The seeds are fixed, so it does not fail by chance. Where all models train at a
// time, few are compared with others that have trained as long, and few give way: over 150 seeds the mean regret is 0.79 times pbt's,
// which an equally good pb2 would show in one of a hundred times by the rank sum.
func TestPB2IsBetterInSmallPopulations(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of models")
	}
	five := suggest.Settings{"n_population": "5", "truncation_threshold": "0.4"}
	var pbt, pb2 []float64
	for seed := range uint64(60) {
		q, _ := toy(t, "pbt", five, seed, 5, 100)
		pbt = append(pbt, 1.2-q)
		q, all := toy(t, "pb2", five, seed, 5, 100)
		pb2 = append(pb2, 1.2-q)
		checkLineage(t, all)
	}
	t.Logf("mean regret of pbt %.4f, of pb2 %.4f, odds %.2g", suggesttest.Mean(pbt), suggesttest.Mean(pb2), suggesttest.RankSum(pb2, pbt))
	if suggesttest.Mean(pb2) > 0.9*suggesttest.Mean(pbt) {
		t.Errorf("the mean regret of pb2 is %.4f, of pbt %.4f", suggesttest.Mean(pb2), suggesttest.Mean(pbt))
	}
}

// TestPB2WithFourModels compares four models of pb2 with four of pbt, which pbt itself refuses as Katib does, after 20 generations with
// the default threshold, over 40 seeds with the same beginnings. The seeds are fixed, so it does not fail by chance; by the rank sum
// an equally good pb2 would show as much once in 250 times.
func TestPB2WithFourModels(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of models")
	}
	four := with(suggest.Settings{"n_population": "4", "truncation_threshold": "0.2", "resample_probability": "0"})
	var pbt, pb2 []float64
	for seed := range uint64(40) {
		old, err := newPBT(suggest.Problem{Space: square(t), Seed: seed}, four)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := play(t, old, seed, 1, 80)
		pbt = append(pbt, 1.2-q)
		q, all := toy(t, "pb2", suggest.Settings{"n_population": "4"}, seed, 1, 80)
		pb2 = append(pb2, 1.2-q)
		checkLineage(t, all)
	}
	t.Logf("mean regret of pbt %.4f, of pb2 %.4f, odds %.2g", suggesttest.Mean(pbt), suggesttest.Mean(pb2), suggesttest.RankSum(pb2, pbt))
	if suggesttest.Mean(pb2) > 0.8*suggesttest.Mean(pbt) {
		t.Errorf("the mean regret of pb2 is %.4f, of pbt %.4f", suggesttest.Mean(pb2), suggesttest.Mean(pbt))
	}
}

// TestSmallPopulations: however few models there are and however low the threshold is, somebody gives way, to one that is better.
func TestSmallPopulations(t *testing.T) {
	for _, size := range []string{"2", "3", "4"} {
		for seed := range uint64(5) {
			_, all := toy(t, "pb2", suggest.Settings{"n_population": size, "truncation_threshold": "0.1"}, seed, 1, 60)
			checkLineage(t, all)
		}
	}
}

// checkLineage: a trial whose parent is another member's was worse than that one when it gave way, and failed trials come again with
// the same assignment, generation and parent.
func checkLineage(t *testing.T, all []suggest.Outcome) {
	t.Helper()
	last := map[string]*suggest.Outcome{} // by member
	exploited := 0
	for i := range all {
		o := &all[i]
		before := last[o.Labels[MemberLabel]]
		last[o.Labels[MemberLabel]] = o
		if before == nil {
			continue
		}
		if retry := o.Labels[RetryLabel]; retry != "" {
			if before.State != suggest.Failed || !slices.Equal(before.Assignment, o.Assignment) ||
				before.Labels[GenerationLabel] != o.Labels[GenerationLabel] || before.Labels[suggest.ParentLabel] != o.Labels[suggest.ParentLabel] {
				t.Errorf("trial %d %v is to be trial %d %v again", o.Number, o, before.Number, before)
			}
			continue
		}
		parent, _ := strconv.Atoi(o.Labels[suggest.ParentLabel])
		if o.Labels[ParentLabel] != o.Labels[suggest.ParentLabel] || parent < 1 || all[parent-1].State != suggest.Completed {
			t.Errorf("trial %d has the parent %v", o.Number, o.Labels)
		}
		if parent == before.Number {
			if !slices.Equal(before.Assignment, o.Assignment) {
				t.Errorf("trial %d goes on from trial %d with other parameters", o.Number, parent)
			}
			continue
		}
		exploited++
		if before.State == suggest.Completed && all[parent-1].Value >= before.Value {
			t.Errorf("trial %d goes on from trial %d, which was no better than trial %d", o.Number, parent, before.Number)
		}
	}
	if exploited == 0 {
		t.Error("no member ever gave way")
	}
}

// TestMoves: whatever the parameter, a changed value is feasible, and from every value the parameter can move.
func TestMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]space.Parameter{
			{Name: "units", Type: space.Int, Min: 1, Max: 9},
			{Name: "sixteens", Type: space.Int, Min: 16, Max: 100, Step: 16},
			{Name: "signed", Type: space.Int, Min: -3, Max: 3},
			{Name: "rate", Type: space.Double, Min: 1e-6, Max: 1, Distribution: space.LogUniform},
			{Name: "signed real", Type: space.Double, Min: -1, Max: 1},
			{Name: "stepped", Type: space.Double, Min: 0, Max: 0.5, Step: 0.05},
			{Name: "list", Type: space.Discrete, List: []string{"1", "2", "8"}},
			{Name: "choice", Type: space.Categorical, List: []string{"a", "b", "c"}},
		}).Draw(t, "parameter")
		s, err := space.New([]space.Parameter{p})
		if err != nil {
			t.Fatal(err)
		}
		e := newPerturb(s, 0)
		a := s.FromUnit([]float64{rapid.Float64Range(0, 1).Draw(t, "u")})
		if p.Name == "signed real" && rapid.Bool().Draw(t, "zero") {
			a[0] = 0
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		moved := map[int]bool{}
		for range 64 {
			b, _ := e.explore(&suggest.Record{Outcome: suggest.Outcome{Assignment: a}}, 1, nil, rng)
			if !s.Contains(b) {
				t.Fatalf("%v moves to %v", a, b)
			}
			moved[int(math.Copysign(1, b[0]-a[0]))] = moved[int(math.Copysign(1, b[0]-a[0]))] || b[0] != a[0]
		}
		low, high := s.FromUnit([]float64{0})[0], s.FromUnit([]float64{1})[0]
		if a[0] > low && !moved[-1] || a[0] < high && !moved[1] {
			t.Fatalf("%v of %v to %v moves %v", a[0], low, high, moved)
		}
	})
}

// TestRefuses says what is missing or wrong.
func TestRefuses(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "lr", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, settings := range []suggest.Settings{
		{}, {"n_population": "4", "suggestion_trial_dir": "/x"}, {"truncation_threshold": "1.5", "suggestion_trial_dir": "/x"},
		{"resample_probability": "-0.1", "suggestion_trial_dir": "/x"},
	} {
		if _, err := (suggest.Registry{Algorithms: Algorithms()}).NewSuggester("pbt", suggest.Problem{Space: s}, settings); err == nil {
			t.Errorf("%v is accepted", settings)
		}
	}
}
