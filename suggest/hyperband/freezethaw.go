package hyperband

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// freezeThaw trains configurations a slice at a time, from rung to rung, and freezes each after its slice. Next comes the frozen one, or a
// new one, that promises most for what it costs, as in
//
//	K. Swersky, J. Snoek, R. P. Adams, "Freeze-thaw Bayesian optimization", arXiv:1406.3896 (2014);
//	H. Rakotoarison, S. Adriaensen, N. Mallik, S. Garibov, E. Bergman, F. Hutter, "In-context freeze-thaw Bayesian optimization for
//	hyperparameter optimization", ICML 2024.
//
// Two things are different. What a curve will become is no parametric model's guess but what others did, see outlook. And what a
// slice is worth includes what may follow it: whoever looks at the next step alone, or at the last alone, sees no reason to begin
// a configuration that will mostly be given up early. The rule that does is that of
//
//	J. C. Gittins, "Bandit processes and dynamic allocation indices", Journal of the Royal Statistical Society B 41(2), 148-177 (1979);
//
// for objects that end with a prize of which only the best counts, M. L. Weitzman, "Optimal search for the best alternative",
// Econometrica 47(3), 641-654 (1979). At the price λ of a unit of the resource, a configuration with value v at rung k is worth
//
//	W_k(v) = max( g_k(v), E[W_{k+1}(v') | v] - λ c_{k+1} ),    W_K(v) = g_K(v),
//
// with c the cost of a slice and g_k(v) = (y* - v)^+ what is gained on y*, the best value at the highest rung m that has any; g_k = 0 for k < m,
// where values may be noisier than any that holds, and luck is no gain. A new one is worth E[W_0(v)] - λ c_0. The highest λ at which
// going on is still worth more than stopping is a configuration's index, and the one with the highest index is next.
//
// The rungs are those of asha, whose books this keeps; where nothing is known of what a curve may become, as all values are
// equal or too few, asha's rule decides.
type freezeThaw struct {
	*asha
	amounts []float64 // of the resource, by rung
	over    [][]entry // trials that are over, by rung, in the order of their numbers
	outlook *outlook  // of what is over; nil where that has changed
}

// mostThawed is how many frozen configurations at a rung are looked at, the best ones: no other has reached their index when
// values at a rung say anything of what follows.
const mostThawed = 8

func newFreezeThaw(eta float64, amounts []float64) *freezeThaw {
	return &freezeThaw{asha: newASHA(eta, len(amounts)), amounts: amounts, over: make([][]entry, len(amounts))}
}

func (f *freezeThaw) change(old, now *member) {
	old, now = old.unconstrained(), now.unconstrained()
	f.asha.change(old, now)
	if old != nil && old.rung >= 0 && old.over() {
		if i, found := f.find(old); found {
			f.over[old.rung] = slices.Delete(f.over[old.rung], i, i+1)
			f.outlook = nil
		}
	}
	if now != nil && now.rung >= 0 && now.over() {
		i, _ := f.find(now)
		f.over[now.rung] = slices.Insert(f.over[now.rung], i, entryOf(now))
		f.outlook = nil
	}
}

// unconstrained is the trial as if there were no constraints. What a curve becomes is a matter of values.
func (m *member) unconstrained() *member {
	if m == nil || m.violation == 0 {
		return m
	}
	free := *m
	free.violation = 0
	return &free
}

func (f *freezeThaw) find(m *member) (at int, found bool) {
	over := f.over[m.rung]
	if n := len(over); n == 0 || over[n-1].number < m.number {
		return n, false
	}
	return slices.BinarySearchFunc(over, m.number, func(e entry, n int) int { return cmp.Compare(e.number, n) })
}

// valueAt is the value of a configuration at a rung; +Inf where it has none.
func (f *freezeThaw) valueAt(config, rung int) float64 {
	value := math.Inf(1)
	if s := f.at[place{config, rung}]; s != nil {
		for _, e := range s.over {
			value = min(value, e.value)
		}
	}
	return value
}

// frozen is a configuration that can go on.
type frozen struct {
	entry
	rung  int
	after row // over the values at the next rung
}

func (f *freezeThaw) next() job {
	if f.outlook == nil {
		f.outlook = f.look()
	}
	o := f.outlook
	if !o.known {
		j := f.asha.next()
		if j.from > 0 {
			j.note = "goes on by asha's rule: values at the first rung are all alike, which says nothing of what they become"
		}
		return j
	}
	var all []frozen
	for k := range len(f.rungs) - 1 {
		for _, e := range f.rungs[k].waiting.head(mostThawed) {
			all = append(all, frozen{e, k, o.after(k, e.value)})
		}
	}
	best, index := o.highest(all)
	if best == nil {
		return job{bracket: -1}
	}
	return job{
		from: best.number, config: best.config, rung: best.rung + 1, bracket: -1,
		note: fmt.Sprintf("thaws trial %d: its chance to become the best is %.2g, and for its cost it promises %.3g times as much as a new configuration",
			best.number, o.chance(best), index/o.index),
	}
}

// highest is the configuration with the highest index, and that index; nil where it is a new one.
func (o *outlook) highest(all []frozen) (best *frozen, index float64) {
	high := o.index
	for top := o.top(all, high); top != nil; top = o.top(all, high) {
		best, index = top, high
		high *= 2
	}
	for range indexSteps {
		if best == nil {
			break
		}
		middle := index/2 + high/2
		if top := o.top(all, middle); top != nil {
			best, index = top, middle
		} else {
			high = middle
		}
	}
	return best, index
}

// top is the configuration that is worth most at a price; nil where none is worth going on with.
func (o *outlook) top(all []frozen, lambda float64) (best *frozen) {
	o.solve(lambda)
	most := 0.0
	for i := range all {
		c := &all[i]
		if worth := c.after.mean(o.W[c.rung+1]) - lambda*o.cost[c.rung+1] - o.gain(c.rung, c.value); worth > most {
			best, most = c, worth
		}
	}
	return best
}
