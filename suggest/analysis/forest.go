package analysis

import (
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
)

// Forest predicts the objective by regression trees,
//
//	P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63(1), 3-42 (2006):
//
// at every node some thresholds are drawn in each dimension, and the one that reduces the variance of the values most is taken. Each
// tree orders the values of a categorical parameter anew, so that a threshold is a random half of them. In trials in which a
// parameter does not matter, its coordinate is drawn at random, for each tree again: the function that is learned does not depend
// on it there.
type Forest struct {
	space *space.Space
	axes  []axis
	rows  []row
	trees []*tree
}

// tree is a partition of the unit cube into boxes.
type tree struct {
	order [][]int // of each categorical parameter: the place of each value; nil for others
	nodes []node  // the root is 0
	boxes []box
}

// node sends coordinates below the threshold to the left.
type node struct {
	dim         int
	threshold   float64
	left, right int // node, or -1-b for box b
}

// box is a leaf with its sides in the tree's own coordinates.
type box struct {
	low, high []float64
	volume    float64
	value     float64
}

const (
	treeCount = 24
	leafRows  = 2 // a node with fewer than twice as many rows is not divided
	maxDepth  = 40
)

// forestRows is how many rows a forest in d dimensions is made of at most, and thresholds how many are drawn in a dimension, so that it
// takes a few dozen milliseconds whatever d.
func forestRows(d int) int { return max(300, min(1500, 5000/max(1, d))) }
func thresholds(d int) int { return max(2, min(6, 12/max(1, d))) }

// Forest fits the model to the trials, of which it takes the best fifth and others evenly, from 300 of them in many dimensions
// to 1,500 in few. Values far above the others,
// as of a training that diverged, are taken down to the median and 4 standard deviations as the median deviation has them. Its
// error is ErrTooFew.
func (a *Analysis) Forest() (*Forest, error) {
	if a.forest != nil {
		return a.forest, nil
	}
	rows := a.completed()
	if len(rows) < 2*leastRows {
		return nil, ErrTooFew
	}
	f := &Forest{space: a.space, axes: axes(a.space), rows: capped(a.activated(sample(rows, forestRows(a.space.Len()))))}
	for t := range treeCount {
		f.trees = append(f.trees, f.grow(generator(1000+t)))
	}
	a.forest = f
	return f, nil
}

// sample takes the best rows for a fifth of n, and others evenly.
func sample(rows []row, n int) []row {
	if len(rows) <= n {
		return rows
	}
	cut := lowest(rows, n/5-1)
	var good, others []row
	for _, r := range rows {
		if r.value <= cut && len(good) < n/5 {
			good = append(good, r)
		} else {
			others = append(others, r)
		}
	}
	return append(good, spread(others, n-len(good))...)
}

// capped takes outliers down.
func capped(rows []row) []row {
	sorted := values(rows)
	median := quantile(sorted, 0.5)
	deviations := make([]float64, len(sorted))
	for i, v := range sorted {
		deviations[i] = math.Abs(v - median)
	}
	slices.Sort(deviations)
	most := median + 4*1.4826*quantile(deviations, 0.5)
	const bound = 1e140 // whose square is a number
	for i := range rows {
		if most > median {
			rows[i].value = min(rows[i].value, most)
		}
		rows[i].value = max(-bound, min(bound, rows[i].value))
	}
	return rows
}

// grower builds one tree.
type grower struct {
	*tree
	rng    *rand.Rand
	axes   []axis
	x      [][]float64 // by row, in the tree's own coordinates
	y      []float64
	side   []float64 // of the node at hand: low and high of each dimension
	bounds []float64 // likewise least and largest coordinate of its rows
}

func (f *Forest) grow(rng *rand.Rand) *tree {
	d := len(f.axes)
	g := &grower{tree: &tree{order: make([][]int, d)}, rng: rng, axes: f.axes, side: make([]float64, 2*d), bounds: make([]float64, 2*d)}
	for j, x := range f.axes {
		if !x.ordered {
			g.order[j] = rng.Perm(x.cells)
		}
		g.side[2*j+1] = 1
	}
	index := make([]int, len(f.rows))
	for i, r := range f.rows {
		u := slices.Clone(r.Unit)
		for j := range u {
			switch {
			case r.active != nil && !r.active[j]:
				u[j] = rng.Float64()
			case g.order[j] != nil:
				u[j] = (float64(g.order[j][f.axes[j].cell(u[j])]) + 0.5) / float64(f.axes[j].cells)
			}
		}
		g.x, g.y = append(g.x, u), append(g.y, r.value)
		index[i] = i
	}
	g.divide(index, 0)
	return g.tree
}

