package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"qalam/store"
	"qalam/store/storetest"
)

func TestHome(t *testing.T) {
	base := t.TempDir()
	home := filepath.Join(base, "a?b%20#c", "home")
	s := open(t, home)
	check(t, s.Create(ctx, storetest.Sample("u", "one")))
	check(t, filepath.WalkDir(filepath.Dir(home), func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	}))
	if _, err := os.Stat(filepath.Join(home, "store.db")); err != nil {
		t.Fatal(err)
	}
	check(t, s.Close())
	check(t, os.Chmod(home, 0o770))
	if _, err := store.Open(ctx, home, store.Options{}); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("a home that the group may write to: %v", err)
	}
	file := filepath.Join(base, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	if _, err := store.Open(ctx, file, store.Options{}); err == nil {
		t.Error("a file was taken for a home")
	}
	if os.Geteuid() == 0 {
		other := filepath.Join(base, "other")
		check(t, os.Mkdir(other, 0o700))
		check(t, os.Chown(other, 12345, 12345))
		if _, err := store.Open(ctx, other, store.Options{}); err == nil || !strings.Contains(err.Error(), "12345") {
			t.Errorf("a home of another user: %v", err)
		}
	}
}

// TestOpenAtOnce makes a new home from many sides at once.
func TestOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := store.Open(ctx, dir, store.Options{})
			if err == nil {
				_, err = s.List(ctx)
				err = errors.Join(err, s.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBackup(t *testing.T) {
	dir := written(t, true)
	s := open(t, dir)
	path := filepath.Join(t.TempDir(), "store.db")
	check(t, s.Backup(ctx, path))
	if err := s.Backup(ctx, path); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("a second backup to the same file: %v", err)
	}
	check(t, s.Close())
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has mode %v", info.Mode())
	}
	want, err := contents(dir)
	check(t, err)
	got, err := contents(filepath.Dir(path))
	check(t, err)
	if string(got) != string(want) {
		t.Fatal("the backup is another store")
	}
}

func TestLibraryVersion(t *testing.T) {
	for version, fine := range map[string]bool{"3.51.3": true, "3.52.0": true, "4.0.0": true, "3.51.2": false, "3.9.9": false, "x": false} {
		if err := store.CheckLibrary(version); (err == nil) != fine {
			t.Errorf("SQLite %s: %v", version, err)
		}
	}
}
