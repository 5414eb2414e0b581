package gp

import (
	"math"
	"testing"
)

// TestUnbend: with half the power a warp keeps more of the proportions of differences, has mean 0 and variance 1, and still cuts what
// is far.
func TestUnbend(t *testing.T) {
	var y []float64
	for i := range 30 {
		y = append(y, math.Exp(float64(i)/10))
	}
	w := newWarp(y)
	w.unbend(y)
	sum, squares := 0.0, 0.0
	for _, v := range y {
		z := w.forward(v)
		sum, squares = sum+z, squares+z*z
	}
	if math.Abs(sum) > 1e-9 || math.Abs(squares-float64(len(y))) > 1e-9 {
		t.Errorf("sum %g, squares %g", sum, squares)
	}
	bent := newWarp(y)
	ratio := func(w *warp) float64 {
		return (w.forward(y[28]) - w.forward(y[27])) / (w.forward(y[2]) - w.forward(y[1]))
	}
	if a, b, most := ratio(&bent), ratio(&w), (y[28]-y[27])/(y[2]-y[1]); !(a < 0.9*b && b < 0.9*most) {
		t.Errorf("ratio of two differences %g, bent %g, with half the power %g", most, a, b)
	}
	if w.forward(1e9) != w.forward(1e8) {
		t.Errorf("outliers at %g and %g", w.forward(1e8), w.forward(1e9))
	}
	if got := w.inverse(w.forward(2.5)); math.Abs(got-2.5) > 1e-9 {
		t.Errorf("there and back: %g", got)
	}
}
