package stopping

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

func TestWilcoxonConformance(t *testing.T) {
	suggesttest.TestStopper(t, halvingRule(t, "wilcoxon", nil))
	suggesttest.TestStopper(t, halvingRule(t, "wilcoxon", suggest.Settings{"p_threshold": "0.3", "min_trials_required": "4", "start_step": "6"}))
}

// slowSignedRank goes through all signs.
func slowSignedRank(d []float64) float64 {
	rank := func(i int) (r float64) {
		below, equal := 0, 0
		for _, v := range d {
			if math.Abs(v) < math.Abs(d[i]) {
				below++
			} else if math.Abs(v) == math.Abs(d[i]) {
				equal++
			}
		}
		return float64(below) + float64(equal+1)/2
	}
	sum := func(positive func(i int) bool) (w float64) {
		for i, v := range d {
			switch {
			case v == 0:
				w += rank(i) / 2
			case positive(i):
				w += rank(i)
			}
		}
		return w
	}
	seen := sum(func(i int) bool { return d[i] > 0 })
	hits := 0
	for signs := range 1 << len(d) {
		if sum(func(i int) bool { return signs>>i&1 == 1 }) >= seen {
			hits++
		}
	}
	return float64(hits) / float64(int(1)<<len(d))
}

func TestSignedRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SliceOfN(rapid.SampledFrom([]float64{-3, -2, -1, 0, 0.5, 1, 2, 4}), 1, 8).Draw(t, "d")
		if got, want := signedRank(slices.Clone(d)), slowSignedRank(d); math.Abs(got-want) > 1e-12 {
			t.Fatalf("of %v p is %v, want %v", d, got, want)
		}
	})
	// Where exact and normal meet, they agree.
	rng := rand.New(rand.NewPCG(1, 2))
	d := make([]float64, mostExact)
	for i := range d {
		d[i] = 0.3 + rng.NormFloat64()
	}
	exact := signedRank(slices.Clone(d))
	d = append(d, 1e-9)
	if normal := signedRank(d); math.Abs(math.Log(normal/exact)) > 0.25 {
		t.Errorf("p is %v with %d instances, %v with one more of no weight", exact, mostExact, normal)
	}
}

// TestWilcoxonOnFolds plays 10 folds of very different difficulty: a trial that is a little worse on each is stopped after four, one
// that is as good or better never, although its first fold alone is worse than the mean of the best.
func TestWilcoxonOnFolds(t *testing.T) {
	hard := []float64{5, 1, 9, 3, 7, 2, 8, 4, 6, 0}
	play := func(number int, extra func(i int) float64) suggest.Curve {
		c := suggest.Curve{Number: number, State: suggest.Completed}
		for i, v := range hard {
			c.Values, c.Steps = append(c.Values, v+extra(i)), append(c.Steps, int64(i+1))
		}
		return c
	}
	s := stopper(t, "wilcoxon", nil)
	s.Tell(play(1, func(int) float64 { return 0 }))
	s.Tell(play(2, func(int) float64 { return 1 }))
	until := func(c suggest.Curve) int {
		c.State = suggest.Pending
		for n := 1; n <= len(c.Values); n++ {
			if s.Judge(suggest.Curve{Number: c.Number, Values: c.Values[:n], Steps: c.Steps[:n]}).Stop {
				return n
			}
		}
		return 0
	}
	if n := until(play(3, func(i int) float64 { return 0.01 + 0.001*float64(i) })); n != 4 {
		t.Errorf("a trial that is worse on every fold is stopped after %d", n)
	}
	if n := until(play(4, func(i int) float64 { return 0.01 * math.Cos(float64(i)*math.Pi) })); n != 0 {
		t.Errorf("a trial that is as good is stopped after %d folds", n)
	}
	if n := until(play(5, func(int) float64 { return -0.01 })); n != 0 {
		t.Errorf("a trial that is better is stopped after %d folds", n)
	}
}
