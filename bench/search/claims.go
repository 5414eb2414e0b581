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

// worstCell is where one of ours is farthest behind the best of the peers with as many workers, and how far.
func (t *tables) worstCell(c contender, peers []contender, trials int) string {
	highest, where := math.Inf(-1), "–"
	for _, p := range t.problems {
		best, who := math.Inf(1), ""
		for _, o := range peers {
			if m := t.median(o, p.Name, trials); o.workers == c.workers && m < best {
				best, who = m, o.String()
			}
		}
		ratio := t.within(t.median(c, p.Name, trials), p.Name) / t.within(best, p.Name)
		if who != "" && ratio > highest {
			highest, where = ratio, fmt.Sprintf("%s× on %s (%s)", brief(ratio), p.Name, who)
		}
	}
	return where
}

// feasible prints, where there are constraints, after how many trials the first kept them all.
func (t *tables) feasible(w io.Writer, all []contender) {
	header, rows := []string{"method"}, [][]string{}
	var constrained []problem.Problem
	for _, p := range t.problems {
		if p.Constraints > 0 {
			constrained, header = append(constrained, p), append(header, p.Name)
		}
	}
	for _, c := range all {
		row := []string{c.String()}
		for _, p := range constrained {
			var first []float64
			for _, r := range t.searches[searched{c, p.Name}] {
				first = append(first, r.firstFinite())
			}
			cell := "–"
			if len(first) > 0 {
				cell = fmt.Sprintf("%s, at worst %s", brief(stats.Median(first)), brief(stats.Quantile(first, 1)))
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	if len(constrained) > 0 {
		fmt.Fprint(w, "\n### The first trial that keeps all constraints: median over seeds\n\n")
		markdown(w, header, rows)
	}
}

// goal100 is after how many trials a peer's median is to be reached.
const goal100 = 100

// reach prints after how many trials the median of each of ours is as good as a peer's after 100.
func (t *tables) reach(w io.Writer, mine, peers []contender) {
	var rows [][]string
	for _, c := range mine {
		for _, o := range peers {
			var needed []float64
			half, beyond := 0, 0
			for _, p := range t.problems {
				if shared, _ := t.pairs(c, o, p.Name, goal100, goal100); o.workers != c.workers || len(shared) == 0 {
					continue
				}
				n := t.firstBelow(c, o, p.Name)
				needed = append(needed, n)
				if n <= goal100/2 {
					half++
				} else if n > goal100 {
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
		fmt.Fprintf(w, "\n### Trials until our median is as good as a peer's after %d\n\n", goal100)
		markdown(w, []string{"method", "peer", "median trials", fmt.Sprintf("within %d", goal100/2), fmt.Sprintf("not within %d", goal100)}, rows)
	}
}

// firstBelow is the first number of trials, up to 100, after which one is as good as another after 100, by the medians of the seeds of
// both; infinite when there is none.
func (t *tables) firstBelow(c, o contender, name string) float64 {
	for trials := 1; trials <= goal100; trials++ {
		a, b := t.pairs(c, o, name, trials, goal100)
		if t.within(stats.Median(a), name) <= t.within(stats.Median(b), name) {
			return float64(trials)
		}
	}
	return math.Inf(1)
}

// pairs is the regret of one after some trials and of another after others, on the seeds of both: a seed is an instance, and some are
// harder.
func (t *tables) pairs(c, o contender, name string, trials, others int) (a, b []float64) {
	theirs := t.bySeed(o, name, others)
	for seed, v := range t.bySeed(c, name, trials) {
		if x, ok := theirs[seed]; ok {
			a, b = append(a, v), append(b, x)
		}
	}
	return a, b
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

// claims prints, for each number of trials, whether ours may be called better than a peer.
func (t *tables) claims(w io.Writer, mine, peers []contender) {
	header, rows := []string{"method", "against"}, [][]string{}
	for _, trials := range t.at {
		header = append(header, fmt.Sprintf("@%d", trials))
	}
	for _, c := range mine {
		for _, o := range peers {
			row, any := []string{c.String(), o.String()}, false
			for _, trials := range t.at {
				cell := "–"
				if v := t.verdict(c, o, trials); v != nil && c.workers == o.workers {
					cell, any = fmt.Sprintf("%s (%s×, p %.2g, %d)", v.text(), brief(math.Exp(v.mean)), v.overall, len(v.tested)), true
				}
				row = append(row, cell)
			}
			if any {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n### Claims: better, worse, or not shown (median regret as a multiple of the peer's, p over problems, number of problems)\n\n")
		markdown(w, header, rows)
	}
}

// verdict is what paired searches say of two methods.
type verdict struct {
	tested        []problem.Problem
	logs          []float64 // of the ratio of the medians of paired seeds, for each problem
	ps, effects   []float64 // for each problem
	better, worse []string  // problems
	lost          bool      // ours is clearly worse on some problem
	overall, mean float64   // p over problems, and the mean of logs
}

// text is the claim that may be made.
func (v *verdict) text() string {
	switch {
	case v.overall < claimLevel && v.mean < 0 && !v.lost:
		return "better"
	case v.overall < claimLevel && v.mean > 0:
		return "worse"
	}
	return "not shown"
}

// verdict compares two by the seeds of both; nil when they share no problem.
func (t *tables) verdict(c, o contender, trials int) *verdict {
	v := &verdict{}
	for _, p := range t.problems {
		a, b := t.bySeed(c, p.Name, trials), t.bySeed(o, p.Name, trials)
		var va, vb, d []float64
		for seed, x := range a {
			if y, ok := b[seed]; ok {
				x, y = math.Log(t.within(x, p.Name)), math.Log(t.within(y, p.Name))
				va, vb, d = append(va, x), append(vb, y), append(d, x-y)
			}
		}
		if len(d) == 0 {
			continue
		}
		v.tested = append(v.tested, p)
		v.logs = append(v.logs, stats.Median(va)-stats.Median(vb))
		v.ps, v.effects = append(v.ps, stats.Wilcoxon(d)), append(v.effects, stats.A12(va, vb))
	}
	if len(v.tested) == 0 {
		return nil
	}
	for i, p := range stats.Holm(v.ps) {
		switch {
		case p >= 0.05:
		case v.effects[i] < 0.5:
			v.better = append(v.better, v.tested[i].Name)
		default:
			v.worse = append(v.worse, v.tested[i].Name)
			v.lost = v.lost || v.ps[i] < claimLevel && v.effects[i] > claimEffect
		}
	}
	v.overall, v.mean = stats.Wilcoxon(v.logs), stats.Mean(v.logs)
	return v
}

// test is a row of tests, nil when the two share no problem.
func (t *tables) test(c, o contender, trials int) []string {
	v := t.verdict(c, o, trials)
	if v == nil {
		return nil
	}
	ci := stats.Bootstrap(v.logs, resamples)
	return []string{
		c.String(), o.String(), fmt.Sprintf("%s [%s, %s]", brief(math.Exp(v.mean)), brief(math.Exp(ci.Low)), brief(math.Exp(ci.High))),
		fmt.Sprintf("%.2g (%d problems)", v.overall, len(v.tested)), several(v.better), several(v.worse), v.text(),
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
