package hyperband

import (
	"cmp"
	"math"
	"slices"
)

// entry is a trial that is over at a rung.
type entry struct {
	violation float64 // of constraints
	value     float64 // +Inf, like violation, where there is none
	number    int
	config    int
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.violation, b.violation), cmp.Compare(a.value, b.value), cmp.Compare(a.number, b.number))
}

// ordered holds entries, best first, in blocks, so that one is added among 100,000 in about a microsecond.
type ordered struct {
	blocks [][]entry // none is empty
	size   int
}

// mostInBlock is near the square root of the number of entries for which ordered is made.
const mostInBlock = 512

// block is the one where an entry is or would be: the first whose last entry is not before it, or the last block.
func (o *ordered) block(e entry) int {
	i, _ := slices.BinarySearchFunc(o.blocks, e, func(b []entry, e entry) int { return compareEntries(b[len(b)-1], e) })
	return min(i, len(o.blocks)-1)
}

func (o *ordered) add(e entry) {
	o.size++
	if len(o.blocks) == 0 {
		o.blocks = [][]entry{{e}}
		return
	}
	i := o.block(e)
	at, _ := slices.BinarySearchFunc(o.blocks[i], e, compareEntries)
	b := slices.Insert(o.blocks[i], at, e)
	o.blocks[i] = b
	if len(b) > mostInBlock {
		half := len(b) / 2
		o.blocks[i] = b[:half:half]
		o.blocks = slices.Insert(o.blocks, i+1, slices.Clone(b[half:]))
	}
}

// remove takes an entry out that may be there.
func (o *ordered) remove(e entry) {
	if len(o.blocks) == 0 {
		return
	}
	i := o.block(e)
	at, found := slices.BinarySearchFunc(o.blocks[i], e, compareEntries)
	if !found {
		return
	}
	o.size--
	if o.blocks[i] = slices.Delete(o.blocks[i], at, at+1); len(o.blocks[i]) == 0 {
		o.blocks = slices.Delete(o.blocks, i, i+1)
	}
}

// first is the best entry that has a value.
func (o *ordered) first() (e entry, ok bool) {
	if o.size == 0 || math.IsInf(o.blocks[0][0].value, 1) {
		return entry{}, false
	}
	return o.blocks[0][0], true
}

// before is the number of entries that are better than e.
func (o *ordered) before(e entry) int {
	if o.size == 0 {
		return 0
	}
	i := o.block(e)
	n, _ := slices.BinarySearchFunc(o.blocks[i], e, compareEntries)
	for _, b := range o.blocks[:i] {
		n += len(b)
	}
	return n
}

// head is the best entries that have a value, so many at most.
func (o *ordered) head(most int) []entry {
	var out []entry
	for _, b := range o.blocks {
		for _, e := range b {
			if len(out) == most || math.IsInf(e.value, 1) {
				return out
			}
			out = append(out, e)
		}
	}
	return out
}

// spaced is the values of the entries before which stand 0, 1, 2, 3, 4, 6, 9, … others, half as many more each time, and of the
// last one that has a value.
func (o *ordered) spaced() []float64 {
	last := o.before(entry{violation: math.Inf(1), value: math.Inf(1)}) - 1
	var values []float64
	begin, next := 0, 0
	for _, b := range o.blocks {
		for next < begin+len(b) && next <= last {
			values = append(values, b[next-begin].value)
			if next == last {
				return values
			}
			next = min(max(next+1, next*3/2), last)
		}
		begin += len(b)
	}
	return values
}
