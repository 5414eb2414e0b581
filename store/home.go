//go:build unix

package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The files of a home that belong to the store.
const (
	databaseFile = "store.db"
	lockFile     = "lock"    // held by the owner, with its Owner in it while it runs
	setupFile    = "setup"   // held while the database is created or migrated
	commitsFile  = "commits" // how many transactions were acknowledged
	backupsDir   = "backups"
)

// prepareHome makes the directory where it is missing, and refuses one that others may write to.
func prepareHome(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the home %s: %w", dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the home %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the home %s is no directory", dir)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the home %s belongs to user %d, and you are user %d: use a home of your own (--home or QALAM_HOME)",
			dir, st.Uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to the home %s (mode %04o): run chmod go-w %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}

// createFile makes an empty private file that survives a power cut; one that is there already stays.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// errHeld says that another file descriptor holds a lock.
var errHeld = errors.New("the lock is held")

// flock opens a file and locks it. With wait it waits for as long as it takes, otherwise errHeld says that another has it.
func flock(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errHeld
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// lockHome takes the lock of ownership. It tries for a moment, since somebody may only be looking (Owner).
func lockHome(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	for try := 0; ; try++ {
		f, err := flock(path, false)
		if !errors.Is(err, errHeld) {
			return f, err
		}
		if try < 20 {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read who owns the home: %w", err)
		}
		held := &OwnedError{}
		_ = json.Unmarshal(b, &held.Owner) // without its contents the refusal names nobody, and is a refusal all the same
		return nil, held
	}
}

// writeOwner records who owns the home; it stays there if the owner dies.
func writeOwner(f *os.File, command string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	b, err := json.Marshal(Owner{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second), Command: command})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt(append(b, '\n'), 0); err != nil {
		return err
	}
	return f.Sync()
}

// uncleanStop reports whether the last owner died without releasing the home. f is the lock, held.
func uncleanStop(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	return info.Size() > 0, nil
}

// commits is the file that says how many transactions were acknowledged. SQLite takes a shortened or missing write-ahead log
// for one that was never longer; this file knows better. It is not synced: after a power cut it may be behind, never ahead.
type commits struct{ f *os.File }

func openCommits(dir string) (commits, error) {
	f, err := os.OpenFile(filepath.Join(dir, commitsFile), os.O_CREATE|os.O_RDWR, 0o600)
	return commits{f}, err
}

// read returns the number; 0 when it is not there or not readable, since the file itself proves nothing.
func (c commits) read() int64 {
	var b [64]byte
	n, err := c.f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	var count int64
	var sum uint32
	if _, err := fmt.Sscanf(string(b[:n]), "%d %08x", &count, &sum); err != nil || sum != commitsSum(count) {
		return 0
	}
	return count
}

// write records a number. When that does not work the file is behind, which it may be.
func (c commits) write(count int64) {
	_, _ = c.f.WriteAt(fmt.Appendf(nil, "%020d %08x\n", count, commitsSum(count)), 0)
}

func commitsSum(count int64) uint32 {
	return crc32.Checksum(fmt.Appendf(nil, "%d", count), castagnoli)
}

// newestBackup names the newest file below backups; "" when there is none.
func newestBackup(dir string) string {
	list, err := os.ReadDir(filepath.Join(dir, backupsDir))
	if err != nil {
		return ""
	}
	list = slices.DeleteFunc(list, func(e fs.DirEntry) bool { return e.IsDir() || !strings.HasSuffix(e.Name(), ".db") })
	if len(list) == 0 {
		return ""
	}
	when := func(e fs.DirEntry) time.Time {
		if info, err := e.Info(); err == nil {
			return info.ModTime()
		}
		return time.Time{}
	}
	newest := slices.MaxFunc(list, func(a, b fs.DirEntry) int { return when(a).Compare(when(b)) })
	return filepath.Join(dir, backupsDir, newest.Name())
}
