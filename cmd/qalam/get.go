package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/store"
)

func newGet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "get EXPERIMENT",
		Short:             "Show an experiment with its status",
		Long:              `Show an experiment with its status. With -o json or yaml it is the resource as Katib would hold it.`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "table", "wide", "json", "yaml", "jsonl", "name")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			return a.get(ctx, st, k, output.value)
		})
	}
	return cmd
}

func (a *app) get(ctx context.Context, st *store.SQLite, k *kept, form string) error {
	switch form {
	case "name":
		_, err := fmt.Fprintln(a.out, k.Record.Name)
		return err
	case "json", "yaml":
		return writeExperiment(ctx, a.out, st, k, form)
	case "jsonl":
		x, err := wireExperiment(ctx, st, k)
		if err != nil {
			return err
		}
		return writeLine(a.out, x)
	}
	s := &k.state
	row := func(name, value string) { fmt.Fprintf(a.out, "%-12s %s\n", name, view.Clean(value)) }
	row("name", s.Spec.Name)
	row("namespace", s.Spec.Namespace)
	row("state", fmt.Sprintf("%s (%s)", s.Phase, s.Reason()))
	if n := len(s.Conditions); n > 0 {
		row("message", s.Conditions[n-1].Message)
	}
	o := s.Spec.Objective
	row("objective", objectivesText(o))
	for _, c := range o.Constraints {
		row("constraint", constraintText(c))
	}
	row("algorithm", fmt.Sprintf("%s, seed %d", s.Spec.Algorithm.Name, s.Spec.Seed))
	if s.Spec.EarlyStopping != nil {
		row("stopping", s.Spec.EarlyStopping.Name)
	}
	row("budgets", budgetsText(s.Spec))
	row("trials", fmt.Sprintf("%d: %s", s.Counts.Total(), tally(s.Counts)))
	if s.Optimal != nil {
		row("best", bestLine(k))
		if text := repeatedText(s.Optimal); text != "" {
			row("", text)
		}
		if broken := brokenText(o, s.Optimal.Observation); broken != "" {
			row("", broken)
		}
	}
	if n := len(s.Pareto); n > 0 {
		row("pareto set", fmt.Sprintf("%s; qalam best %s shows them", plural(n, "trial"), shellWord(s.Spec.Name)))
	}
	row("created", k.Record.Created.Local().Format(time.DateTime))
	if !s.Completed.IsZero() {
		row("completed", s.Completed.Local().Format(time.DateTime))
	}
	if form == "wide" {
		row("uid", k.Record.UID)
		row("home", st.Dir())
	}
	if by, err := st.Owner(); err == nil && by != nil && !s.Finished() {
		row("run by", fmt.Sprintf("pid %d on %s: %s", by.PID, by.Host, by.Command))
	}
	a.unattended(st, k)
	return nil
}
