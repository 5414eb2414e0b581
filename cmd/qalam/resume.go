package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"qalam/experiment"
	"qalam/store"
)

func newResume(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume EXPERIMENT",
		Short: "Go on with an experiment that was interrupted, stopped or is finished",
		Long: `Go on with an experiment that was interrupted or stopped, or with a finished one whose budget is raised. Trials that still run
are taken charge of; those that were interrupted are repeated.`,
		Example: `  qalam resume mnist
  qalam resume mnist --max-trials 40`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	budgets := addBudgets(cmd)
	where := addSetup(cmd, "isolated")
	attach := addAttach(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := attach.check(); err != nil {
			return err
		}
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			record, err := find(ctx, st, args[0])
			if err != nil {
				return err
			}
			release, err := st.Own(ctx, ownResume+record.Name)
			if err != nil {
				return err
			}
			return errors.Join(func() error {
				s, err := keptSetup(st.Dir(), record.UID)
				if err != nil {
					return err
				}
				if err := where.apply(cmd, &s, ""); err != nil {
					return err
				}
				k, err := read(ctx, st, record)
				if err != nil {
					return err
				}
				return a.resume(ctx, st, k, budgets.edit(cmd), s, attach)
			}(), release())
		})
	}
	return cmd
}

// resume takes an experiment up again and carries it out. One that is finished and stays so is told again.
func (a *app) resume(ctx context.Context, st *store.SQLite, k *kept, edit experiment.Edit, s setup, flags *attachFlags) error {
	att := &attachment{app: a, flags: flags, store: st, kept: k, began: time.Now()}
	state, err := experiment.Resume(k.state, edit, time.Now())
	if err != nil {
		if k.state.Finished() && edit == (experiment.Edit{}) {
			if !a.quiet {
				fmt.Fprintf(a.err, "qalam: %s\n", err)
			}
			att.began = att.began.Add(k.state.Started.Sub(k.state.Completed)) // what is told took that long
			return errors.Join(att.result(ctx), silent(outcome(&k.state)))
		}
		return &exitError{exitUsage, err}
	}
	k.state = state
	m, err := s.look(ctx, st.Dir(), state.Spec.ParallelTrialCount)
	if err != nil {
		return err
	}
	if att.notes, err = checkHere(m, k.Experiment, &state); err != nil {
		return err
	}
	if err := s.keep(st.Dir(), k.Record.UID); err != nil {
		return err
	}
	if err := wish(ctx, st, k, edit); err != nil {
		return err
	}
	att.machine = m
	return att.attach(ctx)
}

// wish makes what the user is recorded to want agree with a state that has been resumed, and records the state.
func wish(ctx context.Context, st *store.SQLite, k *kept, edit experiment.Edit) error {
	budgets := store.Budgets{ParallelTrialCount: edit.Parallel, MaxTrialCount: edit.Max, MaxFailedTrialCount: edit.MaxFailed}
	d, err := st.Request(ctx, k.Record.UID, func(d *store.Desire) error {
		d.Stop, d.Delete, d.Budgets = false, false, d.Budgets.With(budgets)
		return nil
	})
	if err != nil {
		return err
	}
	k.state.Revision = d.Revision
	return record(ctx, st, k)
}

// record writes the state of an experiment that nobody carries out.
func record(ctx context.Context, st *store.SQLite, k *kept) error {
	data, err := k.state.Record()
	if err != nil {
		return err
	}
	k.Record.Record = data
	return st.Write(ctx, store.Batch{Experiment: k.Record.UID, Record: data})
}
