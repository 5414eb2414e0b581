package problem

import (
	"math"

	"qalam/space"
)

// shiftSeed, noiseSeed and tableSeed are added to an instance's seed; with them the instances are those of stored curves.
const (
	shiftSeed = 10007
	noiseSeed = 555
	tableSeed = 777
)

// suite makes the functions on which all peers were measured: seven classics and a boosted-trees-like surrogate.
func suite() []Problem {
	make1 := func(name string, params []space.Parameter, open func(seed int) *Instance) Problem {
		return Problem{
			Name: name, Groups: []string{"suite", "tuning"}, Use: Tuning, Params: params, Objectives: 1,
			Open: func(seed int) (*Instance, error) { return open(seed), nil },
		}
	}
	shifted := func(name string, dims int, half float64, f func(z []float64) float64) Problem {
		return make1(name, cube(dims, -half, half), func(seed int) *Instance {
			shift := Shift(seed, dims, -half, half)
			return exact(0, func(x space.Assignment) float64 { return f(minus(x, shift)) })
		})
	}
	return []Problem{
		make1("branin", braninParams(), func(int) *Instance { return exact(braninBest, branin) }),
		make1("hart6", cube(6, 0, 1), func(int) *Instance { return exact(hartmannBest, hartmann6) }),
		make1("hart6n", cube(6, 0, 1), func(seed int) *Instance { return withNoise(exact(hartmannBest, hartmann6), 0.1, seed) }),
		shifted("ackley5", 5, 32.768, ackley),
		shifted("levy10", 10, 10, levy),
		make1("rosen5", cube(5, -5, 10), func(int) *Instance { return exact(0, rosenbrock) }),
		shifted("rast5", 5, 5.12, rastrigin),
		make1("mixed7", mixedParams(), func(int) *Instance { return exact(mixedBest, mixed) }),
	}
}

// Shift is where an instance has its optimum: uniform in the middle 60 % of the bounds, since methods that start from the centre
// would win otherwise.
func Shift(seed, dims int, low, high float64) []float64 {
	rng := NewRandomState(uint32(shiftSeed + seed))
	out := make([]float64, dims)
	for i := range out {
		out[i] = (low+high)/2 + float64(rng.Uniform(-0.6, 0.6)*((high-low)/2))
	}
	return out
}

// withNoise adds normal noise to what is observed.
func withNoise(in *Instance, deviation float64, seed int) *Instance {
	rng := NewRandomState(uint32(noiseSeed + seed))
	var drawn []float64
	in.Observe = func(index int, x space.Assignment) Result {
		for len(drawn) <= index {
			drawn = append(drawn, rng.Normal())
		}
		r := in.True(x)
		r.Values[0] += deviation * drawn[index]
		return r
	}
	return in
}

func minus(x space.Assignment, shift []float64) []float64 {
	z := make([]float64, len(x))
	for i := range z {
		z[i] = x[i] - shift[i]
	}
	return z
}

const braninBest = 0.39788735772973816

func braninParams() []space.Parameter {
	p := cube(2, 0, 15)
	p[0].Min, p[0].Max = -5, 10
	return p
}

// branin has three minima of equal depth.
func branin(x space.Assignment) float64 {
	q := x[1] - 5.1/(4*math.Pi*math.Pi)*x[0]*x[0] + 5/math.Pi*x[0] - 6
	return q*q + 10*(1-1/(8*math.Pi))*math.Cos(x[0]) + 10
}

const hartmannBest = -3.3223680114155147

var (
	hartmannA = [4][6]float64{{10, 3, 17, 3.5, 1.7, 8}, {.05, 10, 17, .1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, .05, 10, .1, 14}}
	hartmannP = [4][6]float64{ // times 10^-4
		{1312, 1696, 5569, 124, 8283, 5886}, {2329, 4135, 8307, 3736, 1004, 9991},
		{2348, 1451, 3522, 2883, 3047, 6650}, {4047, 8828, 8732, 5743, 1091, 381},
	}
	hartmannC = [4]float64{1, 1.2, 3, 3.2}
)

