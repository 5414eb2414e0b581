package experiment

import (
	"math"
	"slices"

	"qalam/metrics"
	"qalam/suggest"
)

// Outcome is what an algorithm is told of a trial. A trial that was killed for no fault of its own is told as stopped, with
// what it reached: its assignment is not infeasible.
func Outcome(t Trial, o Objective) suggest.Outcome {
	out := suggest.Outcome{Number: t.Number, Assignment: t.Assignment, Labels: t.Labels, State: suggest.Pending, Value: math.NaN()}
	value := o.Value(t.Observation)
	switch t.State {
	case TrialSucceeded:
		out.State = suggest.Failed
		if finite(value) {
			out.State, out.Value = suggest.Completed, o.Cost(value)
		}
	case TrialEarlyStopped, TrialKilled:
		out.State = suggest.Stopped
		if finite(value) {
			out.Value = o.Cost(value)
		}
	case TrialFailed, TrialMetricsUnavailable:
		out.State = suggest.Failed
	}
	return out
}

// CurveBuilder collects the objective's points of one attempt as they arrive, for early-stopping rules. The zero value is
// ready and minimises.
type CurveBuilder struct {
	objective Objective
	curve     suggest.Curve
}

// NewCurveBuilder makes a CurveBuilder for an objective.
func NewCurveBuilder(o Objective) CurveBuilder { return CurveBuilder{objective: o} }

// Add takes a point of the objective. Points that are no finite number are left out: no rule can judge them.
func (b *CurveBuilder) Add(p metrics.Point) {
	if !p.Finite() {
		return
	}
	step := p.Step
	if step == metrics.NoStep {
		step = int64(len(b.curve.Values)) + 1
	}
	b.curve.Values = append(b.curve.Values, b.objective.Cost(p.Value))
	b.curve.Steps = append(b.curve.Steps, step)
}

// Len is the number of points.
func (b *CurveBuilder) Len() int { return len(b.curve.Values) }

// Last is the latest point, its value in the user's direction.
func (b *CurveBuilder) Last() (step int64, value float64, ok bool) {
	n := b.Len()
	if n == 0 {
		return 0, 0, false
	}
	return b.curve.Steps[n-1], b.objective.Cost(b.curve.Values[n-1]), true
}

// Curve is the curve so far of the trial with a number and in a state, smaller is better. It shares the points, which never change, and sees
// none that are added later; so it costs the same however long it is.
func (b *CurveBuilder) Curve(number int, state suggest.State) suggest.Curve {
	return suggest.Curve{Number: number, State: state, Values: slices.Clip(b.curve.Values), Steps: slices.Clip(b.curve.Steps)}
}
