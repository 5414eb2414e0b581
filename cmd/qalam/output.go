package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"sigs.k8s.io/yaml"

	"qalam/api/v1beta1"
	"qalam/experiment"
	"qalam/store"
)

// writeDocument writes an object as JSON or YAML.
func writeDocument(w io.Writer, v any, form string) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if form == "yaml" {
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// writeLine writes an object as one line of JSON.
func writeLine(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// wireExperiment is an experiment as Katib would hold it, with all its trials in the lists of its status.
func wireExperiment(ctx context.Context, st *store.SQLite, k *kept) (*v1beta1.Experiment, error) {
	status := experiment.Summarize(k.state)
	var fault error
	status.Lists = experiment.ListTrials(func(yield func(experiment.Trial) bool) {
		for t, err := range st.Trials(ctx, k.Record.UID, store.Query{}) {
			if err != nil {
				fault = err
				return
			}
			if _, in := slices.BinarySearchFunc(k.state.Pareto, t.Number, func(p experiment.ParetoTrial, n int) int { return p.Number - n }); in {
				status.Pareto = append(status.Pareto, experiment.Optimal{
					Number: t.Number, Name: t.Name, Assignment: t.Assignment, Observation: t.Observation, Value: k.state.Spec.Objective.Value(t.Observation),
				})
			}
			if !yield(t) {
				return
			}
		}
	})
	return k.Spec.ToExperiment(k.state.Spec, k.Record.UID, k.Record.Created, status), fault
}

func writeExperiment(ctx context.Context, w io.Writer, st *store.SQLite, k *kept, form string) error {
	x, err := wireExperiment(ctx, st, k)
	if err != nil {
		return err
	}
	return writeDocument(w, x, form)
}
