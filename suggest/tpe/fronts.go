package tpe

import (
	"cmp"
	"slices"

	"qalam/suggest"
	"qalam/suggest/pareto"
)

// fronts splits trials of several objectives: the good ones are the first fronts of non-dominated trials, and of the front that
// is not good as a whole, those that together cover most hypervolume:
//
//	Y. Ozaki, Y. Tanigaki, S. Watanabe, M. Nomura, M. Onishi, "Multiobjective tree-structured Parzen estimator", Journal of
//	Artificial Intelligence Research 73, 1209-1250 (2022).
//
// Trials that violate constraints come after all that keep them. Those stopped early never count as good.
type fronts struct {
	archive pareto.Archive // the first front
	stale   bool           // the archive is to be made anew
}

// ranked reports whether a trial takes part.
func ranked(r *suggest.Record) bool { return r.State == suggest.Completed }

func pointOf(r *suggest.Record) pareto.Point {
	return pareto.Point{
		Number: r.Number, Values: append([]float64{r.Value}, r.Others...), Violation: pareto.Violation(r.Violations),
	}
}

func (f *fronts) tell(changes []suggest.Change) {
	for _, c := range changes {
		if f.stale = f.stale || c.Old != nil && ranked(c.Old); f.stale {
			return
		}
		if ranked(c.New) {
			f.archive.Add(pointOf(c.New))
		}
	}
}

func (f *fronts) sync(h *suggest.History) {
	if !f.stale {
		return
	}
	f.stale, f.archive = false, pareto.Archive{}
	for _, r := range h.Records() {
		if ranked(r) {
			f.archive.Add(pointOf(r))
		}
	}
}

// best are n trials, chosen among those of the sample and the first front, in the order of their numbers.
func (f *fronts) best(n int, s *sample, h *suggest.History) []*suggest.Record {
	var pool []*suggest.Record
	for _, t := range s.all {
		if ranked(t.record) {
			pool = append(pool, t.record)
		}
	}
	for _, number := range f.archive.Numbers() {
		if _, there := s.find(number); !there {
			pool = append(pool, h.Get(number))
		}
	}
	byNumber := func(a, b *suggest.Record) int { return cmp.Compare(a.Number, b.Number) }
	slices.SortFunc(pool, byNumber)
	points := make([]pareto.Point, len(pool))
	for i, r := range pool {
		points[i] = pointOf(r)
	}
	ranks := pareto.Ranks(points)
	byRank := map[int][]int{}
	for i, rank := range ranks {
		byRank[rank] = append(byRank[rank], i)
	}
	var good []*suggest.Record
	for rank := 0; len(good) < n && len(byRank[rank]) > 0; rank++ {
		front := byRank[rank]
		if left := n - len(good); len(front) > left {
			values := make([][]float64, len(front))
			for k, i := range front {
				values[k] = points[i].Values
			}
			chosen := pareto.Select(values, pareto.Reference(values), left)
			for k, c := range chosen {
				chosen[k] = front[c]
			}
			front = chosen
		}
		for _, i := range front {
			good = append(good, pool[i])
		}
	}
	slices.SortFunc(good, byNumber)
	return good
}
