package pbt

import (
	"math"
	"slices"

	"qalam/suggest"
)

// MayBeParent reports whether a later suggestion may name a trial as its parent: one that is not over, the best-trained of a
// member that others will be compared with, or the parent of a trial that may be tried again.
func (p *population) MayBeParent(number int) bool {
	if r := p.history.Get(number); r == nil || r.State == suggest.Pending {
		return true
	}
	if p.parents == nil {
		p.parents = p.future()
	}
	return p.parents[number]
}

// future is the set of the trials with a value, and of parents, that suggestions may name. Since a member's generation never
// falls, it will be compared with scored(m, g) of g ≥ g_0 alone, where
//
//	g_0  generation of the member that has trained least, 0 before all have begun
//
// Trial i of a member is scored(m, g) of such a g, with g = max(g_i, g_0), unless a later one with a value is of this generation or
// an earlier one. Whatever comes is later: a trial that is no longer in the set never comes back.
func (p *population) future() map[int]bool {
	least := math.MaxInt
	for m := range p.size {
		g := 0
		if last := p.last(m); last != nil {
			g = generation(last)
		}
		least = min(least, g)
	}
	set := map[int]bool{}
	for m := range p.size {
		if last := p.last(m); last != nil && math.IsNaN(last.Value) { // it runs and may fail, or has failed
			parent, ok := number(last.Labels, suggest.ParentLabel)
			if retry, _ := number(last.Labels, RetryLabel); ok && retry < retries {
				set[parent] = true
			}
		}
		earliest := math.MaxInt // of the generations of later trials, as far as they matter
		for _, n := range slices.Backward(p.trials[m]) {
			if earliest == least {
				break
			}
			r := p.history.Get(n)
			if g := max(generation(r), least); !math.IsNaN(r.Value) && g < earliest {
				set[n], earliest = true, g
			}
		}
	}
	return set
}
