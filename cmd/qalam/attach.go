package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"qalam/cmd/qalam/internal/view"
	"qalam/engine"
	"qalam/experiment"
	"qalam/runner"
	"qalam/store"
)

// attachment is one experiment carried out by this process, in the sight of its user.
type attachment struct {
	*app
	flags   *attachFlags
	store   *store.SQLite // owned
	kept    *kept
	machine *machine
	notes   []string
	began   time.Time
}

// ending is why a run was ended before its experiment was.
type ending int

const (
	byItself ending = iota
	bySignal
	byTimeout
	byDelete
	byLeaving
)

// attach carries an experiment out and tells how it goes. Its error leads to the exit code.
func (a *attachment) attach(ctx context.Context) error {
	a.began = time.Now()
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE) // a reader that goes away does not end the experiment
	defer signal.Stop(pipe)
	before, err := a.values(ctx)
	if err != nil {
		return err
	}
	out := a.out
	if o := a.flags.output.value; o == "json" || o == "yaml" || o == "name" {
		out = a.err // the result alone is for standard output
	}
	rep := newReporter(a.console, a.mode(), a.noColor, out, view.New(&a.kept.state, a.began, before))
	rep.header(a.header(), a.headerEvent())
	runner, err := a.machine.start(a.store.Dir())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := engine.New(ctx, a.store, runner, registry(), engine.Options{Grace: a.flags.grace, Observer: rep})
	rep.start()
	state, why, err := a.carryOut(ctx, e, rep)
	rep.close()
	leave := err != nil && !errors.Is(err, engine.ErrInterrupted)
	if errc := runner.Close(leave, a.flags.grace); errc != nil && err == nil {
		err = errc
	}
	if state != nil {
		a.kept.state = *state
	}
	return a.conclude(ctx, why, err)
}

// mode is how progress is shown, by the flags.
func (a *attachment) mode() string {
	switch {
	case a.quiet:
		return "quiet"
	case a.flags.progress.value == "auto" && a.flags.output.value == "jsonl":
		return "jsonl"
	}
	return a.flags.progress.value
}

// values are the objective's values of the trials that are over.
func (a *attachment) values(ctx context.Context) ([]float64, error) {
	var values []float64
	for past, err := range a.store.History(ctx, a.kept.Record.UID) {
		if err != nil {
			return nil, err
		}
		v := math.NaN()
		if past.State == experiment.TrialSucceeded {
			v = past.Value
		}
		if past.State.Terminal() {
			values = append(values, v)
		}
	}
	return values, nil
}

