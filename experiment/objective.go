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
	Additional []string            // further metrics to record
	Strategies map[string]Strategy // for every metric named above; the objective's own decides what a trial's value is
}

// Cost is a value of the objective as algorithms and early-stopping rules see it: smaller is better. This is the one place
// where the sign flips.
func (o Objective) Cost(value float64) float64 {
	if o.Direction == Maximize {
		return -value
	}
	return value
}

// Reached reports whether a value meets the goal. No value that is not finite does, and without a goal none does.
func (o Objective) Reached(value float64) bool {
	return o.Goal != nil && finite(value) && o.Cost(value) <= o.Cost(*o.Goal)
}

// Value is what a trial with this observation is worth: the objective's minimum, maximum or latest by its strategy, in the
// user's direction; NaN when that is no finite number. It is read from the texts, which are what a store keeps.
func (o Objective) Value(obs Observation) float64 { return number(o.text(obs)) }

// text is the objective's value as it was printed, by its strategy: Unavailable when there is none.
func (o Objective) text(obs Observation) string {
	for _, m := range obs {
		if m.Name == o.Metric {
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

// strategy is the one given for a metric, or else the one Katib fills in: the best value in the objective's direction.
func (o Objective) strategy(metric string) Strategy {
	switch s := o.Strategies[metric]; {
	case s != "":
		return s
	case o.Direction == Maximize:
		return Max
	default:
		return Min
	}
}

// names lists the metrics of the objective, its own first.
func (o Objective) names() []string { return append([]string{o.Metric}, o.Additional...) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
