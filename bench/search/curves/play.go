package curves

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"qalam/bench/search/problem"
	"qalam/space"
	"qalam/suggest"
)

// Rule decides after each step of a trial whether it stops.
type Rule interface {
	// Stops looks at a trial's values so far; last says that there is no further step.
	Stops(number int, values []float64, last bool) bool
	// Ended is told a trial that ran to its end or was stopped.
	Ended(number int, values []float64, complete bool)
}

// budget follows the best loss as steps are spent.
type budget struct {
	task    *Task
	marks   []int // in full runs, increasing
	used    int
	best    float64
	regrets []float64 // at the marks that were passed
}

func newBudget(t *Task, marks []int) *budget {
	return &budget{task: t, marks: marks, best: math.Inf(1)}
}

// spend pays for one step and reports whether all is spent.
func (b *budget) spend(loss float64) bool {
	b.used++
	b.best = min(b.best, loss)
	for len(b.regrets) < len(b.marks) && b.used >= b.marks[len(b.regrets)]*b.task.steps() {
		b.regrets = append(b.regrets, b.task.Regret(b.best))
	}
	return b.done()
}

func (b *budget) done() bool { return len(b.regrets) == len(b.marks) }

// all are the regrets at all marks, when nothing is left to run.
func (b *budget) all() []float64 {
	for !b.done() {
		b.regrets = append(b.regrets, b.task.Regret(b.best))
	}
	return b.regrets
}

// Stopped runs configurations in a random order, one after the other, under a rule, and returns the regret of the best loss seen
// after so many steps as so many full runs have. make gets the random numbers that follow those of the order.
func Stopped(t *Task, make func(rng *problem.Twister, steps int) Rule, seed int, marks []int) []float64 {
	rng := problem.NewPythonRandom(uint32(seed))
	order := rng.Shuffle(len(t.loss))
	b := newBudget(t, marks)
	rule := make(rng, t.steps())
	for i, row := range order {
		loss := t.loss[row]
		n, stopped := 0, false
		for !stopped && n < len(loss) {
			if b.spend(loss[n]) {
				return b.regrets
			}
			n++
			stopped = rule.Stops(i+1, loss[:n:n], n == len(loss))
		}
		rule.Ended(i+1, loss[:n:n], !stopped && n == len(loss))
	}
	return b.all()
}

// ours makes a Rule of a Stopper.
type ours struct {
	stopper suggest.Stopper
	steps   []int64
}

// Ours makes a Rule of one of our early-stopping rules.
func Ours(s suggest.Stopper) Rule { return &ours{stopper: s} }

func (o *ours) curve(number int, values []float64, state suggest.State) suggest.Curve {
	for len(o.steps) < len(values) {
		o.steps = append(o.steps, int64(len(o.steps)+1))
	}
	return suggest.Curve{Number: number, State: state, Values: values, Steps: o.steps[:len(values):len(values)]}
}

func (o *ours) Stops(number int, values []float64, last bool) bool {
	c := o.curve(number, values, suggest.Pending)
	o.stopper.Tell(c)
	return o.stopper.Judge(c).Stop && !last
}

func (o *ours) Ended(number int, values []float64, complete bool) {
	state := suggest.Stopped
	if complete {
		state = suggest.Completed
	}
	o.stopper.Tell(o.curve(number, values, state))
}

// trained is a trial of a multi-fidelity algorithm.
type trained struct {
	row, step int
	best      float64
}

// Searched lets an algorithm choose configurations and for how long they train, one after the other, and returns regrets as
// Stopped does. A trial that continues another one pays for the further steps only. A point of the space stands for the nearest
// configuration that no other point stood for before.
func Searched(t *Task, s suggest.Suggester, marks []int) ([]float64, error) {
	b := newBudget(t, marks)
	trials, taken := map[int]*trained{}, map[int]bool{}
	for number := 1; ; number++ {
		suggestions, err := s.Ask(number, 1)
		if errors.Is(err, suggest.ErrExhausted) {
			return b.all(), nil
		}
		if err != nil || len(suggestions) != 1 {
			return nil, fmt.Errorf("trial %d: %d suggestions: %w", number, len(suggestions), err)
		}
		g := suggestions[0]
		o := suggest.Outcome{Number: number, Assignment: g.Assignment, Labels: g.Labels, State: suggest.Pending, Value: math.NaN()}
		if err := s.Tell([]suggest.Outcome{o}); err != nil {
			return nil, err
		}
		r := &trained{best: math.Inf(1)}
		if parent, err := strconv.Atoi(g.Labels[suggest.ParentLabel]); err == nil && trials[parent] != nil {
			*r = *trials[parent]
		} else {
			r.row = t.nearest(g.Assignment, taken)
		}
		trials[number] = r
		end := int(g.Assignment[len(g.Assignment)-1])
		for r.step < end {
			r.best = min(r.best, t.loss[r.row][r.step])
			r.step++
			if b.spend(r.best) {
				return b.regrets, nil
			}
		}
		o.State, o.Value, o.Step = suggest.Completed, r.best, int64(end)
		if err := s.Tell([]suggest.Outcome{o}); err != nil {
			return nil, err
		}
	}
}

// nearest is the configuration nearest to a point, of those not taken while there are any. It is taken then.
func (t *Task) nearest(a space.Assignment, taken map[int]bool) int {
	best, at := math.Inf(1), 0
	for i, u := range t.unit {
		if taken[i] && len(taken) < len(t.unit) {
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
