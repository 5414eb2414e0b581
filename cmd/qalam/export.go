package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
	"qalam/metrics"
	"qalam/space"
	"qalam/store"
)

func newExport(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export EXPERIMENT",
		Short: "Write trials, or all their points, as CSV or JSON lines",
		Long: `Write the trials of an experiment, or with --points every recorded value of their metrics, as CSV or as JSON lines. Texts that a
spreadsheet would take for a formula begin with an apostrophe in CSV.`,
		Example: `  qalam export mnist > mnist.csv
  qalam export mnist --points -o jsonl`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "csv", "jsonl")
	points := cmd.Flags().Bool("points", false, "every recorded value instead of a line for each trial")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			e := &exporter{app: a, store: st, kept: k, form: output.value, csv: csv.NewWriter(a.out)}
			if *points {
				err = e.points(ctx)
			} else {
				err = e.trials(ctx)
			}
			if err != nil {
				return err
			}
			e.csv.Flush()
			return e.csv.Error()
		})
	}
	return cmd
}

// exporter writes rows of one experiment.
type exporter struct {
	*app
	store *store.SQLite
	kept  *kept
	form  string
	csv   *csv.Writer
}

// exportedTrial is a trial as a JSON line.
type exportedTrial struct {
	Number     int                      `json:"number"`
	Name       string                   `json:"name"`
	State      experiment.TrialState    `json:"state"`
	Reason     string                   `json:"reason,omitempty"`
	Message    string                   `json:"message,omitempty"`
	Value      *float64                 `json:"value"` // of the objective; null where there is no finite one
	Assignment map[string]string        `json:"assignment"`
	Metrics    map[string]exportedValue `json:"metrics,omitempty"`
	Attempt    int                      `json:"attempt"`
	Created    time.Time                `json:"created"`
	Running    time.Time                `json:"running,omitzero"`
	Completed  time.Time                `json:"completed,omitzero"`
	Seconds    float64                  `json:"seconds"`
}

// exportedValue is the summary of a metric.
type exportedValue struct {
	Min    string `json:"min"`
	Max    string `json:"max"`
	Latest string `json:"latest"`
}

func (e *exporter) trials(ctx context.Context) error {
	s := e.kept.state.Spec
	names := append([]string{s.Objective.Metric}, s.Objective.Additional...)
	if e.form == "csv" {
		head := []string{"trial", "name", "state", "reason", "value"}
		head = append(head, s.Space.Names()...)
		for _, n := range names {
			head = append(head, n+".min", n+".max", n+".latest")
		}
		if err := e.row(append(head, "attempt", "created", "running", "completed", "seconds")); err != nil {
			return err
		}
	}
	for t, err := range e.store.Trials(ctx, e.kept.Record.UID, store.Query{}) {
		if err != nil {
			return err
		}
		x := e.exported(t)
		if e.form == "jsonl" {
			err = writeLine(e.out, x)
		} else {
			err = e.row(e.trialRow(x, view.Named(s.Space, t.Assignment, ""), names))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) exported(t experiment.Trial) exportedTrial {
	s := e.kept.state.Spec
	x := exportedTrial{
		Number: t.Number, Name: t.Name, State: t.State, Reason: t.Reason, Message: t.Message, Assignment: map[string]string{},
		Metrics: map[string]exportedValue{}, Attempt: t.Attempt, Created: t.Created, Running: t.Running, Completed: t.Completed,
	}
	if v := s.Objective.Value(t.Observation); !math.IsNaN(v) {
		x.Value = &v
	}
	for _, n := range s.Space.NamedActive(t.Assignment) {
		x.Assignment[n.Name] = n.Value
	}
	for _, m := range t.Observation {
		x.Metrics[m.Name] = exportedValue{m.Min, m.Max, m.Latest}
	}
	if !t.Running.IsZero() && !t.Completed.IsZero() {
		x.Seconds = t.Completed.Sub(t.Running).Seconds()
	}
	return x
}

func (e *exporter) trialRow(x exportedTrial, named []space.Named, metrics []string) []string {
	value := ""
	if x.Value != nil {
		value = exactly64(*x.Value)
	}
	row := []string{strconv.Itoa(x.Number), x.Name, string(x.State), x.Reason, value}
	for _, n := range named {
		row = append(row, n.Value)
	}
	for _, name := range metrics {
		m := x.Metrics[name]
		row = append(row, m.Min, m.Max, m.Latest)
	}
	return append(row, strconv.Itoa(x.Attempt), stamp(x.Created), stamp(x.Running), stamp(x.Completed), exactly64(x.Seconds))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// exportedPoint is a point as a JSON line.
type exportedPoint struct {
	Trial   int       `json:"trial"`
	Attempt int       `json:"attempt"`
	Source  string    `json:"source"`
	Metric  string    `json:"metric"`
	Time    time.Time `json:"time"`
	Step    *int64    `json:"step,omitempty"`
	Value   *float64  `json:"value"`          // null where it is no finite number
	Text    string    `json:"text,omitempty"` // what was printed instead of a finite number
}

func (e *exporter) points(ctx context.Context) error {
	if e.form == "csv" {
		if err := e.row([]string{"trial", "attempt", "source", "metric", "time", "step", "value"}); err != nil {
			return err
		}
	}
	uid := e.kept.Record.UID
	for t, err := range e.store.Trials(ctx, uid, store.Query{}) {
		if err != nil {
			return err
		}
		for p, err := range e.store.Points(ctx, uid, t.Number, store.PointQuery{}) {
			if err == nil {
				err = e.point(t.Number, p)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) point(number int, p store.Sample) error {
	x := exportedPoint{Trial: number, Attempt: p.Attempt, Source: p.Source, Metric: p.Name, Time: p.Time}
	if p.Step != metrics.NoStep {
		x.Step = &p.Step
	}
	if p.Finite() {
		x.Value = &p.Value
	} else if x.Text = p.Text; x.Text == "" {
		x.Text = fmt.Sprint(p.Value)
	}
	if e.form == "jsonl" {
		return writeLine(e.out, x)
	}
	step, value := "", x.Text
	if x.Step != nil {
		step = strconv.FormatInt(*x.Step, 10)
	}
	if x.Value != nil {
		value = exactly64(*x.Value)
	}
	return e.row([]string{strconv.Itoa(number), strconv.Itoa(p.Attempt), p.Source, p.Name, stamp(p.Time), step, value})
}

// row writes a row of cells that are safe to open.
func (e *exporter) row(cells []string) error {
	for i, c := range cells {
		cells[i] = safeCell(c)
	}
	return e.csv.Write(cells)
}

// safeCell keeps a spreadsheet from taking a text for a formula: numbers stay as they are.
func safeCell(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r\n|", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return "'" + text
}
