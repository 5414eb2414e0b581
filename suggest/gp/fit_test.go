package gp

import (
	"math"
	"testing"

	"qalam/space"
)

// TestFitOfRapidFunction: what goes up and down several times is no noise, though a fit that starts with long length scales ends
// where it is taken for that (with half the variance).
func TestFitOfRapidFunction(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	e := newEncoding(s)
	for _, frequency := range []float64{10, 20, 30, 40} {
		n := 2 * onePeak
		var x [][]float64
		var y []float64
		for i := range n {
			u := (float64(i) + 0.5) / float64(n)
			x, y = append(x, []float64{u}), append(y, math.Sqrt2*math.Sin(frequency*u))
		}
		k, _ := newFitting(e, x, y).maximize()
		if k == nil || k.noise > 1e-3 {
			t.Errorf("sin %gx: %+v", frequency, k)
		}
	}
}

// TestDoubts counts in how many of the first 15, the next and later results the trend of earlier experiments may be followed.
func TestDoubts(t *testing.T) {
	follows := func(from, to int) (n int) {
		for results := from; results < to; results++ {
			if !doubts(results) {
				n++
			}
		}
		return n
	}
	if a, b, c := follows(0, 15), follows(15, 30), follows(30, 70); a != 15 || b != 8 || c != 10 {
		t.Errorf("followed %d, %d and %d times, want 15, 8 and 10", a, b, c)
	}
}
