package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"qalam/engine"
	"qalam/experiment"
	"qalam/spec"
	"qalam/store"
)

// budgetFlags are the flags that edit the three budgets.
type budgetFlags struct{ parallel, most, failed int }

func addBudgets(cmd *cobra.Command) *budgetFlags {
	f := &budgetFlags{}
	cmd.Flags().IntVar(&f.parallel, "parallel", 0, "parallelTrialCount instead of the experiment's: trials at a time")
	cmd.Flags().IntVar(&f.most, "max-trials", 0, "maxTrialCount instead of the experiment's: trials in all")
	cmd.Flags().IntVar(&f.failed, "max-failed", 0, "maxFailedTrialCount instead of the experiment's: failed trials that make the experiment fail")
	return f
}

// edit is what the flags that were given change.
func (f *budgetFlags) edit(cmd *cobra.Command) (e experiment.Edit) {
	for name, to := range map[string]struct {
		from *int
		to   **int
	}{"parallel": {&f.parallel, &e.Parallel}, "max-trials": {&f.most, &e.Max}, "max-failed": {&f.failed, &e.MaxFailed}} {
		if cmd.Flags().Changed(name) {
			*to.to = to.from
		}
	}
	return e
}

// over puts one edit over another.
func over(a, b experiment.Edit) experiment.Edit {
	if b.Parallel != nil {
		a.Parallel = b.Parallel
	}
	if b.Max != nil {
		a.Max = b.Max
	}
	if b.MaxFailed != nil {
		a.MaxFailed = b.MaxFailed
	}
	return a
}

// runOptions say what is to be run and how.
type runOptions struct {
	files           []spec.File
	file            string // the first one's name, beside which the image map lies; "" means none is looked for
	name            string
	seed            *int64
	strict          bool
	resume, replace bool
	free            bool // a name that is taken gets a number (tune without --name)
	dryRun          int
	made            map[string]any // the Experiment as tune made it; nil when it comes from files
	edit            experiment.Edit
	setup           setup
	attach          *attachFlags
}

func newRun(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run FILE…",
		Short: "Run an Experiment on this machine until it is finished",
		Long: `Run an Experiment on this machine until it is finished. FILE holds YAML or JSON, - is standard input. Several files or documents
may hold what the Experiment refers to: ConfigMaps, Secrets, training runtimes.

Ctrl-C ends the running trials and leaves the experiment ready to be resumed; a second one kills them. On SIGTERM and SIGHUP
the trials run on by themselves, and qalam resume takes charge of them again.`,
		Example: `  qalam run experiment.yaml
  qalam run experiment.yaml --images images.yaml --max-trials 4
  cat experiment.yaml | qalam run - --progress plain
  qalam run experiment.yaml --dry-run`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("give a file with an Experiment (- for standard input), as in: %s", cmd.UseLine())
			}
			return nil
		},
	}
	o := runOptions{}
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "name to run it under; where the files hold several Experiments, the one to run")
	flags.BoolVar(&o.resume, "resume", false, "go on with the experiment of this name, if there is one")
	flags.BoolVar(&o.replace, "replace", false, "delete the experiment of this name first, if there is one")
	flags.BoolVar(&o.strict, "strict", false, "unknown fields are errors")
	seed := flags.Int64("seed", 0, "seed of everything random in the search (default: the Experiment's, or else a new one)")
	budgets := addBudgets(cmd)
	dry := addDryRun(cmd)
	where := addSetup(cmd, "isolated")
	o.attach = addAttach(cmd)
	cmd.MarkFlagsMutuallyExclusive("resume", "replace")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o.files, err = a.readFiles(args); err != nil {
			return err
		}
		o.file = args[0]
		if flags.Changed("seed") {
			if *seed < 0 {
				return usage("--seed %d: must not be less than 0", *seed)
			}
			o.seed = seed
		}
		o.edit, o.dryRun = budgets.edit(cmd), *dry
		if err := errors.Join(o.attach.check(), where.apply(cmd, &o.setup, o.file)); err != nil {
			return err
		}
		return a.run(cmd.Context(), o)
	}
	return cmd
}

// maxInput is the size of the largest input that is read, in bytes; spec refuses less.
const maxInput = 8 << 20

// readFiles reads the files of a command line.
func (a *app) readFiles(names []string) ([]spec.File, error) {
	var files []spec.File
	for _, name := range names {
		in, shown := a.in, "standard input"
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				return nil, usage("%w", err)
			}
			defer f.Close()
			in, shown = f, name
		}
		data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
		if err != nil {
			return nil, usage("reading %s: %w", shown, err)
		}
		files = append(files, spec.File{Name: shown, Data: data})
	}
	return files, nil
}

var experimentName = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// loadFiles reads the Experiment of some files, under the name that the user wants. Warnings are told at once.
func (a *app) loadFiles(files []spec.File, name string, strict bool) (*spec.Experiment, error) {
	docs, _ := spec.Parse(files...)
	options := spec.Options{Registry: registry(), Strict: strict}
	if slices.Contains(docs.Names(), name) {
		options.Name = name
	}
	x, faults := docs.Experiment(options)
	if !a.quiet {
		for _, w := range faults.Warnings() {
			fmt.Fprintln(a.err, w.Error())
		}
	}
	if err := faults.Err(); err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("the Experiment is not valid\n%w", err)}
	}
	if name != "" && name != x.Spec.Name {
		if len(name) > 40 || !experimentName.MatchString(name) {
			return nil, usage("--name %q: a name has at most 40 lower-case letters, digits and hyphens, and begins with a letter", name)
		}
		rename(x, name)
	}
	return x, nil
}

