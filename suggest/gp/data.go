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

// newData sorts records, of which those count as done that have a value for each of m objectives: a trial that was stopped early has one
// for the first alone. They are put where old, which may be nil, had them.
func newData(records []*suggest.Record, m int, old *data) *data {
	d := &data{}
	if old != nil {
		d.done = old.done[:0]
	}
	d.done = slices.Grow(d.done, len(records))
	for _, r := range records {
		switch {
		case r.State == suggest.Completed, r.State == suggest.Stopped && !math.IsNaN(r.Value):
			if m <= 1 || len(r.Others) == m-1 {
				d.done = append(d.done, r)
			}
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

// subset chooses at most n trials for a model: the best, the latest, and some spread evenly over the others. It returns them by
// number.
func subset(done []*suggest.Record, n int) []*suggest.Record {
	if len(done) <= n {
		return done
	}
	latest, best := n/4, n/2
	older := done[:len(done)-latest]
	chosen := make([]bool, len(done))
	for _, i := range lowest(older, best) {
		chosen[i] = true
	}
	for i := range latest {
		chosen[len(older)+i] = true
	}
	spread := n - latest - best
	for k := range spread {
		i := (2*k + 1) * len(older) / (2 * spread)
		for chosen[i] { // there are more older trials than are chosen
			i = (i + 1) % len(older)
		}
		chosen[i] = true
	}
	out := make([]*suggest.Record, 0, n)
	for i, r := range done {
		if chosen[i] {
			out = append(out, r)
		}
	}
	return out
}

// lowest are the indices of the n trials with the lowest values, of equal ones the first, in no order. It keeps them in a heap with
// the worst on top.
func lowest(done []*suggest.Record, n int) []int {
	heap := make([]int, 0, n)
	worse := func(i, j int) bool { // of two trials
		c := cmp.Compare(done[i].Value, done[j].Value)
		return c > 0 || c == 0 && i > j
	}
	down := func(at int) {
		for {
			top := at
			for child := 2*at + 1; child <= 2*at+2 && child < len(heap); child++ {
				if worse(heap[child], heap[top]) {
					top = child
				}
			}
			if top == at {
				return
			}
			heap[at], heap[top] = heap[top], heap[at]
			at = top
		}
	}
	for i := range done {
		switch {
		case len(heap) < n:
			heap = append(heap, i)
			if len(heap) == n {
				for at := n/2 - 1; at >= 0; at-- {
					down(at)
				}
			}
		case done[i].Value < done[heap[0]].Value:
			heap[0] = i
			down(0)
		}
	}
	return heap
}

// points encodes the assignments of trials.
func (e *encoding) points(records []*suggest.Record) [][]float64 {
	x := make([][]float64, len(records))
	for i, r := range records {
		x[i] = e.encode(r.Assignment, r.Unit)
	}
	return x
}
