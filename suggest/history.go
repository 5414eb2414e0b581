package suggest

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"qalam/space"
)

// Record is the last outcome told of a trial, made fit for models.
type Record struct {
	Outcome           // State is Failed where a trial completed without a finite value
	Unit    []float64 // the assignment in the unit cube (Space.ToUnit)
}

// History holds the last outcome of every trial told, in the order of the trials' numbers, whatever the order in which they
// were told. Outcomes whose assignment is not feasible, as after a change of the space, are left out.
type History struct {
	space   *space.Space
	records []*Record // by number
}

// Change is what telling one outcome did to a History.
type Change struct {
	Old *Record // nil for a trial that was not known
	New *Record
}

// NewHistory makes an empty History.
func NewHistory(s *space.Space) *History { return &History{space: s} }

// Tell takes outcomes in and returns what changed, which is nothing where the same was told before. Costs do not grow with the
// length of the history when trials are told about in the order of their numbers.
func (h *History) Tell(outcomes []Outcome) []Change {
	var changes []Change
	for _, o := range outcomes {
		if o.Number < 1 || !h.space.Contains(o.Assignment) {
			continue
		}
		normalize(&o)
		i, known := h.find(o.Number)
		if !known {
			r := &Record{Outcome: o, Unit: h.space.ToUnit(o.Assignment, nil)}
			h.records = slices.Insert(h.records, i, r)
			changes = append(changes, Change{New: r})
			continue
		}
		old := h.records[i]
		if same(&old.Outcome, &o) {
			continue
		}
		r := &Record{Outcome: o, Unit: old.Unit}
		if !slices.Equal(old.Assignment, o.Assignment) {
			r.Unit = h.space.ToUnit(o.Assignment, nil)
		}
		h.records[i] = r
		changes = append(changes, Change{Old: old, New: r})
	}
	return changes
}

// normalize makes outcomes of one meaning the same: only completed and stopped trials have values, and only finite ones.
func normalize(o *Outcome) {
	usable := finite(o.Value)
	for _, v := range o.Others {
		usable = usable && finite(v)
	}
	switch {
	case o.State == Completed && !usable:
		o.State = Failed
	case o.State == Stopped && usable, o.State == Completed:
		return
	}
	o.Value, o.Others = math.NaN(), nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// same compares outcomes, NaN being like NaN.
func same(a, b *Outcome) bool {
	return a.State == b.State && a.Step == b.Step && cmp.Compare(a.Value, b.Value) == 0 && slices.Equal(a.Assignment, b.Assignment) &&
		slices.CompareFunc(a.Others, b.Others, cmp.Compare[float64]) == 0 && slices.CompareFunc(a.Violations, b.Violations, cmp.Compare[float64]) == 0 &&
		maps.Equal(a.Labels, b.Labels)
}

// Records are the last outcomes by number. The slice and the records are the History's and must not be changed.
func (h *History) Records() []*Record { return h.records }

// Len is the number of trials known.
func (h *History) Len() int { return len(h.records) }

// Get finds a trial; nil when it is not known.
func (h *History) Get(number int) *Record {
	if i, known := h.find(number); known {
		return h.records[i]
	}
	return nil
}

func (h *History) find(number int) (int, bool) {
	if n := len(h.records); n == 0 || h.records[n-1].Number < number {
		return n, false
	}
	return slices.BinarySearchFunc(h.records, number, func(r *Record, n int) int { return cmp.Compare(r.Number, n) })
}
