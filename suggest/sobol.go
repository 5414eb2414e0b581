package suggest

import (
	_ "embed" // the table of direction numbers
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"qalam/space"
)

// The sequence, in the notation of
//
//	S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM Journal on Scientific
//	Computing 30(5), 2635-2654 (2008),
//
// with their direction numbers (file new-joe-kuo-6.21201), visited in the order of the Gray code:
//
//	I. A. Antonov, V. M. Saleev, "An economic method of computing LPτ-sequences", USSR Computational Mathematics and
//	Mathematical Physics 19(1), 252-256 (1979).
//
// The digits of every coordinate are permuted by a random tree, which keeps every elementary interval as evenly filled as it
// was and makes every single point uniform:
//
//	A. B. Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences", Monte Carlo and Quasi-Monte Carlo Methods in Scientific
//	Computing, Lecture Notes in Statistics 106, 299-317 (1995).

//go:embed joekuo.txt
var joeKuo string

const (
	// maxSobol is the number of dimensions of the table.
	maxSobol = 1111
	// sobolDigits is the number of binary digits that the sequence gives; its points repeat after 2^sobolDigits.
	sobolDigits = 32
)

// directions are the numbers v_1 to v_32 of one dimension, as binary fractions of 2^32.
type directions [sobolDigits]uint32

// sobolDirections computes the direction numbers of the first dims dimensions, at most maxSobol.
func sobolDirections(dims int) []directions {
	var first directions // the table begins with the second dimension; in the first every m_k is 1
	for k := range first {
		first[k] = 1 << (sobolDigits - 1 - k)
	}
	v := append(make([]directions, 0, dims+1), first)
	for line := range strings.Lines(joeKuo) {
		if len(v) >= dims {
			break
		}
		if !strings.HasPrefix(line, "#") {
			v = append(v, newDirections(line))
		}
	}
	return v[:dims]
}

// newDirections continues m_1 to m_s of a line of the table by Joe and Kuo's recurrence, with v_k = m_k / 2^k.
func newDirections(line string) (v directions) {
	fields := strings.Fields(line)
	number := func(i int) uint32 {
		n, _ := strconv.ParseUint(fields[i], 10, 32) // a test reads the whole table
		return uint32(n)
	}
	s, a := int(number(1)), number(2)
	for k := range s {
		v[k] = number(3+k) << (sobolDigits - 1 - k)
	}
	for k := s; k < sobolDigits; k++ {
		v[k] = v[k-s] ^ v[k-s]>>s
		for i := 1; i < s; i++ {
			if a>>(s-1-i)&1 == 1 {
				v[k] ^= v[k-i]
			}
		}
	}
	return v
}

// at is the coordinate of point index, from 0, as a binary fraction of 2^32.
func (v *directions) at(index uint32) uint32 {
	x := uint32(0)
	for gray := index ^ index>>1; gray != 0; gray &= gray - 1 {
		x ^= v[bits.TrailingZeros32(gray)]
	}
	return x
}

// scramble permutes the digits of x, a fraction of 2^32, as Owen's nested tree does, and continues it with random digits: the
// result is a fraction of 2^53. Whether a digit is flipped depends on the seed and the digits before it.
func scramble(x uint32, seed uint64) uint64 {
	var flips uint64
	for digit := range sobolDigits {
		node := 1<<digit | uint64(x)>>(sobolDigits-digit) // the root is 1, the children of n are 2n and 2n+1
		flips = flips<<1 | mix(seed+golden*node)>>63
	}
	leaf := 1<<sobolDigits | uint64(x)
	return (uint64(x)^flips)<<21 | mix(seed+golden*leaf)>>43
}

// Sequence is a scrambled Sobol sequence in the unit cube. The dimensions beyond those of the table are random.
type Sequence struct {
	seed uint64
	dims int
	v    []directions // of the first dimensions
}

// NewSequence makes the sequence of a seed.
func NewSequence(dims int, seed uint64) *Sequence {
	return &Sequence{seed: seed, dims: dims, v: sobolDirections(min(dims, maxSobol))}
}

// At writes the coordinates of a point, from 0, each in [0, 1), into u of length dims. After 2^32 points the sequence starts
// again, scrambled anew.
func (q *Sequence) At(index uint64, u []float64) {
	seed := mix(q.seed + golden*(index>>sobolDigits))
	for j := range q.dims {
		seed := mix(seed + golden*uint64(j+1))
		x := mix(seed+golden*(index+1)) >> 11
		if j < len(q.v) {
			x = scramble(q.v[j].at(uint32(index)), seed)
		}
		u[j] = float64(x) / (1 << 53)
	}
}

// sobol proposes the points of the scrambled sequence: suggestion n is a function of the seed and n.
type sobol struct {
	memoryless
	space    *space.Space
	sequence *Sequence
	u        []float64 // one point, used again
}

func newSobol(p Problem, settings Settings) (Suggester, error) {
	dims := p.Space.Len()
	return &sobol{space: p.Space, sequence: NewSequence(dims, SeedOf(p, settings)), u: make([]float64, dims)}, nil
}

func sobolSupports(p Problem, _ Settings) string {
	if n := p.Space.Len(); n > maxSobol {
		return fmt.Sprintf("it has %d parameters, and the sequence is known for %d: use random, or fix some of them", n, maxSobol)
	}
	return ""
}

// Ask lists n points of the sequence.
func (q *sobol) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, ErrNumber
	}
	suggestions := make([]Suggestion, max(n, 0))
	for i := range suggestions {
		q.sequence.At(uint64(first+i-1), q.u)
		suggestions[i].Assignment = q.space.FromUnit(q.u)
	}
	return suggestions, nil
}
