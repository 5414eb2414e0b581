package analysis

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
)

func doubles(t testing.TB, n int) *space.Space {
	t.Helper()
	params := make([]space.Parameter, n)
	for i := range params {
		params[i] = space.Parameter{Name: fmt.Sprintf("x%d", i+1), Type: space.Double, Max: 1}
	}
	return made(t, params)
}

func made(t testing.TB, params []space.Parameter) *space.Space {
	t.Helper()
	s, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told is an Analysis of n random trials of a function of the assignment.
func told(s *space.Space, n int, seed uint64, f func(a space.Assignment) float64) *Analysis {
	rng := rand.New(rand.NewPCG(seed, 5))
	a := New(s)
	outcomes := make([]suggest.Outcome, n)
	for i := range outcomes {
		x := s.Sample(rng)
		outcomes[i] = suggest.Outcome{Number: i + 1, Assignment: x, State: suggest.Completed, Value: f(x)}
	}
	a.Tell(outcomes)
	return a
}

// shares lists the shares by parameter, and those of pairs.
func shares(r Report, n int) ([]float64, map[[2]int]float64) {
	out, pairs := make([]float64, n), map[[2]int]float64{}
	for _, x := range r.Importances {
		if len(x.Parameters) == 1 {
			out[x.Parameters[0]] = x.Share
		} else {
			pairs[[2]int{min(x.Parameters[0], x.Parameters[1]), max(x.Parameters[0], x.Parameters[1])}] = x.Share
		}
	}
	return out, pairs
}

// TestForestImportanceOfKnownFunctions compares shares of the variance with those that integrals give, to 0.1 absolutely, from 1,200
// trials.
func TestForestImportanceOfKnownFunctions(t *testing.T) {
	// Additive: the variances of 4x, 2x, x are as 16 : 4 : 1.
	ishigami := func(a space.Assignment) float64 { // with a = 7, b = 0.1
		x := [3]float64{}
		for i := range x {
			x[i] = math.Pi * (2*a[i] - 1)
		}
		return math.Sin(x[0]) + 7*math.Sin(x[1])*math.Sin(x[1]) + 0.1*math.Pow(x[2], 4)*math.Sin(x[0])
	}
	for _, c := range []struct {
		name  string
		d     int
		f     func(a space.Assignment) float64
		alone []float64
		pair  float64 // of the first and the third
	}{
		{"additive", 4, func(a space.Assignment) float64 { return 4*a[0] + 2*a[1] + a[2] }, []float64{16. / 21, 4. / 21, 1. / 21, 0}, 0},
		{"product", 3, func(a space.Assignment) float64 { return (2*a[0] - 1) * (2*a[2] - 1) }, []float64{0, 0, 0}, 1},
		{"Ishigami", 3, ishigami, []float64{0.3139, 0.4424, 0}, 0.2437},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := told(doubles(t, c.d), 1200, 1, c.f).Forest()
			if err != nil {
				t.Fatal(err)
			}
			alone, pairs := shares(f.Importance(3), c.d)
			t.Log(alone, pairs)
			for i, want := range c.alone {
				if math.Abs(alone[i]-want) > 0.1 {
					t.Errorf("parameter %d has %.3f of the variance, want %.3f", i+1, alone[i], want)
				}
			}
			if got := pairs[[2]int{0, 2}]; math.Abs(got-c.pair) > 0.15 {
				t.Errorf("the interaction has %.3f, want %.3f", got, c.pair)
			}
		})
	}
}

// TestForestMarginals compares the marginals with those of an additive function, of a categorical parameter too.
func TestForestMarginals(t *testing.T) {
	s := made(t, []space.Parameter{
		{Name: "x", Type: space.Double, Min: 1, Max: 100, Distribution: space.LogUniform},
		{Name: "opt", Type: space.Categorical, List: []string{"a", "b", "c", "d"}},
		{Name: "n", Type: space.Int, Min: 1, Max: 3},
	})
	height := []float64{0, 3, 1, 2}
	f, err := told(s, 600, 2, func(a space.Assignment) float64 { return math.Log10(a[0]) + height[int(a[1])] }).Forest()
	if err != nil {
		t.Fatal(err)
	}
	x, opt, n := f.Slice(0, nil), f.Slice(1, nil), f.Slice(2, nil)
	if len(x.Ticks) != 50 || len(opt.Ticks) != 4 || len(n.Ticks) != 3 || opt.Ticks[1].Text != "b" || n.Ticks[2].Text != "3" || n.Ticks[2].Value != 3 {
		t.Fatalf("%v %v %v", x.Ticks, opt.Ticks, n.Ticks)
	}
	for i, tick := range x.Ticks {
		if want := math.Log10(tick.Value) + 1.5; math.Abs(x.Mean[i]-want) > 0.25 || x.SD[i] < 0 {
			t.Errorf("x = %s: %.3f ± %.3f, want %.3f", tick.Text, x.Mean[i], x.SD[i], want)
		}
	}
	for i, want := range height {
		if math.Abs(opt.Mean[i]-want-1) > 0.25 {
			t.Errorf("opt %d: %.3f, want %.3f", i, opt.Mean[i], want+1)
		}
	}
	c := f.Contour(0, 1, nil)
	if len(c.X) != 24 || len(c.Y) != 4 || math.Abs(c.Mean[0][1]-3) > 0.6 || math.Abs(c.Mean[23][0]-2) > 0.6 {
		t.Errorf("contour %v", c.Mean)
	}
	mean, sd := f.Predict(space.Assignment{10, 1, 2})
	if math.Abs(mean-4) > 0.3 || !(sd > 0) {
		t.Errorf("prediction %g ± %g", mean, sd)
	}
}

