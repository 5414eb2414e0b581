package pbt

import (
	"math/rand/v2"

	"qalam/suggest"
)

// Algorithms lists the algorithms of this package.
func Algorithms() []suggest.Algorithm {
	return []suggest.Algorithm{
		{
			Name: "pbt", New: newPBT, Supports: supports, Budgets: true,
			Doc: "Population based training: trials are short stretches of training, after which the worst models go on from copies of the best, with changed parameters.",
			Settings: append(settings("40", 5), suggest.Setting{
				Name: "resample_probability", Kind: suggest.KindFloat, Default: "0", Check: suggest.Between(0, 1),
				Doc: "Probability that a parameter of a copy is drawn anew, rather than multiplied by 0.8 or 1.2; 0 by default.",
			}),
		},
		{
			Name: "pb2", New: newPB2, Supports: supports, Budgets: true,
			Doc:      "Population based bandits: as pbt, but a model of which parameters improve the score chooses those of copies; for small populations.",
			Settings: settings("8", 2),
		},
	}
}

// settings are those of a population of a default size and a smallest one, which for pbt is Katib's.
func settings(size string, least int64) []suggest.Setting {
	return []suggest.Setting{
		{
			Name: "suggestion_trial_dir", Kind: suggest.KindString,
			Doc: "The directory in the trial's container that holds its checkpoint: it starts as a copy of its parent's; must be given.",
		},
		{
			Name: "n_population", Kind: suggest.KindInt, Default: size, Check: suggest.AtLeast(least),
			Doc: "Number of models in the population; " + size + " by default.",
		},
		{
			Name: "truncation_threshold", Kind: suggest.KindFloat, Default: "0.2", Check: suggest.Between(0, 1),
			Doc: "Fraction of the population that gives way to copies, and fraction that is copied, of each at least one model unless it is 0; 0.2 by default.",
		},
		suggest.RandomState,
	}
}

func supports(_ suggest.Problem, settings suggest.Settings) string {
	if settings["suggestion_trial_dir"] == "" {
		return "the setting suggestion_trial_dir must name the directory in the trial's container that holds its checkpoint"
	}
	return ""
}

func newPBT(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	pop := newPopulation(p, settings)
	pop.explorer = newPerturb(p.Space, settings.Float("resample_probability"))
	return pop, nil
}

func newPB2(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	pop := newPopulation(p, settings)
	pop.explorer = newBandit(p.Space, pop.history)
	return pop, nil
}

func newPopulation(p suggest.Problem, settings suggest.Settings) *population {
	source := rand.NewPCG(0, 0)
	seed, size := suggest.SeedOf(p, settings), int(settings.Int("n_population"))
	return &population{
		space: p.Space, history: suggest.NewHistory(p.Space), size: size, tau: settings.Float("truncation_threshold"),
		seed: seed, sequence: suggest.NewSequence(p.Space.Len(), seed), source: source, rng: rand.New(source), trials: make([][]int, size),
	}
}
