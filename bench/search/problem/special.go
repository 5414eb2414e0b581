package problem

import (
	"math"
	"math/rand/v2"

	"qalam/space"
)

// noisy makes problems with noise and with evaluations that fail. hart6n of the suite is for tuning, these are for the comparison:
// the axes of each instance are reordered and turned round by its seed.
func noisy() []Problem {
	make1 := func(name string, params []space.Parameter, best float64, f func(x space.Assignment) float64, change func(in *Instance, seed int)) Problem {
		return Problem{
			Name: name, Groups: []string{"noisy", "comparison"}, Use: Comparison, Params: params, Objectives: 1,
			Open: func(seed int) (*Instance, error) {
				in := exact(best, reordered(params, seed, f))
				change(in, seed)
				return in, nil
			},
		}
	}
	plus := func(deviation float64) func(in *Instance, seed int) {
		return func(in *Instance, seed int) { withNoise(in, deviation, seed) }
	}
	return []Problem{
		make1("hart6n1", cube(6, 0, 1), hartmannBest, hartmann6, plus(0.1)),
		make1("hart6n3", cube(6, 0, 1), hartmannBest, hartmann6, plus(0.3)),
		make1("rosen5n", cube(5, -5, 10), 0, rosenbrock, withFactor),
		make1("hart6fail", cube(6, 0, 1), hartmannBest, brittle, func(*Instance, int) {}),
	}
}

// reordered permutes the axes of a function and turns some round; all must have the same bounds.
func reordered(params []space.Parameter, seed int, f func(x space.Assignment) float64) func(x space.Assignment) float64 {
	rng := rand.New(rand.NewPCG(uint64(seed), 6))
	order, turned := rng.Perm(len(params)), make([]bool, len(params))
	for i := range turned {
		turned[i] = rng.IntN(2) == 1
	}
	return func(x space.Assignment) float64 {
		y := make(space.Assignment, len(x))
		for i, from := range order {
			y[i] = x[from]
			if turned[i] {
				y[i] = params[i].Min + params[i].Max - y[i]
			}
		}
		return f(y)
	}
}

// withFactor multiplies what is observed by 1 + N(0, 0.05²).
func withFactor(in *Instance, seed int) {
	rng := NewRandomState(uint32(noiseSeed + seed))
	var drawn []float64
	in.Observe = func(index int, x space.Assignment) Result {
		for len(drawn) <= index {
			drawn = append(drawn, rng.Normal())
		}
		return value(in.True(x).Values[0] * (1 + 0.05*drawn[index]))
	}
}

// brittle is hartmann6 with no value in a fifth of the cube, away from its optimum.
func brittle(x space.Assignment) float64 {
	if x[5] < 0.2 {
		return math.NaN()
	}
	return hartmann6(x)
}

// conditional makes problems where one choice decides which parameters exist.
func conditional() []Problem {
	return []Problem{
		{
			Name: "cond3", Groups: []string{"conditional", "tuning"}, Use: Tuning, Params: branchParams(), Objectives: 1,
			Open: func(seed int) (*Instance, error) { return branches(seed), nil },
		},
		{
			Name: "condtree", Groups: []string{"conditional", "comparison"}, Use: Comparison, Params: treeParams(), Objectives: 1,
			Open: func(seed int) (*Instance, error) { return tree(seed), nil },
		},
	}
}

func when(parent string, values []string, params ...space.Parameter) []space.Parameter {
	for i := range params {
		params[i].When = []space.Condition{{Parameter: parent, Values: values}}
	}
	return params
}

func unit(name string) space.Parameter {
	return space.Parameter{Name: name, Type: space.Double, Max: 1}
}

func logarithmic(name string, low, high float64) space.Parameter {
	return space.Parameter{Name: name, Type: space.Double, Min: low, Max: high, Distribution: space.LogUniform}
}

func choice(name string, values ...string) space.Parameter {
	return space.Parameter{Name: name, Type: space.Categorical, List: values}
}

