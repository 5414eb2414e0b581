// Package gp searches with a Gaussian process: a model of the objective that says of every assignment what to expect and how
// surely. It knows parameters and outcomes, never how trials run.
package gp

import (
	"fmt"
	"slices"
	"strings"

	"qalam/suggest"
)

// Names of settings: the number of trials before the first model, what makes a trial promising, and how that is maximised.
const (
	initialPoints = "n_initial_points"
	function      = "acq_func"
	optimizer     = "acq_optimizer"
)

// Algorithms lists the entries of the registry: one algorithm under Katib's name and under its own.
func Algorithms() []suggest.Algorithm {
	a := suggest.Algorithm{
		New: newSuggester, Settings: settings(), Transfers: true, Objectives: mostObjectives,
		Doc: "Learns a smooth model of the objective and tries where improvement is most to be expected: best below 300 trials.",
	}
	katib, own := a, a
	katib.Name, own.Name = "bayesianoptimization", "gp"
	return []suggest.Algorithm{katib, own}
}

// settings are Katib's.
func settings() []suggest.Setting {
	return []suggest.Setting{
		{
			Name: "base_estimator", Kind: suggest.KindString, Default: "GP", Check: oneOf("GP", "RF", "ET", "GBRT"),
			Doc: "The model: GP, a Gaussian process, which also stands in for RF, ET and GBRT, the forests of Katib; GP by default.",
		},
		{
			Name: initialPoints, Kind: suggest.KindInt, Check: suggest.AtLeast(0),
			Doc: "Number of trials before the model is asked; by default a few that grow with the number of parameters.",
		},
		{
			Name: function, Kind: suggest.KindString, Default: "gp_hedge", Check: oneOf("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"),
			Doc: "What makes a trial promising: expected improvement (EI, EIps), its probability (PI, PIps), a confidence bound (LCB), or what was found best (gp_hedge, the default).",
		},
		{
			Name: optimizer, Kind: suggest.KindString, Default: "auto", Check: oneOf("auto", "sampling", "lbfgs"),
			Doc: "How the most promising assignment is found: by sampling alone, or by sampling and then following the slope (lbfgs, and auto, the default).",
		},
		suggest.RandomState,
	}
}

// oneOf is a Check of texts.
func oneOf(known ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(known, strings.TrimSpace(value)) {
			return ""
		}
		return fmt.Sprintf("%q is none of %s", value, strings.Join(known, ", "))
	}
}
