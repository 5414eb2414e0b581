package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"qalam/bench/search/stats"
	"qalam/suggest/suggesttest/curves"
)

// curveGoal is how far the mean regret of one of ours on learning curves is to be below that of another policy: the ratio of the means
// over tasks and seeds.
type curveGoal struct {
	ours, other string // names of policies
	at          []int  // of fullRuns
	times       float64
}

// lcBenchGoals are the goals on either half of LCBench.
var lcBenchGoals = []curveGoal{
	{"qalam search bohb", "asha3", []int{20}, 0.6},
	{"qalam search dehb", "asha3", []int{20}, 0.6},
}

// curveGoals are the goals by family.
var curveGoals = map[string][]curveGoal{
	curves.TaskSet: {
		{"qalam rule medianstop", "vizier", []int{20, 50}, 1},
		{"qalam search asha", "asha3", []int{10, 20, 50}, 1},
		{"qalam search hyperband", "asha3", []int{10, 20, 50}, 1},
		{"qalam search bohb", "asha3", []int{20}, 0.6},
		{"qalam search dehb", "asha3", []int{20}, 0.6},
		{"qalam search freezethaw", "asha3", []int{10}, 0.5},
		{"qalam search freezethaw", "qalam search bohb", []int{5, 10, 20, 50}, 1},
	},
	curves.LCBench:       lcBenchGoals,
	curves.LCBenchTuning: lcBenchGoals,
}

// printCurveGoals says which goals are reached by results as compareCurves has them.
func printCurveGoals(w io.Writer, goals []curveGoal, policies []policy, results [][][]float64, seeds int) {
	var rows [][]string
	for _, g := range goals {
		mine, other := policyAt(policies, g.ours), policyAt(policies, g.other)
		if mine < 0 || other < 0 {
			continue
		}
		var after, cells []string
		met := true
		for _, budget := range g.at {
			k := slices.Index(fullRuns, budget)
			a, b := byTask(results[mine][k], seeds), byTask(results[other][k], seeds)
			ratio, ci := stats.Mean(a)/stats.Mean(b), stats.BootstrapRatio(a, b, resamples)
			if math.IsNaN(ratio) { // both are at the best configuration
				ratio = 1
			}
			after = append(after, fmt.Sprint(budget))
			cells = append(cells, fmt.Sprintf("%s [%s, %s]", brief(ratio), brief(ci.Low), brief(ci.High)))
			met = met && ratio <= g.times
		}
		rows = append(rows, []string{g.ours, g.other, strings.Join(after, ", "), fmt.Sprintf("≤ %v", g.times), strings.Join(cells, ", "), yes(met)})
	}
	if len(rows) > 0 {
		fmt.Fprint(w, "\n### Goals: mean regret as a multiple of another's after so many full runs (95 % over tasks)\n\n")
		markdown(w, []string{"ours", "other", "after", "goal", "measured", "reached"}, rows)
	}
}

func policyAt(policies []policy, name string) int {
	return slices.IndexFunc(policies, func(p policy) bool { return p.name == name })
}

// byTask is the mean of each task's seeds, which follow one another.
func byTask(values []float64, seeds int) []float64 {
	var means []float64
	for task := range slices.Chunk(values, seeds) {
		means = append(means, stats.Mean(task))
	}
	return means
}
