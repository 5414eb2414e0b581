package engine

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/runner"
	"qalam/store"
)

// maxRead bounds what one look takes from one output, so that a trial that was verbose while nobody looked does not hold up
// the others.
const maxRead = 4 << 20

// maxPoints is the number of points of one metric of one attempt that are kept as they came; beyond it every second one is,
// beyond twice as many every fourth, and so on. Minimum, maximum and latest are exact all the same.
const maxPoints = 100_000

// tail follows the outputs of one attempt: it turns their bytes into points, exactly once, and keeps the summaries.
type tail struct {
	id        runner.ID
	collect   runner.Collect
	names     []string
	newFor    func(runner.Output) (metrics.Scanner, error)
	sources   map[string]*source
	curve     experiment.CurveBuilder
	objective experiment.Objective
	first     time.Time // when the first point of the objective arrived
	trouble   string    // why points cannot be collected from where the experiment says; "" when they can
	paged     time.Time // when the metrics page was last looked at
	heard     time.Time // when something new was last read
	buf       []byte
}

// source is one output and how far it has been read.
type source struct {
	scanner   metrics.Scanner // nil when what was recorded of the source is known but nothing was read since
	epoch     int             // raised when the output was replaced or cut: offsets begin again
	offset    int64           // everything before has been turned into points that are recorded
	summaries map[string]metrics.Summary
}

// read takes what is new in every output. With final set it reads to the end, and unfinished lines count as complete.
// It changes the tail at once: the caller records the appends or stops for good.
func (t *tail) read(outputs runner.Outputs, now time.Time, final bool) ([]store.Append, error) {
	list, err := outputs.Outputs(t.id, t.collect)
	if t.unreadable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list outputs of trial %s: %w", t.id.Trial, err)
	}
	var appends []store.Append
	for _, o := range list {
		a, err := t.readOutput(outputs, o, now, final)
		appends = append(appends, a...)
		if t.unreadable(err) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return appends, nil
}

// unreadable keeps in mind why points cannot be collected, for the doctor to tell: it is no reason to stop the experiment.
func (t *tail) unreadable(err error) bool {
	t.trouble = ""
	if !errors.Is(err, runner.ErrUnreadable) {
		return false
	}
	t.trouble = err.Error()
	return true
}

func (t *tail) readOutput(outputs runner.Outputs, o runner.Output, now time.Time, final bool) ([]store.Append, error) {
	s, err := t.source(outputs, o)
	if err != nil {
		return nil, err
	}
	if o.Size < s.offset { // cut or replaced by the trial: what is there now has not been seen
		s.epoch, s.offset = s.epoch+1, 0
	}
	if o.Size == s.offset && !final {
		return nil, nil
	}
	var appends []store.Append
	buf := t.buf
	for read := 0; ; {
		n, err := outputs.ReadAt(t.id, o.Key, buf, s.offset)
		atEnd := errors.Is(err, io.EOF)
		if err != nil && !atEnd {
			return appends, fmt.Errorf("read output %s of trial %s: %w", o.Key, t.id.Trial, err)
		}
		points, consumed := s.scanner.Scan(buf[:n], s.offset, final && atEnd)
		if consumed > 0 {
			appends = append(appends, t.take(o.Key, s, points, consumed, now))
		}
		read += n
		switch {
		case atEnd || !final && read >= maxRead:
			return appends, nil
		case consumed == 0 && len(buf) > metrics.MaxRecord:
			return appends, nil // no scanner waits for more than this
		case consumed == 0: // a record longer than the buffer
			buf = make([]byte, min(2*len(buf), metrics.MaxRecord+2*readBuffer))
		}
	}
}

// source finds or opens the bookkeeping of an output.
func (t *tail) source(outputs runner.Outputs, o runner.Output) (*source, error) {
	if s := t.sources[o.Key]; s != nil && s.scanner != nil {
		return s, nil
	}
	scanner, err := t.newFor(o)
	if err != nil {
		return nil, fmt.Errorf("output %s: %w", o.Key, err)
	}
	s := t.sources[o.Key]
	if s == nil {
		s = &source{summaries: map[string]metrics.Summary{}}
		t.sources[o.Key] = s
	}
	s.scanner = scanner
	if r, ok := scanner.(metrics.Resumer); ok && s.offset > 0 { // taken up in the middle, perhaps of a line that was too long
		before := make([]byte, 1)
		if n, err := outputs.ReadAt(t.id, o.Key, before, s.offset-1); n == 1 {
			r.Resume(before[0])
		} else if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read output %s of trial %s: %w", o.Key, t.id.Trial, err)
		}
	}
	return s, nil
}

// take adds points to the summaries and the curve and makes the record of them.
func (t *tail) take(key string, s *source, points []metrics.Point, consumed int, now time.Time) store.Append {
	a := store.Append{
		Trial: t.id.Trial, Attempt: t.id.Attempt, Source: key, Epoch: s.epoch,
		From: s.offset, To: s.offset + int64(consumed),
	}
	s.offset = a.To
	t.heard = now
	for _, p := range points {
		if p.Time.IsZero() {
			p.Time = now
		}
		sum := s.summaries[p.Name]
		sum.Add(p)
		s.summaries[p.Name] = sum
		if p.Name == t.objective.Metric {
			if t.first.IsZero() {
				t.first = now
			}
		}
		if !kept(sum.Count) {
			continue
		}
		a.Points = append(a.Points, p)
		if p.Name == t.objective.Metric { // the curve is what it would be after a restart, and bounded
			t.curve.Add(p)
		}
	}
	if len(points) > 0 {
		a.Summaries = maps.Clone(s.summaries)
	}
	return a
}

// restore takes up what is recorded of an attempt: how far its outputs were read, their summaries and the objective's points.
func (t *tail) restore(sources []store.Source, points iter.Seq2[store.Sample, error]) error {
	for _, rec := range sources {
		if rec.Attempt != t.id.Attempt {
			continue
		}
		s := &source{epoch: rec.Epoch, offset: rec.Position, summaries: rec.Summaries}
		if s.summaries == nil {
			s.summaries = map[string]metrics.Summary{}
		}
		t.sources[rec.Key] = s
	}
	for sample, err := range points {
		if err != nil {
			return fmt.Errorf("points of trial %s: %w", t.id.Trial, err)
		}
		if t.first.IsZero() {
			t.first = sample.Time
		}
		t.curve.Add(sample.Point)
	}
	return nil
}

// summaries sums up every metric over all outputs of the attempt.
func (t *tail) summaries() map[string]metrics.Summary {
	out := map[string]metrics.Summary{}
	for _, s := range t.sources {
		for name, sum := range s.summaries {
			all := out[name]
			all.Merge(sum)
			out[name] = all
		}
	}
	return out
}

// kept says whether the nth point of a metric is recorded (maxPoints).
func kept(n int64) bool {
	stride := int64(1)
	for limit := int64(maxPoints); n > limit; limit *= 2 {
		stride *= 2
	}
	return n%stride == 0
}
