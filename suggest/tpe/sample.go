package tpe

import (
	"cmp"
	"math/bits"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// window is how many of the newest trials are all kept, and at most how many older ones.
const window = 1024

// trial is a trial that was told, as a point.
type trial struct {
	point
	record *suggest.Record
	weight float64 // how many trials it stands for
	good   bool    // it is one of the good ones, of a split that is being made
}

// sample holds the trials, in the order of their numbers, that the density of the many is made of: all while they are few, later the newest and a share of the
// older ones, each of these standing for several. Which ones is a function of the history: the share is a half, a quarter and so
// on, and a trial is in it by its number alone. So a suggestion costs no more after 100,000 trials than after some thousand.
type sample struct {
	axes  []axis
	space *space.Space
	level int // the share of the older ones is 2^-level
	stale bool
	seen  int      // length of the history that the sample stands for
	all   []*trial // in the order of the numbers

	// The last split.
	good   []*trial
	points []*point
	many   []*point
	weight []float64
}

func newSample(s *space.Space, axes []axis) *sample { return &sample{axes: axes, space: s} }

// share is the level for a history of n trials.
func share(n int) int { return bits.Len(uint(max(0, n-window-1)) / window) }

// inShare reports whether an older trial is in the share of a level: those of the higher levels are in those of the lower.
func inShare(number, level int) bool {
	z := uint64(number) * 0x9e3779b97f4a7c15 // spread: the finalizer of MurmurHash3
	z = (z ^ z>>33) * 0xff51afd7ed558ccd
	z ^= z >> 33
	return z&(1<<level-1) == 0
}

// wanted reports whether the record at an index of a history of n is kept, and for how many it stands.
func (s *sample) wanted(r *suggest.Record, index, n int) (weight float64, ok bool) {
	switch {
	case index >= n-window || r.State == suggest.Pending:
		return 1, true
	case inShare(r.Number, s.level):
		return float64(int(1) << s.level), true
	}
	return 0, false
}

// tell takes in what changed in the history.
func (s *sample) tell(h *suggest.History, changes []suggest.Change) {
	n := h.Len()
	if s.stale || len(changes) > window/4 || share(n) != s.level {
		s.stale = true
		return
	}
	for _, c := range changes {
		if c.Old == nil && c.New != h.Records()[min(s.seen, n-1)] { // not at the end
			s.stale = true
			return
		}
		if c.Old == nil {
			s.seen++
			s.add(s.trialOf(c.New))
			if older := s.seen - 1 - window; older >= 0 {
				s.update(h.Records()[older], older, s.seen)
			}
			continue
		}
		if !slices.Equal(c.Old.Assignment, c.New.Assignment) {
			s.stale = true
			return
		}
		index, _ := slices.BinarySearchFunc(h.Records(), c.New.Number, func(r *suggest.Record, number int) int { return cmp.Compare(r.Number, number) })
		s.update(c.New, index, s.seen)
	}
}

// update keeps, changes or removes the trial of a record.
func (s *sample) update(r *suggest.Record, index, n int) {
	weight, ok := s.wanted(r, index, n)
	at, known := s.find(r.Number)
	switch {
	case ok && known:
		s.all[at].record, s.all[at].weight = r, weight
	case ok:
		t := s.trialOf(r)
		t.weight = weight
		s.add(t)
	case known:
		s.remove(at)
	}
}

// sync makes the sample stand for the history.
func (s *sample) sync(h *suggest.History) {
	if !s.stale {
		return
	}
	n := h.Len()
	s.stale, s.seen, s.level = false, n, share(n)
	before := s.all
	s.all = nil
	for index, r := range h.Records() {
		weight, ok := s.wanted(r, index, n)
		if !ok {
			continue
		}
		var t *trial
		if at, known := find(before, r.Number); known && len(r.Unit) > 0 && &before[at].u[0] == &r.Unit[0] {
			t = before[at]
			t.record = r
		} else {
			t = s.trialOf(r)
		}
		t.weight = weight
		s.all = append(s.all, t)
	}
}

// trialOf makes the trial of a record.
func (s *sample) trialOf(r *suggest.Record) *trial {
	t := &trial{point: point{u: r.Unit, choices: make([]int32, len(s.axes))}, record: r, weight: 1}
	var active []bool
	if s.space.Conditional() {
		active = s.space.Active(r.Assignment, nil)
	}
	choose(s.axes, &t.point, active)
	return t
}

func (s *sample) find(number int) (at int, known bool) { return find(s.all, number) }

func find(all []*trial, number int) (at int, known bool) {
	return slices.BinarySearchFunc(all, number, func(t *trial, n int) int { return cmp.Compare(t.record.Number, n) })
}

// add takes a trial in that is not there.
func (s *sample) add(t *trial) {
	at, _ := s.find(t.record.Number)
	s.all = slices.Insert(s.all, at, t)
}

// remove takes a trial out by its place among all.
func (s *sample) remove(at int) { s.all = slices.Delete(s.all, at, at+1) }

// drop takes a trial out if it is there.
func (s *sample) drop(t *trial) {
	if at, there := s.find(t.record.Number); there && s.all[at] == t {
		s.remove(at)
	}
}

// without lists the trials for which leave is false, and their weights.
func (s *sample) without(leave func(*trial) bool, points []*point, weights []float64) ([]*point, []float64) {
	for _, t := range s.all {
		if !leave(t) {
			points, weights = append(points, &t.point), append(weights, t.weight)
		}
	}
	return points, weights
}

// split lists the points of the good trials, in their order, and of the others, with the weights of these. A trial keeps its point
// from one time to the next.
func (s *sample) split(records []*suggest.Record) (good, many []*point, weights []float64) {
	before := s.good
	s.good = make([]*trial, len(records))
	s.points = s.points[:0]
	for i, r := range records {
		t := (*trial)(nil)
		if at, known := s.find(r.Number); known {
			t = s.all[at]
		} else if k := slices.IndexFunc(before, func(t *trial) bool { return t.record == r }); k >= 0 {
			t = before[k]
		} else {
			t = s.trialOf(r)
		}
		s.good[i], t.good = t, true
		s.points = append(s.points, &t.point)
	}
	s.many, s.weight = s.without(func(t *trial) bool { return t.good }, s.many[:0], s.weight[:0])
	for _, t := range s.good {
		t.good = false
	}
	return s.points, s.many, s.weight
}
