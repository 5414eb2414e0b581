package gp

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// pendingModel is a posterior of 12 points with values and 4 that are pending.
func pendingModel(t *testing.T, s *space.Space, noise float64, trended bool) (e *encoding, p *posterior, best float64) {
	e, x, y := observed(s, 16)
	w := []float64{2, 0.5, 1, 3}[:len(e.dims)]
	k := newKernel(e, w, 1.3, noise)
	var base *trend
	if trended {
		base = newTrend([]*posterior{condition(newKernel(e, w, 1, 0.1), x[:7], y[:7], nil)}, x[5:], y[5:])
	}
	p = condition(k, x[:12], y[:12], base)
	for _, pending := range x[12:] {
		p.believe(pending)
	}
	if len(p.believed) != 4 {
		t.Fatalf("%d points are believed", len(p.believed))
	}
	return e, p, slices.Min(y[:12])
}

// TestFantasiesAgainstTwin takes the values that each fantasy gives to pending trials, and compares what it promises with the
// textbook's formulas for a posterior given these values.
func TestFantasiesAgainstTwin(t *testing.T) {
	for _, noise := range []float64{1e-6, 0.3} {
		_, p, best := pendingModel(t, mixed(t), noise, false)
		f := p.imagine(best, 6, rand.New(rand.NewPCG(1, 2)))
		q := &acquisition{value: p, fantasies: f}
		e, x, _ := observed(mixed(t), 40)
		n := len(p.x)
		k := newKernel(e, []float64{2, 0.5, 1, 3}, 1.3, noise)
		inverse := invert(covariances(k, x[:n]))
		for _, at := range x[20:] {
			sum := 0.0
			for i, shift := range f.shift {
				rest := make([]float64, n) // y_z - m
				for r := range rest {
					rest[r] = p.y[r] - p.mean
					for c := range n { // L z = L Lᵀ L⁻ᵀ z = K L⁻ᵀ z
						rest[r] += covariances(k, x[:n])[r][c] * shift[c]
					}
				}
				mean := func(to []float64) (mu, s2 float64) {
					mu, s2 = p.mean, k.s2
					for r := range n {
						for c := range n {
							mu += naive(k, to, x[r]) * inverse[r][c] * rest[c]
							s2 -= naive(k, to, x[r]) * inverse[r][c] * naive(k, to, x[c])
						}
					}
					return mu, s2
				}
				lowest := best
				for _, pending := range x[12:n] {
					mu, _ := mean(pending)
					lowest = min(lowest, mu)
				}
				for r := range 12 {
					if math.Abs(rest[r]+p.mean-p.y[r]) > 1e-6 {
						t.Fatalf("fantasy %d gives known point %d the value %v, not %v", i, r, rest[r]+p.mean, p.y[r])
					}
				}
				mu, s2 := mean(at)
				v, _, _ := logEI(lowest, mu, math.Sqrt(s2))
				sum += math.Exp(v)
			}
			if v, want := q.at(at), math.Log(sum/6); math.Abs(v-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("noise %g, at %v: it promises %v, wanted %v", noise, at, v, want)
			}
		}
	}
}

// TestFantasiesAreNormal checks values of fantasies against the joint posterior that they are drawn from. The mean of 4,000 is off by
// more than five deviations of it, or the variance by five of its own, once in a million times.
func TestFantasiesAreNormal(t *testing.T) {
	e, x, y := observed(plain(t), 14)
	k := newKernel(e, []float64{2, 0.5, 1}, 1.3, 0.01)
	p := condition(k, x[:12], y[:12], nil)
	joint := p.joint(x[12:])
	for _, pending := range x[12:] {
		p.believe(pending)
	}
	const draws = 4000
	f := p.imagine(math.Inf(1), draws, rand.New(rand.NewPCG(3, 4)))
	var mean, square float64 // of the second pending trial
	for _, shift := range f.shift {
		z := 0.0
		for c, row := range covariances(k, x) {
			z += row[13] * shift[c]
		}
		mean += z / draws
		square += z * z / draws
	}
	want := dot(joint.l[1], joint.l[1]) + k.noise
	if math.Abs(mean) > 5*math.Sqrt(want/draws) || math.Abs(square-want) > 5*want*math.Sqrt(2.0/draws) {
		t.Errorf("mean %v and variance %v of values, wanted 0 and %v", mean, square, want)
	}
}

