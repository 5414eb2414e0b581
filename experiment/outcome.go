package experiment

import (
	"math"
	"slices"

	"qalam/metrics"
	"qalam/space"
	"qalam/suggest"
)

// Past is what an algorithm's memory needs of a trial: what a store gives back without reading the rest.
type Past struct {
	Number     int
	State      TrialState
	Assignment space.Assignment
	Value      float64   // of the objective; NaN when there is no finite one
	Others     []float64 // of the objective's further metrics (Objective.Additional), likewise; nil where nothing was observed
	Step       int64     // of the last report; 0 where unknown
	Labels     map[string]string
}

// Outcome is what an algorithm is told of a trial.
func Outcome(t Trial, o Objective) suggest.Outcome {
	p := Past{Number: t.Number, State: t.State, Assignment: t.Assignment, Value: o.Value(t.Observation), Step: t.Step, Labels: t.Labels}
	if len(t.Observation) > 0 && len(o.Additional) > 0 {
		p.Others = make([]float64, len(o.Additional))
		for i, name := range o.Additional {
			p.Others[i] = o.ValueOf(t.Observation, name)
		}
	}
	return p.Outcome(o)
}

// Outcome is what an algorithm is told of a trial. A trial that was killed for no fault of its own is told as stopped, with
// what it reached: its assignment is not infeasible.
func (p Past) Outcome(o Objective) suggest.Outcome {
	out := suggest.Outcome{
		Number: p.Number, Assignment: p.Assignment, State: suggest.Pending, Value: math.NaN(), Step: p.Step, Labels: p.Labels,
	}
	switch p.State {
	case TrialSucceeded:
		out.State = suggest.Failed
		if finite(p.Value) {
			out.State = suggest.Completed
			p.values(o, &out)
		}
	case TrialEarlyStopped, TrialKilled:
		out.State = suggest.Stopped
		if finite(p.Value) {
			p.values(o, &out)
		}
	case TrialFailed, TrialMetricsUnavailable:
		out.State = suggest.Failed
	}
	return out
}

// values fills in what was observed.
func (p Past) values(o Objective, out *suggest.Outcome) {
	out.Value = o.Cost(p.Value)
	for _, f := range o.Further {
		out.Others = append(out.Others, f.Direction.cost(p.ValueOf(o, f.Metric)))
	}
	for _, c := range o.Constraints {
		out.Violations = append(out.Violations, c.violation(p.ValueOf(o, c.Metric)))
	}
}

// ValueOf is the value of one of the objective's metrics; NaN when there is no finite one.
func (p Past) ValueOf(o Objective, metric string) float64 {
	if metric == o.Metric {
		return p.Value
	}
	if i := slices.Index(o.Additional, metric); i >= 0 && i < len(p.Others) {
		return p.Others[i]
	}
	return math.NaN()
}

// CurveBuilder collects the objective's points of one attempt as they arrive, for early-stopping rules. The zero value is
// ready and minimises.
type CurveBuilder struct {
	objective Objective
	curve     suggest.Curve
	reports   int
}

// NewCurveBuilder makes a CurveBuilder for an objective.
func NewCurveBuilder(o Objective) CurveBuilder { return CurveBuilder{objective: o} }

// Add takes a point of the objective. Of points that are no finite number only those at the end are counted.
func (b *CurveBuilder) Add(p metrics.Point) {
	b.reports++
	if !p.Finite() {
		b.curve.NonFinite++
		return
	}
	b.curve.NonFinite = 0
	step := p.Step
	if step == metrics.NoStep {
		step = int64(len(b.curve.Values)) + 1
	}
	b.curve.Values = append(b.curve.Values, b.objective.Cost(p.Value))
	b.curve.Steps = append(b.curve.Steps, step)
}

// Len is the number of points that are finite.
func (b *CurveBuilder) Len() int { return len(b.curve.Values) }

// Reports is the number of points.
func (b *CurveBuilder) Reports() int { return b.reports }

// Last is the latest finite point, its value in the user's direction.
func (b *CurveBuilder) Last() (step int64, value float64, ok bool) {
	n := b.Len()
	if n == 0 {
		return 0, 0, false
	}
	return b.curve.Steps[n-1], b.objective.Cost(b.curve.Values[n-1]), true
}

// Curve is the curve so far of the trial with a number and in a state, smaller is better. It shares the points, which never
// change, and sees none that are added later; so it costs the same however long it is.
func (b *CurveBuilder) Curve(number int, state suggest.State) suggest.Curve {
	return suggest.Curve{
		Number: number, State: state, Values: slices.Clip(b.curve.Values), Steps: slices.Clip(b.curve.Steps), NonFinite: b.curve.NonFinite,
	}
}
