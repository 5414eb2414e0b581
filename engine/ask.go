package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"qalam/experiment"
	"qalam/suggest"
)

// Asking may take long: a model is fitted, and of hundreds of trials at once each one changes it. It is done by a goroutine of its
// own, so that meanwhile outputs are read, trials are stopped and the user is heard. The algorithm belongs to that goroutine until
// it is done: what becomes of trials until then is told after the suggestions are taken up. So every suggestion is made with
// exactly what was told before it, and a run whose trials end in the same order gets the same ones.

// asked is what the algorithm answered.
type asked struct {
	first, count int
	suggestions  []suggest.Suggestion
	err          error
}

// patience is how long an answer is waited for at once: what comes by then is recorded in the same write as what led to the
// question.
const patience = 5 * time.Millisecond

// ask asks the algorithm for assignments, and takes up the answer if it comes soon.
func (r *run) ask(a experiment.Suggest) error {
	r.asking = true
	suggester, answers := r.suggester, r.answers
	go func() {
		suggestions, err := safely(suggester, a)
		answers <- asked{a.First, a.Count, suggestions, err} // there is room for one
	}()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case answer := <-answers:
		return r.answered(answer)
	case <-wait.C:
		return nil
	}
}

// safely asks an algorithm. One that panics would do so again after every restart: it ends its experiment with a reason, and nothing
// else of what this process does.
func safely(s suggest.Suggester, a experiment.Suggest) (suggestions []suggest.Suggestion, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			suggestions, err = nil, fmt.Errorf("it broke at trial %d, which is a fault of this program: %v\n%.2000s", a.First, broken, debug.Stack())
		}
	}()
	return s.Ask(a.First, a.Count)
}

// answered makes trials of what the algorithm answered, as many as are still wanted, and tells it what has happened since.
func (r *run) answered(a asked) error {
	r.asking = false
	wanted := 0
	actions, _ := r.plan()
	for _, action := range actions {
		if s, ok := action.(experiment.Suggest); ok && s.First == a.first {
			wanted = s.Count
		}
	}
	if wanted > len(a.suggestions) { // otherwise it is asked again before what it says matters
		r.understand(a)
	}
	now := time.Now()
	for i, s := range a.suggestions[:min(wanted, len(a.suggestions))] {
		t := experiment.NewTrial(r.state.Spec, r.state.UID, a.first+i, s, now)
		if err := r.put(t); err != nil {
			return err
		}
		if err := r.tell(t); err != nil {
			return err
		}
	}
	untold := r.untold
	r.untold = nil
	for _, t := range untold {
		if err := r.tell(t); err != nil {
			return err
		}
	}
	return nil
}

// understand notes what the algorithm says beside its suggestions.
func (r *run) understand(a asked) {
	switch name := r.state.Spec.Algorithm.Name; {
	case errors.Is(a.err, suggest.ErrExhausted):
		r.state.Exhausted, r.recordDirty = true, true
	case errors.Is(a.err, suggest.ErrWait):
		r.waiting = true
	case a.err != nil:
		r.state.Broken, r.recordDirty = fmt.Sprintf("algorithm %s: %v", name, a.err), true
	case len(a.suggestions) < a.count:
		r.state.Broken, r.recordDirty = fmt.Sprintf("algorithm %s returned %d suggestions where %d were asked for, without saying why",
			name, len(a.suggestions), a.count), true
	}
}

// tell gives the algorithm what is now known of a trial, at once or when it has answered.
func (r *run) tell(t experiment.Trial) error {
	if r.asking {
		r.untold = append(r.untold, t)
		return nil
	}
	outcomes := []suggest.Outcome{experiment.Outcome(t, r.state.Spec.Objective)}
	if err := r.suggester.Tell(outcomes); err != nil {
		return fmt.Errorf("algorithm %s: trial %d: %w", r.state.Spec.Algorithm.Name, t.Number, err)
	}
	r.waiting = false
	return nil
}

// withoutSuggest leaves out what asks the algorithm.
func withoutSuggest(actions []experiment.Action) []experiment.Action {
	return slices.DeleteFunc(actions, func(a experiment.Action) bool {
		_, asks := a.(experiment.Suggest)
		return asks
	})
}
