// Package suggesttest holds the conformance suites of search algorithms and early-stopping rules, benchmark functions, and the
// statistics to compare algorithms on them. It knows the contracts of package suggest, not any algorithm.
package suggesttest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// Options says which algorithm to test, and what it promises beyond the contract of suggest.Suggester.
type Options struct {
	Algorithm suggest.Algorithm
	Settings  suggest.Settings // nil means the defaults

	OrderIndependent bool // proposals do not depend on the order in which outcomes were told
	DistinctBatch    bool // no assignment occurs twice in one batch while a finite space has others
	Exhausts         bool // a finite space is proposed point by point without repetition, then ErrExhausted
	Unseeded         bool // proposals do not depend on the seed

	MaxTrials int // the budget that the algorithm is told; 0 means none
	Parallel  int // how many trials it is told to run at a time; 0 means one

	Repetition suggest.Repetition // of promising assignments; the zero value is none

	Space        *space.Space          // the only space to search, in place of the suite's own; nil means those
	Architecture *suggest.Architecture // what Space puts together; nil means that parameters are searched

	Trials     int // trials of each played experiment; 0 means 40
	LongTrials int // trials told in the longest one, which -short leaves out; 0 means 100,000
}

const seed = 20090

// make builds the algorithm, or returns nil when it refuses the space.
func (o *Options) make(t testing.TB, s *space.Space, seed uint64) suggest.Suggester {
	t.Helper()
	settings, err := suggest.Complete(o.Algorithm.Settings, o.Settings)
	if err != nil {
		t.Fatal(err)
	}
	p := suggest.Problem{Space: s, Seed: seed, MaxTrials: o.MaxTrials, Parallel: o.Parallel, Architecture: o.Architecture, Repetition: o.Repetition}
	if o.Algorithm.Refuses(p, settings) != "" {
		return nil
	}
	registry := suggest.Registry{Algorithms: []suggest.Algorithm{o.Algorithm}}
	suggester, err := registry.NewSuggester(o.Algorithm.Name, p, o.Settings)
	if err != nil {
		t.Fatal(err)
	}
	return suggester
}

// TestSuggester runs the conformance suite: what the algorithm proposes is feasible in spaces of every kind, is a function of
// the space, the settings, the seed, the outcomes and the trial's number, whatever the outcomes are.
func TestSuggester(t *testing.T, o Options) {
	if o.Trials == 0 {
		o.Trials = 40
	}
	if o.LongTrials == 0 {
		o.LongTrials = 100_000
	}
	t.Run("entry", func(t *testing.T) { testEntry(t, &o) })
	refused := 0
	all := spaces(t)
	if o.Space != nil {
		all = []namedSpace{{"its own space", o.Space}}
	}
	for _, named := range all {
		if o.make(t, named.space, seed) == nil {
			refused++
			continue
		}
		t.Run(named.name, func(t *testing.T) { testSpace(t, &o, named.space) })
	}
	if refused == len(all) {
		t.Error("it supports no space at all")
	}
	s := o.roomiest(t)
	t.Run("outcomes", func(t *testing.T) { testOutcomes(t, &o, s) })
	t.Run("seeds", func(t *testing.T) { testSeeds(t, &o, s) })
	t.Run("long", func(t *testing.T) { testLong(t, &o, s) })
	t.Run("exhaustion", func(t *testing.T) { testExhaustion(t, &o) })
}

// roomiest is the mixed space, or its countable likeness for algorithms that refuse reals; or its own space.
func (o *Options) roomiest(t testing.TB) *space.Space {
	if o.Space != nil {
		return o.Space
	}
	for _, s := range []*space.Space{mixedSpace(t), countableSpace(t)} {
		if o.make(t, s, seed) != nil {
			return s
		}
	}
	t.Fatal("it supports neither the mixed space nor its countable likeness")
	return nil
}

// testEntry checks the algorithm's entry of the registry.
func testEntry(t *testing.T, o *Options) {
	a := o.Algorithm
	if a.Name == "" || a.Doc == "" || a.New == nil {
		t.Error("the entry lacks a name, a sentence or New")
	}
	checkSettings(t, a.Settings)
}

func checkSettings(t *testing.T, settings []suggest.Setting) {
	t.Helper()
	for _, s := range settings {
		if s.Name == "" || s.Doc == "" || s.Kind == "" {
			t.Errorf("setting %q lacks a name, a sentence or a kind", s.Name)
		}
		if s.Default == "" {
			continue
		}
		if _, err := suggest.ReadSettings(settings, []suggest.GivenSetting{{Name: s.Name, Value: s.Default}}); err != nil {
			t.Errorf("the default is refused: %v", err)
		}
	}
}

