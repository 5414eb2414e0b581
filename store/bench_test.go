package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/store"
	"qalam/store/storetest"
)

// filled makes a home with one experiment "u" that has finished trials.
func filled(b testing.TB, finished, running int) (dir string, s *store.SQLite) {
	b.Helper()
	dir = b.TempDir()
	s = open(b, dir)
	release, err := s.Own(ctx, "bench")
	check(b, err)
	b.Cleanup(func() { check(b, release()); check(b, s.Close()) })
	check(b, s.Create(ctx, storetest.Sample("u", "one")))
	for first := 1; first <= finished+running; first += 5000 {
		var batch store.Batch
		batch.Experiment = "u"
		for n := first; n < first+5000 && n <= finished+running; n++ {
			state := experiment.TrialSucceeded
			if n > finished {
				state = experiment.TrialRunning
			}
			batch.Trials = append(batch.Trials, storetest.SampleTrial("one", n, state))
		}
		check(b, s.Write(ctx, batch))
	}
	return dir, s
}

// BenchmarkWrite records one changed trial per transaction: what a trial's steps cost, by trials that are there already.
func BenchmarkWrite(b *testing.B) {
	for _, there := range []int{10, 1_000, 100_000} {
		for _, writers := range []int{1, 32} {
			b.Run(fmt.Sprintf("trials=%d/writers=%d", there, writers), func(b *testing.B) {
				_, s := filled(b, there, 0)
				var next atomic.Int64
				b.ResetTimer()
				var wg sync.WaitGroup
				for range writers {
					wg.Go(func() {
						for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
							t := storetest.SampleTrial("one", there+int(n), experiment.TrialRunning)
							if err := s.Write(ctx, store.Batch{Experiment: "u", Trials: []experiment.Trial{t}}); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			})
		}
	}
}

// BenchmarkPoints records points of 100 trials, from one goroutine, so many per append and all trials per batch.
func BenchmarkPoints(b *testing.B) {
	const trials = 100
	for _, size := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("per-append=%d", size), func(b *testing.B) {
			_, s := filled(b, 0, trials)
			at := int64(0)
			points := make([]metrics.Point, size)
			b.ResetTimer()
			for range b.N {
				batch := store.Batch{Experiment: "u"}
				for i := range points {
					points[i] = metrics.Point{Name: []string{"loss", "accuracy"}[i%2], Value: 1 / float64(i+1), Step: at + int64(i),
						Time: time.UnixMilli(1795435200000 + at), Offset: at + int64(i)}
				}
				for n := 1; n <= trials; n++ {
					batch.Appends = append(batch.Appends, store.Append{Trial: fmt.Sprintf("one-%d", n), Attempt: 1, Source: "pod/main/0.log",
						From: at, To: at + int64(size), Points: points, Summaries: map[string]metrics.Summary{"loss": {Count: at, Min: 0.5}}})
				}
				at += int64(size)
				check(b, s.Write(ctx, batch))
			}
			b.ReportMetric(float64(b.N*trials*size)/b.Elapsed().Seconds(), "points/s")
		})
	}
}

// BenchmarkRestart opens a home with 1,000 live trials and reads what an engine needs, by trials that have finished.
func BenchmarkRestart(b *testing.B) {
	for _, finished := range []int{10, 1_000, 100_000} {
		dir, s := filled(b, finished, 1000)
		var appends []store.Append
		for n := finished + 1; n <= finished+1000; n++ {
			appends = append(appends, store.Append{Trial: fmt.Sprintf("one-%d", n), Attempt: 1, Source: "out", To: 9})
		}
		check(b, s.Write(ctx, store.Batch{Experiment: "u", Appends: appends}))
		b.Run(fmt.Sprintf("open/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				check(b, open(b, dir).Close())
			}
		})
		b.Run(fmt.Sprintf("check/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				check(b, s.Check(ctx))
			}
		})
		b.Run(fmt.Sprintf("history/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				for _, err := range s.History(ctx, "u") {
					check(b, err)
				}
			}
		})
		b.Run(fmt.Sprintf("trials/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				for _, err := range s.Trials(ctx, "u", store.Query{}) {
					check(b, err)
				}
			}
		})
		b.Run(fmt.Sprintf("active/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				active, err := s.Active(ctx, "u")
				check(b, err)
				for _, t := range active {
					_, err := s.Sources(ctx, "u", t.Number, t.Attempt)
					check(b, err)
				}
			}
		})
		b.Run(fmt.Sprintf("counts/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				_, err := s.Counts(ctx, "u")
				check(b, err)
			}
		})
		b.Run(fmt.Sprintf("changes/trials=%d", finished), func(b *testing.B) {
			for range b.N {
				_, err := s.Changes(ctx)
				check(b, err)
			}
		})
	}
}
