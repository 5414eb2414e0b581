package pareto_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest/pareto"
)

// count counts the unit cells below ref that some vector of whole numbers dominates.
func count(values [][]float64, ref []float64) float64 {
	cells, corner := 0.0, make([]float64, len(ref))
	var walk func(k int)
	walk = func(k int) {
		if k == len(ref) {
			if slices.ContainsFunc(values, func(v []float64) bool { return v != nil && !worse(v, corner) }) {
				cells++
			}
			return
		}
		for x := range int(ref[k]) {
			corner[k] = float64(x)
			walk(k + 1)
		}
	}
	walk(0)
	return cells
}

func worse(a, b []float64) bool {
	for k := range a {
		if a[k] > b[k] {
			return true
		}
	}
	return false
}

func reference(m int) []float64 {
	return []float64{5, 4, 5, 3, 4}[:m]
}

func TestHypervolume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "m")
		values := vectors(t, m, 12)
		ref := reference(m)
		before := fmt.Sprint(values)
		if got, want := pareto.Hypervolume(values, ref), count(values, ref); got != want {
			t.Fatalf("the hypervolume of %v is %v, not %v", values, got, want)
		}
		if fmt.Sprint(values) != before {
			t.Fatal("it changed its arguments")
		}
	})
}

func TestContributions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 4).Draw(t, "m")
		values := vectors(t, m, 10)
		ref := reference(m)
		all := count(values, ref)
		for i, got := range pareto.Contributions(values, ref) {
			others := slices.Clone(values)
			others[i] = nil
			if want := all - count(others, ref); got != want {
				t.Fatalf("%v contributes %v to %v, not %v", values[i], got, values, want)
			}
		}
	})
}

func TestSelect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 4).Draw(t, "m")
		values := vectors(t, m, 10)
		ref := reference(m)
		k := rapid.IntRange(0, 11).Draw(t, "k")
		var want []int
		var chosen [][]float64
		for len(want) < min(k, len(values)) {
			best, most := -1, -1.0
			for i := range values {
				if slices.Contains(want, i) {
					continue
				}
				if v := count(append(slices.Clone(chosen), values[i]), ref); v > most {
					best, most = i, v
				}
			}
			want, chosen = append(want, best), append(chosen, values[best])
		}
		if got := pareto.Select(values, ref, k); !slices.Equal(got, want) {
			t.Fatalf("of %v it chooses %v, not %v", values, got, want)
		}
	})
}

// TestHypervolumeOfReals compares with the share of random points that are dominated. The standard deviation of that share is
// at most 0.5/sqrt(draws): each comparison fails by chance less than once in 10^6; the seed is fixed.
func TestHypervolumeOfReals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const draws = 20_000
	for m := 1; m <= 6; m++ {
		values := make([][]float64, 30)
		ref := make([]float64, m)
		for k := range ref {
			ref[k] = 1
		}
		for i := range values {
			values[i] = random(rng, m)
		}
		hits := 0
		for range draws {
			x := random(rng, m)
			if slices.ContainsFunc(values, func(v []float64) bool { return !worse(v, x) }) {
				hits++
			}
		}
		got, want := pareto.Hypervolume(values, ref), float64(hits)/draws
		if math.Abs(got-want) > 5*0.5/math.Sqrt(draws) {
			t.Errorf("m = %d: %v, drawn %v", m, got, want)
		}
		rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		if again := pareto.Hypervolume(values, ref); again != got {
			t.Errorf("m = %d: in another order %v, not %v", m, again, got)
		}
	}
}

func random(rng *rand.Rand, m int) []float64 {
	v := make([]float64, m)
	for k := range v {
		v[k] = rng.Float64()
	}
	return v
}

// sphere draws vectors that do not dominate each other.
func sphere(n, m int) [][]float64 {
	rng := rand.New(rand.NewPCG(3, 4))
	values := make([][]float64, n)
	for i := range values {
		v, sum := make([]float64, m), 0.0
		for k := range v {
			v[k] = math.Abs(rng.NormFloat64())
			sum += v[k] * v[k]
		}
		for k := range v {
			v[k] = 1 - v[k]/math.Sqrt(sum)
		}
		values[i] = v
	}
	return values
}

func BenchmarkHypervolume(b *testing.B) {
	for _, c := range []struct{ m, n int }{{2, 1000}, {3, 100}, {3, 1000}, {4, 100}, {5, 50}} {
		values := sphere(c.n, c.m)
		ref := pareto.Reference(values)
		b.Run(fmt.Sprintf("m=%d/n=%d", c.m, c.n), func(b *testing.B) {
			for b.Loop() {
				pareto.Hypervolume(values, ref)
			}
		})
	}
}

func BenchmarkRanks(b *testing.B) {
	for _, c := range []struct{ m, n int }{{2, 10_000}, {3, 10_000}} {
		rng := rand.New(rand.NewPCG(5, 6))
		points := make([]pareto.Point, c.n)
		for i := range points {
			points[i].Values = random(rng, c.m)
		}
		b.Run(fmt.Sprintf("m=%d/n=%d", c.m, c.n), func(b *testing.B) {
			for b.Loop() {
				pareto.Ranks(points)
			}
		})
	}
}
