// Package asktell lets any language use the search: an ask/tell session of one JSON object a line. It knows the algorithms, and
// no trial processes, no files and no store.
package asktell

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/space"
	"qalam/suggest"
)

// Bounds on what one line can ask for.
const (
	maxLine = 16 << 20 // bytes
	maxAsk  = 100_000
)

// Session is one search. It is used by one goroutine.
type Session struct {
	state    experiment.State
	searcher searcher
	stopper  suggest.Stopper // nil without early stopping
	running  map[int]*trial
	pareto   map[int]experiment.Trial // the trials of the Pareto set, and some that were in it

	numeric, whole map[string]bool // parameters by name
}

// trial is what is known of a trial that is out.
type trial struct {
	curve experiment.CurveBuilder
	sum   metrics.Summary
}

// New begins a session of a search that has so many suggestions prepared before they are asked for. It is to be closed.
func New(sp experiment.Spec, registry suggest.Registry, prepared int) (*Session, error) {
	s := &Session{
		state: experiment.NewState(sp, "asktell"), running: map[int]*trial{}, pareto: map[int]experiment.Trial{},
		numeric: map[string]bool{}, whole: map[string]bool{},
	}
	for _, p := range sp.Space.Parameters() {
		s.numeric[p.Name], s.whole[p.Name] = p.Type != space.Categorical, p.Type == space.Int
	}
	if es := sp.EarlyStopping; es != nil {
		var err error
		if s.stopper, err = registry.NewStopper(es.Name, es.Settings); err != nil {
			return nil, err
		}
	}
	suggester, err := registry.NewSuggester(sp.Algorithm.Name, sp.Problem(), sp.Algorithm.Settings)
	if err != nil {
		return nil, err
	}
	if s.searcher = (direct{suggester}); prepared > 0 {
		s.searcher = newAhead(suggester, prepared)
	}
	return s, nil
}

// Close ends what is prepared.
func (s *Session) Close() { s.searcher.close() }

// Serve answers line by line until the input ends.
func (s *Session) Serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	answers := bufio.NewWriter(out)
	for {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var answer any
		switch {
		case errors.Is(err, errLong):
			answer = errorAnswer{err.Error()}
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case len(line) == 0:
			continue
		default:
			answer = s.Answer(line)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		_, _ = answers.Write(append(text, '\n')) // Flush says it again
		if err := answers.Flush(); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		s.searcher.prepare()
	}
}

var errLong = fmt.Errorf("the line is longer than %d MiB: tell in several lines", maxLine>>20)

// readLine reads a line without its end and without blanks around it. Of one that is too long it reads the rest away.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, more, err := r.ReadLine()
		if err != nil {
			return nil, err
		}
		if long = long || len(line)+len(part) > maxLine; !long {
			line = append(line, part...)
		}
		if !more {
			break
		}
	}
	if long {
		return nil, errLong
	}
	return []byte(strings.TrimSpace(string(line))), nil
}

// Answer answers one line: with a value that becomes one line of JSON.
func (s *Session) Answer(line []byte) any {
	r, err := parse(line)
	if err != nil {
		return errorAnswer{err.Error()}
	}
	var answer any
	switch {
	case r.Ask != nil:
		answer, err = s.ask(*r.Ask, r.Numbers)
	case r.Tell != nil:
		answer, err = s.tell(*r.Tell)
	case r.Report != nil:
		answer, err = s.report(*r.Report)
	default:
		answer, err = s.best(r.Numbers)
	}
	if err != nil {
		return errorAnswer{err.Error()}
	}
	return answer
}

// ask hands out the next trials.
func (s *Session) ask(n int, numbers bool) (any, error) {
	if n < 1 || n > maxAsk {
		return nil, fmt.Errorf("%d trials cannot be asked for: from 1 to %d at a time", n, maxAsk)
	}
	suggestions, err := s.searcher.next(s.state.Next, n)
	answer := suggestionsAnswer{
		Suggestions: []suggestion{}, Exhausted: errors.Is(err, suggest.ErrExhausted), Waiting: errors.Is(err, suggest.ErrWait),
	}
	if err != nil && !answer.Exhausted && !answer.Waiting {
		return nil, err
	}
	for _, g := range suggestions {
		t, err := s.begin(g, false)
		if err != nil {
			return nil, err
		}
		answer.Suggestions = append(answer.Suggestions, suggestion{t.Number, s.assignments(t.Assignment, numbers), t.Labels, t.Note})
	}
	return answer, nil
}