// testSpace plays one experiment and asks every question of it again in other ways.
func testSpace(t *testing.T, o *Options, s *space.Space) {
	played := newStudy(s, o.make(t, s, seed), seed)
	if err := played.run(o.Trials, 5); err != nil {
		t.Fatal(err)
	}
	testDeterminism(t, o, played)
	testRestart(t, o, played)
	testAskChangesNothing(t, o, played)
	if o.DistinctBatch {
		testDistinctBatch(t, o, played)
	}
}

// testDeterminism plays the same experiment again.
func testDeterminism(t *testing.T, o *Options, played *study) {
	again := newStudy(played.space, o.make(t, played.space, seed), seed)
	if err := again.run(o.Trials, 5); err != nil {
		t.Fatal(err)
	}
	if len(again.asked) != len(played.asked) {
		t.Fatalf("played twice, it was asked %d and %d times", len(played.asked), len(again.asked))
	}
	for i := range again.asked {
		if problem := differ(played.asked[i].suggestions, again.asked[i].suggestions); problem != "" {
			t.Fatalf("played twice, from trial %d: %s", played.asked[i].first, problem)
		}
	}
}

// testRestart throws the algorithm away before every question and tells a new one what is known: all that was told, in one
// piece and twice over, the last outcome of each trial only, and, where the order does not matter, in another order.
func testRestart(t *testing.T, o *Options, played *study) {
	rng := rand.New(rand.NewPCG(seed, 8))
	for _, a := range played.asked {
		known := played.journal[:a.journal]
		histories := map[string][]suggest.Outcome{
			"everything":    known,
			"twice over":    slices.Concat(compact(known), compact(known)),
			"last outcomes": compact(known),
		}
		if o.OrderIndependent {
			shuffled := compact(known)
			rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			histories["another order"] = shuffled
		}
		for _, name := range slices.Sorted(maps.Keys(histories)) {
			fresh := o.make(t, played.space, seed)
			if err := fresh.Tell(slices.Clone(histories[name])); err != nil {
				t.Fatal(err)
			}
			suggestions, err := fresh.Ask(a.first, a.n)
			if problem := differ(a.suggestions, suggestions); problem != "" || !errors.Is(err, a.err) {
				t.Fatalf("restarted before trial %d, told %s: %s %v", a.first, name, problem, err)
			}
		}
	}
}

// testAskChangesNothing asks the same question again, for more trials and for fewer.
func testAskChangesNothing(t *testing.T, o *Options, played *study) {
	fresh := o.make(t, played.space, seed)
	told := 0
	for _, a := range played.asked {
		if err := fresh.Tell(slices.Clone(played.journal[told:a.journal])); err != nil {
			t.Fatal(err)
		}
		told = a.journal
		for _, n := range []int{a.n, 0, a.n + 3, 1, a.n} {
			suggestions, err := fresh.Ask(a.first, n)
			if problem := checkAnswer(played.space, suggestions, n, err); problem != nil {
				t.Fatalf("trials %d to %d: %v", a.first, a.first+n-1, problem)
			}
			same := min(n, len(a.suggestions))
			if len(suggestions) < same {
				t.Fatalf("from trial %d: asked for %d after asking for %d, got %d", a.first, n, a.n, len(suggestions))
			}
			if problem := differ(a.suggestions[:same], suggestions[:same]); problem != "" {
				t.Fatalf("from trial %d, asked for %d and for %d: %s", a.first, a.n, n, problem)
			}
		}
	}
}

// testDistinctBatch asks for a batch after each part of the history.
func testDistinctBatch(t *testing.T, o *Options, played *study) {
	size, finite := played.space.Size()
	if !finite {
		return
	}
	for _, a := range played.asked {
		fresh := o.make(t, played.space, seed)
		if err := fresh.Tell(slices.Clone(played.journal[:a.journal])); err != nil {
			t.Fatal(err)
		}
		suggestions, _ := fresh.Ask(a.first, int(min(size, 8)))
		if i, j, found := repeated(suggestions); found {
			t.Fatalf("in the batch from trial %d, suggestions %d and %d are both %v", a.first, i, j, suggestions[i].Assignment)
		}
	}
}

func repeated(suggestions []suggest.Suggestion) (i, j int, found bool) {
	seen := map[string]int{}
	for j, s := range suggestions {
		key := fmt.Sprint(s.Assignment)
		if i, ok := seen[key]; ok {
			return i, j, true
		}
		seen[key] = j
	}
	return 0, 0, false
}

