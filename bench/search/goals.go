package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
)

// goal is how far the regret of one of ours is to be below those of peers: of the seeds of both, the geometric mean over problems of
// the ratio of the medians.
type goal struct {
	ours     string
	peers    []string // each of them; with the name of one of ours, what several workers may cost
	problems string   // names and groups
	at       []int
	times    []float64 // at most, for each of at
	workers  int       // of ours; of the peers too where they are not ours
}

const (
	numeric  = "branin,hart6,hart6n,ackley5,levy10,rosen5,rast5,hb_vehicle,hb_phoneme"
	reals    = "branin,hart6,hart6n,ackley5,levy10,rosen5,rast5"
	rugged   = "rast5,f16-d5,f18-d5,f20-d5,f22-d5,f24-d5"
	withHebo = "hart6,mixed7,fc_slice,fc_protein,nb_c100,ackley5"
	parallel = "hart6,ackley5,rosen5,mixed7,fc_slice,nb_c100"
)

var goals = []goal{
	{"sobol", []string{"random"}, "suite", []int{50}, []float64{0.95}, 1},
	{"tpe", []string{"tpe4"}, "suite", []int{50, 100}, []float64{1, 1}, 1},
	{"tpe", []string{"hyperopt"}, "suite", []int{50, 100}, []float64{0.75, 0.75}, 1},
	{"multivariate-tpe", []string{"tpe5", "tperec"}, "suite", []int{20, 30, 50, 100}, []float64{0.85, 0.85, 0.85, 0.85}, 1},
	{"gp", []string{"gp"}, "suite", []int{20, 30, 50, 100}, []float64{0.5, 0.5, 0.7, 1}, 1},
	{"gp", []string{"hebo", "vizier"}, withHebo, []int{40}, []float64{1}, 1},
	{"gp", []string{"skgp"}, "suite", []int{50}, []float64{0.5}, 1},
	{"auto", []string{"smac", "ax"}, "suite", []int{20, 30, 50}, []float64{1, 1, 1}, 1},
	{"gp", []string{"gp"}, "hart6n", []int{50, 100}, []float64{0.8, 0.8}, 1},
	{"gp/repetition=0.2", []string{"gp"}, "hart6n", []int{100}, []float64{0.8}, 1},
	{"cmaes", []string{"cmaes"}, numeric, []int{100}, []float64{1}, 1},
	{"cmaes", []string{"cmaes"}, reals, []int{500}, []float64{1}, 1},
	{"cmaes/restart_strategy=ipop", []string{"cmaes"}, rugged, []int{1000}, []float64{0.9}, 1},
	{"cmaes", []string{"cmaes"}, "mixed7,fc_slice,fc_protein", []int{100}, []float64{0.6}, 1},
	{"gp", []string{"gp"}, parallel, []int{100}, []float64{0.8}, 4},
	{"gp", []string{"qalam-gp"}, parallel, []int{100}, []float64{1.3}, 4},
	{"gp", []string{"qalam-gp"}, parallel, []int{50}, []float64{1.3}, 4},
	{"gp", []string{"qalam-gp"}, parallel, []int{100}, []float64{2}, 16},
	{"gp", []string{"qalam-gp"}, parallel, []int{50}, []float64{2}, 16},
	{"nsga2", []string{"nsga2"}, "multi", []int{200, 500}, []float64{0.8, 0.8}, 1},
	{"motpe", []string{"tpe5"}, "multi", []int{100}, []float64{1}, 1},
	{"gp", []string{"gp"}, "zdt2,zdt6,wfg4,branincurrin", []int{100}, []float64{0.8}, 1},
	{"gp", []string{"tpe5", "gp"}, "gardner1,gardner2,cbranin", []int{100}, []float64{0.8}, 1},
	{"multivariate-tpe", []string{"tpe5"}, "gardner1,gardner2,cbranin", []int{100}, []float64{0.8}, 1},
	{"multivariate-tpe", []string{"tpegroup"}, "cond3", []int{50, 100}, []float64{0.7, 0.7}, 1},
	{"gp+related", []string{"qalam-gp"}, "fc_slice,fc_protein", []int{10, 100}, []float64{0.5, 1.05}, 1},
	{"multivariate-tpe+related", []string{"qalam-multivariate-tpe"}, "fc_slice,fc_protein", []int{10, 100}, []float64{0.5, 1.05}, 1},
	{"auto", []string{"tpegroup"}, "cond3", []int{50, 100}, []float64{0.7, 0.7}, 1},
}

