package problem

import (
	"math"
	"slices"

	"qalam/space"
)

// multi makes problems with several objectives.
//
// ZDT: E. Zitzler, K. Deb, L. Thiele, "Comparison of multiobjective evolutionary algorithms: empirical results", Evolutionary
// Computation 8(2), 173-195 (2000). DTLZ2: K. Deb et al., "Scalable test problems for evolutionary multiobjective optimization",
// 2005. WFG4: S. Huband et al., "A review of multiobjective test problems and a scalable test problem toolkit", IEEE Transactions
// on Evolutionary Computation 10(5), 477-506 (2006).
func multi() []Problem {
	make1 := func(name string, use Use, params []space.Parameter, reference []float64, best float64, f func(x space.Assignment) []float64) Problem {
		truth := func(x space.Assignment) Result { return Result{Values: f(x)} }
		return Problem{
			Name: name, Groups: []string{"multi", string(use)}, Use: use, Params: params, Objectives: len(reference),
			Open: func(int) (*Instance, error) {
				return &Instance{True: truth, Observe: func(_ int, x space.Assignment) Result { return truth(x) }, Best: best, Reference: reference}, nil
			},
		}
	}
	far, wfg := []float64{11, 11}, cube(6, 0, 1)
	for i := range wfg {
		wfg[i].Max = 2 * float64(i+1)
	}
	return []Problem{
		make1("zdt1", Tuning, cube(6, 0, 1), far, 121-1.0/3, zdt1),
		make1("zdt3", Tuning, cube(6, 0, 1), far, zdt3Best, zdt3),
		make1("dtlz2", Tuning, cube(8, 0, 1), []float64{2.5, 2.5, 2.5}, 15.625-math.Pi/6, dtlz2),
		make1("zdt2", Comparison, cube(6, 0, 1), far, 121-2.0/3, zdt2),
		make1("zdt6", Comparison, cube(6, 0, 1), far, zdt6Best, zdt6),
		make1("wfg4", Comparison, wfg, []float64{3.3, 5.5}, 3.3*5.5-2*math.Pi, wfg4),
		make1("branincurrin", Comparison, cube(2, 0, 1), []float64{18, 6}, braninCurrinBest, braninCurrin),
	}
}

// The hypervolumes of fronts that have no closed form; the tests find them from dense samples of the fronts.
const (
	zdt3Best         = 128.77811613069076
	zdt6Best         = 117.51820185836543
	braninCurrinBest = 59.36011874867746
)

// zdtTail is g of the first three functions of ZDT.
func zdtTail(x space.Assignment) float64 {
	sum := 0.0
	for _, v := range x[1:] {
		sum += v
	}
	return 1 + 9*sum/float64(len(x)-1)
}

func zdt1(x space.Assignment) []float64 {
	g := zdtTail(x)
	return []float64{x[0], g * (1 - math.Sqrt(x[0]/g))}
}

func zdt2(x space.Assignment) []float64 {
	g := zdtTail(x)
	return []float64{x[0], g * (1 - x[0]/g*x[0]/g)}
}

func zdt3(x space.Assignment) []float64 {
	g := zdtTail(x)
	return []float64{x[0], g * (1 - math.Sqrt(x[0]/g) - x[0]/g*math.Sin(10*math.Pi*x[0]))}
}

func zdt6(x space.Assignment) []float64 {
	sum := 0.0
	for _, v := range x[1:] {
		sum += v
	}
	g := 1 + 9*math.Pow(sum/float64(len(x)-1), 0.25)
	first := 1 - math.Exp(-4*x[0])*math.Pow(math.Sin(6*math.Pi*x[0]), 6)
	return []float64{first, g * (1 - first/g*first/g)}
}

// dtlz2 has three objectives whose front is an eighth of the unit sphere.
func dtlz2(x space.Assignment) []float64 {
	g := 1.0
	for _, v := range x[2:] {
		g += (v - 0.5) * (v - 0.5)
	}
	a, b := x[0]*math.Pi/2, x[1]*math.Pi/2
	return []float64{g * math.Cos(a) * math.Cos(b), g * math.Cos(a) * math.Sin(b), g * math.Sin(a)}
}

// wfg4 has two objectives, two parameters for the position and four for the distance; every parameter has many local optima.
func wfg4(x space.Assignment) []float64 {
	t := make([]float64, len(x))
	for i, v := range x {
		y := v / (2 * float64(i+1))
		c := math.Abs(y-0.35) / (2 * (math.Floor(0.35-y) + 0.35))
		t[i] = (1 + math.Cos((4*30+2)*math.Pi*(0.5-c)) + 4*10*c*c) / (10 + 2)
	}
	mean := func(v []float64) float64 {
		sum := 0.0
		for _, e := range v {
			sum += e
		}
		return sum / float64(len(v))
	}
	position, distance := mean(t[:2]), mean(t[2:])
	return []float64{distance + 2*math.Sin(position*math.Pi/2), distance + 4*math.Cos(position*math.Pi/2)}
}

// braninCurrin is Branin's function beside Currin's.
func braninCurrin(x space.Assignment) []float64 {
	decay := 1.0
	if x[1] > 0 {
		decay = 1 - math.Exp(-1/(2*x[1]))
	}
	a, b := x[0], x[0]*x[0]
	currin := decay * (2300*a*b + 1900*b + 2092*a + 60) / (100*a*b + 500*b + 4*a + 20)
	return []float64{branin(space.Assignment{15*x[0] - 5, 15 * x[1]}), currin}
}

// Front is a set of points none of which is at least as good as another in every objective.
type Front struct {
	Reference []float64
	points    [][]float64
}

// Add takes a point and reports whether it changed the front: whether it lies below the reference and nothing dominates it.
func (f *Front) Add(p []float64) bool {
	for i, v := range p {
		if !(v < f.Reference[i]) {
			return false
		}
	}
	if slices.ContainsFunc(f.points, func(q []float64) bool { return dominates(q, p) }) {
		return false
	}
	f.points = append(slices.DeleteFunc(f.points, func(q []float64) bool { return dominates(p, q) }), slices.Clone(p))
	return true
}

// dominates reports whether a is at least as good as b in everything.
func dominates(a, b []float64) bool {
	for i := range a {
		if a[i] > b[i] {
			return false
		}
	}
	return true
}

// Hypervolume is the volume between the front and the reference.
func (f *Front) Hypervolume() float64 { return hypervolume(f.points, f.Reference) }

// hypervolume cuts the volume into slices along the last objective, each of which is a problem of one objective less.
func hypervolume(points [][]float64, reference []float64) float64 {
	last := len(reference) - 1
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b []float64) int {
		if a[last] < b[last] {
			return -1
		} else if a[last] > b[last] {
			return 1
		}
		return 0
	})
	if last == 0 {
		if len(sorted) == 0 {
			return 0
		}
		return reference[0] - sorted[0][0]
	}
	if last == 1 { // what the recursion does, without its square
		sum, lowest := 0.0, reference[0]
		for i, p := range sorted {
			lowest = min(lowest, p[0])
			upper := reference[1]
			if i+1 < len(sorted) {
				upper = sorted[i+1][1]
			}
			sum += (upper - p[1]) * (reference[0] - lowest)
		}
		return sum
	}
	sum := 0.0
	for i, p := range sorted {
		upper := reference[last]
		if i+1 < len(sorted) {
			upper = sorted[i+1][last]
		}
		if upper > p[last] {
			sum += (upper - p[last]) * hypervolume(sorted[:i+1], reference[:last])
		}
	}
	return sum
}
