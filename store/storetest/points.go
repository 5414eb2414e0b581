package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/store"
)

// withTrial is owned, with the running trials one-1 and one-2.
func withTrial(t *testing.T, open func() Store) Store {
	t.Helper()
	s := owned(t, open)
	check(t, s.Write(ctx, store.Batch{Experiment: "u",
		Trials: []experiment.Trial{SampleTrial("one", 1, experiment.TrialRunning), SampleTrial("one", 2, experiment.TrialRunning)}}))
	return s
}

func testPoints(t *testing.T, open func() Store) {
	s := withTrial(t, open)
	ms := epoch.Truncate(time.Millisecond)
	points := []metrics.Point{
		{Name: "loss", Value: 0.25, Step: 1, Time: ms, Offset: 0},
		{Name: "accuracy", Value: -math.MaxFloat64, Step: 1, Time: ms.Add(-time.Hour), Offset: 0, Index: 1},
		{Name: "loss", Value: math.NaN(), Text: "nan", Step: metrics.NoStep, Offset: 10},
		{Name: "loss", Value: math.NaN(), Text: "Genotype(\x00\xff)", Step: math.MaxInt64, Time: ms, Offset: 11},
		{Name: "", Value: math.Inf(1), Text: "inf", Step: 0, Time: ms, Offset: 12},
		{Name: "loss", Value: 0, Step: math.MinInt64, Time: ms, Offset: 19},
	}
	sums := map[string]metrics.Summary{"loss": {Count: 3, Finite: 2, Min: 0, Max: 0.25, Text: "nan"}, "accuracy": {Count: 1, Finite: 1}}
	later := []metrics.Point{{Name: "loss", Value: 5, Offset: 20}}
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Appends: []store.Append{
		{Trial: "one-1", Attempt: 1, Source: "b.log", From: 0, To: 20, Points: points, Summaries: sums},
		{Trial: "one-1", Attempt: 2, Source: "b.log", From: 0, To: 0},
		{Trial: "one-1", Attempt: 1, Source: "a.log", From: 0, To: 20, Points: points[:1]},
		{Trial: "one-1", Attempt: 1, Source: "b.log", From: 20, To: 25, Points: later}, // without summaries: they stay
		{Trial: "one-2", Attempt: 1, Source: "b.log", From: 0, To: 20, Points: points[1:2]},
	}}))
	var want []store.Sample
	add := func(source string, list ...metrics.Point) {
		for i, p := range list {
			want = append(want, store.Sample{Attempt: 1, Source: source, Seq: int64(i + 1), Point: p})
		}
	}
	add("a.log", points[0])
	add("b.log", append(slices.Clone(points), later...)...)
	for _, s := range []Store{s, opened(t, open)} {
		equal(t, "points", collect(t, s.Points(ctx, "u", 1, store.PointQuery{})), want)
		equal(t, "of a source, after", collect(t, s.Points(ctx, "u", 1, store.PointQuery{Source: "b.log", After: 2, Limit: 3})), want[3:6])
		equal(t, "of a metric", collect(t, s.Points(ctx, "u", 1, store.PointQuery{Metric: "accuracy"})), want[2:3])
		equal(t, "of an attempt", len(collect(t, s.Points(ctx, "u", 1, store.PointQuery{Attempt: 2}))), 0)
		equal(t, "of the other trial", len(collect(t, s.Points(ctx, "u", 2, store.PointQuery{}))), 1)
		equal(t, "of no trial", len(collect(t, s.Points(ctx, "u", 3, store.PointQuery{}))), 0)
		sources, err := s.Sources(ctx, "u", 1, 0)
		check(t, err)
		equal(t, "sources", sources, []store.Source{
			{Attempt: 1, Key: "a.log", Position: 20, Points: 1},
			{Attempt: 1, Key: "b.log", Position: 25, Points: 7, Summaries: sums},
			{Attempt: 2, Key: "b.log"}})
		sources, err = s.Sources(ctx, "u", 1, 2)
		check(t, err)
		equal(t, "sources of an attempt", len(sources), 1)
		_, err = s.Sources(ctx, "nobody", 1, 0)
		wantError(t, err, store.ErrNotFound)
		for _, err := range s.Points(ctx, "nobody", 1, store.PointQuery{}) {
			wantError(t, err, store.ErrNotFound)
		}
	}
	for _, bad := range []store.Append{
		{From: 30, To: 25}, {From: -1, To: 2}, {From: 25, To: 30, Epoch: -1},
		{From: 25, To: 30, Points: []metrics.Point{{Offset: 24}}}, {From: 25, To: 30, Points: []metrics.Point{{Offset: 30}}},
		{From: 25, To: 30, Points: []metrics.Point{{Offset: 26}, {Offset: 25}}},
		{From: 25, To: 30, Points: []metrics.Point{{Offset: 26}, {Offset: 26}}},
		{From: 25, To: 30, Points: []metrics.Point{{Offset: 26, Index: -1}}},
	} {
		bad.Trial, bad.Attempt, bad.Source = "one-1", 1, "b.log"
		if s.Write(ctx, store.Batch{Experiment: "u", Appends: []store.Append{bad}}) == nil {
			t.Errorf("%+v was recorded", bad)
		}
	}
}

