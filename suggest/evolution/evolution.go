// Package evolution searches with evolutionary algorithms: the best trials, or the latest, are recombined and mutated. It knows
// populations of trials and how to vary assignments, nothing of how trials run.
package evolution

import (
	"math/rand/v2"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/tried"
)

// mostObjectives is how many objectives are accepted, which is more than anyone has.
const mostObjectives = 1 << 10

// Algorithms lists this package's entries of the registry: nsga2, nsga3 and evolution.
func Algorithms() []suggest.Algorithm {
	return []suggest.Algorithm{
		{
			Name: "nsga2", New: newNSGA2, Objectives: mostObjectives,
			Doc: "Recombines and mutates the best compromises between several objectives (NSGA-II); constraints come first.",
			Settings: []suggest.Setting{
				suggest.RandomState,
				{
					Name: "population_size", Kind: suggest.KindInt, Check: suggest.AtLeast(2),
					Doc: "Number of trials kept to breed from; by default a 25th of maxTrialCount (500 where it is not given), within 20 and 100.",
				},
			},
		},
		{
			Name: "nsga3", New: newNSGA3, Objectives: mostObjectives,
			Doc: "Like nsga2, spread along directions over the front (NSGA-III): for more than three objectives.",
			Settings: []suggest.Setting{
				suggest.RandomState,
				{
					Name: "population_size", Kind: suggest.KindInt, Check: suggest.AtLeast(2),
					Doc: "Number of trials kept to breed from, and of directions at most; by default a 25th of maxTrialCount (500 where it is not given), within 20 and 100.",
				},
			},
		},
		{
			Name: "evolution", New: newRegularized,
			Doc: "Mutates the best of some of the latest trials (regularised evolution): for spaces of many categories, as of architectures.",
			Settings: []suggest.Setting{
				suggest.RandomState,
				{
					Name: "population_size", Kind: suggest.KindInt, Check: suggest.AtLeast(2),
					Doc: "Number of the latest trials to choose from; by default a tenth of maxTrialCount (500 where it is not given), within 20 and 100.",
				},
				{
					Name: "sample_size", Kind: suggest.KindInt, Check: suggest.AtLeast(1),
					Doc: "Number of trials drawn from these, of which the best is mutated; by default half of the population.",
				},
			},
		},
	}
}

// sizeOf is the setting of a population's size, or one in so many of the budget's trials.
func sizeOf(p suggest.Problem, settings suggest.Settings, share, least, most int) int {
	if settings["population_size"] != "" {
		return int(settings.Int("population_size"))
	}
	trials := p.MaxTrials
	if trials == 0 {
		trials = 500
	}
	return max(least, min(most, trials/share))
}

// proposer makes the assignments of trials that are new and allowed, first from an evenly spread sequence, then by breeding.
type proposer struct {
	*variation
	history  *suggest.History
	sequence *suggest.Sequence
	seed     uint64
	source   *rand.PCG
	tried    *tried.Set
}

func newProposer(p suggest.Problem, settings suggest.Settings) *proposer {
	source := rand.NewPCG(0, 0)
	seed := suggest.SeedOf(p, settings)
	return &proposer{
		variation: newVariation(p.Space, rand.New(source)), history: suggest.NewHistory(p.Space),
		sequence: suggest.NewSequence(p.Space.Len(), seed), seed: seed, source: source, tried: tried.New(p.Space),
	}
}

// tell takes outcomes in and returns the least number of a trial of which something changed, and whether anything did.
func (p *proposer) tell(outcomes []suggest.Outcome) (least int, changed bool) {
	for _, c := range p.history.Tell(outcomes) {
		if !changed || c.New.Number < least {
			least, changed = c.New.Number, true
		}
		p.tried.Tell(c)
	}
	return least, changed
}

// maxTries is how often one trial is bred until it is new and allowed.
const maxTries = 64

// propose lists assignments for n trials. breed makes the one of a trial, nil where there is nothing to breed from yet; each try
// mutates more.
func (p *proposer) propose(first, n int, breed func(number int, boldness float64) space.Assignment) []suggest.Suggestion {
	suggestions := make([]suggest.Suggestion, max(n, 0))
	batch := p.tried.Batch()
	for i := range suggestions {
		suggest.SeedRand(p.source, p.seed, first+i)
		a := p.attempt(first+i, batch, breed)
		batch.Add(a)
		suggestions[i].Assignment = a
	}
	return suggestions
}

// attempt breeds until the result fits.
func (p *proposer) attempt(number int, batch *tried.Batch, breed func(number int, boldness float64) space.Assignment) space.Assignment {
	var a space.Assignment
	for try := range maxTries {
		if a = breed(number, float64(try)/maxTries); a == nil {
			a = p.spread(number, try)
		}
		if batch.Fits(a) {
			return a
		}
	}
	if left := batch.Left(number); left != nil {
		return left
	}
	return a
}

// spread is a point of the sequence, a random one where that is not wanted.
func (p *proposer) spread(number, try int) space.Assignment {
	u := make([]float64, p.space.Len())
	if p.sequence.At(uint64(number-1), u); try > 0 {
		for i := range u {
			u[i] = p.rng.Float64()
		}
	}
	return p.space.FromUnit(u)
}