// hartmann6 has six local minima.
func hartmann6(x space.Assignment) float64 {
	sum := 0.0
	for i, c := range hartmannC {
		exponent := 0.0
		for j := range x {
			d := x[j] - 1e-4*hartmannP[i][j]
			exponent += hartmannA[i][j] * d * d
		}
		sum -= c * math.Exp(-exponent)
	}
	return sum
}

// ackley is a plain with ripples and one deep hole.
func ackley(z []float64) float64 {
	squares, waves := 0.0, 0.0
	for _, v := range z {
		squares += v * v
		waves += math.Cos(2 * math.Pi * v)
	}
	d := float64(len(z))
	return -20*math.Exp(-0.2*math.Sqrt(squares/d)) - math.Exp(waves/d) + 20 + math.E
}

func rastrigin(z []float64) float64 {
	sum := 10 * float64(len(z))
	for _, v := range z {
		sum += v*v - 10*math.Cos(2*math.Pi*v)
	}
	return sum
}

// rosenbrock is a curved valley, its minimum at (1, …, 1).
func rosenbrock(x space.Assignment) float64 {
	sum := 0.0
	for i := range len(x) - 1 {
		d, e := x[i+1]-x[i]*x[i], 1-x[i]
		sum += 100*d*d + e*e
	}
	return sum
}

// levy is a bowl with ripples along every axis.
func levy(z []float64) float64 {
	w := make([]float64, len(z))
	for i := range z {
		w[i] = 1 + z[i]/4
	}
	square := func(v float64) float64 { return v * v }
	last := w[len(w)-1]
	sum := square(math.Sin(math.Pi*w[0])) + square(last-1)*(1+square(math.Sin(2*math.Pi*last)))
	for _, v := range w[:len(w)-1] {
		sum += square(v-1) * (1 + 10*square(math.Sin(math.Pi*v+1)))
	}
	return sum
}

func mixedParams() []space.Parameter {
	return []space.Parameter{
		{Name: "lr", Type: space.Double, Min: 1e-4, Max: 1, Distribution: space.LogUniform},
		{Name: "nest", Type: space.Int, Min: 10, Max: 1000, Distribution: space.LogUniform},
		{Name: "depth", Type: space.Int, Min: 1, Max: 15},
		{Name: "l2", Type: space.Double, Min: 1e-6, Max: 10, Distribution: space.LogUniform},
		{Name: "sub", Type: space.Double, Min: 0.2, Max: 1, Step: 0.1},
		{Name: "boost", Type: space.Categorical, List: []string{"a", "b", "c"}},
		{Name: "sched", Type: space.Categorical, List: []string{"p", "q", "r", "s"}},
	}
}

// mixed is like boosted trees: the best learning rate depends on the number of trees and on the booster, the best depth on the
// booster, and the order of the schedules turns round for booster b.
func mixed(x space.Assignment) float64 {
	rate, trees, depth, l2, sub, boost, sched := math.Log10(x[0]), math.Log10(x[1]), x[2], math.Log10(x[3]), x[4], int(x[5]), x[6]
	best := -0.4 - 0.75*(trees-1) + [3]float64{0, 0.3, -0.5}[boost]
	bestDepth := [3]float64{6, 6, 3}[boost]
	v := 0.08 * (rate - best) * (rate - best) / (1 + 0.15*(rate-best)*(rate-best))
	v += 0.02 * (3 - trees) * (3 - trees)
	v += 0.0025 * (depth - bestDepth) * (depth - bestDepth) / (1 + 0.02*(depth-bestDepth)*(depth-bestDepth))
	v += 0.006 * (l2 + 1.5) * (l2 + 1.5) * (1 + 0.1*depth) / 1.6
	v += 0.15 * (sub - 0.8) * (sub - 0.8)
	if boost == 1 {
		v += 0.03 - 0.01*sched
	} else {
		v += 0.01 * sched
	}
	return [3]float64{0, 0.04, 0.12}[boost] + v
}

// mixedBest is reached with booster a, schedule p, 1000 trees, depth 6 and the best rate: every term is 0 there.
const mixedBest = 0
