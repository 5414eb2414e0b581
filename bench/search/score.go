package main

import (
	"fmt"
	"io"
	"math"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
)

// scores prints Bayesmark's score of each contender, and how far ours is ahead of each peer, on problems whose best nobody knows, such as
// the training of models: 100 for the best that any method found on an instance, 0 for no better than the median configuration drawn at
// random. A ratio of medians says how near to the best a method comes, in powers of ten; this says how much there was still to be gained.
//
// R. Turner et al. (2020), see problem.models. There the median is that of all evaluations of random search; here it is that of the
// peers' first trials, which are drawn at random too, as of the others only the best is kept.
func (t *tables) scores(w io.Writer, all, mine, peers []contender) {
	header, rows := []string{"method"}, [][]string{}
	for _, trials := range t.at {
		header = append(header, fmt.Sprintf("@%d", trials))
	}
	for _, c := range all {
		rows = append(rows, t.scoreRow(func(trials int) []float64 { return t.score(c, c, trials) }, c.String()))
	}
	if unmeasured(rows, 1) {
		return
	}
	fmt.Fprint(w, "\n### Bayesmark's score: 100 is the best that any method found, 0 the median of configurations drawn at random (95 % over problems, their number)\n\n")
	markdown(w, header, rows)
	rows = nil
	for _, c := range mine {
		for _, o := range peers {
			if c.workers == o.workers {
				rows = append(rows, t.scoreRow(func(trials int) []float64 { return t.ahead(c, o, trials) }, c.String(), o.String()))
			}
		}
	}
	if unmeasured(rows, 2) {
		return
	}
	fmt.Fprint(w, "\n### How much higher the score is than a peer's on the instances of both\n\n")
	markdown(w, append([]string{header[0], "against"}, header[1:]...), rows)
}

// scoreGoals says whether auto's score on models is no lower than each peer's.
func (t *tables) scoreGoals(w io.Writer, all []problem.Problem) error {
	problems, err := problem.Select(all, []string{"models-comparison"})
	if err != nil {
		return err
	}
	t.problems = problems
	t.prepare()
	at := []int{20, 30, 50}
	header, rows := []string{"peer"}, [][]string{}
	for _, trials := range at {
		header = append(header, fmt.Sprintf("@%d", trials))
	}
	auto := contender{oursPrefix + "auto", 1}
	for _, id := range ranked {
		row := []string{id}
		for _, trials := range at {
			if ahead := t.ahead(auto, contender{id, 1}, trials); len(ahead) > 0 {
				row = append(row, points(ahead)+" "+yes(stats.Mean(ahead) >= 0))
			}
		}
		if len(row) == len(header) {
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 {
		fmt.Fprint(w, "\n### Goals: auto's score on scikit-learn's models no lower than each peer's (Bayesmark's, of 100, see below; 95 % over problems, their number)\n\n")
		markdown(w, header, rows)
	}
	return nil
}

// scoreRow is a row of means over problems, one for each number of trials.
func (t *tables) scoreRow(of func(trials int) []float64, names ...string) []string {
	row := names
	for _, trials := range t.at {
		if scores := of(trials); len(scores) > 0 {
			row = append(row, points(scores))
		} else {
			row = append(row, "–")
		}
	}
	return row
}

// points is the mean over problems.
func points(scores []float64) string {
	ci := stats.Bootstrap(scores, resamples)
	return fmt.Sprintf("%.1f [%.1f, %.1f] (%d)", stats.Mean(scores), ci.Low, ci.High, len(scores))
}

// unmeasured reports whether rows have nothing behind their names.
func unmeasured(rows [][]string, names int) bool {
	for _, row := range rows {
		for _, cell := range row[names:] {
			if cell != "–" {
				return false
			}
		}
	}
	return true
}

// score is the mean score of c over the seeds that o has as well, for each problem of both.
func (t *tables) score(c, o contender, trials int) []float64 {
	var out []float64
	for _, p := range t.problems {
		unit := t.first(p.Name)
		shared, _ := t.pairs(c, o, p.Name, trials, trials)
		if !p.Relative || len(shared) == 0 || !(unit > 0) {
			continue
		}
		sum := 0.0
		for _, regret := range shared {
			sum += math.Min(1, regret/unit)
		}
		out = append(out, 100*(1-sum/float64(len(shared))))
	}
	return out
}

// first is the median regret of the peers' first trials on a problem. Ours begin in the middle of the space.
func (t *tables) first(name string) float64 {
	var regrets []float64
	for _, r := range t.records.list {
		c := contender{r.method, r.workers}
		if v, ok := r.at(1); ok && r.problem == name && !c.ours() {
			regrets = append(regrets, v-t.lowest[instance{name, r.seed}])
		}
	}
	return stats.Median(regrets)
}

// ahead is how much higher c's score is than o's, for each problem of both.
func (t *tables) ahead(c, o contender, trials int) []float64 {
	out := t.score(c, o, trials)
	for i, theirs := range t.score(o, c, trials) {
		out[i] -= theirs
	}
	return out
}
