package experiment

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/metrics"
	"qalam/space"
	"qalam/suggest"
)

// world is an engine, a store and a runner in one: it records every action before it does it, as the real ones do.
type world struct {
	state    State
	trials   []Trial // what the store holds, by number
	now      time.Time
	launched map[[2]int]bool // attempts that the runner was given, by number and attempt
	live     map[int]int     // attempts that the runner has, by number
	begun    map[int]bool    // trials of which an attempt was started
	peak     int
}

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(spec Spec) *world {
	w := &world{now: epoch, launched: map[[2]int]bool{}, live: map[int]int{}, begun: map[int]bool{}}
	w.state = NewState(spec, "uid-1")
	w.state.Create(w.now)
	return w
}

// put records a trial.
func (w *world) put(t Trial) error {
	if t.Number <= len(w.trials) && w.trials[t.Number-1].State.Terminal() {
		return fmt.Errorf("trial %d is over but was recorded again", t.Number)
	}
	if err := w.state.Apply(t); err != nil {
		return err
	}
	if t.Number > len(w.trials) {
		w.trials = append(w.trials, t)
	}
	w.trials[t.Number-1] = t
	return nil
}

// do records an action and carries it out.
func (w *world) do(a Action) error {
	switch a := a.(type) {
	case Suggest:
		for i := range a.Count {
			n := a.First + i
			s := suggest.Suggestion{Assignment: space.Assignment{float64(n) / 100}}
			if err := w.put(NewTrial(w.state.Spec, w.state.UID, n, s, w.now)); err != nil {
				return err
			}
		}
	case Start:
		if err := w.put(MarkStarted(w.trials[a.Number-1])); err != nil {
			return err
		}
		return w.launch(a.Number, a.Attempt)
	case Stop:
		return w.put(MarkStopping(w.trials[a.Number-1], a.Reason, ""))
	case Drop:
		return w.put(MarkDropped(w.trials[a.Number-1], a.Reason, w.now))
	case Finish:
		w.state.Finish(a, w.now)
	}
	return nil
}

// launch hands an attempt to the runner: once, and never beside more than the user allows.
func (w *world) launch(number, attempt int) error {
	if w.launched[[2]int{number, attempt}] {
		return fmt.Errorf("attempt %d of trial %d was launched twice", attempt, number)
	}
	if a, ok := w.live[number]; ok {
		return fmt.Errorf("attempt %d of trial %d was launched beside attempt %d", attempt, number, a)
	}
	w.launched[[2]int{number, attempt}], w.live[number], w.begun[number] = true, attempt, true
	w.peak = max(w.peak, len(w.live))
	if len(w.live) > w.state.Spec.ParallelTrialCount {
		return fmt.Errorf("%d trials live where %d may", len(w.live), w.state.Spec.ParallelTrialCount)
	}
	return nil
}

// end reports the end of a trial's attempt.
func (w *world) end(number int, e End, obs Observation) error {
	delete(w.live, number)
	e.Time = w.now
	return w.put(Conclude(w.trials[number-1], e, obs, w.state.Spec))
}

// settle plans and acts until there is nothing to do.
func (w *world) settle() (done []Action, wake time.Time, err error) {
	for range 1000 {
		actions, wake := Plan(w.state, w.now)
		if len(actions) == 0 {
			return done, wake, nil
		}
		for _, a := range actions {
			if err := w.do(a); err != nil {
				return done, wake, fmt.Errorf("%+v: %w", a, err)
			}
		}
		done = append(done, actions...)
	}
	return done, time.Time{}, fmt.Errorf("the plan does not come to rest")
}

// crash forgets everything but what is recorded.
func (w *world) crash() error {
	data, err := w.state.Record()
	if err != nil {
		return err
	}
	s, err := Restore(w.state.Spec, w.state.UID, data, w.state.Active)
	if err != nil {
		return err
	}
	if err := equal(s, w.state); err != nil {
		return fmt.Errorf("restored: %w", err)
	}
	w.state = s
	return w.folds()
}

// folds checks that the state is what all trials together say.
func (w *world) folds() error {
	f := Fold(w.state.Spec, w.state.UID, slices.Values(w.trials))
	f.Phase, f.Conditions, f.Started, f.Completed = w.state.Phase, w.state.Conditions, w.state.Started, w.state.Completed
	f.Exhausted, f.Broken, f.StopRequested, f.Revision = w.state.Exhausted, w.state.Broken, w.state.StopRequested, w.state.Revision
	if err := equal(f, w.state); err != nil {
		return fmt.Errorf("folded: %w", err)
	}
	return nil
}

// equal compares states by what they print: NaN is equal to NaN there.
func equal(a, b State) error {
	x, y := show(a), show(b)
	if x != y {
		return fmt.Errorf("the states differ:\n%s\n%s", x, y)
	}
	return nil
}

func show(s State) string {
	o := "none"
	if s.Optimal != nil {
		o = fmt.Sprintf("%+v", *s.Optimal)
	}
	b := func(n *int) string {
		if n == nil {
			return "nil"
		}
		return strconv.Itoa(*n)
	}
	s.Optimal = nil
	budgets := fmt.Sprint(s.Spec.ParallelTrialCount, b(s.Spec.MaxTrialCount), b(s.Spec.MaxFailedTrialCount))
	s.Spec = Spec{}
	if len(s.Active) == 0 {
		s.Active = nil
	}
	return fmt.Sprintf("%+v optimal %s budgets %s", s, o, budgets)
}

// best is the slow, obvious way to find the optimal trial's number: 0 when there is none.
func best(trials []Trial, o Objective) int {
	number, value := 0, math.NaN()
	for _, t := range trials {
		if t.State != TrialSucceeded && t.State != TrialEarlyStopped {
			continue
		}
		v := o.Value(t.Observation)
		if math.IsNaN(v) {
			continue
		}
		if number == 0 || o.Direction == Maximize && v > value || o.Direction != Maximize && v < value {
			number, value = t.Number, v
		}
	}
	return number
}

// observed makes the observation of metrics written as name=value,value,….
func observed(o Objective, fields []string) Observation {
	sums := map[string]metrics.Summary{}
	for _, f := range fields {
		name, values, _ := strings.Cut(f, "=")
		sum := sums[name]
		for i, v := range strings.Split(values, ",") {
			sum.Add(point(name, v, i))
		}
		sums[name] = sum
	}
	return Observe(sums, o)
}

func point(name, text string, i int) metrics.Point {
	p := metrics.Point{Name: name, Value: number(text), Step: metrics.NoStep, Offset: int64(i), Time: epoch.Add(time.Duration(i))}
	if math.IsNaN(p.Value) {
		p.Text = text
	}
	return p
}
