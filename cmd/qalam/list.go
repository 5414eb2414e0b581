package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qalam/api/v1beta1"
	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
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
	var rows [][]string
	for _, x := range all {
		rows = append(rows, listRow(x, form == "wide"))
	}
	_, err = fmt.Fprint(a.out, view.Table(titles, rows, width(a.out)))
	return err
}

// listed is the part of an experiment's record that a list shows.
type listed struct {
	Phase       experiment.Phase       `json:"phase"`
	Conditions  []experiment.Condition `json:"conditions"`
	Max         *int                   `json:"maxTrialCount"`
	ParallelMax int                    `json:"parallelTrialCount"`
}

// listRow shows an experiment. Its documents are not read: the list is the same however many there are.
func listRow(x store.Listed, wide bool) []string {
	var rec listed
	reason := ""
	if json.Unmarshal(x.Record, &rec) != nil || rec.Phase == "" {
		rec.Phase = experiment.Created
	}
	if n := len(rec.Conditions); n > 0 {
		reason = rec.Conditions[n-1].Reason
	}
	c := x.Counts
	trials := strconv.Itoa(c.Total() - c.Running - c.Pending)
	if rec.Max != nil {
		trials += "/" + strconv.Itoa(*rec.Max)
	}
	row := []string{x.Name, string(rec.Phase), trials, bestText(x.Record), view.Span(time.Since(x.Created))}
	if wide {
		row = append(row, x.Namespace, reason, x.UID)
	}
	return row
}

// bestText is the best trial's objective by a record. It is the first metric of the observation.
func bestText(data json.RawMessage) string {
	var rec struct {
		Optimal *struct {
			Number      int                    `json:"number"`
			Observation experiment.Observation `json:"observation"`
		} `json:"optimal"`
	}
	if json.Unmarshal(data, &rec) != nil || rec.Optimal == nil || len(rec.Optimal.Observation) == 0 {
		return "-"
	}
	m := rec.Optimal.Observation[0]
	return fmt.Sprintf("trial %d (%s)", rec.Optimal.Number, view.Clean(m.Name+" "+m.Latest))
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
