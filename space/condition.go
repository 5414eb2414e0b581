package space

import (
	"math"
	"math/bits"
	"slices"
)

// Condition makes a parameter active only while another one, listed before it, is active and has one of some values.
type Condition struct {
	Parameter string   // the other parameter: one whose values can be counted
	Values    []string // as the user wrote them
}

// condition is a Condition made ready for use.
type condition struct {
	parent int
	values []float64
}

// Restriction is a condition on whole assignments that is known before any trial runs.
type Restriction struct {
	Text  string // as the user wrote it
	Holds func(Assignment) bool
}

// Restrict makes the same Space with further restrictions: assignments for which one does not hold are not feasible.
func (s *Space) Restrict(restrictions ...Restriction) *Space {
	out := *s
	out.restrictions = slices.Concat(s.restrictions, restrictions)
	return &out
}

// Encode makes the same Space with another way to write assignments: encode gives what Named returns. Architectures of neural
// networks, whose parameters are many and whose text is one, are written so.
func (s *Space) Encode(encode func(Assignment) []Named) *Space {
	out := *s
	out.encode = encode
	return &out
}

// Plain reports whether every combination of feasible values is a feasible assignment of its own: there are no conditions and
// no restrictions.
func (s *Space) Plain() bool { return !s.conditional && len(s.restrictions) == 0 }

// Conditional reports whether some parameters are active only under conditions.
func (s *Space) Conditional() bool { return s.conditional }

// Parents lists the parameters on which the activity of parameter i depends directly, by index; nil when it is always active.
func (s *Space) Parents(i int) []int {
	var parents []int
	for _, c := range s.conditions[i] {
		parents = append(parents, c.parent)
	}
	return parents
}

// Active says of every parameter whether it matters in an assignment. The result uses dst where that is long enough.
func (s *Space) Active(a Assignment, dst []bool) []bool {
	dst = slices.Grow(dst[:0], len(s.axes))[:len(s.axes)]
	for i := range dst {
		dst[i] = true
		if !s.conditional {
			continue
		}
		for _, c := range s.conditions[i] {
			if !dst[c.parent] || !slices.Contains(c.values, a[c.parent]) {
				dst[i] = false
				break
			}
		}
	}
	return dst
}

// Allows reports whether all restrictions hold. The assignment has feasible values.
func (s *Space) Allows(a Assignment) bool {
	for _, r := range s.restrictions {
		if !r.Holds(a) {
			return false
		}
	}
	return true
}

// Broken is the text of the first restriction that does not hold; "" where all do.
func (s *Space) Broken(a Assignment) string {
	for _, r := range s.restrictions {
		if !r.Holds(a) {
			return r.Text
		}
	}
	return ""
}

// Canonical gives parameters that do not matter in an assignment the value that stands for all others, in place: the first one
// where they can be counted, otherwise the middle of the distribution. So two assignments that mean the same are equal.
func (s *Space) Canonical(a Assignment) Assignment {
	if !s.conditional {
		return a
	}
	for i := range a {
		for _, c := range s.conditions[i] {
			// An inactive parent has its canonical value already, which may be among those of the condition.
			if !s.active(a, c.parent) || !slices.Contains(c.values, a[c.parent]) {
				a[i] = s.axes[i].idle()
				break
			}
		}
	}
	return a
}

// active reports whether one parameter matters.
func (s *Space) active(a Assignment, i int) bool {
	for _, c := range s.conditions[i] {
		if !s.active(a, c.parent) || !slices.Contains(c.values, a[c.parent]) {
			return false
		}
	}
	return true
}

// canonical reports whether inactive parameters have their canonical value.
func (s *Space) canonical(a Assignment) bool {
	if !s.conditional {
		return true
	}
	for i := range a {
		if !s.active(a, i) && a[i] != s.axes[i].idle() {
			return false
		}
	}
	return true
}

// idle is the value of the axis while it does not matter.
func (a *axis) idle() float64 {
	if a.count > 0 {
		return a.at(0)
	}
	return a.fromUnit(0.5)
}

// Next is the index, from index on, of the first feasible assignment that At gives: index itself in a plain Space. It looks at
// up to limit candidates; ok is false when there is none among them, and next then tells where to look on.
func (s *Space) Next(index uint64, limit int) (next uint64, ok bool) {
	size, finite := s.Size()
	for ; finite && limit > 0 && index < size; limit-- {
		a := s.raw(index)
		i := -1
		for j := range a { // the first parameter that is idle and not at its first value: all that follow repeat it
			if s.conditional && !s.active(a, j) && a[j] != s.axes[j].idle() {
				i = j
				break
			}
		}
		if i < 0 {
			if s.Allows(a) {
				return index, true
			}
			index++
			continue
		}
		block := s.block(i)
		if index/block >= size/block { // the last one
			return size, false
		}
		index = (index/block + 1) * block
	}
	return index, false
}

// block is how many combinations share the values of the parameters before i; math.MaxUint64 where there are more.
func (s *Space) block(i int) uint64 {
	n := uint64(1)
	for _, x := range s.axes[i:] {
		hi, lo := bits.Mul64(n, x.count)
		if hi > 0 {
			return math.MaxUint64
		}
		n = lo
	}
	return n
}

// conditions reads and checks the conditions of a parameter.
func (c *checker) conditions(params []Parameter, i int) {
	for k, cond := range params[i].When {
		parent := slices.IndexFunc(params[:i], func(p Parameter) bool { return p.Name == cond.Parameter })
		if parent < 0 {
			c.fault(FieldWhen, k, "condition %d names %q, which is no parameter listed before this one: move that one up, or correct the name", k+1, cond.Parameter)
			continue
		}
		if len(cond.Values) == 0 {
			c.fault(FieldWhen, k, "condition %d lists no values of %q: name those with which this parameter matters", k+1, cond.Parameter)
		}
		p := params[parent]
		p.When = nil
		if len(check([]Parameter{p})) > 0 {
			continue // it has faults of its own
		}
		if p.Type == Int && p.Step == 0 {
			p.Step = 1
		}
		x := newAxis(&p)
		if x.count == 0 {
			c.fault(FieldWhen, k, "condition %d depends on %q, which takes any number: give that one a step or a list", k+1, cond.Parameter)
			continue
		}
		for _, text := range cond.Values {
			if _, err := x.parse(text); err != nil {
				c.fault(FieldWhen, k, "value %q of %q %v (condition %d)", text, cond.Parameter, err, k+1)
			}
		}
	}
}

// newConditions makes the conditions of a parameter ready, which were checked.
func (s *Space) newConditions(p *Parameter) []condition {
	var out []condition
	for _, c := range p.When {
		parent := s.index[c.Parameter]
		values := make([]float64, len(c.Values))
		for i, text := range c.Values {
			values[i], _ = s.axes[parent].parse(text) // checked before
		}
		out = append(out, condition{parent, values})
	}
	return out
}
