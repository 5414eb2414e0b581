package main

import (
	"fmt"
	mathrand "math/rand/v2"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/asktell"
	"qalam/spec"
)

// maxAhead is how many suggestions can be prepared: as many as trials can run at a time.
const maxAhead = 10_000

func newAsktell(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "asktell FILE",
		Short: "Use the search from any language, over standard input and output",
		Long: `Use the search from any language: an ask/tell session over standard input and output. Each line is a JSON object, and so is each
answer. No trials are run and nothing is kept. FILE is an Experiment, of which objective, algorithm and parameters are enough.

  {"ask":2}                                    the next two trials: {"suggestions":[{"number":1,"assignments":{"lr":"0.01"}},…]}
  {"tell":[{"number":1,"value":0.31}]}         what became of trials: {"told":1}; "state":"Failed" for one without a value
  {"report":{"number":2,"step":3,"value":0.5}} the value of a running trial at a step: {"stop":false}
  {"best":true}                                the best trial so far: {"number":1,"assignments":{"lr":"0.01"},"value":0.31}

What cannot be answered is answered by {"error":"…"}. The session ends with its input.

With --ahead the next suggestions are prepared while trials run and handed out at once: each was made when the one so many
before it was handed out, and knows no results told since.`,
		Example: `  echo '{"ask":3}' | qalam asktell search.yaml --seed 7`,
		Args:    exactly("a file with an Experiment"),
	}
	seed := cmd.Flags().Int64("seed", 0, "seed of everything random in the search (default: the file's, or else a new one)")
	prepared := cmd.Flags().Int("ahead", 0, "prepare so many suggestions while trials run, without knowing their results")
	name := cmd.Flags().String("name", "", "the Experiment to take where the file holds several")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *seed < 0 {
			return usage("--seed %d: must not be less than 0", *seed)
		}
		if *prepared < 0 || *prepared > maxAhead {
			return usage("--ahead %d: from 0 to %d", *prepared, maxAhead)
		}
		if args[0] == "-" {
			return usage("- is standard input, over which the session goes: give the name of a file")
		}
		files, err := a.readFiles(args)
		if err != nil {
			return err
		}
		x, faults := spec.LoadSearch(files, spec.Options{Registry: registry(), Name: *name})
		if !a.quiet {
			for _, w := range faults.Warnings() {
				fmt.Fprintln(a.err, w.Error())
			}
		}
		if err := faults.Err(); err != nil {
			return &exitError{exitUsage, fmt.Errorf("the file is not valid\n%w", err)}
		}
		switch {
		case cmd.Flags().Changed("seed"):
			x.Spec.Seed = uint64(*seed)
		case x.Wire.Spec.Seed == nil:
			x.Spec.Seed = uint64(mathrand.Uint32())
		}
		notes, err := a.learnAtHome(cmd.Context(), &x.Spec)
		if err != nil {
			return err
		}
		for _, n := range notes {
			if !a.quiet {
				fmt.Fprintln(a.err, n)
			}
		}
		s, err := asktell.New(x.Spec, registry(), *prepared)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		defer s.Close()
		return s.Serve(a.in, a.out)
	}
	return cmd
}
