package main

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
	"qalam/space"
	"qalam/store"
)

func newBest(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "best EXPERIMENT",
		Short: "Show the best parameters found so far",
		Long: `Show the best parameters found so far. With -o json or yaml it is the Trial as Katib would hold it, with -o name its name, with
-o args the parameters as --name=value for a command line. Where there are several objectives, it is the best trial by the first
one, and the Pareto set follows: the trials that no other one betters in every objective.`,
		Example: `  qalam best mnist
  python3 train.py $(qalam best mnist -o args)`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "table", "wide", "json", "yaml", "jsonl", "name", "args")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			if k.state.Optimal == nil {
				return exit(exitNoMetric, "no trial of experiment %s has a value of %s yet; qalam doctor %s says why", k.state.Spec.Name, k.state.Spec.Objective.Metric, shellWord(k.state.Spec.Name))
			}
			return a.best(ctx, st, k, output.value)
		})
	}
	return cmd
}

// bestTrial is the best trial in the output as JSON lines.
type bestTrial struct {
	Trial      int           `json:"trial"`
	Name       string        `json:"name"`
	Metric     string        `json:"metric"`
	Value      *float64      `json:"value,omitempty"` // none where the objective is a text
	Text       string        `json:"text"`
	Assignment []space.Named `json:"assignment"`

	Values      map[string]float64 `json:"values,omitempty"`      // by metric, where there are several objectives or constraints
	Repetitions int                `json:"repetitions,omitempty"` // of its values, where they were tried again
	Mean        *float64           `json:"mean,omitempty"`        // of these

	Broken string        `json:"broken,omitempty"` // which constraints it breaks
	Pareto []paretoTrial `json:"pareto,omitempty"`
}

func bestOf(k *kept) bestTrial {
	o := k.state.Optimal
	b := bestTrial{Trial: o.Number, Name: o.Name, Metric: k.state.Spec.Objective.Metric, Text: optimalValue(k), Assignment: k.state.Spec.Space.NamedActive(o.Assignment)}
	if !math.IsNaN(o.Value) {
		b.Value = &o.Value
	}
	if o.Repetitions > 0 {
		b.Repetitions, b.Mean = o.Repetitions, &o.Mean
	}
	b.Values, b.Broken = valuesOf(k.state.Spec.Objective, o.Observation), brokenText(k.state.Spec.Objective, o.Observation)
	return b
}

func (a *app) best(ctx context.Context, st *store.SQLite, k *kept, form string) error {
	o := k.state.Optimal
	switch form {
	case "name":
		_, err := fmt.Fprintln(a.out, o.Name)
		return err
	case "args":
		var words []string
		for _, n := range k.state.Spec.Space.NamedActive(o.Assignment) {
			words = append(words, "--"+n.Name+"="+n.Value)
		}
		_, err := fmt.Fprintln(a.out, shellWords(words))
		return err
	case "jsonl":
		b := bestOf(k)
		var err error
		if b.Pareto, err = paretoOf(ctx, st, k); err != nil {
			return err
		}
		return writeLine(a.out, b)
	case "json", "yaml":
		t, err := trial(ctx, st, k.Record.UID, o.Number)
		if err != nil {
			return err
		}
		wire, err := k.Spec.ToTrial(t)
		if err != nil {
			return err
		}
		return writeDocument(a.out, wire, form)
	}
	if a.quiet {
		_, err := fmt.Fprintln(a.out, bestLine(k))
		return err
	}
	fmt.Fprintf(a.out, "%s %s: trial %d (%s)\n", k.state.Spec.Objective.Metric, optimalValue(k), o.Number, o.Name)
	if text := repeatedText(o); text != "" {
		fmt.Fprintf(a.out, "  %s\n", text)
	}
	for _, n := range view.Named(k.state.Spec.Space, o.Assignment, view.Idle) {
		fmt.Fprintf(a.out, "  %s = %s\n", n.Name, n.Value)
	}
	if form == "wide" {
		for _, m := range o.Observation {
			fmt.Fprintf(a.out, "%s: min %s, max %s, latest %s\n", m.Name, m.Min, m.Max, m.Latest)
		}
	}
	if broken := brokenText(k.state.Spec.Objective, o.Observation); broken != "" {
		fmt.Fprintf(a.out, "  %s\n", view.Clean(broken))
	}
	return a.paretoTable(ctx, st, k)
}

// repeatedText says what the repetitions of the best values have given, or is "".
func repeatedText(o *experiment.Optimal) string {
	if o.Repetitions == 0 {
		return ""
	}
	return fmt.Sprintf("the mean of %s with these values is %s", plural(o.Repetitions, "repetition"), exactly64(o.Mean))
}

// trial reads one trial.
func trial(ctx context.Context, st *store.SQLite, uid string, number int) (experiment.Trial, error) {
	for t, err := range st.Trials(ctx, uid, store.Query{Numbers: []int{number}}) {
		return t, err
	}
	return experiment.Trial{}, exit(exitNotFound, "there is no trial %d", number)
}
