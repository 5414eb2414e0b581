package problem

import "math"

// Twister gives the random numbers of numpy's RandomState and of Python's random.Random, so that instances and noise are those
// with which peers were measured before.
//
// M. Matsumoto, T. Nishimura, "Mersenne twister: a 623-dimensionally equidistributed uniform pseudo-random number generator", ACM
// Transactions on Modeling and Computer Simulation 8(1), 3-30 (1998); the initialisations are those of 2002.
type Twister struct {
	state  [twisterSize]uint32
	next   int
	spare  float64 // the second normal number of a pair
	spared bool
}

const (
	twisterSize = 624
	twisterLag  = 397
)

// NewRandomState is RandomState(seed).
func NewRandomState(seed uint32) *Twister {
	t := &Twister{next: twisterSize}
	t.state[0] = seed
	for i := 1; i < twisterSize; i++ {
		t.state[i] = 1812433253*(t.state[i-1]^t.state[i-1]>>30) + uint32(i)
	}
	return t
}

// NewPythonRandom is random.Random(seed).
func NewPythonRandom(seed uint32) *Twister {
	t := NewRandomState(19650218)
	i := 1
	step := func(factor, add uint32, subtract bool) {
		mixed := t.state[i] ^ (t.state[i-1]^t.state[i-1]>>30)*factor
		if subtract {
			t.state[i] = mixed - uint32(i)
		} else {
			t.state[i] = mixed + add
		}
		if i++; i >= twisterSize {
			t.state[0], i = t.state[twisterSize-1], 1
		}
	}
	for range twisterSize {
		step(1664525, seed, false) // the key has one word, of index 0
	}
	for range twisterSize - 1 {
		step(1566083941, 0, true)
	}
	t.state[0] = 1 << 31
	return t
}

func (t *Twister) refill() {
	for k := range twisterSize {
		y := t.state[k]&(1<<31) | t.state[(k+1)%twisterSize]&(1<<31-1)
		v := t.state[(k+twisterLag)%twisterSize] ^ y>>1
		if y&1 == 1 {
			v ^= 0x9908b0df
		}
		t.state[k] = v
	}
	t.next = 0
}

// Uint32 gives 32 random bits.
func (t *Twister) Uint32() uint32 {
	if t.next == twisterSize {
		t.refill()
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Float64 is random_sample(), and random() in Python.
func (t *Twister) Float64() float64 {
	a, b := t.Uint32()>>5, t.Uint32()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

// Uniform is uniform(low, high).
func (t *Twister) Uniform(low, high float64) float64 {
	return low + float64((high-low)*t.Float64())
}

// IntN is randint(n) of numpy.
func (t *Twister) IntN(n int) int {
	if n == 1 {
		return 0
	}
	most := uint32(n - 1)
	mask := most
	for shift := 1; shift < 32; shift *= 2 {
		mask |= mask >> shift
	}
	for {
		if v := t.Uint32() & mask; v <= most {
			return int(v)
		}
	}
}

// Normal is randn().
func (t *Twister) Normal() float64 {
	if t.spared {
		t.spared = false
		return t.spare
	}
	for {
		a, b := 2*t.Float64()-1, 2*t.Float64()-1
		r := float64(a*a) + float64(b*b)
		if r < 1 && r != 0 {
			f := math.Sqrt(-2 * math.Log(r) / r)
			t.spare, t.spared = f*a, true
			return f * b
		}
	}
}

// Shuffle orders 0 to n-1 as shuffle(list(range(n))) does in Python.
func (t *Twister) Shuffle(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		bits := 0
		for v := i + 1; v > 0; v >>= 1 {
			bits++
		}
		j := n
		for j > i {
			j = int(t.Uint32() >> (32 - bits))
		}
		order[i], order[j] = order[j], order[i]
	}
	return order
}
