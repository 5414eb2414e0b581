package tpe

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest/normal"

	"pgregory.net/rapid"
)

// testSpace has an axis of every kind, and two that depend on the first.
func testSpace(t testing.TB) *space.Space {
	t.Helper()
	when := func(values ...string) []space.Condition {
		return []space.Condition{{Parameter: "model", Values: values}}
	}
	s, err := space.New([]space.Parameter{
		{Name: "model", Type: space.Categorical, List: []string{"a", "b", "c"}},
		{Name: "rate", Type: space.Double, Min: 1e-4, Max: 1, Distribution: space.LogUniform},
		{Name: "layers", Type: space.Int, Min: 1, Max: 5},
		{Name: "width", Type: space.Int, Min: 1, Max: 9, Distribution: space.LogUniform},
		{Name: "beta", Type: space.Double, Max: 1, When: when("a", "b")},
		{Name: "depth", Type: space.Double, Min: 0.1, Max: 0.5, Step: 0.1, When: when("c")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawn is a mixture over some axes at random points of the space, often equal to one another and at the ends.
func drawn(t *rapid.T, s *space.Space, over []int) *mixture {
	axes := newAxes(s)
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	points := make([]*point, rapid.IntRange(0, 12).Draw(t, "kernels"))
	weights := make([]float64, len(points))
	for i := range points {
		u := make([]float64, len(axes))
		for j := range u {
			u[j] = rng.Float64()
			if rng.IntN(4) == 0 {
				u[j] = float64(rng.IntN(2))
			}
		}
		points[i] = at(s, axes, u)
		weights[i] = rng.Float64() + 1e-3
	}
	m := newMixture(axes, over)
	rule := kernels{
		ends: rapid.Bool().Draw(t, "ends"), narrow: 0.01, shrink: rapid.Float64Range(0.5, 2).Draw(t, "shrink"),
		steps: rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "steps"), prior: rapid.Float64Range(0.1, 2).Draw(t, "prior"), choice: 0.5, parent: 0.5,
	}
	m.build(points, weights, rule)
	return m
}

// at is the point of the assignment to which u leads.
func at(s *space.Space, axes []axis, u []float64) *point {
	a := s.FromUnit(u)
	p := &point{u: s.ToUnit(a, nil), choices: make([]int32, len(axes))}
	choose(axes, p, s.Active(a, nil))
	return p
}

// TestDensityHasMassOne integrates densities of one axis, of two, and of a branch with its parent.
func TestDensityHasMassOne(t *testing.T) {
	s := testSpace(t)
	axes := newAxes(s)
	const cells = 4000 // for each real axis; the narrowest kernel is 40 of them wide
	rapid.Check(t, func(t *rapid.T) {
		over := rapid.SampledFrom([][]int{{0}, {1}, {2}, {3}, {4}, {5}, {0, 1}, {1, 2}, {1, 3}, {2, 3}, {0, 4}, {0, 5}}).Draw(t, "axes")
		m := drawn(t, s, over)
		u := make([]float64, len(axes))
		sum := 0.0
		var integrate func(k int, mass float64)
		integrate = func(k int, mass float64) {
			if k == len(over) {
				p := &point{u: u, choices: make([]int32, len(axes))}
				var active []bool
				if over[0] == 0 { // the parent is among them
					active = s.Active(s.FromUnit(u), nil)
				}
				choose(axes, p, active)
				sum += mass * math.Exp(m.log(p))
				return
			}
			j := over[k]
			n, width := axes[j].count, func(int) float64 { return 1 / float64(max(1, axes[j].count)) }
			if axes[j].kind == real {
				n, width = cells, func(int) float64 { return 1.0 / cells }
			} else if axes[j].kind == ordinal {
				width = func(i int) float64 { return axes[j].edges[i+1] - axes[j].edges[i] }
			}
			for i := range n {
				u[j] = (float64(i) + 0.5) / float64(n)
				if axes[j].kind == ordinal {
					u[j] = axes[j].middle(int32(i))
				}
				integrate(k+1, mass*width(i))
			}
		}
		integrate(0, 1)
		if !(math.Abs(sum-1) < 1e-5) {
			t.Fatalf("the density over axes %v has mass %.9g", over, sum)
		}
	})
}

// sigma is the width of kernel i on axis over[k]; 0 where that is nominal.
func (m *mixture) sigma(i, k int) float64 {
	if m.axes[m.over[k]].kind == nominal {
		return 0
	}
	return m.mass[int(m.slots[i])*len(m.columns)+m.column[k]].sigma
}

// slow is the density as it is defined.
func (m *mixture) slow(x *point, rule kernels) float64 {
	sum := m.weights[len(m.points)]
	for i, p := range m.points {
		k := m.weights[i]
		for at, j := range m.over {
			own, its, sigma := p.choices[j], x.choices[j], m.sigma(i, at)
			if own == idle || its == idle {
				continue
			}
			mu, n := p.u[j], 0
			for _, q := range m.points {
				if q.choices[j] != idle {
					n++
				}
			}
			mass := func(a, b float64) float64 { return math.Exp(normal.LogMass((a-mu)/sigma, (b-mu)/sigma)) }
			switch a := m.axes[j]; a.kind {
			case nominal:
				v, agree := rule.choice/float64(n+1), 0.0
				if own == its {
					agree = 1
				}
				k *= (agree + v) / (1 + float64(a.count)*v) * float64(a.count)
			case ordinal:
				low, high := a.edges[its], a.edges[its+1]
				k *= mass(low, high) / mass(0, 1) / (high - low)
			default:
				k *= math.Exp(normal.LogPDF((x.u[j]-mu)/sigma)) / sigma / mass(0, 1)
			}
		}
		sum += k
	}
	total := 0.0
	for _, w := range m.weights {
		total += w
	}
	return math.Log(sum / total)
}

// TestFastAsSlow compares the density with its definition.
func TestFastAsSlow(t *testing.T) {
	s := testSpace(t)
	axes := newAxes(s)
	rapid.Check(t, func(t *rapid.T) {
		over := rapid.SampledFrom([][]int{{0}, {1}, {2}, {4}, {1, 4}, {0, 1, 2, 3, 4, 5}}).Draw(t, "axes")
		m := drawn(t, s, over)
		u := make([]float64, len(axes))
		for j := range u {
			u[j] = rapid.Float64Range(0, 1).Draw(t, "u")
		}
		x := at(s, axes, u)
		fast, slow := m.log(x), m.slow(x, kernels{choice: 0.5})
		if !(math.Abs(fast-slow) <= 1e-9*max(1, math.Abs(slow))) {
			t.Fatalf("ln p = %.15g, by definition %.15g", fast, slow)
		}
	})
}

// TestDrawsFollowTheDensity compares 40,000 draws with the masses of 20 cells. The sum of squares is χ² with at most 19 degrees
// of freedom, above 52 once in 10,000 times; the seeds are fixed.
func TestDrawsFollowTheDensity(t *testing.T) {
	s := testSpace(t)
	axes := newAxes(s)
	rng := rand.New(rand.NewPCG(5, 6))
	points := make([]*point, 6)
	for i := range points {
		points[i] = at(s, axes, []float64{rng.Float64() * 0.6, rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64()})
	}
	for _, j := range []int{0, 1, 2, 3, 4} {
		m := newMixture(axes, []int{j})
		m.build(points, []float64{1, 2, 3, 4, 5, 6}, kernels{narrow: 0.01, shrink: 1, steps: 0.5, prior: 1, choice: 1, parent: 1})
		const draws, fine = 40_000, 2000
		cells := 20
		if axes[j].count > 0 {
			cells = axes[j].count
		}
		counts := make([]float64, cells)
		x := &point{u: make([]float64, len(axes)), choices: make([]int32, len(axes))}
		cell := func() int {
			if x.choices[j] = axes[j].choice(x.u[j]); axes[j].count > 0 {
				return int(x.choices[j])
			}
			return min(cells-1, int(x.u[j]*float64(cells)))
		}
		for range draws {
			m.draw(x, rng)
			if !(x.u[j] >= 0 && x.u[j] <= 1) {
				t.Fatalf("axis %d: drew %v", j, x.u[j])
			}
			counts[cell()]++
		}
		masses := make([]float64, cells)
		for i := range cells * fine {
			x.u[j] = (float64(i) + 0.5) / float64(cells*fine)
			masses[cell()] += math.Exp(m.log(x)) / float64(cells*fine)
		}
		square := 0.0
		for c := range counts {
			expected := masses[c] * draws
			square += (counts[c] - expected) * (counts[c] - expected) / expected
		}
		if square > 52 {
			t.Errorf("axis %d: χ² = %.1f: drawn %v, expected shares %.4f", j, square, counts, masses)
		}
		if slices.Min(counts) == 0 {
			t.Errorf("axis %d: a value was never drawn: %v", j, counts)
		}
	}
}

// TestManyAxesDoNotUnderflow has more axes than the product of their widths can bear.
func TestManyAxesDoNotUnderflow(t *testing.T) {
	params := make([]space.Parameter, 300)
	for j := range params {
		params[j] = space.Parameter{Name: string(rune('a'+j%26)) + string(rune('a'+j/26)), Type: space.Double, Max: 1}
	}
	s, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	axes, over, u := newAxes(s), make([]int, len(params)), make([]float64, len(params))
	for j := range over {
		over[j], u[j] = j, 0.5
	}
	p := at(s, axes, u)
	m := newMixture(axes, over)
	m.build([]*point{p, p}, []float64{1, 1}, kernels{narrow: 0.01, shrink: 9, prior: 1})
	if want := 300*(-normal.LogPDF(0)*-1-math.Log(0.01)) + math.Log(2.0/3); math.Abs(m.log(p)-want) > 1e-9*want {
		t.Errorf("ln p = %v, want %v", m.log(p), want)
	}
}
