package e2e

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/runner"
	"qalam/runner/process"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
)

// Every trial of a chaos test begins by saying so in a shared file, and ends by saying so there, as itself: nothing of the program
// stands between.
const (
	sayBegin = `echo "start $QALAM_ATTEMPT" >> "$SHARED"; `
	sayEnd   = `; echo "end $QALAM_ATTEMPT" >> "$SHARED"`
)

// auditor holds what a home has shown so far, to be compared with what it shows later.
type auditor struct {
	*home
	name     string
	parallel int
	max      int
	unread   bool                     // the logs are not to be compared with the points
	over     map[int]experiment.Trial // trials that were over when last looked at
}

func (h *home) audit(s study) *auditor {
	return &auditor{home: h, name: s.name, parallel: s.parallel, max: s.max, over: map[int]experiment.Trial{}}
}

// glance checks what must hold at every moment, also beside a running engine: I1, I3 and I8.
func (a *auditor) glance() {
	a.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, a.dir, store.Options{})
	check(a, err)
	defer st.Close()
	x, err := st.Find(ctx, "default", a.name)
	if err != nil {
		return // it was killed before it recorded anything
	}
	a.trials(st, x.UID)
	check(a, st.Check(ctx))
}

// trials reads all trials and checks I1 (one row each, none missing), I3 (no more than allowed) and I8 (over stays over).
func (a *auditor) trials(st *store.SQLite, uid string) []experiment.Trial {
	a.Helper()
	var list []experiment.Trial
	names, live := map[string]bool{}, 0
	for t, err := range st.Trials(context.Background(), uid, store.Query{}) {
		check(a, err)
		list = append(list, t)
		if t.Number != len(list) || names[t.Name] || t.Name != experiment.TrialName(a.name, uid, t.Number) {
			a.Errorf("I1: row %d is trial %d, %s", len(list), t.Number, t.Name)
		}
		names[t.Name] = true
		if t.Started && !t.State.Terminal() {
			live++
		}
		before, was := a.over[t.Number]
		if was && !(t.State == before.State && t.Attempt == before.Attempt && t.Completed.Equal(before.Completed) &&
			reflect.DeepEqual(texts(t.Observation), texts(before.Observation))) {
			a.Errorf("I8: trial %d was over as %+v and is now %+v", t.Number, before, t)
		}
		if t.State.Terminal() {
			a.over[t.Number] = t
		}
	}
	if len(list) > a.max {
		a.Errorf("I3: %d trials, maxTrialCount is %d", len(list), a.max)
	}
	if live > a.parallel {
		a.Errorf("I3: %d trials are started and not over, parallelTrialCount is %d", live, a.parallel)
	}
	return list
}

func texts(o experiment.Observation) []string {
	var out []string
	for _, m := range o {
		out = append(out, m.Name, m.Min, m.Max, m.Latest)
	}
	return out
}

// finished checks everything of an experiment that has come to its end. It returns its trials.
func (a *auditor) finished() []experiment.Trial {
	a.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, a.dir, store.Options{})
	check(a, err)
	defer st.Close()
	check(a, st.Check(ctx))
	record, err := st.Find(ctx, "default", a.name)
	check(a, err)
	trials := a.trials(st, record.UID)
	for _, t := range trials {
		if !t.State.Terminal() {
			a.Errorf("I1: trial %d is still %s", t.Number, t.State)
		}
	}
	x, faults := spec.Load([]spec.File{{Name: "kept", Data: record.Source}}, spec.Options{Registry: suggest.Builtin()})
	check(a, faults.Err())
	state, err := experiment.Restore(x.Spec, record.UID, record.Record, nil)
	check(a, err)
	if !state.Finished() || len(state.Active) > 0 {
		a.Errorf("I11: the experiment is %s with %d active trials", state.Phase, len(state.Active))
	}
	if folded := experiment.Fold(state.Spec, record.UID, slices.Values(trials)); folded.Counts != state.Counts {
		a.Errorf("I5: the record counts %+v, the trials are %+v", state.Counts, folded.Counts)
	}
	a.attempts(trials)
	a.points(st, record.UID, x, trials)
	a.best(st, &state, x, trials)
	a.nothingAlive()
	return trials
}

