package hyperband

import (
	"math"
	"slices"

	"qalam/suggest/normal"
)

// outlook predicts what configurations will become, by what others became: a Markov chain over the values at each rung.
//
// How much a configuration improves from rung k to k+1, d = v - v', is distributed as with the latest pairs of trials known
// there, each weighing exp(-(x - x')²/2) by how near it was at rung k. x is the logarithm of the fraction of trials that are better:
// the best hundredth differs as much from the best thirtieth as that from the best tenth, whatever the scale of the values and
// the shape of their distribution. What was selected at rung k depends on v alone, so that the selection does no harm.
//
// Before pairs are known, and beside them, stand a few that were not seen, of weight powerWeight and scaleWeight:
//
//   - improvement by a power law, y = c + a t^-b, of the mean improvement up to rung k of those alike there, with b lognormal around 1/2 with
//     scale 1/2 as for the early-stopping rule curve;
//   - the spread of values at rung 0, lognormal around half the distance from the median to the best with scale 1, so that what
//     stands still may always wake up.
//
// The chain lives on a grid of values for each rung, between whose points weight and worth are linear.
type outlook struct {
	known   bool    // that values differ; nothing else is of use otherwise
	best    float64 // y*, at the highest rung that has a value
	reached int     // that rung, m
	scale   float64 // of improvements that were not seen
	amounts []float64
	cost    []float64 // c_k, of the slice that ends at rung k

	behind []*ordered  // by rung: what is over there
	pairs  [][]pair    // by rung k: what went on to k+1
	grid   [][]float64 // by rung, increasing
	rows   [][]row     // by rung and point of its grid: over the grid of the next rung
	begin  row         // of new configurations, over the grid of rung 0
	index  float64     // of a new configuration
	W      [][]float64 // by rung and point of its grid, at the price that was solved for last
}

// pair is a configuration at two rungs that follow one another.
type pair struct {
	x, up float64 // its logarithmic ranks at the two
	by    float64 // how much it improved; -Inf where it failed
}

const (
	mostPairs   = 64  // for each rung, the latest ones
	mostBegun   = 64  // latest results at rung 0, from which new configurations are predicted
	rankWidth   = 1.0 // standard deviation, in logarithms of ranks, of what is alike
	powerWeight = 1.0 // in pairs that are exactly alike
	scaleWeight = 0.3
	gridBelow   = 4  // points of the grid below the best value known
	indexSteps  = 16 // bisections of an index
)

// unseen are seven equally likely values of a standard normal distribution.
var unseen = func() (z [7]float64) {
	for i := range z {
		z[i] = normal.Quantile(math.Log((float64(i) + 0.5) / float64(len(z))))
	}
	return z
}()

// look makes the outlook of what is known.
func (f *freezeThaw) look() *outlook {
	last := len(f.rungs) - 1
	o := &outlook{amounts: f.amounts, cost: slices.Clone(f.amounts)}
	for k := range f.rungs {
		over := &f.rungs[k].over
		o.behind = append(o.behind, over)
		if e, ok := over.first(); ok {
			o.best, o.reached = e.value, k
		}
		if k > 0 {
			o.cost[k] -= f.amounts[k-1]
		}
	}
	first := tail(f.over[0], mostBegun)
	o.scale = halfSpread(first)
	if last == 0 || !(o.scale > 0) || math.IsInf(o.scale, 1) {
		return o
	}
	for k := range last {
		o.pairs = append(o.pairs, f.pairsAt(k))
	}
	for k := range f.rungs {
		grid := o.gridAt(k)
		o.grid, o.W = append(o.grid, grid), append(o.W, make([]float64, len(grid)))
		if d := grid[len(grid)-1] - grid[0]; math.IsInf(d, 1) {
			return o
		}
	}
	o.rows = make([][]row, last)
	for k := range last {
		for _, v := range o.grid[k] {
			o.rows[k] = append(o.rows[k], o.after(k, v))
		}
	}
	o.begin = newRow(o.grid[0])
	for _, e := range first {
		o.begin.add(e.value, 1/float64(len(first)))
	}
	o.index = o.beginIndex()
	o.known = o.index > 0
	return o
}

func tail(e []entry, most int) []entry { return e[max(0, len(e)-most):] }

