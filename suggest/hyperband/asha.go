package hyperband

import (
	"cmp"
	"math"
	"slices"

	"qalam/suggest"
)

// asha is asynchronous successive halving, algorithm 2 of Li et al. 2020 with get_job: from the highest rung down, the best
// configuration among the best ⌊n/η⌋ of the n that are over at a rung, and that did not go on from there yet, goes on; where there is
// none, a new one begins at rung 0. What failed or was stopped counts among the n, behind all others, and never goes on.
type asha struct {
	eta   float64
	rungs []ladderRung
	// beyond counts, by configuration and rung, the trials that the configuration has at the rung.
	at map[place]int
}

type place struct{ config, rung int }

// ladderRung holds what is over at a rung, best first.
type ladderRung struct {
	sorted []entry
	loose  []edit // not yet taken into sorted
}

type entry struct {
	value  float64
	number int
	config int
}

type edit struct {
	entry
	gone bool
}

func newASHA(eta float64, rungs int) *asha {
	return &asha{eta: eta, rungs: make([]ladderRung, rungs), at: map[place]int{}}
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.number, b.number))
}

func (a *asha) change(old, now *member) {
	if old != nil && old.rung >= 0 {
		a.edit(old, true)
	}
	if now != nil && now.rung >= 0 {
		a.edit(now, false)
	}
}

func (a *asha) edit(m *member, gone bool) {
	p, by := place{m.config, m.rung}, 1
	if gone {
		by = -1
	}
	if a.at[p] += by; a.at[p] == 0 {
		delete(a.at, p)
	}
	if !m.over() {
		return
	}
	e := entry{math.Inf(1), m.number, m.config}
	if m.done() {
		e.value = m.value
	}
	r := &a.rungs[m.rung]
	r.loose = append(r.loose, edit{e, gone})
}

// settle takes the loose edits in: one by one where they are few, else all at once.
func (r *ladderRung) settle() {
	if len(r.loose) > 16 {
		gone := map[entry]int{}
		for _, e := range r.loose {
			if e.gone {
				gone[e.entry]++
			} else {
				r.sorted = append(r.sorted, e.entry)
			}
		}
		r.sorted = slices.DeleteFunc(r.sorted, func(e entry) bool {
			if gone[e] > 0 {
				gone[e]--
				return true
			}
			return false
		})
		slices.SortFunc(r.sorted, compareEntries)
		r.loose = nil
		return
	}
	for _, e := range r.loose {
		i, _ := slices.BinarySearchFunc(r.sorted, e.entry, compareEntries)
		if e.gone {
			r.sorted = slices.Delete(r.sorted, i, i+1)
		} else {
			r.sorted = slices.Insert(r.sorted, i, e.entry)
		}
	}
	r.loose = r.loose[:0]
}

func (a *asha) next() job {
	for k := len(a.rungs) - 1; k >= 0; k-- {
		a.rungs[k].settle()
		if k == len(a.rungs)-1 {
			continue
		}
		r := &a.rungs[k]
		for _, e := range r.sorted[:int(float64(len(r.sorted))/a.eta)] {
			if math.IsInf(e.value, 1) {
				break
			}
			if a.at[place{e.config, k + 1}] == 0 {
				return job{from: e.number, config: e.config, rung: k + 1, bracket: -1}
			}
		}
	}
	return job{bracket: -1}
}

// configs knows of every configuration how far it came and how it did there.
type configs struct {
	known map[int]*config // by number of the first trial
	// changed lists those that changed since it was last emptied, by whoever reads it.
	changed map[int]struct{}
}

// config is a configuration with its trials, of which there are at most a few.
type config struct {
	number int
	trials []trial
}

type trial struct {
	member
	record *suggest.Record
}

func newConfigs() *configs { return &configs{known: map[int]*config{}, changed: map[int]struct{}{}} }

func (c *configs) change(old, now *member, record *suggest.Record) {
	if old != nil {
		of := c.known[old.config]
		of.trials = slices.DeleteFunc(of.trials, func(t trial) bool { return t.number == old.number })
		c.changed[old.config] = struct{}{}
		if len(of.trials) == 0 {
			delete(c.known, old.config)
		}
	}
	of := c.known[now.config]
	if of == nil {
		of = &config{number: now.config}
		c.known[now.config] = of
	}
	i, _ := slices.BinarySearchFunc(of.trials, now.number, func(t trial, n int) int { return cmp.Compare(t.number, n) })
	of.trials = slices.Insert(of.trials, i, trial{*now, record})
	c.changed[now.config] = struct{}{}
}

// best is the finished trial at the highest rung, the better one of several there; nil where there is none.
func (c *config) best() *trial {
	var best *trial
	for i := range c.trials {
		t := &c.trials[i]
		if t.done() && (best == nil || t.rung > best.rung || t.rung == best.rung && t.value < best.value) {
			best = t
		}
	}
	return best
}
