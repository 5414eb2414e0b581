package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
)

// tables prints what records say of problems.
type tables struct {
	records  *records
	problems []problem.Problem
	at       []int
	floor    float64
	// tableFloor is the floor on tables of recorded runs, where it is above floor.
	tableFloor float64
	workers    int                  // those with more than one worker are shown where they have so many
	against    []string             // what to show of the peers, and of ours where their names are among them; none means all
	lowest     map[instance]float64 // of problems whose best is not known: what any method found
	highest    map[string]float64   // the largest finite regret that any search of a problem had: what none at all counts as in ratios
	recorded   map[string]bool      // problems that are tables of recorded runs
	searches   map[searched][]*record
}

// searched is who searched what.
type searched struct {
	contender
	problem string
}

// instance is a problem with its seed.
type instance struct {
	problem string
	seed    int
}

// contender is a method with a number of workers.
type contender struct {
	method  string
	workers int
}

func (c contender) String() string {
	if c.workers > 1 {
		return fmt.Sprintf("%s@%d", c.method, c.workers)
	}
	return c.method
}

func (c contender) ours() bool { return strings.HasPrefix(c.method, oursPrefix) }

const resamples = 10_000

func (t *tables) print(out io.Writer) {
	w := bufio.NewWriter(out)
	defer w.Flush() // to a terminal or a buffer
	t.prepare()
	all := t.contenders()
	if len(all) == 0 {
		fmt.Fprintln(w, "there is nothing to compare: name -methods, -peers or -with")
		return
	}
	for _, trials := range t.at {
		t.regrets(w, trials, all)
	}
	t.aggregate(w, all)
	var mine, peers []contender
	for _, c := range all {
		if c.ours() {
			mine = append(mine, c)
		} else {
			peers = append(peers, c)
		}
	}
	t.scores(w, all, mine, peers)
	if len(mine) > 0 && len(peers) > 0 {
		t.worst(w, mine, peers)
		t.reach(w, mine, peers)
		t.feasible(w, all)
		t.claims(w, mine, peers)
		t.tests(w, mine, peers)
	} else if len(mine) > 1 {
		t.tests(w, mine[:1], mine[1:])
	}
	t.parallel(w, all)
}

// contenders lists who has a record of one of the problems: ours first, in the order of the records. What only checks another is none.
func (t *tables) contenders() []contender {
	var mine, peers []contender
	for _, r := range t.records.list {
		c := contender{r.method, r.workers}
		if strings.HasPrefix(r.method, asktellPrefix) || !slices.ContainsFunc(t.problems, func(p problem.Problem) bool { return p.Name == r.problem }) {
			continue
		}
		if !t.shown(c) || c.workers > 1 && c.workers != t.workers {
			continue
		}
		switch {
		case c.ours() && !slices.Contains(mine, c):
			mine = append(mine, c)
		case !c.ours() && !slices.Contains(peers, c):
			peers = append(peers, c)
		}
	}
	return slices.Concat(mine, peers)
}

// shown reports whether -against names a contender, or nothing of its kind.
func (t *tables) shown(c contender) bool {
	sameKind := func(name string) bool { return strings.HasPrefix(name, oursPrefix) == c.ours() }
	return slices.Contains(t.against, c.method) || !slices.ContainsFunc(t.against, sameKind)
}

// prepare sorts the records by who searched what, and finds what to compare with on problems whose best is not known.
func (t *tables) prepare() {
	t.searches = map[searched][]*record{}
	for _, r := range t.records.list {
		key := searched{contender{r.method, r.workers}, r.problem}
		t.searches[key] = append(t.searches[key], r)
	}
	t.highest = map[string]float64{}
	for _, r := range t.records.list {
		for _, s := range r.path {
			if !math.IsInf(s.regret, 0) {
				t.highest[r.problem] = max(t.highest[r.problem], s.regret)
			}
		}
	}
	t.lowest = map[instance]float64{}
	for _, r := range t.records.list {
		if !slices.ContainsFunc(t.problems, func(p problem.Problem) bool { return p.Relative && p.Name == r.problem }) {
			continue
		}
		v, ok := r.at(r.trials)
		key := instance{r.problem, r.seed}
		if old, known := t.lowest[key]; ok && (!known || v < old) {
			t.lowest[key] = v
		}
	}
}

// bySeed is the regret of a contender on a problem after so many trials, for each seed.
func (t *tables) bySeed(c contender, name string, trials int) map[int]float64 {
	out := map[int]float64{}
	for _, r := range t.searches[searched{c, name}] {
		if v, ok := r.at(trials); ok {
			out[r.seed] = v - t.lowest[instance{name, r.seed}]
		}
	}
	return out
}

// median is the median over the seeds, NaN without any.
func (t *tables) median(c contender, name string, trials int) float64 {
	return stats.Median(values(t.bySeed(c, name, trials)))
}

