package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/space"
	"qalam/store"
)

func testTrials(t *testing.T, open func() Store) {
	s := owned(t, open)
	full := experiment.Trial{
		Number: 1, Name: "one-a1b2", Assignment: space.Assignment{math.Pi, math.MaxFloat64, math.Inf(-1), 0, -1e-300},
		Labels: map[string]string{"a": "b", "": "<&>\u2028"}, Note: "note", State: experiment.TrialEarlyStopped, Reason: "Because",
		Message: "line\x00with\tall \xff sorts", Fix: "fix it", Attempt: 3, Started: true, Lost: 2, NotBefore: epoch.Add(1),
		Stopping: experiment.StopEarly, StopDetail: "0.3 < 0.4", Created: epoch, Running: epoch.Add(2), Completed: epoch.Add(3),
		Observation: experiment.Observation{{Name: "loss", Min: "0.1", Max: "2", Latest: "nan", Value: math.NaN()},
			{Name: "accuracy", Min: "unavailable", Max: "unavailable", Latest: "unavailable", Value: math.Inf(1)},
			{Name: "f", Min: "0.1", Max: "0.3", Latest: "0.1", Value: 0.1 + 0.2}},
		Step: math.MaxInt64,
	}
	bare := experiment.Trial{Number: math.MaxInt32, Name: "last", State: experiment.TrialPending}
	local := SampleTrial("one", 7, experiment.TrialSucceeded)
	local.Completed = local.Completed.In(time.FixedZone("", 3600))
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Trials: []experiment.Trial{full, local, bare}}))
	local.Completed = local.Completed.UTC()
	for _, s := range []Store{s, opened(t, open)} {
		equal(t, "trials", collect(t, s.Trials(ctx, "u", store.Query{})), []experiment.Trial{full, local, bare})
		equal(t, "history", collect(t, s.History(ctx, "u")), []store.Past{
			{Number: 1, State: full.State, Assignment: full.Assignment, Value: math.NaN(), Others: []float64{math.NaN(), 0.1 + 0.2},
				Step: math.MaxInt64, Labels: full.Labels},
			{Number: 7, State: local.State, Assignment: local.Assignment, Value: math.Sin(7), Labels: local.Labels},
			{Number: math.MaxInt32, State: bare.State, Value: math.NaN()}})
		c, err := s.Counts(ctx, "u")
		check(t, err)
		equal(t, "counts", c, experiment.Counts{Pending: 1, Succeeded: 1, EarlyStopped: 1})
		_, err = s.Counts(ctx, "nobody")
		wantError(t, err, store.ErrNotFound)
		_, err = s.Active(ctx, "nobody")
		wantError(t, err, store.ErrNotFound)
	}
	for _, bad := range []experiment.Trial{{Number: 0, Name: "x", State: experiment.TrialPending},
		{Number: 1 << 31, Name: "x", State: experiment.TrialPending}, {Number: 3, Name: "x", State: "Lost"},
		{Number: 3, State: experiment.TrialPending}} {
		if s.Write(ctx, store.Batch{Experiment: "u", Trials: []experiment.Trial{bad}}) == nil {
			t.Errorf("%+v was recorded", bad)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	wantError(t, s.Write(ended, store.Batch{Experiment: "u"}), context.Canceled)
}

func testQueries(t *testing.T, open func() Store) {
	s := owned(t, open)
	const n = 4500 // more than two pages
	var all []experiment.Trial
	var active []experiment.Trial
	for i := 1; i <= n; i++ {
		tr := SampleTrial("one", i, allStates[i%len(allStates)])
		all = append(all, tr)
		if !tr.State.Terminal() {
			active = append(active, tr)
		}
	}
	shuffled := slices.Clone(all)
	slices.Reverse(shuffled)
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Trials: shuffled}))
	for _, q := range []store.Query{
		{}, {Descending: true}, {After: 2000}, {After: 2000, Descending: true}, {Limit: 1}, {Limit: 2000}, {Limit: 2001}, {Limit: n + 1},
		{After: 4000, Limit: 7}, {After: n}, {After: 1, Descending: true}, {Numbers: []int{3, 4400, 9999, -1}},
		{States: []experiment.TrialState{experiment.TrialFailed}},
		{States: []experiment.TrialState{experiment.TrialFailed, experiment.TrialRunning}, After: 100, Limit: 600, Descending: true},
		{States: []experiment.TrialState{experiment.TrialFailed}, Numbers: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		equal(t, fmt.Sprintf("%+v", q), collect(t, s.Trials(ctx, "u", q)), reference(all, q))
	}
	got, err := s.Active(ctx, "u")
	check(t, err)
	equal(t, "active", got, active)
	equal(t, "history", len(collect(t, s.History(ctx, "u"))), n)
	for _, err := range s.Trials(ctx, "u", store.Query{States: []experiment.TrialState{"Lost"}}) {
		if err == nil {
			t.Fatal("a state that does not exist was found")
		}
	}
	for _, err := range s.History(ctx, "nobody") {
		wantError(t, err, store.ErrNotFound)
	}
	for range s.Trials(ctx, "u", store.Query{}) { // a reader may write, and may leave early
		check(t, s.Write(ctx, store.Batch{Experiment: "u"}))
		break
	}
}

