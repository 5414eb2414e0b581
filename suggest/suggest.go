// Package suggest holds the contracts of search algorithms and early-stopping rules, the registry of their names and settings,
// and the algorithms that need no model. It knows the space and the outcomes of trials, never how trials run. Smaller is better
// everywhere in this package and below it: whoever maximises flips the sign before it comes here.
package suggest

import (
	"errors"

	"qalam/space"
)

// State is what a Suggester needs to know of a trial's state.
type State uint8

// The states of a trial as a Suggester sees them.
const (
	Pending   State = iota // handed out, no result yet (it may be running)
	Completed              // ended with a value
	Failed                 // ended without a usable value: the assignment may be infeasible
	Stopped                // stopped early; Value is the best it reached, or NaN
)

// Outcome is what is known of one trial.
type Outcome struct {
	Number     int // the trial's number in its experiment, from 1
	Assignment space.Assignment
	State      State
	Value      float64           // objective, smaller is better; NaN where there is none
	Others     []float64         // the second and further objectives, likewise; nil where there is one objective
	Violations []float64         // by constraint: at most 0 where it is kept, NaN where unknown; nil without constraints
	Step       int64             // how far it was trained: the step of its last report; 0 where unknown
	Labels     map[string]string // of its Suggestion
}

// Feasible reports whether no constraint is known to be violated.
func (o *Outcome) Feasible() bool {
	for _, v := range o.Violations {
		if v > 0 {
			return false
		}
	}
	return true
}

// Suggestion is an assignment that an algorithm proposes for one trial.
type Suggestion struct {
	Assignment space.Assignment
	Labels     map[string]string // carried to the trial and back to the algorithm's settings (PBT, hyperband); usually nil
	Note       string            // one line for people, such as "fell back to random: the model is singular"; usually ""
}

// ErrExhausted says that every feasible suggestion has been made. Suggestions returned beside it are valid.
var ErrExhausted = errors.New("every feasible assignment has been suggested")

// ErrWait says that the next suggestion needs results of trials that are still running. Suggestions returned beside it are valid.
var ErrWait = errors.New("the next suggestion waits for running trials")

// Problem is what an algorithm is made for, as far as it is known before the first trial.
type Problem struct {
	Space       *space.Space
	Seed        uint64
	Objectives  int // how many there are; 0 means one
	Constraints int // how many are observed with every trial
	MaxTrials   int // the budget; 0 means none is known
	Parallel    int // how many trials run at a time; 0 means one

	// Initial holds assignments to be tried first, in this order. NewSuggester sees to it, no algorithm has to.
	Initial []space.Assignment
	// Repetition has NewSuggester try promising assignments again; no algorithm has to know of it. The zero value leaves it to the
	// algorithm (Algorithm.Repeats), NoRepetition forbids it.
	Repetition Repetition
	// Earlier holds what experiments before this one found in the same space, one slice for each. Values of different
	// experiments need not compare.
	Earlier [][]Outcome
	// Architecture is the network to be searched; nil means that parameters are. Space then says how it can be put together.
	Architecture *Architecture
}

// Architecture describes neural networks: Katib's nasConfig.
type Architecture struct {
	Layers      int
	InputSizes  []int
	OutputSizes []int
	Operations  []Operation
}

// Operation is one kind of layer, with parameters of its own.
type Operation struct {
	Type       string
	Parameters []space.Parameter
}

// Suggester proposes assignments. What it proposes is a pure function of the space, its settings, its seed, the outcomes told
// and the trial's number: a Suggester that is thrown away and told the same outcomes again proposes the same. It is used by
// one goroutine.
type Suggester interface {
	// Tell reports new outcomes: a trial that was handed out, or the result of one. The last outcome told for a number
	// holds; telling the same again changes nothing. The slice is the caller's afterwards, its assignments are shared
	// and must not be changed.
	Tell(outcomes []Outcome) error
	// Ask proposes assignments for the n trials numbered from first. It changes no state: the caller tells the trials it
	// really made as Pending. It returns fewer than n only with ErrExhausted or ErrWait.
	Ask(first, n int) ([]Suggestion, error)
}

// Curve is the objective of one trial over its training so far, smaller is better, in order of arrival.
type Curve struct {
	Number int
	State  State     // Pending while the trial runs, Completed when it ended by itself
	Values []float64 // one per report, finite
	Steps  []int64   // the step of each value as the user counts it; report number from 1 where the log names none
	// NonFinite is how many reports followed the last of Values that were no finite number.
	NonFinite int
}

// Verdict is a Stopper's decision on a running trial.
type Verdict struct {
	Stop   bool
	Reason string // one line with the figures that led to it; "" when Stop is false
}

// Stopper decides whether a running trial should be stopped early. It is used by one goroutine.
type Stopper interface {
	// Tell reports what is known of a trial's curve: before it is judged, and when the trial is over, in whatever way. What
	// is told of a number later holds. Values that were told before stay as they were, later ones follow them, and Values
	// and Steps are the Stopper's to keep and not to change.
	Tell(known Curve)
	// Judge decides on a running trial, which need not have been told. It changes no state.
	Judge(running Curve) Verdict
}
