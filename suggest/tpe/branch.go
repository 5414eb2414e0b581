package tpe

import (
	"math"
	"slices"
	"sort"

	"qalam/space"
	"qalam/suggest"
)

// Branches. Where the values of some parameters decide which others matter, the densities of all trials soon know one branch best and
// stay there, whatever another would give after some trials. So of a few branches each is a search by itself as well, of its trials alone,
// and some of the trials are theirs. At first branches take turns; later it is, now and then, the turn of the one with fewest trials, else
// that of the one with most hope: whose best value, were it as much better again as it is than its median, would be lowest. Branches that
// would not even then be ahead get no turn. (Bandits whose arms get better the more often they are pulled:
//
//	Y. Li, J. Jiang, J. Gao, Y. Shao, C. Zhang, B. Cui, "Efficient automatic CASH via rising bandits", AAAI 2020.)
//
// What branches have in common only all trials together can tell: the more of its parameters a branch shares, the fewer turns there are,
// as the square of the part that is its own. On cond3 the median regret after 50 and 100 trials is 0.019 and 0.0014 (200 seeds), without
// turns 0.054 and 0.052; with the levels of its branches exchanged, so that one of the easier ones is best, at most 0.7 and 0.8 of that
// without turns. Turns cost most where many branches have nothing in common and the one that is best early stays so: with five, as smooth
// as each other, 0.014 instead of 0.006 after 50 trials, and 0.0011 instead of 0.0017 after 100.
const (
	mostBranches = 12  // with more there are no turns
	branchTrials = 20  // for which they take turns
	branchShare  = 2.0 // of the trials are theirs: so much by their number,
	mostTurns    = 0.67
	rareTurns    = 0.1 // and so often it is the turn of the one with fewest trials
)

// branch is one combination of the choices on which parameters depend, searched by itself.
type branch struct {
	*suggester
	choices  space.Assignment // of the parents, idle ones at the value that stands for them
	proposed int              // trials of the question that is being answered
}

// pin is a coordinate of the unit cube that does not vary.
type pin struct {
	axis int
	u    float64
}

// branching is what a search knows of its branches; without branches it has no turns.
type branching struct {
	branches []*branch
	parents  []int   // the parameters on which others depend
	turns    float64 // part of the trials that are the branches'
}

// branch finds the branches of a space; none where there are no conditions or too many choices. create makes the search of one.
func (t *suggester) branch(p suggest.Problem, create func() *suggester) {
	if !p.Space.Conditional() || p.Objectives > 1 || len(p.Earlier) > 0 {
		return
	}
	combinations := uint64(1)
	for j := range t.axes {
		if !t.axes[j].parent {
			continue
		}
		t.parents = append(t.parents, j)
		n, finite := p.Space.Count(j)
		if combinations *= n; !finite || combinations > 1<<12 {
			return
		}
	}
	u := make([]float64, p.Space.Len())
	var choices []space.Assignment
	for k := range combinations {
		for _, j := range t.parents {
			n, _ := p.Space.Count(j)
			u[j] = (float64(k%n) + 0.5) / float64(n)
			k /= n
		}
		if a := p.Space.FromUnit(u); !slices.ContainsFunc(choices, func(b space.Assignment) bool { return t.together(a, b) }) {
			choices = append(choices, a)
		}
		if len(choices) > mostBranches {
			return
		}
	}
	if len(choices) < 2 {
		return
	}
	own, all := 0.0, 0.0
	for _, a := range choices {
		b := &branch{suggester: create(), choices: a}
		active, at, dims := p.Space.Active(a, nil), p.Space.ToUnit(a, nil), 0
		for j := range t.axes {
			if t.axes[j].parent {
				b.pins = append(b.pins, pin{j, at[j]})
			} else if active[j] {
				dims++
				if all++; t.axes[j].conditional {
					own++
				}
			}
		}
		b.startup = min(b.startup, dims+2)
		b.known, b.rng = t.known, t.rng
		t.branches = append(t.branches, b)
	}
	t.turns = min(mostTurns, branchShare/float64(len(choices))) * (own / max(1, all)) * (own / max(1, all))
}

// together reports whether two assignments are of one branch.
func (t *suggester) together(a, b space.Assignment) bool {
	return !slices.ContainsFunc(t.parents, func(j int) bool { return a[j] != b[j] })
}

// tellBranches passes on what changed.
func (t *suggester) tellBranches(c suggest.Change) {
	for _, b := range t.branches {
		if t.together(b.choices, c.New.Assignment) {
			_ = b.Tell([]suggest.Outcome{c.New.Outcome})
		} else if c.Old != nil && t.together(b.choices, c.Old.Assignment) { // it has become one of another branch
			b.forget()
			for _, r := range t.history.Records() {
				if t.together(b.choices, r.Assignment) {
					_ = b.Tell([]suggest.Outcome{r.Outcome})
				}
			}
		}
	}
}

// forget makes a branch's search one that was told nothing.
func (b *branch) forget() {
	b.history, b.ranking, b.sample, b.results = suggest.NewHistory(b.space), ranking{}, newSample(b.space, b.axes), 0
	b.ties = suggest.Ties{}
}

// believe takes a trial that was just proposed into account, disbelieve takes it out again.
func (t *suggester) believe(pending *trial) {
	t.sample.add(pending)
	for _, b := range t.branches {
		if t.together(b.choices, pending.record.Assignment) {
			b.sync()
			b.sample.add(pending)
			b.proposed++
		}
	}
}

func (t *suggester) disbelieve(pending *trial) {
	t.sample.drop(pending)
	for _, b := range t.branches {
		b.sample.drop(pending)
		b.proposed = 0
	}
}

// inTurn is what the branch whose turn it is proposes for a trial; nil where it is no branch's turn, or it finds nothing.
func (t *suggester) inTurn(number int) space.Assignment {
	if len(t.branches) == 0 || number <= t.initial || t.rng.Float64() >= t.turns {
		return nil
	}
	if rare := rarest(t.branches); rare.trials()*len(t.branches) < branchTrials {
		return rare.propose(number)
	}
	if t.ranking.total == 0 || classOf(&t.ranking.records[0].Outcome) != completed {
		return nil
	}
	var hopeful []*branch
	var best *branch
	lowest := t.ranking.records[0].Value
	for _, b := range t.branches {
		b.sync()
		h := b.hope()
		if h < t.ranking.records[0].Value {
			hopeful = append(hopeful, b)
		}
		if h < lowest {
			best, lowest = b, h
		}
	}
	switch {
	case best == nil:
		return nil
	case t.rng.Float64() < rareTurns:
		return rarest(hopeful).propose(number)
	}
	return best.propose(number)
}

// propose is what a branch proposes by itself, nil where it finds nothing.
func (b *branch) propose(number int) space.Assignment {
	b.sync()
	return b.suggester.propose(number)
}

// trials are those of the branch, with those just proposed.
func (b *branch) trials() int { return b.history.Len() + b.proposed }

// rarest is the branch with fewest trials.
func rarest(branches []*branch) *branch {
	rare := branches[0]
	for _, b := range branches {
		if b.trials() < rare.trials() {
			rare = b
		}
	}
	return rare
}

// hope is the value that a branch may reach: its best, less what that is better than the median of its trials that completed. It is +∞
// where none did.
func (b *branch) hope() float64 {
	records := b.ranking.records
	n := sort.Search(len(records), func(i int) bool { return classOf(&records[i].Outcome) != completed })
	if n == 0 {
		return math.Inf(1)
	}
	best, median := records[0].Value, records[n/2].Value
	return best - (median - best)
}
