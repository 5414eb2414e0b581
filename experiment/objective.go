package experiment

import (
	"math"
	"strconv"
	"strings"
)

// Direction says whether smaller or larger values of the objective are better.
type Direction string

// The directions, spelled as in a Katib Experiment.
const (
	Minimize Direction = "minimize"
	Maximize Direction = "maximize"
)

// Strategy says which of a metric's values counts for a trial.
type Strategy string

// The strategies, spelled as in a Katib Experiment.
const (
	Min    Strategy = "min"
	Max    Strategy = "max"
	Latest Strategy = "latest"
)

// Objective is what an experiment optimises.
type Objective struct {
	Metric     string
	Direction  Direction
	Goal       *float64            // value that ends the experiment when reached, inclusive; nil means none
	Additional []string            // further metrics to record, with those of Further and Constraints
	Strategies map[string]Strategy // for every metric named above; the objective's own decides what a trial's value is

	Further     []Further    `json:",omitempty"` // the second and further objectives
	Constraints []Constraint `json:",omitempty"` // what is observed of a trial and must lie within limits
}

// Further is an objective beside the first one.
type Further struct {
	Metric    string
	Direction Direction
	Goal      *float64 // a trial must reach the goals of all objectives that have one; nil means none
}

// Constraint is a limit that a metric of a trial must keep for the trial to be feasible; nil is no limit on that side.
type Constraint struct {
	Metric   string
	Min, Max *float64
}

// violation is by how much a value breaks the constraint, at most 0 where it is kept and NaN where there is no finite value.
func (c Constraint) violation(value float64) float64 {
	v := math.Inf(-1)
	if c.Max != nil {
		v = value - *c.Max
	}
	if c.Min != nil {
		v = max(v, *c.Min-value)
	}
	if !finite(value) {
		return math.NaN()
	}
	return v
}

// Cost is a value of the objective as algorithms and early-stopping rules see it: smaller is better. This is the one place
// where the sign flips.
func (o Objective) Cost(value float64) float64 { return o.Direction.cost(value) }

func (d Direction) cost(value float64) float64 {
	if d == Maximize {
		value = -value
	}
	return value + 0 // there is one zero
}

// Reached reports whether a value meets the goal. No value that is not finite does, and without a goal none does.
func (o Objective) Reached(value float64) bool { return o.Direction.reached(value, o.Goal) }

func (d Direction) reached(value float64, goal *float64) bool {
	return goal != nil && finite(value) && d.cost(value) <= d.cost(*goal)
}

// reachedBy reports whether a trial with this observation meets every goal there is, and every constraint.
func (o Objective) reachedBy(obs Observation) bool {
	reached := o.Reached(o.Value(obs))
	some := o.Goal != nil
	for _, f := range o.Further {
		if f.Goal == nil {
			continue
		}
		reached = (reached || !some) && f.Direction.reached(o.ValueOf(obs, f.Metric), f.Goal)
		some = true
	}
	return reached && o.Feasible(obs)
}

// Feasible reports whether an observation is known to keep every constraint.
func (o Objective) Feasible(obs Observation) bool { return o.excess(obs) == 0 }

// excess is by how much an observation breaks the constraints in all, +Inf where a metric has no value.
func (o Objective) excess(obs Observation) (sum float64) {
	for _, c := range o.Constraints {
		v := c.violation(o.ValueOf(obs, c.Metric))
		if math.IsNaN(v) {
			return math.Inf(1)
		}
		sum += max(0, v)
	}
	return sum
}

// Value is what a trial with this observation is worth: the objective's minimum, maximum or latest by its strategy, in the
// user's direction; NaN when that is no finite number. It is read from the texts, which are what a store keeps.
func (o Objective) Value(obs Observation) float64 { return number(o.text(obs)) }

// ValueOf is the value of any of the objective's metrics, by its strategy; NaN when that is no finite number.
func (o Objective) ValueOf(obs Observation, metric string) float64 {
	return number(o.textOf(obs, metric))
}

// text is the objective's value as it was printed, by its strategy: Unavailable when there is none.
func (o Objective) text(obs Observation) string { return o.textOf(obs, o.Metric) }

func (o Objective) textOf(obs Observation, metric string) string {
	for _, m := range obs {
		if m.Name == metric {
			return m.by(o.strategy(m.Name))
		}
	}
	return Unavailable
}

// textual reports whether the observation's objective is a text that stands for itself, such as an architecture: Katib's
// neural architecture searches report those. What merely is no finite number (nan, inf, nothing) is none.
func (o Objective) textual(obs Observation) bool {
	s := strings.TrimSpace(o.text(obs))
	if s == "" || s == Unavailable {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err != nil && !isRange(err)
}

// strategy is the one given for a metric, or else the one Katib fills in: the best value in the objective's direction. A further
// objective has a direction of its own, and of a constraint's metric the latest value counts.
func (o Objective) strategy(metric string) Strategy {
	if s := o.Strategies[metric]; s != "" {
		return s
	}
	direction := o.Direction
	for _, f := range o.Further {
		if f.Metric == metric {
			direction = f.Direction
		}
	}
	for _, c := range o.Constraints {
		if c.Metric == metric && metric != o.Metric {
			return Latest
		}
	}
	if direction == Maximize {
		return Max
	}
	return Min
}

// Names lists the metrics of the objective, its own first.
func (o Objective) Names() []string { return append([]string{o.Metric}, o.Additional...) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
