// Package cmaes searches with evolution strategies that adapt a normal distribution for the numeric parameters and categorical
// ones for the others. It knows distributions and generations, nothing of how trials run.
package cmaes

import (
	"math"
	"slices"
	"strconv"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/tried"
)

// Algorithms lists this package's entries of the registry: cmaes.
func Algorithms() []suggest.Algorithm {
	return []suggest.Algorithm{{
		Name: "cmaes", New: New, Transfers: true,
		Doc: "Moves and shapes a normal distribution towards better trials (CMA-ES), and categorical ones beside it (CatCMA).",
		Settings: []suggest.Setting{
			suggest.RandomState,
			{
				Name: "sigma", Kind: suggest.KindFloat, Check: checkSigma,
				Doc: "Standard deviation of the first trials, as a share of each parameter's range, at most 0.5; 0.1667 by default.",
			},
			{
				Name: "restart_strategy", Kind: suggest.KindString, Default: none, Check: checkRestart,
				Doc: "What follows when the search has converged: none goes on there, ipop starts anew with twice as many trials in a generation, " +
					"bipop turns between that and small generations. Both begin with larger generations than none, for rugged functions; none by default.",
			},
		},
	}}
}

func checkSigma(value string) string {
	if v, _ := strconv.ParseFloat(value, 64); v <= 0 { // its kind was checked before
		return value + " is not greater than 0"
	}
	return ""
}

func checkRestart(value string) string {
	if value != none && value != ipop && value != bipop {
		return strconv.Quote(value) + " is none of none, ipop, bipop"
	}
	return ""
}

// search is the Suggester. All that it keeps besides the outcomes follows from them.
type search struct {
	start   *start
	drawer  *drawer
	history *suggest.History
	tried   *tried.Set
	tops    []space.Assignment // the best of earlier experiments, to be tried first
	skip    int                // trials before those
	walk    *walk
	marks   []*walk // some earlier walks, to go back to when an outcome changes; the latest last
	next    *walk   // what trial asked is drawn from; nil where not known yet
	asked   int
}

// maxMarks is how many earlier walks are kept.
const maxMarks = 32

// New makes the Suggester for a problem. It begins at the best of Problem.Earlier, where there is any. Whoever goes over to it
// from another algorithm hands over the outcomes before that as earlier ones and tells only those after it: trials that were not
// drawn from its distribution teach it little.
func New(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	seed := suggest.SeedOf(p, settings)
	s := &search{drawer: newDrawer(p.Space, seed), history: suggest.NewHistory(p.Space), tried: tried.New(p.Space)}
	s.start = &start{
		restart: settings["restart_strategy"], seed: seed, counts: s.drawer.counts,
		m: make([]float64, len(s.drawer.axes)), sigma: 1.0 / 6,
	}
	for j := range s.start.m {
		s.start.m[j] = 0.5
	}
	if settings["sigma"] != "" {
		s.start.sigma = min(settings.Float("sigma"), widest)
	}
	dims := len(s.drawer.axes) + len(s.drawer.cats)
	s.start.lambda = 4 + int(3*math.Log(float64(max(1, dims))))
	s.tops = s.drawer.warm(p.Earlier, s.start)
	for _, a := range p.Initial { // they have the first numbers
		if p.Space.Contains(a) {
			s.skip++
		}
	}
	s.walk = &walk{st: s.start.first()}
	return s, nil
}

// Tell takes outcomes in, and goes back to where the walk still holds. It then goes some steps, so that no question has to wait until it has
// gone thousands.
func (s *search) Tell(outcomes []suggest.Outcome) error {
	for _, c := range s.history.Tell(outcomes) {
		s.next = nil
		s.tried.Tell(c)
		for !s.walk.stands(c) {
			s.walk = &walk{st: s.start.first()}
			if n := len(s.marks); n > 0 {
				s.walk, s.marks = s.marks[n-1], s.marks[:n-1]
			}
		}
	}
	const each = 4 // trials for each outcome
	s.proceed(each * len(outcomes))
	return nil
}

// proceed goes through the trials told since, at most so many.
func (s *search) proceed(most int) {
	records := s.history.Records()
	from, found := slices.BinarySearchFunc(records, s.walk.last, func(r *suggest.Record, n int) int { return r.Number - n })
	if found {
		from++
	}
	for _, r := range records[from:min(len(records), from+most)] {
		if s.step(s.walk, r) {
			s.marks = append(s.marks, s.walk.clone())
			if len(s.marks) > maxMarks {
				s.marks = slices.Delete(s.marks, 0, 1)
			}
		}
	}
}

// catchUp goes through the trials told since, and then on to the trial that is asked for.
func (s *search) catchUp(number int) {
	s.proceed(s.history.Len())
	s.next, s.asked = s.walk.clone(), number
	s.learn(s.next, number, nil)
}

// Ask draws n assignments from the distribution as it is now.
func (s *search) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	if s.next == nil || s.asked != first {
		s.catchUp(first)
	}
	suggestions := make([]suggest.Suggestion, max(n, 0))
	batch := s.tried.Batch()
	for i := range suggestions {
		suggestions[i].Assignment = s.propose(first+i, batch)
		if label := s.pendingBefore(first, first+i).write(); label != "" {
			suggestions[i].Labels = map[string]string{pendingLabel: label}
		}
	}
	return suggestions, nil
}

// pendingBefore is which trials are pending when trial number is asked for in a batch that begins with first.
func (s *search) pendingBefore(first, number int) pendingSet {
	p := make(pendingSet, min(labelReach, number-1))
	for i := range p {
		p[i] = number-i-1 >= first
	}
	for _, e := range s.next.waiting {
		if before := number - e.number; before >= 1 && before <= len(p) {
			p[before-1] = true
		}
	}
	return p
}

// propose is one of the best of earlier experiments, or the first draw that fits.
func (s *search) propose(number int, batch *tried.Batch) space.Assignment {
	if i := number - 1 - s.skip; i >= 0 && i < len(s.tops) && batch.Fits(s.tops[i]) {
		batch.Add(s.tops[i])
		return slices.Clone(s.tops[i])
	}
	draws := s.drawer.of(s.next.st, number)
	a := s.drawer.assignment(draws.next())
	for i := 1; i < s.drawer.limit && !batch.Fits(a); i++ {
		a = s.drawer.assignment(draws.next())
	}
	if !batch.Fits(a) {
		if left := batch.Left(number); left != nil {
			a = left
		}
	}
	batch.Add(a)
	return a
}
