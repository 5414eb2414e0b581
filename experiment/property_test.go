package experiment

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qalam/metrics"
	"qalam/suggest"
)

// values are what trials print for their objective: numbers that tie, and everything that must never be best.
var values = []string{"0.1", "0.2", "0.2", "0.30", "-1", "5", "nan", "NaN", "inf", "-inf", "", "1e999", "-1e999", "Genotype(a)", "unavailable"}

func drawSpec(t *rapid.T) Spec {
	optional := func(name string, lo, hi int) *int {
		if !rapid.Bool().Draw(t, name+" given") {
			return nil
		}
		return clone(new(rapid.IntRange(lo, hi).Draw(t, name)))
	}
	s := Spec{Name: "tune", ParallelTrialCount: rapid.IntRange(1, 4).Draw(t, "parallel"), MaxTrialCount: optional("max", 1, 12),
		MaxFailedTrialCount: optional("failed", 0, 5), Retry: Retry{Lost: rapid.IntRange(0, 2).Draw(t, "lost"), Backoff: time.Minute},
		Resume: ResumeLongRunning,
		Objective: Objective{Metric: "loss", Direction: rapid.SampledFrom([]Direction{Minimize, Maximize}).Draw(t, "direction"),
			Strategies: map[string]Strategy{"loss": rapid.SampledFrom([]Strategy{Min, Max, Latest}).Draw(t, "strategy")}}}
	if rapid.Bool().Draw(t, "goal given") {
		s.Objective.Goal = new(rapid.SampledFrom([]float64{-1, 0.1, 5, 100}).Draw(t, "goal"))
	}
	return s
}

// TestAnyHistory drives experiments through whatever can happen to them, in any order: trials end in every way, budgets are
// edited, the user stops and resumes, everything but the record is forgotten. The invariants hold after every step: no trial
// is lost (I1) or run twice (I2), the budgets hold (I3), the best is right (I5), what is over stays over (I8), and what was
// kept up trial by trial is what all trials add up to.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(drawSpec(t))
		started := 0 // most trials that any budget so far allowed
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if n := w.state.Spec.MaxTrialCount; n == nil {
				started = math.MaxInt
			} else {
				started = max(started, *n)
			}
			if err := anyStep(t, w); err != nil {
				t.Fatal(err)
			}
			if len(w.begun) > started {
				t.Fatalf("%d trials were started where %d may", len(w.begun), started)
			}
			if err := w.check(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.drain(); err != nil {
			t.Fatal(err)
		}
	})
}

// drain lets every trial succeed from now on: an experiment with a budget must then end (I11).
func (w *world) drain() error {
	for range 100 {
		_, _, err := w.settle()
		if err != nil || w.state.Finished() || w.state.Spec.MaxTrialCount == nil {
			return err
		}
		for _, n := range w.liveNumbers() {
			if err := w.end(n, End{Cause: EndSucceeded}, nil); err != nil {
				return err
			}
		}
		w.now = w.now.Add(time.Hour)
	}
	return fmt.Errorf("the experiment does not end: %s", show(w.state))
}

func anyStep(t *rapid.T, w *world) error {
	w.now = w.now.Add(time.Second)
	live := w.liveNumbers()
	if len(live) > 0 && rapid.IntRange(0, 3).Draw(t, "of a trial") > 0 {
		return trialStep(t, w, rapid.SampledFrom(live).Draw(t, "trial"))
	}
	switch rapid.SampledFrom([]string{"settle", "settle", "one", "crash", "later", "edit", "resume", "stop", "exhausted"}).Draw(t, "step") {
	case "settle":
		_, _, err := w.settle()
		return err
	case "one":
		if actions, _ := Plan(w.state, w.now); len(actions) > 0 {
			return w.do(actions[0])
		}
	case "crash":
		return w.crash()
	case "later":
		w.now = w.now.Add(time.Hour)
	case "stop":
		w.state.StopRequested = rapid.IntRange(0, 4).Draw(t, "wish") == 0
	case "exhausted":
		w.state.Exhausted = rapid.IntRange(0, 9).Draw(t, "end") == 0
	case "edit", "resume":
		e := Edit{Parallel: new(rapid.IntRange(0, 5).Draw(t, "parallel")), Max: new(rapid.IntRange(0, 15).Draw(t, "max")),
			MaxFailed: new(rapid.IntRange(0, 9).Draw(t, "failed"))}
		before := show(w.state)
		change := rapid.SampledFrom([]func(State, Edit, time.Time) (State, error){ApplyEdit, Resume}).Draw(t, "change")
		s, err := change(w.state, e, w.now)
		if show(w.state) != before {
			return fmt.Errorf("an edit changed the state it was given")
		}
		if err == nil {
			w.state = s
		}
	}
	return nil
}

