package suggesttest

import (
	"fmt"
	"math"
	"testing"

	"qalam/space"
)

// Problem is a function to minimise, with a known minimum.
type Problem struct {
	Name    string
	Space   *space.Space
	Minimum float64
	Value   func(space.Assignment) float64
}

// Branin has three minima of equal depth in two dimensions.
//
// F. H. Branin, "Widely convergent method for finding multiple solutions of simultaneous nonlinear equations", IBM Journal of
// Research and Development 16(5), 504-522 (1972); with the constants and domain of L. C. W. Dixon, G. P. Szegő, "The global
// optimization problem: an introduction", Towards Global Optimization 2, 1-15 (1978).
func Branin(t testing.TB) Problem {
	const a, r, s = 1, 6, 10
	b, c, f := 5.1/(4*math.Pi*math.Pi), 5/math.Pi, 1/(8*math.Pi)
	return Problem{
		Name: "Branin", Minimum: 10 / (8 * math.Pi),
		Space: newSpace(t, []space.Parameter{
			{Name: "x1", Type: space.Double, Min: -5, Max: 10},
			{Name: "x2", Type: space.Double, Min: 0, Max: 15},
		}),
		Value: func(x space.Assignment) float64 {
			q := x[1] - b*x[0]*x[0] + c*x[0] - r
			return a*q*q + s*(1-f)*math.Cos(x[0]) + s
		},
	}
}

// Hartmann6 has six local minima in six dimensions.
//
// J. K. Hartman, "Some experiments in global optimization", Naval Research Logistics Quarterly 20(3), 569-576 (1973); constants as
// in Dixon and Szegő (1978).
func Hartmann6(t testing.TB) Problem {
	alpha := [4]float64{1, 1.2, 3, 3.2}
	a := [4][6]float64{{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}}
	p := [4][6]float64{ // times 10^-4
		{1312, 1696, 5569, 124, 8283, 5886}, {2329, 4135, 8307, 3736, 1004, 9991},
		{2348, 1451, 3522, 2883, 3047, 6650}, {4047, 8828, 8732, 5743, 1091, 381},
	}
	params := make([]space.Parameter, 6)
	for i := range params {
		params[i] = space.Parameter{Name: fmt.Sprintf("x%d", i+1), Type: space.Double, Max: 1}
	}
	return Problem{
		Name: "Hartmann6", Minimum: -3.322368011415515, Space: newSpace(t, params),
		Value: func(x space.Assignment) float64 {
			sum := 0.0
			for i := range alpha {
				exponent := 0.0
				for j := range x {
					d := x[j] - 1e-4*p[i][j]
					exponent += a[i][j] * d * d
				}
				sum -= alpha[i] * math.Exp(-exponent)
			}
			return sum
		},
	}
}

// Rosenbrock is a curved valley in dims dimensions, two or more, with its minimum 0 at (1, …, 1).
//
// H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function", The Computer Journal 3(3),
// 175-184 (1960).
func Rosenbrock(t testing.TB, dims int) Problem {
	params := make([]space.Parameter, dims)
	for i := range params {
		params[i] = space.Parameter{Name: fmt.Sprintf("x%d", i+1), Type: space.Double, Min: -5, Max: 10}
	}
	return Problem{
		Name: fmt.Sprintf("Rosenbrock%d", dims), Space: newSpace(t, params),
		Value: func(x space.Assignment) float64 {
			sum := 0.0
			for i := range len(x) - 1 {
				d, e := x[i+1]-x[i]*x[i], 1-x[i]
				sum += 100*d*d + e*e
			}
			return sum
		},
	}
}
