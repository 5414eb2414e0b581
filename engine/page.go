package engine

import (
	"context"
	"time"

	"qalam/metrics"
	"qalam/runner"
	"qalam/store"
)

// pageSource is the key of the source that metrics pages are recorded under; its offsets count the pages.
const pageSource = "page"

// pageInterval is the time between two looks at a trial's metrics page.
const pageInterval = time.Second

// readPage fetches the metrics page of an attempt, when it is due, and makes the record of its points. A page that cannot be
// had is tried again the next time: the trial may not serve it yet, or no longer.
func (t *tail) readPage(ctx context.Context, pages runner.Pages, now time.Time) []store.Append {
	if now.Sub(t.paged) < pageInterval {
		return nil
	}
	t.paged = now
	ctx, cancel := context.WithTimeout(ctx, pageInterval)
	defer cancel()
	page, err := pages.Page(ctx, t.id, t.collect)
	if err != nil {
		return nil
	}
	s := t.sources[pageSource]
	if s == nil {
		s = &source{summaries: map[string]metrics.Summary{}}
		t.sources[pageSource] = s
	}
	points := metrics.ParsePrometheus(page, t.names, now)
	for i := range points {
		points[i].Offset, points[i].Index = s.offset, i
	}
	return []store.Append{t.take(pageSource, s, points, 1, now)}
}
