package evolution

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDirections: they lie on the simplex, are distinct, are no more than asked for, and hold its corners; the numbers are those
// of Das and Dennis.
func TestDirections(t *testing.T) {
	for _, c := range []struct{ m, n, want int }{{1, 20, 1}, {2, 20, 20}, {3, 91, 91}, {3, 100, 91}, {4, 20, 20}, {4, 100, 84}, {8, 100, 72}, {10, 100, 65}} {
		all := directions(c.m, c.n)
		if len(all) != c.want {
			t.Errorf("%d objectives, %d members: %d directions, want %d", c.m, c.n, len(all), c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		m, n := rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(2, 120).Draw(t, "n")
		all := directions(m, n)
		if len(all) > max(n, m) || len(all) < m {
			t.Fatalf("%d directions", len(all))
		}
		seen := map[string]bool{}
		for _, w := range all {
			sum := 0.0
			for _, v := range w {
				sum += v
				if v < 0 {
					t.Fatalf("direction %v", w)
				}
			}
			if math.Abs(sum-1) > 1e-9 || seen[fmt.Sprint(w)] {
				t.Fatalf("direction %v of sum %g, or twice", w, sum)
			}
			seen[fmt.Sprint(w)] = true
		}
		for k := range m {
			corner := make([]float64, m)
			corner[k] = 1
			if !seen[fmt.Sprint(corner)] {
				t.Fatalf("no corner %v", corner)
			}
		}
	})
}

// TestIntercepts: those of points on a plane are the plane's, whatever the ideal point; where there is no plane it is the width.
func TestIntercepts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(2, 6).Draw(t, "m")
		number := rapid.Float64Range(0.1, 10)
		ideal, want, front := make([]float64, m), make([]float64, m), [][]float64{}
		for k := range m {
			ideal[k], want[k] = number.Draw(t, "z")-5, number.Draw(t, "a")
		}
		for k := range m {
			v := slices.Clone(ideal)
			v[k] += want[k]
			front = append(front, v)
		}
		middle := slices.Clone(ideal)
		for k := range m {
			middle[k] += want[k] / float64(m)
		}
		got := intercepts(append(front, middle), ideal)
		for k := range m {
			if math.Abs(got[k]-want[k]) > 1e-6*want[k] {
				t.Fatalf("intercepts %v, want %v", got, want)
			}
		}
	})
	if got := intercepts([][]float64{{1, 1}, {1, 1}}, []float64{1, 1}); !slices.Equal(got, []float64{1, 1}) {
		t.Errorf("of one point: %v", got)
	}
	if got := intercepts([][]float64{{3, 5}}, []float64{1, 1}); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("of a point beyond the ideal: %v", got)
	}
}
