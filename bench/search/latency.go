package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
	"qalam/space"
)

// latency is what was measured of one method on one space with one number of finished trials.
type latency struct {
	ask, tell []float64 // milliseconds of the processor: the median of each round
	both      []float64 // an ask and a tell together: some do in one what others do in the other
	all       []float64 // asks of all rounds
	heap      float64   // MiB that the searcher holds; 0 where it lives elsewhere
	why       string    // nothing was measured, or the rest was not
}

// Limits of one measurement.
const (
	mostAsks     = 100
	leastAsks    = 34                     // of ours, in one round, within muchTime: a hundredth of fewer in three rounds is none
	enoughTime   = 300 * time.Millisecond // of asks and tells, in one round
	muchTime     = 3 * time.Second        // of asks, after which there are no more than needed
	slow         = time.Second            // an ask and a tell so slow are measured in one round
	tooSlow      = 20 * time.Second       // an ask so slow is not measured with more trials
	largestPeers = 10_000                 // trials with which peers are measured
)

// largest are the most trials with which peers are measured that take seconds to minutes for a suggestion with more.
var largest = map[string]int{"gp": 1000, "gpdet": 1000, "hebo": 100, "skgp": 100, "skrf": 300, "smac": 300, "smacgp": 300, "ax": 300, "vizier": 300}

// measureLatency measures methods in turns and prints how they compare.
func measureLatency(ctx context.Context, o options, methods []method, out, log io.Writer) error {
	sizes, err := numbers(o.sizes)
	if err != nil {
		return err
	}
	if len(methods) == 0 {
		return errors.New("name the methods whose latency to measure with -methods and -peers")
	}
	w := bufio.NewWriter(out)
	var all reached
	begin := time.Now()
	for _, p := range latencyProblems() {
		s, err := p.Space()
		if err != nil {
			return err
		}
		results := make([][]latency, len(methods)) // by method and size
		for i := range results {
			results[i] = make([]latency, len(sizes))
		}
		for round := range o.rounds {
			for k, size := range sizes {
				for i, m := range methods {
					r := &results[i][k]
					switch _, remote := m.(*peer); {
					case ctx.Err() != nil:
						r.why = "interrupted"
					case o.limit > 0 && time.Since(begin) > o.limit && r.why == "":
						r.why = "there was no time left"
					case r.why != "":
					case remote && size > mostTrials(m.name()):
						r.why = "not measured"
					case round > 0 && stats.Median(r.both) > milliseconds(slow):
						// once is enough
					case k > 0 && len(results[i][k-1].ask) == 0:
						r.why = "not measured"
					case k > 0 && stats.Median(results[i][k-1].ask) > milliseconds(tooSlow):
						r.why = "not measured: too slow before"
					default:
						r.measure(m, task{problem: &p, space: s, seed: round, trials: size + mostAsks + 1, workers: 1}, size)
						fmt.Fprintf(log, "%s, %d trials, round %d: %s: %s ms %s\n", p.Name, size, round+1, m.name(), brief(stats.Median(r.ask)), r.why)
					}
				}
			}
		}
		printLatency(w, p.Name, sizes, methods, results)
		all.add(p.Name, sizes, methods, results)
	}
	all.print(w)
	return w.Flush()
}

// mostTrials is with how many trials at most a peer is measured.
func mostTrials(id string) int {
	if n, ok := largest[id]; ok {
		return n
	}
	return largestPeers
}

