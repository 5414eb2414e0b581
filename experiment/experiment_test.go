package experiment

import (
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"qalam/metrics"
	"qalam/space"
	"qalam/suggest"
)

// TestNothingThirdParty checks that the core reaches the standard library and this module only.
func TestNothingThirdParty(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if !strings.HasPrefix(dep, "qalam/") {
			t.Errorf("experiment reaches %s", dep)
		}
	}
}

// TestTrialName holds on to the names: they must never change, or a trial would be run under two of them.
func TestTrialName(t *testing.T) {
	// printf of the number as 8 bytes | openssl dgst -sha256 -hmac uid-1, first 5 bytes in base32
	for number, want := range map[int]string{1: "tune-z7tttcil", 2: "tune-qzvqzrcr", 100_000: "tune-5fznz4eh"} {
		if got := TrialName("tune", "uid-1", number); got != want {
			t.Errorf("trial %d is %s, want %s", number, got, want)
		}
	}
	seen := map[string]int{}
	for n := 1; n <= 10_000; n++ { // two of 10,000 names are equal with odds of 1 in 22,000; the names are fixed, so never
		name := TrialName("tune", "uid-1", n)
		if m, ok := seen[name]; ok {
			t.Fatalf("trials %d and %d are both %s", m, n, name)
		}
		seen[name] = n
	}
}

