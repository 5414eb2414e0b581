package store

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// errDamaged marks errors that become a *CorruptError.
var errDamaged = errors.New("damaged")

// sqliteError is the result code of what has no code of its own, such as ROLLBACK without a transaction.
const sqliteError = lib.SQLITE_ERROR

// errNothing ends a transaction that only wanted to be in the queue.
var errNothing = errors.New("nothing to write")

// explain turns what SQLite and the checks say into the errors of this package.
func (s *SQLite) explain(err error) error {
	if err == nil {
		return nil
	}
	var known *CorruptError
	if errors.As(err, &known) {
		return err
	}
	code := resultCode(err)
	switch {
	case errors.Is(err, errDamaged), errors.Is(err, errSum), errors.Is(err, errChunk),
		code == lib.SQLITE_CORRUPT, code == lib.SQLITE_NOTADB:
		return &CorruptError{Path: s.path, Detail: err.Error(), Backup: newestBackup(s.dir), Err: err}
	case code == lib.SQLITE_FULL:
		return fmt.Errorf("%w (%w)", ErrFull, err)
	case code == lib.SQLITE_BUSY, code == lib.SQLITE_LOCKED:
		return fmt.Errorf("%w (%w)", ErrBusy, err)
	case errors.Is(err, sql.ErrConnDone):
		return fmt.Errorf("%w (%w)", ErrClosed, err)
	}
	return err
}

// resultCode is the primary result code of an error of SQLite; 0 for any other error.
func resultCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	if e.Code() == lib.SQLITE_IOERR_SHMSIZE { // the shared memory beside the log could not grow
		return lib.SQLITE_FULL
	}
	return e.Code() & 0xff
}

// local says that an error is the fault of one batch: the transaction can go on without it.
func local(err error) bool {
	switch resultCode(err) {
	case 0:
		return !errors.Is(err, errDamaged) && !errors.Is(err, errSum) && !errors.Is(err, errChunk)
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_TOOBIG, lib.SQLITE_MISMATCH:
		return true
	}
	return false
}

// fatal says that after this error of a transaction nothing more may be written: what the disk holds is not known.
func fatal(err error) bool {
	switch resultCode(err) {
	case lib.SQLITE_FULL, lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return false
	}
	return !local(err)
}