func branchParams() []space.Parameter {
	p := []space.Parameter{choice("model", "A", "B", "C")}
	p = append(p, when("model", []string{"A"}, unit("a0"), unit("a1"))...)
	p = append(p, when("model", []string{"B"}, space.Parameter{Name: "b0", Type: space.Int, Min: 1, Max: 20}, logarithmic("b1", 1e-5, 1))...)
	return append(p, when("model", []string{"C"}, unit("c0"), unit("c1"), unit("c2"))...)
}

// branches has three models with optima 0.1, 0.05 and 0, of growing difficulty and falling noise: what looks best early is not.
func branches(seed int) *Instance {
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	at := make([]float64, 7)
	for i := range at {
		at[i] = 0.2 + 0.6*rng.Float64()
	}
	square := func(v float64) float64 { return v * v }
	f := func(x space.Assignment) float64 {
		switch x[0] {
		case 0:
			return 0.1 + 0.3*(square(x[1]-at[0])+square(x[2]-at[1]))
		case 1:
			return 0.05 + 0.002*square(x[3]-math.Round(20*at[2])) + 0.03*square(math.Log10(x[4])+5*at[3])
		}
		sum, waves := 0.0, 0.0
		for i := range 3 {
			d := x[5+i] - at[4+i]
			sum += d * d
			waves += 1 - math.Cos(6*math.Pi*d)
		}
		return 2*sum + 0.02*waves
	}
	in := exact(0, f)
	deviation := [3]float64{0.01, 0.005, 0.0025}
	var drawn []float64
	in.Observe = func(index int, x space.Assignment) Result {
		for len(drawn) <= index {
			drawn = append(drawn, rng.NormFloat64())
		}
		return value(f(x) + deviation[int(x[0])]*drawn[index])
	}
	return in
}

func treeParams() []space.Parameter {
	p := []space.Parameter{choice("model", "linear", "forest", "net")}
	p = append(p, when("model", []string{"linear", "net"}, logarithmic("l2", 1e-6, 1))...)
	p = append(p, when("model", []string{"forest"}, space.Parameter{Name: "depth", Type: space.Int, Min: 1, Max: 20}, unit("features"))...)
	p = append(p, when("model", []string{"net"}, logarithmic("lr", 1e-5, 1), choice("optimizer", "sgd", "adam"))...)
	p = append(p, when("optimizer", []string{"sgd"}, unit("momentum"), choice("schedule", "constant", "cosine"))...)
	return append(p, when("optimizer", []string{"adam"}, unit("beta"))...)
}

// tree has conditions below conditions and a parameter that two branches share; the best is a net trained by sgd with the right
// momentum and schedule, whose learning rate depends on the momentum.
func tree(seed int) *Instance {
	rng := rand.New(rand.NewPCG(uint64(seed), 4))
	draw := func() float64 { return 0.2 + 0.6*rng.Float64() }
	l2At, depthAt, featuresAt, rateAt, momentumAt, betaAt := -6*draw(), math.Round(20*draw()), draw(), -5*draw(), draw(), draw()
	square := func(v float64) float64 { return v * v }
	return exact(0, func(x space.Assignment) float64 {
		model, l2, depth, features, rate, optimizer, momentum, schedule, beta := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8]
		switch {
		case model == 0:
			return 0.2 + 0.02*square(math.Log10(l2)-l2At)
		case model == 1:
			return 0.1 + 0.001*square(depth-depthAt) + 0.1*square(features-featuresAt)
		case optimizer == 0:
			return 0.01*square(math.Log10(l2)-l2At) + 0.05*square(math.Log10(rate)-rateAt+2*(momentum-momentumAt)) +
				0.3*square(momentum-momentumAt) + 0.05*(1-schedule)
		}
		return 0.04 + 0.01*square(math.Log10(l2)-l2At) + 0.05*square(math.Log10(rate)-rateAt-1) + 0.1*square(beta-betaAt)
	})
}
