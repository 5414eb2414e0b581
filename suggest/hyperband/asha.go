package hyperband

import (
	"math"
	"slices"
)

// asha is asynchronous successive halving, algorithm 2 of Li et al. 2020 with get_job: from the highest rung down, the best
// configuration among the best ⌊n/η⌋ of the n that are over at a rung, and that did not go on from there yet, goes on; where there is
// none, a new one begins at rung 0. What failed or was stopped counts among the n, behind all others, and never goes on.
type asha struct {
	eta         float64
	progressive bool // only so many rungs are allowed as the results ask for
	rungs       []ladderRung
	at          map[place]*spot
}

type place struct{ config, rung int }

// spot is what a configuration has at a rung.
type spot struct {
	trials int
	over   []entry
}

// ladderRung holds what is over at a rung.
type ladderRung struct {
	trials  int // whatever their state
	over    ordered
	waiting ordered // of those the ones whose configuration has no trial at the next rung
}

func newASHA(eta float64, rungs int) *asha {
	return &asha{eta: eta, rungs: make([]ladderRung, rungs), at: map[place]*spot{}}
}

func (a *asha) change(old, now *member) {
	if old != nil && old.rung >= 0 {
		a.leave(old)
	}
	if now != nil && now.rung >= 0 {
		a.enter(now)
	}
}

func entryOf(m *member) entry {
	if m.done() {
		return entry{m.violation, m.value, m.number, m.config}
	}
	return entry{math.Inf(1), math.Inf(1), m.number, m.config}
}

func (a *asha) enter(m *member) {
	p := place{m.config, m.rung}
	s := a.at[p]
	if s == nil {
		s = &spot{}
		a.at[p] = s
		if below := a.at[place{m.config, m.rung - 1}]; below != nil { // it has gone on from there
			for _, e := range below.over {
				a.rungs[m.rung-1].waiting.remove(e)
			}
		}
	}
	s.trials++
	a.rungs[m.rung].trials++
	if m.over() {
		e, r := entryOf(m), &a.rungs[m.rung]
		s.over = append(s.over, e)
		r.over.add(e)
		if a.at[place{m.config, m.rung + 1}] == nil {
			r.waiting.add(e)
		}
	}
}

func (a *asha) leave(m *member) {
	p := place{m.config, m.rung}
	s := a.at[p]
	if m.over() {
		e, r := entryOf(m), &a.rungs[m.rung]
		s.over = slices.DeleteFunc(s.over, func(x entry) bool { return x == e })
		r.over.remove(e)
		r.waiting.remove(e)
	}
	a.rungs[m.rung].trials--
	if s.trials--; s.trials > 0 {
		return
	}
	delete(a.at, p)
	if below := a.at[place{m.config, m.rung - 1}]; below != nil {
		for _, e := range below.over {
			a.rungs[m.rung-1].waiting.add(e)
		}
	}
}

// settle has nothing to do.
func (a *asha) settle() {}

func (a *asha) next() job {
	for k := a.top() - 1; k >= 0; k-- {
		r := &a.rungs[k]
		// All that are better than the first of those that wait have gone on.
		if e, ok := r.waiting.first(); ok && r.over.before(e) < int(float64(r.over.size)/a.eta) {
			return job{from: e.number, config: e.config, rung: k + 1, bracket: -1}
		}
	}
	return job{bracket: -1}
}
