package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"qalam/runner/process"
	"qalam/store"
)

func newDelete(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete EXPERIMENT…",
		Short: "Delete experiments with their trials, results and logs",
		Long: `Delete experiments with everything that belongs to them: trials, results, logs. Trials that run are ended first. It works whether
another process runs the experiment or none does. Persistent volumes stay.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("the name of an experiment")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: a.completeNames,
	}
	grace := cmd.Flags().Duration("grace", 30*time.Second, "how long running trials may take to end, between SIGTERM and SIGKILL")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			var faults []error
			for _, ref := range args {
				faults = append(faults, a.delete(ctx, st, ref, *grace))
			}
			return errors.Join(faults...)
		})
	}
	return cmd
}

func (a *app) delete(ctx context.Context, st *store.SQLite, ref string, grace time.Duration) error {
	x, err := find(ctx, st, ref)
	if err != nil {
		return err
	}
	if _, err := st.RequestDelete(ctx, x.UID); err != nil {
		return err
	}
	for told := false; ; {
		by, err := a.owned(ctx, st, "qalam delete "+x.Name, func() error {
			if _, err := st.Get(ctx, x.UID); errors.Is(err, store.ErrNotFound) {
				return nil // its process did it
			}
			if err := a.end(ctx, st, x.UID, grace); err != nil {
				return err
			}
			return remove(ctx, st, x.UID)
		})
		if err != nil {
			return err
		}
		if by == nil {
			a.say("experiment %s is deleted", x.Name)
			return nil
		}
		// Another process owns the home: the one that runs the experiment deletes it, any other must end first.
		if _, err := st.Get(ctx, x.UID); errors.Is(err, store.ErrNotFound) {
			a.say("experiment %s is deleted", x.Name)
			return nil
		}
		if !told && !carriesOut(by, x.Name) {
			told = true
			a.say("waiting: pid %d (%s) has the home; the experiment is deleted when that ends", by.PID, by.Command)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// remove removes an experiment of which nothing runs, with all its files. This process owns the home.
func remove(ctx context.Context, st *store.SQLite, uid string) error {
	if err := st.Delete(ctx, uid); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(filepath.Join(st.Dir(), "attempts", uid)), os.RemoveAll(process.CheckpointFolder(st.Dir(), uid, "")),
		os.RemoveAll(setupPath(st.Dir(), uid)))
}
