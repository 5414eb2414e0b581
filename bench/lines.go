package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	_ "modernc.org/sqlite" // the peer writes to a table of its own

	"qalam/experiment"
	"qalam/metrics"
	"qalam/space"
	"qalam/store"
)

// parse measures how many lines with a metric are parsed in a second, beside a regular expression over every line.
func (b *bench) parse() ([]figure, error) {
	var text bytes.Buffer
	const lines = 10_000
	for i := range lines {
		fmt.Fprintf(&text, "2026-01-01T00:00:00Z epoch=%d loss=0.%06d accuracy=0.%04d\n", i, 999_999-i, i)
	}
	var rate, peer, ratio []float64
	for range b.scale.Rounds {
		scanner, err := metrics.NewText([]string{"loss", "accuracy"}, nil)
		if err != nil {
			return nil, err
		}
		offset, points := int64(0), 0
		own := perSecond(b.scale.Window, func() int {
			p, consumed := scanner.Scan(text.Bytes(), offset, false)
			offset, points = offset+int64(consumed), len(p)
			return lines
		})
		if points != 2*lines {
			return nil, fmt.Errorf("%d points in %d lines with two metrics each", points, lines)
		}
		filter := regexp.MustCompile(metrics.DefaultFilter)
		other := perSecond(b.scale.Window, func() int {
			for line := range bytes.Lines(text.Bytes()) {
				filter.FindAllSubmatch(line, -1)
			}
			return lines
		})
		rate, peer, ratio = append(rate, own), append(peer, other), append(ratio, own/other)
	}
	return []figure{
		atLeast(500_000, "lines with two metrics, a time and a step, parsed", "lines/s", rate),
		measured("– Katib's regular expression over every line", "lines/s", peer),
		measured("– ratio to that", "", ratio),
	}, nil
}

// perSecond repeats something for a while and counts.
func perSecond(window time.Duration, do func() int) float64 {
	do()
	n, begin := 0, time.Now()
	for time.Since(begin) < window {
		n += do()
	}
	return float64(n) / time.Since(begin).Seconds()
}

// The shape of what the engine writes at each look when 100 trials print 1,000 lines a second.
const (
	writers   = 100
	perAppend = 100
)

// points measures how many points are stored in a second, durably, beside a bare table with a row for each.
func (b *bench) points() ([]figure, error) {
	var rate, peer, ratio []float64
	for range b.scale.Rounds {
		own, err := b.storePoints()
		if err != nil {
			return nil, err
		}
		other, err := b.tablePoints()
		if err != nil {
			return nil, err
		}
		rate, peer, ratio = append(rate, own), append(peer, other), append(ratio, own/other)
		b.say("store: %.0f points/s, a bare table %.0f", own, other)
	}
	return []figure{
		atLeast(150_000, fmt.Sprintf("points stored, %d of each of %d trials in a transaction, synchronous=FULL", perAppend, writers), "points/s", rate),
		measured("– rows of a bare table, as many in a transaction", "points/s", peer),
		measured("– ratio to that", "", ratio),
	}, nil
}

func (b *bench) storePoints() (float64, error) {
	dir, err := b.folder("points")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	st, err := store.Open(b.ctx, dir, store.Options{})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	release, err := st.Own(b.ctx, "bench")
	if err != nil {
		return 0, err
	}
	defer release()
	if err := st.Create(b.ctx, store.Experiment{UID: "u", Namespace: "bench", Name: "points", Created: time.Now()}); err != nil {
		return 0, err
	}
	batch := store.Batch{Experiment: "u"}
	for n := 1; n <= writers; n++ {
		batch.Trials = append(batch.Trials, experiment.Trial{Number: n, Name: fmt.Sprintf("points-%d", n), Assignment: space.Assignment{0.5},
			State: experiment.TrialRunning, Attempt: 1, Started: true, Created: time.Now(), Running: time.Now()})
	}
	if err := st.Write(b.ctx, batch); err != nil {
		return 0, err
	}
	const lineLength = 60
	points := make([]metrics.Point, perAppend)
	begin := time.Now()
	stored, at := 0, int64(0)
	for ; stored < b.scale.Points; stored += writers * perAppend {
		for i := range points {
			line := at/lineLength + int64(i)
			points[i] = metrics.Point{Name: "loss", Value: 1 / float64(line+1), Step: line, Time: begin.Add(time.Duration(line) * time.Millisecond), Offset: line * lineLength}
		}
		end := at + perAppend*lineLength
		sum := metrics.Summary{}
		sum.Add(points[0])
		batch := store.Batch{Experiment: "u"}
		for n := 1; n <= writers; n++ {
			batch.Appends = append(batch.Appends, store.Append{Trial: fmt.Sprintf("points-%d", n), Attempt: 1, Source: "main/0.log",
				From: at, To: end, Points: points, Summaries: map[string]metrics.Summary{"loss": sum}})
		}
		if err := st.Write(b.ctx, batch); err != nil {
			return 0, err
		}
		at = end
	}
	return float64(stored) / time.Since(begin).Seconds(), nil
}