// differ says where two answers differ, or "".
func differ(a, b []suggest.Suggestion) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d suggestions and %d", len(a), len(b))
	}
	for i := range a {
		if !slices.Equal(a[i].Assignment, b[i].Assignment) || !maps.Equal(a[i].Labels, b[i].Labels) || a[i].Note != b[i].Note {
			return fmt.Sprintf("suggestion %d is %+v and %+v", i, a[i], b[i])
		}
	}
	return ""
}

// testSeeds checks that another seed proposes something else, and the same seed in another order of use the same.
func testSeeds(t *testing.T, o *Options, s *space.Space) {
	n := 8
	one, _ := o.make(t, s, 1).Ask(1, n)
	two, _ := o.make(t, s, 2).Ask(1, n)
	if same := differ(one, two) == ""; same != o.Unseeded {
		t.Errorf("two seeds propose the same: %v; declared: %v", same, o.Unseeded)
	}
}

// testExhaustion plays a space of 24 points to its end.
func testExhaustion(t *testing.T, o *Options) {
	s := finiteSpace(t)
	suggester := o.make(t, s, seed)
	if suggester == nil {
		t.Skip("it does not support the finite space")
	}
	size, _ := s.Size()
	played := newStudy(s, suggester, seed)
	if err := played.run(int(size)+10, 5); err != nil {
		t.Fatal(err)
	}
	var all []suggest.Suggestion
	for _, a := range played.asked {
		all = append(all, a.suggestions...)
	}
	if !o.Exhausts {
		return
	}
	if i, j, found := repeated(all); found {
		t.Errorf("trials %d and %d are both %v", i+1, j+1, all[i].Assignment)
	}
	if !played.exhausted || len(all) != int(size) {
		t.Errorf("%d of %d assignments were proposed; exhausted: %v", len(all), size, played.exhausted)
	}
	if rest, err := suggester.Ask(len(all)+1, 3); len(rest) > 0 || !errors.Is(err, suggest.ErrExhausted) {
		t.Errorf("after the last, it proposes %v, %v", rest, err)
	}
}

// testLong tells a long history and asks on.
func testLong(t *testing.T, o *Options, s *space.Space) {
	if testing.Short() {
		t.Skip("a long history takes a while")
	}
	suggester := o.make(t, s, seed)
	tellRandom(t, s, suggester, 1, o.LongTrials)
	suggestions, err := suggester.Ask(o.LongTrials+1, 3)
	if problem := checkAnswer(s, suggestions, 3, err); problem != nil {
		t.Error(problem)
	}
}

// tellRandom tells random completed trials, from number first to last, in pieces.
func tellRandom(t testing.TB, s *space.Space, suggester suggest.Suggester, first, last int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, uint64(first)))
	var piece []suggest.Outcome
	for number := first; number <= last; number++ {
		a := s.Sample(rng)
		piece = append(piece, suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: objective(s, a) + 0.01*rng.NormFloat64()})
		if len(piece) == 1000 || number == last {
			if err := suggester.Tell(piece); err != nil {
				t.Fatal(err)
			}
			piece = piece[:0]
		}
	}
}

// testOutcomes tells outcomes of every odd kind, and checks that proposals stay feasible, and the same after a restart.
func testOutcomes(t *testing.T, o *Options, s *space.Space) {
	nan, inf := math.NaN(), math.Inf(1)
	values := func(state suggest.State, values ...float64) func(i int) (suggest.State, float64) {
		return func(i int) (suggest.State, float64) { return state, values[i%len(values)] }
	}
	tests := []struct {
		name    string
		trials  int
		outcome func(i int) (suggest.State, float64)
	}{
		{"no number", 15, values(suggest.Completed, nan)},
		{"some no number", 15, values(suggest.Completed, nan, 1, 2, nan, 0.5)},
		{"infinite", 15, values(suggest.Completed, inf, -inf)},
		{"some infinite", 15, values(suggest.Completed, inf, 1, -inf, 3, 2)},
		{"huge", 15, values(suggest.Completed, math.MaxFloat64, -math.MaxFloat64, 0, 1)},
		{"tiny", 15, values(suggest.Completed, math.SmallestNonzeroFloat64, 0, -math.SmallestNonzeroFloat64)},
		{"constant", 15, values(suggest.Completed, 3)},
		{"ties", 15, values(suggest.Completed, 1, 2)},
		{"failed", 15, values(suggest.Failed, nan)},
		{"mostly failed", 15, func(i int) (suggest.State, float64) {
			if i%5 > 0 {
				return suggest.Failed, nan
			}
			return suggest.Completed, float64(i)
		}},
		{"stopped", 15, values(suggest.Stopped, nan, 1)},
		{"pending", 256, values(suggest.Pending, nan)},
		{"pending with values", 15, values(suggest.Pending, 1, inf)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			suggester := o.make(t, s, seed)
			told := oddOutcomes(t, s, suggester, test.trials, test.outcome)
			first := len(told) + 1
			suggestions, err := suggester.Ask(first, 4)
			if problem := checkAnswer(s, suggestions, 4, err); problem != nil {
				t.Fatal(problem)
			}
			fresh := o.make(t, s, seed)
			if err := fresh.Tell(slices.Clone(told)); err != nil {
				t.Fatal(err)
			}
			again, err := fresh.Ask(first, 4)
			if problem := differ(suggestions, again); problem != "" {
				t.Errorf("after a restart: %s, %v", problem, err)
			}
		})
	}
	t.Run("gaps and disorder", func(t *testing.T) { testDisorder(t, o, s) })
}

