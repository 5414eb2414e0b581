package cmaes

import (
	"math"
	"math/rand/v2"
	"testing"

	"qalam/space"
	"qalam/suggest/normal"

	"pgregory.net/rapid"
)

// TestRates checks what the tutorial demands of the weights, in all dimensions and population sizes.
func TestRates(t *testing.T) {
	for d := range 120 {
		for _, lambda := range []int{4, 5, 8, 17, 100, 1000} {
			r := newRates(lambda, d)
			plus := 0.0
			for i, w := range r.w {
				plus += r.mean[i]
				if i > 0 && w > r.w[i-1] {
					t.Fatalf("d = %d, lambda = %d: the weights increase: %v", d, lambda, r.w)
				}
			}
			if math.Abs(plus-1) > 1e-12 || !(r.c1 > 0 && r.cmu > 0 && r.c1+r.cmu < 1) || !(r.cs > 0 && r.cs < 1) {
				t.Fatalf("d = %d, lambda = %d: weights of sum %v, rates %+v", d, lambda, plus, r)
			}
			// C stays positive definite where a generation has nothing good: 1 - c1 - cmu Σw - the most that negative weights take.
			if minus := 1 - r.sumW; 1-r.c1-r.cmu*r.sumW-r.cmu*minus*float64(max(1, d)) < -1e-9 {
				t.Fatalf("d = %d, lambda = %d: negative weights of sum %v can make C indefinite", d, lambda, minus)
			}
		}
	}
}

// TestUpdateIsInvariant: turned and scaled coordinates give turned and scaled distributions, as Hansen's tutorial (section B.3)
// promises.
func TestUpdateIsInvariant(t *testing.T) {
	const d, angle, scale = 2, 0.7, 0.1
	turn := func(x []float64) []float64 {
		return []float64{scale * (math.Cos(angle)*x[0] - math.Sin(angle)*x[1]), scale * (math.Sin(angle)*x[0] + math.Cos(angle)*x[1])}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	r := newRates(6, d)
	p := newGaussian([]float64{1, 2}, 1)
	q := newGaussian(turn(p.m), scale)
	for range 30 {
		var ys, turned [][]float64
		for range 6 {
			z, y := []float64{rng.NormFloat64(), rng.NormFloat64()}, make([]float64, d)
			p.stretch(z, y)
			ty := turn(y)
			axpy(1/scale-1, ty, ty)
			ys, turned = append(ys, y), append(turned, ty)
		}
		p.update(r, ys, r.w, r.mean)
		q.update(r, turned, r.w, r.mean)
		want := turn(p.m)
		if math.Abs(q.m[0]-want[0])+math.Abs(q.m[1]-want[1]) > 1e-9*p.sigma || math.Abs(q.sigma-scale*p.sigma) > 1e-9*q.sigma {
			t.Fatalf("the mean is %v, wanted %v; the step size %v, wanted %v", q.m, want, q.sigma, scale*p.sigma)
		}
	}
}

// TestFactor: stretch and relax are inverse, and B D² Bᵀ is C.
func TestFactor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, d := range []int{1, 2, 7, 50, 60} {
		p := newGaussian(make([]float64, d), 1)
		for range 3 * d {
			y := make([]float64, d)
			for j := range y {
				y[j] = rng.NormFloat64()
			}
			p.add(0.3, y)
		}
		p.factor()
		x, y, z, back := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
		for j := range x {
			x[j] = rng.NormFloat64()
		}
		p.stretch(x, y)
		p.relax(y, back)
		for j := range x {
			if math.Abs(x[j]-back[j]) > 1e-9 {
				t.Fatalf("d = %d: %v became %v", d, x, back)
			}
		}
		if p.B == nil {
			continue
		}
		// C x from the factors, against C x itself.
		for j := range z {
			for i := range y {
				z[j] += p.B[i*d+j] * x[i]
			}
			z[j] *= p.D[j]
		}
		p.stretch(z, y)
		for i := range y {
			if want := dot(p.cov[i*d:(i+1)*d], x); math.Abs(y[i]-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("d = %d: C x is %v, not %v", d, y[i], want)
			}
		}
	}
}

// TestMargin: after the correction the chance to leave a cell is at least alpha, and the mean is in the same cell.
func TestMargin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "values")
		param := space.Parameter{Name: "n", Type: space.Int, Min: 1, Max: float64(n)}
		if rapid.Bool().Draw(t, "logarithmic") {
			param.Distribution = space.LogUniform
		}
		axes := []axis{newAxis(0, param)}
		p := newGaussian([]float64{rapid.Float64Range(0, 1).Draw(t, "mean")}, math.Pow(10, rapid.Float64Range(-6, 0).Draw(t, "sigma")))
		alpha := rapid.Float64Range(0.001, 0.2).Draw(t, "alpha")
		before := axes[0].cell(p.m[0])
		p.correct(axes, alpha)
		k := axes[0].cell(p.m[0])
		if k != before {
			t.Fatalf("the mean moved from cell %d to %d", before, k)
		}
		stay := 1.0
		if k < len(axes[0].edges) {
			stay = normal.CDF((axes[0].edges[k] - p.m[0]) / p.deviation(0))
		}
		if k > 0 {
			stay -= normal.CDF((axes[0].edges[k-1] - p.m[0]) / p.deviation(0))
		}
		if 1-stay < alpha*(1-1e-6) {
			t.Fatalf("in cell %d of %d a sample leaves with chance %v, less than %v", k, n, 1-stay, alpha)
		}
	})
}

// TestCells: the edges found from the middles lead every value back to its own cell.
func TestCells(t *testing.T) {
	for _, d := range []space.Distribution{space.Uniform, space.LogUniform, space.Normal, space.LogNormal} {
		param := space.Parameter{Name: "n", Type: space.Int, Min: 1, Max: 1000, Distribution: d}
		s, err := space.New([]space.Parameter{param})
		if err != nil {
			t.Fatal(err)
		}
		a := newAxis(0, param)
		for k := range 1000 {
			u := s.ToUnit(s.At(uint64(k)), nil)[0]
			if got := a.cell(u); got != k {
				t.Fatalf("%s: value %d is in cell %d", d, k, got)
			}
		}
	}
}

// TestCategorical: probabilities stay probabilities above their least, and move to the category that wins.
func TestCategorical(t *testing.T) {
	c := newCategorical([]int{2, 5})
	r := newRates(8, 0)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		cats := make([][]int, r.lambda)
		for i := range cats {
			cats[i] = []int{c.draw(0, rng.Float64()), c.draw(1, rng.Float64())}
		}
		best := func(cat []int) int { return cat[0] + map[bool]int{true: 2}[cat[1] == 3] }
		for i := range cats { // the best first
			for j := range i {
				if best(cats[i]) > best(cats[j]) {
					cats[i], cats[j] = cats[j], cats[i]
				}
			}
		}
		c.update(cats, r.mean)
		for i, q := range c.q {
			sum := 0.0
			for _, x := range q {
				sum += x
				if x < c.least(len(q))*(1-1e-9) {
					t.Fatalf("parameter %d: %v is below the margin", i, q)
				}
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Fatalf("parameter %d: %v do not sum to 1", i, q)
			}
		}
	}
	if c.q[0][1] < 0.7 || c.q[1][3] < 0.6 {
		t.Errorf("the winners have %v", c.q)
	}
}