// begin makes the next trial of a suggestion, or of an assignment of the caller's own.
func (s *Session) begin(g suggest.Suggestion, own bool) (experiment.Trial, error) {
	t := experiment.NewTrial(s.state.Spec, s.state.UID, s.state.Next, g, time.Time{})
	t = experiment.MarkStarted(t)
	s.running[t.Number] = &trial{curve: experiment.NewCurveBuilder(s.state.Spec.Objective)}
	if own {
		if err := s.searcher.insert(experiment.Outcome(t, s.state.Spec.Objective)); err != nil {
			return t, err
		}
	}
	return t, s.put(t)
}

// put takes a new or changed trial in.
func (s *Session) put(t experiment.Trial) error {
	if err := s.state.Apply(t); err != nil {
		return err
	}
	in := func(n int) bool {
		_, found := slices.BinarySearchFunc(s.state.Pareto, n, func(p experiment.ParetoTrial, n int) int { return p.Number - n })
		return found
	}
	if in(t.Number) {
		s.pareto[t.Number] = t
	}
	if len(s.pareto) > 2*len(s.state.Pareto) {
		maps.DeleteFunc(s.pareto, func(n int, _ experiment.Trial) bool { return !in(n) })
	}
	return s.searcher.tell(experiment.Outcome(t, s.state.Spec.Objective))
}

// report takes a value of a running trial and says whether the trial should be stopped.
func (s *Session) report(r intermediate) (any, error) {
	t, err := s.out(r.Number)
	if err != nil {
		return nil, err
	}
	if !r.Value.given {
		return nil, errors.New("a report needs a value, as in {\"report\":{\"number\":1,\"step\":3,\"value\":0.5}}")
	}
	v, err := decimal(r.Value)
	if err != nil {
		return nil, err
	}
	p := metrics.Point{Name: s.state.Spec.Objective.Metric, Value: v, Step: metrics.NoStep}
	if r.Step != nil {
		p.Step = *r.Step
	}
	if p.Finite() {
		t.sum.Add(p)
	}
	t.curve.Add(p)
	if s.stopper == nil {
		return stopAnswer{}, nil
	}
	curve := t.curve.Curve(*r.Number, suggest.Pending)
	s.stopper.Tell(curve)
	verdict := s.stopper.Judge(curve)
	return stopAnswer{verdict.Stop, verdict.Reason}, nil
}

// out finds a trial that is out.
func (s *Session) out(number *int) (*trial, error) {
	if number == nil {
		return nil, errors.New(`"number" is missing: say which trial is meant`)
	}
	if t := s.running[*number]; t != nil {
		return t, nil
	}
	if *number >= 1 && *number < s.state.Next {
		return nil, fmt.Errorf("trial %d is over", *number)
	}
	return nil, fmt.Errorf("there is no trial %d", *number)
}

// best is the best trial so far, and the Pareto set where there are several objectives.
func (s *Session) best(numbers bool) (any, error) {
	found := s.state.Optimal
	if found == nil {
		return nil, errors.New("no trial has a value yet")
	}
	o := s.state.Spec.Objective
	answer := bestAnswer{Number: found.Number, Assignments: s.assignments(found.Assignment, numbers), Value: found.Value}
	if found.Repetitions > 0 {
		answer.Repetitions, answer.Mean = found.Repetitions, &found.Mean
	}
	if len(o.Constraints) > 0 {
		feasible := o.Feasible(found.Observation)
		answer.Feasible = &feasible
	}
	if len(o.Further)+len(o.Constraints) > 0 {
		answer.Values = values(o, found.Observation)
	}
	for _, p := range s.state.Pareto {
		t := s.pareto[p.Number]
		answer.Pareto = append(answer.Pareto, member{p.Number, s.assignments(t.Assignment, numbers), values(o, t.Observation)})
	}
	return answer, nil
}