// measure makes one round: a history of random trials is told at once, then the method is asked and told in turns.
func (r *latency) measure(m method, t task, size int) {
	before := heapInUse()
	s, err := m.open(t)
	if err != nil {
		r.why = err.Error()
		return
	}
	defer s.close()
	rng := rand.New(rand.NewPCG(uint64(t.seed), uint64(size)))
	history := make([]trial, size)
	for i := range history {
		history[i] = t.finished(i+1, t.space.Sample(rng), rng)
	}
	for len(history) > 0 && r.why == "" {
		n := min(1000, len(history))
		if _, err := s.tell(history[:n]); err != nil {
			r.why = err.Error()
		}
		history = history[n:]
	}
	var asks, tells, both []float64
	spent, least := time.Duration(0), 3
	if _, local := s.(*inProcess); local {
		least = leastAsks
	}
	for i := 0; i <= mostAsks && (i < 2 || i <= least && spent < muchTime || spent < enoughTime) && r.why == ""; i++ {
		number := size + i + 1
		assignments, took, err := s.ask(number, 1)
		if err == nil && len(assignments) != 1 {
			err = errors.New("it proposes nothing")
		}
		if err != nil {
			r.why = err.Error()
			break
		}
		told, err := s.tell([]trial{t.finished(number, assignments[0], rng)})
		if err != nil {
			r.why = err.Error()
			break
		}
		if i > 0 { // the first pays for what the others do not
			asks, tells = append(asks, milliseconds(took.cpu)), append(tells, milliseconds(told.cpu))
			both = append(both, milliseconds(took.cpu+told.cpu))
			spent += took.cpu + told.cpu
		}
	}
	if len(asks) > 0 {
		r.ask, r.tell, r.all = append(r.ask, stats.Median(asks)), append(r.tell, stats.Median(tells)), append(r.all, asks...)
		r.both = append(r.both, stats.Median(both))
	}
	if _, local := s.(*inProcess); local {
		r.heap = max(r.heap, float64(heapInUse()-before)/(1<<20))
	}
	runtime.KeepAlive(s)
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// finished evaluates smooth functions, of which each objective has its optimum elsewhere, with some noise.
func (t task) finished(number int, a space.Assignment, rng *rand.Rand) trial {
	values := make([]float64, t.problem.Objectives)
	for k := range values {
		values[k] = 0.01 * rng.NormFloat64()
		for _, u := range t.space.ToUnit(a, nil) {
			values[k] += (u - 0.37 - 0.3*float64(k)) * (u - 0.37 - 0.3*float64(k))
		}
	}
	return trial{number: number, assignment: a, result: problem.Result{Values: values}}
}

// latencyProblems are spaces of ten parameters: reals only, a mixture, and reals with two objectives.
func latencyProblems() []problem.Problem {
	var floats, mixed []space.Parameter
	for i := range 10 {
		p := space.Parameter{Name: fmt.Sprintf("x%d", i), Type: space.Double, Max: 1}
		floats = append(floats, p)
		switch {
		case i >= 8:
			p = space.Parameter{Name: p.Name, Type: space.Categorical, List: []string{"a", "b", "c", "d"}}
		case i >= 6:
			p = space.Parameter{Name: p.Name, Type: space.Int, Min: 1, Max: 100}
		case i >= 4:
			p.Min, p.Distribution = 1e-5, space.LogUniform
		}
		mixed = append(mixed, p)
	}
	return []problem.Problem{
		{Name: "float10", Params: floats, Objectives: 1},
		{Name: "mixed10", Params: mixed, Objectives: 1},
		{Name: "two10", Params: floats, Objectives: 2},
	}
}

// printLatency writes the times, and for each of ours how many times longer the peers take that it is to be compared with. Who is not
// made for the problem is left out.
func printLatency(w io.Writer, name string, sizes []int, methods []method, results [][]latency) {
	header := []string{"method"}
	for _, size := range sizes {
		header = append(header, fmt.Sprintf("n = %d", size))
	}
	var times, ratios [][]string
	var without []string
	for i, m := range methods {
		if len(results[i][0].ask) == 0 {
			without = append(without, fmt.Sprintf("%s (%s)", m.name(), results[i][0].why))
			continue
		}
		row := []string{m.name()}
		for k := range sizes {
			row = append(row, results[i][k].cell())
		}
		times = append(times, row)
		for j, o := range methods {
			if len(results[j][0].ask) == 0 || !worthComparing(m.name(), o.name()) {
				continue
			}
			row := []string{m.name(), o.name()}
			for k := range sizes {
				row = append(row, results[j][k].over(&results[i][k]))
			}
			ratios = append(ratios, row)
		}
	}
	fmt.Fprintf(w, "\n### %s: milliseconds of the processor for an ask [least, most of the rounds' medians]; 99th percentile; tell; memory held\n\n", name)
	markdown(w, header, times)
	if len(without) > 0 {
		fmt.Fprintf(w, "\nWithout %s.\n", strings.Join(without, "; "))
	}
	if len(ratios) > 0 {
		fmt.Fprintf(w, "\n### %s: how many times longer a peer's ask and tell take together [least, most of the rounds]\n\n", name)
		markdown(w, append([]string{"method", "peer"}, header[1:]...), ratios)
	}
}

func (r *latency) cell() string {
	if len(r.ask) == 0 {
		return "–"
	}
	text := fmt.Sprintf("%s [%s, %s]; %s; %s", brief(stats.Median(r.ask)), brief(stats.Quantile(r.ask, 0)), brief(stats.Quantile(r.ask, 1)),
		brief(stats.Quantile(r.all, 0.99)), brief(stats.Median(r.tell)))
	if r.heap > 0 {
		text += fmt.Sprintf("; %.1f MiB", r.heap)
	}
	return text
}

// times is how many times longer r takes than ours for an ask and a tell, round by round.
func (r *latency) times(ours *latency) []float64 {
	var ratios []float64
	for i := range min(len(r.both), len(ours.both)) {
		ratios = append(ratios, r.both[i]/ours.both[i])
	}
	return ratios
}

func (r *latency) over(ours *latency) string {
	ratios := r.times(ours)
	if len(ratios) == 0 {
		return "–"
	}
	return fmt.Sprintf("%s× [%s, %s]", brief(stats.Median(ratios)), brief(stats.Quantile(ratios, 0)), brief(stats.Quantile(ratios, 1)))
}
