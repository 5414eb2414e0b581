package hyperband

import (
	"cmp"
	"math"
	"slices"
)

// brackets is Hyperband, algorithm 1 of Li et al. 2018: bracket s begins n = ⌈(s_max+1) η^s/(s+1)⌉ configurations with R·η^-s of the
// resource, and each time all trials at a rung are over, the best ⌊n_i/η⌋ go on. The brackets s_max, s_max-1, …, 0 follow
// one another again and again, or in the shares that the results are for, see trust.go. They overlap: where a rung waits for its
// last trials, the next bracket begins, as in DEHB (Awad et al. 2021, section 3.3).
//
// A bracket's number says what s is: the numbers of those that are passed over are left out.
type brackets struct {
	eta     float64
	rungs   int // s_max + 1
	all     map[int]*instance
	open    []int    // brackets that may want something, in increasing order
	numbers []int    // of all brackets, in increasing order
	fixed   bool     // they follow one another in turn
	versus  []versus // by rung, from 1
}

// instance is one bracket that was begun.
type instance struct {
	rungs  [][]member // by rung of its own, in the order of the trials' numbers
	closed bool       // nothing goes on any more
}

func newBrackets(eta float64, rungs int) *brackets {
	return &brackets{eta: eta, rungs: rungs, all: map[int]*instance{}, versus: make([]versus, rungs)}
}

// s is the number of halvings in a bracket, and start how many configurations it begins.
func (b *brackets) s(bracket int) int { return b.rungs - 1 - bracket%b.rungs }

func (b *brackets) start(s int) int {
	return int(math.Ceil(float64(b.rungs) * math.Pow(b.eta, float64(s)) / float64(s+1)))
}

func (b *brackets) change(old, now *member) {
	b.compare(old, -1)
	b.compare(now, 1)
	if old != nil && old.bracket >= 0 {
		if x, k := b.all[old.bracket], old.rung-(b.rungs-1-b.s(old.bracket)); k >= 0 {
			x.rungs[k] = slices.DeleteFunc(x.rungs[k], func(m member) bool { return m.number == old.number })
			if x.closed {
				x.closed = false
				b.open = insert(b.open, old.bracket)
			}
			if !slices.ContainsFunc(x.rungs, func(r []member) bool { return len(r) > 0 }) {
				delete(b.all, old.bracket)
				b.open = remove(b.open, old.bracket)
				b.numbers = remove(b.numbers, old.bracket)
			}
		}
	}
	if now != nil && now.bracket >= 0 {
		s := b.s(now.bracket)
		k := now.rung - (b.rungs - 1 - s)
		if k < 0 {
			return // no trial of ours
		}
		x := b.all[now.bracket]
		if x == nil {
			x = &instance{rungs: make([][]member, s+1), closed: true}
			b.all[now.bracket] = x
			b.numbers = insert(b.numbers, now.bracket)
		}
		i, _ := slices.BinarySearchFunc(x.rungs[k], now.number, func(m member, n int) int { return cmp.Compare(m.number, n) })
		x.rungs[k] = slices.Insert(x.rungs[k], i, *now)
		if x.closed {
			x.closed = false
			b.open = insert(b.open, now.bracket)
		}
	}
}

// compare takes a trial that is over into the comparisons at its rung, by = 1, or out of them, by = -1.
func (b *brackets) compare(m *member, by int) {
	if m == nil || m.bracket < 0 || m.rung == 0 || !m.over() {
		return
	}
	if first := b.rungs - 1 - b.s(m.bracket); m.rung >= first {
		b.versus[m.rung].change(entryOf(m), m.rung > first, by)
	}
}

func insert(sorted []int, n int) []int {
	i, found := slices.BinarySearch(sorted, n)
	if found {
		return sorted
	}
	return slices.Insert(sorted, i, n)
}

func remove(sorted []int, n int) []int {
	if i, found := slices.BinarySearch(sorted, n); found {
		return slices.Delete(sorted, i, i+1)
	}
	return sorted
}

// settle finds the brackets that want nothing any more.
func (b *brackets) settle() {
	b.open = slices.DeleteFunc(b.open, func(number int) bool {
		x := b.all[number]
		_, _, x.closed = b.promote(number, x)
		return x.closed
	})
}

// next continues the oldest bracket that can go on, or begins a configuration in the latest one, or in a new one.
func (b *brackets) next() job {
	for i := 0; i < len(b.open); {
		number := b.open[i]
		j, found, closed := b.promote(number, b.all[number])
		if found {
			return j
		}
		if closed {
			b.all[number].closed = true
			b.open = slices.Delete(b.open, i, i+1)
			continue
		}
		i++
	}
	last := 0
	if n := len(b.numbers); n > 0 {
		last = b.numbers[n-1]
		if s := b.s(last); len(b.all[last].rungs[0]) >= b.start(s) {
			last = b.follow(last)
		}
	}
	return job{rung: b.rungs - 1 - b.s(last), bracket: last}
}

// follow is the number of the bracket that begins after another one, the latest.
func (b *brackets) follow(last int) int {
	if b.fixed {
		return last + 1
	}
	begun := make([]int, b.rungs)
	for _, number := range b.numbers {
		begun[b.s(number)]++
	}
	s := most(shares(trusts(b.versus)), begun)
	for last++; b.s(last) != s; last++ {
	}
	return last
}

// promote finds what goes on in a bracket. closed says that nothing will any more.
func (b *brackets) promote(bracket int, x *instance) (j job, found, closed bool) {
	s := b.s(bracket)
	want := b.start(s)
	for k := range s {
		here := x.rungs[k]
		if len(here) < want || slices.ContainsFunc(here, func(m member) bool { return !m.over() }) {
			return job{}, false, false
		}
		ranked := slices.DeleteFunc(slices.Clone(here), func(m member) bool { return !m.done() })
		slices.SortFunc(ranked, func(p, q member) int {
			return compareEntries(entryOf(&p), entryOf(&q))
		})
		want = min(max(1, int(float64(want)/b.eta)), len(ranked))
		for _, m := range ranked[:want] {
			if !slices.ContainsFunc(x.rungs[k+1], func(up member) bool { return up.config == m.config }) {
				return job{from: m.number, config: m.config, rung: m.rung + 1, bracket: bracket}, true, false
			}
		}
		if want == 0 {
			return job{}, false, true
		}
	}
	full := len(x.rungs[s]) >= want && !slices.ContainsFunc(x.rungs[s], func(m member) bool { return !m.over() })
	return job{}, false, full
}
