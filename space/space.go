// Package space describes what can be tuned: parameters, their feasible values and distributions, and the way to and from the
// unit cube in which algorithms think. It knows nothing of trials, metrics or YAML.
package space

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Type says what kind of values a parameter takes.
type Type string

// The types of parameters, spelled as in a Katib Experiment.
const (
	Double      Type = "double"      // real numbers from Min to Max, in multiples of Step from Min when Step > 0
	Int         Type = "int"         // whole numbers from Min to Max, in multiples of Step (0 means 1) from Min
	Discrete    Type = "discrete"    // the numbers of List, in increasing order
	Categorical Type = "categorical" // the texts of List, without order
)

// Distribution says how values are drawn within a parameter's bounds.
type Distribution string

// The distributions, spelled as in a Katib Experiment. Normal has its mean in the middle of the bounds and a standard deviation
// of a sixth of their width, truncated to the bounds; LogNormal and LogUniform are the same of the logarithm.
const (
	Uniform    Distribution = "uniform"
	LogUniform Distribution = "logUniform"
	Normal     Distribution = "normal"
	LogNormal  Distribution = "logNormal"
)

// Parameter is one tunable input of a training job.
type Parameter struct {
	Name         string
	Type         Type
	Min, Max     float64      // bounds, inclusive (Double, Int)
	Step         float64      // distance between feasible values; 0 means none (Double) or 1 (Int)
	List         []string     // feasible values as the user wrote them (Discrete, Categorical), without duplicates
	Distribution Distribution // "" means Uniform; Discrete and Categorical are always drawn uniformly
	When         []Condition  `json:",omitempty"` // all must hold for the parameter to matter; nil means it always does
}

// Assignment holds one value for every parameter of a Space, in the Space's order: the number itself for Double and Int, the
// index into the parameter's values (Values) for Discrete and Categorical. A parameter that does not matter has its canonical
// value (see Canonical).
type Assignment []float64

// Named is one value of an assignment as it is written into a template and shown to people.
type Named struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Space is a set of parameters with their feasible values. It never changes once made, so that any number of goroutines may
// read it. Its methods take assignments of its own length.
type Space struct {
	params       []Parameter
	axes         []axis
	index        map[string]int
	conditions   [][]condition // by parameter
	conditional  bool          // some parameter has one
	restrictions []Restriction
	encode       func(Assignment) []Named // nil means parameter by parameter
}

// New makes the Space of the parameters, which may be none. Its error is Faults: everything that is wrong with any of them.
func New(params []Parameter) (*Space, error) {
	if faults := check(params); len(faults) > 0 {
		return nil, faults
	}
	s := &Space{params: clone(params), axes: make([]axis, len(params)), index: make(map[string]int, len(params)),
		conditions: make([][]condition, len(params))}
	for i := range s.params {
		p := &s.params[i]
		if p.Distribution == "" {
			p.Distribution = Uniform
		}
		if p.Type == Int && p.Step == 0 {
			p.Step = 1
		}
		s.axes[i] = newAxis(p)
		s.index[p.Name] = i
		s.conditions[i] = s.newConditions(p)
		s.conditional = s.conditional || len(p.When) > 0
	}
	return s, nil
}

func clone(params []Parameter) []Parameter {
	params = slices.Clone(params)
	for i := range params {
		params[i].List = slices.Clone(params[i].List)
		params[i].When = slices.Clone(params[i].When)
		for k := range params[i].When {
			params[i].When[k].Values = slices.Clone(params[i].When[k].Values)
		}
	}
	return params
}

// Parameters returns a copy of the parameters as given to New, with the defaults of Distribution and of an Int's Step filled in.
func (s *Space) Parameters() []Parameter { return clone(s.params) }

// Len is the number of parameters.
func (s *Space) Len() int { return len(s.axes) }

// Values returns a copy of the texts of parameter i, to which an assignment holds the index: a Discrete's in increasing order
// of the numbers, a Categorical's as the user listed them; nil for other types.
func (s *Space) Values(i int) []string { return slices.Clone(s.axes[i].texts) }

// Numbers returns a copy of the numbers of a Discrete parameter by index, in increasing order; nil for other types.
func (s *Space) Numbers(i int) []float64 { return slices.Clone(s.axes[i].numbers) }

