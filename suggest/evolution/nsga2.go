package evolution

import (
	"cmp"
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/pareto"
)

// nsga2 is the algorithm of
//
//	K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Transactions
//	on Evolutionary Computation 6(2), 182-197 (2002),
//
// with constrained domination, in its steady state, which needs no generations and so never waits for a trial:
//
//	A. J. Nebro, J. J. Durillo, "On the effect of applying a steady-state selection scheme in the multi-objective genetic
//	algorithm NSGA-II", Nature-Inspired Algorithms for Optimisation, Springer (2009).
//
// Trials that have ended enter the population one after the other, in the order of their numbers; where it is larger than it may
// be, the most crowded trial of its last front leaves; with three objectives, where crowding says little, the one that adds least
// to the hypervolume:
//
//	N. Beume, B. Naujoks, M. Emmerich, "SMS-EMOA: multiobjective selection based on dominated hypervolume", European Journal of
//	Operational Research 181(3), 1653-1669 (2007).
//
// The first trials are a Sobol sequence.
type nsga2 struct {
	*proposer
	objectives int
	limit      int         // size of the population
	directions [][]float64 // of NSGA-III; nil in NSGA-II

	population []*member
	ranks      []int // of the population; nil where they are to be found
	entered    int   // number of the last trial that has entered
	marks      []mark
	sinceMark  int  // how many have entered since the last mark
	changed    bool // the population is another than at the last mark
	ranked     bool // rank and crowding of the members are those of the population
}

// member is a trial of the population.
type member struct {
	individual
	pareto.Point
	rank     int
	crowding float64 // the larger the better; in NSGA-III less the members of its niche
}

// mark is the population at an earlier time, to go back to when an outcome changes.
type mark struct {
	entered    int
	population []*member
}

// markEvery is how many trials enter between marks.
const markEvery = 8

func newNSGA2(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	return &nsga2{proposer: newProposer(p, settings), objectives: max(1, p.Objectives), limit: sizeOf(p, settings, 25, 20, 100)}, nil
}

// Tell takes outcomes in, and goes back to before the first that changed. It lets some trials enter, so that no question has to wait
// until thousands have.
func (g *nsga2) Tell(outcomes []suggest.Outcome) error {
	const each = 4 // trials for each outcome
	if least, changed := g.tell(outcomes); changed && least <= g.entered {
		g.goBack(least)
	}
	g.catchUp(each * len(outcomes))
	return nil
}

// goBack goes back to the last mark before a trial entered.
func (g *nsga2) goBack(least int) {
	i, _ := slices.BinarySearchFunc(g.marks, least, func(m mark, n int) int { return cmp.Compare(m.entered, n) })
	g.marks, g.population, g.entered, g.ranked = g.marks[:i], nil, 0, false
	g.sinceMark, g.ranks, g.changed = 0, nil, true
	if i > 0 {
		g.population, g.entered = slices.Clone(g.marks[i-1].population), g.marks[i-1].entered
		g.changed = false
	}
}

// catchUp lets the trials enter that have ended since, at most so many.
func (g *nsga2) catchUp(most int) {
	records := g.history.Records()
	from, found := slices.BinarySearchFunc(records, g.entered, func(r *suggest.Record, n int) int { return cmp.Compare(r.Number, n) })
	if found {
		from++
	}
	for _, r := range records[from:min(len(records), from+most)] {
		m := newMember(r, g.objectives)
		if m == nil {
			continue
		}
		g.enter(m)
		g.entered = r.Number
		if g.sinceMark++; g.sinceMark < markEvery {
			continue
		}
		population := g.population
		if g.changed || len(g.marks) == 0 {
			population = slices.Clone(population)
		} else {
			population = g.marks[len(g.marks)-1].population
		}
		g.marks = append(g.marks, mark{g.entered, population})
		g.sinceMark, g.changed = 0, false
	}
}

// enter puts a trial into the population and, where that is full, takes the worst out: the trial itself, most often, without a change.
//
// The ranks follow as in
//
//	K. Li, K. Deb, Q. Zhang, Q. Zhang, "Efficient nondomination level update method for steady-state evolutionary multiobjective
//	optimization", IEEE Transactions on Cybernetics 47(9), 2838-2849 (2017):
//
// who is dominated by one that comes to their front goes to the next, and so on. Who leaves is of the last front and dominates nobody.
func (g *nsga2) enter(m *member) {
	if g.ranks == nil {
		g.ranks = pareto.Ranks(g.points())
	}
	rank, last := 0, -1
	for i, p := range g.population {
		if last = max(last, g.ranks[i]); g.ranks[i] >= rank && p.Dominates(&m.Point) {
			rank = g.ranks[i] + 1
		}
	}
	full := len(g.population) == g.limit
	if full && rank > last {
		return
	}
	g.population, g.ranks = append(g.population, m), append(g.ranks, rank)
	g.changed, g.ranked = true, false
	for moved := []int{len(g.population) - 1}; len(moved) > 0; rank++ {
		moved = g.dominated(moved, rank)
	}
	if full {
		out := g.worst()
		g.population, g.ranks = slices.Delete(g.population, out, out+1), slices.Delete(g.ranks, out, out+1)
	}
}