// TestFantasiesAgainstDifferences checks the derivatives, with a trend and conditions.
func TestFantasiesAgainstDifferences(t *testing.T) {
	for name, s := range map[string]*space.Space{"plain": plain(t), "conditional": mixed(t)} {
		e, p, best := pendingModel(t, s, 0.01, true)
		q := &acquisition{value: p, fantasies: p.imagine(best, 8, rand.New(rand.NewPCG(1, 2))), conditions: []*posterior{p.certain()}}
		_, points, _ := observed(s, 40)
		for _, at := range points[20:] {
			agreesWithDifferences(t, name, q, at, e.num)
			alone := &acquisition{value: p, fantasies: q.fantasies}
			if high := alone.bound(at); high < alone.at(at)-1e-9 {
				t.Errorf("%s at %v: the bound %v is below %v", name, at, high, alone.at(at))
			}
		}
	}
}

// TestCertain: taking pending points out leaves what was there before them.
func TestCertain(t *testing.T) {
	_, p, _ := pendingModel(t, plain(t), 0.01, false)
	e, x, y := observed(plain(t), 16)
	mu, s2 := condition(newKernel(e, []float64{2, 0.5, 1}, 1.3, 0.01), x[:12], y[:12], nil).predict(x[14])
	if m, v := p.certain().predict(x[14]); m != mu || v != s2 {
		t.Errorf("mean and variance %v, %v; without pending points %v, %v", m, v, mu, s2)
	}
	if len(p.believed) != 4 || len(p.x) != 16 {
		t.Error("the posterior itself has lost points")
	}
}

// TestSpreadsNearMinimum closes in on the minimum of a bowl with one trial at a time, and then asks for many: they are different, and
// none is far from it.
func TestSpreadsNearMinimum(t *testing.T) {
	s, err := space.New([]space.Parameter{
		{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}, {Name: "z", Type: space.Double, Max: 1},
		{Name: "c", Type: space.Categorical, List: []string{"a", "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	bowl := func(a space.Assignment) float64 {
		return (a[0]-0.3)*(a[0]-0.3) + 2*(a[1]-0.6)*(a[1]-0.6) + (a[2]-0.5)*(a[2]-0.5) + 0.5*a[3]
	}
	g := makeSuggester(t, s, 5)
	for number := 1; number <= 30; number++ {
		suggestions, err := g.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		a := suggestions[0].Assignment
		if err := g.Tell([]suggest.Outcome{{Number: number, Assignment: a, State: suggest.Completed, Value: bowl(a)}}); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := g.Ask(31, 12)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range batch {
		if v := bowl(p.Assignment); v > 0.05 {
			t.Errorf("suggestion %d is %v, where the value is %v", i, p.Assignment, v)
		}
		for _, q := range batch[:i] {
			if slices.Equal(p.Assignment, q.Assignment) {
				t.Errorf("%v is suggested twice", p.Assignment)
			}
		}
	}
}

// TestBeforeResults: trials that start before there are results lie around the middle of the space, those of the design anywhere.
func TestBeforeResults(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Min: 1, Max: 100, Distribution: space.LogUniform}})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := makeSuggester(t, s, 5).Ask(1, 20)
	if err != nil {
		t.Fatal(err)
	}
	low, high := 1.0, 0.0
	for i, p := range batch[designed:] {
		for _, u := range s.ToUnit(p.Assignment, nil) {
			low, high = min(low, u), max(high, u)
			if math.Abs(u-0.5) > inner/2 {
				t.Errorf("suggestion %d is %v", designed+i, p.Assignment)
			}
		}
	}
	if high-low < 0.8*inner {
		t.Errorf("they lie between %v and %v", low, high)
	}
}
