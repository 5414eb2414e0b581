// Package problem knows functions to minimise whose best is known: what is tuned, what is observed and what is true. It knows
// nothing of the methods that search, nor of how they are judged. An instance of a problem is a function of its seed, and so is
// its noise, by the index of the evaluation: all methods meet the same.
package problem

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qalam/space"
)

// Use says what a problem may be used for: constants of our algorithms are tuned on one half and compared on the other.
type Use string

// The two halves.
const (
	Tuning     Use = "tuning"
	Comparison Use = "comparison"
)

// Result is what an evaluation gives.
type Result struct {
	Values      []float64 // one per objective, smaller is better
	Constraints []float64 // at most 0 where feasible
	Failed      bool      // no value came out
}

// Feasible reports whether every constraint holds.
func (r Result) Feasible() bool {
	return !r.Failed && !slices.ContainsFunc(r.Constraints, func(c float64) bool { return !(c <= 0) })
}

// Problem is a family of functions, one for each seed.
type Problem struct {
	Name        string
	Groups      []string // further names under which it is selected
	Use         Use
	Params      []space.Parameter
	Objectives  int
	Constraints int
	Relative    bool // the best is not known: Instance.Best is 0, and only differences between methods mean something
	// Open makes the function of a seed. Its error says which data is absent.
	Open func(seed int) (*Instance, error)
}

// Instance is one function. It is used by one goroutine.
type Instance struct {
	True func(x space.Assignment) Result
	// Observe is what a method is told of its evaluation of that index, from 0: True with noise, or on another scale.
	Observe func(index int, x space.Assignment) Result
	// Best is the least feasible true value; with several objectives, the hypervolume of the front.
	Best float64
	// Broken says that evaluating does not work any more; nil where nothing can break.
	Broken func() error
	// Reference is the corner up to which hypervolume is measured; nil with one objective.
	Reference []float64
}

// Conditional reports whether some parameter depends on another.
func (p *Problem) Conditional() bool {
	return slices.ContainsFunc(p.Params, func(q space.Parameter) bool { return len(q.When) > 0 })
}

// Space is what is searched.
func (p *Problem) Space() (*space.Space, error) {
	s, err := space.New(p.Params)
	if err != nil {
		return nil, fmt.Errorf("problem %q: %w", p.Name, err)
	}
	return s, nil
}

// All lists the problems. What comes from elsewhere is read or started when it is opened.
func All(sources Sources) []Problem {
	return slices.Concat(suite(), tables(sources.Data), noisy(), bbob(), conditional(), constrained(), multi(), models(sources))
}

// Select finds the problems that the names mean, each once, in the order of the names: a name is a problem's or a group's.
func Select(all []Problem, names []string) ([]Problem, error) {
	var chosen []Problem
	for _, name := range names {
		found := false
		for _, p := range all {
			if p.Name != name && !slices.Contains(p.Groups, name) {
				continue
			}
			found = true
			if !slices.ContainsFunc(chosen, func(q Problem) bool { return q.Name == p.Name }) {
				chosen = append(chosen, p)
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no problem or group %q: use one of %s", name, strings.Join(Groups(all), ", "))
		}
	}
	return chosen, nil
}

// Groups lists the names of groups in the order of their first problem.
func Groups(all []Problem) []string {
	var groups []string
	for _, p := range all {
		for _, g := range p.Groups {
			if !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

// value is a Result of one objective; NaN is a failure.
func value(v float64) Result { return Result{Values: []float64{v}, Failed: math.IsNaN(v)} }

// exact makes the instance of a function that is observed as it is.
func exact(best float64, f func(x space.Assignment) float64) *Instance {
	truth := func(x space.Assignment) Result { return value(f(x)) }
	return &Instance{True: truth, Observe: func(_ int, x space.Assignment) Result { return truth(x) }, Best: best}
}

// cube makes parameters x0, x1, … with the same bounds.
func cube(dims int, low, high float64) []space.Parameter {
	out := make([]space.Parameter, dims)
	for i := range out {
		out[i] = space.Parameter{Name: fmt.Sprintf("x%d", i), Type: space.Double, Min: low, Max: high}
	}
	return out
}