// dominated moves the members of a rank that some others of it, which have just come there, dominate to the next rank.
func (g *nsga2) dominated(by []int, rank int) []int {
	var moved []int
	for i, p := range g.population {
		if g.ranks[i] == rank && slices.ContainsFunc(by, func(k int) bool { return g.population[k].Dominates(&p.Point) }) {
			moved = append(moved, i)
		}
	}
	for _, i := range moved {
		g.ranks[i] = rank + 1
	}
	return moved
}

// newMember is nil for a trial that has no value of every objective.
func newMember(r *suggest.Record, objectives int) *member {
	if math.IsNaN(r.Value) || len(r.Others) != objectives-1 {
		return nil
	}
	return &member{
		individual: individual{r.Assignment, r.Unit},
		Point:      pareto.Point{Number: r.Number, Values: append([]float64{r.Value}, r.Others...), Violation: pareto.Violation(r.Violations)},
	}
}

func (g *nsga2) points() []pareto.Point {
	points := make([]pareto.Point, len(g.population))
	for i, m := range g.population {
		points[i] = m.Point
	}
	return points
}

// worst is the index of the member that is to leave: of the last front the one that is needed least, of equal ones the youngest.
func (g *nsga2) worst() int {
	front := byRank(g.ranks, slices.Max(g.ranks))
	if g.directions != nil {
		return g.outOfNiche(byRank(g.ranks, 0), front)
	}
	needed := spread(g.values(front))
	at := 0
	for i := range front {
		if needed[i] <= needed[at] {
			at = i
		}
	}
	return front[at]
}

// spread is how much each vector of a front adds to its spread; infinite for those that are the best in one objective.
func spread(values [][]float64) []float64 {
	if len(values) < 3 || len(values[0]) != 3 {
		return pareto.Crowding(values)
	}
	added := pareto.Contributions(values, pareto.Reference(values))
	for k := range values[0] {
		best := 0
		for i := range values {
			if values[i][k] < values[best][k] {
				best = i
			}
		}
		added[best] = math.Inf(1)
	}
	return added
}

func byRank(ranks []int, rank int) []int {
	var front []int
	for i, r := range ranks {
		if r == rank {
			front = append(front, i)
		}
	}
	return front
}

func (g *nsga2) values(front []int) [][]float64 {
	values := make([][]float64, len(front))
	for i, at := range front {
		values[i] = g.population[at].Values
	}
	return values
}

// rank finds what the tournaments compare.
func (g *nsga2) rank() {
	if g.ranked {
		return
	}
	g.ranked = true
	if g.ranks == nil {
		g.ranks = pareto.Ranks(g.points())
	}
	ranks := g.ranks
	var all []niche
	var counts []int
	if g.directions != nil && len(ranks) > 0 {
		all = g.niches(byRank(ranks, 0))
		counts = tally(all, len(g.directions))
	}
	for rank, found := 0, 0; found < len(ranks); rank++ {
		front := byRank(ranks, rank)
		found += len(front)
		crowding := pareto.Crowding(g.values(front))
		for i, at := range front {
			m := *g.population[at] // marks share the members
			m.rank, m.crowding = rank, crowding[i]
			if all != nil {
				m.crowding = -float64(counts[all[at].direction])
			}
			g.population[at] = &m
		}
	}
}

// Ask breeds n assignments.
func (g *nsga2) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	g.catchUp(g.history.Len())
	g.rank()
	return g.propose(first, n, g.breed), nil
}

// breed crosses the winners of two tournaments and mutates the child. Until there were as many trials as the population is to
// have, and until there are two members, there is nothing to breed from.
func (g *nsga2) breed(number int, boldness float64) space.Assignment {
	if number <= g.limit || len(g.population) < 2 {
		return nil
	}
	a := g.tournament()
	b := g.tournament()
	for range 4 {
		if b != a {
			break
		}
		b = g.tournament()
	}
	u := g.cross(a.individual, b.individual)
	g.mutate(u, max(2/float64(max(2, len(g.free))), boldness)) // two parameters on average
	return g.space.FromUnit(u)
}

// tournament is the better of two members: of lower rank, or less crowded.
func (g *nsga2) tournament() *member {
	a, b := g.population[g.rng.IntN(len(g.population))], g.population[g.rng.IntN(len(g.population))]
	if cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.crowding, b.crowding)) < 0 {
		return b
	}
	return a
}
