package asktell

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"qalam/space"
)

// The answers, each one line.
type (
	suggestionsAnswer struct {
		Suggestions []suggestion `json:"suggestions"`
		Exhausted   bool         `json:"exhausted,omitempty"` // every feasible assignment has been suggested
		Waiting     bool         `json:"waiting,omitempty"`   // the next one needs results of trials that are out
	}
	suggestion struct {
		Number      int               `json:"number"`
		Assignments object            `json:"assignments"`
		Labels      map[string]string `json:"labels,omitempty"`
		Note        string            `json:"note,omitempty"`
	}
	toldAnswer struct {
		Told    int   `json:"told"`
		Numbers []int `json:"numbers,omitempty"` // that the caller's own trials have got, in their order
	}
	stopAnswer struct {
		Stop   bool   `json:"stop"`
		Reason string `json:"reason,omitempty"`
	}
	bestAnswer struct {
		Number      int      `json:"number"`
		Assignments object   `json:"assignments"`
		Value       float64  `json:"value"`
		Repetitions int      `json:"repetitions,omitempty"` // of its assignments, where they were tried again
		Mean        *float64 `json:"mean,omitempty"`        // of these
		Values      object   `json:"values,omitempty"`      // of all objectives and constraints, where there are several
		Feasible    *bool    `json:"feasible,omitempty"`    // whether it keeps the constraints, where there are some
		Pareto      []member `json:"pareto,omitempty"`
	}
	member struct {
		Number      int    `json:"number"`
		Assignments object `json:"assignments"`
		Values      object `json:"values"`
	}
	errorAnswer struct {
		Error string `json:"error"`
	}
)

// object is a JSON object that keeps its order.
type object []pair

type pair struct {
	name  string
	value any
}

// MarshalJSON writes the pairs in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// assignments are the values of an assignment by name, without those of parameters that do not matter: as texts, or as numbers
// where the parameter takes numbers.
func (s *Session) assignments(a space.Assignment, numbers bool) object {
	named := s.state.Spec.Space.NamedActive(a)
	o := make(object, len(named))
	for i, n := range named {
		o[i] = pair{n.Name, n.Value}
		if !numbers || !s.numeric[n.Name] {
			continue
		}
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(v, 0) {
			o[i].value = v
			if s.whole[n.Name] {
				o[i].value = json.Number(n.Value)
			}
		}
	}
	return o
}
