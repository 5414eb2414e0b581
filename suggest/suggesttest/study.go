package suggesttest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// study plays the part of an experiment: it asks, starts trials, and lets them end in a random order with random states. The same
// seed plays the same part.
type study struct {
	space     *space.Space
	suggester suggest.Suggester
	rng       *rand.Rand
	next      int               // number of the next trial
	running   []suggest.Outcome // pending trials
	journal   []suggest.Outcome // everything told, in order
	asked     []asked
	exhausted bool
}

// asked is one answer, with the length of the journal before it.
type asked struct {
	journal, first, n int
	suggestions       []suggest.Suggestion
	err               error
}

func newStudy(s *space.Space, suggester suggest.Suggester, seed uint64) *study {
	return &study{space: s, suggester: suggester, rng: rand.New(rand.NewPCG(seed, 7)), next: 1}
}

// objective is a smooth function of the assignment with one minimum, at 0.3 in every coordinate of the unit cube.
func objective(s *space.Space, a space.Assignment) float64 {
	sum := 0.0
	for _, u := range s.ToUnit(a, nil) {
		sum += (u - 0.3) * (u - 0.3)
	}
	return sum
}

// run plays until so many trials were started, up to parallel at a time, or the space is exhausted.
func (st *study) run(trials, parallel int) error {
	for st.next <= trials && !st.exhausted {
		free := min(parallel-len(st.running), trials-st.next+1)
		if free > 0 {
			before := st.next
			if err := st.ask(1 + st.rng.IntN(free)); err != nil {
				return err
			}
			if st.next == before && !st.exhausted && len(st.running) == 0 {
				return errors.New("it waits although no trial is running")
			}
		}
		for range min(len(st.running), 1+st.rng.IntN(parallel)) {
			if err := st.finish(); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask asks for n trials, checks the answer and starts them.
func (st *study) ask(n int) error {
	suggestions, err := st.suggester.Ask(st.next, n)
	st.asked = append(st.asked, asked{len(st.journal), st.next, n, suggestions, err})
	if problem := checkAnswer(st.space, suggestions, n, err); problem != nil {
		return fmt.Errorf("trials %d to %d: %w", st.next, st.next+n-1, problem)
	}
	st.exhausted = errors.Is(err, suggest.ErrExhausted)
	var started []suggest.Outcome
	for _, s := range suggestions {
		started = append(started, suggest.Outcome{Number: st.next, Assignment: s.Assignment, Value: math.NaN(), Labels: s.Labels})
		st.next++
	}
	st.running = append(st.running, started...)
	return st.tell(started...)
}

// finish ends a random running trial: mostly completed, some failed, some stopped early with or without a value.
func (st *study) finish() error {
	i := st.rng.IntN(len(st.running))
	o := st.running[i]
	st.running = slices.Delete(st.running, i, i+1)
	switch st.rng.IntN(10) {
	case 0:
		o.State = suggest.Failed
	case 1:
		o.State = suggest.Stopped
	case 2:
		o.State, o.Value = suggest.Stopped, objective(st.space, o.Assignment)+1
	default:
		o.State, o.Value = suggest.Completed, objective(st.space, o.Assignment)
	}
	return st.tell(o)
}

// tell keeps a copy of what is told, and overwrites the slice afterwards, which is the caller's again.
func (st *study) tell(outcomes ...suggest.Outcome) error {
	st.journal = append(st.journal, outcomes...)
	slice := slices.Clone(outcomes)
	if err := st.suggester.Tell(slice); err != nil {
		return fmt.Errorf("tell %+v: %w", outcomes, err)
	}
	for i := range slice {
		slice[i] = suggest.Outcome{Number: -1, Value: math.Inf(-1)}
	}
	return nil
}

// checkAnswer says what is wrong with an answer to Ask(_, n).
func checkAnswer(s *space.Space, suggestions []suggest.Suggestion, n int, err error) error {
	short := errors.Is(err, suggest.ErrExhausted) || errors.Is(err, suggest.ErrWait)
	switch {
	case err != nil && !short:
		return err
	case len(suggestions) > n:
		return fmt.Errorf("asked for %d, got %d suggestions", n, len(suggestions))
	case len(suggestions) < n && !short:
		return fmt.Errorf("asked for %d, got %d suggestions without ErrExhausted or ErrWait", n, len(suggestions))
	case len(suggestions) == n && n > 0 && err != nil:
		return fmt.Errorf("got all %d suggestions, and %w", n, err)
	}
	for i, suggestion := range suggestions {
		if !s.Contains(suggestion.Assignment) {
			return fmt.Errorf("suggestion %d, %v, is outside the space", i, suggestion.Assignment)
		}
	}
	return nil
}

// compact keeps the last outcome of every number, at the place where it was told: what a restarted engine knows.
func compact(journal []suggest.Outcome) []suggest.Outcome {
	last := map[int]int{}
	for i, o := range journal {
		last[o.Number] = i
	}
	var kept []suggest.Outcome
	for i, o := range journal {
		if last[o.Number] == i {
			kept = append(kept, o)
		}
	}
	return kept
}