// printGoals says which goals the records reach.
func printGoals(w io.Writer, t *tables, all []problem.Problem) error {
	t.prepare()
	var rows [][]string
	for _, g := range goals {
		problems, err := problem.Select(all, strings.Split(g.problems, ","))
		if err != nil {
			return err
		}
		t.problems = problems
		for _, peer := range g.peers {
			if row := g.row(t, peer); row != nil {
				rows = append(rows, row)
			}
			if row := g.late(t, peer); row != nil {
				rows = append(rows, row)
			}
		}
	}
	fmt.Fprint(w, "\n### Goals: median regret as a multiple of a peer's (geometric mean over problems of paired seeds; 95 %)\n\n")
	markdown(w, []string{"ours", "peer", "problems", "after", "goal", "measured", "seeds", "reached"}, rows)
	if err := t.chooseGoals(w, all); err != nil {
		return err
	}
	return t.scoreGoals(w, all)
}

// row is what is measured of a goal, nil where nothing is.
func (g *goal) row(t *tables, peer string) []string {
	mine, other := contender{oursPrefix + g.ours, g.workers}, contender{peer, g.workers}
	if other.ours() {
		other.workers = 1
	}
	var after, limits, cells []string
	met, few := true, math.MaxInt
	count := 0
	for i, trials := range g.at {
		v := t.verdict(mine, other, trials)
		if v == nil {
			continue
		}
		ci := stats.Bootstrap(v.logs, resamples)
		after, limits = append(after, fmt.Sprint(trials)), append(limits, fmt.Sprintf("≤ %v", g.times[i]))
		cells = append(cells, fmt.Sprintf("%s [%s, %s]", brief(math.Exp(v.mean)), brief(math.Exp(ci.Low)), brief(math.Exp(ci.High))))
		met = met && math.Exp(v.mean) <= g.times[i]
		count = len(v.tested)
		for _, p := range v.tested {
			few = min(few, paired(t.bySeed(mine, p.Name, trials), t.bySeed(other, p.Name, trials)))
		}
	}
	if len(cells) == 0 {
		return nil
	}
	where := g.problems
	if count > 1 {
		where = fmt.Sprintf("%s (%d)", where, count)
	}
	return []string{
		mine.String(), other.String(), where, strings.Join(after, ", "), strings.Join(limits, ", "), strings.Join(cells, ", "),
		fmt.Sprint(few), yes(met),
	}
}

// late is what one after the other would lose against itself if every result came as many trials late as it must with several workers,
// nil where that is not the question. What is proposed could be as good as it is then, and hardly better: a goal below it asks for more
// than the results say that there are.
func (g *goal) late(t *tables, peer string) []string {
	one := contender{peer, 1}
	if g.workers == 1 || !one.ours() {
		return nil
	}
	var after, cells []string
	few := math.MaxInt
	for _, trials := range g.at {
		var logs []float64
		for _, p := range t.problems {
			early, now := t.bySeed(one, p.Name, trials-g.workers+1), t.bySeed(one, p.Name, trials)
			if n := paired(early, now); n > 0 {
				few = min(few, n)
				logs = append(logs, math.Log(t.within(stats.Median(values(early)), p.Name)/t.within(stats.Median(values(now)), p.Name)))
			}
		}
		if len(logs) == 0 {
			return nil
		}
		ci := stats.Bootstrap(logs, resamples)
		after = append(after, fmt.Sprint(trials))
		cells = append(cells, fmt.Sprintf("%s [%s, %s]", brief(math.Exp(stats.Mean(logs))), brief(math.Exp(ci.Low)), brief(math.Exp(ci.High))))
	}
	mine := fmt.Sprintf("%s, every result %d trials late", one, g.workers-1)
	return []string{mine, one.String(), g.problems, strings.Join(after, ", "), "–", strings.Join(cells, ", "), fmt.Sprint(few), "for comparison"}
}

