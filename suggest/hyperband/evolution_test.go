package hyperband

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// evolved is an evolution over d parameters that was told trials, by their points and values; those with value NaN have failed.
func evolved(t *testing.T, p space.Parameter, points [][]float64, values []float64) *evolution {
	t.Helper()
	var parameters []space.Parameter
	for j := range points[0] {
		p.Name = fmt.Sprintf("x%d", j)
		parameters = append(parameters, p)
	}
	s, err := space.New(parameters)
	if err != nil {
		t.Fatal(err)
	}
	e := newEvolution(s, 1, 10)
	var outcomes []suggest.Outcome
	for i, x := range points {
		o := suggest.Outcome{Number: i + 1, State: suggest.Completed, Value: values[i], Assignment: x}
		if math.IsNaN(o.Value) {
			o.State = suggest.Failed
		}
		outcomes = append(outcomes, o)
	}
	if err := e.Tell(outcomes); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestOffspring draws the offspring of a population: every coordinate is that of one of the best three, or as far from it as differences
// in the population reach, but not as far as those to what failed. Of 1,000 offspring more than 40 and less than 48 in a hundred
// coordinates are a parent's, (1-CR)(d-1)/d = 0.4375 being expected with a deviation of 0.6, and a tenth of the others are farther from the best than
// these are from one another.
func TestOffspring(t *testing.T) {
	const d, n = 8, 20
	rng := rand.New(rand.NewPCG(1, 2))
	points, values := make([][]float64, n+2), make([]float64, n+2)
	for i := range points {
		spread := 0.1
		if values[i] = float64(i); i < 3 {
			spread = 0.01
		}
		for range d {
			points[i] = append(points[i], 0.5+spread*(rng.Float64()-0.5))
		}
		if i >= n {
			values[i] = math.NaN()
			points[i] = slices.Repeat([]float64{0.95}, d)
		}
	}
	e := evolved(t, space.Parameter{Type: space.Double, Max: 1}, points, values)
	e.gather()
	same, far, total := 0, 0, 0
	for range 1000 {
		for j, u := range e.offspring(rng) {
			nearest := math.Inf(1)
			for _, x := range points[:3] {
				nearest = min(nearest, math.Abs(u-x[j]))
			}
			switch total++; {
			case nearest == 0:
				same++
			case nearest > F*0.1+F*0.01:
				t.Fatalf("a coordinate is %v from the best", nearest)
			case nearest > 0.01:
				far++
			}
		}
	}
	if share := float64(same) / float64(total); share < 0.4 || share > 0.48 {
		t.Errorf("%.3f of the coordinates are a parent's", share)
	}
	if far < (total-same)/10 {
		t.Errorf("%d of %d mutated coordinates are far from the best", far, total-same)
	}
}

// TestOffspringAreNew: where every second of 64 points was tried, as on a chessboard, those proposed next are others.
func TestOffspringAreNew(t *testing.T) {
	black := func(x []float64) bool { return int(x[0]+x[1])%2 == 0 }
	var points [][]float64
	var values []float64
	for i := range 64 {
		if x := []float64{float64(i / 8), float64(i % 8)}; black(x) {
			points, values = append(points, x), append(values, x[0]+x[1])
		}
	}
	e := evolved(t, space.Parameter{Type: space.Int, Max: 7}, points, values)
	suggestions, err := e.Ask(len(points)+1, 500)
	if err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, s := range suggestions {
		if black(s.Assignment) {
			again++
		}
	}
	if again > 10 { // those drawn evenly, after ten tries
		t.Errorf("%d of %d proposals are known", again, len(suggestions))
	}
}
