// Package storetest holds what every store must do, as a test suite, and a store in memory for the tests of others.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/space"
	"qalam/store"
)

// Store is what the suite tests: the methods that store.SQLite and Memory have in common.
type Store interface {
	Own(ctx context.Context, command string) (release func() error, err error)
	Owner() (*store.Owner, error)
	Changes(ctx context.Context) (int64, error)
	Close() error

	Create(ctx context.Context, x store.Experiment) error
	Get(ctx context.Context, uid string) (store.Experiment, error)
	Find(ctx context.Context, namespace, name string) (store.Experiment, error)
	List(ctx context.Context) ([]store.Listed, error)
	Counts(ctx context.Context, uid string) (experiment.Counts, error)
	Request(ctx context.Context, uid string, change func(*store.Desire) error) (store.Desire, error)
	RequestStop(ctx context.Context, uid string) (store.Desire, error)
	RequestDelete(ctx context.Context, uid string) (store.Desire, error)
	RequestEdit(ctx context.Context, uid string, b store.Budgets) (store.Desire, error)
	Delete(ctx context.Context, uid string) error

	Earlier(ctx context.Context, uid string) (json.RawMessage, error)

	Write(ctx context.Context, b store.Batch) error
	Trials(ctx context.Context, uid string, q store.Query) iter.Seq2[experiment.Trial, error]
	Active(ctx context.Context, uid string) ([]experiment.Trial, error)
	History(ctx context.Context, uid string) iter.Seq2[store.Past, error]
	Sources(ctx context.Context, uid string, number, attempt int) ([]store.Source, error)
	Points(ctx context.Context, uid string, number int, q store.PointQuery) iter.Seq2[store.Sample, error]
	Events(ctx context.Context, uid string, after int64, limit int) ([]store.Event, error)
}

var _, _ Store = (*store.SQLite)(nil), (*Memory)(nil)

// TestStore runs the suite. home makes an empty home and returns what opens it: every call as another process would, or the same
// one after a restart.
func TestStore(t *testing.T, home func(t *testing.T) (open func() Store)) {
	for name, test := range map[string]func(*testing.T, func() Store){
		"experiments":     testExperiments,
		"requests":        testRequests,
		"ownership":       testOwnership,
		"trials":          testTrials,
		"queries":         testQueries,
		"terminal":        testTerminal,
		"points":          testPoints,
		"appends repeat":  testAppendsRepeat,
		"random appends":  testRandomAppends,
		"atomic":          testAtomic,
		"events":          testEvents,
		"concurrent":      testConcurrent,
		"delete":          testDelete,
		"two experiments": testTwoExperiments,
		"closed":          testClosed,
	} {
		t.Run(name, func(t *testing.T) { test(t, home(t)) })
	}
}

var ctx = context.Background()

// equal compares what is stored; NaN equals NaN, and nothing equals an empty list.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) { // much faster
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var list []T
	for v, err := range seq {
		check(t, err)
		list = append(list, v)
	}
	return list
}

// opened opens a store for the length of a test.
func opened(t *testing.T, open func() Store) Store {
	t.Helper()
	s := open()
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// owned opens a store that owns its home, with one experiment of UID "u".
func owned(t *testing.T, open func() Store) Store {
	t.Helper()
	s := opened(t, open)
	release, err := s.Own(ctx, "test")
	check(t, err)
	t.Cleanup(func() { check(t, release()) })
	check(t, s.Create(ctx, Sample("u", "one")))
	return s
}

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC)

// Sample is an experiment to be stored.
func Sample(uid, name string) store.Experiment {
	return store.Experiment{UID: uid, Namespace: "default", Name: name, Source: []byte("kind: Experiment\n"), Seed: math.MaxUint64 - 1,
		Created: epoch}
}

// SampleTrial is a trial of an experiment to be stored; what it holds depends on its number alone.
func SampleTrial(name string, number int, state experiment.TrialState) experiment.Trial {
	t := experiment.Trial{Number: number, Name: fmt.Sprintf("%s-%d", name, number), State: state, Reason: "TrialCreated", Attempt: 1,
		Assignment: space.Assignment{float64(number), 1 / float64(number), -0.5, 3, math.SmallestNonzeroFloat64},
		Created:    epoch.Add(time.Duration(number) * time.Second)}
	if state != experiment.TrialPending {
		t.Started, t.Running = true, t.Created.Add(time.Second)
	}
	if state.Terminal() {
		t.Completed, t.Reason = t.Running.Add(time.Minute), "TrialSucceeded"
		v := math.Sin(float64(number))
		text := fmt.Sprint(v)
		t.Observation = experiment.Observation{{Name: "loss", Min: text, Max: text, Latest: text, Value: v}}
	}
	return t
}

