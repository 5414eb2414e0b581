package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
	"qalam/store"
)

func newDoctor(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [EXPERIMENT]",
		Short: "Say why trials are not done or failed, and what to do",
		Long: `Say why trials of an experiment are not done, or why they failed, with the evidence and what to do. Without an experiment, say what
this machine offers to trials.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "table", "jsonl")
	ref := cmd.Flags().String("trial", "", "`number` or name of one trial")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if len(args) == 0 {
			return a.machine(ctx)
		}
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			if *ref != "" {
				t, err := trialNamed(ctx, st, k.Record, *ref)
				if err != nil {
					return err
				}
				return a.tell(k, t, output.value)
			}
			return a.doctor(ctx, st, k, output.value)
		})
	}
	return cmd
}

// machine says what this machine offers.
func (a *app) machine(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "qalam-doctor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := setup{Tier: "auto"}.look(ctx, dir, 1)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "isolation    %s\n", m.tier())
	fmt.Fprintf(a.out, "processors   %s\n", view.Number(float64(m.capacity.MilliCPU)/1000))
	fmt.Fprintf(a.out, "memory       %.1f GiB\n", float64(m.capacity.Memory)/(1<<30))
	devices := "none found"
	for i, d := range m.capacity.Devices {
		if i == 0 {
			devices = ""
		} else {
			devices += ", "
		}
		devices += d.Resource + " " + d.ID
	}
	fmt.Fprintf(a.out, "accelerators %s\n", devices)
	home, err := a.folder()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "home         %s\n", home)
	return nil
}

// diagnosis is what is known of a trial, in the output as JSON lines; without a name and a state, what was noted on the way.
type diagnosis struct {
	Trial   int                   `json:"trial"`
	Name    string                `json:"name,omitempty"`
	State   experiment.TrialState `json:"state,omitempty"`
	Reason  string                `json:"reason"`
	Message string                `json:"message"`
	Fix     string                `json:"fix,omitempty"`
}

// doctor tells of every trial that is not done, and of those that failed.
func (a *app) doctor(ctx context.Context, st *store.SQLite, k *kept, form string) error {
	q := store.Query{States: []experiment.TrialState{
		experiment.TrialPending, experiment.TrialRunning, experiment.TrialFailed, experiment.TrialMetricsUnavailable,
	}}
	told := 0
	for t, err := range st.Trials(ctx, k.Record.UID, q) {
		if err == nil {
			err = a.tell(k, t, form)
		}
		if err != nil {
			return err
		}
		told++
	}
	if err := a.noted(ctx, st, k, form); err != nil {
		return err
	}
	if told == 0 && form != "jsonl" {
		a.say("experiment %s: %s (%s); no trial is unfinished or failed", k.state.Spec.Name, k.state.Phase, k.state.Reason())
	}
	if form != "jsonl" {
		a.unattended(st, k)
	}
	return nil
}

const mostNoted = 20 // notes that are worth reading

// noted tells what was noted while the experiment was carried out: what could not be done, and held nothing up.
func (a *app) noted(ctx context.Context, st *store.SQLite, k *kept, form string) error {
	events, err := st.Events(ctx, k.Record.UID, 0, 0)
	if err != nil {
		return err
	}
	for _, e := range events[max(0, len(events)-mostNoted):] {
		if form == "jsonl" {
			if err := writeLine(a.out, diagnosis{Trial: e.Trial, Reason: e.Kind, Message: e.Message}); err != nil {
				return err
			}
			continue
		}
		of := "experiment"
		if e.Trial > 0 {
			of = fmt.Sprintf("trial %d", e.Trial)
		}
		fmt.Fprintf(a.out, "%s: %s (%s ago)\n  %s\n", of, e.Kind, view.Span(time.Since(e.Time)), view.Clean(e.Message))
	}
	return nil
}

// unattended says so when nobody carries an unfinished experiment out: what it shows is from when somebody did.
func (a *app) unattended(st *store.SQLite, k *kept) {
	if by, err := st.Owner(); err == nil && by == nil && !k.state.Finished() {
		a.say("nobody carries the experiment out: qalam resume %s%s", shellWord(k.state.Spec.Name), a.homeFlag())
	}
}

// tell tells of one trial.
func (a *app) tell(k *kept, t experiment.Trial, form string) error {
	if form == "jsonl" {
		return writeLine(a.out, diagnosis{t.Number, t.Name, t.State, t.Reason, t.Message, t.Fix})
	}
	since := t.Completed
	if since.IsZero() {
		since = t.Created
	}
	fmt.Fprintf(a.out, "trial %d: %s, %s (%s ago)\n  %s\n", t.Number, t.State, t.Reason, view.Span(time.Since(since)), view.Clean(t.Message))
	if t.Fix != "" {
		fmt.Fprintf(a.out, "  fix: %s\n", view.Clean(t.Fix))
	}
	fmt.Fprintf(a.out, "  logs: qalam logs %s --trial %d%s\n", shellWord(k.state.Spec.Name), t.Number, a.homeFlag())
	return nil
}
