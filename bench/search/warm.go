package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

// Five experiments ran before, of so many trials each: by turns at random and by TPE.
const (
	tasksBefore  = 5
	trialsBefore = 100
)

// Kinds of experiments that ran before.
const (
	related   = "related"   // on another problem with the same parameters, or else on other instances of the same
	unrelated = "unrelated" // on that with the values of each parameter in another order
)

// warm is one of our algorithms that begins with what experiments before have found.
type warm struct {
	ours
	kind string
	all  []problem.Problem
}

func (w warm) name() string { return w.ours.name() + "+" + w.kind }

func (w warm) open(t task) (session, error) {
	if t.problem.Objectives > 1 || t.problem.Constraints > 0 {
		return nil, errUnsuited{"experiments that ran before are made for one objective"}
	}
	earlier, err := w.earlier(t)
	if err != nil {
		return nil, err
	}
	return w.begin(t, earlier)
}

// earlier makes the experiments that ran before a search.
func (w warm) earlier(t task) ([][]suggest.Outcome, error) {
	var siblings []*problem.Problem
	for i := range w.all {
		p := &w.all[i]
		same := slices.EqualFunc(p.Params, t.problem.Params, func(a, b space.Parameter) bool { return a.Name == b.Name && a.Type == b.Type })
		if same && p.Name != t.problem.Name && slices.Contains(p.Groups, "tables") {
			siblings = append(siblings, p)
		}
	}
	if len(siblings) == 0 {
		siblings = append(siblings, t.problem)
	}
	var all [][]suggest.Outcome
	for k := range tasksBefore {
		seed := 1000 + tasksBefore*t.seed + k
		instance, err := siblings[k%len(siblings)].Open(seed)
		if err != nil {
			return nil, err
		}
		outcomes, err := play(t.space, instance, []string{"random", "multivariate-tpe"}[k%2], seed, w.kind == unrelated)
		if err != nil {
			return nil, err
		}
		all = append(all, outcomes)
	}
	return all, nil
}

// play makes one experiment.
func play(s *space.Space, instance *problem.Instance, algorithm string, seed int, mixed bool) ([]suggest.Outcome, error) {
	suggester, err := algorithms.All().NewSuggester(algorithm, suggest.Problem{Space: s, Seed: uint64(seed), MaxTrials: trialsBefore}, nil)
	if err != nil {
		return nil, err
	}
	at := func(a space.Assignment) space.Assignment { return a }
	if mixed {
		at = mixer(s, seed)
	}
	var all []suggest.Outcome
	for number := 1; number <= trialsBefore; number++ {
		suggestions, err := suggester.Ask(number, 1)
		if err != nil {
			return nil, err
		}
		a := suggestions[0].Assignment
		o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Failed, Value: math.NaN()}
		if r := instance.Observe(number-1, at(a)); !r.Failed {
			o.State, o.Value = suggest.Completed, r.Values[0]
		}
		all = append(all, o)
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// mixer puts the values of each parameter in another order: eighths of the range, where they are many.
func mixer(s *space.Space, seed int) func(space.Assignment) space.Assignment {
	rng := rand.New(rand.NewPCG(uint64(seed), 8))
	order := make([][]int, s.Len())
	for j := range order {
		n := uint64(8)
		if count, finite := s.Count(j); finite && count < n {
			n = count
		}
		order[j] = rng.Perm(int(n))
	}
	return func(a space.Assignment) space.Assignment {
		u := s.ToUnit(a, nil)
		for j, to := range order {
			n := float64(len(to))
			k := min(math.Floor(u[j]*n), n-1)
			u[j] = (float64(to[int(k)]) + u[j]*n - k) / n
		}
		return s.FromUnit(u)
	}
}

// printWarm compares our algorithms with themselves, with and without experiments that ran before.
func printWarm(w io.Writer, known *records, problems []problem.Problem, methods []method, at []int, floor float64) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	mean := func(name, problem string, trials int) float64 {
		var regrets []float64
		for _, r := range known.list {
			if r.method != name || r.problem != problem {
				continue
			}
			if v, ok := r.at(trials); ok {
				regrets = append(regrets, max(floor, v))
			}
		}
		return stats.Mean(regrets)
	}
	for _, m := range methods {
		h, ok := m.(warm)
		if !ok {
			continue
		}
		fmt.Fprintf(out, "\n### Mean regret of %s in parts of that without\n\n| problem |", m.name())
		for _, n := range at {
			fmt.Fprintf(out, " @%d |", n)
		}
		fmt.Fprintf(out, "\n|---|%s\n", strings.Repeat("---|", len(at)))
		logs := make([][]float64, len(at))
		for i := range problems {
			fmt.Fprintf(out, "| %s |", problems[i].Name)
			for k, n := range at {
				ratio := mean(m.name(), problems[i].Name, n) / mean(h.ours.name(), problems[i].Name, n)
				fmt.Fprintf(out, " %.2f |", ratio)
				if !math.IsNaN(ratio) {
					logs[k] = append(logs[k], math.Log(ratio))
				}
			}
			fmt.Fprintln(out)
		}
		fmt.Fprint(out, "| geometric mean |")
		for _, l := range logs {
			sum := 0.0
			for _, v := range l {
				sum += v
			}
			fmt.Fprintf(out, " %.2f |", math.Exp(sum/float64(len(l))))
		}
		fmt.Fprintln(out)
	}
}
