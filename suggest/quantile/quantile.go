// Package quantile keeps numbers split at a rank, so that the k-th smallest is known at once. It knows numbers only.
package quantile

import "math"

// Split keeps numbers, none of them NaN, in two heaps that meet at a rank k: adding one costs a logarithm, the k-th smallest
// nothing. The zero value is empty.
type Split struct {
	lower heap // the k smallest, negated, so that its top is the largest
	upper heap // all others
}

// Len is how many numbers there are.
func (s *Split) Len() int { return len(s.lower) + len(s.upper) }

// Add adds a number and moves the rank to k, from 0 to the new Len. It costs a logarithm for each number that changes sides.
func (s *Split) Add(v float64, k int) {
	if len(s.lower) > 0 && v < -s.lower[0] {
		s.lower.push(-v)
	} else {
		s.upper.push(v)
	}
	for len(s.lower) < k {
		s.lower.push(-s.upper.pop())
	}
	for len(s.lower) > k {
		s.upper.push(-s.lower.pop())
	}
}

// Kth is the k-th smallest, -Inf where k is 0.
func (s *Split) Kth() float64 {
	if len(s.lower) == 0 {
		return math.Inf(-1)
	}
	return -s.lower[0]
}

// Next is the smallest number after the k-th, +Inf where there is none.
func (s *Split) Next() float64 {
	if len(s.upper) == 0 {
		return math.Inf(1)
	}
	return s.upper[0]
}

// heap is a binary heap with the smallest number at its top, index 0.
type heap []float64

func (h *heap) push(v float64) {
	*h = append(*h, v)
	a := *h
	for i := len(a) - 1; i > 0; {
		parent := (i - 1) / 2
		if a[parent] <= a[i] {
			break
		}
		a[parent], a[i] = a[i], a[parent]
		i = parent
	}
}

func (h *heap) pop() float64 {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	*h = a[:last]
	a = a[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if a[child] < a[least] {
				least = child
			}
		}
		if least == i {
			return top
		}
		a[i], a[least] = a[least], a[i]
		i = least
	}
}
