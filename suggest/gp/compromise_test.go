package gp

import (
	"math"
	"testing"

	"qalam/suggest"
	"qalam/suggest/pareto"
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

// TestLookFar: where all later results are at one end of a front, what lies towards the other is improved on every fourth time.
func TestLookFar(t *testing.T) {
	for n := 20; n < 28; n++ {
		var points []pareto.Point
		var done []*suggest.Record
		for i := range n {
			values := []float64{-1, -1 - 0.01*float64(i)}
			if i < 6 {
				values = []float64{float64(i), 2 - 0.1*float64(i)}
			}
			points = append(points, pareto.Point{Number: i + 1, Values: values})
			done = append(done, &suggest.Record{Outcome: suggest.Outcome{Number: i + 1}})
		}
		m := &model{}
		m.setFront(points, done)
		if far := m.reference[0] > 4 && m.reference[1] > 1.5; far != (n%farEvery == 0) {
			t.Errorf("after %d results the reference is %v", n, m.reference)
		}
	}
}
