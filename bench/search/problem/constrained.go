package problem

import (
	"math"

	"qalam/space"
)

// constrained makes problems where some points are forbidden by a second function that is observed beside the first.
//
// gardner1 and gardner2: J. R. Gardner et al., "Bayesian optimization with inequality constraints", ICML 2014, simulations 1 and
// 2. hart6c: B. Letham et al., "Constrained Bayesian optimization with noisy experiments", Bayesian Analysis 14(2) (2019), without
// its noise.
func constrained() []Problem {
	make1 := func(name string, use Use, params []space.Parameter, best float64, f func(x space.Assignment) (value, constraint float64)) Problem {
		truth := func(x space.Assignment) Result {
			v, c := f(x)
			return Result{Values: []float64{v}, Constraints: []float64{c}}
		}
		return Problem{
			Name: name, Groups: []string{"constrained", string(use)}, Use: use, Params: params, Objectives: 1, Constraints: 1,
			Open: func(int) (*Instance, error) {
				return &Instance{True: truth, Observe: func(_ int, x space.Assignment) Result { return truth(x) }, Best: best}, nil
			},
		}
	}
	return []Problem{
		make1("gardner2", Tuning, cube(2, 0, 6), gardner2Best, func(x space.Assignment) (value, constraint float64) {
			return math.Sin(x[0]) + x[1], math.Sin(x[0])*math.Sin(x[1]) + 0.95
		}),
		make1("hart6c", Tuning, cube(6, 0, 1), hartmannBest, func(x space.Assignment) (value, constraint float64) {
			return hartmann6(x), math.Sqrt(squares(x)) - 1
		}),
		make1("gardner1", Comparison, cube(2, 0, 6), gardner1Best, func(x space.Assignment) (value, constraint float64) {
			return math.Cos(2*x[0])*math.Cos(x[1]) + math.Sin(x[0]), math.Cos(x[0])*math.Cos(x[1]) - math.Sin(x[0])*math.Sin(x[1]) - 0.5
		}),
		make1("cbranin", Comparison, braninParams(), braninBest, func(x space.Assignment) (value, constraint float64) {
			return branin(x), (x[0]-2.5)*(x[0]-2.5) + (x[1]-7.5)*(x[1]-7.5) - 50
		}),
	}
}

// gardner1's optimum is at (3π/2, 0); gardner2's is sin y = 0.95 at x = 3π/2.
const (
	gardner1Best = -2
	gardner2Best = 0.2532358975033751
)
