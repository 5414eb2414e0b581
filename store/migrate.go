package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var embedded embed.FS

// migrations are the numbered steps from nothing to the schema of this version. Each ends with its number in user_version.
var migrations = func() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // it is embedded
	}
	return sub
}()

// latest is the number of the last migration.
func latest(fsys fs.FS) (int, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no migrations: %w", errors.Join(err, fs.ErrNotExist))
	}
	number, _, _ := strings.Cut(names[len(names)-1], "_") // Glob sorts
	return strconv.Atoi(number)
}

// setUp creates or migrates the database. Each migration is one transaction, so that a crash leaves a version that the next
// Open goes on from.
func (s *SQLite) setUp(ctx context.Context, fsys fs.FS) (err error) {
	setup, err := flock(filepath.Join(s.dir, setupFile), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, setup.Close()) }()
	found, err := s.inspect(ctx) // another process may have been faster
	if err != nil || found >= s.known {
		return err
	}
	if found > 0 { // the owner's statements would meet tables they do not know
		lock, err := lockHome(s.dir)
		if err != nil {
			return fmt.Errorf("migrate %s from schema version %d to %d: %w", s.path, found, s.known, err)
		}
		defer func() { err = errors.Join(err, lock.Close()) }()
	}
	if err := createFile(s.path); err != nil {
		return err
	}
	db := s.connect("journal_mode(WAL)")
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	saved := ""
	if found > 0 {
		if saved, err = s.backupBefore(ctx, db, found); err != nil {
			return err
		}
	}
	if err := migrate(ctx, db, fsys); err != nil {
		if saved != "" {
			return fmt.Errorf("migrate %s from schema version %d to %d: %w; it was saved as %s before", s.path, found, s.known, err, saved)
		}
		return fmt.Errorf("create %s: %w", s.path, err)
	}
	return nil
}

func (s *SQLite) backupBefore(ctx context.Context, db *sql.DB, version int) (string, error) {
	dir := filepath.Join(s.dir, backupsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("store-v%d-%s.db", version, stamp(time.Now())))
	return path, backup(ctx, db, path)
}

func migrate(ctx context.Context, db *sql.DB, fsys fs.FS) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, fsys, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