// halfSpread is half the distance from the median to the best.
func halfSpread(entries []entry) float64 {
	var values []float64
	for _, e := range entries {
		if !math.IsInf(e.value, 1) {
			values = append(values, e.value)
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]/2 - values[0]/2
}

// pairsAt lists the latest that went on from rung k. Trials that did not come from there, as those that a user gave, are passed over, but
// no thousands of them.
func (f *freezeThaw) pairsAt(k int) []pair {
	var pairs []pair
	for _, e := range slices.Backward(tail(f.over[k+1], 4*mostPairs)) {
		if len(pairs) == mostPairs {
			break
		}
		if v := f.valueAt(e.config, k); !math.IsInf(v, 1) {
			pairs = append(pairs, pair{logRank(&f.rungs[k].over, v), logRank(&f.rungs[k+1].over, e.value), v - e.value})
		}
	}
	return pairs
}

// logRank is the logarithm of the fraction of trials that are better.
func logRank(over *ordered, value float64) float64 {
	return math.Log((float64(over.before(entry{value: value})) + 0.5) / float64(over.size+1))
}

// gridAt is the values at a rung of ranks that grow by half, and some that are better. A rung where few are known has those of the rung below
// too.
func (o *outlook) gridAt(k int) []float64 {
	values := o.behind[k].spaced()
	const few = 6
	if k > 0 && len(values) < few {
		values = append(values, o.grid[k-1]...)
	} else {
		best, spread := values[0], values[len(values)/2]-values[0]
		for i := range gridBelow {
			values = append(values, best-spread*float64(i+1)/gridBelow)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// after is the distribution over the values at rung k+1 of a configuration with value v at rung k.
func (o *outlook) after(k int, v float64) row {
	x := logRank(o.behind[k], v)
	total := powerWeight + scaleWeight
	weights := make([]float64, len(o.pairs[k]))
	for i, p := range o.pairs[k] {
		weights[i] = alike(p.x - x)
		total += weights[i]
	}
	r := newRow(o.grid[k+1])
	mean := o.improved(k, x)
	doublings := math.Log2(o.amounts[k+1] / o.amounts[k])
	for _, z := range unseen {
		byScale := o.scale * math.Exp(z)
		byPower := byScale
		if k > 0 {
			byPower = mean * math.Exp2(-0.5*math.Exp(0.5*z)*doublings)
		}
		r.add(v-byPower, powerWeight/total/float64(len(unseen)))
		r.add(v-byScale, scaleWeight/total/float64(len(unseen)))
	}
	for i, p := range o.pairs[k] {
		r.add(v-p.by, weights[i]/total)
	}
	return r
}

// improved is how much those improved on average on their way to rung k that have a rank there; 0 where none did.
func (o *outlook) improved(k int, x float64) float64 {
	if k == 0 {
		return 0
	}
	sum, total := 0.0, 0.0
	for _, p := range o.pairs[k-1] {
		if !math.IsInf(p.by, -1) {
			w := alike(p.up - x)
			sum, total = sum+w*p.by, total+w
		}
	}
	if !(sum > 0) {
		return 0
	}
	return sum / total
}

func alike(difference float64) float64 {
	d := difference / rankWidth
	return math.Exp(-d * d / 2)
}

// gain is by how much a value at a rung is better than the best.
func (o *outlook) gain(k int, v float64) float64 {
	if k < o.reached {
		return 0
	}
	return max(0, o.best-v)
}

// solve computes W at a price.
func (o *outlook) solve(lambda float64) {
	for k := len(o.grid) - 1; k >= 0; k-- {
		for i, v := range o.grid[k] {
			o.W[k][i] = o.gain(k, v)
			if k < len(o.rows) {
				o.W[k][i] = max(o.W[k][i], o.rows[k][i].mean(o.W[k+1])-lambda*o.cost[k+1])
			}
		}
	}
}

// beginIndex is the index of a new configuration.
func (o *outlook) beginIndex() float64 {
	worth := func(lambda float64) bool {
		o.solve(lambda)
		return o.begin.mean(o.W[0]) > lambda*o.cost[0]
	}
	high := 0.0
	for _, g := range o.grid {
		high = max(high, (o.best-g[0])/o.cost[0])
	}
	low := high
	for range 60 {
		if worth(low) {
			break
		}
		high, low = low, low/2
	}
	for range indexSteps {
		if middle := (low + high) / 2; worth(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// final is the distribution over the values at the last rung.
func (o *outlook) final(c *frozen) row {
	at := c.after
	for k := c.rung + 1; k < len(o.rows); k++ {
		next := newRow(o.grid[k+1])
		for i, w := range at.weight {
			for j, share := range o.rows[k][i].weight {
				next.weight[j] += w * share
			}
		}
		at = next
	}
	return at
}

// chance is the probability that a configuration ends with the best value of all.
func (o *outlook) chance(c *frozen) float64 {
	r := o.final(c)
	sum := 0.0
	for i, v := range r.grid {
		if v < o.best {
			sum += r.weight[i]
		}
	}
	return sum
}

// row is a distribution on a grid. What is missing to 1 has failed.
type row struct {
	grid, weight []float64
	beyond       float64 // mean distance below the first point
}

func newRow(grid []float64) row { return row{grid: grid, weight: make([]float64, len(grid))} }

// add puts weight at a value, split between the points beside it. A value of +Inf is a failure.
func (r *row) add(v, weight float64) {
	if math.IsInf(v, 1) {
		return
	}
	i, found := slices.BinarySearch(r.grid, v)
	switch {
	case found:
		r.weight[i] += weight
	case i == len(r.grid):
		r.weight[i-1] += weight
	case i == 0:
		r.weight[0] += weight
		r.beyond += weight * (r.grid[0] - v)
	default:
		t := (v - r.grid[i-1]) / (r.grid[i] - r.grid[i-1])
		r.weight[i-1] += weight * (1 - t)
		r.weight[i] += weight * t
	}
}

// mean is that of a function known at the points of the grid, which falls by as much as its argument rises before the first.
func (r *row) mean(of []float64) float64 {
	sum := r.beyond
	for i, w := range r.weight {
		sum += w * of[i]
	}
	return sum
}