func testExperiments(t *testing.T, open func() Store) {
	s := opened(t, open)
	one, two := Sample("u1", "one"), Sample("u2", "two")
	two.Record = []byte(`{"phase":"Running"}`)
	two.Source = slices.Repeat([]byte("0123456789"), 100_000)
	two.Earlier = []byte(`[{"trials":[]}]`)
	check(t, s.Create(ctx, one))
	check(t, s.Create(ctx, two))
	for _, x := range []store.Experiment{one, two, {UID: "u3", Namespace: "default", Name: "one"}, {UID: "u1", Namespace: "x", Name: "y"}} {
		wantError(t, s.Create(ctx, x), store.ErrExists)
	}
	same := one
	same.UID, same.Namespace = "u4", "other"
	check(t, s.Create(ctx, same))
	earlier := two.Earlier
	two.Earlier = nil // it is read by itself
	for _, s := range []Store{s, opened(t, open)} {
		for uid, want := range map[string]json.RawMessage{"u1": nil, "u2": earlier} {
			got, err := s.Earlier(ctx, uid)
			check(t, err)
			equal(t, "earlier of "+uid, got, want)
		}
		_, err := s.Earlier(ctx, "u9")
		wantError(t, err, store.ErrNotFound)
		got, err := s.Get(ctx, "u1")
		check(t, err)
		equal(t, "u1", got, one)
		got, err = s.Find(ctx, "default", "two")
		check(t, err)
		equal(t, "two", got, two)
		_, err = s.Get(ctx, "u9")
		wantError(t, err, store.ErrNotFound)
		_, err = s.Find(ctx, "default", "nine")
		wantError(t, err, store.ErrNotFound)
		list, err := s.List(ctx)
		check(t, err)
		one, two := one, two
		one.Source, two.Source, same.Source = nil, nil, nil
		equal(t, "list", list, []store.Listed{{Experiment: one}, {Experiment: two}, {Experiment: same}})
	}
}

