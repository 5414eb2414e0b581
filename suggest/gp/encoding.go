package gp

import (
	"qalam/space"
)

// dim is one coordinate of a point: a parameter that has more than one value.
type dim struct {
	param       int
	count       uint64 // of values; 0 for reals
	categorical bool
}

// listed reports whether its values are tried one by one, not found by a slope.
func (d *dim) listed() bool { return d.categorical || d.count > 0 && d.count <= exact }

// encoding leads assignments to the points x ∈ R^d that the kernel compares. The numeric coordinates come first and lie in [0, 1],
// by the distribution of their parameter; a countable one stands in the middle of its interval, so that the model is flat within
// it:
//
//	E. C. Garrido-Merchán, D. Hernández-Lobato, "Dealing with categorical and integer-valued variables in Bayesian optimization
//	with Gaussian processes", Neurocomputing 380 (2020).
//
// Categorical coordinates follow, as indices. Coordinates of parameters that do not matter are -1.
type encoding struct {
	space       *space.Space
	dims        []dim
	num         int // how many are numeric
	conditional bool
	fixed       []fixed     // coordinates that do not vary, in a branch of the space
	units       [][]float64 // by parameter: the unit coordinate of each value, where they can be counted and are at most kept
}

// kept is how many values of a parameter are kept at hand.
const kept = 64

func newEncoding(s *space.Space) *encoding {
	e := &encoding{space: s, conditional: s.Conditional(), units: make([][]float64, s.Len())}
	var categorical []dim
	for i, p := range s.Parameters() {
		count, _ := s.Count(i)
		e.units[i] = unitsOf(s, i, &p)
		switch {
		case count == 1 && len(p.When) == 0: // always the same
		case p.Type == space.Categorical:
			categorical = append(categorical, dim{i, count, true})
		default:
			e.dims = append(e.dims, dim{i, count, false})
		}
	}
	e.num = len(e.dims)
	e.dims = append(e.dims, categorical...)
	return e
}

// unitsOf lists the unit coordinates of a parameter's values.
func unitsOf(s *space.Space, i int, p *space.Parameter) []float64 {
	count, finite := s.Count(i)
	if !finite || count > kept {
		return nil
	}
	units, a := make([]float64, count), make(space.Assignment, s.Len())
	for k := range units {
		a[i] = float64(k)
		if len(p.List) == 0 {
			a[i] = p.Min + float64(k)*p.Step // ToUnit finds the value meant
		}
		units[k] = s.ToUnit(a, nil)[i]
	}
	return units
}

// encode writes the point of an assignment with its unit coordinates (Space.ToUnit).
func (e *encoding) encode(a space.Assignment, unit []float64) []float64 {
	x := make([]float64, len(e.dims))
	for j, d := range e.dims {
		if d.categorical {
			x[j] = a[d.param]
		} else {
			x[j] = unit[d.param]
		}
	}
	if e.conditional {
		active := e.space.Active(a, nil)
		for j, d := range e.dims {
			if !active[d.param] {
				x[j] = -1
			}
		}
	}
	return x
}

// place is one place of the space in the forms that the search needs.
type place struct {
	u     []float64 // in the unit cube, with the coordinates that parameters would have that do not matter; one per parameter
	a     space.Assignment
	x     []float64
	score float64 // the acquisition's value, larger is better
}

// at leads a point of the unit cube to a place.
func (e *encoding) at(u []float64) *place {
	for _, f := range e.fixed {
		u[f.param] = f.u
	}
	a := e.space.FromUnit(u)
	return &place{u: u, a: a, x: e.encode(a, e.space.ToUnit(a, nil))}
}

// place makes the place of an assignment.
func (e *encoding) place(a space.Assignment) *place {
	u := e.space.ToUnit(a, nil)
	return &place{u: u, a: a, x: e.encode(a, u)}
}
