// Package pbt is population based training: a population of models trains in short stretches, each a trial; after a stretch the
// worst models are replaced by copies of the best, whose parameters are changed a little. It knows the outcomes of
// trials and how they descend from one another, neither checkpoints nor where they lie.
//
//	M. Jaderberg, V. Dalibard, S. Osindero, W. M. Czarnecki, J. Donahue, A. Razavi, O. Vinyals, T. Green, I. Dunning, K. Simonyan,
//	C. Fernando, K. Kavukcuoglu, "Population based training of neural networks", arXiv:1711.09846 (2017), algorithm 1.
//
// # What the engine has to do
//
// The setting suggestion_trial_dir is a path in the trial's container, at which the engine mounts a directory of the trial's own,
// kept as long as MayBeParent says that others may go on from it. A suggestion with the label suggest.ParentLabel names a finished
// trial by its number: before the new trial starts, its directory is filled with a copy of that trial's; without the label it
// starts empty. A trial that is started again, after a crash say, starts from the same copy anew. The program loads the checkpoint
// that it finds there, trains, and saves one. Katib's label ParentLabel of this package is to hold the parent's trial name, as
// Katib's users know it; here it holds the number, since names are the engine's.
//
// Labels come back with outcomes: what a trial is in the population is read from them alone.
package pbt

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"qalam/space"
	"qalam/suggest"
)

// The labels of trials.
const (
	GenerationLabel = "pbt.suggestion.katib.kubeflow.org/generation" // how often the model has trained before, from 0
	ParentLabel     = "pbt.suggestion.katib.kubeflow.org/parent"     // the same trial as suggest.ParentLabel
	MemberLabel     = "pbt.qalam.dev/member"                         // place in the population, from 0
	RetryLabel      = "pbt.qalam.dev/retry"                          // how often the trial was tried before and failed; absent at first
)

// retries is how often a failed trial is tried again before its place in the population is given to a copy of another.
const retries = 2

// population is asynchronous: a member goes on as soon as its trial is over, and is compared with the latest scores of the others
// at its own generation or an earlier one, so that members of slow and of fast machines are compared fairly.
type population struct {
	space    *space.Space
	history  *suggest.History
	size     int     // n_population
	tau      float64 // truncation_threshold
	seed     uint64
	sequence *suggest.Sequence
	explorer explorer
	source   *rand.PCG
	rng      *rand.Rand   // reads source
	trials   [][]int      // numbers of each member's trials, in increasing order
	parents  map[int]bool // what future returns, nil where it is not known since the last change
}

// explorer changes the parameters of a copy.
type explorer interface {
	// explore returns the assignment of a copy of the winner at a generation, and what is to be added to the note. ahead is what was
	// suggested just before, and is not told yet.
	explore(winner *suggest.Record, generation int, ahead []suggest.Suggestion, rng *rand.Rand) (space.Assignment, string)
}

// Tell takes outcomes in.
func (p *population) Tell(outcomes []suggest.Outcome) error {
	for _, c := range p.history.Tell(outcomes) {
		p.parents = nil
		if c.Old != nil {
			if m := p.member(c.Old); m >= 0 {
				i, _ := slices.BinarySearch(p.trials[m], c.Old.Number)
				p.trials[m] = slices.Delete(p.trials[m], i, i+1)
			}
		}
		if m := p.member(c.New); m >= 0 {
			i, _ := slices.BinarySearch(p.trials[m], c.New.Number)
			p.trials[m] = slices.Insert(p.trials[m], i, c.New.Number)
		}
	}
	return nil
}

// member is a trial's place in the population, or -1. A trial without labels, such as one that the user gave, begins the place of its
// number where there is one.
func (p *population) member(r *suggest.Record) int {
	if m, ok := number(r.Labels, MemberLabel); ok && m < p.size {
		return m
	}
	if r.Labels[MemberLabel] == "" && r.Number <= p.size {
		return r.Number - 1
	}
	return -1
}

func number(labels map[string]string, name string) (int, bool) {
	n, err := strconv.Atoi(labels[name])
	return n, err == nil && n >= 0
}

func generation(r *suggest.Record) int {
	g, _ := number(r.Labels, GenerationLabel)
	return g
}

// last is a member's latest trial; nil where it has none.
func (p *population) last(m int) *suggest.Record {
	if n := len(p.trials[m]); n > 0 {
		return p.history.Get(p.trials[m][n-1])
	}
	return nil
}

// scored is a member's latest trial with a value at a generation or before it; nil where there is none.
func (p *population) scored(m, generationMost int) *suggest.Record {
	for _, n := range slices.Backward(p.trials[m]) {
		if r := p.history.Get(n); !math.IsNaN(r.Value) && generation(r) <= generationMost {
			return r
		}
	}
	return nil
}

