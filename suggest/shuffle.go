package suggest

import (
	"math/bits"

	"qalam/space"
)

// largestShuffle is the number of assignments from which drawing the same one twice is rare enough not to be avoided.
const largestShuffle = 1 << 40

// shuffleSize is the number of assignments of a space in which all are equally likely, 0 where they are not or are too many.
func shuffleSize(s *space.Space) uint64 {
	if !s.Plain() {
		return 0
	}
	for _, p := range s.Parameters() {
		if p.Distribution != "" && p.Distribution != space.Uniform {
			return 0
		}
	}
	if size, finite := s.Size(); finite && size <= largestShuffle {
		return size
	}
	return 0
}

// shuffled is the place of i, 0 ≤ i < size, in a permutation of 0 … size-1 that key picks: a balanced Feistel network over the
// smallest domain of an even number of bits that holds size, entered again until it leads to a number below size.
//
// J. Black, P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, section 5 (generalized Feistel) with section 3's
// cycle walking.
func shuffled(i, size, key uint64) uint64 {
	half := (bits.Len64(size-1) + 1) / 2
	mask := uint64(1)<<half - 1
	for {
		left, right := i>>half, i&mask
		for round := range uint64(6) {
			left, right = right, left^mix(key+golden*(round+1)+right<<8)&mask
		}
		if i = left<<half | right; i < size {
			return i
		}
	}
}
