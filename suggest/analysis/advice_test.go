package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// TestGainIsThatOfTheNextTrials compares the gain and its probability that are expected of random search with those that come true,
// over 400 experiments: for values that are uniform, quadratic around a minimum in three dimensions, and exponential.
func TestGainIsThatOfTheNextTrials(t *testing.T) {
	for name, draw := range map[string]func(rng *rand.Rand) float64{
		"uniform":     func(rng *rand.Rand) float64 { return rng.Float64() },
		"quadratic":   func(rng *rand.Rand) float64 { return math.Pow(rng.Float64(), 2./3) },
		"exponential": func(rng *rand.Rand) float64 { return -rng.ExpFloat64() },
	} {
		const experiments, past, next = 400, 100, 20
		rng := rand.New(rand.NewPCG(2, 3))
		gain, chance, came, often := 0.0, 0.0, 0.0, 0.0
		for range experiments {
			values := make([]float64, past)
			for i := range values {
				values[i] = draw(rng)
			}
			slices.Sort(values)
			g, p := newTail(values).expect(values[0], 0, next)
			low := values[0]
			for range next {
				low = min(low, draw(rng))
			}
			gain, chance, came = gain+g/experiments, chance+p/experiments, came+(values[0]-low)/experiments
			if low < values[0] {
				often += 1. / experiments
			}
		}
		t.Logf("%s: gain %.4g expected, %.4g came; probability %.3f, came %.3f", name, gain, came, chance, often)
		if gain < came/2 || gain > 2*came || math.Abs(chance-often) > 0.1 {
			t.Errorf("%s: gain %.4g expected, %.4g came; probability %.3f, came %.3f", name, gain, came, chance, often)
		}
	}
}

type oracle float64

func (o oracle) Predict(a space.Assignment) (mean, sd float64) { return float64(o) * a[0], 0.5 }
func (o oracle) Gain(int) float64                              { return float64(o) }

func TestAdvice(t *testing.T) {
	s := doubles(t, 2)
	bowl := func(a space.Assignment) float64 { return (a[0]-0.5)*(a[0]-0.5) + (a[1]-0.5)*(a[1]-0.5) }
	few := told(s, 5, 1, bowl).Advise(Question{})
	if few.Verdict != TooEarly || few.Next != 10 {
		t.Errorf("%+v", few)
	}
	young, old := told(s, 20, 1, bowl).Advise(Question{}), told(s, 3000, 1, bowl).Advise(Question{Next: 20})
	if young.Verdict != GoOn || old.Verdict != Stop || old.Chance > 0.05 || old.Trials != 3000 || old.Next != 20 {
		t.Errorf("%+v\n%+v", young, old)
	}
	if x := told(s, 3000, 1, bowl).Advise(Question{Worth: 1e-12, Next: 2000}); x.Verdict != GoOn || x.Since == 0 || x.BestTrial == 0 {
		t.Errorf("%+v", x)
	}
	a := told(s, 20, 1, bowl)
	if x := a.Advise(Question{Surrogate: oracle(1e-9)}); x.Verdict != Stop || !x.Modelled || x.Gain != 1e-9 {
		t.Errorf("%+v", x)
	}
	f, err := a.Forest()
	if err != nil {
		t.Fatal(err)
	}
	if c := f.Slice(0, oracle(2)); math.Abs(c.Mean[0]-0.02) > 1e-9 || math.Abs(c.SD[0]-0.5) > 1e-9 {
		t.Errorf("%v", c)
	}
	if c := f.Contour(0, 1, oracle(2)); math.Abs(c.Mean[0][5]-1./24) > 1e-9 || math.Abs(c.SD[0][0]-0.5) > 1e-9 {
		t.Errorf("%v", c)
	}
	finite := made(t, []space.Parameter{{Name: "n", Type: space.Int, Max: 11}})
	all := New(finite)
	all.Tell(everything(finite))
	if x := all.Advise(Question{}); x.Verdict != Stop || x.Next != 0 {
		t.Errorf("%+v", x)
	}
}

// everything is a trial of each assignment of a finite space.
func everything(s *space.Space) []suggest.Outcome {
	n, _ := s.Size()
	out := make([]suggest.Outcome, n)
	for i := range out {
		out[i] = suggest.Outcome{Number: i + 1, Assignment: s.At(uint64(i)), State: suggest.Completed, Value: float64(i)}
	}
	return out
}
