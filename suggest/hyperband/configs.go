package hyperband

import (
	"cmp"
	"slices"

	"qalam/suggest"
)

// configs knows of every configuration how far it came and how it did there.
type configs struct {
	known map[int]*config // by number of the first trial
	// changed lists those that changed since it was last emptied, by whoever reads it.
	changed map[int]struct{}
	reached []int // by rung: the configurations whose best result is there
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

func newConfigs(rungs int) *configs {
	return &configs{known: map[int]*config{}, changed: map[int]struct{}{}, reached: make([]int, rungs)}
}

func (c *configs) change(old, now *member, record *suggest.Record) {
	if old != nil {
		of := c.known[old.config]
		c.count(of, -1)
		of.trials = slices.DeleteFunc(of.trials, func(t trial) bool { return t.number == old.number })
		c.count(of, 1)
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
	c.count(of, -1)
	i, _ := slices.BinarySearchFunc(of.trials, now.number, func(t trial, n int) int { return cmp.Compare(t.number, n) })
	of.trials = slices.Insert(of.trials, i, trial{*now, record})
	c.count(of, 1)
	c.changed[now.config] = struct{}{}
}

func (c *configs) count(of *config, by int) {
	if t := of.best(); t != nil && t.rung >= 0 {
		c.reached[t.rung] += by
	}
}

// floor is the highest rung that so many configurations reached with a result, 0 where none did.
func (c *configs) floor(enough int) int {
	sum := 0
	for k := len(c.reached) - 1; k > 0; k-- {
		if sum += c.reached[k]; sum >= enough {
			return k
		}
	}
	return 0
}

// best is the finished trial at the highest rung, the better one of several there; nil where there is none.
func (c *config) best() *trial {
	var best *trial
	for i := range c.trials {
		t := &c.trials[i]
		if t.done() && (best == nil || t.rung > best.rung || t.rung == best.rung && compareEntries(entryOf(&t.member), entryOf(&best.member)) < 0) {
			best = t
		}
	}
	return best
}
