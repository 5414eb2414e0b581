package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"qalam/api/v1beta1"
	"qalam/cmd/qalam/internal/tune"
	"qalam/runner/provision"
	"qalam/spec"
)

func newTune(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tune --param NAME=VALUES… --minimize METRIC [flags] -- COMMAND [ARG…]",
		Short: "Tune the parameters of a command line, without any YAML",
		Long: `Tune the parameters of a command line. {name} in the command stands for a parameter's value, {{ and }} for braces. The command is
run as it is, by no shell, in the folder you are in and with your environment; it prints its metrics as METRIC=VALUE.

` + tune.Form,
		Example: `  qalam tune --param lr=log:1e-5..1e-1 --param opt=adam,sgd --minimize loss --trials 40 \
      -- python3 train.py --lr '{lr}' --opt '{opt}'
  qalam tune --param layers=int:1..8 --maximize accuracy --goal 0.99 --dry-run -o yaml -- ./train '{layers}'`,
	}
	r := tune.Request{}
	o := runOptions{}
	var goal float64
	var trials, parallel, failed int
	var seed int64
	flags := cmd.Flags()
	flags.StringArrayVarP(&r.Params, "param", "p", nil, "a parameter, as `NAME=VALUES` (see above)")
	flags.Var(&objectiveFlag{&r.Objectives, v1beta1.ObjectiveTypeMinimize}, "minimize", "the `metric` to make as small as possible; with --maximize, or given again: several objectives")
	flags.Var(&objectiveFlag{&r.Objectives, v1beta1.ObjectiveTypeMaximize}, "maximize", "the `metric` to make as large as possible")
	flags.StringArrayVar(&r.Constraints, "constraint", nil, "a `condition` on the parameters of each trial, as 'batch * seq <= 4096'")
	flags.StringSliceVar(&r.Additional, "also", nil, "further `metrics` to record")
	flags.Float64Var(&goal, "goal", 0, "stop when a trial reaches this value")
	flags.StringVar(&r.Algorithm, "algorithm", tune.DefaultAlgorithm, "how values are chosen")
	flags.StringArrayVar(&r.Settings, "algorithm-setting", nil, "a setting of the algorithm, as `NAME=VALUE`")
	flags.StringVar(&r.EarlyStopping, "early-stopping", "", "`rule` that ends trials which fall behind: medianstop")
	flags.StringArrayVar(&r.StopSettings, "early-stopping-setting", nil, "a setting of the rule, as `NAME=VALUE`")
	flags.IntVarP(&trials, "trials", "n", 20, "trials in all")
	flags.IntVar(&parallel, "parallel", 1, "trials at a time")
	flags.IntVar(&failed, "max-failed", 0, "failed trials that end the experiment (default: half of all)")
	flags.Int64Var(&seed, "seed", 0, "seed of everything random in the search (default: a new one)")
	flags.StringVar(&r.Name, "name", "", "name of the experiment (default: made from the command)")
	flags.BoolVar(&o.resume, "resume", false, "go on with the experiment of this name, if there is one")
	flags.BoolVar(&o.replace, "replace", false, "delete the experiment of this name first, if there is one")
	dry := addDryRun(cmd)
	where := addSetup(cmd, "host")
	o.attach = addAttach(cmd)
	cmd.MarkFlagsMutuallyExclusive("resume", "replace")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.Command = args
		if flags.Changed("goal") {
			r.Goal = &goal
		}
		if flags.Changed("seed") {
			if seed < 0 {
				return usage("--seed %d: must not be less than 0", seed)
			}
			r.Seed = &seed
		}
		if err := r.Budgets(trials, parallel, failed, flags.Changed("max-failed")); err != nil {
			return &exitError{exitUsage, err}
		}
		x, err := tune.Experiment(r)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		o.made = written(x)
		data, err := yaml.Marshal(o.made)
		if err != nil {
			return err
		}
		o.files, o.name, o.dryRun = []spec.File{{Name: "the command line", Data: data}}, r.Name, *dry
		o.free = r.Name == "" && !o.resume && !o.replace
		if err := errors.Join(o.attach.check(), where.apply(cmd, &o.setup, ""), here(&o.setup)); err != nil {
			return err
		}
		return a.run(cmd.Context(), o)
	}
	return cmd
}

// objectiveFlag adds an objective of one type to the list of all, so that the order of --minimize and --maximize is kept.
type objectiveFlag struct {
	all *[]tune.Objective
	typ v1beta1.ObjectiveType
}

func (f *objectiveFlag) String() string { return "" }

// Set adds an objective.
func (f *objectiveFlag) Set(metric string) error {
	*f.all = append(*f.all, tune.Objective{Metric: metric, Type: f.typ})
	return nil
}

// Type is what help shows for a value.
func (f *objectiveFlag) Type() string { return "metric" }

// here maps the image of tune to the folder that the user is in, with the user's environment.
func here(s *setup) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	s.Images = append([]provision.Image{{Image: tune.Image, WorkingDir: dir, Shared: true}}, s.Images...)
	s.PassEnv = append(s.PassEnv, "*")
	return nil
}