// run creates an experiment, or takes one up again, and carries it out.
func (a *app) run(ctx context.Context, o runOptions) error {
	x, err := a.loadFiles(o.files, o.name, o.strict)
	if err != nil {
		return err
	}
	if o.dryRun > 0 {
		return a.dryRun(ctx, o, x)
	}
	st, err := a.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(a.runIn(ctx, st, o, x), st.Close())
}

func (a *app) runIn(ctx context.Context, st *store.SQLite, o runOptions, x *spec.Experiment) error {
	there, err := st.Find(ctx, x.Spec.Namespace, x.Spec.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case o.free:
		if err := freeName(ctx, st, x); err != nil {
			return err
		}
		there = store.Experiment{}
	case !o.resume && !o.replace:
		return exit(exitConflict, "there is an experiment %s already: go on with it by --resume, delete it first by --replace, or run this one as another by --name", x.Spec.Name)
	}
	release, err := st.Own(ctx, ownRun+x.Spec.Name)
	if err != nil {
		return err
	}
	if there.UID != "" && o.resume {
		err = a.goOn(ctx, st, o, x, there)
	} else {
		err = a.create(ctx, st, o, x, there.UID)
	}
	return errors.Join(err, release())
}

// freeName gives an experiment the first name with a number that is not taken.
func freeName(ctx context.Context, st *store.SQLite, x *spec.Experiment) error {
	base := x.Spec.Name
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s-%d", base, n)
		_, err := st.Find(ctx, x.Spec.Namespace, name)
		if errors.Is(err, store.ErrNotFound) {
			rename(x, name)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// create records a new experiment, in the place of an older one if there is one, and carries it out.
func (a *app) create(ctx context.Context, st *store.SQLite, o runOptions, x *spec.Experiment, older string) error {
	k, err := newExperiment(x, o.seed, o.edit)
	if err != nil {
		return err
	}
	learnt, err := warm(ctx, st, k)
	if err != nil {
		return err
	}
	m, err := o.setup.look(ctx, st.Dir(), k.state.Spec.ParallelTrialCount)
	if err != nil {
		return err
	}
	notes, err := checkHere(m, k.Experiment, &k.state)
	if err != nil {
		return err
	}
	notes = append(learnt, notes...)
	if older != "" {
		if err := a.end(ctx, st, older, o.attach.grace); err != nil {
			return err
		}
		if err := remove(ctx, st, older); err != nil {
			return err
		}
	}
	if err := o.setup.keep(st.Dir(), k.Record.UID); err != nil {
		return err
	}
	if err := st.Create(ctx, k.Record); err != nil {
		return err
	}
	att := &attachment{app: a, flags: o.attach, store: st, kept: k, machine: m, notes: notes}
	return att.attach(ctx)
}

// newExperiment makes what is to be recorded of a new experiment.
func newExperiment(x *spec.Experiment, seed *int64, edit experiment.Edit) (*kept, error) {
	switch {
	case seed != nil:
		reseed(x, uint64(*seed))
	case x.Wire.Spec.Seed == nil:
		reseed(x, uint64(mathrand.Uint32()))
	}
	now := time.Now()
	uid := newUID()
	state := experiment.NewState(x.Spec, uid)
	state.Create(now)
	state, err := experiment.ApplyEdit(state, within(edit, x.Spec), now)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	record, err := state.Record()
	if err != nil {
		return nil, err
	}
	return &kept{state: state, Experiment: engine.Experiment{Spec: x, Record: store.Experiment{
		UID: uid, Namespace: x.Spec.Namespace, Name: x.Spec.Name, Source: x.Source, Seed: x.Spec.Seed, Created: now, Record: record,
	}}}, nil
}

// within lowers the budgets that nobody asked to change to a maxTrialCount that somebody asked for.
func within(e experiment.Edit, s experiment.Spec) experiment.Edit {
	if e.Max == nil || *e.Max < 1 {
		return e
	}
	if e.Parallel == nil && s.ParallelTrialCount > *e.Max {
		e.Parallel = e.Max
	}
	if e.MaxFailed == nil && s.MaxFailedTrialCount != nil && *s.MaxFailedTrialCount > *e.Max {
		e.MaxFailed = e.Max
	}
	return e
}

// newUID draws the identity of an experiment: a UUID, as Kubernetes gives.
func newUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// goOn takes up the experiment that has the name already.
func (a *app) goOn(ctx context.Context, st *store.SQLite, o runOptions, x *spec.Experiment, there store.Experiment) error {
	k, err := read(ctx, st, there)
	if err != nil {
		return err
	}
	if err := spec.CheckEdit(k.Spec, x); err != nil {
		return exit(exitConflict, "the file has changed since experiment %s was created: %w; begin anew by --replace, or run this one as another by --name", x.Spec.Name, err)
	}
	edit := over(spec.Edited(k.Spec, x), o.edit)
	return a.resume(ctx, st, k, edit, o.setup, o.attach)
}
