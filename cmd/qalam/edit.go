package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qalam/engine"
	"qalam/experiment"
	"qalam/store"
)

func newEdit(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "edit EXPERIMENT",
		Short: "Change the budgets of an experiment, also while it runs",
		Long: `Change the budgets of an experiment, whether another process runs it or none does. Nothing else can be changed. A running
experiment follows within a second.`,
		Example:           `  qalam edit mnist --parallel 4 --max-trials 40`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	budgets := addBudgets(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		edit := budgets.edit(cmd)
		if edit == (experiment.Edit{}) {
			return usage("nothing to change: give --parallel, --max-trials or --max-failed")
		}
		return a.with(ctx, func(st *store.SQLite) error { return a.edit(ctx, st, args[0], edit) })
	}
	return cmd
}

func (a *app) edit(ctx context.Context, st *store.SQLite, ref string, edit experiment.Edit) error {
	k, err := lookup(ctx, st, ref)
	if err != nil {
		return err
	}
	next, err := experiment.ApplyEdit(k.state, edit, time.Now())
	if err == nil {
		err = engine.Refuses(registry(), next.Spec)
	}
	if err != nil {
		return usage("%w", err)
	}
	budgets := store.Budgets{ParallelTrialCount: edit.Parallel, MaxTrialCount: edit.Max, MaxFailedTrialCount: edit.MaxFailed}
	d, err := st.RequestEdit(ctx, k.Record.UID, budgets)
	if err != nil {
		return err
	}
	by, err := a.owned(ctx, st, "qalam edit "+next.Spec.Name, func() error {
		k, err := lookup(ctx, st, ref)
		if err != nil {
			return err
		}
		if k.state, err = experiment.ApplyEdit(k.state, edit, time.Now()); err != nil {
			return usage("%w", err)
		}
		k.state.Revision = d.Revision
		next = k.state
		return record(ctx, st, k)
	})
	if err != nil {
		return err
	}
	a.say("experiment %s: %s", next.Spec.Name, budgetsText(next.Spec))
	if by == nil && !next.Finished() {
		a.say("go on with: qalam resume %s%s", shellWord(next.Spec.Name), a.homeFlag())
	}
	return nil
}

// budgetsText writes the three budgets.
func budgetsText(s experiment.Spec) string {
	count := func(n *int) string {
		if n == nil {
			return "none"
		}
		return strconv.Itoa(*n)
	}
	return fmt.Sprintf("parallelTrialCount %d, maxTrialCount %s, maxFailedTrialCount %s", s.ParallelTrialCount, count(s.MaxTrialCount), count(s.MaxFailedTrialCount))
}