// divide makes a node of rows or a box, and returns its number as node.left has it.
func (g *grower) divide(index []int, depth int) int {
	dim, threshold := -1, 0.0
	if len(index) >= 2*leafRows && depth < maxDepth {
		dim, threshold = g.split(index)
	}
	if dim < 0 {
		return g.leaf(index)
	}
	at := len(g.nodes)
	g.nodes = append(g.nodes, node{dim: dim, threshold: threshold})
	k := 0
	for i, r := range index {
		if g.x[r][dim] < threshold {
			index[i], index[k] = index[k], r
			k++
		}
	}
	low, high := g.side[2*dim], g.side[2*dim+1]
	g.side[2*dim+1] = threshold
	left := g.divide(index[:k], depth+1)
	g.side[2*dim], g.side[2*dim+1] = threshold, high
	right := g.divide(index[k:], depth+1)
	g.side[2*dim] = low
	g.nodes[at].left, g.nodes[at].right = left, right
	return at
}

func (g *grower) leaf(index []int) int {
	d := len(g.side) / 2
	b := box{low: make([]float64, d), high: make([]float64, d), volume: 1}
	for j := range d {
		b.low[j], b.high[j] = g.side[2*j], g.side[2*j+1]
		b.volume *= b.high[j] - b.low[j]
	}
	for _, r := range index {
		b.value += g.y[r] / float64(len(index))
	}
	g.boxes = append(g.boxes, b)
	return -len(g.boxes)
}

// split draws thresholds in every dimension and picks the one after which the squares of the sums of the two sides, each over its
// number of rows, add up to most: that leaves the least variance. It is -1 where no dimension divides the rows.
func (g *grower) split(index []int) (dim int, threshold float64) {
	dim = -1
	mean := 0.0
	for _, r := range index {
		mean += g.y[r] / float64(len(index))
	}
	most := 0.0
	d := len(g.side) / 2
	for j := range d {
		low, high := math.Inf(1), math.Inf(-1)
		for _, r := range index {
			low, high = min(low, g.x[r][j]), max(high, g.x[r][j])
		}
		for range thresholds(d) {
			at := g.threshold(j, low, high)
			if at <= low || at > high {
				continue
			}
			if gain := g.gain(index, j, at, mean); gain > most {
				most, dim, threshold = gain, j, at
			}
		}
	}
	return dim, threshold
}

// threshold draws one between the coordinates low and high; where cells are values, one between two cells.
func (g *grower) threshold(j int, low, high float64) float64 {
	x := g.axes[j]
	if !x.exact {
		return low + g.rng.Float64()*(high-low)
	}
	first, last := x.cell(low), x.cell(high)
	if first == last {
		return low
	}
	return float64(first+1+g.rng.IntN(last-first)) / float64(x.cells)
}

// gain is what a threshold takes from the sum of squares.
func (g *grower) gain(index []int, j int, at, mean float64) float64 {
	n, sum := 0, 0.0
	for _, r := range index {
		if g.x[r][j] < at {
			n++
			sum += g.y[r] - mean
		}
	}
	if n == 0 || n == len(index) {
		return 0
	}
	return sum * sum * (1/float64(n) + 1/float64(len(index)-n))
}

// predict is the value of the box around a point, in the tree's own coordinates.
func (t *tree) predict(u []float64) float64 {
	at := 0
	if len(t.nodes) == 0 {
		return t.boxes[0].value
	}
	for at >= 0 {
		n := &t.nodes[at]
		if u[n.dim] < n.threshold {
			at = n.left
		} else {
			at = n.right
		}
	}
	return t.boxes[-1-at].value
}

// Predict is the mean of the trees at an assignment, and the standard deviation between them.
func (f *Forest) Predict(a space.Assignment) (mean, sd float64) {
	u := f.space.ToUnit(a, nil)
	own := make([]float64, len(u))
	return f.at(u, own)
}

// at is Predict at a point of the unit cube; own is room for a point.
func (f *Forest) at(u, own []float64) (mean, sd float64) {
	m := moments{}
	for _, t := range f.trees {
		copy(own, u)
		for j, order := range t.order {
			if order != nil {
				own[j] = (float64(order[f.axes[j].cell(u[j])]) + 0.5) / float64(len(order))
			}
		}
		m.add(t.predict(own))
	}
	return m.mean, m.sd()
}

// moments sums up numbers by the method of B. P. Welford, "Note on a method for calculating corrected sums of squares and
// products", Technometrics 4(3), 419-420 (1962).
type moments struct{ n, mean, squares float64 }

func (m *moments) add(v float64) {
	m.n++
	d := v - m.mean
	m.mean += d / m.n
	m.squares += d * (v - m.mean)
}

func (m *moments) variance() float64 { return m.squares / max(1, m.n) }
func (m *moments) sd() float64       { return math.Sqrt(m.variance()) }
