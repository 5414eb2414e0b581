package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"qalam/engine"
	"qalam/experiment"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

// registry is the algorithms and early-stopping rules there are.
func registry() suggest.Registry { return algorithms.All() }

// folder is where everything is kept.
func (a *app) folder() (string, error) {
	for _, dir := range []string{a.home, a.env("QALAM_HOME")} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	if state := a.env("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "qalam"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usage("there is no place to keep experiments: %w; say where with --home or QALAM_HOME", err)
	}
	return filepath.Join(home, ".local", "state", "qalam"), nil
}

// homeFlag is how to name the home in a further command, "" where it is found without.
func (a *app) homeFlag() string {
	if a.home == "" {
		return ""
	}
	return " --home " + shellWord(a.home)
}

// open opens the store and makes it where there is none.
func (a *app) open(ctx context.Context) (*store.SQLite, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, dir, store.Options{})
}

// openThere opens the store where there is one, so that looking at nothing makes nothing.
func (a *app) openThere(ctx context.Context) (*store.SQLite, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "store.db")); errors.Is(err, fs.ErrNotExist) {
		return nil, exit(exitNotFound, "nothing was ever run in %s (another home is named by --home or QALAM_HOME)", dir)
	}
	return store.Open(ctx, dir, store.Options{})
}

// with opens the store, if it is there, for as long as f runs.
func (a *app) with(ctx context.Context, f func(*store.SQLite) error) error {
	st, err := a.openThere(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(st), st.Close())
}

// find finds an experiment by NAME or NAMESPACE/NAME.
func find(ctx context.Context, st *store.SQLite, ref string) (store.Experiment, error) {
	if namespace, name, ok := strings.Cut(ref, "/"); ok {
		return st.Find(ctx, namespace, name)
	}
	list, err := st.List(ctx)
	if err != nil {
		return store.Experiment{}, err
	}
	var found, names []string
	for _, x := range list {
		if x.Name == ref {
			found = append(found, x.UID)
			names = append(names, x.Namespace+"/"+x.Name)
		}
	}
	switch len(found) {
	case 1:
		return st.Get(ctx, found[0])
	case 0:
		return store.Experiment{}, exit(exitNotFound, "there is no experiment %q in %s; qalam list shows those there are", ref, st.Dir())
	}
	return store.Experiment{}, usage("there are several experiments %q: name one as %s", ref, strings.Join(names, ", "))
}

// kept is an experiment of the store with its documents read.
type kept struct {
	engine.Experiment
	state experiment.State
}

// read makes sense of what is kept of an experiment. An engine may be changing it meanwhile: the record and the trials must be
// of one moment.
func read(ctx context.Context, st *store.SQLite, record store.Experiment) (*kept, error) {
	x, faults := spec.Load([]spec.File{{Name: record.Name, Data: record.Source}}, spec.Options{Registry: registry()})
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("experiment %s was created by another version of qalam: %w", record.Name, err)
	}
	rename(x, record.Name)
	reseed(x, record.Seed)
	k := &kept{Experiment: engine.Experiment{Record: record, Spec: x}}
	for try := 0; ; try++ {
		active, err := st.Active(ctx, record.UID)
		if err != nil {
			return nil, err
		}
		if k.state, err = experiment.Restore(x.Spec, record.UID, k.Record.Record, active); err == nil {
			return k, nil
		}
		if try == 50 {
			return nil, err
		}
		if k.Record, err = st.Get(ctx, record.UID); err != nil {
			return nil, err
		}
	}
}

// lookup finds an experiment and reads it.
func lookup(ctx context.Context, st *store.SQLite, ref string) (*kept, error) {
	record, err := find(ctx, st, ref)
	if err != nil {
		return nil, err
	}
	return read(ctx, st, record)
}

// rename gives an experiment another name than its documents do.
func rename(x *spec.Experiment, name string) { x.Spec.Name, x.Wire.Name = name, name }

// reseed gives an experiment another seed than its documents do.
func reseed(x *spec.Experiment, seed uint64) {
	wire := int64(seed)
	x.Spec.Seed, x.Wire.Spec.Seed = seed, &wire
}

// completeNames completes the names of experiments.
func (a *app) completeNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	err := a.with(cmd.Context(), func(st *store.SQLite) error {
		list, err := st.List(cmd.Context())
		for _, x := range list {
			names = append(names, x.Name)
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
