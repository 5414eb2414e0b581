package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/gp"
)

// slope knows that the objective is the first parameter, give or take.
type slope struct{ sd, noise float64 }

func (s slope) Predict(a space.Assignment) (mean, sd float64) { return a[0], s.sd }
func (s slope) Gain(int) float64                              { return 0.1 }
func (s slope) Noise() float64                                { return s.noise }
func (s slope) Bounds(a space.Assignment, width float64) (low, high float64) {
	return a[0] - width*s.sd, a[0] + width*s.sd
}

// TestRegretBound compares with what follows from the formula where the bounds are known: the best trial lies at the least a[0] of
// all, the least of the space is 0.
func TestRegretBound(t *testing.T) {
	first := func(a space.Assignment) float64 { return a[0] }
	s := doubles(t, 2)
	a := told(s, 40, 1, first)
	least := math.Inf(1)
	for _, r := range a.completed() {
		least = min(least, r.value)
	}
	width := math.Sqrt(0.4 * math.Log(2*40*40*math.Pi*math.Pi/0.6))
	x := a.Advise(Question{Surrogate: slope{0.01, 0.001}})
	if want := least + 2*width*0.01; math.Abs(x.Regret-want) > 0.002 || x.Verdict != GoOn {
		t.Errorf("the bound is %v, want %v; %+v", x.Regret, want, x)
	}
	if x := a.Advise(Question{Surrogate: slope{0.01, 0.5}}); x.Verdict != Stop || x.Noise != 0.5 {
		t.Errorf("the noise is more than what is left, but %+v", x)
	}
	if x := told(s, 15, 1, first).Advise(Question{Surrogate: slope{0.01, 0.5}}); !math.IsNaN(x.Regret) {
		t.Errorf("a bound after 15 trials: %+v", x)
	}
	if x := a.Advise(Question{Surrogate: slope{math.NaN(), 0.5}}); !math.IsNaN(x.Regret) || x.Verdict != GoOn {
		t.Errorf("a bound of nothing: %+v", x)
	}
}

// TestRegretBoundHolds fits Gaussian processes to 30 random trials with noise 0.05 of bowls at random places: of 20 bounds, at most a
// tenth may fail each, so that more than 6 do once in 400 times; and they say something: the values lie between 0 and 2.
func TestRegretBoundHolds(t *testing.T) {
	s := doubles(t, 2)
	broken, loose := 0, 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		at := []float64{rng.Float64(), rng.Float64()}
		bowl := func(a space.Assignment) float64 { return math.Pow(a[0]-at[0], 2) + math.Pow(a[1]-at[1], 2) }
		x := New(s)
		var outcomes []suggest.Outcome
		best, regret := math.Inf(1), 0.0
		for number := 1; number <= 30; number++ {
			a := s.Sample(rng)
			o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: bowl(a) + 0.05*rng.NormFloat64()}
			outcomes = append(outcomes, o)
			if o.Value < best {
				best, regret = o.Value, bowl(a)
			}
		}
		x.Tell(outcomes)
		m, err := gp.Fit(suggest.Problem{Space: s, Seed: seed}, outcomes)
		if err != nil {
			t.Fatal(err)
		}
		bound := x.Advise(Question{Surrogate: m}).Regret
		if !(bound >= regret) {
			broken++
			t.Logf("seed %d: the bound is %.3f, the regret %.3f", seed, bound, regret)
		}
		if bound > 0.5 {
			loose++
		}
	}
	if broken > 6 || loose > 6 {
		t.Errorf("%d of 20 bounds do not hold, %d are above 0.5", broken, loose)
	}
}
