package gp

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/pareto"
	"qalam/suggest/suggesttest"
)

func mixed(t testing.TB) *space.Space {
	s, err := space.New([]space.Parameter{
		{Name: "x", Type: space.Double, Max: 1},
		{Name: "n", Type: space.Int, Max: 9},
		{Name: "c", Type: space.Categorical, List: []string{"a", "b", "c"}},
		{Name: "y", Type: space.Double, Max: 1, When: []space.Condition{{Parameter: "c", Values: []string{"a", "b"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plain(t testing.TB) *space.Space {
	s, err := space.New([]space.Parameter{
		{Name: "x", Type: space.Double, Max: 1},
		{Name: "z", Type: space.Double, Max: 1},
		{Name: "c", Type: space.Categorical, List: []string{"a", "b", "c"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// observed draws n points of a space with smooth values.
func observed(s *space.Space, n int) (e *encoding, x [][]float64, y []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	e = newEncoding(s)
	for range n {
		p := e.place(s.Sample(rng))
		v := 0.0
		for i, u := range p.u {
			v += math.Sin(3*u + float64(i))
		}
		x, y = append(x, p.x), append(y, v)
	}
	return e, x, y
}

// differences is the gradient of f by central differences.
func differences(f func(x []float64) float64, x []float64, h float64) []float64 {
	g := make([]float64, len(x))
	for i := range x {
		at := x[i]
		x[i] = at + h
		up := f(x)
		x[i] = at - h
		g[i] = (up - f(x)) / (2 * h)
		x[i] = at
	}
	return g
}

func near(a, b []float64, tolerance float64) bool {
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= tolerance*(1+math.Abs(b[i]))) {
			return false
		}
	}
	return true
}

func TestLossAgainstDifferences(t *testing.T) {
	for name, s := range map[string]*space.Space{"plain": plain(t), "conditional": mixed(t)} {
		e, x, y := observed(s, 15)
		f := newFitting(e, x, y)
		theta := []float64{0.3, -0.5, 0.8, 0.1, -3}
		if len(e.dims) == 4 {
			theta = []float64{0.3, -0.5, 0.8, -0.2, 0.1, -3}
		}
		g, scratch := make([]float64, len(theta)), make([]float64, len(theta))
		f.loss(theta, g)
		want := differences(func(x []float64) float64 { return f.loss(x, scratch) }, theta, 1e-5)
		if !near(g, want, 1e-6) {
			t.Errorf("%s: the gradient is %v, by differences %v", name, g, want)
		}
	}
}

// TestPosteriorAgainstTwin compares with the textbook's formulas, evaluated by Gauss-Jordan elimination.
func TestPosteriorAgainstTwin(t *testing.T) {
	e, x, y := observed(mixed(t), 12)
	k := newKernel(e, []float64{2, 0.5, 1, 3}, 1.3, 0.01)
	p := condition(k, x, y, nil)
	inverse := invert(covariances(k, x))
	row := func(v []float64) []float64 { // K⁻¹ v
		out := make([]float64, len(v))
		for i := range out {
			for j := range v {
				out[i] += inverse[i][j] * v[j]
			}
		}
		return out
	}
	ones := slices.Repeat([]float64{1}, len(x))
	mean := dot(ones, row(y)) / dot(ones, row(ones))
	rest := slices.Clone(y)
	axpy(-mean, ones, rest)
	_, points, _ := observed(mixed(t), 20)
	for _, q := range points[12:] {
		ks := make([]float64, len(x))
		for i := range x {
			ks[i] = naive(k, q, x[i])
		}
		mu, s2 := p.predict(q)
		wantMu, wantS2 := mean+dot(ks, row(rest)), k.s2-dot(ks, row(ks))
		if !near([]float64{mu, s2}, []float64{wantMu, wantS2}, 1e-9) {
			t.Errorf("at %v: mean and variance %v, %v; wanted %v, %v", q, mu, s2, wantMu, wantS2)
		}
	}
}

// naive is the kernel as its comment has it.
func naive(k *kernel, a, b []float64) float64 {
	q := 0.0
	for j := range a {
		d := (a[j] - b[j]) * (a[j] - b[j])
		if j >= k.num || (a[j] < 0) != (b[j] < 0) {
			d = 0
			if a[j] != b[j] {
				d = 1
			}
		}
		q += k.w[j] * d
	}
	r := math.Sqrt(5 * q)
	return k.s2 * (1 + r + 5*q/3) * math.Exp(-r)
}

func covariances(k *kernel, x [][]float64) [][]float64 {
	c := square(len(x), len(x))
	for i := range x {
		for j := range x {
			c[i][j] = naive(k, x[i], x[j])
		}
		c[i][i] += k.noise
	}
	return c
}

// invert is Gauss-Jordan elimination.
func invert(a [][]float64) [][]float64 {
	n := len(a)
	out := square(n, n)
	for i := range out {
		out[i][i] = 1
	}
	for c := range n {
		p := c
		for r := c; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[p][c]) {
				p = r
			}
		}
		a[c], a[p], out[c], out[p] = a[p], a[c], out[p], out[c]
		v := a[c][c]
		for j := range n {
			a[c][j] /= v
			out[c][j] /= v
		}
		for r := range n {
			if f := a[r][c]; r != c {
				axpy(-f, a[c], a[r])
				axpy(-f, out[c], out[r])
			}
		}
	}
	return out
}

// agreesWithDifferences checks the derivatives of an acquisition at a point by so many numeric coordinates, where they matter.
func agreesWithDifferences(t *testing.T, name string, q *acquisition, at []float64, numeric int) {
	t.Helper()
	g := make([]float64, numeric)
	if v := q.gradient(at, g); math.Abs(v-q.at(at)) > 1e-9 {
		t.Fatalf("%s: two values, %v and %v", name, v, q.at(at))
	}
	full := slices.Clone(at)
	want := differences(func(x []float64) float64 {
		copy(full, x)
		for j := range numeric {
			if at[j] < 0 {
				full[j] = -1
			}
		}
		return q.at(full)
	}, slices.Clone(at[:numeric]), 1e-6)
	if !near(g, want, 1e-4) {
		t.Errorf("%s at %v: the gradient is %v, by differences %v", name, at, g, want)
	}
}

// TestAcquisitionAgainstDifferences checks the derivatives of improvement, constraints and trend together.
func TestAcquisitionAgainstDifferences(t *testing.T) {
	for name, s := range map[string]*space.Space{"plain": plain(t), "conditional": mixed(t)} {
		e, x, y := observed(s, 15)
		w := []float64{2, 0.5, 1, 3}[:len(e.dims)]
		k := newKernel(e, w, 1.3, 0.01)
		base := newTrend([]*posterior{condition(newKernel(e, w, 1, 0.1), x[:7], y[:7], nil)}, x[5:], y[5:])
		q := &acquisition{value: condition(k, x, y, base), best: -1, conditions: []*posterior{condition(k, x[:9], y[:9], nil)}}
		_, points, _ := observed(s, 40)
		for _, at := range points[20:] {
			agreesWithDifferences(t, name, q, at, e.num)
			to := slices.Clone(at)
			to[len(to)-1] = math.Mod(at[len(at)-1]+1, 3)
			q.at(at)
			if got, want := q.moved(len(to)-1, to[len(to)-1]), q.at(to); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Errorf("%s: moved to %v it is %v, wanted %v", name, to, got, want)
			}
		}
	}
}

// TestFactorGrowsExactly checks that appending rows, and taking them out, gives what factorising anew gives, to the last bit.
func TestFactorGrowsExactly(t *testing.T) {
	e, x, y := observed(plain(t), 30)
	k := newKernel(e, []float64{2, 0.5, 1}, 1.3, 0.01)
	p, whole := condition(k, slices.Clone(x[:20]), slices.Clone(y[:20]), nil), condition(k, x, y, nil)
	for i := 20; i < 30; i++ {
		p.believe(x[i])
	}
	for i := range whole.l {
		if !slices.Equal(p.l[i], whole.l[i]) {
			t.Fatalf("row %d differs", i)
		}
	}
	p.truncate(20)
	at := x[25]
	mu, s2 := p.predict(at)
	if mu2, s22 := condition(k, x[:20], y[:20], nil).predict(at); mu != mu2 || s2 != s22 {
		t.Error("taking points out leaves something behind")
	}
}

func TestLogH(t *testing.T) {
	slopes := func(z float64) float64 { _, c, _ := logH(z); return c }
	for z := -60.0; z < 8; z += 0.1 {
		const h = 1e-6
		up, _, _ := logH(z + h)
		down, _, _ := logH(z - h)
		if want := (up - down) / (2 * h); math.Abs(slopes(z)-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("d ln h(%v) is %v, by differences %v", z, slopes(z), want)
		}
	}
	for _, z := range []float64{-1 - 1e-12, -25 - 1e-12} { // where another formula begins
		a, _, _ := logH(z)
		b, _, _ := logH(z + 2e-12)
		if math.Abs(a-b) > 1e-8 {
			t.Errorf("a jump of %g at %v", a-b, z)
		}
	}
	// h(-3) = φ(3) - 3 Φ(-3), with 15 digits of each.
	if v, _, _ := logH(-3); math.Abs(v-math.Log(0.004431848411938008-3*0.001349898031630095)) > 1e-10 {
		t.Errorf("ln h(-3) is %v", v)
	}
	if v, _, _ := logH(-1e200); math.IsNaN(v) {
		t.Error("NaN far out")
	}
}

// TestWarp checks that the warp keeps the order, and that its inverse is one.
func TestWarp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]float64{1e-6, 1, 1e9}).Draw(t, "size")
		values := rapid.SliceOfN(rapid.Float64Range(-size, size), 1, 40).Draw(t, "values")
		if rapid.Bool().Draw(t, "heavy tail") {
			values = append(values, 1e6*size)
		}
		w := newWarp(values)
		slices.Sort(values)
		last := math.Inf(-1)
		for _, v := range values {
			z := w.forward(v)
			if z < last || math.IsNaN(z) {
				t.Fatalf("%v becomes %v after %v", v, z, last)
			}
			last = z
			if (v-w.center)/w.scale < w.cut && math.Abs(w.inverse(z)-v) > 1e-6*size {
				t.Fatalf("%v becomes %v and comes back as %v", v, z, w.inverse(z))
			}
		}
	})
}

// TestDescent finds the minimum of Rosenbrock's valley, and one at the side of the box.
func TestDescent(t *testing.T) {
	f := func(x, g []float64) float64 {
		d := x[1] - x[0]*x[0]
		g[0], g[1] = -400*x[0]*d-2*(1-x[0]), 200*d
		return 100*d*d + (1-x[0])*(1-x[0])
	}
	for _, test := range []struct{ high, want []float64 }{
		{[]float64{2, 2}, []float64{1, 1}},
		{[]float64{0.5, 2}, []float64{0.5, 0.25}},
	} {
		m := descent{low: []float64{-2, -2}, high: test.high, iterations: 200, gradient: 1e-8}
		x := []float64{-1.2, 1}
		if m.minimize(f, x); !near(x, test.want, 1e-5) {
			t.Errorf("below %v the minimum is %v, wanted %v", test.high, x, test.want)
		}
	}
}

// TestBetterThanSobol compares the best of 30 trials over 11 seeds. An equally good search would fail one of the two
// comparisons once in 500 times; the seeds are fixed.
func TestBetterThanSobol(t *testing.T) {
	sobol, err := suggest.Builtin().Lookup("sobol")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []suggesttest.Problem{suggesttest.Branin(t), suggesttest.Hartmann6(t)} {
		ours := suggesttest.Regrets(t, Algorithms()[1], nil, p, 30, 11)
		suggesttest.CheckBetter(t, p.Name, ours, suggesttest.Regrets(t, sobol, nil, p, 30, 11), 0.001)
	}
}

// told plays trials of a problem one after the other, and returns their outcomes.
func told(t *testing.T, p suggest.Problem, trials int, outcome func(o *suggest.Outcome)) []suggest.Outcome {
	t.Helper()
	s, err := newSuggester(p, suggest.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var all []suggest.Outcome
	for number := 1; number <= trials; number++ {
		suggestions, err := s.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := suggest.Outcome{Number: number, Assignment: suggestions[0].Assignment, State: suggest.Completed}
		outcome(&o)
		all = append(all, o)
		if err := s.Tell(all[number-1:]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestFailures searches where half of the space fails, near the best of the other half: it must learn where that is. One search
// in twelve is late (measured), so that one in five may be: more would be once in 17 times, with other seeds.
func TestFailures(t *testing.T) {
	late := 0
	for seed := range uint64(5) {
		failed, best := 0, math.Inf(1)
		told(t, suggest.Problem{Space: plain(t), Seed: seed}, 40, func(o *suggest.Outcome) {
			x, z := o.Assignment[0], o.Assignment[1]
			if x < 0.5 {
				o.State, o.Value = suggest.Failed, math.NaN()
				if o.Number > 10 {
					failed++
				}
				return
			}
			o.Value = (x-0.6)*(x-0.6) + (z-0.4)*(z-0.4)
			best = min(best, o.Value)
		})
		if best > 1e-3 {
			late++
		}
		if failed > 10 {
			t.Errorf("seed %d: %d of 30 failed", seed, failed)
		}
	}
	if late > 1 {
		t.Errorf("%d of 5 searches are farther than 0.001 from the best", late)
	}
}

// TestConstraint searches the lowest x + z with x z >= 1/4, which is 1 at (1/2, 1/2).
func TestConstraint(t *testing.T) {
	best := math.Inf(1)
	told(t, suggest.Problem{Space: plain(t), Seed: 3, Constraints: 1}, 40, func(o *suggest.Outcome) {
		x, z := o.Assignment[0], o.Assignment[1]
		o.Value, o.Violations = x+z, []float64{0.25 - x*z}
		if o.Feasible() {
			best = min(best, o.Value)
		}
	})
	if best > 1.03 {
		t.Errorf("the best feasible value is %v, wanted 1", best)
	}
}

// TestEarlier checks that a related experiment helps at once, and an unrelated one hardly harms.
func TestEarlier(t *testing.T) {
	p := suggesttest.Hartmann6(t)
	rng := rand.New(rand.NewPCG(5, 5))
	var related, unrelated []suggest.Outcome
	for number := 1; number <= 80; number++ {
		a := p.Space.Sample(rng)
		o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: 100 + 10*p.Value(a)}
		related = append(related, o)
		o.Value = rng.Float64()
		unrelated = append(unrelated, o)
	}
	after := func(trials int, earlier ...[]suggest.Outcome) float64 {
		var regrets []float64
		for seed := range uint64(5) {
			best := math.Inf(1)
			told(t, suggest.Problem{Space: p.Space, Seed: seed + 1, Earlier: earlier}, trials, func(o *suggest.Outcome) {
				o.Value = p.Value(o.Assignment)
				best = min(best, o.Value)
			})
			regrets = append(regrets, best-p.Minimum)
		}
		slices.Sort(regrets)
		return regrets[2]
	}
	cold := after(8)
	if warm := after(8, related); warm > 0.8*cold {
		t.Errorf("after 8 trials the regret is %v with a related experiment before, %v without", warm, cold)
	}
	if misled := after(25, unrelated); misled > 1 {
		t.Errorf("after 25 trials the regret is %v with an unrelated experiment before", misled)
	}
}

// TestImprovementOfHypervolume compares with draws: 200,000 have a standard error below 1 % here.
func TestImprovementOfHypervolume(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, m := range []int{2, 3} {
		var front [][]float64
		for range 6 {
			y := make([]float64, m)
			for k := range y {
				y[k] = rng.NormFloat64()
			}
			front = append(front, y)
		}
		reference := slices.Repeat([]float64{1.5}, m)
		b := newBoxes(front, reference)
		before := pareto.Hypervolume(front, reference)
		mu, sigma := []float64{-0.3, 0.2, -0.5}[:m], []float64{0.7, 0.4, 1.1}[:m]
		dmu, dsigma := make([]float64, m), make([]float64, m)
		got := b.improvement(mu, sigma)
		b.slope(dmu, dsigma)
		sum := 0.0
		const draws = 200_000
		y := make([]float64, m)
		for range draws {
			for k := range y {
				y[k] = mu[k] + sigma[k]*rng.NormFloat64()
			}
			sum += pareto.Hypervolume(append(front[:6:6], y), reference) - before
		}
		if want := math.Log(sum / draws); math.Abs(got-want) > 0.03 {
			t.Errorf("%d objectives: ln of the improvement is %v, by draws %v", m, got, want)
		}
		if want := differences(func(x []float64) float64 { return b.improvement(x, sigma) }, slices.Clone(mu), 1e-5); !near(dmu, want, 1e-6) {
			t.Errorf("%d objectives: by the means %v, by differences %v", m, dmu, want)
		}
		if want := differences(func(x []float64) float64 { return b.improvement(mu, x) }, slices.Clone(sigma), 1e-5); !near(dsigma, want, 1e-6) {
			t.Errorf("%d objectives: by the deviations %v, by differences %v", m, dsigma, want)
		}
	}
}

// TestObjectives searches the compromises of the distances to two points, which are the line between them, and asks for batches.
func TestObjectives(t *testing.T) {
	var values [][]float64
	told(t, suggest.Problem{Space: plain(t), Seed: 3, Objectives: 2}, 35, func(o *suggest.Outcome) {
		x, z := o.Assignment[0], o.Assignment[1]
		o.Value, o.Others = math.Hypot(x-0.2, z-0.2)+o.Assignment[2], []float64{math.Hypot(x-0.8, z-0.8) + o.Assignment[2]}
		values = append(values, []float64{o.Value, o.Others[0]})
	})
	// The line alone covers 1 - 0.85²/2 of the square up to (1, 1).
	if v := pareto.Hypervolume(values, []float64{1, 1}); v < 0.59 {
		t.Errorf("the front covers %v, wanted 0.59 of at most 0.64", v)
	}
}

func TestFit(t *testing.T) {
	p := suggest.Problem{Space: plain(t), Seed: 3}
	if _, err := Fit(p, nil); !errors.Is(err, ErrTooFew) {
		t.Errorf("of nothing: %v", err)
	}
	value := func(a space.Assignment) float64 {
		return 1000 + 50*(a[0]-0.3)*(a[0]-0.3) + 10*a[1] + 5*a[2]
	}
	all := told(t, p, 30, func(o *suggest.Outcome) { o.Value = value(o.Assignment) })
	m, err := Fit(p, all)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		a := p.Space.Sample(rng)
		mean, sd := m.Predict(a)
		if math.Abs(mean-value(a)) > 4*sd+1 {
			t.Errorf("at %v it predicts %v ± %v; the value is %v", a, mean, sd, value(a))
		}
	}
	best := math.Inf(1)
	for _, o := range all {
		best = min(best, o.Value)
	}
	if math.Abs(m.Best()-best) > 0.5 {
		t.Errorf("the best is %v, wanted %v", m.Best(), best)
	}
	if one, five := m.Gain(1), m.Gain(5); one < 0 || five < one-0.1 || five > 1 {
		t.Errorf("one more trial gains %v, five %v", one, five)
	}
	if r := m.Relevance(); len(r) != 3 || !(r[0] > 0) {
		t.Errorf("relevance %v", r)
	}
}

func TestExpNegative(t *testing.T) {
	for v := 0.0; v < 760; v += 0.00973 {
		got, want := expNegative(v), math.Exp(-v)
		if math.Abs(got-want) > 1e-14*want {
			t.Fatalf("e^-%v is %v, wanted %v", v, got, want)
		}
	}
	if expNegative(0) != 1 || expNegative(math.Inf(1)) != 0 {
		t.Error("wrong at the ends")
	}
}

// TestSubset compares with sorting.
func TestSubset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 60).Draw(t, "n")
		values := rapid.SliceOfN(rapid.Float64Range(0, 5), n+1, 300).Draw(t, "values")
		done := make([]*suggest.Record, len(values))
		for i, v := range values {
			done[i] = &suggest.Record{Outcome: suggest.Outcome{Number: i + 1, Value: math.Round(v)}}
		}
		out := subset(done, n)
		if len(out) != n || !slices.IsSortedFunc(out, func(a, b *suggest.Record) int { return a.Number - b.Number }) {
			t.Fatalf("%d of %d", len(out), n)
		}
		older := slices.Clone(done[:len(done)-n/4])
		slices.SortStableFunc(older, func(a, b *suggest.Record) int { return int(a.Value - b.Value) })
		for _, r := range older[:n/2] {
			if !slices.Contains(out, r) {
				t.Fatalf("trial %d with value %v is missing", r.Number, r.Value)
			}
		}
	})
}

