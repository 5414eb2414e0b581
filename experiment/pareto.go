package experiment

import (
	"cmp"
	"slices"

	"qalam/suggest/pareto"
)

// ParetoTrial is a trial of the Pareto set: no other one is better in one objective and at least as good in all.
type ParetoTrial struct {
	Number int       `json:"number"`
	Costs  []float64 `json:"costs"` // by objective, smaller is better
}

// costs are the values of all objectives, smaller is better; nil unless all are finite.
func (o Objective) costs(obs Observation) []float64 {
	costs := []float64{o.Cost(o.Value(obs))}
	for _, f := range o.Further {
		costs = append(costs, f.Direction.cost(o.ValueOf(obs, f.Metric)))
	}
	for _, c := range costs {
		if !finite(c) {
			return nil
		}
	}
	return costs
}

// offerPareto takes a trial that ended into the Pareto set, if it keeps the constraints and none betters it, and those that it
// betters out. Trials that are equal in every objective stand beside each other, so that the order in which trials end never
// matters.
func (s *State) offerPareto(t Trial) {
	o := s.Spec.Objective
	if len(o.Further) == 0 || !o.Feasible(t.Observation) {
		return
	}
	costs := o.costs(t.Observation)
	if costs == nil {
		return
	}
	kept := make([]ParetoTrial, 0, len(s.Pareto)+1) // a new list: others hold the old one
	for _, p := range s.Pareto {
		if pareto.Dominates(p.Costs, costs) || p.Number == t.Number {
			return
		}
		if !pareto.Dominates(costs, p.Costs) {
			kept = append(kept, p)
		}
	}
	i, _ := slices.BinarySearchFunc(kept, t.Number, func(p ParetoTrial, n int) int { return cmp.Compare(p.Number, n) })
	s.Pareto = slices.Insert(kept, i, ParetoTrial{t.Number, costs})
}
