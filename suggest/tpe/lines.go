package tpe

import (
	"cmp"
	"math"
	"slices"

	"qalam/suggest/normal"
)

// lines are the kernels of a mixture in the order of their coordinates along every column, from which their widths follow, and what
// is known of each. A trial more or less changes the widths of its neighbours alone.
type lines struct {
	axes           []axis
	columns        []int // of the axes, which they are
	reals, numbers int   // how many of the columns are real and always active, and how many are real

	points []*point // the kernels' centres
	slots  []int32  // where what is known of each is kept
	line   [][]entry
	narrow []float64 // by column: the least width
	count  []int     // ... for so many kernels on the line, and one,
	shrink float64   // and by this rule
	before []float64 // ... and what it was before
	memo   *memo

	// By slot.
	place   []int32   // among the points; -1 where the slot is free
	weight  []float64 // of the kernel when its height was found; 0 where that is to be done
	height  []float64 // ln h_i
	centre  []pair    // ... and column: 0 where idle
	mass    []mass    // ... and column: 0 where idle
	heights []float64 // ... and column from reals on: ln h_ij, 0 where idle
	table   []int32   // ... and column from numbers on: where in the memo the kernel's table is, or none
	free    []int32   // slots

	// Used again by every build.
	at         []float64
	gone, come []int32
	next       []int32
}

// entry is a kernel on a line.
type entry struct {
	u    float64
	slot int32
}

// pair is the centre of a kernel and 1/(√2 σ).
type pair struct{ mu, inverse float64 }

// mass is the width of a kernel, and the mass of the untruncated one on either side of [0, 1].
type mass struct{ sigma, below, above float64 }

// none is in place of a table that was not needed so far.
const none = -1

const sqrt2Pi = math.Sqrt2 * math.SqrtPi

// massOf is the mass of a kernel.
func massOf(mu, sigma float64) mass {
	const far = 9 // standard deviations beyond which no mass is left
	m := mass{sigma: sigma}
	if mu < far*sigma {
		m.below = normal.CDF(-mu / sigma)
	}
	if 1-mu < far*sigma {
		m.above = normal.CDF((mu - 1) / sigma)
	}
	return m
}

// area is 1/h_ij. The kernel's centre lies in [0, 1], so that it is never small beside σ.
func (m *mass) area() float64 { return sqrt2Pi * m.sigma * (1 - m.below - m.above) }

func newLines(axes []axis, over []int) lines {
	l := lines{axes: axes}
	for kind, accept := range []func(a *axis) bool{
		func(a *axis) bool { return a.kind == real && !a.conditional },
		func(a *axis) bool { return a.kind == real && a.conditional },
		func(a *axis) bool { return a.kind == ordinal },
	} {
		for _, j := range over {
			if accept(&axes[j]) {
				l.columns = append(l.columns, j)
			}
		}
		switch kind {
		case 0:
			l.reals = len(l.columns)
		case 1:
			l.numbers = len(l.columns)
		}
	}
	n := len(l.columns)
	l.line, l.narrow, l.count, l.before = make([][]entry, n), make([]float64, n), make([]int, n), make([]float64, n)
	l.memo = newMemo(axes, l.columns[l.numbers:])
	return l
}

// bounded is the number of columns of which heights are kept, steps of those with tables.
func (l *lines) bounded() int { return len(l.columns) - l.reals }
func (l *lines) steps() int   { return len(l.columns) - l.numbers }

// follow takes the kernels' centres in.
func (l *lines) follow(points []*point, rule kernels) {
	l.match(points)
	changed := len(l.gone) + len(l.come)
	anew := changed > 16+len(points)/4
	if l.memo.trim() {
		for i := range l.table {
			l.table[i] = none
		}
	}
	for k := range l.columns {
		l.narrows(k, points, rule)
		if !anew {
			l.leave(k, rule)
		}
	}
	for _, slot := range l.gone {
		l.place[slot] = -1
	}
	l.free = append(l.free, l.gone...)
	for _, i := range l.come {
		l.next[i] = l.occupy()
	}
	l.points = append(l.points[:0], points...)
	l.slots, l.next = l.next, l.slots
	if changed > 0 {
		for i, slot := range l.slots {
			l.place[slot] = int32(i)
		}
	}
	for k := range l.columns {
		if anew {
			l.order(k)
		} else {
			l.enter(k, rule)
		}
		l.rewiden(k, anew, rule)
	}
	l.shrink = rule.shrink
}

// rewiden finds the widths on line k that another least width changes, or all.
func (l *lines) rewiden(k int, all bool, rule kernels) {
	least := max(l.before[k], l.narrow[k]) // wider kernels are as wide as their neighbours are far
	if !all && l.before[k] == l.narrow[k] {
		return
	}
	for r, e := range l.line[k] {
		if all || l.mass[int(e.slot)*len(l.columns)+k].sigma <= least {
			l.widen(k, r, rule)
		}
	}
}

// narrows finds the least width of kernels at points on line k.
func (l *lines) narrows(k int, points []*point, rule kernels) {
	l.before[k] = l.narrow[k]
	j := l.columns[k]
	n := len(points)
	if l.axes[j].conditional {
		for _, p := range points {
			if p.choices[j] == idle {
				n--
			}
		}
	}
	if l.count[k] == n+1 && l.shrink == rule.shrink {
		return
	}
	l.count[k] = n + 1
	narrow := max(rule.narrow, math.Pow(float64(n+2), -rule.shrink))
	if count := l.axes[j].count; count > 0 {
		narrow = max(narrow, rule.steps/float64(count))
	}
	l.narrow[k] = narrow
}

