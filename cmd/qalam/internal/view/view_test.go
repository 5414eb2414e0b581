package view

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qalam/experiment"
	"qalam/space"
	"qalam/suggest"
)

var update = flag.Bool("update", false, "rewrite the drawings in testdata")

var began = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// study is an experiment that the tests take through its life.
type study struct {
	t *testing.T
	*experiment.State
	*Progress
}

func newStudy(t *testing.T, most, parallel int) *study {
	t.Helper()
	s, err := space.New([]space.Parameter{
		{Name: "lr", Type: space.Double, Min: 1e-5, Max: 1, Distribution: space.LogUniform},
		{Name: "layers", Type: space.Int, Min: 1, Max: 8},
		{Name: "opt", Type: space.Categorical, List: []string{"adam", "sgd"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	goal := 0.99
	state := experiment.NewState(experiment.Spec{
		Name: "mnist-tpe", Algorithm: experiment.Named{Name: "sobol"}, EarlyStopping: &experiment.Named{Name: "medianstop"},
		Objective:          experiment.Objective{Metric: "val_acc", Direction: experiment.Maximize, Goal: &goal},
		ParallelTrialCount: parallel, MaxTrialCount: &most, Space: s,
	}, "uid")
	state.Create(began)
	return &study{t, &state, New(&state, began, nil)}
}

// put takes in a trial as the engine would tell it.
func (s *study) put(t experiment.Trial) {
	s.t.Helper()
	if err := s.State.Apply(t); err != nil {
		s.t.Fatal(err)
	}
	s.Progress.Trial(t)
	s.Progress.Experiment(s.State)
}

func at(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }

// begin starts the next trial.
func (s *study) begin(seconds int) experiment.Trial {
	n := s.State.Next
	a := space.Assignment{0.0131 / float64(n), float64(1 + n%8), float64(n % 2)}
	t := experiment.NewTrial(s.State.Spec, "uid", n, suggest.Suggestion{Assignment: a}, at(seconds))
	s.put(t)
	t = experiment.MarkStarted(t)
	s.put(t)
	return t
}

// run has the next trial run.
func (s *study) run(seconds int) experiment.Trial {
	t := experiment.MarkRunning(s.begin(seconds), at(seconds))
	s.put(t)
	return t
}

// end ends a trial with a value.
func (s *study) end(t experiment.Trial, seconds int, value float64) {
	text := fmt.Sprint(value)
	o := experiment.Observation{{Name: "val_acc", Min: text, Max: text, Latest: text, Value: value}}
	s.put(experiment.Conclude(t, experiment.End{Cause: experiment.EndSucceeded, Time: at(seconds)}, o, s.State.Spec))
}

// life takes the study to the middle of its life.
func life(t *testing.T) *study {
	s := newStudy(t, 40, 4)
	for i, v := range []float64{0.912, 0.9, 0.931, 0.944, 0.95, 0.94, 0.9689, 0.96, 0.9731} {
		s.end(s.run(40*i), 40*i+35, v)
	}
	bad := s.run(330)
	s.put(experiment.Conclude(bad, experiment.End{
		Cause: experiment.EndFailed, Reason: "GPUOutOfMemory", Message: "exit 1: CUDA out of memory\n\x1b[31m(tried to allocate 2 GiB)",
		Fix: "lower batch_size", Time: at(350),
	}, nil, s.State.Spec))
	s.end(s.run(330), 360, 0.97)
	s.run(272)
	s.run(328)
	s.Point(12, 7, 0.9612)
	s.Point(13, 0, 0.93)
	waiting := s.run(300)
	waiting = experiment.MarkPending(waiting, "RendezvousIncomplete", "rank 1 has not reached mnist-master-0:23456")
	waiting.Fix = "check that the worker's port is 23456"
	s.put(waiting)
	s.begin(370)
	return s
}

func TestLines(t *testing.T) {
	for _, style := range []Style{
		{Width: 40, Height: 24, Unicode: true}, {Width: 80, Height: 24, Unicode: true}, {Width: 120, Height: 24, Unicode: true},
		{Width: 80, Height: 24}, {Width: 80, Height: 7, Unicode: true}, {Width: 80, Height: 24, Unicode: true, Color: true},
	} {
		name := fmt.Sprintf("live-%dx%d", style.Width, style.Height)
		if !style.Unicode {
			name += "-ascii"
		}
		if style.Color {
			name += "-color"
		}
		t.Run(name, func(t *testing.T) {
			s := life(t)
			s.Note("Ctrl-C again kills the trials")
			got := strings.Join(s.Lines(style, at(372)), "\n") + "\n"
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(strings.ReplaceAll(got, "\x1b", "␛")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.ReplaceAll(string(want), "␛", "\x1b"), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestLinesFit draws random lives in random terminals: no line is too long, there are never more than fit, and nothing of what
// trials say reaches the terminal as a control character.
func TestLinesFit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newStudy(t, 100, 20)
		var live []experiment.Trial
		for step := range rapid.IntRange(0, 60).Draw(r, "steps") {
			switch k := rapid.IntRange(0, 5).Draw(r, "kind"); {
			case k < 2 || len(live) == 0:
				if s.State.Next < 90 {
					live = append(live, s.run(step))
				}
			case k == 2:
				s.Point(live[0].Number, int64(step), rapid.Float64().Draw(r, "value"))
			case k == 3:
				s.end(live[0], step, rapid.Float64Range(-10, 10).Draw(r, "final"))
				live = live[1:]
			case k == 4:
				told := live[len(live)-1]
				told.Message, told.Fix = rapid.String().Draw(r, "message"), rapid.String().Draw(r, "fix")
				s.put(told)
				live[len(live)-1] = told
			default:
				s.put(experiment.Conclude(live[0], experiment.End{Cause: experiment.EndFailed, Message: rapid.String().Draw(r, "why"), Time: at(step)}, nil, s.State.Spec))
				live = live[1:]
			}
		}
		s.Note(rapid.String().Draw(r, "note"))
		style := Style{Width: rapid.IntRange(1, 200).Draw(r, "width"), Height: rapid.IntRange(1, 50).Draw(r, "height"), Unicode: rapid.Bool().Draw(r, "unicode")}
		lines := s.Lines(style, at(100))
		if len(lines) > maxLines || len(lines) > max(1, style.Height-1) {
			r.Fatalf("%d lines in a terminal of %d", len(lines), style.Height)
		}
		for _, l := range lines {
			if Width(l) >= max(2, style.Width) {
				r.Fatalf("%q has %d columns in a terminal of %d", l, Width(l), style.Width)
			}
			if Clean(l) != l {
				r.Fatalf("%q holds control characters", l)
			}
		}
	})
}

func TestEvents(t *testing.T) {
	s := newStudy(t, 40, 4)
	told := map[int]string{}
	var got []string
	tell := func(trial experiment.Trial, best bool, seconds int) {
		if e, ok := s.Event(trial, told, best, at(seconds)); ok {
			got = append(got, e.Text())
		}
	}
	first := s.begin(0)
	tell(first, false, 0) // that it was created is not worth a line
	first = experiment.MarkRunning(first, at(1))
	tell(first, false, 1)
	tell(first, false, 2) // nothing new
	stuck := first
	stuck.Reason, stuck.Message, stuck.Fix = "NoMetric", "line 3 looks like it: \"val acc: 0.9\"", "print val_acc=0.9"
	tell(stuck, false, 70)
	done := experiment.Conclude(first, experiment.End{Cause: experiment.EndSucceeded, Time: at(126)},
		experiment.Observation{{Name: "val_acc", Min: "0.9", Max: "0.9731", Latest: "0.97"}}, s.State.Spec)
	tell(done, true, 126)
	failed := experiment.Conclude(s.run(126), experiment.End{Cause: experiment.EndFailed, Reason: "Error", Message: "exit code 1", Fix: "see the log", Time: at(3735)}, nil, s.State.Spec)
	tell(failed, false, 3735)
	want := []string{
		`00:01 trial=1 state=Running lr=0.0131 layers=2 opt=sgd`,
		`01:10 trial=1 state=Running reason=NoMetric message="line 3 looks like it: \"val acc: 0.9\"" fix="print val_acc=0.9" lr=0.0131 layers=2 opt=sgd`,
		`02:06 trial=1 state=Succeeded val_acc=0.9731 best=true lr=0.0131 layers=2 opt=sgd dur=2m05s`,
		`1:02:15 trial=2 state=Failed reason=Error message="exit code 1" fix="see the log" lr=0.00655 layers=3 opt=adam dur=1h00m`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestHistoryStaysSmall(t *testing.T) {
	before := make([]float64, 100_000)
	for i := range before {
		before[i] = float64(i) / float64(len(before))
	}
	before[0] = math.NaN()
	s := newStudy(t, 40, 4)
	p := New(s.State, began, before)
	if len(p.history) > maxHistory {
		t.Errorf("%d entries", len(p.history))
	}
	if low, high := extent(p.history); low > 0.01 || high < 0.99 {
		t.Errorf("the history goes from %g to %g", low, high)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Number(0.123456), "0.1235"}, {Number(1234567), "1234567"}, {Number(1e-7), "1e-07"}, {Number(0), "0"},
		{Number(12345.678), "12345.7"}, {Number(math.NaN()), "-"}, {Number(math.Inf(-1)), "-Inf"}, {Number(3), "3"},
		{Short("0.013127364512345"), "0.01313"}, {Short("adam"), "adam"}, {Short("16384"), "16384"},
		{Short(strings.Repeat("x", 30)), strings.Repeat("x", 23) + "…"},
		{Clock(372 * time.Second), "06:12"}, {Clock(3972 * time.Second), "1:06:12"}, {Clock(51 * time.Hour), "2d03h"}, {Clock(-time.Second), "00:00"},
		{Span(150 * time.Millisecond), "0.1s"}, {Span(5 * time.Second), "5.0s"}, {Span(42 * time.Second), "42s"}, {Span(125 * time.Second), "2m05s"},
		{Span(59700 * time.Millisecond), "1m00s"}, {Span(62 * time.Minute), "1h02m"}, {Span(49 * time.Hour), "2d01h"},
		{about(30 * time.Second), "30 s"}, {about(11 * time.Minute), "11 min"}, {about(3 * time.Hour), "3.0 h"}, {about(72 * time.Hour), "3.0 days"},
		{Clean("a\x1b[31mb\nc\td\u202e"), "ab c d"}, {Clean("a\x1b]0;title\x07b\x1b"), "ab"}, {Clip("abcdef", 4), "abc…"}, {Clip("日本語", 4), "日…"}, {Clip("ab", 0), ""},
		{quoted("a b"), `"a b"`}, {quoted(""), `""`}, {quoted("1e-3"), "1e-3"},
		{Sparkline([]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, true), "▁▂▃▄▅▆▇█"}, {Sparkline([]float64{2, 2}, 8, true), "▁▁"},
		{Sparkline([]float64{0, math.NaN(), 7}, 8, false), "_ '"}, {Sparkline(nil, 8, true), ""},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	table := Table([]string{"A", "LONG"}, [][]string{{"日本", "x"}, {"b", "yyyyyyyy"}}, 12)
	if want := "A     LONG\n日本  x\nb     yyyyy…\n"; table != want {
		t.Errorf("%q, want %q", table, want)
	}
}