// attempts checks I2 and I3 by what the trials themselves have written: no attempt ran twice, attempts of a trial follow each
// other, and never more trials ran than allowed.
func (a *auditor) attempts(trials []experiment.Trial) {
	a.Helper()
	last := map[string]int{}
	for _, t := range trials {
		last[t.Name] = t.Attempt
	}
	begun, running, most := map[string]bool{}, map[string]bool{}, 0
	for _, line := range lines(a.shared()) {
		f := strings.Fields(line)
		if len(f) > 0 && f[0] != "start" && f[0] != "end" {
			continue // something else that a trial has to tell
		}
		if len(f) < 2 {
			a.Errorf("line %q", line)
			continue
		}
		parts := strings.Split(strings.TrimPrefix(f[1], a.dir+"/attempts/"), "/") // uid, trial, attempt, pod, container, run
		if len(parts) < 3 {
			a.Errorf("line %q", line)
			continue
		}
		name := parts[1]
		attempt, _ := strconv.Atoi(parts[2])
		switch f[0] {
		case "start":
			if begun[f[1]] {
				a.Errorf("I2: %s was started twice", f[1])
			}
			begun[f[1]] = true
			if attempt < 1 || attempt > last[name] {
				a.Errorf("I2: attempt %d of %s ran, its last one is recorded as %d", attempt, name, last[name])
			}
			running[name] = true // a later attempt of the same trial stands for an earlier one, which was lost
			most = max(most, len(running))
		case "end":
			if !begun[f[1]] {
				a.Errorf("I2: %s ended and never began", f[1])
			}
			delete(running, name)
		}
	}
	if most > a.parallel {
		a.Errorf("I3: %d trials ran at the same time, parallelTrialCount is %d", most, a.parallel)
	}
}

// valueLine is Katib's default filter for loss, written down once more.
var valueLine = regexp.MustCompile(`(?m)^loss=([+-]?\d[\d.e+-]*)\r?$`)

// keptPoints is how many points of a metric of an attempt the engine keeps as they came.
const keptPoints = 100_000

// points checks I4: what is recorded of every attempt is what its logs say, each line once.
func (a *auditor) points(st *store.SQLite, uid string, x *spec.Experiment, trials []experiment.Trial) {
	a.Helper()
	if x.Collector.Kind != "StdOut" || a.unread {
		return
	}
	for _, t := range trials {
		for attempt := 1; attempt <= t.Attempt; attempt++ {
			logs, err := process.Logs(a.dir, runner.ID{Experiment: uid, Trial: t.Name, Attempt: attempt})
			check(a, err)
			var want, got []string
			for _, l := range logs {
				if l.Container != x.PrimaryContainer {
					continue
				}
				data, err := os.ReadFile(l.Path)
				check(a, err)
				for _, m := range valueLine.FindAllSubmatchIndex(data, -1) {
					want = append(want, fmt.Sprintf("%s/%s/%d.log %d %s", l.Pod, l.Container, l.Run, m[0], data[m[2]:m[3]]))
				}
			}
			a.counted(st, uid, t, attempt, len(want))
			if len(want) > keptPoints {
				continue
			}
			for p, err := range st.Points(context.Background(), uid, t.Number, store.PointQuery{Attempt: attempt, Metric: "loss"}) {
				check(a, err)
				got = append(got, fmt.Sprintf("%s %d %s", p.Source, p.Offset, text(p.Point)))
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(numbers(want), numbers(got)) {
				a.Errorf("I4: attempt %d of trial %d (%s) printed %d points, %d are recorded: %s", attempt, t.Number, t.State, len(want), len(got), firstDifference(want, got))
			}
		}
	}
}

// counted checks the number of points that the summaries of an attempt's sources hold.
func (a *auditor) counted(st *store.SQLite, uid string, t experiment.Trial, attempt, want int) {
	a.Helper()
	sources, err := st.Sources(context.Background(), uid, t.Number, attempt)
	check(a, err)
	var sum metrics.Summary
	for _, s := range sources {
		if s.Attempt == attempt {
			sum.Merge(s.Summaries["loss"])
		}
	}
	if sum.Count != int64(want) {
		a.Errorf("I4: attempt %d of trial %d printed %d points, its summary counts %d", attempt, t.Number, want, sum.Count)
	}
}

func text(p metrics.Point) string { return strconv.FormatFloat(p.Value, 'g', -1, 64) }

// numbers writes the value at the end of every line in one way.
func numbers(list []string) []string {
	out := make([]string, len(list))
	for i, line := range list {
		at := strings.LastIndexByte(line, ' ') + 1
		v, err := strconv.ParseFloat(line[at:], 64)
		if err != nil {
			v = math.NaN()
		}
		out[i] = line[:at] + strconv.FormatFloat(v, 'g', -1, 64)
	}
	return out
}

func firstDifference(want, got []string) string {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Sprintf("%q, want %q", got[i], want[i])
		}
	}
	return "one is a part of the other"
}

