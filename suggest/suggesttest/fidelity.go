package suggesttest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// Resource is the parameter of Curves.Space that says how many steps a trial trains.
const Resource = "steps"

// Space is the space in which the configurations lie: a number from 0 to 1 for each hyperparameter, its rank, and Resource.
func (c *Curves) Space(t testing.TB) *space.Space {
	var params []space.Parameter
	for _, name := range c.Names {
		params = append(params, space.Parameter{Name: name, Type: space.Double, Max: 1})
	}
	return newSpace(t, append(params, space.Parameter{Name: Resource, Type: space.Int, Min: 1, Max: float64(c.Steps())}))
}

// nearest is the configuration nearest to a point of Space, of those not taken while there are any. It is taken then.
func (c *Curves) nearest(a space.Assignment, taken map[int]bool) int {
	best, at := math.Inf(1), 0
	for i, u := range c.Unit {
		if taken[i] && len(taken) < len(c.Unit) {
			continue
		}
		sum := 0.0
		for j := range u {
			sum += (u[j] - a[j]) * (u[j] - a[j])
		}
		if sum < best {
			best, at = sum, i
		}
	}
	taken[at] = true
	return at
}

// FidelityRegrets lets an algorithm search the configurations of learning curves, each trial training for as many steps as its
// assignment says, so many at a time, and returns for each budget, in full runs, the regret of the best loss seen by then, one for
// each task and seed from 1. A trial that continues another one pays for the further steps only where resume is true. A point of
// the space stands for the nearest configuration that no other point stood for before.
func FidelityRegrets(t testing.TB, tasks []*Curves, o Options, resume bool, seeds int, budgets []int) [][]float64 {
	t.Helper()
	regrets := make([][]float64, len(budgets))
	for _, task := range tasks {
		s := task.Space(t)
		for seed := range seeds {
			suggester := o.make(t, s, uint64(seed+1))
			if suggester == nil {
				t.Fatalf("%s does not support the space of learning curves", o.Algorithm.Name)
			}
			for i, r := range playFidelity(t, task, suggester, max(1, o.Parallel), resume, budgets) {
				regrets[i] = append(regrets[i], r)
			}
		}
	}
	return regrets
}

// run is a trial that trains.
type run struct {
	outcome   suggest.Outcome
	row       int
	step, end int // trained so far, and to be trained
	best      float64
}

func playFidelity(t testing.TB, task *Curves, suggester suggest.Suggester, parallel int, resume bool, budgets []int) []float64 {
	t.Helper()
	tell := func(o suggest.Outcome) {
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	regrets := make([]float64, 0, len(budgets))
	best, used, next := math.Inf(1), 0, 1
	running := make([]*run, parallel)
	known := map[int]*run{} // by number of the trial
	taken := map[int]bool{}
	for len(regrets) < len(budgets) {
		for w, r := range running {
			if r == nil {
				suggestions, err := suggester.Ask(next, 1)
				if errors.Is(err, suggest.ErrWait) {
					continue
				}
				if err != nil || len(suggestions) != 1 {
					t.Fatal(fmt.Sprint("trial ", next, ": ", suggestions, err))
				}
				g := suggestions[0]
				r = &run{outcome: suggest.Outcome{Number: next, Assignment: g.Assignment, Labels: g.Labels, Value: math.NaN()}, best: math.Inf(1)}
				r.end = int(g.Assignment[len(g.Assignment)-1])
				if number, err := strconv.Atoi(g.Labels[suggest.ParentLabel]); err == nil {
					parent := known[number]
					if r.row = parent.row; resume {
						r.step, r.best = parent.step, parent.best
					}
				} else {
					r.row = task.nearest(g.Assignment, taken)
				}
				tell(r.outcome)
				running[w], known[next], next = r, r, next+1
			}
			if r.step < r.end {
				r.best = min(r.best, task.Loss[r.row][r.step])
				r.step++
				used++
				best = min(best, r.best)
			}
			if len(regrets) < len(budgets) && used >= budgets[len(regrets)]*task.Steps() {
				regrets = append(regrets, task.Regret(best))
			}
			if r.step >= r.end {
				r.outcome.State, r.outcome.Value, r.outcome.Step = suggest.Completed, r.best, int64(r.end)
				tell(r.outcome)
				running[w] = nil
			}
		}
	}
	return regrets
}
