package experiment

import (
	"cmp"
	"slices"

	"qalam/suggest"
)

// Repeated holds the trials that repeated another one and ended with a number.
type Repeated struct {
	Number int       // of the trial that was repeated
	Trials []Optimal // by number
}

// offerRepeated takes a trial that repeats another one in, and finds the optimal trial anew. Once there are repetitions, it is the
// first repetition of what has the best mean: the value for which something is repeated is left out of the mean, for luck is a part
// of it. Means are computed in the order of numbers, so that the order in which trials end never matters.
func (s *State) offerRepeated(of int, found Optimal) {
	i, known := slices.BinarySearchFunc(s.Repeated, of, func(r Repeated, n int) int { return cmp.Compare(r.Number, n) })
	all := slices.Clone(s.Repeated) // others hold the old ones
	if !known {
		all = slices.Insert(all, i, Repeated{Number: of})
	}
	r := &all[i]
	k, _ := slices.BinarySearchFunc(r.Trials, found.Number, func(o Optimal, n int) int { return cmp.Compare(o.Number, n) })
	r.Trials = slices.Insert(slices.Clone(r.Trials), k, found)
	s.Repeated = all
	s.Optimal = nil
	excess, cost := 0.0, 0.0
	for i := range all {
		o, e, c := s.Spec.Objective.sumUp(&all[i])
		if s.Optimal == nil || cmp.Or(cmp.Compare(e, excess), cmp.Compare(c, cost)) < 0 {
			s.Optimal, excess, cost = o, e, c
		}
	}
}

// sumUp is the first repetition with the mean of all, by how much they break the constraints on average, and that mean as algorithms
// see it.
func (o Objective) sumUp(r *Repeated) (found *Optimal, excess, cost float64) {
	first := r.Trials[0]
	n := float64(len(r.Trials))
	sum := 0.0
	for _, t := range r.Trials {
		excess += o.excess(t.Observation) / n
		sum += (t.Value - first.Value) / n // so that the mean of equal values is that value
	}
	first.Repetitions, first.Mean = len(r.Trials), first.Value+sum
	return &first, excess, o.Cost(first.Mean)
}

// repeats is the number of the trial that one repeats.
func (t Trial) repeats() (int, bool) { return suggest.Repeats(t.Labels) }
