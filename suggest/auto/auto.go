// Package auto chooses, for every trial, among algorithms that each are good at something: by the space, the number of results,
// and what has worked so far. It knows what its parts are good at, nothing of how they search.
package auto

import (
	"fmt"

	"qalam/space"
	"qalam/suggest"
)

// Parts are the algorithms to choose among.
type Parts struct {
	Model      suggest.Algorithm // a Gaussian process: makes the most of few results
	Density    suggest.Algorithm // tree-structured Parzen estimators: any space, any number of results
	Evolution  suggest.Algorithm // CMA-ES: refines numbers when there are many results
	Population suggest.Algorithm // NSGA-II: several objectives and many results
	Directions suggest.Algorithm // NSGA-III: many objectives
}

// Limits on what each part is asked for.
const (
	modelResults     = 300 // results from which on a model costs more than it finds, for numbers
	modelParameters  = 60  // parameters that a model can tell apart by so many results
	smallSpace       = 2_000
	manyObjectives   = 3   // more than a hypervolume is computed for at every step
	severalResults   = 200 // results from which on a population is ahead with several objectives
	categoricalLimit = 300 // levels of all categories together that a model can tell apart
)

// by is the label that says which part proposed a trial.
const by = "qalam.dev/auto"

// Algorithms lists the one entry of the registry: auto.
func Algorithms(parts Parts) []suggest.Algorithm {
	return []suggest.Algorithm{algorithm(parts, modelResults)}
}

// algorithm is auto with a limit of few results.
func algorithm(parts Parts, few int) suggest.Algorithm {
	return suggest.Algorithm{
		Name: "auto", Settings: []suggest.Setting{suggest.RandomState}, Transfers: true, Objectives: 1 << 10,
		Doc: "Chooses for every trial what suits the space and the number of results: a Gaussian process at first, later CMA-ES or TPE; NSGA-II for several objectives, NSGA-III for more than three. Tries promising values again where all can be counted and results are noisy.",
		New: func(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
			return newAuto(parts, p, few, suggest.SeedOf(p, settings))
		},
		Repeats: repeats,
		Supports: func(p suggest.Problem, _ suggest.Settings) string {
			_, problem := newTraits(p, few).able(&parts, p)
			return problem
		},
	}
}

// repeats is how far promising assignments are tried again. Where the values can be counted, a search ends among a few neighbours that
// a model of noisy results cannot tell apart; elsewhere it smooths over what lies close together. Where results turn out to be always
// the same, three trials are spent.
func repeats(p suggest.Problem) suggest.Repetition {
	n, finite := p.Space.Size()
	if !finite || n > mostRepeated || p.Objectives > 1 || p.MaxTrials > 0 && p.MaxTrials < repeatedBudget {
		return suggest.NoRepetition()
	}
	return suggest.Repetition{Share: repeatedShare, Most: repeatedMost}
}

const (
	mostRepeated   = 1 << 20 // assignments of a space with repetitions
	repeatedBudget = 40      // trials without which none is to spare
	repeatedShare  = 0.2
	repeatedMost   = 5
)

// traits are what the choice depends on besides the results.
type traits struct {
	parameters  int // that have more than one value
	levels      int // of all categories together
	numeric     bool
	conditional bool
	size        uint64 // of the space; 0 where it is not finite
	few         int    // below so many results a model makes the most of them
	objectives  int
	constraints int
}

func newTraits(p suggest.Problem, few int) traits {
	t := traits{few: few, numeric: true, conditional: p.Space.Conditional(), objectives: max(1, p.Objectives), constraints: p.Constraints}
	for i, x := range p.Space.Parameters() {
		n, finite := p.Space.Count(i)
		if finite && n <= 1 {
			continue
		}
		t.parameters++
		if x.Type == space.Categorical {
			t.levels += int(n)
			t.numeric = false
		}
	}
	if n, finite := p.Space.Size(); finite {
		t.size = n
	}
	return t
}

// part is one of Parts.
type part int

const (
	model part = iota
	density
	evolution
	population
	directions
	parts = iota
)

func (p part) String() string {
	return [parts]string{"a Gaussian process", "TPE", "CMA-ES", "NSGA-II", "NSGA-III"}[p]
}

func (a *Parts) of(p part) *suggest.Algorithm {
	return [parts]*suggest.Algorithm{&a.Model, &a.Density, &a.Evolution, &a.Population, &a.Directions}[p]
}