func trialStep(t *rapid.T, w *world, n int) error {
	tr := w.trials[n-1]
	switch rapid.SampledFrom([]string{"running", "pending", "early", "end", "end"}).Draw(t, "happens") {
	case "running":
		return w.put(MarkRunning(tr, w.now))
	case "pending":
		return w.put(MarkPending(tr, "BackOff", "restarting"))
	case "early":
		return w.put(MarkStopping(tr, StopEarly, "slow"))
	}
	cause := rapid.SampledFrom([]EndCause{EndSucceeded, EndSucceeded, EndFailed, EndLost, EndInterrupted, EndStopped}).Draw(t, "cause")
	printed := rapid.SliceOfN(rapid.SampledFrom(values), 0, 3).Draw(t, "printed")
	return w.end(n, End{Cause: cause}, observeTexts(w.state.Spec.Objective, printed))
}

func observeTexts(o Objective, texts []string) Observation {
	var sum metrics.Summary
	for i, v := range texts {
		sum.Add(point(o.Metric, v, i))
	}
	return Observe(map[string]metrics.Summary{o.Metric: sum}, o)
}

func (w *world) liveNumbers() []int {
	var live []int
	for _, t := range w.state.Active {
		if _, ok := w.live[t.Number]; ok {
			live = append(live, t.Number)
		}
	}
	return live
}

// check looks at everything there is, the slow way.
func (w *world) check() error {
	if err := w.folds(); err != nil {
		return err
	}
	s := w.state
	if s.Counts.Total() != s.Next-1 || len(w.trials) != s.Next-1 {
		return fmt.Errorf("%d trials were suggested, %d counted, %d recorded", s.Next-1, s.Counts.Total(), len(w.trials))
	}
	for number, attempt := range w.live {
		if t, ok := s.ActiveTrial(number); !ok || t.Attempt != attempt || !t.Started {
			return fmt.Errorf("attempt %d of trial %d is live but not on record", attempt, number)
		}
	}
	number := best(w.trials, s.Spec.Objective)
	switch {
	case number > 0 && (s.Optimal == nil || s.Optimal.Number != number):
		return fmt.Errorf("trial %d is best, the state says %+v", number, s.Optimal)
	case number == 0 && s.Optimal != nil && !s.Spec.Objective.textual(s.Optimal.Observation):
		return fmt.Errorf("no trial has a value, the state says %+v", s.Optimal)
	case number == 0 && s.GoalReached:
		return fmt.Errorf("no trial has a value but the goal is reached")
	}
	if s.Finished() && len(s.Active) > 0 {
		return fmt.Errorf("the experiment is %s while %d trials are active", s.Phase, len(s.Active))
	}
	for i := 1; i < len(s.Conditions); i++ {
		if s.Conditions[i].Updated.Before(s.Conditions[i-1].Updated) {
			return fmt.Errorf("conditions out of order: %v", s.Conditions)
		}
	}
	once, _ := Plan(s, w.now)
	if twice, _ := Plan(s, w.now); !slices.Equal(once, twice) {
		return fmt.Errorf("asked twice, the plan is %v and %v", once, twice)
	}
	return nil
}

// TestBestInAnyOrder ends the same trials in every order: the optimal trial and the goal do not depend on it, and no value
// that is not a finite number is ever best.
func TestBestInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		texts := rapid.SliceOfN(rapid.SampledFrom(values), 1, 8).Draw(t, "values")
		order := rapid.Permutation(sequence(len(texts))).Draw(t, "order")
		s := NewState(spec, "uid")
		var pending, ended []Trial
		for i := range texts {
			tr := NewTrial(spec, "uid", i+1, suggest.Suggestion{}, epoch)
			pending = append(pending, tr)
			must(t, s.Apply(tr))
		}
		for _, i := range order {
			tr := MarkStarted(pending[i])
			must(t, s.Apply(tr))
			tr = Conclude(tr, End{Cause: EndSucceeded, Time: epoch}, observeTexts(spec.Objective, texts[i:i+1]), spec)
			must(t, s.Apply(tr))
			ended = append(ended, tr)
		}
		if got := Fold(spec, "uid", slices.Values(ended)); equal(got, s) != nil {
			t.Fatal(equal(got, s))
		}
		slices.SortFunc(ended, byNumber)
		want := best(ended, spec.Objective)
		if want > 0 && (s.Optimal == nil || s.Optimal.Number != want || !finite(s.Optimal.Value)) {
			t.Fatalf("of %q in order %v the best is %d, not %+v", texts, order, want, s.Optimal)
		}
		if reached := want > 0 && spec.Objective.Reached(s.Optimal.Value); s.GoalReached != reached {
			t.Fatalf("goal reached: %t, should be %t", s.GoalReached, reached)
		}
	})
}

func sequence(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
