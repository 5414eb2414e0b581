package curves

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"qalam/suggest"
)

// Budget follows the best loss of a task as steps are spent.
type Budget struct {
	task    *Task
	marks   []int
	used    int // steps
	best    float64
	regrets []float64 // at the marks that were passed
}

// NewBudget ends at the last of some marks, in full runs, which increase.
func NewBudget(t *Task, marks []int) *Budget {
	return &Budget{task: t, marks: marks, best: math.Inf(1)}
}

// Spend pays for one step and reports whether all is spent.
func (b *Budget) Spend(loss float64) (done bool) {
	b.used++
	b.best = min(b.best, loss)
	for len(b.regrets) < len(b.marks) && b.used >= b.marks[len(b.regrets)]*b.task.Steps() {
		b.regrets = append(b.regrets, b.task.Regret(b.best))
	}
	return len(b.regrets) == len(b.marks)
}

// Regrets are those of the best loss at each mark; at marks that were not reached, of the best loss of all.
func (b *Budget) Regrets() []float64 {
	for len(b.regrets) < len(b.marks) {
		b.regrets = append(b.regrets, b.task.Regret(b.best))
	}
	return b.regrets
}

// Stopped runs configurations in an order, so many side by side, step by step, under a rule, and returns the regret of the best
// loss seen after as many steps as so many full runs have. A rule that is nil stops nothing.
func Stopped(t *Task, rule suggest.Stopper, order []int, parallel int, marks []int) []float64 {
	b := NewBudget(t, marks)
	steps := make([]int64, t.Steps())
	for i := range steps {
		steps[i] = int64(i + 1)
	}
	running := make([]suggest.Curve, parallel) // Number 0 is idle
	for next, busy := 0, true; busy; {
		busy = false
		for w := range running {
			c := &running[w]
			if c.Number == 0 && next < len(order) {
				next++
				*c = suggest.Curve{Number: next}
			}
			if c.Number == 0 {
				continue
			}
			busy = true
			loss, n := t.Loss[order[c.Number-1]], len(c.Values)+1
			c.Values, c.Steps = loss[:n:n], steps[:n:n]
			if b.Spend(loss[n-1]) {
				return b.Regrets()
			}
			if judged(rule, c, n == len(loss)) {
				*c = suggest.Curve{}
			}
		}
	}
	return b.Regrets()
}

// judged tells a rule of a step and reports whether the trial is over, which it tells too.
func judged(rule suggest.Stopper, c *suggest.Curve, last bool) (over bool) {
	if rule == nil {
		return last
	}
	rule.Tell(*c)
	stop := rule.Judge(*c).Stop
	switch {
	case last:
		c.State = suggest.Completed
	case stop:
		c.State = suggest.Stopped
	default:
		return false
	}
	rule.Tell(*c)
	return true
}

// run is a trial that trains.
type run struct {
	outcome   suggest.Outcome
	row       int
	step, end int // trained so far, and to be trained
	best      float64
}

// search plays the part of an experiment.
type search struct {
	task      *Task
	suggester suggest.Suggester
	runs      []*run // by number less one
	taken     map[int]bool
}

// Searched lets an algorithm choose configurations and for how many steps they train, so many trials side by side, and returns
// regrets as Stopped does. A trial that continues another one pays for the further steps only. A point of the space stands for the
// nearest configuration that no other point stood for before.
func Searched(t *Task, suggester suggest.Suggester, parallel int, marks []int) ([]float64, error) {
	s := &search{task: t, suggester: suggester, taken: map[int]bool{}}
	b := NewBudget(t, marks)
	running := make([]*run, parallel)
	for {
		var idle error // why nothing runs
		for w := range running {
			if running[w] == nil {
				r, err := s.next()
				if errors.Is(err, suggest.ErrWait) || errors.Is(err, suggest.ErrExhausted) {
					idle = err
					continue
				}
				if err != nil {
					return nil, err
				}
				running[w] = r
			}
			r := running[w]
			if r.step < r.end {
				r.best = min(r.best, t.Loss[r.row][r.step])
				r.step++
				if b.Spend(r.best) {
					return b.Regrets(), nil
				}
			}
			if r.step < r.end {
				continue
			}
			r.outcome.State, r.outcome.Value, r.outcome.Step = suggest.Completed, r.best, int64(r.end)
			if err := suggester.Tell([]suggest.Outcome{r.outcome}); err != nil {
				return nil, err
			}
			running[w] = nil
		}
		if busy := slices.ContainsFunc(running, func(r *run) bool { return r != nil }); busy || idle == nil {
			continue
		}
		if errors.Is(idle, suggest.ErrExhausted) {
			return b.Regrets(), nil
		}
		return nil, fmt.Errorf("nothing runs: %w", idle)
	}
}

// next asks for a trial and tells that it was started.
func (s *search) next() (*run, error) {
	number := len(s.runs) + 1
	suggestions, err := s.suggester.Ask(number, 1)
	if err == nil && len(suggestions) != 1 {
		err = fmt.Errorf("%d suggestions", len(suggestions))
	}
	if err != nil {
		return nil, fmt.Errorf("trial %d: %w", number, err)
	}
	g := suggestions[0]
	r := &run{
		outcome: suggest.Outcome{Number: number, Assignment: g.Assignment, Labels: g.Labels, State: suggest.Pending, Value: math.NaN()},
		end:     int(g.Assignment[len(g.Assignment)-1]), best: math.Inf(1),
	}
	if parent, err := strconv.Atoi(g.Labels[suggest.ParentLabel]); err == nil && parent > 0 && parent < number {
		from := s.runs[parent-1]
		r.row, r.step, r.best = from.row, from.step, from.best
	} else {
		r.row = s.task.nearest(g.Assignment, s.taken)
	}
	s.runs = append(s.runs, r)
	return r, s.suggester.Tell([]suggest.Outcome{r.outcome})
}
