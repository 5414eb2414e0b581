package store_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"qalam/experiment"
	"qalam/store"
	"qalam/store/storetest"
)

// raw opens the database beside the store.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "store.db"))
	check(t, err)
	return db
}

func schema(t *testing.T, dir string) (version int) {
	t.Helper()
	db := raw(t, dir)
	check(t, db.QueryRow(`PRAGMA user_version`).Scan(&version))
	check(t, db.Close())
	return version
}

// contents reads everything and writes it down; it fails at the first error.
func contents(dir string) (text []byte, err error) {
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	x, err := s.Get(ctx, "u")
	if err != nil {
		return nil, err
	}
	active, err := s.Active(ctx, "u")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "%+v\n%+v\n%+v\n", list, x, active)
	for p, err := range s.History(ctx, "u") {
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%+v\n", p)
	}
	for t, err := range s.Trials(ctx, "u", store.Query{}) {
		if err != nil {
			return nil, err
		}
		sources, err := s.Sources(ctx, "u", t.Number, 0)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%+v %+v\n", t, sources)
		for p, err := range s.Points(ctx, "u", t.Number, store.PointQuery{}) {
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "%+v\n", p)
		}
	}
	return b.Bytes(), nil
}

// written makes a home with 60 trials; clean says whether it was closed or its files were copied while it was in use.
func written(t *testing.T, clean bool) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	release, err := s.Own(ctx, "test")
	check(t, err)
	check(t, s.Create(ctx, storetest.Sample("u", "one")))
	for n := 1; n <= 60; n++ {
		check(t, s.Write(ctx, childBatch(n)))
	}
	check(t, s.Write(ctx, store.Batch{Experiment: "u", Trials: []experiment.Trial{storetest.SampleTrial("one", 61, experiment.TrialRunning)}}))
	backups := filepath.Join(dir, "backups")
	check(t, os.Mkdir(backups, 0o700))
	check(t, s.Backup(ctx, filepath.Join(backups, "good.db")))
	home := dir
	if !clean {
		home = duplicate(t, dir)
	}
	check(t, release())
	check(t, s.Close())
	return home
}

func duplicate(t *testing.T, dir string) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	check(t, os.CopyFS(home, os.DirFS(dir)))
	check(t, os.Chmod(home, 0o700))
	return home
}

// TestDamage damages files at random, 25 times each or as often as QALAM_DAMAGE_ROUNDS says: what is read is right, or there is an error that names the damage and the backup.
func TestDamage(t *testing.T) {
	rounds := 25
	if v, err := strconv.Atoi(os.Getenv("QALAM_DAMAGE_ROUNDS")); err == nil {
		rounds = v
	}
	for _, c := range []struct {
		file  string
		clean bool
	}{{"store.db", true}, {"store.db-wal", false}, {"commits", false}} {
		t.Run(c.file, func(t *testing.T) {
			good := written(t, c.clean)
			want, err := contents(duplicate(t, good))
			check(t, err)
			original, err := os.ReadFile(filepath.Join(good, c.file))
			check(t, err)
			rng := rand.New(rand.NewPCG(5, 6))
			named := 0
			for range rounds {
				home := duplicate(t, good)
				data := bytes.Clone(original)
				at := rng.IntN(len(data))
				switch rng.IntN(4) {
				case 0, 1:
					data[at] ^= 1 << rng.IntN(8)
				case 2:
					data = data[:at]
				case 3:
					clear(data[at:min(len(data), at+1+rng.IntN(600))])
				}
				check(t, os.WriteFile(filepath.Join(home, c.file), data, 0o600))
				got, err := contents(home)
				var corrupt *store.CorruptError
				switch {
				case errors.As(err, &corrupt):
					named++
					if !strings.HasSuffix(corrupt.Backup, "good.db") || !strings.Contains(err.Error(), corrupt.Backup) {
						t.Fatalf("%v does not name the backup", err)
					}
				case err != nil:
					t.Fatalf("byte %d of %d: an error that does not speak of damage: %v", at, len(data), err)
				case !bytes.Equal(got, want):
					t.Fatalf("byte %d of %d: damage went unnoticed", at, len(data))
				}
			}
			t.Logf("%d of %d damages were named, the others harmless", named, rounds)
			if c.file != "commits" && named == 0 {
				t.Fatal("no damage was noticed")
			}
		})
	}
}

