package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/store"
	"qalam/suggest"
	"qalam/suggest/analysis"
)

// The methods of --method.
const (
	methodPED    = "ped-anova"
	methodFANOVA = "fanova"
)

func newImportance(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "importance EXPERIMENT",
		Short: "Show which parameters matter",
		Long: `Show which parameters matter, by the trials that have completed with a value.

ped-anova compares the best tenth of the trials with all of them: a parameter matters as far as its values are others there. The
shares add up to 1. It holds for parameters under conditions too, and whatever algorithm proposed the trials.

fanova fits regression trees and says how much of the variance of the objective over the whole space is due to each parameter alone
and to pairs of them. What is missing of 1 is due to more parameters together.`,
		Example: `  qalam importance mnist
  qalam importance mnist --method fanova -o wide`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "table", "wide", "json", "yaml", "jsonl")
	method := choiceFlag(cmd, "method", "how importance is measured", methodPED, methodFANOVA)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			report, err := importanceOf(ctx, st, k, method.value)
			if err != nil {
				return err
			}
			return a.importance(report, output.value)
		})
	}
	return cmd
}

// importanceReport is what the trials of an experiment tell of its parameters.
type importanceReport struct {
	Experiment string           `json:"experiment"`
	Metric     string           `json:"metric"`
	Method     string           `json:"method"`
	Trials     int              `json:"trials"` // how many were looked at
	Parameters []importantEntry `json:"parameters"`
}

// importantEntry is the importance of a parameter, or of the interaction of two.
type importantEntry struct {
	Names   []string `json:"names"`
	Share   float64  `json:"share"`
	Error   float64  `json:"error,omitempty"`  // standard error of the share (fanova)
	Chance  float64  `json:"chance,omitempty"` // the share to be expected by chance alone (ped-anova)
	Certain bool     `json:"certain"`          // the share is more than chance
}

// analysed tells an analysis everything that is known of an experiment's trials.
func analysed(ctx context.Context, st *store.SQLite, k *kept) (*analysis.Analysis, []suggest.Outcome, error) {
	x := analysis.New(k.state.Spec.Space)
	var outcomes []suggest.Outcome
	for past, err := range st.History(ctx, k.Record.UID) {
		if err != nil {
			return nil, nil, err
		}
		outcomes = append(outcomes, past.Outcome(k.state.Spec.Objective))
	}
	x.Tell(outcomes)
	return x, outcomes, nil
}

// interactions is how many pairs of parameters are told of.
const interactions = 3

func importanceOf(ctx context.Context, st *store.SQLite, k *kept, method string) (importanceReport, error) {
	s := k.state.Spec
	out := importanceReport{Experiment: s.Name, Metric: s.Objective.Metric, Method: method, Parameters: []importantEntry{}}
	x, _, err := analysed(ctx, st, k)
	if err != nil {
		return out, err
	}
	var report analysis.Report
	if method == methodFANOVA {
		var forest *analysis.Forest
		if forest, err = x.Forest(); err == nil {
			report = forest.Importance(interactions)
		}
	} else {
		report, err = x.Importance()
	}
	if errors.Is(err, analysis.ErrTooFew) {
		return out, exit(exitNoMetric, "%d trials of experiment %s have completed with a value of %s; 10 are needed", x.Trials(), s.Name, s.Objective.Metric)
	} else if err != nil {
		return out, err
	}
	params := s.Space.Parameters()
	out.Trials = report.Trials
	for _, i := range report.Importances {
		e := importantEntry{Share: i.Share, Error: i.Error, Chance: i.Chance, Certain: i.Certain}
		for _, p := range i.Parameters {
			e.Names = append(e.Names, params[p].Name)
		}
		out.Parameters = append(out.Parameters, e)
	}
	return out, nil
}

func (a *app) importance(r importanceReport, form string) error {
	switch form {
	case "json", "yaml":
		return writeDocument(a.out, r, form)
	case "jsonl":
		for _, e := range r.Parameters {
			if err := writeLine(a.out, e); err != nil {
				return err
			}
		}
		return nil
	}
	const columns = 24
	unicode := a.style(a.out, a.noColor).Unicode
	titles := []string{"PARAMETER", "SHARE", "IMPORTANCE"}
	if form == "wide" {
		titles = []string{"PARAMETER", "SHARE", "ERROR", "CHANCE", "IMPORTANCE"}
	}
	most := 0.0
	for _, e := range r.Parameters {
		most = max(most, e.Share)
	}
	var rows [][]string
	for _, e := range r.Parameters {
		bar := view.Bar(e.Share/max(most, 1e-300), columns, unicode)
		if !e.Certain && len(e.Names) == 1 {
			bar = strings.TrimLeft(bar+" maybe chance", " ")
		}
		row := []string{view.Clean(strings.Join(e.Names, " with ")), percent(e.Share), bar}
		if form == "wide" {
			row = []string{row[0], row[1], percent(e.Error), percent(e.Chance), bar}
		}
		rows = append(rows, row)
	}
	if _, err := fmt.Fprint(a.out, view.Table(titles, rows, width(a.out))); err != nil {
		return err
	}
	a.say("%s, from %d trials: %s", r.Method, r.Trials, map[string]string{
		methodPED:    "what sets the best tenth of the trials apart",
		methodFANOVA: "shares of the variance of " + view.Clean(r.Metric) + " over the space",
	}[r.Method])
	return nil
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