// able says which parts can search the problem; problem says why none can, or is "".
func (t traits) able(all *Parts, p suggest.Problem) (can [parts]bool, problem string) {
	for i := range part(parts) {
		a := all.of(i)
		if a.New == nil {
			continue
		}
		settings, err := suggest.Complete(a.Settings, nil)
		if err != nil {
			problem = err.Error()
			continue
		}
		if why := a.Refuses(p, settings); why != "" {
			problem = why
			continue
		}
		can[i] = true
	}
	if can != [parts]bool{} {
		return can, ""
	}
	return can, problem
}

// choice is what a trial is proposed by, and why.
type choice struct {
	part part
	why  string
}

// choose chooses by the number of results, by how many of them came after the best, and by the share of those that equal an earlier
// one. draw is a random number in [0, 1) that belongs to the trial.
func (t traits) choose(can [parts]bool, results, since int, ties, draw float64) choice {
	first := func(why string, order ...part) choice {
		for _, p := range append(order, density, model, population, directions, evolution) {
			if can[p] {
				return choice{p, why}
			}
		}
		panic("auto: no part can search the space") // newAuto has checked
	}
	switch {
	case t.objectives > 1:
		why, order := t.several(results)
		return first(why, order...)
	case t.parameters > modelParameters || t.levels > categoricalLimit:
		if results >= t.few && t.refinable() {
			return first(fmt.Sprintf("%d numbers and %d or more results", t.parameters, t.few), evolution)
		}
		return first(fmt.Sprintf("%d parameters are too many for a model", t.parameters), density)
	case results < t.few && ties >= tiesFrom && draw < tiesShare*ties:
		return first("results that equal earlier ones, of which a model learns little", density)
	case results >= hedgedFrom && results < t.few && since >= hedgedSince && draw < hedgeShare:
		return first(fmt.Sprintf("%d results without a better one, and a model may be wrong", hedgedSince), density)
	case results < t.few || t.size > 0 && t.size <= smallSpace:
		return first(fmt.Sprintf("few results, of which a model makes the most (below %d)", t.few), model)
	case t.refinable() && draw < evolutionShare:
		return first(fmt.Sprintf("numbers alone and %d or more results", t.few), evolution)
	case !t.refinable() && draw < densityShare:
		return first(fmt.Sprintf("categories or conditions and %d or more results", t.few), density)
	default:
		return first("a share of the trials, to look elsewhere", model)
	}
}

// several is the choice with several objectives.
func (t traits) several(results int) (why string, order []part) {
	switch {
	case t.objectives > manyObjectives:
		return fmt.Sprintf("%d objectives", t.objectives), []part{directions, population}
	case results >= severalResults:
		return fmt.Sprintf("%d objectives and %d or more results", t.objectives, severalResults), []part{population}
	default:
		return fmt.Sprintf("%d objectives and fewer than %d results", t.objectives, severalResults), []part{model, density}
	}
}

// With few results, from hedgedFrom on, a share of the trials is TPE's as long as the last hedgedSince results were no better than
// those before: where the model is wrong about the objective that helps (measured on Rastrigin's function), and where it is right
// it is left to it.
const (
	hedgeShare  = 0.3
	hedgedFrom  = 30
	hedgedSince = 10
)

// Where results equal earlier ones (suggest.Ties) a model may try the ends of ranges or the step that it is on, and density looks elsewhere
// in a share of the trials that is this part of the share of ties. (On eight problems of trees, eight seeds, regret after 20, 30 and 50
// trials was 0.82 ± 0.06, 0.72 ± 0.09 and 0.70 ± 0.11 times what it was with a density that knew nothing of steps, and a model that knew
// nothing of ties; the whole share was no better. With a model that knows them a share of 0 or 0.25 cannot be told apart on trees. It is
// kept for what the model may be wrong about: where that took three tenths of ties for steps, on a table of rounded accuracies,
// hb_vehicle, regret after 100 trials was 1.4 times the best peer's without a share and 1.19 times with it.) A few ties happen by chance
// where results are rounded.
const (
	tiesShare = 0.5
	tiesFrom  = 0.1
)

// How often, with many results, what suits the space is asked and not the model.
const (
	evolutionShare = 0.875
	densityShare   = 0.75
)

// refinable reports whether the space is one of numbers alone, which a normal distribution can follow.
func (t traits) refinable() bool {
	return t.numeric && !t.conditional && t.constraints == 0 && t.objectives == 1
}
