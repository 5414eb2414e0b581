// Command search judges our search against its peers: it runs methods on problems with paired seeds and prints how far each stays
// from the best. README.md beside it says what is measured and how.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"qalam/bench/search/problem"
	"qalam/suggest/suggesttest/curves"
)

// options are what the command line says.
type options struct {
	methods, peers, problems, with, at, sizes string
	against                                   string
	seeds, data, out, asktell, stop, plot     string
	environments, script, earlier, family     string
	trials, workers, jobs, rounds, ahead      int
	floor, tableFloor                         float64
	limit, answer                             time.Duration
	latency, list, curves, goals              bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string, log io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("search", flag.ContinueOnError)
	f.SetOutput(log)
	f.StringVar(&o.methods, "methods", "", "our algorithms to run, separated by commas; settings follow as tpe/gamma=0.2/n_startup=5")
	f.StringVar(&o.peers, "peers", "", "peers to run: "+strings.Join(peerIDs, ", "))
	f.StringVar(&o.earlier, "earlier", "", "run our algorithms also with five experiments before: related, unrelated, or both with a comma")
	f.IntVar(&o.ahead, "ahead", 0, "run our algorithms also with so many suggestions prepared, as qalam asktell --ahead does")
	f.StringVar(&o.problems, "problems", "suite", "problems and groups of problems; -list tells which there are")
	f.StringVar(&o.seeds, "seeds", "8", "how many seeds, from 0; or a range such as 8-15")
	f.IntVar(&o.trials, "trials", 100, "trials of each search")
	f.IntVar(&o.workers, "workers", 1, "trials that run at a time, in simulated workers")
	f.StringVar(&o.with, "with", "", "files of earlier runs, separated by commas: what they hold is not run again, and joins the tables")
	f.StringVar(&o.out, "out", "", "file to append runs to; what it holds already is not run again")
	f.StringVar(&o.at, "at", "10,20,30,50,75,100,200", "numbers of trials at which the tables compare")
	f.StringVar(&o.against, "against", "", "peers to show in the tables; all that there are runs of by default")
	f.Float64Var(&o.floor, "floor", 1e-6, "regrets below this count as this, in ratios")
	f.Float64Var(&o.tableFloor, "table-floor", 1e-4, "the same on tables of recorded runs, where it is above -floor")
	f.StringVar(&o.data, "data", dataFolder(), "folder of tables and learning curves; the default is $QALAM_BENCHMARKS where set")
	f.StringVar(&o.environments, "environments", ".venv-peers", "folder of the peers' virtual environments, which make peers makes")
	f.StringVar(&o.script, "script", filepath.Join("bench", "search", "peers", "peers.py"), "what speaks for the peers")
	f.StringVar(&o.asktell, "asktell", "", "a qalam to run our algorithms through as well, to check that it finds the same")
	f.IntVar(&o.jobs, "jobs", 1, "searches to run at once")
	f.DurationVar(&o.limit, "limit", 0, "start no further search after this time; 0 means no limit")
	f.DurationVar(&o.answer, "answer", 10*time.Minute, "how long a peer may take to answer")
	f.BoolVar(&o.latency, "latency", false, "measure the processor time of ask and tell instead of regret")
	f.StringVar(&o.sizes, "sizes", "100,1000,10000", "numbers of finished trials at which -latency measures")
	f.IntVar(&o.rounds, "rounds", 3, "how often -latency measures each method, in turns")
	f.BoolVar(&o.curves, "curves", false, "compare early-stopping rules (-stop) and multi-fidelity algorithms (-methods) on learning curves")
	f.StringVar(&o.family, "family", curves.TaskSet, "which learning curves: "+curves.TaskSet+", "+curves.LCBench+" or "+curves.LCBenchTuning+", a folder in that of -data")
	f.StringVar(&o.stop, "stop", "", "our early-stopping rules for -curves, with settings as for -methods")
	f.StringVar(&o.plot, "plot", "", "file to draw the curves to, as SVG")
	f.BoolVar(&o.goals, "goals", false, "say which goals the runs of -with reach, instead of tables")
	f.BoolVar(&o.list, "list", false, "list problems and groups")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag: lists are written with commas and without blanks", f.Arg(0))
	}
	return o, nil
}

func dataFolder() string {
	if folder := os.Getenv("QALAM_BENCHMARKS"); folder != "" {
		return folder
	}
	return filepath.Join("..", "shared", "benchmarks")
}

func command(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parseFlags(args, log)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	all := problem.All(problem.Sources{
		Data: o.data, Python: filepath.Join(o.environments, "main", "bin", "python"), Script: filepath.Join(filepath.Dir(o.script), "models.py"),
	})
	if o.list {
		return list(out, all)
	}
	if o.curves {
		return compareCurves(ctx, o, out, log)
	}
	methods, err := o.chosen(all)
	if err != nil {
		return err
	}
	defer stopPeers(methods)
	if o.latency {
		return measureLatency(ctx, o, methods, out, log)
	}
	return compare(ctx, o, all, methods, out, log)
}

// list prints what problems there are.
func list(out io.Writer, all []problem.Problem) error {
	w := bufio.NewWriter(out)
	for _, p := range all {
		fmt.Fprintf(w, "%-14s %-10s %2d parameters", p.Name, p.Use, len(p.Params))
		for _, n := range []struct {
			count int
			what  string
		}{{p.Objectives - 1, "further objectives"}, {p.Constraints, "constraints"}} {
			if n.count > 0 {
				fmt.Fprintf(w, ", %d %s", n.count, n.what)
			}
		}
		fmt.Fprintf(w, "  [%s]\n", strings.Join(p.Groups, " "))
	}
	return w.Flush()
}

// chosen makes the methods that are to be run, ours first.
func (o options) chosen(all []problem.Problem) ([]method, error) {
	var methods []method
	for _, text := range split(o.methods) {
		m, err := newOurs(text)
		if err != nil {
			return nil, err
		}
		methods = append(methods, m)
		for _, kind := range split(o.earlier) {
			if kind != related && kind != unrelated {
				return nil, fmt.Errorf("experiments before are %s or %s, not %q", related, unrelated, kind)
			}
			methods = append(methods, warm{m, kind, all})
		}
		if o.ahead > 0 {
			methods = append(methods, ahead{m, o.ahead})
		}
		if o.asktell != "" {
			methods = append(methods, through{m, o.asktell, o.answer})
		}
	}
	for _, id := range split(o.peers) {
		m, err := newPeer(id, o.environments, o.script, o.answer)
		if err != nil {
			return nil, err
		}
		methods = append(methods, m)
	}
	return methods, nil
}

// stopPeers ends the processes of peers.
func stopPeers(methods []method) {
	for _, m := range methods {
		if p, ok := m.(*peer); ok {
			p.stop()
		}
	}
}

// seedRange reads a number of seeds from 0, or a range.
func seedRange(text string) (from, to int, err error) {
	low, high, isRange := strings.Cut(text, "-")
	if from, err = strconv.Atoi(low); err == nil && isRange {
		to, err = strconv.Atoi(high)
		to++
	} else {
		from, to = 0, from
	}
	if err != nil || from < 0 || to <= from {
		return 0, 0, fmt.Errorf("seeds %q: give a number such as 8, or a range such as 8-15", text)
	}
	return from, to, nil
}

// split is the parts of a list that are not empty.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// numbers reads a list of whole numbers.
func numbers(text string) ([]int, error) {
	var out []int
	for _, part := range split(text) {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q in the list %q is no number of trials", part, text)
		}
		out = append(out, n)
	}
	return out, nil
}