// TestMarginalsAverage checks that a parameter's marginal is the mean of the plane with any other, and that of the whole.
func TestMarginalsAverage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		s := made(t, []space.Parameter{
			{Name: "x", Type: space.Double, Max: 1}, {Name: "c", Type: space.Categorical, List: []string{"a", "b", "c"}}, {Name: "y", Type: space.Double, Max: 1},
		})
		rng := rand.New(rand.NewPCG(seed, 1))
		f, err := told(s, rapid.IntRange(10, 60).Draw(rt, "trials"), seed, func(space.Assignment) float64 { return rng.NormFloat64() }).Forest()
		if err != nil {
			rt.Fatal(err)
		}
		plane, _ := f.plane(0, 1, 12, 3)
		x, _ := f.marginal(0, 12)
		c, _ := f.marginal(1, 3)
		for g := range x {
			if math.Abs(x[g]-average(plane[g])) > 1e-9 {
				rt.Fatalf("cell %d: %g and %g", g, x[g], average(plane[g]))
			}
		}
		if math.Abs(average(x)-average(c)) > 1e-9 {
			rt.Fatalf("means %g and %g", average(x), average(c))
		}
	})
}

// TestImportanceFindsWhatMatters checks order and certainty: what has no influence passes for certain once in 20 times, in 40 draws
// of two such parameters more than 12 times with a probability of 4e-4.
func TestImportanceFindsWhatMatters(t *testing.T) {
	false1 := 0
	for seed := range uint64(40) {
		a := told(doubles(t, 4), 200, seed, func(a space.Assignment) float64 { return math.Abs(a[0]-0.3) + 0.2*math.Abs(a[1]-0.8) })
		r, err := a.Importance()
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range r.Importances {
			sum += x.Share
			if x.Parameters[0] > 1 && x.Certain {
				false1++
			}
		}
		if first := r.Importances[0]; first.Parameters[0] != 0 || !first.Certain || first.Share < 0.5 || math.Abs(sum-1) > 1e-9 || r.Trials != 200 {
			t.Fatalf("seed %d: %+v", seed, r)
		}
	}
	if false1 > 12 {
		t.Errorf("%d of 80 parameters without influence are certain", false1)
	}
}

// TestImportanceUnderConditions has one parameter that decides which of two others matters.
func TestImportanceUnderConditions(t *testing.T) {
	when := func(value string) []space.Condition {
		return []space.Condition{{Parameter: "model", Values: []string{value}}}
	}
	s := made(t, []space.Parameter{
		{Name: "model", Type: space.Categorical, List: []string{"a", "b"}},
		{Name: "x", Type: space.Double, Max: 1, When: when("a")},
		{Name: "y", Type: space.Double, Max: 1, When: when("b")},
		{Name: "z", Type: space.Double, Max: 1},
	})
	f := func(a space.Assignment) float64 {
		if a[0] == 0 {
			return a[1]
		}
		return 0.5 + 0.01*a[2]
	}
	a := told(s, 500, 3, f)
	r, err := a.Importance()
	if err != nil {
		t.Fatal(err)
	}
	alone, _ := shares(r, 4)
	if !(alone[1] > 0.6 && alone[0] > 0.05 && alone[2] < 0.02 && alone[3] < 0.1) {
		t.Errorf("shares %v", alone)
	}
	forest, err := a.Forest()
	if err != nil {
		t.Fatal(err)
	}
	// Over the cube in which x is drawn always: E = x/2 + 1/4, so that x has 1/48 of the variance of 1/24 + small.
	alone, _ = shares(forest.Importance(0), 4)
	if math.Abs(alone[1]-0.5) > 0.1 || alone[3] > 0.05 {
		t.Errorf("shares of the variance %v", alone)
	}
}

