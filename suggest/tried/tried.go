// Package tried remembers which assignments trials have had, so that no algorithm spends a trial on one that is known. It knows
// assignments and their number, not how they are found.
package tried

import (
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// Set holds the assignments of the trials told. In a space in which two draws are never the same, one with a parameter that is
// real and always matters, it holds none and costs nothing.
type Set struct {
	space  *space.Space
	size   uint64         // of the space; math.MaxUint64 where it is not finite
	counts map[uint64]int // trials by the hash of their assignment; nil where none repeats
}

// New makes an empty Set.
func New(s *space.Space) *Set {
	t := &Set{space: s, size: math.MaxUint64}
	n, finite := s.Size()
	if finite {
		t.size = n
	}
	if finite || s.Conditional() {
		t.counts = map[uint64]int{}
	}
	return t
}

// Tell takes in what changed in the history.
func (t *Set) Tell(c suggest.Change) {
	if t.counts == nil || c.Old != nil && slices.Equal(c.Old.Assignment, c.New.Assignment) {
		return
	}
	t.counts[hash(c.New.Assignment)]++
	if c.Old != nil {
		h := hash(c.Old.Assignment)
		if t.counts[h]--; t.counts[h] == 0 {
			delete(t.counts, h)
		}
	}
}

// hash is FNV-1a on the bits of the values, with the upper half folded into the lower after each.
func hash(a space.Assignment) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range a {
		h ^= math.Float64bits(v)
		h *= 1099511628211
		h ^= h >> 32
	}
	return h
}

// Batch is a Set with further assignments that were proposed at one time.
type Batch struct {
	*Set
	proposed map[uint64]bool
	fresh    int // how many of them no trial has had
}

// Batch begins an empty batch, which is to be used until the next Tell.
func (t *Set) Batch() *Batch { return &Batch{Set: t} }

// Fits reports whether an assignment is worth a trial: the restrictions of the space hold, no trial has had it, and it is not in
// the batch. In a space all of which was tried only the last counts, and that too only until all of it is in the batch.
func (b *Batch) Fits(a space.Assignment) bool {
	if b.counts == nil {
		return b.space.Allows(a)
	}
	h := hash(a)
	known := b.counts[h] > 0 && uint64(len(b.counts)+b.fresh) < b.size
	repeated := b.proposed[h] && uint64(len(b.proposed)) < b.size
	return !known && !repeated && b.space.Allows(a)
}

// Add puts an assignment into the batch.
func (b *Batch) Add(a space.Assignment) {
	if b.counts == nil {
		return
	}
	h := hash(a)
	if b.proposed == nil {
		b.proposed = map[uint64]bool{}
	}
	if !b.proposed[h] && b.counts[h] == 0 {
		b.fresh++
	}
	b.proposed[h] = true
}

// small is the largest space that is searched for what is left.
const small = 1 << 14

// Left finds an assignment that fits in a small space, nil where there is none and in larger spaces. It looks from a place that
// depends on number, so that successive trials do not stay in one corner.
func (b *Batch) Left(number int) space.Assignment {
	if b.size > small {
		return nil
	}
	from := uint64(number) * 0x9e3779b97f4a7c15 % b.size
	for i := range b.size {
		if a := b.space.At((from + i) % b.size); b.Fits(a) {
			return a
		}
	}
	return nil
}