// tablePoints writes rows into a bare table with the same guarantee.
func (b *bench) tablePoints() (rate float64, err error) {
	dir, err := b.folder("table")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE points (id INTEGER PRIMARY KEY, trial INTEGER, metric INTEGER, step INTEGER, time INTEGER, value REAL)`); err != nil {
		return 0, err
	}
	begin := time.Now()
	stored := 0
	for stored < b.scale.Points {
		tx, err := db.Begin()
		if err != nil {
			return 0, err
		}
		insert, err := tx.Prepare(`INSERT INTO points VALUES (NULL, ?, 1, ?, ?, ?)`)
		if err != nil {
			return 0, err
		}
		for i := range writers * perAppend {
			if _, err := insert.Exec(i/perAppend, stored+i, begin.UnixMilli()+int64(i), 1/float64(i+1)); err != nil {
				return 0, err
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		stored += writers * perAppend
	}
	return float64(stored) / time.Since(begin).Seconds(), nil
}

// lines measures what it costs the engine when many trials print much, and whether every point is there, once.
func (b *bench) lines() ([]figure, error) {
	var figures []figure
	for _, every := range []int{1, 10} {
		var cores, printed, bad []float64
		for range b.scale.Rounds {
			r, err := b.printing(every)
			if err != nil {
				return nil, err
			}
			cores, printed, bad = append(cores, r.cores), append(printed, r.rate), append(bad, float64(r.bad))
			b.say("lines, a metric in one of %d: engine %.2f cores, %.0f lines/s printed, %d points lost or doubled", every, r.cores, r.rate, r.bad)
		}
		with := "every line with a metric"
		if every > 1 {
			with = fmt.Sprintf("one line of %d with a metric", every)
		}
		figures = append(figures,
			atMost(1, fmt.Sprintf("%d trials print %d lines/s each, %s: processors the engine uses", b.scale.Emitters, b.scale.Rate, with), "cores", cores),
			measured("– lines that were really printed", "lines/s", printed),
			atMost(0, "– points lost or doubled", "", bad))
	}
	return figures, nil
}

// printed is what one run of printing trials showed.
type printed struct {
	cores, rate float64
	bad         int
}

func (b *bench) printing(every int) (*printed, error) {
	home, err := b.folder("lines")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	n, count := b.scale.Emitters, int(float64(b.scale.Rate)*b.scale.Emit.Seconds())
	d := document{name: "lines", trials: n, width: n, command: []string{exe},
		env: map[string]string{roleVariable: fmt.Sprintf("emit %d %d %d", b.scale.Rate, count, every)}}
	g, err := b.engine(order{Home: home, UID: d.name, Source: d.yaml(), Running: n, Ended: []int{1, n}})
	if err != nil {
		return nil, err
	}
	from, err := g.wait(b, onRunning, nil)
	if err != nil {
		return nil, err
	}
	to, err := g.wait(b, onEnded, nil)
	if err != nil {
		return nil, err
	}
	if _, err := g.wait(b, onDone, nil); err != nil {
		return nil, err
	}
	if err := g.end(); err != nil {
		return nil, err
	}
	p := &printed{cores: (to.CPU - from.CPU).Seconds() / (to.At - from.At).Seconds()}
	return p, b.compare(p, d, home, count, every)
}

// compare counts the points that are not exactly those that were printed, and how fast they were printed.
func (b *bench) compare(p *printed, d document, home string, count, every int) error {
	st, err := store.Open(b.ctx, home, store.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	for t, err := range st.Trials(b.ctx, d.name, store.Query{}) {
		if err != nil {
			return err
		}
		if t.State != experiment.TrialSucceeded {
			return fmt.Errorf("trial %d is %s: %s %s", t.Number, t.State, t.Reason, t.Message)
		}
		wrong, err := wrongPoints(b.ctx, st, d.name, t.Number, count, every)
		if err != nil {
			return err
		}
		p.bad += wrong
		p.rate += float64(count) / t.Completed.Sub(t.Running).Seconds()
	}
	return nil
}

// wrongPoints counts the points of a trial that are missing, doubled or other than printed: the value of each is the number of
// its line.
func wrongPoints(ctx context.Context, st *store.SQLite, uid string, number, count, every int) (int, error) {
	seen := make([]int, count)
	wrong := 0
	for s, err := range st.Points(ctx, uid, number, store.PointQuery{}) {
		if err != nil {
			return 0, err
		}
		i := int(s.Value)
		if s.Name != "loss" || i < 0 || i >= count || i%every != 0 || float64(i) != s.Value {
			wrong++
			continue
		}
		seen[i]++
	}
	for i, n := range seen {
		switch {
		case i%every == 0 && n == 0:
			wrong++
		case n > 1:
			wrong += n - 1
		}
	}
	return wrong, nil
}

// emit is a trial that prints lines at a steady rate. Every so many of them hold a metric, whose value is the line's number.
func emit(out io.Writer, how string) error {
	var rate, count, every int
	if _, err := fmt.Sscan(how, &rate, &count, &every); err != nil {
		return fmt.Errorf("%q: %w", how, err)
	}
	const tick = 10 * time.Millisecond
	begin := time.Now()
	var text []byte
	for next := 0; next < count; time.Sleep(tick) {
		text = text[:0]
		stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		for due := min(count, int(time.Since(begin).Seconds()*float64(rate))); next < due; next++ {
			if next%every == 0 {
				text = fmt.Appendf(text, "%s step=%d loss=%d\n", stamp, next, next)
			} else {
				text = fmt.Appendf(text, "%s read batch %d in 1.2 ms, on to the next\n", stamp, next)
			}
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	return nil
}
