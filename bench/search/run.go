package main

import (
	"container/heap"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"qalam/bench/search/problem"
	"qalam/bench/search/stats"
	"qalam/suggest"
)

// run makes one search and follows its regret. Workers are simulated: each takes up the next trial as soon as its last one ends,
// and how long a trial takes is drawn from the seed and the trial's number, so that all methods meet the same durations.
func run(m method, t task) (r record, err error) {
	r = record{method: m.name(), problem: t.problem.Name, seed: t.seed, workers: t.workers}
	instance, err := t.problem.Open(t.seed)
	if err != nil {
		return r, err
	}
	s, err := m.open(t)
	if err != nil {
		return r, err
	}
	defer s.close()
	sim := simulation{task: t, session: s, record: &r, instance: instance, incumbent: newIncumbent(instance)}
	err = sim.run()
	return r, err
}

// simulation is a search under way.
type simulation struct {
	task
	session
	record    *record
	instance  *problem.Instance
	incumbent *incumbent
	running   ends
	clock     float64
	exhausted bool
	started   int
}

func (s *simulation) run() error {
	for {
		if err := s.start(); err != nil {
			return fmt.Errorf("trial %d: %w", s.started+1, err)
		}
		if len(s.running) == 0 {
			return nil // all are done, or the space is exhausted
		}
		end := heap.Pop(&s.running).(end)
		s.clock = end.at
		if r, ok := s.session.(repeater); ok {
			end.repeats, _ = r.repeats(end.number)
		}
		took, err := s.session.tell([]trial{end.trial})
		s.record.tell += took.wall
		if err != nil {
			return fmt.Errorf("after trial %d: %w", end.number, err)
		}
		s.record.trials++
		s.record.time = s.clock
		s.record.add(s.incumbent.after(end.trial, s.instance))
	}
}

// start hands the next trials to idle workers.
func (s *simulation) start() error {
	free := min(s.workers-len(s.running), s.trials-s.started)
	if free <= 0 || s.exhausted {
		return nil
	}
	assignments, took, err := s.session.ask(s.started+1, free)
	s.record.ask += took.wall
	switch {
	case errors.Is(err, suggest.ErrExhausted):
		s.exhausted = true
	case errors.Is(err, suggest.ErrWait):
		if len(assignments) == 0 && len(s.running) == 0 {
			return errors.New("it waits although no trial is running")
		}
	case err != nil:
		return err
	case len(assignments) != free:
		return fmt.Errorf("it proposes %d trials instead of %d", len(assignments), free)
	}
	for _, a := range assignments {
		s.started++
		t := trial{number: s.started, assignment: a, result: s.instance.Observe(s.started-1, a)}
		if s.instance.Broken != nil {
			if err := s.instance.Broken(); err != nil {
				return err
			}
		}
		heap.Push(&s.running, end{t, s.clock + duration(s.seed, t.number)})
	}
	return nil
}

// duration is how long a trial takes: lognormal, its logarithm with mean 0 and standard deviation 0.5.
func duration(seed, number int) float64 {
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(number)))
	return math.Exp(0.5 * rng.NormFloat64())
}

// end is when a running trial ends.
type end struct {
	trial
	at float64
}

// ends is a heap of running trials, the first to end on top.
type ends []end

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at < e[j].at }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(v any)        { *e = append(*e, v.(end)) }
func (e *ends) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// repeater is a session that tries assignments again to learn how good they are on average.
type repeater interface {
	// repeats is the number of the trial that another one repeats.
	repeats(number int) (of int, ok bool)
}

// incumbent follows what a search has found: the true value of what was observed to be best among the feasible, or the
// hypervolume of the front. Once there are repetitions, it is what is best by their means, as qalam best has it.
type incumbent struct {
	observed   float64
	regret     float64
	front      *problem.Front    // nil with one objective
	repeated   map[int][]float64 // results of repetitions, by the trial that is repeated
	trueRegret map[int]float64   // the regret of what is repeated
}

func newIncumbent(in *problem.Instance) *incumbent {
	i := &incumbent{observed: math.Inf(1), regret: math.Inf(1), repeated: map[int][]float64{}, trueRegret: map[int]float64{}}
	if in.Reference != nil {
		i.front, i.regret = &problem.Front{Reference: in.Reference}, in.Best
	}
	return i
}

// after is the regret once a trial has ended.
func (i *incumbent) after(t trial, in *problem.Instance) float64 {
	if !t.result.Feasible() {
		return i.regret
	}
	if i.front != nil {
		if i.front.Add(in.True(t.assignment).Values) {
			i.regret = in.Best - i.front.Hypervolume()
		}
		return i.regret
	}
	if t.repeats > 0 {
		i.repeated[t.repeats] = append(i.repeated[t.repeats], t.result.Values[0])
		i.trueRegret[t.repeats] = in.True(t.assignment).Values[0] - in.Best
		lowest := math.Inf(1)
		for _, of := range slices.Sorted(maps.Keys(i.repeated)) {
			if m := stats.Mean(i.repeated[of]); m < lowest {
				lowest, i.regret = m, i.trueRegret[of]
			}
		}
		return i.regret
	}
	if len(i.repeated) == 0 && t.result.Values[0] < i.observed {
		i.observed = t.result.Values[0]
		i.regret = in.True(t.assignment).Values[0] - in.Best
	}
	return i.regret
}

// record is what is kept of one search.
type record struct {
	method, problem string
	seed            int
	workers         int
	trials          int // that ended
	path            []step
	fixed           map[int]float64 // regret at certain trials, of records whose path is not known
	ask, tell       time.Duration   // of the searcher, by the clock
	time            float64         // simulated, in which all trials ended
}

// step is a change of regret.
type step struct {
	trial  int
	regret float64
}

// add notes the regret after the trial that ended last.
func (r *record) add(regret float64) {
	if n := len(r.path); n == 0 || r.path[n-1].regret != regret {
		r.path = append(r.path, step{r.trials, regret})
	}
}

// at is the regret after so many trials; ok is false when the search was shorter or the record does not tell.
func (r *record) at(trials int) (regret float64, ok bool) {
	if r.fixed != nil {
		regret, ok = r.fixed[trials]
		if !ok && trials == r.trials { // columns beyond the last trial tell of that
			regret, ok = r.fixed[slices.Max(slices.AppendSeq([]int{0}, maps.Keys(r.fixed)))]
		}
		return regret, ok && trials <= r.trials
	}
	if trials > r.trials || len(r.path) == 0 {
		return math.NaN(), false
	}
	for _, s := range r.path {
		if s.trial > trials {
			break
		}
		regret = s.regret
	}
	return regret, true
}

// firstFinite is the first trial after which there is a regret; infinite when there is none.
func (r *record) firstFinite() float64 {
	for _, s := range r.path {
		if !math.IsInf(s.regret, 1) {
			return float64(s.trial)
		}
	}
	return math.Inf(1)
}