func testRequests(t *testing.T, open func() Store) {
	s, cli := owned(t, open), opened(t, open)
	before, err := s.Changes(ctx)
	check(t, err)
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Record: []byte(`{}`)}))
	after, err := s.Changes(ctx)
	check(t, err)
	equal(t, "changes after a write of the engine", after, before)

	d, err := cli.RequestStop(ctx, "u")
	check(t, err)
	equal(t, "stop", d, store.Desire{Revision: 1, Stop: true})
	if after, err = s.Changes(ctx); err != nil || after == before {
		t.Fatalf("changes stays %d after a request of another process (%v)", after, err)
	}
	five, six := 5, 6
	_, err = cli.RequestEdit(ctx, "u", store.Budgets{MaxTrialCount: &five, ParallelTrialCount: &five})
	check(t, err)
	_, err = cli.RequestEdit(ctx, "u", store.Budgets{MaxTrialCount: &six})
	check(t, err)
	_, err = cli.RequestDelete(ctx, "u")
	check(t, err)
	refused := errors.New("refused")
	_, err = cli.Request(ctx, "u", func(d *store.Desire) error { d.Stop = false; return refused })
	wantError(t, err, refused)
	_, err = cli.RequestStop(ctx, "nobody")
	wantError(t, err, store.ErrNotFound)
	x, err := s.Get(ctx, "u")
	check(t, err)
	equal(t, "desire", x.Desire,
		store.Desire{Revision: 4, Stop: true, Delete: true, Budgets: store.Budgets{ParallelTrialCount: &five, MaxTrialCount: &six}})
	equal(t, "record beside it", string(x.Record), `{}`)

	var wg sync.WaitGroup // no request of several processes is lost
	for range 4 {
		c := opened(t, open)
		wg.Go(func() {
			for range 5 {
				if _, err := c.RequestStop(ctx, "u"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	x, err = s.Get(ctx, "u")
	check(t, err)
	equal(t, "revision", x.Desire.Revision, int64(24))
}

func testOwnership(t *testing.T, open func() Store) {
	a, b := opened(t, open), opened(t, open)
	check(t, b.Create(ctx, Sample("u", "one")))
	wantError(t, a.Write(ctx, store.Batch{Experiment: "u"}), store.ErrNotOwner)
	wantError(t, a.Delete(ctx, "u"), store.ErrNotOwner)
	o, err := b.Owner()
	check(t, err)
	if o != nil {
		t.Fatalf("owner %v of a home that nobody owns", o)
	}
	release, err := a.Own(ctx, "qalam run")
	check(t, err)
	_, err = b.Own(ctx, "qalam serve")
	var held *store.OwnedError
	if !errors.As(err, &held) || held.PID == 0 || held.Host == "" || held.Started.IsZero() || held.Command != "qalam run" {
		t.Fatalf("second owner: %v, %+v", err, held)
	}
	o, err = b.Owner()
	check(t, err)
	equal(t, "owner", *o, held.Owner)
	check(t, a.Write(ctx, store.Batch{Experiment: "u"}))
	wantError(t, b.Write(ctx, store.Batch{Experiment: "u"}), store.ErrNotOwner)
	check(t, release())
	check(t, release()) // once more does nothing
	wantError(t, a.Write(ctx, store.Batch{Experiment: "u"}), store.ErrNotOwner)
	release, err = b.Own(ctx, "qalam serve")
	check(t, err)
	check(t, release())
}

func testClosed(t *testing.T, open func() Store) {
	s := open()
	check(t, s.Close())
	check(t, s.Close())
	wantError(t, s.Create(ctx, Sample("u", "one")), store.ErrClosed)
	_, err := s.RequestStop(ctx, "u")
	wantError(t, err, store.ErrClosed)
}

func testDelete(t *testing.T, open func() Store) {
	s := owned(t, open)
	check(t, s.Create(ctx, Sample("other", "other")))
	for _, uid := range []string{"u", "other"} {
		check(t, s.Write(ctx, store.Batch{Experiment: uid, Record: []byte(`{}`), Events: []store.Event{{Kind: "Created"}},
			Trials:  []experiment.Trial{SampleTrial("a", 1, experiment.TrialRunning)},
			Appends: []store.Append{{Trial: "a-1", Attempt: 1, Source: "out", To: 10, Points: []metrics.Point{{Name: "loss"}}}}}))
	}
	check(t, s.Delete(ctx, "u"))
	wantError(t, s.Delete(ctx, "u"), store.ErrNotFound)
	_, err := s.Get(ctx, "u")
	wantError(t, err, store.ErrNotFound)
	wantError(t, s.Write(ctx, store.Batch{Experiment: "u"}), store.ErrNotFound)
	events, err := s.Events(ctx, "", 0, 0)
	check(t, err)
	if len(events) != 1 || events[0].Experiment != "other" {
		t.Fatalf("events after the deletion: %v", events)
	}
	check(t, s.Create(ctx, Sample("u", "one"))) // the name is free again, and nothing is left of the old one
	equal(t, "trials", len(collect(t, s.Trials(ctx, "u", store.Query{}))), 0)
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Trials: []experiment.Trial{SampleTrial("a", 1, experiment.TrialRunning)}}))
	equal(t, "points", len(collect(t, s.Points(ctx, "u", 1, store.PointQuery{}))), 0)
	equal(t, "points of the other", len(collect(t, s.Points(ctx, "other", 1, store.PointQuery{}))), 1)
}

func testEvents(t *testing.T, open func() Store) {
	s := owned(t, open)
	check(t, s.Create(ctx, Sample("v", "two")))
	for i := 1; i <= 3; i++ {
		for _, uid := range []string{"u", "v"} {
			check(t, s.Write(ctx, store.Batch{Experiment: uid, Events: []store.Event{
				{Time: epoch, Trial: i, Kind: "TrialStarted", Message: fmt.Sprintf("trial %d of %s", i, uid)}}}))
		}
	}
	all, err := s.Events(ctx, "", 0, 0)
	check(t, err)
	if len(all) != 6 || !slices.IsSortedFunc(all, func(a, b store.Event) int { return int(a.ID - b.ID) }) || all[0].ID == all[1].ID {
		t.Fatalf("events %v", all)
	}
	equal(t, "first event", all[0], store.Event{ID: all[0].ID, Time: epoch, Experiment: "u", Trial: 1, Kind: "TrialStarted", Message: "trial 1 of u"})
	some, err := opened(t, open).Events(ctx, "v", all[1].ID, 1)
	check(t, err)
	equal(t, "events of v", some, all[3:4])
	_, err = s.Events(ctx, "nobody", 0, 0)
	wantError(t, err, store.ErrNotFound)
}
