package tpe

import (
	"math"

	"qalam/space"
)

// known counts how often assignments were tried, in spaces where one can come up twice: those whose every value can be counted.
type known struct{ times map[uint64]int } // by fingerprint; nil in other spaces

func newKnown(s *space.Space) *known {
	if _, finite := s.Size(); finite {
		return &known{map[uint64]int{}}
	}
	return &known{}
}

// fingerprint is a hash of 64 bits: two of 100,000 assignments share one with a chance of 3e-10.
func fingerprint(a space.Assignment) uint64 {
	h := uint64(len(a))
	for _, v := range a { // the finalizer of SplitMix64 after each value
		h = (h ^ math.Float64bits(v+0)) + 0x9e3779b97f4a7c15 // +0 makes -0 the same as 0
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

func (k *known) add(a space.Assignment) {
	if k.times != nil {
		k.times[fingerprint(a)]++
	}
}

func (k *known) remove(a space.Assignment) {
	if k.times == nil {
		return
	}
	h := fingerprint(a)
	if k.times[h]--; k.times[h] <= 0 {
		delete(k.times, h)
	}
}

func (k *known) has(a space.Assignment) bool {
	return k.times != nil && k.times[fingerprint(a)] > 0
}