func testAppendsRepeat(t *testing.T, open func() Store) {
	s := withTrial(t, open)
	p := func(offsets ...int64) (list []metrics.Point) {
		for _, o := range offsets {
			list = append(list, metrics.Point{Name: "loss", Value: float64(o), Offset: o, Step: metrics.NoStep})
		}
		return list
	}
	for i, step := range []struct {
		epoch    int
		from, to int64
		offsets  []int64
		err      error
		position int64
		points   int64
	}{
		{0, 0, 20, []int64{0, 10}, nil, 20, 2},
		{0, 0, 20, []int64{0, 10}, nil, 20, 2},              // the same again
		{0, 10, 30, []int64{10, 20}, nil, 30, 3},            // half of it known
		{0, 40, 50, []int64{40}, store.ErrGap, 30, 3},       // something is missing
		{0, 30, 40, nil, nil, 40, 3},                        // nothing in it
		{0, 5, 6, []int64{5}, nil, 40, 3},                   // long known
		{1, 5, 10, []int64{5}, store.ErrGap, 40, 3},         // a new epoch begins at 0
		{1, 0, 10, []int64{0, 5}, nil, 10, 5},               // and so it does
		{0, 40, 50, []int64{40}, nil, 10, 5},                // a late one of the old epoch is known
		{1, 10, 10, nil, nil, 10, 5},                        // an empty stretch
		{1, 0, 15, []int64{0, 5, 10, 11, 12}, nil, 15, 8},   // everything so far and more
		{3, 0, 100, []int64{1, 2, 3, 50, 99}, nil, 100, 13}, // epochs may be skipped
	} {
		err := s.Write(ctx, store.Batch{Experiment: "u", Appends: []store.Append{{Trial: "one-1", Attempt: 1, Source: "out", Epoch: step.epoch,
			From: step.from, To: step.to, Points: p(step.offsets...)}}})
		wantError(t, err, step.err)
		sources, err := s.Sources(ctx, "u", 1, 1)
		check(t, err)
		if sources[0].Position != step.position || sources[0].Points != step.points {
			t.Fatalf("step %d: %+v, want position %d and %d points", i, sources[0], step.position, step.points)
		}
		equal(t, fmt.Sprintf("points after step %d", i), len(collect(t, s.Points(ctx, "u", 1, store.PointQuery{}))), int(step.points))
	}
}

// testRandomAppends cuts a stream into random stretches and hands them in, with repetitions, over two handles and restarts: in the
// end every point is there once and in order.
func testRandomAppends(t *testing.T, open func() Store) {
	rng := rand.New(rand.NewPCG(1, 2))
	const total = 12_000
	stream := make([]metrics.Point, total)
	for i := range stream {
		stream[i] = metrics.Point{Name: []string{"loss", "accuracy"}[rng.IntN(2)], Value: rng.NormFloat64(), Step: int64(i), Offset: int64(i) * 7}
	}
	s := withTrial(t, open)
	for at := 0; at < total; {
		from := max(0, at-rng.IntN(5)*rng.IntN(2))
		to := min(total, at+1+rng.IntN(10))
		if rng.IntN(20) == 0 {
			to = min(total, at+5000)
		}
		b := store.Batch{Experiment: "u", Appends: []store.Append{{Trial: "one-1", Attempt: 1, Source: "out", From: int64(from) * 7, To: int64(to) * 7,
			Points: stream[from:to]}}}
		for range 1 + rng.IntN(2) {
			check(t, s.Write(ctx, b))
		}
		at = to
	}
	got := collect(t, opened(t, open).Points(ctx, "u", 1, store.PointQuery{}))
	if len(got) != total {
		t.Fatalf("%d points, want %d", len(got), total)
	}
	for i, sample := range got {
		if want := (store.Sample{Attempt: 1, Source: "out", Seq: int64(i + 1), Point: stream[i]}); sample != want {
			t.Fatalf("point %+v, want %+v", sample, want)
		}
	}
	tail := collect(t, s.Points(ctx, "u", 1, store.PointQuery{Source: "out", After: total - 1}))
	equal(t, "last point", tail[0].Point, stream[total-1])
}
