package tpe

import (
	"fmt"
	"strconv"

	"qalam/suggest"
)

// candidates is the default of n_ei_candidates, few that of n_EI_candidates, which counts for each parameter. Peers compare 24.
// More of them search less widely: on 14 problems regrets relative to random search after 20, 30, 50 and 100 trials were
//
//	multivariate-tpe   12 .46 .31 .16 .07   24 .52 .33 .18 .07
//	tpe                 3 .50 .35 .19 .12   24 .68 .61 .58 .56
const (
	candidates = "12"
	few        = "3"
)

// maxObjectives is up to how many objectives hypervolumes are quickly computed.
const maxObjectives = 6

// Algorithms lists the entries of this package.
func Algorithms() []suggest.Algorithm {
	joint := []suggest.Setting{
		{
			Name: "n_startup_trials", Kind: suggest.KindInt, Check: suggest.AtLeast(1),
			Doc: "Number of results before the model is used; by default one more than there are parameters, from 5 to 20, or up to twice as many where many results are equal.",
		},
		{
			Name: "n_ei_candidates", Kind: suggest.KindInt, Default: candidates, Check: suggest.AtLeast(1),
			Doc: "Number of assignments compared for a suggestion; " + candidates + " by default.",
		},
		suggest.RandomState,
	}
	return []suggest.Algorithm{
		{
			Name: "tpe", New: newIndependent,
			Doc: "Estimates where the good trials lie, for each parameter by itself (under constraints for all together); takes any space, and thousands of trials.",
			Settings: []suggest.Setting{
				{
					Name: "gamma", Kind: suggest.KindFloat, Check: between(0, 1),
					Doc: "Good trials among n are the best gamma·√n, at most 25; by default a tenth of them, at most 25.",
				},
				{
					Name: "prior_weight", Kind: suggest.KindFloat, Default: "1", Check: positive,
					Doc: "Weight of the parameters' own distributions, in trials; 1 by default.",
				},
				{
					Name: "n_EI_candidates", Kind: suggest.KindInt, Default: few, Check: suggest.AtLeast(1),
					Doc: "Number of values compared for each parameter of a suggestion; " + few + " by default.",
				},
				suggest.RandomState,
			},
		},
		{
			Name: "multivariate-tpe", New: newMultivariate, Objectives: maxObjectives, Transfers: true,
			Doc:      "Estimates where the good trials lie, all parameters together; takes any space, constraints, and thousands of trials.",
			Settings: joint,
		},
		{
			Name: "motpe", New: newMultivariate, Objectives: maxObjectives, Transfers: true,
			Doc:      "multivariate-tpe under the name it has for several objectives.",
			Settings: joint,
		},
	}
}

// New makes multivariate-tpe with its defaults.
func New(p suggest.Problem) (suggest.Suggester, error) {
	return newMultivariate(p, suggest.Settings{"n_ei_candidates": candidates})
}

func newIndependent(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	prior := settings.Float("prior_weight")
	r := rules{
		startup: startup(p), patience: 2 * startup(p), candidates: int(settings.Int("n_EI_candidates")), share: 0.1, most: 25, improvement: true,
		good: kernels{narrow: 0.01, shrink: 2, steps: 0.5, prior: prior, choice: prior, parent: prior},
		many: kernels{narrow: 0.01, shrink: 1, steps: 0.5, prior: prior, choice: prior, parent: prior},
	}
	if settings["gamma"] != "" {
		r.share, r.root = 0, settings.Float("gamma")
	}
	if p.Constraints > 0 { // which say little of one parameter by itself
		r.joint, r.candidates = true, 4*r.candidates
		r.good, r.many = jointKernels(prior)
	}
	return newSuggester(p, settings, r), nil
}

func newMultivariate(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	r := rules{
		startup: startup(p), patience: 2 * startup(p), candidates: int(settings.Int("n_ei_candidates")), share: 0.1, most: 25, improvement: true, joint: true,
	}
	r.good, r.many = jointKernels(1)
	if p.Objectives > 1 {
		r.most = 64 // of a front there is more to be known than of one optimum
	}
	if settings["n_startup_trials"] != "" {
		r.startup = int(settings.Int("n_startup_trials"))
		r.patience = r.startup
	}
	t := newSuggester(p, settings, r)
	t.branch(p, func() *suggester { return newSuggester(p, settings, r) })
	return t, nil
}

// jointKernels are those of densities over all parameters at once.
func jointKernels(prior float64) (good, many kernels) {
	good = kernels{narrow: 0.01, shrink: 2, steps: 0.5, prior: 0.5 * prior, choice: 0.5 * prior, parent: 4 * prior}
	many = kernels{narrow: 0.01, shrink: 1, steps: 0.5, prior: prior, choice: prior, parent: 4 * prior}
	return good, many
}

// startup is the number of results before the densities are used.
func startup(p suggest.Problem) int {
	const least, most = 5, 20
	return min(max(least, p.Space.Len()+1), most)
}

// between is a Check of numbers between two others, both excluded.
func between(low, high float64) func(string) string {
	return func(value string) string {
		if v, _ := strconv.ParseFloat(value, 64); !(v > low && v < high) { // its kind was checked before
			return fmt.Sprintf("%s is not between %g and %g", value, low, high)
		}
		return ""
	}
}

// positive is a Check of numbers.
func positive(value string) string {
	if v, _ := strconv.ParseFloat(value, 64); !(v > 0) { // its kind was checked before
		return fmt.Sprintf("%s is not more than 0", value)
	}
	return ""
}
