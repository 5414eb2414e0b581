package engine

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"qalam/doctor"
	"qalam/experiment"
	"qalam/metrics"
	"qalam/runner"
)

// steady is how often the doctor must say the same, look after look, before a trial's status says it.
const steady = 2

// maxExamined bounds how many trials one round of examinations looks at; the others follow in the next rounds.
const maxExamined = 64

// Bounds on what the doctor reads of a log.
const (
	headBytes = 4 << 10
	tailBytes = 16 << 10
	headLines = 20
	tailLines = 100
)

// condition is what the doctor said of an attempt in its last looks.
type condition struct {
	code   string
	times  int
	looked time.Time
	before sample // of the vitals, kept for comparison
	next   sample // a later one, to take its place when it is old enough
}

// sample is how much processor time an attempt had used at a time.
type sample struct {
	at  time.Time
	cpu time.Duration
}

// examine asks the doctor about live trials, those not looked at for longest first, and records what it keeps saying.
func (r *run) examine() error {
	order := make([]*live, 0, len(r.live))
	for _, l := range r.live {
		if l.prepared != nil {
			order = append(order, l)
		}
	}
	slices.SortFunc(order, func(a, b *live) int { return a.condition.looked.Compare(b.condition.looked) })
	for _, l := range order[:min(len(order), maxExamined)] {
		if err := r.trim(l); err != nil {
			return err
		}
		if err := r.examineOne(l); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) examineOne(l *live) error {
	findings := doctor.Diagnose(r.snapshot(l, time.Now()))
	code := ""
	if len(findings) > 0 {
		code = findings[0].Code
	}
	if code != l.condition.code {
		l.condition.code, l.condition.times = code, 0
	}
	l.condition.times++
	t, err := r.active(l.number)
	if err != nil {
		return err
	}
	lost := code != "" && t.Reason != code // a restart has said something else meanwhile
	if l.condition.times < steady || l.condition.times > steady && !lost {
		return nil
	}
	told := t
	if code == "" {
		told.Fix = ""
		if t.State == experiment.TrialRunning {
			told = experiment.MarkRunning(experiment.MarkPending(t, t.Reason, t.Message), t.Running)
		}
	} else {
		f := findings[0]
		told.Reason, told.Message, told.Fix = f.Code, withEvidence(f), f.Fix
	}
	if told.Reason == t.Reason && told.Message == t.Message && told.Fix == t.Fix {
		return nil
	}
	return r.put(told)
}

// withEvidence is a finding's line with the first piece of its evidence.
func withEvidence(f doctor.Finding) string {
	if len(f.Evidence) == 0 {
		return f.Message
	}
	return f.Message + " (" + f.Evidence[0] + ")"
}

// explain adds what the doctor knows to the end of a failed attempt.
func (r *run) explain(l *live, end *experiment.End) {
	for _, f := range doctor.Diagnose(r.snapshot(l, end.Time)) {
		if f.Severity == doctor.Error {
			end.Reason, end.Message, end.Fix = f.Code, withEvidence(f), f.Fix
			return
		}
	}
}

// snapshot gathers what is known of an attempt.
func (r *run) snapshot(l *live, now time.Time) doctor.Snapshot {
	task := l.prepared.task
	s := doctor.Snapshot{
		Now: now, Job: task.Job, Pods: l.report.Pods, Verdict: l.report.Verdict, Wait: l.report.Wait,
		Created: l.since, Ended: l.report.Ended,
		Primary: doctor.Primary{Pods: task.Primary.Pods, Container: task.Primary.Container},
		Peers:   r.durations.summary(),
	}
	for _, n := range l.prepared.values {
		s.Params = append(s.Params, doctor.Param{Name: n.Name, Value: n.Value})
	}
	s.Metric = r.metricOf(l)
	s.Logs = r.logsOf(l)
	if prober, ok := r.e.runner.(runner.Prober); ok && !l.report.Ended && l.quiet(now) {
		s.Vitals = vitalsOf(l, prober.Probe(l.id), now)
	}
	l.condition.looked = now
	return s
}

// quietAfter is how long an attempt must not have been heard of before its processes are looked at: that costs more than all the
// rest, and a trial that reports is well.
const quietAfter = 10 * time.Second

// quiet reports whether nothing new has been read of an attempt for a while.
func (l *live) quiet(now time.Time) bool {
	last := l.since
	if l.tail.heard.After(last) {
		last = l.tail.heard
	}
	return now.Sub(last) >= quietAfter
}

// metricOf sums up what was seen of the objective.
func (r *run) metricOf(l *live) doctor.Metric {
	objective := r.state.Spec.Objective.Metric
	m := doctor.Metric{
		Name: objective, Filters: r.x.Spec.Collector.Filters, Kind: string(r.x.Spec.Collector.Kind),
		Points: l.tail.summaries()[objective].Count, First: l.tail.first, Trouble: l.tail.trouble,
	}
	for _, s := range l.tail.sources {
		if s.scanner == nil {
			continue
		}
		stats := s.scanner.Stats()
		m.Lines += stats.Lines
		m.NearMiss = append(m.NearMiss, stats.NearMiss...)
	}
	if filter, ok := metrics.SuggestFilter(m.NearMiss, objective); ok {
		m.Suggestion = filter
	}
	return m
}

// logsOf reads the beginning and the end of every log of an attempt.
func (r *run) logsOf(l *live) []doctor.Log {
	list, err := r.e.runner.Logs(l.id)
	if err != nil {
		return nil // no logs is what the doctor then knows
	}
	var logs []doctor.Log
	for _, o := range list {
		pod, rest, _ := strings.Cut(o.Key, "/")
		container, _, _ := strings.Cut(rest, "/")
		log := doctor.Log{Pod: pod, Container: container}
		head := r.text(l.id, o.Key, 0, min(headBytes, o.Size))
		log.Head = lines(head, headLines)
		from := max(0, o.Size-tailBytes)
		all := lines(r.text(l.id, o.Key, from, o.Size-from), 0)
		if from > 0 && len(all) > 0 {
			all = all[1:] // cut off in the middle
		}
		log.Tail = all[max(0, len(all)-tailLines):]
		logs = append(logs, log)
	}
	return logs
}

func (r *run) text(id runner.ID, key string, from, size int64) string {
	buf := make([]byte, size)
	n, err := r.e.runner.ReadAt(id, key, buf, from)
	if err != nil && !errors.Is(err, io.EOF) && n == 0 {
		return ""
	}
	return string(buf[:n])
}

// lines splits a log into lines, where a carriage return ends one as well; at most n of them when n > 0.
func lines(text string, n int) []string {
	all := strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == '\r' })
	if n > 0 && len(all) > n {
		all = all[:n]
	}
	return all
}

// vitalsOf compares what can be seen now with what was seen at least half a minute ago.
func vitalsOf(l *live, v runner.Vitals, now time.Time) *doctor.Vitals {
	out := &doctor.Vitals{
		Listening: v.Listening, CPU: v.CPU, CPUBefore: l.condition.before.cpu, Before: l.condition.before.at,
		Memory: v.Memory, Processes: v.Processes, LastOutput: v.LastOutput,
	}
	const apart = 30 * time.Second
	c, current := &l.condition, sample{now, v.CPU}
	switch {
	case c.before.at.IsZero():
		c.before, c.next = current, current
	case now.Sub(c.next.at) >= apart: // from the second time on there is always one that is old enough
		c.before, c.next = c.next, current
	}
	return out
}
