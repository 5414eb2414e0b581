package tpe

import (
	"cmp"
	"math"
	"slices"

	"qalam/suggest"
	"qalam/suggest/pareto"
)

// The order of the trials by which they are split into few good ones, D_l, and the others, D_g: those that completed and keep
// the constraints, by value; then those stopped early, the farthest first and by the best value they reached; then those that
// violate constraints, the least first. Failed and pending trials, and those stopped without a value, are always in D_g: there
// they keep other trials away. (The order of completed, stopped and infeasible trials is Optuna's.)

// class is the first thing that counts in the order.
type class uint8

const (
	completed class = iota
	stopped
	infeasible
	unusable // no value
)

func classOf(o *suggest.Outcome) class {
	switch {
	case o.State != suggest.Completed && (o.State != suggest.Stopped || math.IsNaN(o.Value)):
		return unusable
	case !o.Feasible():
		return infeasible
	case o.State == suggest.Stopped:
		return stopped
	}
	return completed
}

// compare orders two trials with values, the better one first.
func compare(a, b *suggest.Record) int {
	ca, cb := classOf(&a.Outcome), classOf(&b.Outcome)
	if c := cmp.Compare(ca, cb); c != 0 {
		return c
	}
	switch ca {
	case stopped:
		if c := cmp.Compare(b.Step, a.Step); c != 0 {
			return c
		}
	case infeasible:
		if c := cmp.Compare(pareto.Violation(a.Violations), pareto.Violation(b.Violations)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
}

// ordered is how many trials are kept in order: more than are ever good, or compared with earlier experiments.
const ordered = 1024

// ranking holds the best of the trials with values in order.
type ranking struct {
	records []*suggest.Record // the best, all or ordered of them; fewer where they are to be found anew
	total   int               // trials with values
}

// tell takes in what changed.
func (r *ranking) tell(changes []suggest.Change) {
	for _, c := range changes {
		if c.Old != nil && classOf(&c.Old.Outcome) != unusable {
			r.total--
			if at, ok := slices.BinarySearchFunc(r.records, c.Old, compare); ok {
				r.records = slices.Delete(r.records, at, at+1)
			}
		}
		if classOf(&c.New.Outcome) != unusable {
			r.add(c.New)
		}
	}
}

// add takes a trial in that is not there.
func (r *ranking) add(x *suggest.Record) {
	n := len(r.records)
	if r.total++; n < r.total-1 && (n == 0 || compare(x, r.records[n-1]) > 0) {
		return // there may be others before it that are not known
	}
	at, _ := slices.BinarySearchFunc(r.records, x, compare)
	r.records = slices.Insert(r.records, at, x)
	r.records = r.records[:min(len(r.records), ordered)]
}

// sync finds the best anew where changes have left too few.
func (r *ranking) sync(h *suggest.History) {
	if len(r.records) == min(r.total, ordered) {
		return
	}
	r.records, r.total = r.records[:0], 0
	for _, record := range h.Records() {
		if classOf(&record.Outcome) != unusable {
			r.add(record)
		}
	}
}

// best are the first n and their weights.
//
// The weights are those of the improvement over y*, the best value not among them, w_i = y* - y_i:
//
//	S. Watanabe, "Tree-structured Parzen estimator: understanding its algorithm components and their roles for better empirical
//	performance", arXiv 2304.11127 (2023), section 3.2.
//
// Where trials count among the good that did not complete, or that violate constraints, values do not compare and all weigh the same.
func (r *ranking) best(n int, improvement bool) ([]*suggest.Record, []float64) {
	good := r.records[:n]
	weights := even(n)
	if !improvement || n == 0 || classOf(&good[n-1].Outcome) != completed {
		return good, weights
	}
	limit := good[n-1].Value
	if n < len(r.records) && classOf(&r.records[n].Outcome) == completed {
		limit = r.records[n].Value
	}
	most := limit/2 - good[0].Value/2 // halves: the difference may overflow
	if !(most > 0) {
		return good, weights
	}
	const least = 1e-12
	for i, g := range good {
		weights[i] = max(least, (limit/2-g.Value/2)/most)
	}
	return good, weights
}
