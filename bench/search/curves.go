package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"qalam/bench/search/rivals"
	"qalam/bench/search/stats"
	"qalam/suggest"
	"qalam/suggest/algorithms"
	"qalam/suggest/suggesttest/curves"
)

// fullRuns are the budgets at which policies on learning curves are compared.
var fullRuns = []int{5, 10, 20, 50}

// policy is something that spends steps of training.
type policy struct {
	name string
	run  func(t *curves.Task, seed int) ([]float64, error)
}

// compareCurves prints what early-stopping rules and multi-fidelity algorithms reach on learning curves.
func compareCurves(ctx context.Context, o options, out, log io.Writer) error {
	tasks, err := curves.Read(os.DirFS(o.data), o.family)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are no learning curves in %s: name the folder that holds %s with -data or $QALAM_BENCHMARKS", o.data, o.family)
	}
	if err != nil {
		return err
	}
	from, to, err := seedRange(o.seeds)
	if err != nil {
		return err
	}
	policies, err := o.policies()
	if err != nil {
		return err
	}
	results := make([][][]float64, len(policies)) // by policy and budget, one for each task and seed
	for i, p := range policies {
		results[i] = make([][]float64, len(fullRuns))
		for _, task := range tasks {
			for seed := from; seed < to; seed++ {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				regrets, err := p.run(task, seed)
				if err != nil {
					return fmt.Errorf("%s on %s, seed %d: %w", p.name, task.Name, seed, err)
				}
				for k, v := range regrets {
					results[i][k] = append(results[i][k], v)
				}
			}
		}
		fmt.Fprintf(log, "%s\n", p.name)
	}
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "\n### Regret on learning curves of %s after so many full runs' worth of steps (%d tasks, %d seeds each; 1 is the median "+
		"configuration, 0 the best)\n\n", o.family, len(tasks), to-from)
	printCurves(w, policies, results)
	printCurveGoals(w, curveGoals[o.family], policies, results, to-from)
	return w.Flush()
}

// policies are the rules of other projects, our rules and our multi-fidelity algorithms.
func (o options) policies() ([]policy, error) {
	var out []policy
	for _, r := range rivals.All() {
		out = append(out, policy{r.Name, func(t *curves.Task, seed int) ([]float64, error) { return r.Run(t, seed, fullRuns), nil }})
	}
	registry := algorithms.All()
	for _, text := range split(o.stop) {
		rule, err := parseOurs(text)
		if err != nil {
			return nil, err
		}
		if _, err := registry.NewStopper(rule.algorithm, rule.settings); err != nil {
			return nil, fmt.Errorf("rule %q: %w", text, err)
		}
		out = append(out, policy{"qalam rule " + text, func(t *curves.Task, seed int) ([]float64, error) {
			stopper, err := registry.NewStopper(rule.algorithm, rule.settings)
			if err != nil {
				return nil, err
			}
			order, _ := rivals.Order(t, seed)
			return curves.Stopped(t, stopper, order, 1, fullRuns), nil
		}})
	}
	for _, text := range split(o.methods) {
		a, err := parseOurs(text)
		if err != nil {
			return nil, err
		}
		if _, ok := a.settings["resource_name"]; !ok {
			a.settings["resource_name"] = curves.Resource
		}
		out = append(out, policy{"qalam search " + text, func(t *curves.Task, seed int) ([]float64, error) {
			s, err := t.Space()
			if err != nil {
				return nil, err
			}
			suggester, err := registry.NewSuggester(a.algorithm, suggest.Problem{Space: s, Seed: uint64(seed)}, a.settings)
			if err != nil {
				return nil, err
			}
			return curves.Searched(t, suggester, 1, fullRuns)
		}})
	}
	return out, nil
}

// printCurves writes the mean regret of each policy, and how it stands to asynchronous halving by stopping.
func printCurves(w io.Writer, policies []policy, results [][][]float64) {
	header, rows := []string{"policy"}, [][]string{}
	for _, b := range fullRuns {
		header = append(header, fmt.Sprintf("mean @%d", b))
	}
	header = append(header, fmt.Sprintf("median @%d", fullRuns[len(fullRuns)-1]))
	reference := slices.IndexFunc(policies, func(p policy) bool { return p.name == "sha3" })
	for _, b := range fullRuns {
		header = append(header, fmt.Sprintf("ratio to %s @%d", policies[reference].name, b))
	}
	for i, p := range policies {
		row := []string{p.name}
		for _, v := range results[i] {
			ci := stats.Bootstrap(v, resamples)
			row = append(row, fmt.Sprintf("%.3f [%.3f, %.3f]", stats.Mean(v), ci.Low, ci.High))
		}
		row = append(row, fmt.Sprintf("%.3f", stats.Median(results[i][len(fullRuns)-1])))
		for k, v := range results[i] {
			ratio := stats.Mean(v) / stats.Mean(results[reference][k])
			if math.IsNaN(ratio) {
				ratio = 1
			}
			row = append(row, fmt.Sprintf("%.2f", ratio))
		}
		rows = append(rows, row)
	}
	markdown(w, header, rows)
}
