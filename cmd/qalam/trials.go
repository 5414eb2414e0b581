package main

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qalam/api/v1beta1"
	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
	"qalam/store"
)

// trialStates are the states that --state takes.
var trialStates = []experiment.TrialState{
	experiment.TrialPending, experiment.TrialRunning, experiment.TrialSucceeded, experiment.TrialFailed, experiment.TrialKilled,
	experiment.TrialEarlyStopped, experiment.TrialMetricsUnavailable,
}

func newTrials(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trials EXPERIMENT",
		Short: "List the trials of an experiment",
		Long:  `List the trials of an experiment. With -o json or yaml they are the resources as Katib would hold them.`,
		Example: `  qalam trials mnist
  qalam trials mnist --top 5
  qalam trials mnist --state Failed -o wide`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "table", "wide", "json", "yaml", "jsonl", "name")
	states := cmd.Flags().StringSlice("state", nil, "only trials in these `states`: Pending, Running, Succeeded, …")
	top := cmd.Flags().Int("top", 0, "only the best `N` by the first objective, best first")
	pareto := cmd.Flags().Bool("pareto", false, "only those that no other one betters in every objective")
	cmd.MarkFlagsMutuallyExclusive("top", "pareto")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := store.Query{}
		for _, s := range *states {
			i := slices.IndexFunc(trialStates, func(t experiment.TrialState) bool { return strings.EqualFold(string(t), s) })
			if i < 0 {
				return usage("--state %s: there are %s", s, strings.Trim(fmt.Sprint(trialStates), "[]"))
			}
			q.States = append(q.States, trialStates[i])
		}
		if *top < 0 {
			return usage("--top %d: must not be less than 0", *top)
		}
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			trials := st.Trials(ctx, k.Record.UID, q)
			if *top > 0 {
				best, err := topTrials(trials, k.state.Spec.Objective, *top)
				if err != nil {
					return err
				}
				trials = each(best)
			}
			if *pareto {
				if len(k.state.Spec.Objective.Further) == 0 {
					return usage("--pareto: experiment %s has one objective; --top 1 shows its best trial", k.state.Spec.Name)
				}
				list, err := front(ctx, st, k)
				if err != nil {
					return err
				}
				trials = each(list)
			}
			return a.trials(st, k, trials, output.value)
		})
	}
	return cmd
}

func (a *app) trials(st *store.SQLite, k *kept, trials iter.Seq2[experiment.Trial, error], form string) error {
	switch form {
	case "json", "yaml":
		return a.trialList(trials, k, form)
	case "jsonl", "name":
		for t, err := range trials {
			if err == nil && form == "name" {
				_, err = fmt.Fprintln(a.out, t.Name)
			} else if err == nil {
				err = a.trialLine(t, k)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	titles := append([]string{"TRIAL", "STATE"}, titlesOf(judged(k.state.Spec.Objective))...)
	if titles = append(titles, "TIME"); form == "wide" {
		titles = append(titles, "NAME", "ATTEMPT", "CREATED")
	}
	titles = append(titles, "PARAMETERS", "WHY")
	var rows [][]string
	for t, err := range trials {
		if err != nil {
			return err
		}
		rows = append(rows, trialRow(t, k, form == "wide", time.Now()))
	}
	if len(rows) == 0 {
		a.say("there are no such trials yet")
		return nil
	}
	cut := width(a.out)
	if form == "wide" {
		cut = 0
	}
	if _, err := fmt.Fprint(a.out, view.Table(titles, rows, cut)); err != nil {
		return err
	}
	a.unattended(st, k)
	return nil
}

// each yields the elements of a list, in the shape of a query's result.
func each(list []experiment.Trial) iter.Seq2[experiment.Trial, error] {
	return func(yield func(experiment.Trial, error) bool) {
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// topTrials picks the best trials that have succeeded, best first, those that break constraints last; of equally good ones the earlier counts.
func topTrials(trials iter.Seq2[experiment.Trial, error], o experiment.Objective, n int) ([]experiment.Trial, error) {
	var best []experiment.Trial
	cost := func(t experiment.Trial) float64 { return o.Cost(o.Value(t.Observation)) }
	feasible := func(t experiment.Trial) int {
		if o.Feasible(t.Observation) {
			return 0
		}
		return 1
	}
	for t, err := range trials {
		if err != nil {
			return nil, err
		}
		if t.State != experiment.TrialSucceeded || math.IsNaN(o.Value(t.Observation)) {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, t, func(a, b experiment.Trial) int {
			return cmp.Or(feasible(a)-feasible(b), cmp.Compare(cost(a), cost(b)), a.Number-b.Number)
		})
		best = slices.Insert(best, i, t)
		best = best[:min(len(best), n)]
	}
	return best, nil
}

func (a *app) trialLine(t experiment.Trial, k *kept) error {
	wire, err := k.Spec.ToTrial(t)
	if err != nil {
		return err
	}
	return writeLine(a.out, wire)
}

func (a *app) trialList(trials iter.Seq2[experiment.Trial, error], k *kept, form string) error {
	list := v1beta1.TrialList{Items: []v1beta1.Trial{}}
	list.APIVersion, list.Kind = v1beta1.APIVersion, v1beta1.KindTrial+"List"
	for t, err := range trials {
		if err != nil {
			return err
		}
		wire, err := k.Spec.ToTrial(t)
		if err != nil {
			return err
		}
		list.Items = append(list.Items, *wire)
	}
	return writeDocument(a.out, list, form)
}

// trialRow shows a trial in a table.
func trialRow(t experiment.Trial, k *kept, wide bool, now time.Time) []string {
	o := k.state.Spec.Objective
	took := "-"
	if !t.Running.IsZero() {
		end := t.Completed
		if end.IsZero() {
			end = now
		}
		took = view.Span(end.Sub(t.Running))
	}
	params := view.Pairs(view.Named(k.state.Spec.Space, t.Assignment, view.Idle), !wide)
	row := append([]string{strconv.Itoa(t.Number), string(t.State)}, cells(o, t.Observation, judged(o))...)
	if row = append(row, took); wide {
		row = append(row, t.Name, strconv.Itoa(t.Attempt), t.Created.Local().Format(time.DateTime))
	}
	reason := why(t)
	if reason == "" && t.State == experiment.TrialSucceeded {
		reason = view.Clean(brokenText(o, t.Observation))
	}
	return append(row, params, reason)
}

// why says why a trial is in its state, where that does not go without saying.
func why(t experiment.Trial) string {
	switch t.Reason {
	case experiment.ReasonTrialCreated, experiment.ReasonTrialRunning, experiment.ReasonTrialSucceeded:
		if t.Fix == "" {
			return ""
		}
	}
	text := view.Clean(t.Message)
	if t.Fix != "" {
		text += "; fix: " + view.Clean(t.Fix)
	}
	return text
}
