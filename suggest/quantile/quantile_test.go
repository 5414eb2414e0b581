package quantile

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Split
		var all []float64
		for _, n := range rapid.SliceOfN(rapid.IntRange(-9, 9), 0, 50).Draw(t, "values") {
			all = append(all, float64(n)/2)
			k := rapid.IntRange(0, len(all)).Draw(t, "k")
			s.Add(float64(n)/2, k)
			slices.Sort(all)
			sorted := slices.Concat([]float64{math.Inf(-1)}, all, []float64{math.Inf(1)})
			if s.Len() != len(all) || s.Kth() != sorted[k] || s.Next() != sorted[k+1] {
				t.Fatalf("%v at %d: %v and %v of %d", all, k, s.Kth(), s.Next(), s.Len())
			}
		}
	})
}
