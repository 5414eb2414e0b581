package asktell

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/api/v1beta1"
	"qalam/experiment"
	"qalam/metrics"
	"qalam/space"
	"qalam/suggest"
)

// ends are the words for how a trial ended, in any case, with what they mean.
var ends = map[string]experiment.TrialState{
	"completed": experiment.TrialSucceeded, "succeeded": experiment.TrialSucceeded, "failed": experiment.TrialFailed,
	"stopped": experiment.TrialEarlyStopped, "earlystopped": experiment.TrialEarlyStopped, "killed": experiment.TrialKilled,
	"metricsunavailable": experiment.TrialMetricsUnavailable, "pending": experiment.TrialPending, "running": experiment.TrialPending,
}

// outcome is a result that was checked.
type outcome struct {
	number      int // 0 for a trial of the caller's own
	assignment  space.Assignment
	state       experiment.TrialState
	observation experiment.Observation
	step        int64
}

// tell takes results: all of a line, or none when there is something wrong with one.
func (s *Session) tell(results []result) (any, error) {
	outcomes := make([]outcome, len(results))
	told := map[int]bool{}
	for i, r := range results {
		var err error
		if outcomes[i], err = s.check(r); err != nil {
			return nil, fmt.Errorf("result %d: %w", i+1, err)
		}
		if n := outcomes[i].number; n > 0 {
			if told[n] {
				return nil, fmt.Errorf("result %d: trial %d is told twice", i+1, n)
			}
			told[n] = true
		}
	}
	answer := toldAnswer{Told: len(results)}
	for _, o := range outcomes {
		own := o.number == 0
		if own {
			t, err := s.begin(suggest.Suggestion{Assignment: o.assignment, Note: "told by the user"}, true)
			if err != nil {
				return nil, err
			}
			o.number = t.Number
			answer.Numbers = append(answer.Numbers, t.Number)
		}
		if o.state == experiment.TrialPending {
			continue
		}
		if err := s.end(o); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// check makes sense of a result without changing anything.
func (s *Session) check(r result) (o outcome, err error) {
	switch {
	case r.Number != nil && r.Assignments != nil:
		return o, errors.New(`give either "number", for a trial that was asked for, or "assignments", for one of your own`)
	case r.Assignments != nil:
		if o.assignment, err = s.assignment(r.Assignments); err != nil {
			return o, err
		}
	default:
		if _, err := s.out(r.Number); err != nil {
			return o, err
		}
		o.number = *r.Number
	}
	var known bool
	if o.state, known = ends[strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(r.State))]; !known && r.State != "" {
		return o, fmt.Errorf("state %q is not known: there are Completed, Failed, Stopped, Killed and, for trials of your own, Running", shorten(r.State))
	}
	if o.state == experiment.TrialPending && o.number > 0 {
		return o, fmt.Errorf("trial %d is running since it was asked for", o.number)
	}
	o.step = r.Step
	if o.observation, err = s.observe(r, o.number); err != nil {
		return o, err
	}
	if r.State == "" {
		o.state = experiment.TrialSucceeded
		if !r.Value.given && r.Values == nil && math.IsNaN(s.state.Spec.Objective.Value(o.observation)) {
			return o, errors.New(`there is neither a "value" nor a "state": a trial without a value has "state":"Failed"`)
		}
	}
	if o.state != experiment.TrialSucceeded {
		return o, nil
	}
	for _, f := range s.state.Spec.Objective.Further {
		if _, given := r.Values[f.Metric]; !given {
			return o, fmt.Errorf("there is no value of the objective %q: give all as \"values\":{…}", f.Metric)
		}
	}
	return o, nil
}

// assignment reads an assignment of the caller's own.
func (s *Session) assignment(values map[string]field) (space.Assignment, error) {
	var named []space.Named
	for _, name := range slices.Sorted(maps.Keys(values)) {
		named = append(named, space.Named{Name: name, Value: values[name].text})
	}
	sp := s.state.Spec.Space
	a, err := sp.Parse(named)
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if !sp.Contains(a) {
		return nil, errors.New("the assignments break a constraint of the parameters")
	}
	return a, nil
}

// observe puts a result's metrics together: what it says, or else what was reported of the trial.
func (s *Session) observe(r result, number int) (experiment.Observation, error) {
	o := s.state.Spec.Objective
	sums := map[string]metrics.Summary{}
	add := func(name string, text field) error {
		v, err := decimal(text)
		if err != nil {
			return fmt.Errorf("metric %q: %w", name, err)
		}
		var sum metrics.Summary
		sum.Add(metrics.Point{Name: name, Value: v, Text: "nan", Step: metrics.NoStep})
		sums[name] = sum
		return nil
	}
	if t := s.running[number]; t != nil && t.sum.Count > 0 {
		sums[o.Metric] = t.sum
	}
	if r.Value.given {
		if err := add(o.Metric, r.Value); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		if !slices.Contains(o.Names(), name) {
			hint := "the file names " + strings.Join(o.Names(), ", ")
			if near := v1beta1.Nearest(name, o.Names()); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, fmt.Errorf("there is no metric %q: %s", shorten(name), hint)
		}
		if r.Value.given && name == o.Metric {
			return nil, fmt.Errorf(`give %q either as "value" or among "values"`, name)
		}
		if err := add(name, r.Values[name]); err != nil {
			return nil, err
		}
	}
	return experiment.Observe(sums, o), nil
}

// end records how a trial ended.
func (s *Session) end(o outcome) error {
	t, ok := s.state.ActiveTrial(o.number)
	if !ok {
		return fmt.Errorf("trial %d is over", o.number)
	}
	known := s.running[o.number]
	if o.step == 0 {
		o.step, _, _ = known.curve.Last()
	}
	end := experiment.End{Cause: experiment.EndSucceeded, Step: o.step}
	switch o.state {
	case experiment.TrialFailed:
		end.Cause = experiment.EndFailed
	case experiment.TrialMetricsUnavailable:
		o.observation = nil
	case experiment.TrialEarlyStopped:
		t = experiment.MarkStopping(t, experiment.StopEarly, "")
		end.Cause = experiment.EndStopped
	case experiment.TrialKilled:
		end.Cause = experiment.EndStopped
	}
	t = experiment.Conclude(t, end, o.observation, s.state.Spec)
	t.Created, t.Completed = time.Time{}, time.Time{}
	if err := s.put(t); err != nil {
		return err
	}
	if s.stopper != nil {
		s.stopper.Tell(known.curve.Curve(o.number, experiment.Outcome(t, s.state.Spec.Objective).State))
	}
	delete(s.running, o.number)
	return nil
}

// decimal reads a number; what is not finite, and null, is NaN.
func decimal(text field) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text.text), 64)
	switch {
	case text.text == "" || errors.Is(err, strconv.ErrRange) || err == nil && math.IsInf(v, 0):
		return math.NaN(), nil
	case err != nil:
		return 0, fmt.Errorf("%q is not a number", shorten(text.text))
	}
	return v, nil
}

// values are the values of all objectives and constraints of an observation, null where there is none.
func values(o experiment.Objective, obs experiment.Observation) object {
	names := []string{o.Metric}
	for _, f := range o.Further {
		names = append(names, f.Metric)
	}
	for _, c := range o.Constraints {
		names = append(names, c.Metric)
	}
	var out object
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		var value any
		if v := o.ValueOf(obs, name); !math.IsNaN(v) {
			value = v
		}
		out = append(out, pair{name, value})
	}
	return out
}