// oddOutcomes starts trials in batches, tells their outcomes and checks that no assignment was changed. It returns them.
func oddOutcomes(t *testing.T, s *space.Space, suggester suggest.Suggester, trials int, outcome func(i int) (suggest.State, float64)) []suggest.Outcome {
	t.Helper()
	var told []suggest.Outcome
	for len(told) < trials {
		n := min(8, trials-len(told))
		suggestions, err := suggester.Ask(len(told)+1, n)
		if problem := checkAnswer(s, suggestions, n, err); problem != nil {
			t.Fatal(problem)
		}
		if len(suggestions) == 0 {
			break // exhausted, or waiting for trials that never end
		}
		var before []space.Assignment
		for _, suggestion := range suggestions {
			state, value := outcome(len(told))
			told = append(told, suggest.Outcome{Number: len(told) + 1, Assignment: suggestion.Assignment, State: state, Value: value, Labels: suggestion.Labels})
			before = append(before, slices.Clone(suggestion.Assignment))
		}
		batch := told[len(told)-len(suggestions):]
		if err := suggester.Tell(slices.Clone(batch)); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if !slices.Equal(batch[i].Assignment, before[i]) {
				t.Fatalf("Tell changed an assignment from %v to %v", before[i], batch[i].Assignment)
			}
		}
	}
	return told
}

// testDisorder tells results of trials never announced, in decreasing order with gaps, and results that change.
func testDisorder(t *testing.T, o *Options, s *space.Space) {
	suggester := o.make(t, s, seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	for number := 30; number > 0; number -= 3 {
		outcome := suggest.Outcome{Number: number, Assignment: s.Sample(rng), State: suggest.Completed, Value: rng.Float64()}
		for _, state := range []suggest.State{suggest.Completed, suggest.Failed, suggest.Pending, suggest.Completed} {
			outcome.State = state
			if err := suggester.Tell([]suggest.Outcome{outcome}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := suggester.Tell(nil); err != nil {
		t.Fatal(err)
	}
	suggestions, err := suggester.Ask(31, 4)
	if problem := checkAnswer(s, suggestions, 4, err); problem != nil {
		t.Error(problem)
	}
}

// BenchmarkAsk measures, in the mixed space after 10, 1,000 and 100,000 trials, what one more trial costs: telling that it was
// started, telling its result, and asking for the next.
func BenchmarkAsk(b *testing.B, o Options) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("trials=%d", n), func(b *testing.B) { benchmarkAsk(b, &o, n) })
	}
}

func benchmarkAsk(b *testing.B, o *Options, n int) {
	s := o.roomiest(b)
	rng := rand.New(rand.NewPCG(seed, 10))
	assignments := make([]space.Assignment, 64)
	values := make([]float64, len(assignments))
	for i := range assignments {
		assignments[i] = s.Sample(rng)
		values[i] = objective(s, assignments[i])
	}
	outcomes := make([]suggest.Outcome, 1)
	number, suggester := math.MaxInt, suggest.Suggester(nil)
	b.ReportAllocs()
	for b.Loop() {
		if number > n+n/10+10 { // the history has grown: begin again
			b.StopTimer()
			suggester, number = o.make(b, s, seed), n+1
			tellRandom(b, s, suggester, 1, n)
			b.StartTimer()
		}
		k := number % len(assignments)
		for _, state := range []suggest.State{suggest.Pending, suggest.Completed} {
			outcomes[0] = suggest.Outcome{Number: number, Assignment: assignments[k], State: state, Value: values[k]}
			if err := suggester.Tell(outcomes); err != nil {
				b.Fatal(err)
			}
		}
		number++
		if _, err := suggester.Ask(number, 1); err != nil && !errors.Is(err, suggest.ErrExhausted) && !errors.Is(err, suggest.ErrWait) {
			b.Fatal(err)
		}
	}
}