// carryOut runs the experiment until it ends, or a signal, the timeout or its deletion ends the run.
func (a *attachment) carryOut(ctx context.Context, e *engine.Engine, rep *reporter) (*experiment.State, ending, error) {
	signals := make(chan os.Signal, 8)
	watched := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		watched = append(watched, syscall.SIGHUP)
	}
	signal.Notify(signals, watched...)
	defer signal.Stop(signals)
	commands := make(chan engine.Command, 8)
	type result struct {
		state *experiment.State
		err   error
	}
	done := make(chan result, 1)
	go func() {
		state, err := e.Run(ctx, a.kept.Experiment, commands)
		done <- result{state, err}
	}()
	var timeout <-chan time.Time
	if a.flags.timeout > 0 {
		timer := time.NewTimer(a.flags.timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	wishes := time.NewTicker(500 * time.Millisecond)
	defer wishes.Stop()
	why, interrupts := byItself, 0
	interrupt := func(by ending) {
		if interrupts == 0 {
			why = by
		}
		interrupts++
		commands <- engine.Interrupt
	}
	for {
		select {
		case r := <-done:
			return r.state, why, r.err
		case s := <-signals:
			switch {
			case s != syscall.SIGINT, interrupts >= 2:
				why = byLeaving
				rep.say("leaving; the trials run on by themselves")
				commands <- engine.Leave
			case interrupts == 0:
				rep.say(fmt.Sprintf("interrupted: running trials get SIGTERM and %s to end; Ctrl-C again kills them now", a.flags.grace))
				interrupt(bySignal)
			default:
				rep.say("killing the running trials")
				interrupt(bySignal)
			}
		case <-timeout:
			rep.say(fmt.Sprintf("--timeout %s is over: running trials get SIGTERM and %s to end", a.flags.timeout, a.flags.grace))
			interrupt(byTimeout)
		case <-wishes.C:
			if x, err := a.store.Get(ctx, a.kept.Record.UID); err == nil && x.Desire.Delete && interrupts == 0 {
				rep.say("the experiment is to be deleted: ending its trials")
				interrupt(byDelete)
			}
		}
	}
}

// conclude tells how the run ended.
func (a *attachment) conclude(ctx context.Context, why ending, err error) error {
	name := a.kept.state.Spec.Name
	x, errx := a.store.Get(ctx, a.kept.Record.UID)
	if errx == nil && x.Desire.Delete && (err == nil || errors.Is(err, engine.ErrInterrupted)) {
		if err := remove(ctx, a.store, a.kept.Record.UID); err != nil {
			return err
		}
		return exit(exitInterrupted, "experiment %s was deleted on request", name)
	}
	resume := "qalam resume " + a.reference() + a.homeFlag()
	switch {
	case errors.Is(err, engine.ErrLeft):
		fmt.Fprintf(a.err, "qalam: terminated; %s run on by themselves; take charge of them with:\n  %s\n", plural(len(a.kept.state.Active), "trial"), resume)
		return silent(exitTerminated)
	case errors.Is(err, engine.ErrInterrupted) && why == byTimeout:
		fmt.Fprintf(a.err, "qalam: --timeout %s was reached; everything is recorded; go on with:\n  %s\n", a.flags.timeout, resume)
		return silent(exitTimeout)
	case errors.Is(err, engine.ErrInterrupted):
		fmt.Fprintf(a.err, "qalam: interrupted; everything is recorded; go on with:\n  %s\n", resume)
		return silent(exitInterrupted)
	case err != nil:
		return fmt.Errorf("%w\n  what was recorded is safe; go on with: %s", err, resume)
	}
	if err := a.result(ctx); err != nil {
		return err
	}
	return silent(outcome(&a.kept.state))
}

// reference is how to name the experiment in a further command.
func (a *attachment) reference() string { return shellWord(a.kept.state.Spec.Name) }

// outcome is the exit code of a finished experiment.
func outcome(s *experiment.State) int {
	switch {
	case s.Phase == experiment.Failed:
		return exitFailed
	case s.Optimal == nil:
		return exitNoMetric
	}
	return exitSucceeded
}

// header is what is said before the first trial.
func (a *attachment) header() []string {
	s := a.kept.state.Spec
	budget := "until its goal or the end of its space"
	if s.MaxTrialCount != nil {
		budget = "up to " + plural(*s.MaxTrialCount, "trial")
	}
	lines := []string{
		fmt.Sprintf("experiment %s: %s, %s, %d at a time, seed %d", s.Name, s.Algorithm.Name, budget, s.ParallelTrialCount, s.Seed),
		"trials run here: " + a.machine.tier(),
		"everything is kept in " + a.store.Dir(),
	}
	for _, n := range a.notes {
		lines = append(lines, "note: "+view.Clean(n))
	}
	return lines
}

// started is the first object of the output as JSON lines.
type started struct {
	Time       time.Time `json:"time"`
	Kind       string    `json:"kind"` // start
	Experiment string    `json:"experiment"`
	UID        string    `json:"uid"`
	Algorithm  string    `json:"algorithm"`
	Seed       uint64    `json:"seed"`
	Tier       string    `json:"tier"`
	Home       string    `json:"home"`
	Notes      []string  `json:"notes,omitempty"`
}

func (a *attachment) headerEvent() started {
	s := a.kept.state.Spec
	return started{
		Time: a.began, Kind: "start", Experiment: s.Name, UID: a.kept.Record.UID, Algorithm: s.Algorithm.Name, Seed: s.Seed,
		Tier: string(a.machine.isolation.Tier), Home: a.store.Dir(), Notes: a.notes,
	}
}

// result tells what a finished experiment has found.
func (a *attachment) result(ctx context.Context) error {
	s := &a.kept.state
	switch o := a.flags.output.value; {
	case o == "json" || o == "yaml":
		return writeExperiment(ctx, a.out, a.store, a.kept, o)
	case o == "name":
		if s.Optimal != nil {
			fmt.Fprintln(a.out, s.Optimal.Name)
		}
		return nil
	case o == "jsonl" || a.mode() == "jsonl":
		return writeLine(a.out, finishedEvent(a.kept, a.began))
	case a.quiet:
		if s.Optimal != nil {
			fmt.Fprintln(a.out, bestLine(a.kept))
		}
		return nil
	}
	summary(a.out, a.kept, time.Since(a.began), a.store.Dir(), a.homeFlag())
	return nil
}

// bestLine is the best trial in one line.
func bestLine(k *kept) string {
	o := k.state.Optimal
	return fmt.Sprintf("%s=%s trial=%d %s", k.state.Spec.Objective.Metric, optimalValue(k), o.Number, view.Pairs(k.state.Spec.Space.NamedActive(o.Assignment), false))
}

// optimalValue is the best trial's value with all its digits.
func optimalValue(k *kept) string {
	o := k.state.Optimal
	for _, m := range o.Observation {
		if m.Name == k.state.Spec.Objective.Metric {
			return observed(m, k.state.Spec.Objective)
		}
	}
	return experiment.Unavailable
}

// observed is a metric's value by its strategy, as it was printed.
func observed(m experiment.Metric, o experiment.Objective) string {
	v := o.Value(experiment.Observation{{Name: o.Metric, Min: m.Min, Max: m.Max, Latest: m.Latest}})
	if math.IsNaN(v) {
		return m.Latest
	}
	return exactly64(v)
}

// summary tells a person what a finished experiment has found, where things are, and what to do next.
func summary(out io.Writer, k *kept, took time.Duration, home, homeFlag string) {
	s, c := &k.state, k.state.Counts
	fmt.Fprintf(out, "experiment %s: %s (%s) after %s in %s: %s\n", s.Spec.Name, s.Phase, s.Reason(), plural(c.Total(), "trial"), view.Span(took), tally(c))
	name := shellWord(s.Spec.Name)
	if s.Phase == experiment.Failed && len(s.Conditions) > 0 {
		fmt.Fprintf(out, "why: %s\n", view.Clean(s.Conditions[len(s.Conditions)-1].Message))
	}
	if o := s.Optimal; o != nil {
		fmt.Fprintf(out, "best %s %s: trial %d (%s)\n", s.Spec.Objective.Metric, optimalValue(k), o.Number, o.Name)
		if text := repeatedText(o); text != "" {
			fmt.Fprintf(out, "  %s\n", text)
		}
		var rows [][]string
		for _, n := range view.Named(s.Spec.Space, o.Assignment, view.Idle) {
			rows = append(rows, []string{"  " + view.Clean(n.Name), view.Clean(n.Value)})
		}
		for _, row := range rows {
			fmt.Fprintf(out, "%s = %s\n", row[0], row[1])
		}
		if broken := brokenText(s.Spec.Objective, o.Observation); broken != "" {
			fmt.Fprintf(out, "  %s\n", view.Clean(broken))
		}
		if n := len(s.Pareto); n > 0 {
			fmt.Fprintf(out, "%s in the Pareto set: qalam best %s%s\n", plural(n, "trial"), name, homeFlag)
		}
	} else {
		fmt.Fprintf(out, "no trial has a value of %s\n", view.Clean(s.Spec.Objective.Metric))
	}
	fmt.Fprintf(out, "kept in %s\n", home)
	if bad := c.Failed + c.MetricsUnavailable; bad > 0 {
		fmt.Fprintf(out, "why %s failed: qalam doctor %s%s\n", plural(bad, "trial"), name, homeFlag)
	}
	fmt.Fprintf(out, "next: qalam trials %s%s\n", name, homeFlag)
}

// finished is the last object of the output as JSON lines.
type finished struct {
	Time       time.Time         `json:"time"`
	Elapsed    float64           `json:"elapsed"`
	Kind       string            `json:"kind"` // experiment
	Experiment string            `json:"experiment"`
	State      experiment.Phase  `json:"state"`
	Reason     string            `json:"reason"`
	Counts     experiment.Counts `json:"counts"`
	Best       *bestTrial        `json:"best,omitempty"`
}

func finishedEvent(k *kept, began time.Time) finished {
	s := &k.state
	f := finished{
		Time: time.Now(), Elapsed: time.Since(began).Seconds(), Kind: "experiment", Experiment: s.Spec.Name,
		State: s.Phase, Reason: s.Reason(), Counts: s.Counts,
	}
	if s.Optimal != nil {
		b := bestOf(k)
		f.Best = &b
	}
	return f
}

// checkHere says why the trials of an experiment can never run on this machine, and what is otherwise here than in a cluster.
func checkHere(m *machine, x engine.Experiment, s *experiment.State) (notes []string, err error) {
	trials, err := sample(x, s, 1)
	if err != nil || len(trials) == 0 {
		return nil, err
	}
	var task runner.Task
	if task, err = engine.Prepare(x, trials[0], nil); err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("the trial template cannot run here:\n%s", indent(err.Error()))}
	}
	if err := m.check(task); err != nil {
		return nil, err
	}
	return m.provisioner.Notes(task), nil
}
