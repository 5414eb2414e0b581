package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

// minVersion is the oldest SQLite without the known write-ahead log corruption (a checkpoint that races with a reset).
var minVersion = [3]int{3, 51, 3}

// applicationID marks a database as ours (migrations/00001_init.sql).
const applicationID = 1902928237

// Options are the ways in which a store can be opened. The zero value is right for everybody but tests.
type Options struct {
	migrations fs.FS // instead of those of this version
}

// SQLite is a store in one directory of this machine. Any number of processes may have it open, one of them may own it. Its
// methods may be called by any number of goroutines.
type SQLite struct {
	dir     string
	path    string
	readers *sql.DB
	writer  *writer
	commits commits
	known   int // schema version

	owner atomic.Pointer[os.File] // the lock, while held

	watch    sync.Mutex
	conn     *sql.Conn // watches for changes
	version  int64     // PRAGMA data_version when requests was read
	requests int64
}

// Open opens the store in dir and makes it where there is none. It migrates an older one, having made a backup, unless another
// process owns it. Errors: *NewerError, *CorruptError, *OwnedError, and others that say what to do.
func Open(ctx context.Context, dir string, o Options) (*SQLite, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := prepareHome(dir); err != nil {
		return nil, err
	}
	s := &SQLite{dir: dir, path: filepath.Join(dir, databaseFile)}
	if o.migrations == nil {
		o.migrations = migrations
	}
	if s.known, err = latest(o.migrations); err != nil {
		return nil, err
	}
	if s.commits, err = openCommits(dir); err != nil {
		return nil, fmt.Errorf("open the home %s: %w", dir, err)
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

func (s *SQLite) open(ctx context.Context, o Options) error {
	found, err := s.inspect(ctx)
	if err != nil {
		return err
	}
	if found > s.known {
		return &NewerError{Path: s.path, Found: found, Known: s.known}
	}
	if found < s.known {
		if err := s.setUp(ctx, o.migrations); err != nil {
			return err
		}
	}
	s.readers = s.connect("query_only(1)")
	s.readers.SetMaxOpenConns(5) // four and the one that watches
	s.readers.SetMaxIdleConns(5)
	s.writer = newWriter(s)
	f, err := flock(filepath.Join(s.dir, lockFile), false)
	if err == nil {
		err = s.afterUncleanStop(ctx, f)
		if errc := f.Close(); err == nil {
			err = errc
		}
	}
	if err != nil && !errors.Is(err, errHeld) {
		return err
	}
	return s.complete(ctx)
}

// connect makes a pool of connections. What every connection needs is said here.
func (s *SQLite) connect(pragmas ...string) *sql.DB {
	q := url.Values{"_txlock": {"immediate"}}
	for _, p := range append([]string{"busy_timeout(10000)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)",
		"cell_size_check(1)", "journal_size_limit(67108864)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	return s.connectURL(q)
}

func (s *SQLite) connectURL(q url.Values) *sql.DB {
	u := url.URL{Scheme: "file", Path: s.path, RawQuery: q.Encode()}
	connector, err := sqlite.NewConnector(u.String())
	if err != nil {
		panic(fmt.Sprintf("store: data source name %s: %v", u.String(), err)) // it is made of constants and an absolute path
	}
	return sql.OpenDB(connector)
}

// inspect returns the schema version of what is there without changing it: 0 when there is nothing yet.
func (s *SQLite) inspect(ctx context.Context) (version int, err error) {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		if count := s.commits.read(); count > 0 {
			return 0, fmt.Errorf("%w: it is missing or empty, but %d transactions were recorded (to begin anew, move %s away)",
				errDamaged, count, filepath.Join(s.dir, commitsFile))
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	db := s.connectURL(url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "trusted_schema(0)"}})
	defer func() { err = errors.Join(err, db.Close()) }()
	var id, tables int
	var library string
	row := db.QueryRowContext(ctx, `SELECT sqlite_version(), (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`)
	if err := row.Scan(&library, &id, &version, &tables); err != nil {
		return 0, err
	}
	if err := checkLibrary(library); err != nil {
		return 0, err
	}
	if id != applicationID && (version != 0 || id != 0 || s.commits.read() > 0) {
		return 0, fmt.Errorf("%w: its application id is %d, which is not that of a store", errDamaged, id)
	}
	return version, nil
}

func checkLibrary(version string) error {
	var v [3]int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &v[0], &v[1], &v[2]); err != nil {
		return fmt.Errorf("sqlite version %q: %w", version, err)
	}
	for i := range v {
		if v[i] != minVersion[i] {
			if v[i] < minVersion[i] {
				return fmt.Errorf("this qalam was built with SQLite %s, which can damage a store: build it with 3.51.3 or later", version)
			}
			break
		}
	}
	return nil
}

// complete checks that everything that was acknowledged is there.
func (s *SQLite) complete(ctx context.Context) error {
	acknowledged := s.commits.read()
	var have int64
	if err := s.readers.QueryRowContext(ctx, `SELECT commits, requests FROM meta`).Scan(&have, &s.requests); err != nil {
		return err
	}
	if have < acknowledged {
		return fmt.Errorf("%w: it holds %d transactions, but %d were acknowledged: its write-ahead log (%s-wal) was removed or damaged, "+
			"or an older copy was put in its place (to accept what is there, move %s away)",
			errDamaged, have, acknowledged, databaseFile, filepath.Join(s.dir, commitsFile))
	}
	return nil
}

// afterUncleanStop checks the database when its last owner died. f is the lock, held.
func (s *SQLite) afterUncleanStop(ctx context.Context, f *os.File) error {
	unclean, err := uncleanStop(f)
	if err != nil || !unclean {
		return err
	}
	if err := s.Check(ctx); err != nil {
		return err
	}
	return f.Truncate(0)
}

// Check reads the whole database and fails with a *CorruptError when its structure is damaged. The contents of rows are checked
// whenever they are read.
func (s *SQLite) Check(ctx context.Context) error {
	rows, err := s.readers.QueryContext(ctx, `PRAGMA integrity_check(5)`)
	if err != nil {
		return s.explain(err)
	}
	var found []string
	err = each(rows, func() error {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			found = append(found, line)
		}
		return nil
	})
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%w: %s", errDamaged, strings.Join(found, "; "))
	}
	return s.explain(err)
}

