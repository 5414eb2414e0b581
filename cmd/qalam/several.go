package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
	"qalam/space"
	"qalam/store"
)

// front reads the trials of the Pareto set, by number; there are none with one objective.
func front(ctx context.Context, st *store.SQLite, k *kept) ([]experiment.Trial, error) {
	var trials []experiment.Trial
	const page = 500
	for part := range slices.Chunk(k.state.Pareto, page) {
		q := store.Query{After: part[0].Number - 1, Limit: len(part)}
		for _, p := range part {
			q.Numbers = append(q.Numbers, p.Number)
		}
		for t, err := range st.Trials(ctx, k.Record.UID, q) {
			if err != nil {
				return nil, err
			}
			trials = append(trials, t)
		}
	}
	return trials, nil
}

// objectiveMetrics are the metrics of all objectives, the first one's first.
func objectiveMetrics(o experiment.Objective) []string {
	names := []string{o.Metric}
	for _, f := range o.Further {
		names = append(names, f.Metric)
	}
	return names
}

// judged are the metrics of all objectives and constraints.
func judged(o experiment.Objective) []string {
	names := objectiveMetrics(o)
	for _, c := range o.Constraints {
		if !slices.Contains(names, c.Metric) {
			names = append(names, c.Metric)
		}
	}
	return names
}

// titlesOf are the titles of the columns of metrics.
func titlesOf(metrics []string) []string {
	titles := make([]string, len(metrics))
	for i, name := range metrics {
		titles[i] = strings.ToUpper(view.Clean(name))
	}
	return titles
}

// cells are a trial's values of metrics.
func cells(o experiment.Objective, obs experiment.Observation, metrics []string) []string {
	row := make([]string, len(metrics))
	for i, name := range metrics {
		row[i] = "-"
		if v := o.ValueOf(obs, name); !math.IsNaN(v) {
			row[i] = view.Number(v)
		}
	}
	return row
}

// objectivesText says what an experiment optimises.
func objectivesText(o experiment.Objective) string {
	one := func(d experiment.Direction, metric string, goal *float64) string {
		text := string(d) + " " + metric
		if goal != nil {
			text += ", goal " + view.Number(*goal)
		}
		return text
	}
	parts := []string{one(o.Direction, o.Metric, o.Goal)}
	for _, f := range o.Further {
		parts = append(parts, one(f.Direction, f.Metric, f.Goal))
	}
	return strings.Join(parts, "; ")
}

// constraintText writes a constraint as a person would.
func constraintText(c experiment.Constraint) string {
	switch {
	case c.Min == nil:
		return fmt.Sprintf("%s at most %s", c.Metric, view.Number(*c.Max))
	case c.Max == nil:
		return fmt.Sprintf("%s at least %s", c.Metric, view.Number(*c.Min))
	}
	return fmt.Sprintf("%s from %s to %s", c.Metric, view.Number(*c.Min), view.Number(*c.Max))
}

// brokenText says which constraints an observation breaks; "" when it keeps all.
func brokenText(o experiment.Objective, obs experiment.Observation) string {
	var parts []string
	for _, c := range o.Constraints {
		v := o.ValueOf(obs, c.Metric)
		if (experiment.Objective{Strategies: o.Strategies, Constraints: []experiment.Constraint{c}}).Feasible(obs) {
			continue
		}
		value := "unknown"
		if !math.IsNaN(v) {
			value = view.Number(v)
		}
		parts = append(parts, fmt.Sprintf("%s is %s", constraintText(c), value))
	}
	if parts == nil {
		return ""
	}
	return "it breaks a constraint: " + strings.Join(parts, "; ")
}

// paretoTable shows the Pareto set.
func (a *app) paretoTable(ctx context.Context, st *store.SQLite, k *kept) error {
	trials, err := front(ctx, st, k)
	if err != nil || len(trials) == 0 {
		return err
	}
	o := k.state.Spec.Objective
	metrics := judged(o)
	titles := append(append([]string{"TRIAL"}, titlesOf(metrics)...), "PARAMETERS")
	var rows [][]string
	for _, t := range trials {
		row := append([]string{strconv.Itoa(t.Number)}, cells(o, t.Observation, metrics)...)
		rows = append(rows, append(row, view.Pairs(view.Named(k.state.Spec.Space, t.Assignment, view.Idle), true)))
	}
	fmt.Fprintf(a.out, "\nno trial betters these %d in every objective:\n", len(trials))
	_, err = fmt.Fprint(a.out, view.Table(titles, rows, width(a.out)))
	return err
}

// paretoTrial is a trial of the Pareto set in the output as JSON lines.
type paretoTrial struct {
	Trial      int                `json:"trial"`
	Name       string             `json:"name"`
	Values     map[string]float64 `json:"values"` // by metric of objectives and constraints
	Assignment []space.Named      `json:"assignment"`
}

// paretoOf is the Pareto set in the output as JSON lines.
func paretoOf(ctx context.Context, st *store.SQLite, k *kept) ([]paretoTrial, error) {
	trials, err := front(ctx, st, k)
	var out []paretoTrial
	for _, t := range trials {
		out = append(out, paretoTrial{t.Number, t.Name, valuesOf(k.state.Spec.Objective, t.Observation), k.state.Spec.Space.NamedActive(t.Assignment)})
	}
	return out, err
}

// valuesOf are the finite values of all objectives and constraints; nil where there is but one objective.
func valuesOf(o experiment.Objective, obs experiment.Observation) map[string]float64 {
	if len(o.Further)+len(o.Constraints) == 0 {
		return nil
	}
	values := map[string]float64{}
	for _, name := range judged(o) {
		if v := o.ValueOf(obs, name); !math.IsNaN(v) {
			values[name] = v
		}
	}
	return values
}
