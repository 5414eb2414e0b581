package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"qalam/bench/search/problem"
	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

// method is a way to search.
type method interface {
	// name is what it is called in files and tables.
	name() string
	// open starts a search. Its error is an errUnsuited when the method is not made for such a problem.
	open(t task) (session, error)
}

// task is one search to be made.
type task struct {
	problem *problem.Problem
	space   *space.Space
	seed    int
	trials  int
	workers int // how many trials run at a time
}

// session is one search. Its methods say how long they took the searcher, which is less than how long they took.
type session interface {
	// ask proposes n assignments for the trials numbered from first: fewer with suggest.ErrWait or suggest.ErrExhausted.
	ask(first, n int) ([]space.Assignment, cost, error)
	tell(trials []trial) (cost, error)
	close()
}

// trial is the end of one evaluation.
type trial struct {
	number     int
	assignment space.Assignment
	result     problem.Result
	repeats    int // the trial that it tries again, 0 for none
}

// cost is what a call took: by the clock and of the processor. A session fills in what it can.
type cost struct{ wall, cpu time.Duration }

// errUnsuited says why a method cannot search a problem.
type errUnsuited struct{ why string }

func (e errUnsuited) Error() string { return e.why }

// oursPrefix stands before the names of our algorithms in files and tables.
const oursPrefix = "qalam-"

// ours is an algorithm of Qalam, run in process.
type ours struct {
	algorithm  string
	settings   suggest.Settings
	repetition suggest.Repetition
	text       string // as on the command line
}

// repetitionSetting is not the algorithm's: the part of the trials that try promising assignments again, each at most
// mostRepetitions times.
const (
	repetitionSetting = "repetition"
	mostRepetitions   = 5
)

// newOurs reads an algorithm with settings: tpe/gamma=0.2/n_startup=5.
func newOurs(text string) (ours, error) {
	o, err := parseOurs(text)
	if err != nil {
		return o, err
	}
	a, err := algorithms.All().Lookup(o.algorithm)
	if err != nil {
		return o, err
	}
	if _, err := suggest.Complete(a.Settings, o.settings); err != nil {
		return o, fmt.Errorf("method %q: %w", text, err)
	}
	return o, nil
}

// parseOurs takes a name and its settings apart.
func parseOurs(text string) (ours, error) {
	parts := strings.Split(text, "/")
	o := ours{algorithm: parts[0], settings: suggest.Settings{}, text: text}
	for _, part := range parts[1:] {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return o, fmt.Errorf("method %q: %q is no setting: write name/setting=value/…", text, part)
		}
		if key == repetitionSetting {
			share, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return o, fmt.Errorf("method %q: %w", text, err)
			}
			o.repetition = suggest.Repetition{Share: share, Most: mostRepetitions}
			continue
		}
		o.settings[key] = value
	}
	return o, nil
}

func (o ours) name() string { return oursPrefix + o.text }

func (o ours) open(t task) (session, error) { return o.begin(t, nil) }

// begin is open, with what experiments before have found.
func (o ours) begin(t task, earlier [][]suggest.Outcome) (session, error) {
	p := suggest.Problem{
		Space: t.space, Seed: uint64(t.seed), MaxTrials: t.trials, Parallel: t.workers,
		Objectives: t.problem.Objectives, Constraints: t.problem.Constraints, Earlier: earlier, Repetition: o.repetition,
	}
	registry := algorithms.All()
	a, err := registry.Lookup(o.algorithm)
	if err != nil {
		return nil, err
	}
	settings, err := suggest.Complete(a.Settings, o.settings)
	if err != nil {
		return nil, err
	}
	if why := a.Refuses(p, settings); why != "" {
		return nil, errUnsuited{why}
	}
	suggester, err := registry.NewSuggester(o.algorithm, p, o.settings)
	if err != nil {
		return nil, err
	}
	return &inProcess{suggester: suggester, space: t.space, labels: map[int]map[string]string{}}, nil
}

// inProcess is a session with a Suggester.
type inProcess struct {
	suggester suggest.Suggester
	space     *space.Space
	labels    map[int]map[string]string // of suggestions, until their results are told
}

// repeats is the number of the trial that another one repeats.
func (s *inProcess) repeats(number int) (int, bool) { return suggest.Repeats(s.labels[number]) }

func (s *inProcess) ask(first, n int) ([]space.Assignment, cost, error) {
	watch := startWatch()
	suggestions, err := s.suggester.Ask(first, n)
	took := watch.stop()
	if err != nil && !errors.Is(err, suggest.ErrWait) && !errors.Is(err, suggest.ErrExhausted) {
		return nil, took, err
	}
	assignments := make([]space.Assignment, len(suggestions))
	pending := make([]suggest.Outcome, len(suggestions))
	for i, g := range suggestions {
		if !s.space.Contains(g.Assignment) {
			return nil, took, fmt.Errorf("it proposes %v, which is outside the space", g.Assignment)
		}
		assignments[i] = g.Assignment
		if len(g.Labels) > 0 {
			s.labels[first+i] = g.Labels
		}
		pending[i] = suggest.Outcome{Number: first + i, Assignment: g.Assignment, State: suggest.Pending, Value: math.NaN(), Labels: g.Labels}
	}
	watch = startWatch()
	if wrong := s.suggester.Tell(pending); wrong != nil {
		return nil, took, wrong
	}
	more := watch.stop()
	return assignments, cost{took.wall + more.wall, took.cpu + more.cpu}, err
}

func (s *inProcess) tell(trials []trial) (cost, error) {
	outcomes := make([]suggest.Outcome, len(trials))
	for i, t := range trials {
		o := suggest.Outcome{Number: t.number, Assignment: t.assignment, State: suggest.Failed, Value: math.NaN(), Labels: s.labels[t.number]}
		delete(s.labels, t.number)
		if !t.result.Failed {
			o.State, o.Value, o.Violations = suggest.Completed, t.result.Values[0], t.result.Constraints
			if len(t.result.Values) > 1 {
				o.Others = t.result.Values[1:]
			}
		}
		outcomes[i] = o
	}
	watch := startWatch()
	err := s.suggester.Tell(outcomes)
	return watch.stop(), err
}

func (s *inProcess) close() {}