// paired counts the seeds of both.
func paired(a, b map[int]float64) int {
	n := 0
	for seed := range a {
		if _, ok := b[seed]; ok {
			n++
		}
	}
	return n
}

// Goals of auto, which is to be the right choice everywhere.
const (
	autoRank  = 1.5 // mean rank among the peers at most
	autoWorst = 1.5 // of the best peer's median at most, on any problem
	autoReach = 10  // problems on which Optuna's TPE is reached in half its trials
)

// ranked are the peers among which auto is ranked.
var ranked = []string{"random", "hyperopt", "tpe4", "tpe5", "tperec", "cmaes", "gp"}

// chooseGoals says how good auto is as a choice without looking.
func (t *tables) chooseGoals(w io.Writer, all []problem.Problem) error {
	problems, err := problem.Select(all, []string{"suite"})
	if err != nil {
		return err
	}
	t.problems = problems
	auto := contender{oursPrefix + "auto", 1}
	if !t.measured(auto, goal100) {
		return nil
	}
	var field []contender
	for _, id := range ranked {
		field = append(field, contender{id, 1})
	}
	header := []string{"goal"}
	ranks, worst := []string{fmt.Sprintf("mean rank among seven peers ≤ %v", autoRank)}, []string{fmt.Sprintf("never above %v × the best peer", autoWorst)}
	for _, trials := range []int{20, 30, 50, 100} {
		header = append(header, fmt.Sprintf("@%d", trials))
		rank, ratio, where := t.beside(auto, field, trials)
		ranks = append(ranks, fmt.Sprintf("%.2f %s", rank, yes(rank <= autoRank)))
		worst = append(worst, fmt.Sprintf("%s× on %s %s", brief(ratio), where, yes(ratio <= autoWorst)))
	}
	reached := 0
	for _, p := range t.problems {
		if t.firstBelow(auto, contender{"tpe5", 1}, p.Name) <= goal100/2 {
			reached++
		}
	}
	fmt.Fprint(w, "\n### Goals: auto on the suite, beside each peer on the seeds of both\n\n")
	markdown(w, header, [][]string{ranks, worst})
	fmt.Fprintf(w, "\nOptuna's TPE after 100 trials is reached within 50 on %d of %d problems; at least %d are the goal: %s.\n",
		reached, len(t.problems), autoReach, yes(reached >= autoReach))
	return nil
}

// beside is the mean rank of a method among peers over the problems, and how far it is behind at worst, and where: by the medians of the
// seeds that it has in common with each of them. Where some peers were not measured the ranks are stretched, the first remaining the
// first.
func (t *tables) beside(c contender, peers []contender, trials int) (rank, highest float64, where string) {
	var ranks []float64
	for _, p := range t.problems {
		ahead, measured := 0.0, 0
		for _, o := range peers {
			own, others := t.pairs(c, o, p.Name, trials, trials)
			if len(own) == 0 {
				continue
			}
			measured++
			a, b := stats.Median(own), stats.Median(others)
			switch {
			case b < a:
				ahead++
			case b == a:
				ahead += 0.5
			}
			if ratio := t.within(a, p.Name) / t.within(b, p.Name); ratio > highest {
				highest, where = ratio, fmt.Sprintf("%s (%s)", p.Name, o)
			}
		}
		if measured > 0 {
			ranks = append(ranks, 1+ahead*float64(len(peers))/float64(measured))
		}
	}
	return stats.Mean(ranks), highest, where
}