func TestLowest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []row
		for _, v := range rapid.SliceOfN(rapid.OneOf(rapid.Float64(), rapid.Map(rapid.IntRange(0, 3), func(n int) float64 { return float64(n) })), 1, 60).Draw(t, "values") {
			rows = append(rows, row{value: v})
		}
		k := rapid.IntRange(0, len(rows)-1).Draw(t, "k")
		if got, want := lowest(rows, k), values(rows)[k]; got != want {
			t.Fatalf("got %g, want %g", got, want)
		}
	})
}

func TestOddTrials(t *testing.T) {
	s := doubles(t, 2)
	if _, err := New(s).Importance(); !errors.Is(err, ErrTooFew) {
		t.Error(err)
	}
	if _, err := New(s).Forest(); !errors.Is(err, ErrTooFew) {
		t.Error(err)
	}
	for name, f := range map[string]func(a space.Assignment) float64{
		"constant": func(space.Assignment) float64 { return 3 },
		"ties":     func(a space.Assignment) float64 { return math.Round(a[0]) },
		"huge":     func(a space.Assignment) float64 { return math.MaxFloat64 * (a[0] - 0.5) },
		"outliers": func(a space.Assignment) float64 { return math.Pow(a[0], -30) },
		"failing":  func(a space.Assignment) float64 { return math.Log(a[0] - 0.5) },
	} {
		a := told(s, 60, 1, f)
		r, err := a.Importance()
		if err != nil {
			t.Fatal(err)
		}
		forest, err := a.Forest()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range append(r.Importances, forest.Importance(1).Importances...) {
			if !finite(x.Share) || x.Share < 0 || !finite(x.Error) || !finite(x.Chance) {
				t.Errorf("%s: %+v", name, x)
			}
		}
		if x := a.Advise(Question{}); !finite(x.Gain) || x.Gain < 0 || x.Chance < 0 || x.Chance > 1 || x.Reason == "" {
			t.Errorf("%s: %+v", name, x)
		}
	}
	empty := New(made(t, nil))
	empty.Tell([]suggest.Outcome{{Number: 1, Assignment: space.Assignment{}, State: suggest.Completed, Value: 1}})
	if x := empty.Advise(Question{}); x.Verdict != TooEarly {
		t.Errorf("%+v", x)
	}
}

// TestAnswersAreThoseOfAFreshAnalysis tells in two orders and asks in between.
func TestAnswersAreThoseOfAFreshAnalysis(t *testing.T) {
	s := doubles(t, 3)
	rng := rand.New(rand.NewPCG(1, 1))
	a, b := New(s), New(s)
	var outcomes []suggest.Outcome
	for n := 1; n <= 90; n++ {
		outcomes = append(outcomes, suggest.Outcome{Number: n, Assignment: s.Sample(rng), State: suggest.Completed, Value: rng.Float64()})
	}
	b.Tell(outcomes)
	rng.Shuffle(len(outcomes), func(i, j int) { outcomes[i], outcomes[j] = outcomes[j], outcomes[i] })
	for i := range outcomes {
		a.Tell(outcomes[i : i+1])
		if i%30 == 20 {
			_, _ = a.Importance()
			_, _ = a.Forest()
		}
	}
	answer := func(a *Analysis) string {
		r, _ := a.Importance()
		f, _ := a.Forest()
		return fmt.Sprint(r, f.Importance(2), f.Slice(1, nil), a.Advise(Question{}))
	}
	if answer(a) != answer(b) {
		t.Error("answers depend on the order of telling")
	}
}

func BenchmarkAnswers(b *testing.B) {
	s := doubles(b, 10)
	a := told(s, 100_000, 1, func(a space.Assignment) float64 { return a[0] + a[1]*a[2] })
	change := []suggest.Outcome{{Number: 7, Assignment: s.FromUnit(make([]float64, 10)), State: suggest.Completed}}
	for name, ask := range map[string]func(){
		"importance": func() { _, _ = a.Importance() },
		"forest":     func() { f, _ := a.Forest(); f.Importance(5) },
		"slices": func() {
			f, _ := a.Forest()
			for j := range 10 {
				f.Slice(j, nil)
			}
		},
		"contour": func() { f, _ := a.Forest(); f.Contour(0, 1, nil) },
		"advice":  func() { a.Advise(Question{}) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				change[0].Value++
				a.Tell(change)
				ask()
			}
		})
	}
}
