package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
)

// worst prints the problem on which each of ours stays farthest behind the best peer.
func (t *tables) worst(w io.Writer, mine, peers []contender) {
	header, rows := []string{"method"}, [][]string{}
	for _, trials := range t.at {
		header = append(header, fmt.Sprintf("@%d", trials))
	}
	for _, c := range mine {
		row := []string{c.String()}
		for _, trials := range t.at {
			row = append(row, t.worstCell(c, peers, trials))
		}
		rows = append(rows, row)
	}
	fmt.Fprint(w, "\n### Where ours is farthest behind the best peer of the same number of workers: median regret as a multiple of the best peer's\n\n")
	markdown(w, header, rows)
}

func (t *tables) worstCell(c contender, peers []contender, trials int) string {
	highest, where := math.Inf(-1), ""
	for _, p := range t.problems {
		best, who := math.Inf(1), ""
		for _, o := range peers {
			if m := t.median(o, p.Name, trials); o.workers == c.workers && m < best {
				best, who = m, o.String()
			}
		}
		ratio := positive(t.median(c, p.Name, trials), t.floor) / positive(best, t.floor)
		if who != "" && ratio > highest {
			highest, where = ratio, fmt.Sprintf("%s× on %s (%s)", brief(ratio), p.Name, who)
		}
	}
	if where == "" {
		return "–"
	}
	return where
}

// goal is after how many trials a peer's median is to be reached.
const goal = 100

// reach prints after how many trials the median of each of ours is as good as a peer's after 100.
func (t *tables) reach(w io.Writer, mine, peers []contender) {
	var rows [][]string
	for _, c := range mine {
		for _, o := range peers {
			var needed []float64
			half, beyond := 0, 0
			for _, p := range t.problems {
				target := t.median(o, p.Name, goal)
				if math.IsNaN(target) || o.workers != c.workers || len(t.bySeed(c, p.Name, goal)) == 0 {
					continue
				}
				n := t.firstBelow(c, p.Name, positive(target, t.floor))
				needed = append(needed, n)
				if n <= goal/2 {
					half++
				} else if n > goal {
					beyond++
				}
			}
			if len(needed) > 0 {
				rows = append(rows, []string{
					c.String(), o.String(), fmt.Sprintf("%.0f", stats.Median(needed)), fmt.Sprintf("%d of %d", half, len(needed)), fmt.Sprint(beyond),
				})
			}
		}
	}
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n### Trials until our median is as good as a peer's after %d\n\n", goal)
		markdown(w, []string{"method", "peer", "median trials", fmt.Sprintf("within %d", goal/2), fmt.Sprintf("not within %d", goal)}, rows)
	}
}

// firstBelow is the first number of trials, up to 100, at which a median is at most the target; infinite when there is none.
func (t *tables) firstBelow(c contender, name string, target float64) float64 {
	for trials := 1; trials <= goal; trials++ {
		if m := t.median(c, name, trials); positive(m, t.floor) <= target {
			return float64(trials)
		}
	}
	return math.Inf(1)
}

// Limits of a claim: overall, and of being worse on a single problem.
const (
	claimLevel  = 0.01
	claimEffect = 0.71
)

// tests prints, at the largest number of trials, whether ours is better than the peers beyond chance: pairs are runs of the same
// problem and seed.
func (t *tables) tests(w io.Writer, mine, peers []contender) {
	for _, trials := range slices.Backward(t.at) {
		var rows [][]string
		for _, c := range mine {
			for _, o := range peers {
				if row := t.test(c, o, trials); row != nil && c.workers == o.workers {
					rows = append(rows, row)
				}
			}
		}
		if len(rows) > 0 {
			fmt.Fprintf(w, "\n### Against each, after %d trials: paired seeds, Wilcoxon's signed-rank tests, Holm over problems\n\n", trials)
			markdown(w, []string{"method", "against", "regret ratio (95 %)", "p over problems", "better on", "worse on", "verdict"}, rows)
			return
		}
	}
}

// test is a row of tests, nil when the two share no problem.
func (t *tables) test(c, o contender, trials int) []string {
	var differences, ps, effects []float64
	var tested []problem.Problem
	logs := []float64{}
	for _, p := range t.problems {
		a, b := t.bySeed(c, p.Name, trials), t.bySeed(o, p.Name, trials)
		var va, vb, d []float64
		for seed, v := range a {
			if u, ok := b[seed]; ok && !math.IsInf(v, 0) && !math.IsInf(u, 0) {
				v, u = math.Log(positive(v, t.floor)), math.Log(positive(u, t.floor))
				va, vb, d = append(va, v), append(vb, u), append(d, v-u)
			}
		}
		if len(d) == 0 {
			continue
		}
		tested = append(tested, p)
		m := stats.Median(va) - stats.Median(vb)
		logs, differences = append(logs, m), append(differences, m)
		ps, effects = append(ps, stats.Wilcoxon(d)), append(effects, stats.A12(va, vb))
	}
	if len(tested) == 0 {
		return nil
	}
	var better, worse []string
	lost := false
	for i, p := range stats.Holm(ps) {
		switch {
		case p >= 0.05:
		case effects[i] < 0.5:
			better = append(better, tested[i].Name)
		default:
			worse = append(worse, tested[i].Name)
			lost = lost || ps[i] < claimLevel && effects[i] > claimEffect
		}
	}
	overall, mean := stats.Wilcoxon(differences), stats.Mean(logs)
	verdict := "–"
	switch {
	case overall < claimLevel && mean < 0 && !lost:
		verdict = "better"
	case overall < claimLevel && mean > 0:
		verdict = "worse"
	}
	ci := stats.Bootstrap(logs, resamples)
	return []string{
		c.String(), o.String(), fmt.Sprintf("%s [%s, %s]", brief(math.Exp(mean)), brief(math.Exp(ci.Low)), brief(math.Exp(ci.High))),
		fmt.Sprintf("%.2g (%d problems)", overall, len(tested)), several(better), several(worse), verdict,
	}
}

func several(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d: %s", len(names), strings.Join(names, " "))
}

// parallel prints what several workers cost: regret relative to the same method's with one, after as many trials.
func (t *tables) parallel(w io.Writer, all []contender) {
	header, rows := []string{"method"}, [][]string{}
	for _, trials := range t.at {
		header = append(header, fmt.Sprintf("@%d", trials))
	}
	for _, c := range all {
		if c.workers == 1 {
			continue
		}
		row := []string{c.String()}
		for _, trials := range t.at {
			logs, cell := t.logRatios(c, contender{c.method, 1}, trials), "–"
			if len(logs) > 0 {
				ci := stats.Bootstrap(logs, resamples)
				cell = fmt.Sprintf("%s [%s, %s]", brief(math.Exp(stats.Mean(logs))), brief(math.Exp(ci.Low)), brief(math.Exp(ci.High)))
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		fmt.Fprint(w, "\n### What parallel trials cost: median regret relative to the same method's with one worker (geometric mean)\n\n")
		markdown(w, header, rows)
	}
}
