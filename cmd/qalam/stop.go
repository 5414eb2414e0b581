package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"qalam/engine"
	"qalam/store"
)

func newStop(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "stop EXPERIMENT",
		Short: "End an experiment: no new trials, those that run finish",
		Long: `End an experiment: no new trials are started, and those that run come to their own end. It works whether the experiment is being
run by another process or by none. qalam resume takes it up again; to end the running trials now, press Ctrl-C where they run.`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(st *store.SQLite) error { return a.stop(ctx, st, args[0]) })
		},
	}
}

func (a *app) stop(ctx context.Context, st *store.SQLite, ref string) error {
	k, err := lookup(ctx, st, ref)
	if err != nil {
		return err
	}
	name := k.state.Spec.Name
	if k.state.Finished() {
		a.say("experiment %s is finished already (%s)", name, k.state.Reason())
		return nil
	}
	d, err := st.RequestStop(ctx, k.Record.UID)
	if err != nil {
		return err
	}
	by, err := a.owned(ctx, st, "qalam stop "+name, func() error {
		k, err := lookup(ctx, st, ref)
		if err != nil {
			return err
		}
		k.state.StopRequested, k.state.Revision = true, d.Revision
		if err := record(ctx, st, k); err != nil {
			return err
		}
		if n := len(k.state.Active); n > 0 {
			a.say("experiment %s: waiting for %s", name, plural(n, "trial"))
		}
		if err := a.headless(ctx, st, k, 0, false); err != nil {
			return err
		}
		a.say("experiment %s is stopped", name)
		return nil
	})
	if err != nil || by == nil {
		return err
	}
	if !carriesOut(by, name) {
		a.say("experiment %s is to be stopped; nobody carries it out now, and pid %d (%s) has the home", name, by.PID, by.Command)
		return nil
	}
	a.say("experiment %s: stopping; %s will come to their own end (qalam with pid %d carries it out)", name, plural(k.state.Counts.Running, "running trial"), by.PID)
	return nil
}

// carriesOut reports whether the owner of a home is the one that carries an experiment out.
func carriesOut(by *store.Owner, name string) bool {
	return by.Command == ownRun+name || by.Command == ownResume+name
}

// What the owner of a home says it is.
const (
	ownRun    = "qalam run "
	ownResume = "qalam resume "
)

// say tells what was done, unless the user wants to hear nothing.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// owned does something as the owner of the home. Where another process owns it, which then follows what is asked of its
// experiments, that owner is returned instead.
func (a *app) owned(ctx context.Context, st *store.SQLite, command string, do func() error) (*store.Owner, error) {
	release, err := st.Own(ctx, command)
	var other *store.OwnedError
	if errors.As(err, &other) {
		return &other.Owner, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(do(), release())
}

// headless carries an experiment on without telling, until it is finished, or with interrupt until nothing of it runs.
func (a *app) headless(ctx context.Context, st *store.SQLite, k *kept, grace time.Duration, interrupt bool) error {
	s, err := keptSetup(st.Dir(), k.Record.UID)
	if err != nil {
		return err
	}
	m, err := s.look(ctx, st.Dir(), k.state.Spec.ParallelTrialCount)
	if err != nil {
		return err
	}
	runner, err := m.start(st.Dir())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	commands := make(chan engine.Command, 1)
	if interrupt {
		commands <- engine.Interrupt
	}
	e := engine.New(ctx, st, runner, registry(), engine.Options{Grace: grace})
	_, err = e.Run(ctx, k.Experiment, commands)
	if interrupt && errors.Is(err, engine.ErrInterrupted) {
		err = nil
	}
	return errors.Join(err, runner.Close(err != nil, grace))
}

// end ends what still runs of an experiment that nobody carries out. This process owns the home.
func (a *app) end(ctx context.Context, st *store.SQLite, uid string, grace time.Duration) error {
	active, err := st.Active(ctx, uid)
	if err != nil {
		return err
	}
	started := false
	for _, t := range active {
		started = started || t.Started
	}
	if !started {
		return nil
	}
	record, err := st.Get(ctx, uid)
	if err != nil {
		return err
	}
	k, err := read(ctx, st, record)
	if err != nil {
		return err
	}
	k.state.StopRequested = true // nothing new is to be started meanwhile
	if k.Record.Record, err = k.state.Record(); err != nil {
		return err
	}
	err = a.headless(ctx, st, k, grace, true)
	return err
}
