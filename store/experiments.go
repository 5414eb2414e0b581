package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"qalam/experiment"
)

// Create records a new experiment. ErrExists says that there is one of this UID, or of this namespace and name.
func (s *SQLite) Create(_ context.Context, x Experiment) error {
	desire, err := json.Marshal(x.Desire)
	if err != nil {
		return fmt.Errorf("create experiment %s/%s: %w", x.Namespace, x.Name, err)
	}
	if x.Source == nil {
		x.Source = []byte{}
	}
	return s.writer.do(func(t *tx) error {
		var there int
		err := t.row(`SELECT count(*) FROM experiments WHERE uid = ? OR namespace = ? AND name = ?`,
			[]any{x.UID, x.Namespace, x.Name}, &there)
		if err != nil {
			return err
		}
		if there > 0 {
			return fmt.Errorf("experiment %s/%s: %w", x.Namespace, x.Name, ErrExists)
		}
		var id int64
		err = t.row(`INSERT INTO experiments (uid, namespace, name, seed, created, source, sum) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{x.UID, x.Namespace, x.Name, int64(x.Seed), nanos(x.Created), x.Source, experimentSum(x)}, &id)
		if err != nil {
			return err
		}
		t.requested = true
		if err := t.putRecord(id, x.Record); err != nil {
			return err
		}
		if x.Earlier != nil {
			if _, err := t.exec(`INSERT INTO earlier VALUES (?, ?, ?)`, id, []byte(x.Earlier), dataSum(id, x.Earlier)); err != nil {
				return err
			}
		}
		return t.putDesire(id, desire)
	})
}

func experimentSum(x Experiment) int64 {
	var b summer
	b.str(x.UID)
	b.str(x.Namespace)
	b.str(x.Name)
	b.int(int64(x.Seed))
	b.int(nanos(x.Created))
	b.bytes(x.Source)
	return b.sum()
}

// dataSum covers a record or a desire.
func dataSum(id int64, data []byte) int64 {
	var b summer
	b.int(id)
	b.bytes(data)
	return b.sum()
}

func (t *tx) putRecord(id int64, data []byte) error {
	if data == nil {
		return nil
	}
	_, err := t.exec(`INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data, sum = excluded.sum`,
		id, data, dataSum(id, data))
	return err
}

func (t *tx) putDesire(id int64, data []byte) error {
	_, err := t.exec(`INSERT INTO desires VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data, sum = excluded.sum`,
		id, data, dataSum(id, data))
	return err
}

const selectExperiments = `SELECT x.id, x.uid, x.namespace, x.name, x.seed, x.created, x.source, x.sum, r.data, r.sum, d.data, d.sum
	FROM experiments x LEFT JOIN records r ON r.experiment = x.id JOIN desires d ON d.experiment = x.id `

// scanExperiment reads and checks one row of selectExperiments.
func scanExperiment(scan func(...any) error) (x Experiment, id int64, err error) {
	var seed, created, sum, desireSum int64
	var recordSum sql.NullInt64
	var record, desire []byte
	err = scan(&id, &x.UID, &x.Namespace, &x.Name, &seed, &created, &x.Source, &sum, &record, &recordSum, &desire, &desireSum)
	if err != nil {
		return x, id, err
	}
	x.Seed, x.Created, x.Record = uint64(seed), instant(created), record
	if sum != experimentSum(x) || desireSum != dataSum(id, desire) || recordSum.Valid && recordSum.Int64 != dataSum(id, record) {
		return x, id, fmt.Errorf("rows of experiment %s/%s: %w", x.Namespace, x.Name, errSum)
	}
	if err := json.Unmarshal(desire, &x.Desire); err != nil {
		return x, id, fmt.Errorf("what is asked of experiment %s/%s: %w", x.Namespace, x.Name, err)
	}
	return x, id, nil
}

// Get returns the experiment of a UID, or ErrNotFound.
func (s *SQLite) Get(ctx context.Context, uid string) (Experiment, error) {
	x, _, err := scanExperiment(s.readers.QueryRowContext(ctx, selectExperiments+`WHERE x.uid = ?`, uid).Scan)
	return x, s.found(err, uid)
}

// Earlier returns what an experiment learns from others, as it was given to Create; nil when there was nothing.
func (s *SQLite) Earlier(ctx context.Context, uid string) (json.RawMessage, error) {
	id, err := s.id(ctx, uid)
	if err != nil {
		return nil, err
	}
	var data []byte
	var sum int64
	switch err := s.readers.QueryRowContext(ctx, `SELECT data, sum FROM earlier WHERE experiment = ?`, id).Scan(&data, &sum); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, s.explain(err)
	case sum != dataSum(id, data):
		return nil, s.explain(fmt.Errorf("what experiment %s learns from others: %w", uid, errSum))
	}
	return data, nil
}

// Find returns the experiment of a namespace and name, or ErrNotFound.
func (s *SQLite) Find(ctx context.Context, namespace, name string) (Experiment, error) {
	x, _, err := scanExperiment(s.readers.QueryRowContext(ctx,
		selectExperiments+`WHERE x.namespace = ? AND x.name = ?`, namespace, name).Scan)
	return x, s.found(err, namespace+"/"+name)
}

// found names an experiment that is not there.
func (s *SQLite) found(err error, name string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("experiment %s: %w", name, ErrNotFound)
	}
	return s.explain(err)
}

// List returns all experiments, in the order of their creation, without their Sources.
func (s *SQLite) List(ctx context.Context) ([]Listed, error) {
	rows, err := s.readers.QueryContext(ctx, selectExperiments+`ORDER BY x.id`)
	if err != nil {
		return nil, s.explain(err)
	}
	var list []Listed
	var ids []int64
	err = each(rows, func() error {
		x, id, err := scanExperiment(rows.Scan)
		x.Source = nil
		list, ids = append(list, Listed{Experiment: x}), append(ids, id)
		return err
	})
	for i := range list {
		if err != nil {
			break
		}
		list[i].Counts, err = s.counts(ctx, ids[i])
	}
	return list, s.explain(err)
}

// Counts returns the number of trials in every state, or ErrNotFound.
func (s *SQLite) Counts(ctx context.Context, uid string) (experiment.Counts, error) {
	id, err := s.id(ctx, uid)
	if err != nil {
		return experiment.Counts{}, err
	}
	c, err := s.counts(ctx, id)
	return c, s.explain(err)
}

func (s *SQLite) counts(ctx context.Context, id int64) (experiment.Counts, error) {
	var n [7]int
	dest := make([]any, len(n))
	query := ""
	for state := range states {
		dest[state] = &n[state]
		if state > 0 {
			query += ", "
		}
		query += fmt.Sprintf("(SELECT count(*) FROM trials WHERE state = %d AND id BETWEEN ?1 AND ?2)", state)
	}
	err := s.readers.QueryRowContext(ctx, "SELECT "+query, trialID(id, 0), trialID(id, maxNumber)).Scan(dest...)
	return experiment.Counts{Pending: n[0], Running: n[1], Succeeded: n[2], Failed: n[3], Killed: n[4], EarlyStopped: n[5],
		MetricsUnavailable: n[6]}, err
}

// id returns the row of an experiment.
func (s *SQLite) id(ctx context.Context, uid string) (int64, error) {
	var id int64
	err := s.readers.QueryRowContext(ctx, `SELECT id FROM experiments WHERE uid = ?`, uid).Scan(&id)
	return id, s.found(err, uid)
}

// Request changes what the user asks of an experiment. change sees what was asked so far; its error is returned and nothing is
// changed. The Revision is raised by the store.
func (s *SQLite) Request(_ context.Context, uid string, change func(*Desire) error) (Desire, error) {
	var d Desire
	err := s.writer.do(func(t *tx) error {
		id, err := t.experiment(uid)
		if err != nil {
			return err
		}
		var data []byte
		var sum int64
		if err := t.row(`SELECT data, sum FROM desires WHERE experiment = ?`, []any{id}, &data, &sum); err != nil {
			return err
		}
		if sum != dataSum(id, data) {
			return fmt.Errorf("what is asked of experiment %s: %w", uid, errSum)
		}
		d = Desire{}
		if err := json.Unmarshal(data, &d); err != nil {
			return err
		}
		revision := d.Revision
		if err := change(&d); err != nil {
			return err
		}
		d.Revision = revision + 1
		if data, err = json.Marshal(d); err != nil {
			return err
		}
		t.requested = true
		return t.putDesire(id, data)
	})
	return d, err
}

// RequestStop asks for an experiment to be ended.
func (s *SQLite) RequestStop(ctx context.Context, uid string) (Desire, error) {
	return s.Request(ctx, uid, func(d *Desire) error { d.Stop = true; return nil })
}

// RequestDelete asks for an experiment to be ended and deleted.
func (s *SQLite) RequestDelete(ctx context.Context, uid string) (Desire, error) {
	return s.Request(ctx, uid, func(d *Desire) error { d.Delete = true; return nil })
}

// RequestEdit asks for other budgets; those that are nil stay as they are.
func (s *SQLite) RequestEdit(ctx context.Context, uid string, b Budgets) (Desire, error) {
	return s.Request(ctx, uid, func(d *Desire) error { d.Budgets = d.Budgets.With(b); return nil })
}

// With returns the budgets with those of an edit put in.
func (b Budgets) With(edit Budgets) Budgets {
	if edit.ParallelTrialCount != nil {
		b.ParallelTrialCount = edit.ParallelTrialCount
	}
	if edit.MaxTrialCount != nil {
		b.MaxTrialCount = edit.MaxTrialCount
	}
	if edit.MaxFailedTrialCount != nil {
		b.MaxFailedTrialCount = edit.MaxFailedTrialCount
	}
	return b
}

// Delete removes an experiment with everything that belongs to it. Only the owner may, when none of its trials runs any more.
func (s *SQLite) Delete(_ context.Context, uid string) error {
	return s.writer.do(func(t *tx) error {
		if s.owner.Load() == nil {
			return ErrNotOwner
		}
		id, err := t.experiment(uid)
		if err != nil {
			return err
		}
		low, high := trialID(id, 0), trialID(id, maxNumber)
		for _, q := range []struct {
			query string
			args  []any
		}{
			{`DELETE FROM points WHERE id IN (SELECT p.id FROM sources s JOIN points p ON p.id BETWEEN s.id << 24 AND (s.id << 24) + 16777215
				WHERE s.trial BETWEEN ? AND ?)`, []any{low, high}},
			{`DELETE FROM sources WHERE trial BETWEEN ? AND ?`, []any{low, high}},
			{`DELETE FROM trials WHERE id BETWEEN ? AND ?`, []any{low, high}},
			{`DELETE FROM events WHERE experiment = ?`, []any{id}},
			{`DELETE FROM records WHERE experiment = ?`, []any{id}},
			{`DELETE FROM earlier WHERE experiment = ?`, []any{id}},
			{`DELETE FROM desires WHERE experiment = ?`, []any{id}},
			{`DELETE FROM experiments WHERE id = ?`, []any{id}},
		} {
			if _, err := t.exec(q.query, q.args...); err != nil {
				return err
			}
		}
		t.requested = true
		t.forget()
		return nil
	})
}
