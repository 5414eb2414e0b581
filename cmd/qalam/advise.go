package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
	"qalam/store"
	"qalam/suggest"
	"qalam/suggest/analysis"
	"qalam/suggest/gp"
)

func newAdvise(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "advise EXPERIMENT",
		Short: "Say whether more trials are worth it",
		Long: `Say what more trials of an experiment are expected to gain, what they cost, and whether they are worth it.

The expected gain is that of a Gaussian process where one can be fitted to the trials; otherwise it is what the lower end of the
latest trials' values, continued beyond the best one, has in store. Say with --worth what gain would be worth so many trials;
otherwise that is 1 % of the distance between the best value and the median. With a Gaussian process and 20 trials or more it also
says how much is left at most: how far the true value of the best trial can be from the least there is. Where that is less than the
noise of results, the advice is to stop.`,
		Example: `  qalam advise mnist
  qalam advise mnist --next 50 --worth 0.002`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	output := outputFlag(cmd, "table", "json", "yaml", "jsonl")
	next := cmd.Flags().Int("next", 0, "how many more `trials` are thought of (default a fifth of those completed, 10 at least)")
	worth := cmd.Flags().Float64("worth", 0, "the `gain`, in units of the objective, that so many trials are worth")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *next < 0 || *next > 100_000 {
			return usage("--next %d: give from 1 to 100000", *next)
		}
		if *worth < 0 || math.IsNaN(*worth) || math.IsInf(*worth, 0) {
			return usage("--worth %g: give a number above 0", *worth)
		}
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			advice, err := adviceOn(ctx, st, k, analysis.Question{Next: *next, Worth: *worth})
			if err != nil {
				return err
			}
			return a.advise(advice, output.value)
		})
	}
	return cmd
}

// advice is what more trials of an experiment promise.
type advice struct {
	Experiment     string   `json:"experiment"`
	Metric         string   `json:"metric"`
	Verdict        string   `json:"verdict"`
	Reason         string   `json:"reason"`
	Trials         int      `json:"trials"` // completed with a value
	Best           *float64 `json:"best"`   // null while there is none
	BestTrial      int      `json:"bestTrial,omitempty"`
	TrialsSince    int      `json:"trialsSinceBest"`
	Next           int      `json:"next"`                  // how many more were asked about
	ExpectedGain   float64  `json:"expectedGain"`          // in units of the objective
	Chance         float64  `json:"chanceOfGain"`          // from 0 to 1
	Worth          float64  `json:"worth"`                 // the gain from which on they are worth it
	Method         string   `json:"method"`                // gaussian-process or tail
	RegretBound    *float64 `json:"regretBound,omitempty"` // of the best trial, as far as the model is right; null without a model
	Noise          *float64 `json:"noise,omitempty"`       // beside it: the standard deviation of results
	SecondsOfNext  float64  `json:"secondsOfNext,omitempty"`
	SecondsOfTrial float64  `json:"secondsOfTrial,omitempty"`
	best           string
}

// What a Gaussian process is fitted to at most, so that the answer takes no longer than a second or so.
const (
	modelledTrials     = 300
	modelledParameters = 40
	modelledNext       = 50
)

func adviceOn(ctx context.Context, st *store.SQLite, k *kept, q analysis.Question) (advice, error) {
	s := k.state.Spec
	x, outcomes, err := analysed(ctx, st, k)
	if err != nil {
		return advice{}, err
	}
	q.Surrogate = modelOf(s, outcomes, q.Next)
	found := x.Advise(q)
	out := advice{
		Experiment: s.Name, Metric: s.Objective.Metric, Verdict: string(found.Verdict), Reason: found.Reason, Trials: found.Trials,
		BestTrial: found.BestTrial, TrialsSince: found.Since, Next: found.Next, ExpectedGain: found.Gain, Chance: found.Chance,
		Worth: found.Worth, Method: "tail",
	}
	if found.Modelled {
		out.Method = "gaussian-process"
	}
	if !math.IsNaN(found.Regret) {
		out.RegretBound, out.Noise = &found.Regret, &found.Noise
	}
	if !math.IsNaN(found.Best) {
		value := s.Objective.Cost(found.Best) // the sign turns back
		out.Best, out.best = &value, view.Number(value)
	}
	if out.SecondsOfTrial, err = secondsOfTrial(ctx, st, k); err != nil {
		return out, err
	}
	rounds := (found.Next + max(1, s.ParallelTrialCount) - 1) / max(1, s.ParallelTrialCount)
	out.SecondsOfNext = float64(rounds) * out.SecondsOfTrial
	return out, nil
}

// modelOf is a Gaussian process of the trials, nil where they are too many or cannot be modelled.
func modelOf(s experiment.Spec, outcomes []suggest.Outcome, next int) analysis.Surrogate {
	if len(outcomes) > modelledTrials || s.Space.Len() > modelledParameters || s.Space.Len() == 0 || next > modelledNext {
		return nil
	}
	m, err := gp.Fit(s.Problem(), outcomes)
	if err != nil {
		return nil
	}
	return m
}

// secondsOfTrial is how long the latest trials that completed took, on average; 0 where none did.
func secondsOfTrial(ctx context.Context, st *store.SQLite, k *kept) (float64, error) {
	latest := store.Query{States: []experiment.TrialState{experiment.TrialSucceeded}, Descending: true, Limit: 100}
	sum, count := time.Duration(0), 0
	for t, err := range st.Trials(ctx, k.Record.UID, latest) {
		if err != nil {
			return 0, err
		}
		if !t.Running.IsZero() && t.Completed.After(t.Running) {
			sum, count = sum+t.Completed.Sub(t.Running), count+1
		}
	}
	return sum.Seconds() / float64(max(1, count)), nil
}

func (a *app) advise(x advice, form string) error {
	switch form {
	case "json", "yaml":
		return writeDocument(a.out, x, form)
	case "jsonl":
		return writeLine(a.out, x)
	}
	if a.quiet {
		_, err := fmt.Fprintln(a.out, x.Verdict)
		return err
	}
	fmt.Fprintf(a.out, "%s: %s\n", x.Verdict, x.Reason)
	if x.Best == nil {
		return nil
	}
	fmt.Fprintf(a.out, "  best so far     %s %s (trial %d; %d trials since)\n", view.Clean(x.Metric), x.best, x.BestTrial, x.TrialsSince)
	if x.Next == 0 {
		return nil
	}
	cost := ""
	if x.SecondsOfNext > 0 {
		cost = ", about " + view.Span(time.Duration(x.SecondsOfNext*float64(time.Second)))
	}
	fmt.Fprintf(a.out, "  next            %d trials%s\n", x.Next, cost)
	fmt.Fprintf(a.out, "  expected gain   %s (worth it from %s; by %s)\n", view.Number(x.ExpectedGain), view.Number(x.Worth), map[string]string{
		"tail": "the latest trials' values", "gaussian-process": "a Gaussian process",
	}[x.Method])
	if x.RegretBound != nil {
		fmt.Fprintf(a.out, "  left at most    %s (with 90 %% certainty, as far as the model is right; noise %s)\n", view.Number(*x.RegretBound), view.Number(*x.Noise))
	}
	_, err := fmt.Fprintf(a.out, "  chance of any   %.0f %%\n", 100*x.Chance)
	return err
}