func values(m map[int]float64) []float64 {
	out := make([]float64, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// regrets prints the median of each contender on each problem.
func (t *tables) regrets(w io.Writer, trials int, all []contender) {
	var rows [][]string
	for _, p := range t.problems {
		row, best := []string{p.Name}, math.Inf(1)
		for _, c := range all {
			if m := t.median(c, p.Name, trials); m < best {
				best = m
			}
		}
		for _, c := range all {
			seeds := t.bySeed(c, p.Name, trials)
			m := stats.Median(values(seeds))
			switch text := brief(m); {
			case math.IsNaN(m):
				row = append(row, "–")
			case m == best:
				row = append(row, fmt.Sprintf("**%s** (%d)", text, len(seeds)))
			default:
				row = append(row, fmt.Sprintf("%s (%d)", text, len(seeds)))
			}
		}
		if slices.ContainsFunc(row[1:], func(cell string) bool { return cell != "–" }) {
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n### Median regret after %d trials (number of seeds)\n\n", trials)
		markdown(w, append([]string{"problem"}, namesOf(all)...), rows)
	}
}

// aggregate prints, for each contender, the geometric mean of its medians relative to random's, and its mean rank among the
// peers: one of ours is ranked beside all peers, without the others of ours.
func (t *tables) aggregate(w io.Writer, all []contender) {
	base := contender{"random", 1}
	if !slices.Contains(all, base) {
		base.method = oursPrefix + "random"
	}
	if !slices.Contains(all, base) {
		base = all[0]
	}
	header := []string{"method"}
	var at []int
	for _, trials := range t.at {
		if t.measured(all[0], trials) || t.measured(all[len(all)-1], trials) {
			at = append(at, trials)
		}
	}
	for _, trials := range at {
		header = append(header, fmt.Sprintf("ratio @%d", trials))
	}
	for _, trials := range at {
		header = append(header, fmt.Sprintf("rank @%d", trials))
	}
	var rows [][]string
	for _, c := range all {
		row := []string{c.String()}
		for _, trials := range at {
			logs := t.logRatios(c, base, trials)
			cell := "–"
			if len(logs) > 0 {
				ci := stats.Bootstrap(logs, resamples)
				cell = fmt.Sprintf("%s [%s, %s] (%d)", brief(math.Exp(stats.Mean(logs))), brief(math.Exp(ci.Low)), brief(math.Exp(ci.High)), len(logs))
			}
			row = append(row, cell)
		}
		field := slices.DeleteFunc(slices.Clone(all), func(o contender) bool { return o != c && (o.ours() || o.workers != c.workers) })
		for _, trials := range at {
			ranks, cell := t.ranks(c, field, trials), "–"
			if len(ranks) > 0 && len(field) > 1 {
				ci := stats.Bootstrap(ranks, resamples)
				cell = fmt.Sprintf("%.2f [%.2f, %.2f] of %d", stats.Mean(ranks), ci.Low, ci.High, len(field))
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(w, "\n### Over all problems: median regret relative to %s's (geometric mean, number of problems), and mean rank among the peers, "+
		"with 95 %% intervals over problems\n\n", base)
	markdown(w, header, rows)
	if cd := stats.CriticalDifference(len(all), len(t.problems)); len(t.problems) > 1 && !math.IsNaN(cd) {
		fmt.Fprintf(w, "\nRanks of %d methods over %d problems differ at 5 %% from %.2f on (Nemenyi).\n", len(all), len(t.problems), cd)
	}
}

// measured reports whether a contender has searched for so long on some problem.
func (t *tables) measured(c contender, trials int) bool {
	return slices.ContainsFunc(t.problems, func(p problem.Problem) bool { return len(t.bySeed(c, p.Name, trials)) > 0 })
}

// within puts a regret between the floor and the worst of the problem, so that it has a logarithm. On tables of recorded runs, where
// regret is often none at all, the floor may be another.
func (t *tables) within(v float64, name string) float64 {
	if math.IsInf(v, 1) {
		v = t.highest[name]
	}
	if t.recorded[name] {
		return positive(v, max(t.floor, t.tableFloor))
	}
	return positive(v, t.floor)
}

// logRatios is the logarithm of a's median over b's, for the problems of both.
func (t *tables) logRatios(a, b contender, trials int) []float64 {
	var out []float64
	for _, p := range t.problems {
		va, vb := t.within(t.median(a, p.Name, trials), p.Name), t.within(t.median(b, p.Name, trials), p.Name)
		if v := math.Log(va / vb); !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, v)
		}
	}
	return out
}

// ranks is a contender's place in a field by median regret, for each problem where it was measured: where some of the field were
// not, the places are stretched to the whole field, the first remaining the first.
func (t *tables) ranks(c contender, field []contender, trials int) []float64 {
	var out []float64
	for _, p := range t.problems {
		var medians []float64
		own := -1
		for _, o := range field {
			m := t.median(o, p.Name, trials)
			if math.IsNaN(m) {
				continue
			}
			if o == c {
				own = len(medians)
			}
			medians = append(medians, m)
		}
		if own >= 0 && len(medians) > 1 {
			out = append(out, 1+(stats.Ranks(medians)[own]-1)*float64(len(field)-1)/float64(len(medians)-1))
		}
	}
	return out
}

func namesOf(all []contender) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.String()
	}
	return out
}

// brief writes a number with three digits.
func brief(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "∞"
	case v != 0 && math.Abs(v) < 1e-15:
		return "0"
	}
	return fmt.Sprintf("%.3g", v)
}

// markdown writes a table.
func markdown(w io.Writer, header []string, rows [][]string) {
	fmt.Fprintf(w, "| %s |\n|---%s|\n", strings.Join(header, " | "), strings.Repeat("|--:", len(header)-1))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}
