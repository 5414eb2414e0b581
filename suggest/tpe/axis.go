package tpe

import (
	"math"
	"sort"

	"qalam/space"
)

// kind is how closeness is measured along an axis.
type kind uint8

const (
	real    kind = iota // a number in [0, 1]; also steps too many for a table
	ordinal             // few values in order, each owning an interval of [0, 1]
	nominal             // values without order
)

// maxOrdinal is the number of values up to which an ordered axis is ordinal. With more the narrowest kernel is wider than the
// intervals, and its density in their middle is its mean over them.
const maxOrdinal = 128

// axis is one parameter, led into [0, 1] by its own distribution.
type axis struct {
	kind  kind
	count int       // of values, of an ordinal or nominal axis
	edges []float64 // of the intervals of an ordinal axis, count+1 from 0 to 1

	conditional bool // it is active only where others have certain values
	parent      bool // others are active only where it has certain values
}

// newAxes makes the axes of a space.
func newAxes(s *space.Space) []axis {
	axes := make([]axis, s.Len())
	for i, p := range s.Parameters() {
		count, finite := s.Count(i)
		switch {
		case p.Type == space.Categorical:
			axes[i] = axis{kind: nominal, count: int(count)}
		case finite && count <= maxOrdinal:
			axes[i] = axis{kind: ordinal, count: int(count), edges: edges(p, int(count))}
		}
		for _, j := range s.Parents(i) {
			axes[i].conditional, axes[j].parent = true, true
		}
	}
	return axes
}

// edges are the ends of the intervals that lead to the values of a parameter, whose middles ToUnit gives.
func edges(p space.Parameter, count int) []float64 {
	p.When = nil
	alone, err := space.New([]space.Parameter{p})
	if err != nil {
		panic(err) // it was part of a space before
	}
	out := make([]float64, count+1)
	for k := range count {
		out[k+1] = 2*alone.ToUnit(alone.At(uint64(k)), nil)[0] - out[k]
	}
	out[count] = 1
	return out
}

// choice is the index of the value that coordinate u stands for; 0 on a real axis.
func (a *axis) choice(u float64) int32 {
	switch a.kind {
	case ordinal:
		k := sort.SearchFloat64s(a.edges[1:a.count], u) // the first edge ≥ u
		for k < a.count-1 && a.edges[k+1] <= u {
			k++
		}
		return int32(k)
	case nominal:
		return int32(max(0, min(a.count-1, int(math.Floor(u*float64(a.count))))))
	default:
		return 0
	}
}

// middle is the coordinate of a value of an ordinal or nominal axis.
func (a *axis) middle(k int32) float64 {
	if a.kind == ordinal {
		return (a.edges[k] + a.edges[k+1]) / 2
	}
	return (float64(k) + 0.5) / float64(a.count)
}

// idle marks, among choices, an axis that does not matter.
const idle = -1

// point is a place in the space: coordinates in the unit cube, and the index of the value by axis, idle where the parameter
// does not matter.
type point struct {
	u       []float64
	choices []int32
}

// choose fills in the choices of p by its coordinates and which axes are active; nil means all.
func choose(axes []axis, p *point, active []bool) {
	for j := range axes {
		if active != nil && !active[j] {
			p.choices[j] = idle
		} else {
			p.choices[j] = axes[j].choice(p.u[j])
		}
	}
}
