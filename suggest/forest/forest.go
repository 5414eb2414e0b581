// Package forest searches with a random forest: regression trees predict the objective, and where they disagree they are unsure. It
// knows parameters and outcomes, never how trials run.
//
//	F. Hutter, H. H. Hoos, K. Leyton-Brown, "Sequential model-based optimization for general algorithm configuration", LION 5
//	(2011): SMAC, of which this is the model and the search for what it promises, without races between seeds;
//	P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63(1), 3-42 (2006), for how trees are grown.
package forest

import (
	"qalam/suggest"
)

// startupTrials is the name of a setting.
const startupTrials = "n_startup_trials"

// Algorithms lists this package's entry of the registry: forest.
func Algorithms() []suggest.Algorithm {
	return []suggest.Algorithm{{
		Name: "forest", New: newSuggester,
		Doc: "Predicts the objective by a random forest (as SMAC does): for lists of many values, conditions and thousands of trials.",
		Settings: []suggest.Setting{
			{
				Name: startupTrials, Kind: suggest.KindInt, Check: suggest.AtLeast(1),
				Doc: "Number of results before the forest is asked; by default one more than there are parameters, from 5 to 20.",
			},
			{
				Name: "n_trees", Kind: suggest.KindInt, Default: trees, Check: between(2, 200),
				Doc: "Number of trees, from 2 to 200; " + trees + " by default.",
			},
			suggest.RandomState,
		},
	}}
}
