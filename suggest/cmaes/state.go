package cmaes

import (
	"cmp"
	"math"
	"slices"

	"qalam/suggest"
	"qalam/suggest/pareto"
)

// state is the search after a number of generations. It is never changed once made.
type state struct {
	*rates
	gaussian    *gaussian
	categorical *categorical
	descent     descent
	history     []float64 // the best value of each of the last generations of the descent, the latest last
	scale       float64   // how far apart the values of its first generation were
}

// member is one trial of the generation at hand.
type member struct {
	sample
	number    int
	class     int     // see classes
	violation float64 // of the constraints
	value     float64
}

// The classes of trials from the best to the worst.
const (
	feasible = iota // has a value, keeps the constraints
	violating
	unknown // stopped without a value
	failed
)

// newMember ranks a trial that has ended.
func newMember(s sample, r *suggest.Record) *member {
	m := &member{sample: s, number: r.Number, value: r.Value, class: failed}
	switch {
	case math.IsNaN(r.Value) && r.State == suggest.Stopped:
		m.class = unknown
	case math.IsNaN(r.Value):
	case r.Feasible():
		m.class = feasible
	default:
		m.class, m.violation = violating, pareto.Violation(r.Violations)
	}
	return m
}

// compare orders members from the best to the worst; those that are equally good are equal.
func (m *member) compare(o *member) int {
	return cmp.Or(cmp.Compare(m.class, o.class), cmp.Compare(m.violation, o.violation), cmp.Compare(m.value, o.value))
}

// after is the state after a generation of lambda members.
func (st *state) after(members []*member, axes []axis) *state {
	members = slices.Clone(members)
	slices.SortStableFunc(members, func(a, b *member) int { return cmp.Or(a.compare(b), cmp.Compare(a.number, b.number)) })
	next := *st
	if len(st.history) == 0 {
		next.scale = apart(members)
	}
	next.history = st.remember(members[0])
	if members[0].compare(members[len(members)-1]) == 0 {
		return &next // nothing to learn: all failed, or all have the same value
	}
	w, mean := st.shared(members)
	if len(axes) > 0 {
		ys := make([][]float64, len(members))
		for i, m := range members {
			ys[i] = m.y
		}
		next.gaussian = st.gaussian.clone()
		next.gaussian.update(st.rates, ys, w, mean)
		next.gaussian.confine()
		next.gaussian.correct(axes, st.alpha())
	}
	cats := make([][]int, len(members))
	for i, m := range members {
		cats[i] = m.cats
	}
	next.categorical = st.categorical.clone()
	next.categorical.update(cats, mean)
	return &next
}

// alpha is the margin: one sample of a generation is expected to leave its cell in one of the dimensions.
func (st *state) alpha() float64 { return 1 / float64(st.lambda*max(1, st.d)) }

// remember appends the best value to the history, which is as long as is looked at.
func (st *state) remember(best *member) []float64 {
	value := math.Inf(1)
	if best.class == feasible {
		value = best.value
	}
	history := append(slices.Clone(st.history), value)
	return history[max(0, len(history)-st.window()):]
}

// apart is the range of the values of members in order that keep the constraints.
func apart(members []*member) float64 {
	n := 0
	for n < len(members) && members[n].class == feasible {
		n++
	}
	if n == 0 {
		return 0
	}
	return members[n-1].value - members[0].value
}

// window is the number of generations over which progress is judged.
func (st *state) window() int { return 5 + int(math.Ceil(10*float64(st.d)/float64(st.lambda))) }

// shared are the weights of members in order: those that are equally good share theirs.
func (st *state) shared(members []*member) (w, mean []float64) {
	w, mean = slices.Clone(st.w), slices.Clone(st.mean)
	for i := 0; i < len(members); {
		run := 1
		for i+run < len(members) && members[i].compare(members[i+run]) == 0 {
			run++
		}
		average(w[i : i+run])
		average(mean[i : i+run])
		i += run
	}
	return w, mean
}

func average(v []float64) {
	if len(v) < 2 {
		return
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	for i := range v {
		v[i] = sum / float64(len(v))
	}
}

// widest is the largest standard deviation: samples of wider distributions are hardly less uniform.
const widest = 0.5

// confine keeps the mean in the unit cube, and the step size where samples still differ from uniform ones and from each other.
func (p *gaussian) confine() {
	const narrowest = 1e-12
	largest := 0.0
	for j := range p.m {
		p.m[j] = max(0, min(1, p.m[j]))
		largest = max(largest, p.variance(j))
	}
	largest = p.sigma * math.Sqrt(largest)
	switch {
	case largest > widest:
		p.sigma *= widest / largest
	case largest < narrowest:
		p.sigma *= narrowest / largest
	}
}
