package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qalam/api/v1beta1"
	"qalam/cmd/qalam/internal/view"
	"qalam/store"
)

func newList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the experiments of this home",
		Args:    cobra.NoArgs,
	}
	output := outputFlag(cmd, "table", "wide", "json", "yaml", "jsonl", "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		err := a.with(ctx, func(st *store.SQLite) error { return a.list(ctx, st, output.value) })
		if exitCode(err) == exitNotFound { // a home that nothing was run in has no experiments
			return a.noExperiments(output.value)
		}
		return err
	}
	return cmd
}

func (a *app) noExperiments(form string) error {
	switch form {
	case "json", "yaml":
		return writeDocument(a.out, experimentList(nil), form)
	case "table", "wide":
		a.say("there are no experiments yet")
	}
	return nil
}

func experimentList(items []v1beta1.Experiment) *v1beta1.ExperimentList {
	list := &v1beta1.ExperimentList{Items: items}
	list.APIVersion, list.Kind = v1beta1.APIVersion, v1beta1.KindExperiment+"List"
	if items == nil {
		list.Items = []v1beta1.Experiment{}
	}
	return list
}

func (a *app) list(ctx context.Context, st *store.SQLite, form string) error {
	all, err := st.List(ctx)
	if err != nil {
		return err
	}
	switch form {
	case "name":
		for _, x := range all {
			fmt.Fprintln(a.out, x.Name)
		}
		return nil
	case "json", "yaml", "jsonl":
		return a.listWire(ctx, st, all, form)
	}
	if len(all) == 0 {
		return a.noExperiments(form)
	}
	titles := []string{"NAME", "STATE", "TRIALS", "BEST", "AGE"}
	if form == "wide" {
		titles = append(titles, "NAMESPACE", "REASON", "UID")
	}
	owner, err := st.Owner()
	if err != nil {
		return err
	}
	var rows [][]string
	for _, x := range all {
		row, err := listRow(ctx, st, x, owner != nil, form == "wide")
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	_, err = fmt.Fprint(a.out, view.Table(titles, rows, width(a.out)))
	return err
}

// listRow shows an experiment. One that this version cannot read is shown all the same. attended says that somebody runs
// experiments in this home: without, one that is not finished is Unattended, whatever it was when somebody last did.
func listRow(ctx context.Context, st *store.SQLite, x store.Listed, attended, wide bool) ([]string, error) {
	record, err := st.Get(ctx, x.UID)
	if err != nil {
		return nil, err
	}
	c := x.Counts
	trials, phase, reason, best := strconv.Itoa(c.Total()-c.Running-c.Pending), "-", "", "-"
	if k, err := read(ctx, st, record); err == nil {
		phase, reason = string(k.state.Phase), k.state.Reason()
		if !attended && !k.state.Finished() {
			phase, reason = "Unattended", "qalam resume takes it up"
		}
		if most := k.state.Spec.MaxTrialCount; most != nil {
			trials += "/" + strconv.Itoa(*most)
		}
		if o := k.state.Optimal; o != nil {
			best = fmt.Sprintf("%s %s (trial %d)", view.Clean(k.state.Spec.Objective.Metric), view.Short(optimalValue(k)), o.Number)
		}
	} else {
		reason = view.Clean(err.Error())
	}
	row := []string{x.Name, phase, trials, best, view.Span(time.Since(x.Created))}
	if wide {
		row = append(row, x.Namespace, reason, x.UID)
	}
	return row, nil
}

func (a *app) listWire(ctx context.Context, st *store.SQLite, all []store.Listed, form string) error {
	var items []v1beta1.Experiment
	for _, x := range all {
		record, err := st.Get(ctx, x.UID)
		if err != nil {
			return err
		}
		k, err := read(ctx, st, record)
		if err != nil {
			return err
		}
		item, err := wireExperiment(ctx, st, k)
		if err != nil {
			return err
		}
		if form == "jsonl" {
			if err := writeLine(a.out, item); err != nil {
				return err
			}
			continue
		}
		items = append(items, *item)
	}
	if form == "jsonl" {
		return nil
	}
	return writeDocument(a.out, experimentList(items), form)
}
