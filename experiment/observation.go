package experiment

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"qalam/metrics"
)

// Unavailable is what an observation says where a metric has no value, as in Katib.
const Unavailable = "unavailable"

// Observation is the summary of a trial's points, one entry per metric of the objective, in the objective's order.
type Observation []Metric

// Metric is the summary of one metric: the texts are what Katib would hold ("unavailable" where there is nothing).
type Metric struct {
	Name   string  `json:"name"`
	Min    string  `json:"min"`
	Max    string  `json:"max"`
	Latest string  `json:"latest"`
	Value  float64 `json:"-"` // by the metric's strategy; NaN when there is no finite one
}

// Observe sums up the points of one attempt, given as one summary per metric name. Minimum and maximum are of the finite
// values only, so that no nan or inf can hide them; the latest is what was printed last, be it a number or not.
func Observe(summaries map[string]metrics.Summary, o Objective) Observation {
	obs := make(Observation, 0, 1+len(o.Additional))
	for _, name := range o.Names() {
		m := Metric{Name: name, Min: Unavailable, Max: Unavailable, Latest: Unavailable}
		if s, ok := summaries[name]; ok {
			fill(&m, s)
		}
		m.Value = number(m.by(o.strategy(name)))
		obs = append(obs, m)
	}
	return obs
}

// Revalue fills in the Value of every metric from its texts, for an observation that comes from a store.
func (o Objective) Revalue(obs Observation) Observation {
	out := make(Observation, len(obs))
	for i, m := range obs {
		m.Value = number(m.by(o.strategy(m.Name)))
		out[i] = m
	}
	return out
}

// by is the metric's text by a strategy. A minimum or maximum that there is none of gives way to the latest, as in Katib: that
// is how a metric whose values are texts counts.
func (m Metric) by(s Strategy) string {
	best := m.Latest
	switch s {
	case Min:
		best = m.Min
	case Max:
		best = m.Max
	}
	if best == Unavailable || best == "" {
		return m.Latest
	}
	return best
}

// number reads a finite decimal number, NaN for anything else. Go's hexadecimal and underscored forms are not among them.
func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !finite(v) || strings.ContainsAny(s, "xX_") {
		return math.NaN()
	}
	return v
}

// isRange reports whether a text is a number too large for a float64.
func isRange(err error) bool { return errors.Is(err, strconv.ErrRange) }

// shortest prints a finite number with as many digits as it needs to be read back exactly: plainly where that is short, with
// an exponent where it is not.
func shortest(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// fill takes a summary's values into a metric as text.
func fill(m *Metric, s metrics.Summary) {
	if s.Finite > 0 {
		m.Min, m.Max, m.Latest = shortest(s.Min), shortest(s.Max), shortest(s.Latest)
	}
	if s.EndsInText() {
		m.Latest = s.Text
	}
}