// best checks I5: the best trial is the one that the points recorded say.
func (a *auditor) best(st *store.SQLite, state *experiment.State, x *spec.Experiment, trials []experiment.Trial) {
	a.Helper()
	o := x.Spec.Objective
	bestNumber, best := 0, math.NaN()
	for _, t := range trials {
		if t.State != experiment.TrialSucceeded {
			continue
		}
		var sum metrics.Summary
		for p, err := range st.Points(context.Background(), state.UID, t.Number, store.PointQuery{Attempt: t.Attempt, Metric: o.Metric}) {
			check(a, err)
			sum.Add(p.Point)
		}
		v, own := o.Value(experiment.Observe(map[string]metrics.Summary{o.Metric: sum}, o)), o.Value(t.Observation)
		if sum.Count >= keptPoints {
			v = own // not all of its points are kept
		}
		if own != v && !(math.IsNaN(own) && math.IsNaN(v)) {
			a.Errorf("I5: trial %d is worth %v, its points say %v", t.Number, own, v)
		}
		if !math.IsNaN(v) && !math.IsInf(v, 0) && (bestNumber == 0 || o.Cost(v) < o.Cost(best)) {
			bestNumber, best = t.Number, v
		}
	}
	switch {
	case state.Optimal == nil && bestNumber != 0:
		a.Errorf("I5: no best trial is recorded, it is %d with %v", bestNumber, best)
	case state.Optimal != nil && (bestNumber == 0 || state.Optimal.Value != best):
		a.Errorf("I5: the best trial is recorded as %d with %v, it is %d with %v", state.Optimal.Number, state.Optimal.Value, bestNumber, best)
	}
}

// deleted deletes the experiment and checks I9: nothing of it is left.
func (a *auditor) deleted() {
	a.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, a.dir, store.Options{})
	check(a, err)
	x, err := st.Find(ctx, "default", a.name)
	check(a, err)
	check(a, st.Close())
	a.run(0, "delete", a.name)
	a.nothingAlive()
	err = filepath.WalkDir(a.dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.Contains(path, x.UID) {
			a.Errorf("I9: %s is left", path)
		}
		return err
	})
	check(a, err)
	for _, controller := range []string{"memory", "cpu", "pids", "freezer", "unified"} {
		if left, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup", controller, "*", "*"+x.UID+"*")); len(left) > 0 {
			a.Errorf("I9: cgroups are left: %v", left)
		}
	}
	st, err = store.Open(ctx, a.dir, store.Options{})
	check(a, err)
	defer st.Close()
	if list, err := st.List(ctx); err != nil || slices.ContainsFunc(list, func(l store.Listed) bool { return l.UID == x.UID }) {
		a.Errorf("I9: %v is left (%v)", list, err)
	}
}

// states counts trials by state.
func states(trials []experiment.Trial) map[experiment.TrialState]int {
	m := map[experiment.TrialState]int{}
	for _, t := range trials {
		m[t.State]++
	}
	return m
}

// only wants all trials in these states.
func only(a *auditor, trials []experiment.Trial, want map[experiment.TrialState]int) {
	a.Helper()
	if got := states(trials); !maps.Equal(got, want) {
		a.Errorf("states %v, want %v", got, want)
		for _, t := range trials {
			if want[t.State] == 0 {
				a.Logf("trial %d: %s, %s: %s", t.Number, t.State, t.Reason, t.Message)
			}
		}
	}
}

// finishedUnread checks what finished checks, but for the logs: they are too large to read, or no plain lines.
func (a *auditor) finishedUnread() []experiment.Trial {
	a.Helper()
	a.unread = true
	return a.finished()
}

// counts wants a number of points in the summary of a trial's last attempt.
func (h *home) counts(s study, t experiment.Trial, want int64) {
	h.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, h.dir, store.Options{})
	check(h, err)
	defer st.Close()
	x, err := st.Find(ctx, "default", s.name)
	check(h, err)
	h.audit(s).counted(st, x.UID, t, t.Attempt, int(want))
}
