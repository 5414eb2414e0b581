package auto

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/suggest"
)

// suggester keeps the outcomes and the parts that were asked so far; the parts follow from the outcomes.
type suggester struct {
	all     Parts
	problem suggest.Problem
	seed    uint64
	traits  traits
	can     [parts]bool
	history *suggest.History
	results int // completed trials
	ties    suggest.Ties
	source  *rand.PCG
	rng     *rand.Rand // reads source

	made   [parts]*made
	credit int // how many outcomes parts may be told in advance, when they are made
}

// made is a part at work.
type made struct {
	suggest.Suggester
	since int // of evolution: the first trial of its own, 0 where there is none yet; what came before is earlier
}

func newAuto(all Parts, p suggest.Problem, few int, seed uint64) (suggest.Suggester, error) {
	source := rand.NewPCG(0, 0)
	s := &suggester{
		all: all, problem: p, seed: seed, traits: newTraits(p, few), history: suggest.NewHistory(p.Space),
		source: source, rng: rand.New(source),
	}
	s.problem.Seed = seed
	var problem string
	if s.can, problem = s.traits.able(&s.all, p); problem != "" {
		return nil, fmt.Errorf("no algorithm that auto knows can search this space: %s", problem)
	}
	return s, nil
}

// Tell takes outcomes in and passes them on to the parts at work.
func (s *suggester) Tell(outcomes []suggest.Outcome) error {
	var news []suggest.Outcome
	changes := s.history.Tell(outcomes)
	s.ties.Tell(changes)
	for _, c := range changes {
		if c.Old != nil && c.Old.State == suggest.Completed {
			s.results--
		}
		if c.New.State == suggest.Completed {
			s.results++
		}
		news = append(news, c.New.Outcome)
	}
	if len(news) == 0 {
		return nil
	}
	if err := s.tellParts(news); err != nil {
		return err
	}
	const each = 4 // outcomes told to parts in advance for each
	s.credit += each * len(news)
	s.prepare()
	return nil
}

// tellParts passes outcomes on to the parts at work.
func (s *suggester) tellParts(news []suggest.Outcome) error {
	for i, m := range s.made {
		if m == nil {
			continue
		}
		if part(i) == evolution {
			if s.passOn(m, news) {
				continue
			}
			s.made[i] = nil // what it began with has changed: it begins again when it is asked
			continue
		}
		if err := m.Tell(news); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the parts that the next question may be for, so that it does not have to wait until they were told thousands of
// outcomes: as long as that costs only a few times what telling them did. Evolution begins with the results there are when it is first
// asked.
func (s *suggester) prepare() {
	n := s.history.Len()
	if s.credit < n {
		return
	}
	since := s.since()
	for _, draw := range []float64{0, math.Nextafter(1, 0)} {
		p := s.traits.choose(s.can, s.results, since, s.ties.Share(), draw).part
		if s.made[p] != nil || s.credit < n {
			continue
		}
		s.credit -= n
		if p == evolution && s.began() == 0 {
			continue
		}
		if _, err := s.part(p); err != nil { // the question will say so
			s.made[p] = nil
		}
	}
}

// passOn tells evolution of its own trials. It is false where the trials before them have changed, which it began with.
func (s *suggester) passOn(m *made, news []suggest.Outcome) bool {
	var own []suggest.Outcome
	for _, o := range news {
		switch {
		case m.since == 0 || o.Number < m.since:
			return false
		case o.Labels[by] == evolution.label():
			own = append(own, o)
		}
	}
	return m.Tell(own) == nil
}

// label is the value of the label by.
func (p part) label() string {
	return [parts]string{"model", "density", "evolution", "population", "directions"}[p]
}

// Ask asks one part for the whole batch: the one that suits its first trial.
func (s *suggester) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	if n <= 0 {
		return nil, nil
	}
	suggest.SeedRand(s.source, s.seed, first)
	c := s.traits.choose(s.can, s.results, s.since(), s.ties.Share(), s.rng.Float64())
	m, err := s.part(c.part)
	if err != nil {
		return nil, err
	}
	suggestions, err := m.Ask(first, n)
	for i := range suggestions {
		x := &suggestions[i]
		labels := map[string]string{by: c.part.label()}
		for k, v := range x.Labels {
			labels[k] = v
		}
		x.Labels = labels
		note := fmt.Sprintf("%s, for there are %s", c.part, c.why)
		if x.Note != "" {
			note += "; " + x.Note
		}
		x.Note = note
	}
	return suggestions, err
}

// since is how many trials with a higher number than the best one are completed; 0 where that does not matter any more.
func (s *suggester) since() int {
	n, best := 0, math.Inf(1)
	if s.results >= s.traits.few {
		return 0
	}
	for _, r := range s.history.Records() {
		if r.State != suggest.Completed {
			continue
		}
		n++
		if r.Feasible() && r.Value < best {
			best, n = r.Value, 0
		}
	}
	return n
}

// part is a part at work, made when it is first needed and told everything.
func (s *suggester) part(p part) (*made, error) {
	if s.made[p] != nil {
		return s.made[p], nil
	}
	a := s.all.of(p)
	given := suggest.Settings{}
	problem := s.problem
	m := &made{}
	if p == evolution {
		given["restart_strategy"] = "bipop"
		m.since = s.began()
		problem.Earlier = [][]suggest.Outcome{s.best(m.since)}
	}
	settings, err := suggest.Complete(a.Settings, given)
	if err != nil {
		return nil, err
	}
	if m.Suggester, err = a.New(problem, settings); err != nil {
		return nil, err
	}
	told := func(*suggest.Record) bool { return true }
	if p == evolution {
		told = func(r *suggest.Record) bool {
			return m.since > 0 && r.Number >= m.since && r.Labels[by] == evolution.label()
		}
	}
	s.made[p] = m
	return m, m.Tell(s.outcomes(told))
}

// handedOver is how many results evolution begins with, at most.
const handedOver = 1000

// best are the results to begin with: of the trials before one, or of all for 0, those with the lowest values, of equal ones the
// first.
func (s *suggester) best(before int) []suggest.Outcome {
	var kept []*suggest.Record
	prune := func() {
		slices.SortFunc(kept, func(a, b *suggest.Record) int {
			return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
		})
		kept = kept[:handedOver]
	}
	limit := math.Inf(1)
	for _, r := range s.history.Records() {
		if r.State != suggest.Completed || before > 0 && r.Number >= before || len(kept) >= handedOver && r.Value >= limit {
			continue
		}
		if kept = append(kept, r); len(kept) == 2*handedOver {
			prune()
			limit = kept[handedOver-1].Value
		}
	}
	if len(kept) > handedOver {
		prune()
	}
	out := make([]suggest.Outcome, len(kept))
	for i, r := range kept {
		out[i] = r.Outcome
	}
	return out
}

// began is the number of evolution's first trial, 0 where there is none yet.
func (s *suggester) began() int {
	for _, r := range s.history.Records() {
		if r.Labels[by] == evolution.label() {
			return r.Number
		}
	}
	return 0
}

// outcomes lists the last outcomes of some trials, by number.
func (s *suggester) outcomes(keep func(*suggest.Record) bool) []suggest.Outcome {
	var out []suggest.Outcome
	for _, r := range s.history.Records() {
		if keep(r) {
			out = append(out, r.Outcome)
		}
	}
	return out
}