// reference selects trials the plain way.
func reference(all []experiment.Trial, q store.Query) []experiment.Trial {
	var out []experiment.Trial
	for _, t := range all {
		if (len(q.States) == 0 || slices.Contains(q.States, t.State)) && (len(q.Numbers) == 0 || slices.Contains(q.Numbers, t.Number)) {
			out = append(out, t)
		}
	}
	if q.Descending {
		slices.Reverse(out)
	}
	if q.After > 0 {
		out = slices.DeleteFunc(out, func(t experiment.Trial) bool { return (t.Number <= q.After) != q.Descending || t.Number == q.After })
	}
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out
}

func testTerminal(t *testing.T, open func() Store) {
	s := owned(t, open)
	write := func(tr experiment.Trial) error {
		return s.Write(ctx, store.Batch{Experiment: "u", Record: []byte(`"changed"`), Trials: []experiment.Trial{tr}})
	}
	check(t, write(SampleTrial("one", 1, experiment.TrialRunning)))
	check(t, write(SampleTrial("one", 1, experiment.TrialPending)))
	check(t, write(SampleTrial("one", 1, experiment.TrialFailed)))
	again := SampleTrial("one", 1, experiment.TrialFailed)
	again.Message = "known better now"
	check(t, write(again))
	wantError(t, write(SampleTrial("one", 1, experiment.TrialRunning)), store.ErrTerminal)
	equal(t, "trial", collect(t, s.Trials(ctx, "u", store.Query{})), []experiment.Trial{again})
}

func testAtomic(t *testing.T, open func() Store) {
	s := owned(t, open)
	running := []experiment.Trial{SampleTrial("one", 1, experiment.TrialRunning)}
	bad := []store.Append{{Trial: "nobody", Attempt: 1, Source: "out", To: 1}}
	gap := []store.Append{{Trial: "one-1", Attempt: 1, Source: "out", From: 5, To: 9}}
	event := []store.Event{{Kind: "x"}}
	wantError(t, s.Write(ctx, store.Batch{Experiment: "u", Record: []byte(`1`), Trials: running, Appends: bad, Events: event}), store.ErrNotFound)
	wantError(t, s.Write(ctx, store.Batch{Experiment: "u", Record: []byte(`1`), Trials: running, Appends: gap, Events: event}), store.ErrGap)
	wantError(t, s.Write(ctx, store.Batch{Experiment: "nobody", Events: event}), store.ErrNotFound)
	x, err := s.Get(ctx, "u")
	check(t, err)
	events, err := s.Events(ctx, "", 0, 0)
	check(t, err)
	if trials := collect(t, s.Trials(ctx, "u", store.Query{})); x.Record != nil || len(trials) > 0 || len(events) > 0 {
		t.Fatalf("a refused batch leaves %s, %v, %v", x.Record, trials, events)
	}
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Trials: running,
		Appends: []store.Append{{Trial: "one-1", Attempt: 1, Source: "out", To: 5, Points: []metrics.Point{{Name: "a"}}}}}))
	wantError(t, s.Write(ctx, store.Batch{Experiment: "u", Appends: []store.Append{ // the first of these is undone too
		{Trial: "one-1", Attempt: 1, Source: "out", From: 5, To: 7, Points: []metrics.Point{{Name: "a", Offset: 5}}},
		{Trial: "one-1", Attempt: 1, Source: "out", From: 8, To: 9}}}), store.ErrGap)
	sources, err := s.Sources(ctx, "u", 1, 1)
	check(t, err)
	equal(t, "sources", sources, []store.Source{{Attempt: 1, Key: "out", Position: 5, Points: 1}})
	equal(t, "points", len(collect(t, s.Points(ctx, "u", 1, store.PointQuery{}))), 1)
}