// TestBound checks that the screening bound is one.
func TestBound(t *testing.T) {
	e, x, y := observed(mixed(t), 20)
	p := condition(newKernel(e, []float64{2, 0.5, 1, 3}, 1.3, 0.01), x, y, nil)
	q := &acquisition{value: p, best: -1}
	_, points, _ := observed(mixed(t), 200)
	for _, at := range points {
		if q.bound(at) < q.at(at)-1e-9 {
			t.Errorf("at %v the bound %v is below %v", at, q.bound(at), q.at(at))
		}
	}
}

// TestSettings searches with each of Katib's settings, and checks that wrong values are refused.
func TestSettings(t *testing.T) {
	registry := suggest.Registry{Algorithms: Algorithms()}
	p := suggesttest.Branin(t)
	for _, settings := range []suggest.Settings{
		{"acq_func": "EI"}, {"acq_func": "PI"}, {"acq_func": "LCB"}, {"acq_func": "EIps"}, {"acq_optimizer": "sampling"},
		{"base_estimator": "RF", "n_initial_points": "10"}, {"n_initial_points": "0"},
	} {
		regrets := suggesttest.Regrets(t, Algorithms()[0], settings, p, 25, 3)
		slices.Sort(regrets)
		if !(regrets[1] < 1) {
			t.Errorf("%v: regrets %v", settings, regrets)
		}
	}
	for _, settings := range []suggest.Settings{
		{"acq_func": "ei"}, {"acq_optimizer": "x"}, {"base_estimator": "SVM"}, {"n_initial_points": "-1"}, {"random_state": "x"},
	} {
		if _, err := registry.NewSuggester("bayesianoptimization", suggest.Problem{Space: p.Space}, settings); err == nil {
			t.Errorf("%v is accepted", settings)
		}
	}
}
