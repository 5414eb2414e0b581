package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// app is what all commands share.
type app struct {
	*console
	home    string
	noColor bool
	quiet   bool
}

// execute runs a command line and returns the exit code.
func execute(ctx context.Context, c *console, args []string) int {
	a := &app{console: c}
	root := newRoot(a)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if err != nil && !began { // cobra's own errors are all about the command line
		code = exitUsage
	}
	var own *exitError
	if err != nil && (!errors.As(err, &own) || own.err != nil) {
		fmt.Fprintf(c.err, "qalam: %s\n", err)
	}
	return code
}

// newRoot makes the tree of commands.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "qalam",
		Short: "Tune training jobs: run Katib Experiments on this machine",
		Long: `qalam finds the best hyperparameters of a training job. It takes a Kubeflow Katib v1beta1 Experiment, unmodified, and runs it
on this machine; or it takes a command line (qalam tune).`,
		Example: `  qalam run experiment.yaml
  qalam tune --param lr=log:1e-5..1e-1 --minimize loss --trials 40 -- python3 train.py --lr '{lr}'
  qalam best mnist -o json`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.home, "home", "", "`folder` where experiments, their logs and results are kept (default $QALAM_HOME, or else $XDG_STATE_HOME/qalam)")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours, as with NO_COLOR in the environment")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "nothing but the result")
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run experiments:"}, &cobra.Group{ID: "look", Title: "Look at them:"},
		&cobra.Group{ID: "change", Title: "Change them:"}, &cobra.Group{ID: "learn", Title: "Learn and check:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", newRun(a), newTune(a), newResume(a), newAsktell(a))
	add("look", newList(a), newGet(a), newTrials(a), newBest(a), newImportance(a), newAdvise(a), newLogs(a), newDoctor(a), newExport(a))
	add("change", newStop(a), newEdit(a), newDelete(a))
	add("learn", newValidate(a), newExplain(a), newSchema(a), newVersion(a))
	root.AddCommand(newManual(a), &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesText})
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// exactly is cobra.ExactArgs with a message that says what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return fmt.Errorf("give %s, as in: %s", strings.Join(names, " and "), cmd.UseLine())
	}
}

// format is the value of -o.
type format struct {
	value   string
	allowed []string
}

func (f *format) String() string { return f.value }

// Set takes one of the allowed formats.
func (f *format) Set(v string) error {
	if !slices.Contains(f.allowed, v) {
		return fmt.Errorf("use one of %s", strings.Join(f.allowed, ", "))
	}
	f.value = v
	return nil
}

// Type is what help shows for a value.
func (f *format) Type() string { return strings.Join(f.allowed, "|") }

// outputFlag adds -o with the formats a command has; the first is its default.
func outputFlag(cmd *cobra.Command, allowed ...string) *format {
	f := &format{value: allowed[0], allowed: allowed}
	cmd.Flags().VarP(f, "output", "o", "form of the output")
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)))
	return f
}

// choiceFlag adds a flag that takes one of some words; the first is its default.
func choiceFlag(cmd *cobra.Command, name, help string, allowed ...string) *format {
	f := &format{value: allowed[0], allowed: allowed}
	cmd.Flags().Var(f, name, help)
	must(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)))
	return f
}

// must is for errors that only a mistake in this program can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
