package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"qalam/bench/search/stats"
)

// latencyGoal is how many times faster than a peer one of ours is to be, for numbers of trials within limits.
type latencyGoal struct {
	ours, peer string
	times      float64
	from, to   int
}

var latencyGoals = []latencyGoal{
	{"random", "random", 50, 0, math.MaxInt},
	{"random", "gorandom", 1, 0, math.MaxInt},
	{"sobol", "qmc", 50, 0, math.MaxInt},
	{"tpe", "tpe4", 20, 0, math.MaxInt},
	{"tpe", "goptuna", 10, 0, math.MaxInt},
	{"tpe", "hyperopt", 1, 0, math.MaxInt},
	{"multivariate-tpe", "tpe5", 30, 0, math.MaxInt},
	{"multivariate-tpe", "goptuna", 80, 0, math.MaxInt},
	{"gp", "gp", 5, 0, 300},
	{"gp", "gp", 3, 301, math.MaxInt},
	{"gp", "hebo", 200, 0, math.MaxInt},
	{"gp", "skgp", 100, 0, math.MaxInt},
	{"cmaes", "cmaes", 10, 0, math.MaxInt},
	{"cmaes", "gocmaes", 1, 0, math.MaxInt},
	{"nsga2", "nsga2", 5, 0, math.MaxInt},
	{"motpe", "tpe5", 30, 0, math.MaxInt},
}

// worthComparing says whether one of ours has a goal against a peer, or the peer is in no goal.
func worthComparing(ours, peer string) bool {
	name, isOurs := strings.CutPrefix(ours, oursPrefix)
	if !isOurs || strings.HasPrefix(peer, oursPrefix) {
		return false
	}
	named := false
	for _, g := range latencyGoals {
		if g.peer == peer && g.ours == name {
			return true
		}
		named = named || g.peer == peer
	}
	return !named
}

// Limits for each of ours with the largest number of trials.
const (
	mostAsk  = 100.0 // milliseconds, at the 99th percentile
	mostHeap = 200.0 // MiB
)

// reached collects which goals were.
type reached struct{ times, limits [][]string }

func (r *reached) add(problem string, sizes []int, methods []method, results [][]latency) {
	place := map[string]int{}
	for i, m := range methods {
		place[m.name()] = i
	}
	for _, g := range latencyGoals {
		i, ours := place[oursPrefix+g.ours]
		j, peer := place[g.peer]
		if !ours || !peer {
			continue
		}
		var cells []string
		met := true
		for k, size := range sizes {
			ratios := results[j][k].times(&results[i][k])
			if size < g.from || size > g.to || len(ratios) == 0 {
				continue
			}
			cells = append(cells, fmt.Sprintf("%s× at %d", brief(stats.Median(ratios)), size))
			met = met && stats.Median(ratios) >= g.times
		}
		if len(cells) > 0 {
			r.times = append(r.times, []string{g.ours, g.peer, problem, fmt.Sprintf("≥ %v×", g.times), strings.Join(cells, ", "), yes(met)})
		}
	}
	last := len(sizes) - 1
	for i, m := range methods {
		if l := &results[i][last]; strings.HasPrefix(m.name(), oursPrefix) && len(l.ask) > 0 {
			most := stats.Quantile(l.all, 0.99)
			r.limits = append(r.limits, []string{
				strings.TrimPrefix(m.name(), oursPrefix), problem, fmt.Sprint(sizes[last]), brief(stats.Median(l.ask)), brief(most),
				fmt.Sprintf("%.1f", l.heap), yes(most < mostAsk && l.heap < mostHeap),
			})
		}
	}
}

func yes(met bool) string {
	if met {
		return "yes"
	}
	return "**no**"
}

func (r *reached) print(w io.Writer) {
	if len(r.times) > 0 {
		fmt.Fprint(w, "\n### Goals: how many times longer a peer's ask and tell take together\n\n")
		markdown(w, []string{"ours", "peer", "problem", "goal", "measured", "reached"}, r.times)
	}
	if len(r.limits) > 0 {
		fmt.Fprintf(w, "\n### Goals: 99 asks of 100 below %v ms and below %v MiB, whatever the number of trials\n\n", mostAsk, mostHeap)
		markdown(w, []string{"ours", "problem", "trials", "ask, ms", "99th percentile", "MiB", "reached"}, r.limits)
	}
}
