package gp

import (
	"cmp"
	"math"
	"slices"

	"qalam/suggest"
)

// data is what the history says, by what a model makes of it; everything is in the order of the trials' numbers.
type data struct {
	done    []*suggest.Record // with a value: completed, or stopped after one was reported
	failed  []*suggest.Record
	pending []*suggest.Record
}

func newData(records []*suggest.Record) *data {
	d := &data{}
	for _, r := range records {
		switch {
		case r.State == suggest.Completed, r.State == suggest.Stopped && !math.IsNaN(r.Value):
			d.done = append(d.done, r)
		case r.State == suggest.Failed:
			d.failed = append(d.failed, r)
		case r.State == suggest.Pending:
			d.pending = append(d.pending, r)
		}
	}
	return d
}

// values are the objective values of trials that have one. A trial that was stopped early would have become better than it was
// by then, so it counts as no worse than the worst that ran to its end.
func values(done []*suggest.Record) []float64 {
	worst := math.NaN()
	for _, r := range done {
		if r.State == suggest.Completed && !(r.Value <= worst) {
			worst = r.Value
		}
	}
	out := make([]float64, len(done))
	for i, r := range done {
		if out[i] = r.Value; r.State == suggest.Stopped && r.Value > worst {
			out[i] = worst
		}
	}
	return out
}

// subset chooses at most n trials for a model: the best, the latest, and some spread evenly over the others from the best to
// the worst. It returns them by number.
func subset(done []*suggest.Record, n int) []*suggest.Record {
	if len(done) <= n {
		return done
	}
	latest, best := n/4, n/2
	chosen := slices.Clone(done[len(done)-latest:])
	rest := slices.Clone(done[:len(done)-latest])
	slices.SortStableFunc(rest, func(a, b *suggest.Record) int { return cmp.Compare(a.Value, b.Value) })
	chosen = append(chosen, rest[:best]...)
	rest = rest[best:]
	spread := n - latest - best
	for i := range spread {
		chosen = append(chosen, rest[(2*i+1)*len(rest)/(2*spread)])
	}
	slices.SortFunc(chosen, func(a, b *suggest.Record) int { return cmp.Compare(a.Number, b.Number) })
	return chosen
}

// points encodes the assignments of trials.
func (e *encoding) points(records []*suggest.Record) [][]float64 {
	x := make([][]float64, len(records))
	for i, r := range records {
		x[i] = e.encode(r.Assignment, r.Unit)
	}
	return x
}