// Ask lets members go on whose trial is over, those first that have trained least.
func (p *population) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	idle := p.idle()
	var suggestions []suggest.Suggestion
	for i := range min(n, len(idle)) {
		suggest.SeedRand(p.source, p.seed, first+i)
		suggestions = append(suggestions, p.next(idle[i], suggestions))
	}
	if len(suggestions) < n {
		return suggestions, suggest.ErrWait
	}
	return suggestions, nil
}

// idle lists the members of which no trial is running: those without any first, then by generation and number of the last one.
func (p *population) idle() []int {
	var idle []int
	for m := range p.size {
		if last := p.last(m); last == nil || last.State != suggest.Pending {
			idle = append(idle, m)
		}
	}
	age := func(m int) (int, int) {
		if last := p.last(m); last != nil {
			return generation(last), last.Number
		}
		return -1, m
	}
	slices.SortFunc(idle, func(a, b int) int {
		ga, na := age(a)
		gb, nb := age(b)
		return cmp.Or(cmp.Compare(ga, gb), cmp.Compare(na, nb))
	})
	return idle
}

// next is the next trial of a member, after those ahead of it.
func (p *population) next(m int, ahead []suggest.Suggestion) suggest.Suggestion {
	last := p.last(m)
	if last == nil {
		return p.begin(m)
	}
	g := generation(last)
	if math.IsNaN(last.Value) {
		retry, _ := number(last.Labels, RetryLabel)
		if retry < retries {
			s := p.suggestion(m, g, last.Assignment)
			s.Labels[RetryLabel] = strconv.Itoa(retry + 1)
			if parent, ok := number(last.Labels, suggest.ParentLabel); ok {
				s.parent(parent)
			}
			s.Note = "trial " + strconv.Itoa(last.Number) + " again, which failed"
			return s.Suggestion
		}
	}
	ranked := p.ranked(g)
	if math.IsNaN(last.Value) && len(ranked) == 0 {
		return p.begin(m)
	}
	if winner := p.winner(last, ranked); winner != nil {
		a, note := p.explorer.explore(winner, g+1, ahead, p.rng)
		s := p.suggestion(m, g+1, a)
		s.parent(winner.Number)
		s.Note = "goes on from trial " + strconv.Itoa(winner.Number) + " in the place of trial " + strconv.Itoa(last.Number) + note
		return s.Suggestion
	}
	s := p.suggestion(m, g+1, last.Assignment)
	s.parent(last.Number)
	return s.Suggestion
}

// ranked lists the scored trials of all members at a generation or before it, best first.
func (p *population) ranked(generationMost int) []*suggest.Record {
	var ranked []*suggest.Record
	for m := range p.size {
		if r := p.scored(m, generationMost); r != nil {
			ranked = append(ranked, r)
		}
	}
	slices.SortFunc(ranked, func(a, b *suggest.Record) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
	})
	return ranked
}

// winner is whom a member gives way to: one of the best, if the member is among the worst (truncation selection) or has failed for
// good; nil where it goes on by itself.
func (p *population) winner(last *suggest.Record, ranked []*suggest.Record) *suggest.Record {
	n := len(ranked)
	k := int(p.tau * float64(n))
	if n == p.size && p.tau > 0 {
		k = max(1, k) // as of Katib's quantiles
	}
	if math.IsNaN(last.Value) {
		return ranked[p.rng.IntN(max(1, min(k, n)))]
	}
	rank := slices.Index(ranked, last)
	if rank < n-k || rank < k && rank < n-rank { // of thresholds above a half only the worse half gives way
		return nil
	}
	for k > 0 && ranked[k-1].Value >= last.Value { // none is copied that is no better
		k--
	}
	if k == 0 {
		return nil
	}
	return ranked[p.rng.IntN(k)]
}

// labelled is a suggestion under construction.
type labelled struct{ suggest.Suggestion }

func (p *population) suggestion(m, generation int, a space.Assignment) labelled {
	return labelled{suggest.Suggestion{Assignment: slices.Clone(a), Labels: map[string]string{
		MemberLabel: strconv.Itoa(m), GenerationLabel: strconv.Itoa(generation),
	}}}
}

func (s *labelled) parent(n int) {
	s.Labels[suggest.ParentLabel], s.Labels[ParentLabel] = strconv.Itoa(n), strconv.Itoa(n)
}

// begin starts a member anew: the population is spread evenly, and what follows where all has failed is drawn.
func (p *population) begin(m int) suggest.Suggestion {
	a := p.space.Sample(p.rng)
	if len(p.trials[m]) == 0 {
		u := make([]float64, p.space.Len())
		p.sequence.At(uint64(m), u)
		if even := p.space.FromUnit(u); p.space.Contains(even) {
			a = even
		}
	}
	return p.suggestion(m, 0, a).Suggestion
}