// Contains reports whether the assignment is feasible: it has the right length and feasible values only, all restrictions
// hold, and parameters that do not matter have their canonical value.
func (s *Space) Contains(a Assignment) bool {
	if len(a) != len(s.axes) {
		return false
	}
	for i := range s.axes {
		if !s.axes[i].contains(a[i]) {
			return false
		}
	}
	return s.canonical(a) && s.Allows(a)
}

// maxDraws bounds how often Sample draws again because a restriction does not hold.
const maxDraws = 10_000

// Sample draws an assignment: each parameter by its distribution truncated to its bounds. A stepped value gets the mass of the
// numbers nearest to it, so that with a uniform distribution all are equally likely, the first and the last too. It draws
// until the restrictions hold; only where hardly any assignment fulfils them (one in a thousand, say, is enough by far) may
// the result not.
func (s *Space) Sample(rng *rand.Rand) Assignment {
	a := make(Assignment, len(s.axes))
	for range maxDraws {
		if s.draw(a, rng); s.Allows(a) {
			break
		}
	}
	return a
}

// draw draws an assignment whatever the restrictions.
func (s *Space) draw(a Assignment, rng *rand.Rand) {
	for i := range s.axes {
		if x := &s.axes[i]; x.flat {
			a[i] = x.at(rng.Uint64N(x.count))
		} else {
			a[i] = x.fromUnit(rng.Float64())
		}
	}
	s.Canonical(a)
}

// ToUnit leads an assignment into the unit cube by the cumulative distribution of each parameter, so that what Sample draws is
// uniform in the cube. A value of a countable parameter becomes the middle of the interval that FromUnit leads back to it. The
// result uses dst where that is long enough.
func (s *Space) ToUnit(a Assignment, dst []float64) []float64 {
	dst = slices.Grow(dst[:0], len(s.axes))[:len(s.axes)]
	for i := range s.axes {
		dst[i] = s.axes[i].toUnit(a[i])
	}
	return dst
}

// FromUnit leads a point of the unit cube to an assignment that is feasible but for the restrictions; coordinates outside the
// cube are moved to its side, NaN to the middle. FromUnit(ToUnit(a)) is a for countable parameters (as far as float64 tells their intervals apart: some 2^50
// values when uniform), and a but for rounding for reals.
func (s *Space) FromUnit(u []float64) Assignment {
	a := make(Assignment, len(s.axes))
	s.FromUnitTo(a, u)
	return a
}

// FromUnitTo is FromUnit into an assignment that is there.
func (s *Space) FromUnitTo(a Assignment, u []float64) {
	for i := range s.axes {
		a[i] = s.axes[i].fromUnit(u[i])
	}
	s.Canonical(a)
}

// Value leads coordinate u of parameter i to a feasible value, whether it matters or not.
func (s *Space) Value(i int, u float64) float64 { return s.axes[i].fromUnit(u) }

// Count is the number of feasible values of parameter i. finite is false, and n without meaning, for reals without a step
// (unless min is max).
func (s *Space) Count(i int) (n uint64, finite bool) { return s.axes[i].count, s.axes[i].count > 0 }

// Size is the number of combinations of feasible values, math.MaxUint64 where there are more; in a Space that is not Plain
// fewer are feasible assignments. finite is false, and n math.MaxUint64, when
// a parameter is real without a step.
func (s *Space) Size() (n uint64, finite bool) {
	n = 1
	for i := range s.axes {
		if s.axes[i].count == 0 {
			return math.MaxUint64, false
		}
		hi, lo := bits.Mul64(n, s.axes[i].count)
		if n = lo; hi > 0 {
			n = math.MaxUint64
		}
	}
	return n, true
}

// At is the assignment of that index in lexicographic order, from 0, the last parameter changing fastest. It is nil when there
// is none: at and beyond Size, and when the Space is not finite. In a Space that is not Plain, use Next to find the indices
// that stand for an assignment of their own.
func (s *Space) At(index uint64) Assignment {
	if a := s.raw(index); a != nil {
		return s.Canonical(a)
	}
	return nil
}

// raw is At before parameters that do not matter get their canonical value.
func (s *Space) raw(index uint64) Assignment {
	a := make(Assignment, len(s.axes))
	for i := len(s.axes) - 1; i >= 0; i-- {
		x := &s.axes[i]
		if x.count == 0 {
			return nil
		}
		a[i] = x.at(index % x.count)
		index /= x.count
	}
	if index > 0 {
		return nil
	}
	return a
}
