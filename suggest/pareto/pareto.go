// Package pareto compares trials of several objectives: who dominates whom, what the front of the best compromises is, how
// crowded it is, and how much of the space of objectives it covers. It knows vectors of objectives (smaller is better in each)
// and how far constraints are violated, no parameters and no algorithm.
//
// Everywhere m is the number of objectives and n the number of points. Values are finite; no function changes its arguments.
package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Point is what one trial reached.
type Point struct {
	Number    int       // the trial's
	Values    []float64 // the m objectives
	Violation float64   // of the constraints in all (see Violation), 0 where they are kept
}

// Violation is how far constraints are violated in all: the sum of what is above 0. Unknown violations, NaN, do not count.
func Violation(violations []float64) float64 {
	sum := 0.0
	for _, v := range violations {
		if v > 0 {
			sum += v
		}
	}
	return sum
}

// Dominates reports whether a is at most b in every objective and less in one.
func Dominates(a, b []float64) bool {
	less := false
	for k := range a {
		if a[k] > b[k] {
			return false
		}
		less = less || a[k] < b[k]
	}
	return less
}

// Dominates is the constrained domination of
//
//	K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Transactions
//	on Evolutionary Computation 6(2), 182-197 (2002), section VI:
//
// p dominates q when it violates the constraints less, and where both do so equally (not at all, as a rule) when its values
// dominate.
func (p *Point) Dominates(q *Point) bool {
	if p.Violation != q.Violation {
		return p.Violation < q.Violation
	}
	return Dominates(p.Values, q.Values)
}

// compare orders points such that no point dominates one before it: by violation, then value by value.
func (p *Point) compare(q *Point) int {
	if p.Violation != q.Violation {
		return cmp.Compare(p.Violation, q.Violation)
	}
	return slices.Compare(p.Values, q.Values)
}

// Ranks sorts points into fronts: 0 for those that no point dominates, 1 for those dominated by points of rank 0 only, and so
// on. Equal points have equal ranks. It costs O(n log n) for two objectives, mostly about O(m n^1.5), at worst O(m n²) for more:
//
//	X. Zhang, Y. Tian, R. Cheng, Y. Jin, "An efficient approach to nondominated sorting for evolutionary multiobjective
//	optimization", IEEE Transactions on Evolutionary Computation 19(2), 201-213 (2015), with its binary search (ENS-BS).
func Ranks(points []Point) []int {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return points[i].compare(&points[j]) })
	ranks := make([]int, len(points))
	first := 0         // rank of the first front of the points that violate the constraints as much as the one at hand
	var fronts [][]int // of those, each in order
	for at, i := range order {
		p := &points[i]
		if at > 0 {
			before := order[at-1]
			if p.compare(&points[before]) == 0 {
				ranks[i] = ranks[before]
				continue // nothing that it dominates is not dominated by the one before
			}
			if p.Violation != points[before].Violation {
				first, fronts = first+len(fronts), nil
			}
		}
		k, _ := slices.BinarySearchFunc(fronts, p, func(front []int, p *Point) int {
			if dominated(points, front, p) {
				return -1
			}
			return 1
		})
		if k == len(fronts) {
			fronts = append(fronts, nil)
		}
		fronts[k] = append(fronts[k], i)
		ranks[i] = first + k
	}
	return ranks
}

// dominated reports whether a point of the front dominates p, which is after all of them in order and unlike them.
func dominated(points []Point, front []int, p *Point) bool {
	if len(p.Values) <= 2 { // the last one has the least second objective
		q := points[front[len(front)-1]].Values
		return q[len(q)-1] <= p.Values[len(q)-1]
	}
	for _, i := range slices.Backward(front) {
		if Dominates(points[i].Values, p.Values) {
			return true
		}
	}
	return false
}

// Crowding is the crowding distance of each vector among those given, which are one front (Deb et al. 2002, section III-B): the
// sum over the objectives of the distance between its neighbours, relative to the width of the front. It is infinite for the
// ends. Of equal vectors all but one count as 0, so that the others are the first to go.
func Crowding(values [][]float64) []float64 {
	distance := make([]float64, len(values))
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(slices.Compare(values[i], values[j]), cmp.Compare(i, j)) })
	order = slices.CompactFunc(order, func(i, j int) bool { return slices.Equal(values[i], values[j]) })
	if len(order) == 0 {
		return distance
	}
	for k := range values[0] {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[i][k], values[j][k]) })
		last := len(order) - 1
		width := values[order[last]][k] - values[order[0]][k]
		distance[order[0]], distance[order[last]] = math.Inf(1), math.Inf(1)
		for at := 1; at < last && width > 0; at++ {
			distance[order[at]] += values[order[at+1]][k]/width - values[order[at-1]][k]/width
		}
	}
	return distance
}

// Reference is a point to measure hypervolumes from: in each objective the worst value of the front and a tenth of the front's
// width, so that the ends of the front count as well. Where the front has no width a tenth of the value itself is added, or 0.1
// where that is 0. front is not empty.
func Reference(front [][]float64) []float64 {
	worst, best := slices.Clone(front[0]), slices.Clone(front[0])
	for _, v := range front {
		for k := range v {
			worst[k], best[k] = max(worst[k], v[k]), min(best[k], v[k])
		}
	}
	for k := range worst {
		margin := (worst[k] - best[k]) / 10
		if margin == 0 {
			margin = math.Abs(worst[k]) / 10
		}
		if margin == 0 {
			margin = 0.1
		}
		worst[k] += margin
	}
	return worst
}