// testConcurrent writes from many goroutines at once, good batches among bad ones, while others read.
func testConcurrent(t *testing.T, open func() Store) {
	s, other := owned(t, open), opened(t, open)
	const writers, each = 16, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				number := w*each + i + 1
				tr := SampleTrial("one", number, experiment.TrialRunning)
				b := store.Batch{Experiment: "u", Trials: []experiment.Trial{tr}, Appends: []store.Append{
					{Trial: tr.Name, Attempt: 1, Source: "out", To: 3, Points: []metrics.Point{{Name: "loss", Value: float64(number)}}}}}
				if i%5 == 4 {
					b.Appends[0].From = 2 // a gap: refused, and nobody else suffers
				}
				if err := s.Write(ctx, b); (err != nil) != (i%5 == 4) {
					t.Errorf("trial %d: %v", number, err)
				}
				if _, err := s.Changes(ctx); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			if w%4 > 0 {
				return
			}
			for range 10 {
				for tr, err := range other.Trials(ctx, "u", store.Query{}) {
					if err != nil || tr.State != experiment.TrialRunning {
						t.Errorf("read %v, %v", tr, err)
						return
					}
				}
				if _, err := other.RequestStop(ctx, "u"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for number := 1; number <= writers*each; number++ {
		points := collect(t, s.Points(ctx, "u", number, store.PointQuery{}))
		if refused := (number-1)%each%5 == 4; refused && len(points) > 0 || !refused && (len(points) != 1 || points[0].Value != float64(number)) {
			t.Fatalf("trial %d has points %v", number, points)
		}
	}
	c, err := other.Counts(ctx, "u")
	check(t, err)
	equal(t, "counts", c, experiment.Counts{Running: writers * each * 4 / 5})
}

func testTwoExperiments(t *testing.T, open func() Store) {
	s := owned(t, open)
	check(t, s.Create(ctx, Sample("v", "two")))
	var last []experiment.Trial
	for i, uid := range []string{"u", "v"} { // the same numbers and names in both
		tr := SampleTrial("same", 1, experiment.TrialRunning)
		tr.Message = uid
		check(t, s.Write(ctx, store.Batch{Experiment: uid, Trials: []experiment.Trial{tr}, Appends: []store.Append{
			{Trial: tr.Name, Attempt: 1, Source: "out", To: 3, Points: []metrics.Point{{Name: "loss", Value: float64(i)}}}}}))
		last = append(last, tr)
	}
	for i, uid := range []string{"u", "v"} {
		equal(t, uid, collect(t, s.Trials(ctx, uid, store.Query{})), last[i:i+1])
		points := collect(t, s.Points(ctx, uid, 1, store.PointQuery{}))
		if len(points) != 1 || points[0].Value != float64(i) {
			t.Fatalf("points of %s: %v", uid, points)
		}
	}
	wantError(t, s.Write(ctx, store.Batch{Experiment: "v", Appends: []store.Append{{Trial: "other-9", Attempt: 1, Source: "o"}}}), store.ErrNotFound)
}