// match finds the kernels that stay: next are their slots, come the places of those that are new, gone the slots of the others.
func (l *lines) match(points []*point) {
	const ahead = 64 // how many that are gone may lie before one that stays; a larger number would do no more than save work
	l.next, l.come, l.gone = resize(l.next, len(points)), l.come[:0], l.gone[:0]
	at := 0
	for i, p := range points {
		if at < len(l.points) && l.points[at] == p {
			l.next[i] = l.slots[at]
			at++
			continue
		}
		found := slices.Index(l.points[at:min(len(l.points), at+ahead)], p)
		if found < 0 {
			l.come = append(l.come, int32(i))
			continue
		}
		l.gone = append(l.gone, l.slots[at:at+found]...)
		l.next[i] = l.slots[at+found]
		at += found + 1
	}
	l.gone = append(l.gone, l.slots[at:]...)
}

// occupy finds a slot for a kernel and clears it.
func (l *lines) occupy() int32 {
	if last := len(l.free) - 1; last >= 0 {
		slot := l.free[last]
		l.free = l.free[:last]
		at := int(slot)
		l.weight[at] = 0
		clear(l.centre[at*len(l.columns):][:len(l.columns)])
		clear(l.mass[at*len(l.columns):][:len(l.columns)])
		clear(l.heights[at*l.bounded():][:l.bounded()])
		return slot
	}
	slot := int32(len(l.place))
	l.place, l.weight, l.height = append(l.place, 0), append(l.weight, 0), append(l.height, 0)
	l.centre = append(l.centre, make([]pair, len(l.columns))...)
	l.mass = append(l.mass, make([]mass, len(l.columns))...)
	l.heights = append(l.heights, make([]float64, l.bounded())...)
	l.table = append(l.table, make([]int32, l.steps())...)
	return slot
}

// search finds a kernel's place on a line: kernels at the same coordinate are in the order of their places among all.
func (l *lines) search(k int, u float64, place int32) (r int, ok bool) {
	line := l.line[k]
	low, high := 0, len(line)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if e := line[middle]; e.u < u || e.u == u && l.place[e.slot] < place {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(line) && line[low].u == u && l.place[line[low].slot] == place
}

// around finds the widths of the kernels around rank r of line k anew.
func (l *lines) around(k, r int, rule kernels) {
	for near := max(0, r-1); near < min(len(l.line[k]), r+2); near++ {
		l.widen(k, near, rule)
	}
}

// leave takes those that are gone from line k.
func (l *lines) leave(k int, rule kernels) {
	j := l.columns[k]
	for _, slot := range l.gone {
		if r, ok := l.search(k, l.points[l.place[slot]].u[j], l.place[slot]); ok {
			l.line[k] = slices.Delete(l.line[k], r, r+1)
			l.around(k, r, rule)
		}
	}
}

// enter puts those that are new on line k.
func (l *lines) enter(k int, rule kernels) {
	j := l.columns[k]
	for _, i := range l.come {
		if p := l.points[i]; p.choices[j] != idle {
			r, _ := l.search(k, p.u[j], i)
			l.line[k] = slices.Insert(l.line[k], r, entry{p.u[j], l.slots[i]})
			l.around(k, r, rule)
		}
	}
}

// order makes line k from all points.
func (l *lines) order(k int) {
	j, line := l.columns[k], l.line[k][:0]
	for i, p := range l.points {
		if p.choices[j] != idle {
			line = append(line, entry{p.u[j], l.slots[i]})
		}
	}
	slices.SortFunc(line, func(a, b entry) int {
		if c := cmp.Compare(a.u, b.u); c != 0 {
			return c
		}
		return int(l.place[a.slot] - l.place[b.slot])
	})
	l.line[k] = line
}

// widen finds σ of the kernel at rank r of line k: the larger of the distances to the neighbours on both sides.
func (l *lines) widen(k, r int, rule kernels) {
	line := l.line[k]
	n, mu, slot := len(line), line[r].u, int(line[r].slot)
	below, above := mu, 1-mu
	if r > 0 {
		below = mu - line[r-1].u
	} else if !rule.ends && n > 1 {
		below = 0
	}
	if r < n-1 {
		above = line[r+1].u - mu
	} else if !rule.ends && n > 1 {
		above = 0
	}
	sigma := max(l.narrow[k], min(1, max(below, above)))
	m := &l.mass[slot*len(l.columns)+k]
	if m.sigma == sigma {
		return
	}
	*m = massOf(mu, sigma)
	l.weight[slot] = 0
	if k < l.numbers {
		l.centre[slot*len(l.columns)+k] = pair{mu, 1 / (math.Sqrt2 * sigma)}
	} else {
		l.table[slot*l.steps()+k-l.numbers] = none
	}
	if k >= l.reals {
		l.heights[slot*l.bounded()+k-l.reals] = -math.Log(m.area())
	}
}

// weigh finds the heights of kernels that have changed in width or weight.
func (l *lines) weigh(weights []float64) {
	for i, slot := range l.slots {
		w := weights[i]
		if l.weight[slot] == w {
			continue
		}
		l.weight[slot] = w
		// One logarithm for some axes: their product cannot underflow.
		height, product, factors := 0.0, 1/w, 0
		row := l.mass[int(slot)*len(l.columns):][:l.reals]
		for k := range row {
			product *= row[k].area()
			if factors++; factors == 64 {
				height, product, factors = height-math.Log(product), 1, 0
			}
		}
		height -= math.Log(product)
		for _, h := range l.heights[int(slot)*l.bounded():][:l.bounded()] {
			height += h
		}
		l.height[slot] = height
	}
}

func resize[E any](s []E, n int) []E { return slices.Grow(s[:0], n)[:n] }
