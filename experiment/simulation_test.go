package experiment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// simulation runs one experiment against a runner whose trials do what they like, and an engine that crashes between what it
// recorded and what it did.
type simulation struct {
	*world
	r       *rand.Rand
	undone  []Action // recorded, not yet done
	crashes int
	tally   map[TrialState]int
}

// TestSimulation runs 100,000 trials, of which some fail, are lost, are interrupted, print nothing or nothing finite, or are
// stopped early, while the engine forgets everything now and then. The invariants of the design hold throughout, and with
// the last trial the experiment is over.
func TestSimulation(t *testing.T) {
	trials := 100_000
	if testing.Short() || raceEnabled {
		trials = 5_000
	}
	for _, parallel := range []int{1, 16, 64} {
		t.Run(fmt.Sprintf("%d in parallel", parallel), func(t *testing.T) {
			n := trials
			if parallel != 64 {
				n = trials / 20
			}
			goal := -1.0 // beyond what any trial reaches
			spec := Spec{Name: "tune", ParallelTrialCount: parallel, MaxTrialCount: &n, Retry: Retry{Lost: 1, Backoff: 10 * time.Second},
				Objective: Objective{Metric: "loss", Direction: Minimize, Goal: &goal}}
			s := &simulation{world: newWorld(spec), r: rand.New(rand.NewPCG(1, uint64(parallel))), tally: map[TrialState]int{}}
			if err := s.run(n); err != nil {
				t.Fatalf("seed (1, %d): %v", parallel, err)
			}
			if s.peak > parallel || s.peak < min(parallel, n) {
				t.Errorf("%d trials were live at once, with %d in parallel", s.peak, parallel)
			}
			if len(s.begun) != n || s.state.Counts.Total() != n || s.state.Reason() != ReasonMaxTrials {
				t.Errorf("%d trials began, %d are counted, the end is %s: want exactly %d", len(s.begun), s.state.Counts.Total(), s.state.Reason(), n)
			}
			for _, state := range []TrialState{TrialSucceeded, TrialFailed, TrialEarlyStopped, TrialMetricsUnavailable, TrialKilled} {
				if s.tally[state] == 0 {
					t.Errorf("no trial became %s: the simulation shows less than it should", state)
				}
			}
			if s.crashes == 0 {
				t.Error("nothing crashed")
			}
			t.Logf("%v, %d crashes", s.tally, s.crashes)
		})
	}
}

// run goes on until the experiment is over. Every step ends a trial, hands one over or lets time pass, so that the number of
// steps is bounded by the work (I11).
func (s *simulation) run(trials int) error {
	for step := range trials * 20 {
		if err := s.plan(); err != nil {
			return err
		}
		if s.state.Finished() {
			if len(s.live) > 0 {
				return fmt.Errorf("%d trials live on after the end", len(s.live))
			}
			return s.check()
		}
		if s.r.IntN(trials/20+1) == 0 {
			if err := s.recover(); err != nil {
				return err
			}
		}
		if err := s.happen(); err != nil {
			return err
		}
		if step%(trials/4+1) == 0 {
			if err := s.check(); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the experiment does not end: %s", show(s.state))
}

// plan records what is planned; what is to be done with the runner waits a while.
func (s *simulation) plan() error {
	for {
		actions, _ := Plan(s.state, s.now)
		if len(actions) == 0 {
			return nil
		}
		for _, a := range actions {
			start, ok := a.(Start)
			if !ok {
				if err := s.do(a); err != nil {
					return err
				}
				continue
			}
			if err := s.put(MarkStarted(s.trials[start.Number-1])); err != nil {
				return err
			}
			s.undone = append(s.undone, start)
		}
	}
}

// recover is a crash: what was not recorded is forgotten, and what was recorded but perhaps not done is done by the next
// engine, which asks the runner what it has.
func (s *simulation) recover() error {
	s.crashes++
	s.undone = nil
	if err := s.crash(); err != nil {
		return err
	}
	for _, t := range s.state.Active {
		if _, runs := s.live[t.Number]; t.Started && !runs {
			s.undone = append(s.undone, Start{t.Number, t.Attempt})
		}
	}
	return nil
}

// happen lets one thing happen in the world.
func (s *simulation) happen() error {
	s.now = s.now.Add(time.Second)
	if len(s.undone) > 0 && (len(s.live) == 0 || s.r.IntN(2) == 0) {
		a := s.undone[0].(Start)
		s.undone = s.undone[1:]
		return s.launch(a.Number, a.Attempt)
	}
	if len(s.live) == 0 {
		s.now = s.now.Add(time.Minute) // all wait for their repetition
		return nil
	}
	active := s.state.Active[s.r.IntN(len(s.state.Active))]
	if _, runs := s.live[active.Number]; !runs {
		return nil
	}
	switch p := s.r.IntN(100); {
	case active.State == TrialPending && p < 60:
		return s.put(MarkRunning(active, s.now))
	case active.State == TrialRunning && p < 5:
		return s.put(MarkPending(active, "BackOff", "restarting"))
	case p < 10:
		return s.put(MarkStopping(active, StopEarly, "slow"))
	}
	return s.conclude(active)
}

func (s *simulation) conclude(t Trial) error {
	e := End{Cause: EndSucceeded}
	printed := []string{fmt.Sprint(s.r.Float64())}
	switch p := s.r.IntN(100); {
	case t.Stopping != "" && p < 80:
		e.Cause = EndStopped
	case p < 5:
		e.Cause = EndFailed
	case p < 10:
		e.Cause = EndLost
	case p < 12:
		e.Cause = EndInterrupted
	case p < 14:
		e.Cause = EndStopped // from outside
	case p < 20:
		printed = nil
	case p < 30:
		printed = []string{values[s.r.IntN(len(values))]}
	}
	for i, v := range printed { // never below what the goal is
		if v == "-1" {
			printed[i] = "0"
		}
	}
	if err := s.end(t.Number, e, observeTexts(s.state.Spec.Objective, printed)); err != nil {
		return err
	}
	if state := s.trials[t.Number-1].State; state.Terminal() {
		s.tally[state]++
	}
	return nil
}
