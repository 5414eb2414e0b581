package forest

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A tree divides the space into boxes. With
//
//	x_i ∈ R^d   the coordinates of trial i: in [0, 1], of a list the index of the value, -1 where the parameter does not matter
//	y_i         its value, one number
//
// every node draws a cut in each of some coordinates that vary among its trials: a threshold between their ends, of a list a random
// half of its values; it takes the one that leaves the least Σ (y_i - ȳ)² on both sides. -1 is a coordinate like any other, so that
// trials of different branches of a space are told apart early. Leaves keep the mean and variance of their trials.

// node is a node or, with dim leaf, a leaf.
type node struct {
	dim            int32   // the coordinate that is cut
	left, right    int32   // nodes
	salt           uint64  // of a list: which values go left
	threshold      float64 // else: up to which they do
	mean, variance float64 // of a leaf
}

const leaf = -1

const (
	splitRows = 3  // trials from which on a node is divided
	mostDims  = 24 // coordinates looked at for one cut
)

// goesLeft is where a value goes.
func (n *node) goesLeft(v float64, listed bool) bool {
	if listed {
		return spread(n.salt, v)
	}
	return v <= n.threshold
}

// spread is a random half of all values.
func spread(salt uint64, v float64) bool {
	z := salt ^ math.Float64bits(v+0)*0x9e3779b97f4a7c15 // the finalizer of SplitMix64
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z>>63 == 0
}

// tree holds its nodes, the root first.
type tree []node

// grower grows trees on the same trials.
type grower struct {
	x      [][]float64
	y      []float64
	listed []bool // by coordinate: its values have no order
	rng    *rand.Rand
	dims   []int
	nodes  tree
}

// grow grows a tree on some trials, whose indices it reorders.
func (g *grower) grow(rows []int) tree {
	g.nodes = nil
	g.divide(rows)
	return slices.Clip(g.nodes)
}

// divide makes the node of some trials and what is below it, and returns its place.
func (g *grower) divide(rows []int) int32 {
	at := int32(len(g.nodes))
	sum, squares := 0.0, 0.0
	for _, i := range rows {
		sum += g.y[i]
		squares += g.y[i] * g.y[i]
	}
	n := float64(len(rows))
	mean := sum / n
	variance := max(0, squares/n-mean*mean)
	g.nodes = append(g.nodes, node{dim: leaf, mean: mean, variance: variance})
	if len(rows) < splitRows || variance < 1e-12 {
		return at
	}
	cut, ok := g.cut(rows, sum)
	if !ok {
		return at
	}
	middle := 0
	for k, i := range rows {
		if cut.goesLeft(g.x[i][cut.dim], g.listed[cut.dim]) {
			rows[k], rows[middle] = rows[middle], rows[k]
			middle++
		}
	}
	cut.left = g.divide(rows[:middle])
	cut.right = g.divide(rows[middle:])
	g.nodes[at] = cut
	return at
}

// cut draws cuts and returns the best; ok is false where the trials all lie at one place.
func (g *grower) cut(rows []int, sum float64) (best node, ok bool) {
	d := len(g.dims)
	most := math.Inf(-1)
	for k, looked := 0, 0; k < d && looked < mostDims; k++ {
		swap := k + g.rng.IntN(d-k)
		g.dims[k], g.dims[swap] = g.dims[swap], g.dims[k]
		c, varies := g.draw(rows, g.dims[k])
		if !varies {
			continue
		}
		looked++
		n, left := 0.0, 0.0
		for _, i := range rows {
			if c.goesLeft(g.x[i][c.dim], g.listed[c.dim]) {
				n++
				left += g.y[i]
			}
		}
		if n == 0 || n == float64(len(rows)) {
			continue
		}
		right := sum - left
		if gain := left*left/n + right*right/(float64(len(rows))-n); gain > most {
			best, most, ok = c, gain, true
		}
	}
	return best, ok
}

// draw draws a cut in one coordinate, if that varies.
func (g *grower) draw(rows []int, dim int) (c node, varies bool) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, i := range rows {
		low, high = min(low, g.x[i][dim]), max(high, g.x[i][dim])
	}
	if !(low < high) {
		return c, false
	}
	c.dim = int32(dim)
	if !g.listed[dim] {
		c.threshold = low + g.rng.Float64()*(high-low)
		return c, true
	}
	c.salt = g.rng.Uint64()
	for spread(c.salt, low) == spread(c.salt, high) { // so that the ends part, at least
		c.salt++
	}
	return c, true
}

// leafOf finds the leaf of a point.
func (t tree) leafOf(x []float64, listed []bool) *node {
	n := &t[0]
	for n.dim != leaf {
		if n.goesLeft(x[n.dim], listed[n.dim]) {
			n = &t[n.left]
		} else {
			n = &t[n.right]
		}
	}
	return n
}

// forest is trees grown on the same trials, each with cuts of its own.
type forest struct {
	trees  []tree
	listed []bool
}

// newForest grows trees on trials, each on a bootstrap sample.
func newForest(x [][]float64, y []float64, listed []bool, trees int, rng *rand.Rand) *forest {
	f := &forest{listed: listed}
	g := &grower{x: x, y: y, listed: listed, rng: rng, dims: make([]int, len(listed))}
	rows := make([]int, len(y))
	for range trees {
		for j := range g.dims {
			g.dims[j] = j
		}
		for i := range rows {
			rows[i] = rng.IntN(len(y))
		}
		f.trees = append(f.trees, g.grow(rows))
	}
	return f
}

// leastVariance keeps a forest from being sure.
const leastVariance = 1e-4

// predict is the mean of the trees' means, and the variance between them and within their leaves (SMAC's section 4.1).
func (f *forest) predict(x []float64) (mu, s2 float64) {
	squares, within := 0.0, 0.0
	for _, t := range f.trees {
		l := t.leafOf(x, f.listed)
		mu += l.mean
		squares += l.mean * l.mean
		within += l.variance
	}
	n := float64(len(f.trees))
	mu /= n
	return mu, max(leastVariance, squares/n-mu*mu+within/n)
}