func TestMissingFiles(t *testing.T) {
	for name, damage := range map[string]func(home string) error{
		"log":      func(home string) error { return os.Remove(filepath.Join(home, "store.db-wal")) },
		"database": func(home string) error { return os.Remove(filepath.Join(home, "store.db")) },
		"empty":    func(home string) error { return os.Truncate(filepath.Join(home, "store.db"), 0) },
		"old copy": func(home string) error {
			return errors.Join(os.Remove(filepath.Join(home, "store.db-wal")),
				os.Rename(filepath.Join(home, "old.db"), filepath.Join(home, "store.db")))
		},
		"other": func(home string) error {
			return os.WriteFile(filepath.Join(home, "store.db"), bytes.Repeat([]byte("not a database "), 1000), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			s := open(t, home)
			release, err := s.Own(ctx, "test")
			check(t, err)
			check(t, s.Create(ctx, storetest.Sample("u", "one")))
			check(t, s.Backup(ctx, filepath.Join(home, "old.db")))
			check(t, s.Write(ctx, childBatch(1)))
			copied := duplicate(t, home)
			check(t, release())
			check(t, s.Close())
			check(t, damage(copied))
			_, err = store.Open(ctx, copied, store.Options{})
			var corrupt *store.CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("error %v", err)
			}
		})
	}
}

// TestNewer opens stores of a later version, closed and in use: they are refused and not a byte changes.
func TestNewer(t *testing.T) {
	for _, clean := range []bool{true, false} {
		dir := written(t, true)
		db := raw(t, dir)
		_, err := db.Exec(`PRAGMA user_version = 7`)
		check(t, err)
		home := duplicate(t, dir)
		check(t, db.Close())
		if clean {
			home = dir
		}
		before := sums(t, home)
		_, err = store.Open(ctx, home, store.Options{})
		var newer *store.NewerError
		if !errors.As(err, &newer) || newer.Found != 7 || newer.Known != 2 || !strings.Contains(err.Error(), "7") {
			t.Fatalf("a store of a newer version: %v", err)
		}
		for name, sum := range before {
			if after := sums(t, home)[name]; after != sum {
				t.Errorf("clean %t: %s changed", clean, name)
			}
		}
	}
}

// sums are the digests of the files that hold data.
func sums(t *testing.T, home string) map[string][32]byte {
	t.Helper()
	m := map[string][32]byte{}
	for _, name := range []string{"store.db", "store.db-wal", "commits"} {
		data, err := os.ReadFile(filepath.Join(home, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		check(t, err)
		m[name] = sha256.Sum256(data)
	}
	return m
}

func TestMigration(t *testing.T) {
	dir := written(t, true)
	want, err := contents(dir)
	check(t, err)
	_, err = store.Open(ctx, dir, store.Migrations("SELECT nonsense FROM nowhere;"))
	if err == nil || !strings.Contains(err.Error(), "store-v2-") || schema(t, dir) != 2 {
		t.Fatalf("a migration that does not work: %v, version %d", err, schema(t, dir))
	}
	owner := open(t, dir)
	release, err := owner.Own(ctx, "test")
	check(t, err)
	_, err = store.Open(ctx, dir, store.Migrations(addColumns))
	var held *store.OwnedError
	if !errors.As(err, &held) || schema(t, dir) != 2 {
		t.Fatalf("a migration under an owner: %v", err)
	}
	check(t, release())
	check(t, owner.Close())
	s, err := store.Open(ctx, dir, store.Migrations(addColumns))
	check(t, err)
	check(t, s.Check(ctx))
	check(t, s.Close())
	if v := schema(t, dir); v != 3 {
		t.Fatalf("version %d after the migration", v)
	}
	var newer *store.NewerError
	if _, err := store.Open(ctx, dir, store.Options{}); !errors.As(err, &newer) || newer.Found != 3 {
		t.Fatalf("the version before meets the new one: %v", err)
	}
	saved, err := filepath.Glob(filepath.Join(dir, "backups", "store-v2-*.db"))
	check(t, err)
	home := t.TempDir()
	check(t, os.Rename(saved[len(saved)-1], filepath.Join(home, "store.db"))) // a backup becomes a store by being put there
	if got, err := contents(home); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the backup holds something else: %v", err)
	}
}
