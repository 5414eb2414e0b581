package gp

import (
	"math"
	"math/rand/v2"
	"testing"

	"qalam/suggest"
)

// rough is a kernel with roughness for noise.
func rough(e *encoding) *kernel {
	k := newKernel(e, []float64{2, 0.5, 1, 3}, 1.3, exactNoise)
	k.rough = 0.2
	return k
}

// TestRoughAgainstTwin compares the posterior with the formulas of its head, evaluated by Gauss-Jordan elimination, its derivatives
// with differences, and the screening bound with what it bounds.
func TestRoughAgainstTwin(t *testing.T) {
	e, x, y := observed(mixed(t), 12)
	k := rough(e)
	short := newKernel(e, []float64{2 * rougher, 0.5 * rougher, rougher, 3 * rougher}, k.rough, 0)
	covariance := func(a, b []float64) float64 { return naive(k, a, b) + naive(short, a, b) }
	c, ones := square(len(x), len(x)), make([]float64, len(x))
	for i := range x {
		ones[i] = 1
		for j := range x {
			c[i][j] = covariance(x[i], x[j])
		}
		c[i][i] += k.noise
	}
	inverse := invert(c)
	times := func(a, b []float64) (sum float64) { // aᵀ K⁻¹ b
		for i := range a {
			sum += a[i] * dot(inverse[i], b)
		}
		return sum
	}
	mean := times(ones, y) / times(ones, ones)
	p := condition(k, x, y, nil)
	q := &acquisition{value: p, best: -1}
	_, points, _ := observed(mixed(t), 60)
	for _, at := range points[12:] {
		ks := make([]float64, len(x))
		for i := range x {
			ks[i] = covariance(at, x[i])
		}
		mu, s2 := p.predict(at)
		wantMu, wantS2 := mean+times(ks, y)-mean*times(ks, ones), k.s2+k.rough-times(ks, ks)
		if !near([]float64{mu, s2}, []float64{wantMu, wantS2}, 1e-9) {
			t.Errorf("at %v: mean and variance %v, %v; wanted %v, %v", at, mu, s2, wantMu, wantS2)
		}
		agreesWithDifferences(t, "rough", q, at, e.num)
		if q.bound(at) < q.at(at)-1e-9 {
			t.Errorf("at %v the bound %v is below %v", at, q.bound(at), q.at(at))
		}
	}
}

// TestRepeats: values on a step that a search has closed in on are no noise, though each other step is; normal noise is taken for
// steps in less than one of 100 histories, each of which has 12 trials at the same place: by chance in one of 1000.
func TestRepeats(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const histories = 400
	wrong := 0
	for range histories {
		e, x, y := observed(plain(t), 20)
		k := newKernel(e, []float64{2, 0.5, 1}, 1, 0.1)
		noisy := make([]float64, len(y))
		for i := range y {
			noisy[i] = y[i] + math.Sqrt(k.noise)*rng.NormFloat64()
		}
		if k.repeats(x, noisy) {
			t.Fatal("there are no trials at the same place")
		}
		step := noisy[len(y)-1]
		for range 12 {
			at := []float64{x[0][0] + 1e-3*rng.Float64(), x[0][1], x[0][2]}
			x, y, noisy = append(x, at), append(y, step), append(noisy, step+math.Sqrt(k.noise)*rng.NormFloat64())
		}
		if !k.repeats(x, append(noisy[:20:20], y[20:]...)) {
			t.Fatal("a step is taken for noise")
		}
		if k.repeats(x, noisy) {
			wrong++
		}
	}
	if wrong > histories/100 {
		t.Errorf("noise is taken for steps in %d of %d histories", wrong, histories)
	}
}

// TestSettled: in a corner that a search has closed in on, its model is sure of what it has tried, and says that there is no noise.
func TestSettled(t *testing.T) {
	made, err := newSuggester(suggest.Problem{Space: plain(t), Seed: 1}, suggest.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	s := made.(*suggester)
	e, x, y := observed(plain(t), 20)
	for i := range 10 {
		x, y = append(x, []float64{1, 1 - 1e-4*float64(i), 0}), append(y, -3)
	}
	k := newKernel(e, []float64{2, 0.5, 1}, 1, 0.1)
	settled := s.settled(k, x, y)
	if settled == k || settled.noise != exactNoise || settled.rough != k.noise || s.settled(k, x, y) != settled {
		t.Fatalf("the kernel is %+v", settled)
	}
	corner := []float64{1, 1, 0}
	_, noisy := condition(k, x, y, nil).predict(corner)
	if _, s2 := condition(settled, x, y, nil).predict(corner); s2 > 1e-4 || noisy < 3e-3 {
		t.Errorf("variance in the corner %g, with noise %g", s2, noisy)
	}
	if k.noise = noisyFrom / 2; s.settled(k, x, y) != k {
		t.Error("where there is next to no noise there is nothing to replace")
	}
}