func TestSignFlipsOnce(t *testing.T) {
	for _, direction := range []Direction{Minimize, Maximize} {
		o := Objective{Metric: "loss", Direction: direction, Strategies: map[string]Strategy{"loss": Latest}}
		sign := 1.0
		if direction == Maximize {
			sign = -1
		}
		obs := observeTexts(o, []string{"3", "2"})
		for state, want := range map[TrialState]suggest.Outcome{
			TrialPending:            {State: suggest.Pending, Value: math.NaN()},
			TrialRunning:            {State: suggest.Pending, Value: math.NaN()},
			TrialSucceeded:          {State: suggest.Completed, Value: 2 * sign},
			TrialEarlyStopped:       {State: suggest.Stopped, Value: 2 * sign},
			TrialKilled:             {State: suggest.Stopped, Value: 2 * sign},
			TrialFailed:             {State: suggest.Failed, Value: math.NaN()},
			TrialMetricsUnavailable: {State: suggest.Failed, Value: math.NaN()},
		} {
			got := Outcome(Trial{Number: 7, State: state, Observation: obs, Assignment: space.Assignment{1}}, o)
			if got.Number != 7 || got.State != want.State || fmt.Sprint(got.Value) != fmt.Sprint(want.Value) || len(got.Assignment) != 1 {
				t.Errorf("%s %s: got %+v, want %+v", direction, state, got, want)
			}
		}
		b := NewCurveBuilder(o)
		if _, _, ok := b.Last(); ok {
			t.Error("an empty curve has a last point")
		}
		b.Add(metrics.Point{Name: "loss", Value: 0.5, Step: metrics.NoStep})
		b.Add(metrics.Point{Name: "loss", Value: math.NaN(), Text: "nan", Step: 2})
		b.Add(metrics.Point{Name: "loss", Value: 0.25, Step: 10})
		before := b.Curve(3, suggest.Pending)
		b.Add(metrics.Point{Name: "loss", Value: math.Inf(1), Step: 11})
		b.Add(metrics.Point{Name: "loss", Value: math.NaN(), Step: 12})
		if c := b.Curve(3, suggest.Pending); c.NonFinite != 2 || len(c.Values) != 2 || before.NonFinite != 0 || b.Reports() != 5 {
			t.Errorf("%s: curve %+v of %d reports", direction, c, b.Reports())
		}
		b.Add(metrics.Point{Name: "loss", Value: 0.125, Step: metrics.NoStep})
		after := b.Curve(3, suggest.Pending)
		if !slices.Equal(before.Values, []float64{0.5 * sign, 0.25 * sign}) || !slices.Equal(before.Steps, []int64{1, 10}) {
			t.Errorf("%s: curve %+v", direction, before)
		}
		if after.Number != 3 || after.NonFinite != 0 || b.Len() != 3 || !slices.Equal(after.Steps, []int64{1, 10, 3}) {
			t.Errorf("%s: curve %+v", direction, after)
		}
		if step, value, ok := b.Last(); !ok || step != 3 || value != 0.125 {
			t.Errorf("%s: last %d %v %t", direction, step, value, ok)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	spec := Spec{Name: "tune", ParallelTrialCount: 2, Retry: Retry{Lost: 1}}
	first := NewTrial(spec, "uid", 1, suggest.Suggestion{Assignment: space.Assignment{1}}, epoch)
	started := MarkStarted(first)
	with := func(t Trial, change func(*Trial)) Trial { change(&t); return t }
	for name, c := range map[string]struct{ from, to Trial }{
		"a trial that is not numbered":       {first, with(first, func(t *Trial) { t.Number = 0 })},
		"a trial before its turn":            {first, with(first, func(t *Trial) { t.Number = 3 })},
		"another name":                       {first, with(first, func(t *Trial) { t.Name = "other" })},
		"another assignment":                 {first, with(first, func(t *Trial) { t.Assignment = space.Assignment{2} })},
		"an attempt that was skipped":        {started, with(started, func(t *Trial) { t.Attempt, t.Started = 3, false })},
		"an attempt that goes back":          {with(started, func(t *Trial) { t.Attempt = 2 }), started},
		"a next attempt started at once":     {started, with(started, func(t *Trial) { t.Attempt = 2 })},
		"a next attempt of one being ended":  {MarkStopping(started, StopEarly, ""), with(started, func(t *Trial) { t.Attempt, t.Started = 2, false })},
		"a start taken back":                 {started, first},
		"running without a start":            {first, with(first, func(t *Trial) { t.State = TrialRunning })},
		"a stop taken back":                  {MarkStopping(started, StopEarly, ""), started},
		"a stop for another reason":          {MarkStopping(started, StopEarly, ""), MarkStopping(started, StopFinished, "")},
		"lost attempts forgotten":            {with(started, func(t *Trial) { t.Lost = 1 }), started},
		"a trial that is over coming back":   {MarkDropped(first, StopFinished, epoch), first},
		"a trial that is over running again": {MarkDropped(first, StopFinished, epoch), MarkRunning(started, epoch)},
	} {
		s := NewState(spec, "uid")
		if err := s.Apply(c.from); err != nil {
			t.Fatal(err)
		}
		before := show(s)
		if err := s.Apply(c.to); err == nil {
			t.Errorf("%s is accepted", name)
		}
		if after := show(s); after != before {
			t.Errorf("%s changed the state:\n%s\n%s", name, before, after)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	spec := Spec{Name: "tune", ParallelTrialCount: 2}
	s := NewState(spec, "uid")
	first := NewTrial(spec, "uid", 1, suggest.Suggestion{}, epoch)
	if err := s.Apply(first); err != nil {
		t.Fatal(err)
	}
	data, err := s.Record()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(spec, "uid", data, []Trial{first}); err != nil {
		t.Fatal(err)
	}
	if s, err := Restore(spec, "uid", nil, nil); err != nil || s.Next != 1 {
		t.Errorf("an empty record: %v", err)
	}
	second := first
	second.Number = 2
	for name, c := range map[string]struct {
		data   string
		active []Trial
	}{
		"no JSON":               {"{", []Trial{first}},
		"a newer version":       {`{"version":2}`, nil},
		"a missing trial":       {string(data), nil},
		"a trial too many":      {string(data), []Trial{first, second}},
		"a trial twice":         {string(data), []Trial{first, first}},
		"a trial that is over":  {string(data), []Trial{MarkDropped(first, StopUser, epoch)}},
		"a trial in other form": {string(data), []Trial{MarkRunning(MarkStarted(first), epoch)}},
	} {
		if _, err := Restore(spec, "uid", []byte(c.data), c.active); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestFoldToleratesGaps(t *testing.T) {
	two := 2
	spec := Spec{Name: "tune", ParallelTrialCount: 2, MaxTrialCount: &two}
	done := MarkDropped(NewTrial(spec, "uid", 2, suggest.Suggestion{}, epoch), StopUser, epoch)
	done.Attempt = 2 // it had been started once
	s := Fold(spec, "uid", slices.Values([]Trial{done}))
	actions, _ := Plan(s, epoch)
	if len(actions) != 1 || actions[0].(Finish).Reason != ReasonMaxTrials {
		t.Errorf("with trial 1 deleted the plan is %+v", actions)
	}
}

func TestGoal(t *testing.T) {
	goal := 0.0 // a goal like any other
	for _, c := range []struct {
		direction Direction
		value     float64
		want      bool
	}{
		{Minimize, -0.5, true}, {Minimize, 0, true}, {Minimize, 0.5, false}, {Maximize, 0.5, true}, {Maximize, 0, true}, {Maximize, -0.5, false},
		{Minimize, math.Inf(-1), false}, {Maximize, math.Inf(1), false}, {Minimize, math.NaN(), false}, {Maximize, math.NaN(), false},
	} {
		if got := (Objective{Direction: c.direction, Goal: &goal}).Reached(c.value); got != c.want {
			t.Errorf("%s: %v reaches the goal 0: %t", c.direction, c.value, got)
		}
		if (Objective{Direction: c.direction}).Reached(c.value) {
			t.Errorf("%s: %v reaches a goal that there is not", c.direction, c.value)
		}
	}
}

func TestMetricTexts(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.5: "0.5", 0.1: "0.1", 1e-6: "0.000001", 1e-7: "1e-07", 123456789: "123456789", 1e21: "1e+21", -2.5: "-2.5"} {
		if got := shortest(v); got != want || number(got) != v {
			t.Errorf("%v is printed %s and read %v", v, got, number(got))
		}
	}
	for _, s := range []string{"", "nan", "inf", "-Inf", "1e999", "0x1p3", "1_0", "1,234.5", "unavailable", "x"} {
		if v := number(s); !math.IsNaN(v) {
			t.Errorf("%q is read as %v", s, v)
		}
	}
}

// filled is a state with that many trials that are over and some that are active.
func filled(b *testing.B, over, active int) State {
	most := over + 2*active
	spec := Spec{Name: "tune", ParallelTrialCount: active, MaxTrialCount: &most, Objective: Objective{Metric: "loss"}}
	s := NewState(spec, "uid")
	for n := 1; n <= over+active; n++ {
		t := NewTrial(spec, "uid", n, suggest.Suggestion{Assignment: space.Assignment{1}}, epoch)
		t = MarkStarted(t)
		if n <= over {
			t.State, t.Observation = TrialSucceeded, Observation{{Name: "loss", Min: "0.5", Max: "0.5", Latest: "0.5"}}
		}
		if err := s.Apply(t); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkTrial is what one trial costs the core from its suggestion to its end, planning after every step, with 32 active:
// the same however many trials are over.
func BenchmarkTrial(b *testing.B) {
	for _, over := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprint(over), func(b *testing.B) {
			s := filled(b, over, 31)
			s.Spec.ParallelTrialCount, s.Spec.MaxTrialCount = 32, nil
			obs := Observation{{Name: "loss", Min: "0.6", Max: "0.6", Latest: "0.6"}}
			b.ReportAllocs()
			for b.Loop() {
				step := func(t Trial) Trial {
					if err := s.Apply(t); err != nil {
						b.Fatal(err)
					}
					Plan(s, epoch)
					return t
				}
				t := step(NewTrial(s.Spec, s.UID, s.Next, suggest.Suggestion{Assignment: space.Assignment{1}}, epoch))
				t = step(MarkStarted(t))
				t = step(MarkRunning(t, epoch))
				step(Conclude(t, End{Cause: EndSucceeded, Time: epoch.Add(time.Second)}, obs, s.Spec))
			}
		})
	}
}

// BenchmarkPlan is one plan, by trials that are over.
func BenchmarkPlan(b *testing.B) {
	for _, over := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprint(over), func(b *testing.B) {
			s := filled(b, over, 32)
			b.ReportAllocs()
			for b.Loop() {
				Plan(s, epoch)
			}
		})
	}
}

// BenchmarkRecord is one record and its restoration, by trials that are over.
func BenchmarkRecord(b *testing.B) {
	for _, over := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprint(over), func(b *testing.B) {
			s := filled(b, over, 32)
			b.ReportAllocs()
			for b.Loop() {
				data, err := s.Record()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Restore(s.Spec, s.UID, data, s.Active); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFold is one trial's share of summing all up afresh.
func BenchmarkFold(b *testing.B) {
	t := MarkStarted(NewTrial(Spec{Name: "tune"}, "uid", 1, suggest.Suggestion{}, epoch))
	t.State, t.Observation = TrialSucceeded, Observation{{Name: "loss", Min: "0.5", Max: "0.5", Latest: "0.5"}}
	spec := Spec{Name: "tune", Objective: Objective{Metric: "loss"}}
	b.ReportAllocs()
	n := 0
	Fold(spec, "uid", func(yield func(Trial) bool) {
		for b.Loop() {
			n++
			t.Number = n
			if !yield(t) {
				return
			}
		}
	})
}
