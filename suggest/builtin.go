package suggest

// anyNumber of objectives is fine with algorithms that look at none.
const anyNumber = 1 << 30

// Builtin is the registry of this package's own entries, which need no model: random, grid, sobol and medianstop, under Katib's
// names and with Katib's settings.
func Builtin() Registry {
	return Registry{
		Algorithms: []Algorithm{
			{
				Name: "random", New: newRandom, Objectives: anyNumber, Settings: []Setting{RandomState},
				Doc: "Draws assignments at random, none twice before a finite space is through.",
			},
			{
				Name: "grid", New: newGrid, Supports: gridSupports, Objectives: anyNumber,
				Doc: "Goes through every combination in order, the last parameter changing fastest; doubles need a step.",
				Settings: []Setting{{
					Name: "random_state", Kind: KindInt, Check: AtLeast(0),
					Doc: "Accepted for Katib's sake and without effect: the order of the grid is not random.",
				}},
			},
			{
				Name: "sobol", New: newSobol, Supports: sobolSupports, Objectives: anyNumber, Settings: []Setting{RandomState},
				Doc: "Spreads assignments evenly: a scrambled Sobol sequence, led through the parameters' distributions.",
			},
		},
		StopRules: stopRules(),
	}
}

func stopRules() []StopRule {
	minTrials := Setting{
		Name: "min_trials_required", Kind: KindInt, Default: "3", Check: AtLeast(1),
		Doc: "Number of finished trials that must have reached a step before any trial is stopped there; 3 by default.",
	}
	startStep := Setting{
		Name: "start_step", Kind: KindInt, Default: "4", Check: AtLeast(1),
		Doc: "Number of reports of the objective from which on a trial may be stopped; 4 by default.",
	}
	return []StopRule{
		{
			Name: "medianstop", New: newMedianStop,
			Doc: "Stops a trial whose best value is worse than the median of the finished trials' averages up to the same step.",
			Settings: []Setting{minTrials, startStep, {
				Name: "compat", Kind: KindString, Check: OneOf("katib"),
				Doc: "katib: compare once, at report start_step, with the mean of the finished trials' averages over as many reports; none by default.",
			}},
		},
		{
			Name: "percentile", New: newPercentile,
			Doc: "Stops a trial whose best value is not among the best that a percentage of the finished trials had reached by the same step.",
			Settings: []Setting{minTrials, startStep, {
				Name: "percentile", Kind: KindFloat, Default: "25", Check: Between(0.001, 100),
				Doc: "How many percent of the finished trials a trial may be behind without being stopped; 25 by default.",
			}},
		},
	}
}
