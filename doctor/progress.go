package doctor

import (
	"fmt"
	"strings"
	"time"

	"qalam/workload"
)

func waitingForResources(s *Snapshot) *Finding {
	if s.Wait == "" || s.Ended {
		return nil
	}
	return &Finding{
		Code: "WaitingForResources", Severity: Note, Message: s.Wait,
		Fix: "wait, lower parallelTrialCount, or ask for less in the template's resources.requests",
	}
}

// noMetricAtEnd: the job is over and well, and the objective has no value.
func noMetricAtEnd(s *Snapshot) *Finding {
	if !s.Ended || s.Metric.Points > 0 || s.Verdict.Phase == workload.Failed {
		return nil
	}
	if _, c := s.failedFirst(); c != nil {
		return nil
	}
	f := s.metricFinding(fmt.Sprintf("the trial ended well but printed no value of %s", s.Metric.Name))
	f.Severity = Error
	return f
}

// noMetric: the trial has been running for long and the objective has no value yet.
func noMetric(s *Snapshot) *Finding {
	since := s.primary()
	limit := max(firstPointLimit, slowFactor*s.Peers.MedianFirstPoint)
	if s.Metric.Trouble != "" {
		limit = 0
	}
	if s.Ended || since.IsZero() || s.Metric.Points > 0 || s.Metric.Kind == "Push" || s.Now.Sub(since) < limit {
		return nil
	}
	f := s.metricFinding(fmt.Sprintf("running for %s without a value of %s", age(s.Now.Sub(since)), s.Metric.Name))
	f.Severity = Note
	if s.Now.Sub(since) >= max(firstPointLong, limit) || s.Metric.Trouble != "" || len(s.Metric.NearMiss) > 0 {
		f.Severity = Warning
	}
	return f
}

func (s *Snapshot) metricFinding(message string) *Finding {
	m := s.Metric
	f := &Finding{Code: "NoMetric", Message: message}
	filter := "Katib's default, which reads " + m.Name + "=<number>"
	if len(m.Filters) > 0 {
		filter = strings.Join(m.Filters, " ; ")
	}
	switch {
	case m.Trouble != "":
		f.Evidence = []string{m.Trouble}
		f.Fix = "have the trial write an ordinary file at metricsCollectorSpec.source.fileSystemPath.path"
	case m.Kind == "StdOut" && m.Lines == 0:
		f.Evidence = []string{"it has printed nothing at all"}
		f.Fix = "make the program flush its output (PYTHONUNBUFFERED=1, or print(…, flush=True))"
	case len(m.NearMiss) > 0:
		f.Evidence = []string{"it printed: " + clip(m.NearMiss[len(m.NearMiss)-1]), fmt.Sprintf("filter in use: %s", filter)}
		f.Fix = fmt.Sprintf("print %s=<number>", m.Name)
		if m.Suggestion != "" {
			f.Fix = fmt.Sprintf("set metricsCollectorSpec.source.filter.metricsFormat to [%q], or print %s=<number>", m.Suggestion, m.Name)
		}
	default:
		f.Evidence = []string{fmt.Sprintf("none of %d lines names it; filter in use: %s", m.Lines, filter)}
		f.Fix = fmt.Sprintf("print %s=<number> on a line of its own, or correct objectiveMetricName", m.Name)
	}
	return f
}

// idle: nothing is printed and nothing is computed.
func idle(s *Snapshot) *Finding {
	v := s.Vitals
	if s.Ended || v == nil || v.Before.IsZero() || s.primary().IsZero() || s.Now.Sub(v.Before) < idleSpan {
		return nil
	}
	quiet := s.Now.Sub(v.LastOutput)
	if v.LastOutput.IsZero() {
		quiet = s.Now.Sub(s.primary())
	}
	share, _ := s.busy()
	if quiet < silenceLimit || share > idleShare {
		return nil
	}
	severity := Note
	if quiet >= silenceLong {
		severity = Warning
	}
	return &Finding{
		Code: "Idle", Severity: severity,
		Message:  fmt.Sprintf("no output for %s and %.0f %% of a processor in use: it waits for something", age(quiet), 100*share),
		Evidence: tailOf(s), Fix: "look where it stands: py-spy dump --pid PID, or gdb -p PID; set activeDeadlineSeconds to bound it",
	}
}

// busy is how much of one processor the trial has used since an earlier look, if there was one long enough ago.
func (s *Snapshot) busy() (share float64, known bool) {
	v := s.Vitals
	if v == nil || v.Before.IsZero() || s.Now.Sub(v.Before) < idleSpan {
		return 0, false
	}
	return float64(v.CPU-v.CPUBefore) / float64(s.Now.Sub(v.Before)), true
}

// slow: it computes, but takes far longer than its siblings did.
func slow(s *Snapshot) *Finding {
	since := s.primary()
	if s.Ended || since.IsZero() || s.Peers.MedianDuration == 0 {
		return nil
	}
	took := s.Now.Sub(since)
	if took < time.Minute || took < slowFactor*s.Peers.MedianDuration {
		return nil
	}
	return &Finding{
		Code: "Slow", Severity: Note,
		Message: fmt.Sprintf("running for %s, its siblings took %s", age(took), age(s.Peers.MedianDuration)),
		Fix:     "its parameters may make it slower; too many trials at once may too: lower parallelTrialCount",
	}
}

// age prints a duration as people say it.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return strings.TrimSuffix(d.Round(time.Second).String(), "0s")
	default:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
}
