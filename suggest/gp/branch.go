package gp

import (
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// Branches. Where the values of some parameters decide which others matter, the objective may differ from branch to branch in
// level, in spread, in noise and in how fast it bends, more than one model of all trials can tell: it then stays in the branch that
// is good early and never sees what another would give. So of a few branches each has a model of its own as well, of its trials
// alone, on their scale. The branch is chosen whose most promising place promises most, all measured against the best of all, in
// units of the objective: with y = w⁻¹(z) for the branch's warp w,
//
//	ln E[max(0, f - y)] ≈ ln E[max(0, w(f) - z)] + ln dw⁻¹/dz at w(f)
//
// Now and then it is the turn of the branch with fewest trials, to look for the best of its own: in few trials a branch cannot
// show what it is good for (as with the rising bandits of
//
//	Y. Li, J. Jiang, J. Gao, Y. Shao, C. Zhang, B. Cui, "Efficient automatic CASH via rising bandits", AAAI 2020).
//
// At most half of the trials are chosen so, the others by the model of all trials, which knows what branches have in common.

const (
	mostBranches = 12  // with more the model of all trials is alone
	leastBranch  = 2   // trials of a branch spread over it before its model is asked
	branchTrials = 30  // trials for which branches take turns
	branchTurns  = 0.4 // and how often one is given a turn later
	branchShare  = 2.0 // of the trials go to branches: so much by their number, at most a half
)

// branch is one combination of the choices on which parameters depend, searched by itself.
type branch struct {
	*suggester
	choices space.Assignment // of the parents, idle ones at the value that stands for them
}

// fixed is a coordinate of the unit cube that does not vary.
type fixed struct {
	param int
	u     float64
}

// newBranches lists the branches of a space; none where there are no conditions or too many choices.
func (s *suggester) newBranches() []*branch {
	p := s.problem
	if !p.Space.Conditional() || p.Objectives > 1 || len(p.Earlier) > 0 {
		return nil
	}
	parents := parentsOf(p.Space)
	combinations := uint64(1)
	for _, i := range parents {
		n, finite := p.Space.Count(i)
		if combinations *= n; !finite || combinations > 1<<12 {
			return nil
		}
	}
	u := make([]float64, p.Space.Len())
	var branches []*branch
	for k := range combinations {
		for _, i := range parents {
			n, _ := p.Space.Count(i)
			u[i] = (float64(k%n) + 0.5) / float64(n)
			k /= n
		}
		a := p.Space.FromUnit(u)
		if slices.ContainsFunc(branches, func(b *branch) bool { return sameChoices(b.choices, a, parents) }) {
			continue
		}
		if len(branches) == mostBranches {
			return nil
		}
		branches = append(branches, s.newBranch(a, parents))
	}
	return branches
}

// parentsOf are the parameters on which others depend.
func parentsOf(s *space.Space) []int {
	var parents []int
	for i := range s.Len() {
		parents = append(parents, s.Parents(i)...)
	}
	slices.Sort(parents)
	return slices.Compact(parents)
}

func sameChoices(a, b space.Assignment, parents []int) bool {
	return !slices.ContainsFunc(parents, func(i int) bool { return a[i] != b[i] })
}

func (s *suggester) newBranch(a space.Assignment, parents []int) *branch {
	own := *s
	own.model, own.fits, own.last, own.branches, own.parents = nil, nil, nil, nil, nil
	own.e = s.e.within(a, parents)
	own.history, own.tried = suggest.NewHistory(s.problem.Space), map[uint64]int{}
	return &branch{&own, a}
}

// within is the encoding of the assignments that agree with one in some parameters: those that matter there besides.
func (e *encoding) within(a space.Assignment, parents []int) *encoding {
	own := *e
	own.conditional, own.dims, own.num = false, nil, 0
	active, u := e.space.Active(a, nil), e.space.ToUnit(a, nil)
	for _, d := range e.dims {
		if !active[d.param] || slices.Contains(parents, d.param) {
			continue
		}
		own.dims = append(own.dims, d)
		if !d.categorical {
			own.num++
		}
	}
	for _, i := range parents {
		own.fixed = append(own.fixed, fixed{i, u[i]})
	}
	return &own
}

// tellBranches passes on what changed.
func (s *suggester) tellBranches(c suggest.Change) {
	for _, b := range s.branches {
		if sameChoices(b.choices, c.New.Assignment, s.parents) {
			_ = b.Tell([]suggest.Outcome{c.New.Outcome})
		} else if c.Old != nil && sameChoices(b.choices, c.Old.Assignment, s.parents) { // it has become one of another branch
			*b = *s.newBranch(b.choices, s.parents)
			for _, r := range s.history.Records() {
				if sameChoices(b.choices, r.Assignment, s.parents) {
					_ = b.Tell([]suggest.Outcome{r.Outcome})
				}
			}
		}
	}
}

// inBranch proposes a place by the models of the branches; nil where they propose nothing. A branch that was seldom tried is searched
// for the best of its own.
func (b *batch) inBranch(number int) *place {
	rare, n := b.rarest()
	early := n*len(b.branches) < branchTrials
	if n < leastBranch && early {
		return b.part(rare).spread(number)
	}
	if (early || b.rng.Float64() < branchTurns) && rare.model.ready() {
		if p := b.part(rare).search(); p != nil {
			return p
		}
	}
	best := b.lowest()
	var chosen *place
	highest := math.Inf(-1)
	for _, br := range b.branches {
		m := br.model
		if !m.ready() {
			continue
		}
		before, offset := m.best, 0.0
		if m.value != nil && m.improves && !math.IsInf(best, 1) {
			m.best = m.warp.forward(best)
			offset = m.warp.logSlope(m.best)
		}
		p := b.part(br).search()
		m.best = before
		if p != nil && p.score+offset > highest {
			chosen, highest = p, p.score+offset
		}
	}
	return chosen
}

func (b *batch) part(br *branch) *batch { return &batch{suggester: br.suggester, taken: b.taken} }

// rarest is the branch with fewest trials, with those that this question proposed.
func (b *batch) rarest() (rare *branch, fewest int) {
	for _, br := range b.branches {
		n := br.history.Len()
		for _, a := range b.proposed {
			if sameChoices(br.choices, a, b.parents) {
				n++
			}
		}
		if rare == nil || n < fewest {
			rare, fewest = br, n
		}
	}
	return rare, fewest
}

// lowest is the value to be improved on: the lowest of the branches, +∞ where there is none.
func (b *batch) lowest() float64 {
	best := math.Inf(1)
	for _, br := range b.branches {
		if m := br.model; m.value != nil && m.improves {
			best = min(best, m.warp.inverse(m.best))
		}
	}
	return best
}

// logSlope is ln of the derivative of inverse at z.
func (w *warp) logSlope(z float64) float64 {
	const h = 1e-4
	return math.Log(max(1e-300, (w.inverse(z+h)-w.inverse(z-h))/(2*h)))
}

// turn reports whether the branches propose the next place.
func (b *batch) turn() bool {
	n := float64(len(b.branches))
	return n > 1 && b.rng.Float64() < min(0.5, branchShare/n)
}

// believeBranches takes a proposal into account.
func (b *batch) believeBranches(a space.Assignment) {
	b.proposed = append(b.proposed, a)
	for _, br := range b.branches {
		if sameChoices(br.choices, a, b.parents) {
			br.model.believe(br.e.place(a).x)
		}
	}
}
