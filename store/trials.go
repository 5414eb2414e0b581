package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"qalam/experiment"
)

// page is the number of rows that are read at once: no read transaction outlasts one page, whatever its reader does meanwhile.
const page = 2000

// Write records a batch. It returns once the batch is durable; on an error nothing of the batch is recorded. Batches that are
// written at the same time share one fsync. ErrFull may pass; after ErrBroken this store cannot be written any more.
func (s *SQLite) Write(ctx context.Context, b Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	run, err := s.prepare(b)
	if err != nil {
		return err
	}
	return s.writer.do(run)
}

// prepare checks and encodes a batch on the goroutine of its caller, and returns the job that writes it.
func (s *SQLite) prepare(b Batch) (func(*tx) error, error) {
	trials := make([]trialRow, len(b.Trials))
	for i, t := range b.Trials {
		var err error
		if trials[i], err = encodeTrial(t); err != nil {
			return nil, err
		}
	}
	appends, err := encodeAppends(b.Appends)
	if err != nil {
		return nil, err
	}
	return func(t *tx) error {
		if s.owner.Load() == nil {
			return ErrNotOwner
		}
		id, err := t.experiment(b.Experiment)
		if err != nil {
			return err
		}
		if err := t.putRecord(id, b.Record); err != nil {
			return err
		}
		for i := range trials {
			if err := t.putTrial(id, &trials[i]); err != nil {
				return err
			}
		}
		for i := range appends {
			if err := t.putAppend(id, b.Experiment, &appends[i]); err != nil {
				return err
			}
		}
		for _, e := range b.Events {
			_, err := t.exec(`INSERT INTO events (time, experiment, trial, kind, message) VALUES (?, ?, ?, ?, ?)`,
				nanos(e.Time), id, e.Trial, e.Kind, e.Message)
			if err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// upsertTrial leaves a trial that is over alone when it is to be under way again.
var upsertTrial = fmt.Sprintf(`INSERT INTO trials (%s) VALUES (%s) ON CONFLICT (id) DO UPDATE SET %s
	WHERE NOT (trials.state >= %d AND excluded.state < %d)`,
	trialColumns, strings.Repeat("?, ", 22)+"?", func() string {
		var set []string
		for c := range strings.SplitSeq(trialColumns, ",") {
			if c = strings.TrimSpace(c); c != "id" {
				set = append(set, c+" = excluded."+c)
			}
		}
		return strings.Join(set, ", ")
	}(), live, live)

// putTrial writes a trial of an experiment.
func (t *tx) putTrial(exp int64, r *trialRow) error {
	number := int(r.id & math.MaxUint32)
	r.id = trialID(exp, number)
	t.buf, r.sum = r.checksum(t.buf)
	n, err := t.exec(upsertTrial, r.values()...)
	if err == nil && n == 0 {
		return fmt.Errorf("trial %d, to be %s: %w", number, states[r.state], ErrTerminal)
	}
	return err
}

// Trials returns the trials of an experiment that a query selects, by number. Trials that change while they are read may be seen
// before or after the change. An experiment that is not there has none.
func (s *SQLite) Trials(ctx context.Context, uid string, q Query) iter.Seq2[experiment.Trial, error] {
	return func(yield func(experiment.Trial, error) bool) {
		id, err := s.id(ctx, uid)
		if err != nil {
			yield(experiment.Trial{}, err)
			return
		}
		where, order, err := q.clause()
		if err != nil {
			yield(experiment.Trial{}, err)
			return
		}
		low, high := trialID(id, 0), trialID(id, maxNumber)
		if q.After > 0 && q.Descending {
			high = trialID(id, q.After) - 1
		} else if q.After > 0 {
			low = trialID(id, q.After) + 1
		}
		for left := q.Limit; ; {
			n := page
			if q.Limit > 0 {
				n = min(n, left)
			}
			trials, err := s.trials(ctx, where+order, low, high, n)
			if err != nil {
				yield(experiment.Trial{}, s.explain(err))
				return
			}
			for _, t := range trials {
				if !yield(t, nil) {
					return
				}
			}
			left -= len(trials)
			if len(trials) < n || q.Limit > 0 && left <= 0 {
				return
			}
			if last := trialID(id, trials[len(trials)-1].Number); q.Descending {
				high = last - 1
			} else {
				low = last + 1
			}
		}
	}
}

// clause is the part of a query that does not change from page to page. Everything in it is a number.
func (q Query) clause() (where, order string, err error) {
	if len(q.States) > 0 {
		var list []string
		for _, state := range q.States {
			i := slices.Index(states, state)
			if i < 0 {
				return "", "", fmt.Errorf("state %q of trials is not known", state)
			}
			list = append(list, fmt.Sprint(i))
		}
		where += " AND state IN (" + strings.Join(list, ", ") + ")"
	}
	if len(q.Numbers) > 0 {
		var list []string
		for _, n := range q.Numbers {
			list = append(list, fmt.Sprint(n))
		}
		where += " AND id & 4294967295 IN (" + strings.Join(list, ", ") + ")"
	}
	if q.Descending {
		return where, " ORDER BY id DESC", nil
	}
	return where, " ORDER BY id", nil
}

// trials reads one page.
func (s *SQLite) trials(ctx context.Context, clause string, low, high int64, limit int) ([]experiment.Trial, error) {
	rows, err := s.readers.QueryContext(ctx,
		`SELECT `+trialColumns+` FROM trials WHERE id BETWEEN ? AND ?`+clause+` LIMIT ?`, low, high, limit)
	if err != nil {
		return nil, err
	}
	var trials []experiment.Trial
	var buf summer
	err = each(rows, func() error {
		var r trialRow
		if err := rows.Scan(r.fields()...); err != nil {
			return err
		}
		var t experiment.Trial
		var err error
		t, buf, err = r.decode(buf)
		trials = append(trials, t)
		return err
	})
	return trials, err
}

// Active returns the trials that are not over, by number.
func (s *SQLite) Active(ctx context.Context, uid string) ([]experiment.Trial, error) {
	var list []experiment.Trial
	for _, state := range states[:live] { // one by one, each is a range of the index
		for t, err := range s.Trials(ctx, uid, Query{States: []experiment.TrialState{state}}) {
			if err != nil {
				return nil, err
			}
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b experiment.Trial) int { return cmp.Compare(a.Number, b.Number) })
	return list, nil
}

// History returns what search algorithms need of all trials, by number, fast.
func (s *SQLite) History(ctx context.Context, uid string) iter.Seq2[Past, error] {
	return func(yield func(Past, error) bool) {
		id, err := s.id(ctx, uid)
		if err != nil {
			yield(Past{}, err)
			return
		}
		var buf summer
		past := make([]Past, 0, page)
		for low := trialID(id, 0); ; {
			if past, buf, err = s.pastPage(ctx, past[:0], buf, low, trialID(id, maxNumber)); err != nil {
				yield(Past{}, s.explain(err))
				return
			}
			for _, p := range past {
				if !yield(p, nil) {
					return
				}
			}
			if len(past) < page {
				return
			}
			low = trialID(id, past[len(past)-1].Number+1)
		}
	}
}

// pastPage appends one page of trials from low to high to past.
func (s *SQLite) pastPage(ctx context.Context, past []Past, buf summer, low, high int64) ([]Past, summer, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT id, state, value, assignment, step, others, labels, sum
		FROM trials WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?`, low, high, page)
	if err != nil {
		return past, buf, err
	}
	err = each(rows, func() error {
		var r trialRow
		var assignment, others, labels sql.RawBytes
		if err := rows.Scan(&r.id, &r.state, &r.value, &assignment, &r.step, &others, &labels, &r.sum); err != nil {
			return err
		}
		r.assignment, r.others, r.labels = assignment, others, labels
		var core int64
		if buf, core = r.coreSum(buf); core != r.sum&math.MaxUint32 || !r.sound() {
			return fmt.Errorf("row of trial %d: %w", r.id&math.MaxUint32, errSum)
		}
		p, err := r.past()
		past = append(past, p)
		return err
	})
	return past, buf, err
}
