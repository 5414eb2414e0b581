package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/engine"
	"qalam/experiment"
	"qalam/runner"
	"qalam/spec"
	"qalam/store"
)

// addDryRun adds --dry-run, which takes the number of trials to show.
func addDryRun(cmd *cobra.Command) *int {
	n := cmd.Flags().Int("dry-run", 0, "run nothing: show the first `N` trials, or with -o yaml or json the Experiment")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = "3"
	return n
}

// dryRun shows what would be run.
func (a *app) dryRun(ctx context.Context, o runOptions, x *spec.Experiment) error {
	k, err := newExperiment(x, o.seed, o.edit)
	if err != nil {
		return err
	}
	learnt, err := a.learnAtHome(ctx, &k.state.Spec)
	if err != nil {
		return err
	}
	switch form := o.attach.output.value; form {
	case "json", "yaml":
		if o.made != nil {
			return writeDocument(a.out, o.made, form)
		}
		wire := x.ToExperiment(k.state.Spec, "", k.Record.Created, experiment.Status{})
		return writeDocument(a.out, written(wire), form)
	case "name":
		_, err := fmt.Fprintln(a.out, x.Spec.Name)
		return err
	}
	dir, err := os.MkdirTemp("", "qalam-dry-run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := o.setup.look(ctx, dir, k.state.Spec.ParallelTrialCount)
	if err != nil {
		return err
	}
	notes, err := checkHere(m, k.Experiment, &k.state)
	if err != nil {
		return err
	}
	notes = append(learnt, notes...)
	n := o.dryRun
	if most := k.state.Spec.MaxTrialCount; most != nil {
		n = min(n, *most)
	}
	trials, err := sample(k.Experiment, &k.state, n)
	if err != nil {
		return err
	}
	att := attachment{app: a, kept: k, machine: m, notes: notes, store: &store.SQLite{}}
	if !a.quiet && o.attach.output.value != "jsonl" {
		header := att.header()
		fmt.Fprintln(a.out, strings.Join(append(header[:2:2], header[3:]...), "\n")) // nothing is kept
	}
	for _, t := range trials {
		task, err := engine.Prepare(k.Experiment, t, nil)
		if err != nil {
			return err
		}
		if o.attach.output.value == "jsonl" {
			err = writeLine(a.out, planned(k, t, task))
		} else {
			a.showTask(k, t, task)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plannedTrial is a trial that would be run, as a JSON line.
type plannedTrial struct {
	Trial      int               `json:"trial"`
	Name       string            `json:"name"`
	Assignment map[string]string `json:"assignment"`
	Pods       []plannedPod      `json:"pods"`
}

type plannedPod struct {
	Name     string              `json:"name"`
	Commands map[string][]string `json:"commands"` // by container
}

func planned(k *kept, t experiment.Trial, task runner.Task) plannedTrial {
	p := plannedTrial{Trial: t.Number, Name: t.Name, Assignment: map[string]string{}}
	for _, n := range k.state.Spec.Space.NamedActive(t.Assignment) {
		p.Assignment[n.Name] = n.Value
	}
	for _, pod := range task.Job.Pods {
		commands := map[string][]string{}
		for _, c := range pod.Spec.Containers {
			commands[c.Name] = append(append([]string{}, c.Command...), c.Args...)
		}
		p.Pods = append(p.Pods, plannedPod{pod.Name, commands})
	}
	return p
}

// showTask shows a trial that would be run.
func (a *app) showTask(k *kept, t experiment.Trial, task runner.Task) {
	fmt.Fprintf(a.out, "trial %d: %s\n", t.Number, view.Pairs(view.Named(k.state.Spec.Space, t.Assignment, view.Idle), false))
	for _, pod := range task.Job.Pods {
		for _, c := range pod.Spec.Containers {
			command := append(append([]string{}, c.Command...), c.Args...)
			text := shellWords(command)
			if len(command) == 0 {
				text = "(the image's own command)"
			}
			writeCommand(a.out, strings.TrimPrefix(pod.Name, t.Name+"-"), c.Name, len(pod.Spec.Containers) > 1, text)
		}
	}
}

func writeCommand(w io.Writer, pod, container string, several bool, text string) {
	if several {
		pod += "/" + container
	}
	fmt.Fprintf(w, "  %s: %s\n", pod, view.Clean(text))
}
