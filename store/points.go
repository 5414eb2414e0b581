package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"

	"qalam/metrics"
)

// sourceRow is a row of sources.
type sourceRow struct {
	id, trial       int64
	attempt         int64
	key             string
	epoch, position int64
	points          int64
	chunk, size     int64
	summaries       []byte
	sum             int64
}

const sourceColumns = `id, trial, attempt, key, epoch, position, points, chunk, size, summaries, sum`

func (r *sourceRow) fields() []any {
	return []any{&r.id, &r.trial, &r.attempt, &r.key, &r.epoch, &r.position, &r.points, &r.chunk, &r.size, &r.summaries, &r.sum}
}

func (r *sourceRow) checksum(buf summer) (summer, int64) {
	buf = buf[:0]
	for _, v := range []int64{r.id, r.trial, r.attempt, r.epoch, r.position, r.points, r.chunk, r.size} {
		buf.int(v)
	}
	buf.str(r.key)
	buf.bytes(r.summaries)
	return buf, buf.sum()
}

// appendRow is an Append with its summaries encoded.
type appendRow struct {
	Append
	summaries []byte
}

func encodeAppends(list []Append) ([]appendRow, error) {
	rows := make([]appendRow, len(list))
	for i, a := range list {
		if err := a.Check(); err != nil {
			return nil, err
		}
		rows[i].Append = a
		if a.Summaries == nil {
			continue
		}
		var err error
		if rows[i].summaries, err = json.Marshal(a.Summaries); err != nil {
			return nil, fmt.Errorf("summaries of source %s of trial %s: %w", a.Source, a.Trial, err)
		}
	}
	return rows, nil
}

// putAppend writes the points that are not recorded yet and how far the source was read.
func (t *tx) putAppend(exp int64, uid string, a *appendRow) error {
	r, err := t.source(exp, uid, a)
	if err != nil {
		return err
	}
	points, fresh, err := a.Fresh(int(r.epoch), r.position)
	if err != nil || !fresh {
		return err
	}
	if r.epoch != int64(a.Epoch) {
		r.epoch, r.position = int64(a.Epoch), 0
	}
	r.position = max(r.position, a.To)
	for _, segment := range segmentsOf(r.id, a.Epoch, points) {
		if err := t.putSegment(r, segment); err != nil {
			return err
		}
	}
	r.points += int64(len(points))
	if a.summaries != nil {
		r.summaries = a.summaries
	}
	t.buf, r.sum = r.checksum(t.buf)
	_, err = t.exec(`UPDATE sources SET epoch = ?, position = ?, points = ?, chunk = ?, size = ?, summaries = ?, sum = ? WHERE id = ?`,
		r.epoch, r.position, r.points, r.chunk, r.size, r.summaries, r.sum, r.id)
	return err
}

// putSegment adds to the last chunk of a source or begins the next.
func (t *tx) putSegment(r *sourceRow, segment []byte) error {
	size := int64(len(segment))
	if r.chunk >= 0 && r.size+size <= chunkSize {
		n, err := t.exec(`UPDATE points SET data = CAST(data || ? AS BLOB) WHERE id = ?`, segment, r.id<<chunkBits+r.chunk)
		if err == nil && n == 0 {
			err = fmt.Errorf("chunk %d of source %s is missing: %w", r.chunk, r.key, errDamaged)
		}
		r.size += size
		return err
	}
	if r.chunk++; r.chunk >= 1<<chunkBits {
		return fmt.Errorf("source %s has too many points", r.key)
	}
	r.size = size
	_, err := t.exec(`INSERT INTO points VALUES (?, ?)`, r.id<<chunkBits+r.chunk, segment)
	return err
}

// source finds or makes the row of a source.
func (t *tx) source(exp int64, uid string, a *appendRow) (*sourceRow, error) {
	key := fmt.Sprintf("%s %s %d %s", uid, a.Trial, a.Attempt, a.Source)
	if r := t.sources[key]; r != nil {
		return r, nil
	}
	r := &sourceRow{attempt: int64(a.Attempt), key: a.Source, chunk: -1}
	err := t.row(`SELECT id FROM trials WHERE name = ? AND id BETWEEN ? AND ?`,
		[]any{a.Trial, trialID(exp, 0), trialID(exp, maxNumber)}, &r.trial)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("trial %s: %w", a.Trial, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	err = t.row(`SELECT `+sourceColumns+` FROM sources WHERE trial = ? AND attempt = ? AND key = ?`,
		[]any{r.trial, r.attempt, r.key}, r.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.row(`INSERT INTO sources (trial, attempt, key, epoch, position, points, chunk, size, sum) VALUES (?, ?, ?, 0, 0, 0, -1, 0, 0)
			RETURNING id`, []any{r.trial, r.attempt, r.key}, &r.id)
	} else if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, err
	}
	if len(t.sources) > maxCached {
		clear(t.sources)
	}
	t.sources[key] = r
	return r, nil
}

func (r *sourceRow) check() error {
	if _, sum := r.checksum(nil); sum != r.sum {
		return fmt.Errorf("row of source %s of trial %d: %w", r.key, r.trial&math.MaxUint32, errSum)
	}
	return nil
}

