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
	slot   int32   // its place in sample.slots
}

// sample holds the trials that the density of the many is made of: all while they are few, later the newest and a share of the
// older ones, each of these standing for several. Which ones is a function of the history: the share is a half, a quarter and so
// on, and a trial is in it by its number alone. So a suggestion costs no more after 100,000 trials than after some thousand.
//
// It keeps the trials in the order of their numbers and, for every axis that is not nominal, of their coordinates.
type sample struct {
	axes  []axis
	space *space.Space
	level int // the share of the older ones is 2^-level
	stale bool
	seen  int // length of the history that the sample stands for
	// all is in the order of the numbers.
	all   []*trial
	slots []*trial
	free  []int32
	order [][]placed // by axis
	index []int32    // by slot: the place among the points of a mixture, or -1
}

// placed is a trial on an axis where it is active.
type placed struct {
	u      float64
	number int
	slot   int32
}

func (p placed) compare(q placed) int {
	return cmp.Or(cmp.Compare(p.u, q.u), cmp.Compare(p.number, q.number))
}

func newSample(s *space.Space, axes []axis) *sample {
	return &sample{axes: axes, space: s, order: make([][]placed, len(axes))}
}

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
	s.all, s.slots, s.free = s.all[:0], s.slots[:0], s.free[:0]
	for j := range s.order {
		s.order[j] = s.order[j][:0]
	}
	for index, r := range h.Records() {
		weight, ok := s.wanted(r, index, n)
		if !ok {
			continue
		}
		t := s.trialOf(r)
		t.weight, t.slot = weight, int32(len(s.slots))
		s.slots, s.all = append(s.slots, t), append(s.all, t)
		for j := range s.axes {
			if s.ordered(t, j) {
				s.order[j] = append(s.order[j], placed{t.u[j], r.Number, t.slot})
			}
		}
	}
	for j := range s.order {
		slices.SortFunc(s.order[j], placed.compare)
	}
}

func (s *sample) ordered(t *trial, j int) bool {
	return s.axes[j].kind != nominal && t.choices[j] != idle
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

func (s *sample) find(number int) (at int, known bool) {
	return slices.BinarySearchFunc(s.all, number, func(t *trial, n int) int { return cmp.Compare(t.record.Number, n) })
}

// add takes a trial in that is not there.
func (s *sample) add(t *trial) {
	if last := len(s.free) - 1; last >= 0 {
		t.slot, s.free = s.free[last], s.free[:last]
		s.slots[t.slot] = t
	} else {
		t.slot = int32(len(s.slots))
		s.slots = append(s.slots, t)
	}
	at, _ := s.find(t.record.Number)
	s.all = slices.Insert(s.all, at, t)
	for j := range s.axes {
		if s.ordered(t, j) {
			p := placed{t.u[j], t.record.Number, t.slot}
			at, _ := slices.BinarySearchFunc(s.order[j], p, placed.compare)
			s.order[j] = slices.Insert(s.order[j], at, p)
		}
	}
}

// remove takes a trial out by its place among all.
func (s *sample) remove(at int) {
	t := s.all[at]
	s.all = slices.Delete(s.all, at, at+1)
	s.slots[t.slot] = nil
	s.free = append(s.free, t.slot)
	for j := range s.axes {
		if s.ordered(t, j) {
			if at, ok := slices.BinarySearchFunc(s.order[j], placed{t.u[j], t.record.Number, t.slot}, placed.compare); ok {
				s.order[j] = slices.Delete(s.order[j], at, at+1)
			}
		}
	}
}

// without lists the trials for which leave is false, their weights, and how they lie along the axes, for a mixture's build.
func (s *sample) without(leave func(*trial) bool, points []*point, weights []float64) ([]*point, []float64, lines) {
	s.index = resize(s.index, len(s.slots))
	for _, t := range s.all {
		s.index[t.slot] = -1
		if !leave(t) {
			s.index[t.slot] = int32(len(points))
			points, weights = append(points, &t.point), append(weights, t.weight)
		}
	}
	return points, weights, func(j int, dst []entry) []entry {
		for _, p := range s.order[j] {
			if i := s.index[p.slot]; i >= 0 {
				dst = append(dst, entry{p.u, i})
			}
		}
		return dst
	}
}
