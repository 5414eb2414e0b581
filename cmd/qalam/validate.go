package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"qalam/engine"
	"qalam/experiment"
	"qalam/spec"
)

func newValidate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check an Experiment: every fault at once, and whether this machine can run it",
		Long: `Check the Experiment in the files (- is standard input): every fault at once with its place, what job kinds make of it, and
whether this machine can run its trials. The exit code is 2 when something is wrong.`,
		Example: `  qalam validate experiment.yaml
  qalam validate experiment.yaml --spec-only -o jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("a file")(cmd, args)
			}
			return nil
		},
	}
	output := outputFlag(cmd, "table", "json", "jsonl")
	strict := cmd.Flags().Bool("strict", false, "unknown fields are errors")
	only := cmd.Flags().Bool("spec-only", false, "the Experiment alone: not whether this machine can run it")
	name := cmd.Flags().String("name", "", "the Experiment to check where the files hold several")
	where := addSetup(cmd, "isolated")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		files, err := a.readFiles(args)
		if err != nil {
			return err
		}
		var s setup
		if err := where.apply(cmd, &s, args[0]); err != nil {
			return err
		}
		x, faults := spec.Load(files, spec.Options{Registry: registry(), Strict: *strict, Name: *name})
		if x != nil && !*only {
			faults = append(faults, a.validateHere(cmd.Context(), x, s, files[0].Name)...)
		}
		return a.tellFaults(x, faults, output.value)
	}
	return cmd
}

// validateHere says what this machine makes of an Experiment that is valid in itself.
func (a *app) validateHere(ctx context.Context, x *spec.Experiment, s setup, file string) spec.Faults {
	fault := func(severity spec.Severity, text string) spec.Fault {
		return spec.Fault{Severity: severity, File: file, Message: text}
	}
	dir, err := os.MkdirTemp("", "qalam-validate-")
	if err != nil {
		return spec.Faults{fault(spec.SeverityError, err.Error())}
	}
	defer os.RemoveAll(dir)
	k, err := newExperiment(x, nil, experiment.Edit{})
	if err != nil {
		return spec.Faults{fault(spec.SeverityError, err.Error())}
	}
	m, err := s.look(ctx, dir, k.state.Spec.ParallelTrialCount)
	if err != nil {
		return spec.Faults{fault(spec.SeverityError, err.Error())}
	}
	trials, err := sample(k.Experiment, &k.state, 1)
	if err != nil || len(trials) == 0 {
		return spec.Faults{fault(spec.SeverityError, fmt.Sprintf("no trial can be made: %v", err))}
	}
	task, err := engine.Prepare(k.Experiment, trials[0], nil)
	if err != nil {
		return spec.Faults{fault(spec.SeverityError, err.Error())}
	}
	var faults spec.Faults
	if err := errors.Join(m.provisioner.Check(task), m.pool.Check(task)); err != nil {
		faults = append(faults, fault(spec.SeverityError, err.Error()))
	}
	for _, n := range m.provisioner.Notes(task) {
		faults = append(faults, fault(spec.SeverityWarning, n))
	}
	return faults
}

// validated is the answer of validate as JSON.
type validated struct {
	Valid  bool        `json:"valid"`
	Faults spec.Faults `json:"faults"`
}

func (a *app) tellFaults(x *spec.Experiment, faults spec.Faults, form string) error {
	errs, warnings := len(faults.Errors()), len(faults.Warnings())
	var err error
	switch form {
	case "json":
		if faults == nil {
			faults = spec.Faults{}
		}
		err = writeDocument(a.out, validated{errs == 0, faults}, "json")
	case "jsonl":
		for _, f := range faults {
			err = errors.Join(err, writeLine(a.out, f))
		}
	default:
		for _, f := range faults {
			fmt.Fprintln(a.out, f.Error())
		}
		switch {
		case errs > 0:
			fmt.Fprintf(a.out, "%s, %s\n", plural(errs, "error"), plural(warnings, "warning"))
		case warnings > 0:
			a.say("experiment %s is valid, with %s", x.Spec.Name, plural(warnings, "warning"))
		default:
			a.say("experiment %s is valid", x.Spec.Name)
		}
	}
	if err == nil && errs > 0 {
		err = silent(exitUsage)
	}
	return err
}
