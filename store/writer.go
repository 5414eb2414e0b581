package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// maxGroup bounds the number of jobs that share one transaction, so that none waits long for the others.
const maxGroup = 512

// job is one thing to be written: all of it or nothing.
type job struct {
	run  func(*tx) error
	done chan error // buffered: the answer, once it is durable
}

// writer is the one goroutine of this process that changes the database. Jobs that come while it is busy share the next
// transaction and its one fsync; a job that finds it idle waits for nobody.
type writer struct {
	s    *SQLite
	jobs chan job

	mu      sync.RWMutex // held for reading while a job is handed over
	closed  bool
	started bool
	ended   chan struct{}
}

func newWriter(s *SQLite) *writer {
	return &writer{s: s, jobs: make(chan job, maxGroup), ended: make(chan struct{})}
}

// do runs a job and returns when its transaction is durable, or why it is not.
func (w *writer) do(run func(*tx) error) error {
	j := job{run: run, done: make(chan error, 1)}
	if !w.send(j) {
		return ErrClosed
	}
	return <-j.done
}

func (w *writer) send(j job) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return false
	}
	if !w.started {
		w.mu.RUnlock()
		w.start()
		w.mu.RLock()
		if w.closed {
			return false
		}
	}
	w.jobs <- j
	return true
}

// start starts the goroutine: a process that only reads has none.
func (w *writer) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started && !w.closed {
		w.started = true
		go w.loop()
	}
}

func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
		if !w.started {
			close(w.ended)
		}
	}
	<-w.ended
	return nil
}

func (w *writer) loop() {
	defer close(w.ended)
	t := &tx{s: w.s}
	defer t.disconnect()
	var broken error
	var group []job
	for j := range w.jobs {
		group = w.collect(append(group[:0], j))
		if broken != nil {
			answer(group, broken)
			continue
		}
		if err := t.commit(group); errors.Is(err, ErrBroken) {
			broken = err
		}
	}
}

// collect adds what waits in the queue. It lets those who were just answered come back first: their next jobs then share this
// transaction instead of waiting for the one after.
func (w *writer) collect(group []job) []job {
	for yields := 0; len(group) < maxGroup; {
		select {
		case j, ok := <-w.jobs:
			if !ok {
				return group
			}
			group = append(group, j)
		default:
			if yields++; yields > 1 {
				return group
			}
			runtime.Gosched()
		}
	}
	return group
}

func answer(group []job, err error) {
	for _, j := range group {
		j.done <- err
	}
}

// tx is the writing connection with its prepared statements, as jobs see it within their transaction.
type tx struct {
	s          *SQLite
	db         *sql.DB
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	requested  bool                  // a user asked for something: Changes is to tell
	ids        map[string]int64      // rows of experiments by UID
	sources    map[string]*sourceRow // how far sources were read, by trial, attempt and key
	buf        summer
}

// maxCached bounds the rows that a tx remembers.
const maxCached = 20_000

// connect opens the connection where it is not open yet.
func (t *tx) connect() error {
	if t.conn != nil {
		return nil
	}
	db := t.s.connect("journal_mode(WAL)")
	conn, err := db.Conn(context.Background())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	t.db, t.conn = db, conn
	t.statements = map[string]*sql.Stmt{}
	t.forget()
	return nil
}

// forget drops what is remembered of rows, which a rollback or a deletion may have made wrong.
func (t *tx) forget() {
	t.ids, t.sources = map[string]int64{}, map[string]*sourceRow{}
}

func (t *tx) disconnect() {
	if t.conn == nil {
		return
	}
	for _, st := range t.statements {
		_ = st.Close() // everything was committed or rolled back before
	}
	_ = t.conn.Close()
	_ = t.db.Close()
}

// stmt prepares a statement once.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st := t.statements[query]; st != nil {
		return st, nil
	}
	st, err := t.conn.PrepareContext(context.Background(), query)
	if err == nil {
		t.statements[query] = st
	}
	return st, err
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	st, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	res, err := st.Exec(args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row runs a query of one row, which may be missing (sql.ErrNoRows).
func (t *tx) row(query string, args []any, dest ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRow(args...).Scan(dest...)
}

// commit runs a group of jobs in one transaction and answers them all. The error is that of the transaction as a whole.
func (t *tx) commit(group []job) error {
	results := make([]error, len(group))
	count, err := t.transaction(group, results)
	if err != nil {
		t.forget()
	} else if count > 0 {
		t.s.commits.write(count)
	}
	if err != nil && fatal(err) {
		err = fmt.Errorf("%w (%w)", ErrBroken, t.s.explain(err))
	}
	for i, j := range group {
		if err != nil {
			results[i] = err
		}
		j.done <- t.s.explain(results[i])
	}
	return err
}

// transaction returns the number of transactions so far, or 0 when there was nothing to commit. results holds the errors of
// jobs that were left out.
func (t *tx) transaction(group []job, results []error) (count int64, err error) {
	if err := t.connect(); err != nil {
		return 0, err
	}
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	t.requested = false
	done := 0
	for i, j := range group {
		results[i] = t.guarded(j, len(group) > 1)
		switch {
		case results[i] == nil:
			done++
		case !local(results[i]):
			return 0, errors.Join(results[i], t.rollback())
		}
	}
	if done == 0 {
		return 0, t.rollback()
	}
	err = t.row(`UPDATE meta SET commits = commits + 1, requests = requests + ? RETURNING commits`, []any{t.requested}, &count)
	if err == nil {
		_, err = t.exec("COMMIT")
	}
	if err != nil {
		return 0, errors.Join(err, t.rollback())
	}
	return count, nil
}

// guarded runs a job so that its error undoes what it did and nothing else.
func (t *tx) guarded(j job, shared bool) error {
	if !shared {
		return j.run(t)
	}
	if _, err := t.exec("SAVEPOINT job"); err != nil {
		return err
	}
	err := j.run(t)
	if err != nil {
		t.forget()
		if !local(err) {
			return err
		}
		if _, err := t.exec("ROLLBACK TO job"); err != nil {
			return err
		}
	}
	if _, errr := t.exec("RELEASE job"); errr != nil {
		return errr
	}
	return err
}

// rollback ends a transaction that is not to be. SQLite itself may have ended it after an error; that is no error of ours.
func (t *tx) rollback() error {
	t.forget()
	if _, err := t.exec("ROLLBACK"); err != nil && resultCode(err) != sqliteError {
		return err
	}
	return nil
}

// experiment returns the row of an experiment.
func (t *tx) experiment(uid string) (int64, error) {
	if id, ok := t.ids[uid]; ok {
		return id, nil
	}
	var id int64
	err := t.row(`SELECT id FROM experiments WHERE uid = ?`, []any{uid}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("experiment %s: %w", uid, ErrNotFound)
	}
	if err == nil {
		if len(t.ids) > maxCached {
			clear(t.ids)
		}
		t.ids[uid] = id
	}
	return id, err
}