// Sources returns how far the outputs of a trial were read, of one attempt or, with 0, of all, by attempt and key.
func (s *SQLite) Sources(ctx context.Context, uid string, number, attempt int) ([]Source, error) {
	rows, err := s.sourceRows(ctx, uid, number, attempt, "")
	if err != nil {
		return nil, s.explain(err)
	}
	list := make([]Source, len(rows))
	for i, r := range rows {
		list[i] = Source{Attempt: int(r.attempt), Key: r.key, Epoch: int(r.epoch), Position: r.position, Points: r.points}
		if r.summaries == nil {
			continue
		}
		if err := json.Unmarshal(r.summaries, &list[i].Summaries); err != nil {
			return nil, fmt.Errorf("summaries of source %s of trial %d: %w", r.key, number, err)
		}
	}
	return list, nil
}

func (s *SQLite) sourceRows(ctx context.Context, uid string, number, attempt int, key string) ([]sourceRow, error) {
	id, err := s.id(ctx, uid)
	if err != nil {
		return nil, err
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT `+sourceColumns+` FROM sources
		WHERE trial = ?1 AND (?2 = 0 OR attempt = ?2) AND (?3 = '' OR key = ?3) ORDER BY attempt, key`, trialID(id, number), attempt, key)
	if err != nil {
		return nil, err
	}
	var list []sourceRow
	err = each(rows, func() error {
		var r sourceRow
		if err := rows.Scan(r.fields()...); err != nil {
			return err
		}
		list = append(list, r)
		return r.check()
	})
	return list, err
}

// Points returns recorded points of a trial: by attempt, source and, within a source, in the order in which they were appended.
func (s *SQLite) Points(ctx context.Context, uid string, number int, q PointQuery) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		rows, err := s.sourceRows(ctx, uid, number, q.Attempt, q.Source)
		left := q.Limit
		for _, r := range rows {
			if err != nil {
				break
			}
			more := true
			err = s.sourcePoints(ctx, r, func(sample Sample) bool {
				if sample.Seq <= q.After || q.Metric != "" && sample.Name != q.Metric {
					return true
				}
				left--
				more = yield(sample, nil) && left != 0
				return more
			})
			if !more {
				return
			}
		}
		if err != nil {
			yield(Sample{}, s.explain(err))
		}
	}
}

// chunkPage is the number of chunks that are read at once.
const chunkPage = 64

// sourcePoints hands out the points of a source as they were when its row was read.
func (s *SQLite) sourcePoints(ctx context.Context, r sourceRow, yield func(Sample) bool) error {
	seq, more := int64(0), true
	for first := int64(0); first <= r.chunk && more; first += chunkPage {
		chunks, err := s.chunks(ctx, r, first)
		if err != nil {
			return err
		}
		for _, chunk := range chunks {
			err := readChunk(r.id, chunk, func(epoch int, p metrics.Point) bool {
				if seq == r.points { // appended meanwhile
					more = false
					return false
				}
				seq++
				more = yield(Sample{Attempt: int(r.attempt), Source: r.key, Epoch: epoch, Seq: seq, Point: p})
				return more
			})
			if err != nil {
				return fmt.Errorf("source %s of trial %d: %w", r.key, r.trial&math.MaxUint32, err)
			}
			if !more {
				return nil
			}
		}
	}
	if seq < r.points {
		return fmt.Errorf("source %s of trial %d has %d points instead of %d: %w", r.key, r.trial&math.MaxUint32, seq, r.points, errDamaged)
	}
	return nil
}

func (s *SQLite) chunks(ctx context.Context, r sourceRow, first int64) ([][]byte, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT data FROM points WHERE id BETWEEN ? AND ? ORDER BY id`,
		r.id<<chunkBits+first, r.id<<chunkBits+min(first+chunkPage-1, r.chunk))
	if err != nil {
		return nil, err
	}
	var list [][]byte
	err = each(rows, func() error {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		list = append(list, data)
		return nil
	})
	return list, err
}

// Events returns events beyond the ID after, of one experiment or, with "", of all, by ID; at most limit of them, or all with 0.
func (s *SQLite) Events(ctx context.Context, uid string, after int64, limit int) ([]Event, error) {
	if limit <= 0 {
		limit = -1
	}
	query, args := `TRUE`, []any{after, limit}
	if uid != "" {
		id, err := s.id(ctx, uid)
		if err != nil {
			return nil, err
		}
		query, args = `e.experiment = ?3`, append(args, id)
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT e.id, e.time, x.uid, e.trial, e.kind, e.message
		FROM events e JOIN experiments x ON x.id = e.experiment WHERE e.id > ?1 AND `+query+` ORDER BY e.id LIMIT ?2`, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	var list []Event
	err = each(rows, func() error {
		var e Event
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Experiment, &e.Trial, &e.Kind, &e.Message); err != nil {
			return err
		}
		e.Time = instant(at)
		list = append(list, e)
		return nil
	})
	return list, s.explain(err)
}
