package pareto

import (
	"cmp"
	"slices"
)

// Archive keeps the front of the points added so far: those that none of the others dominates. Points with the same values are
// kept once, the one of the smallest trial number. What it holds does not depend on the order in which points were added. A point
// cannot be taken back, as it may have driven others out: make the Archive anew where a result changes. The zero value is empty
// and ready for use.
type Archive struct {
	front []Point // by values
}

// Add adds a point and reports whether the front changed. It costs O(m f) for a front of f points. The point's values are the
// Archive's afterwards, and not to be changed.
func (a *Archive) Add(p Point) bool {
	at, equal := slices.BinarySearchFunc(a.front, &p, func(q Point, p *Point) int { return q.compare(p) })
	if equal {
		if p.Number >= a.front[at].Number {
			return false
		}
		a.front[at] = p
		return true
	}
	for i := range a.front[:at] { // no point dominates one before it
		if a.front[i].Dominates(&p) {
			return false
		}
	}
	kept := at
	for i := at; i < len(a.front); i++ {
		if !p.Dominates(&a.front[i]) {
			a.front[kept] = a.front[i]
			kept++
		}
	}
	clear(a.front[kept:])
	a.front = slices.Insert(a.front[:kept], at, p)
	return true
}

// Points lists the front in increasing order of the first objective, then of the others. The slice is the Archive's and valid
// until the next Add. Points that violate constraints are in it only as long as no point keeps them, and then those that violate
// them least.
func (a *Archive) Points() []Point { return a.front }

// Values lists the values of the front, in the order of Points.
func (a *Archive) Values() [][]float64 {
	values := make([][]float64, len(a.front))
	for i := range a.front {
		values[i] = a.front[i].Values
	}
	return values
}

// Numbers lists the trials of the front in increasing order.
func (a *Archive) Numbers() []int {
	numbers := make([]int, len(a.front))
	for i := range a.front {
		numbers[i] = a.front[i].Number
	}
	slices.SortFunc(numbers, cmp.Compare[int])
	return numbers
}