// each calls f for every row and closes the rows.
func each(rows *sql.Rows, f func() error) error {
	for rows.Next() {
		if err := f(); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Own makes this process the one that runs experiments in this home, until release is called or it dies. Another owner, even
// one that is stopped, makes it fail with an *OwnedError. command says what this process is, for people.
func (s *SQLite) Own(ctx context.Context, command string) (release func() error, err error) {
	f, err := lockHome(s.dir)
	if err != nil {
		return nil, err
	}
	err = s.afterUncleanStop(ctx, f)
	if err == nil {
		err = writeOwner(f, command)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("own the home: %w", err), f.Close())
	}
	s.owner.Store(f)
	var once sync.Once
	return func() (err error) {
		once.Do(func() {
			s.owner.Store(nil)
			err = s.writer.do(func(*tx) error { return errNothing }) // all that is under way is over now
			if errors.Is(err, errNothing) {
				err = f.Truncate(0)
			}
			err = errors.Join(err, f.Close())
		})
		return err
	}, nil
}

// Owner says which process owns the home; nil when none does.
func (s *SQLite) Owner() (*Owner, error) {
	f, err := lockHome(s.dir)
	var held *OwnedError
	if errors.As(err, &held) {
		return &held.Owner, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, f.Close()
}

// Changes returns a number that differs from the one before when a user may have asked for something since: created an experiment,
// requested anything of one, deleted one, in whichever process. It costs some microseconds and may be called often.
func (s *SQLite) Changes(ctx context.Context) (int64, error) {
	s.watch.Lock()
	defer s.watch.Unlock()
	if s.conn == nil {
		conn, err := s.readers.Conn(ctx)
		if err != nil {
			return 0, s.explain(err)
		}
		s.conn, s.version = conn, -1
	}
	var version int64
	if err := s.conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
		return 0, s.explain(err)
	}
	if version == s.version {
		return s.requests, nil
	}
	if err := s.conn.QueryRowContext(ctx, `SELECT requests FROM meta`).Scan(&s.requests); err != nil {
		return 0, s.explain(err)
	}
	s.version = version
	return s.requests, nil
}

// Dir is the home.
func (s *SQLite) Dir() string { return s.dir }

// Close waits for what is being written and closes the store. Release the ownership first.
func (s *SQLite) Close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	s.watch.Lock()
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
		s.conn = nil
	}
	s.watch.Unlock()
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.commits.f != nil {
		errs = append(errs, s.commits.f.Close())
		s.commits.f = nil
	}
	return errors.Join(errs...)
}

// Backup writes a copy of the store, as it is now, to a file that does not exist yet.
func (s *SQLite) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up to %s: %w", path, fs.ErrExist)
	}
	db := s.connect() // the readers' connections refuse it
	return s.explain(errors.Join(backup(ctx, db, path), db.Close()))
}

func backup(ctx context.Context, db *sql.DB, path string) (err error) {
	part := path + ".part"
	if err := createFile(part); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil { // VACUUM INTO leaves that to its caller
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// stamp is a time as it stands in the names of backups.
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
