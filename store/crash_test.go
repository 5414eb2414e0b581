package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qalam/experiment"
	"qalam/store"
	"qalam/store/storetest"
)

func TestKilled(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 8 {
		cmd, _, out := start(t, dir, "write")
		last, _ := acknowledged(out, 1+rng.IntN(200))
		check(t, cmd.Process.Kill())
		more, failures := acknowledged(out, 0)
		_ = cmd.Wait() // it was killed
		if len(failures) > 0 {
			t.Fatal(failures)
		}
		verify(t, dir, max(last, more))
	}
}

// TestStoppedOwner: an owner that does not move still owns.
func TestStoppedOwner(t *testing.T) {
	dir := t.TempDir()
	cmd, in, out := start(t, dir, "hold")
	if !out.Scan() {
		t.Fatal("the child did not start")
	}
	check(t, cmd.Process.Signal(syscall.SIGSTOP))
	s := open(t, dir)
	_, err := s.Own(ctx, "second")
	var held *store.OwnedError
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || !strings.Contains(err.Error(), "pid "+strconv.Itoa(held.PID)) {
		t.Fatalf("second owner beside a stopped one (pid %d): %v", cmd.Process.Pid, err)
	}
	check(t, s.Close())
	check(t, cmd.Process.Signal(syscall.SIGCONT))
	check(t, in.Close())
	check(t, cmd.Wait())
	s = open(t, dir)
	release, err := s.Own(ctx, "next")
	check(t, err)
	check(t, release())
	check(t, s.Close())
}

func needs(t *testing.T, root bool, programs ...string) {
	t.Helper()
	if root && os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s", p)
		}
	}
}

// TestDiskErrors lets system calls fail below SQLite.
func TestDiskErrors(t *testing.T) {
	needs(t, false, "strace")
	for _, c := range []struct{ inject, want string }{
		{"pwrite64:error=ENOSPC:when=150+", "full=true broken=false"},
		{"pwrite64:error=EIO:when=150+", "full=false broken=true"},
		{"fsync,fdatasync:error=EIO:when=20+", "full=false broken=true"},
	} {
		t.Run(c.inject, func(t *testing.T) {
			dir := t.TempDir()
			trace, _, _ := strings.Cut(c.inject, ":")
			cmd, _, out := start(t, dir, "write", "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace="+trace, "-e", "inject="+c.inject)
			last, failures := acknowledged(out, 0)
			_ = cmd.Wait() // closing may fail as well
			if len(failures) != 3 {
				t.Fatalf("%d trials acknowledged, failures %q", last, failures)
			}
			for _, f := range failures {
				if !strings.Contains(f, c.want) {
					t.Errorf("%q, want %s", f, c.want)
				}
			}
			verify(t, dir, last)
		})
	}
}

// TestDiskFull fills a small file system and makes room again: the same store goes on.
func TestDiskFull(t *testing.T) {
	needs(t, true)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	defer func() { check(t, syscall.Unmount(dir, 0)) }()
	s := open(t, dir)
	defer func() { check(t, s.Close()) }()
	release, err := s.Own(ctx, "test")
	check(t, err)
	defer func() { check(t, release()) }()
	check(t, s.Create(ctx, storetest.Sample("u", "one")))
	write := func(n int) error { return s.Write(ctx, childBatch(n)) }
	n := 1
	check(t, write(n))
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("4 MiB fit into 2 MiB")
	}
	for err = nil; err == nil && n < 2000; {
		if err = write(n + 1); err == nil {
			n++
		}
	}
	if !errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrBroken) {
		t.Fatalf("on a full disk: %v", err)
	}
	trials := 0
	for _, err := range s.History(ctx, "u") {
		check(t, err)
		trials++
	}
	if trials != n {
		t.Fatalf("%d trials on a full disk, %d were acknowledged", trials, n)
	}
	check(t, os.Remove(filler))
	check(t, write(n+1))
	check(t, s.Check(ctx))
}

// TestPowerCut cuts the power of a file system under a writing process: 3 rounds, or as many as QALAM_POWERCUT_ROUNDS says.
func TestPowerCut(t *testing.T) {
	needs(t, true, "mkfs.ext4", "mount", "umount", "unshare")
	if os.Getenv(inside) == "" {
		inOwnNamespace(t)
		return
	}
	rounds := 3
	if v, err := strconv.Atoi(os.Getenv("QALAM_POWERCUT_ROUNDS")); err == nil {
		rounds = v
	}
	base := t.TempDir()
	image, mnt := filepath.Join(base, "disk"), filepath.Join(base, "mnt")
	check(t, os.Mkdir(mnt, 0o700))
	f, err := os.Create(image)
	check(t, err)
	check(t, errors.Join(f.Truncate(64<<20), f.Close()))
	run := func(name string, args ...string) error {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
		}
		return nil
	}
	check(t, run("mkfs.ext4", "-q", image))
	mount := func() error { return run("mount", "-o", "loop", image, mnt) }
	if err := mount(); err != nil {
		t.Skipf("cannot mount a loop device here: %v", err)
	}
	t.Cleanup(func() { _ = run("umount", mnt) }) // it may be unmounted already
	home := filepath.Join(mnt, "home")
	total := 0
	for round := range rounds {
		cmd, _, out := start(t, home, "write")
		last, _ := acknowledged(out, 100+rand.IntN(500))
		if err := shutdown(mnt); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Skipf("cannot shut the file system down: %v", err)
		}
		more, _ := acknowledged(out, 0) // what was acknowledged in the moment of the cut; the child ends by its errors
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for try := 0; ; try++ {
			if err = run("umount", mnt); err == nil || try == 50 {
				break
			}
			time.Sleep(20 * time.Millisecond) // the killed process may still be going
		}
		check(t, err)
		check(t, mount())
		last = max(last, more)
		verify(t, home, last)
		if last <= total {
			t.Fatalf("round %d made no progress beyond trial %d", round, total)
		}
		total = last
	}
	t.Logf("%d rounds, %d acknowledged trials, none lost", rounds, total)
}

// inside says that this process has a mount namespace of its own.
const inside = "QALAM_POWERCUT_INSIDE"

// inOwnNamespace runs the test once more where nobody else sees its mounts: a process elsewhere that makes a mount namespace
// meanwhile would keep a copy of them, and the file system would not go away when it is unmounted.
func inOwnNamespace(t *testing.T) {
	self, err := os.Executable()
	check(t, err)
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip("see above")
	}
}

// shutdown makes ext4 forget what it has not written, as a power cut does: EXT4_IOC_SHUTDOWN with NOLOGFLUSH.
func shutdown(mnt string) error {
	d, err := os.Open(mnt)
	if err != nil {
		return err
	}
	flags := uint32(2)
	if err := ioctl(d.Fd(), 0x8004587d, &flags); err != nil {
		_ = d.Close()
		return err
	}
	return d.Close()
}

// addColumns is a migration of several steps, of which a crash must leave all or nothing.
const addColumns = `ALTER TABLE trials ADD COLUMN extra INTEGER NOT NULL DEFAULT 0;
CREATE TABLE extras (id INTEGER PRIMARY KEY, data BLOB);
INSERT INTO extras SELECT id, zeroblob(3000) FROM trials;
CREATE INDEX extras_by_data ON extras (data);`

func TestMigrationKilled(t *testing.T) {
	needs(t, false, "strace")
	dir := t.TempDir()
	s := open(t, dir)
	release, err := s.Own(ctx, "test")
	check(t, err)
	check(t, s.Create(ctx, storetest.Sample("u", "one")))
	b := store.Batch{Experiment: "u", Record: []byte("50")}
	for n := 1; n <= 50; n++ {
		b.Trials = append(b.Trials, storetest.SampleTrial("one", n, experiment.TrialSucceeded))
		b.Appends = append(b.Appends, childBatch(n).Appends...)
	}
	check(t, s.Write(ctx, b))
	check(t, release())
	check(t, s.Close())
	versions := map[int]int{}
	for at := 1; versions[3] == 0 && at < 5000; at += 1 + at/4 {
		home := filepath.Join(t.TempDir(), "home")
		check(t, os.CopyFS(home, os.DirFS(dir)))
		check(t, os.Chmod(home, 0o700))
		cmd, _, _ := start(t, home, "migrate", "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
			fmt.Sprintf("inject=pwrite64:signal=SIGKILL:when=%d", at))
		_ = cmd.Wait() // killed, or done before that
		version := schema(t, home)
		versions[version]++
		switch version {
		case 2:
			verify(t, home, 50)
		case 3:
		default:
			t.Fatalf("killed at write %d: version %d", at, version)
		}
		s, err := store.Open(ctx, home, store.Migrations(addColumns))
		check(t, err)
		check(t, s.Check(ctx))
		check(t, s.Close())
		if v := schema(t, home); v != 3 {
			t.Fatalf("version %d after the migration was repeated", v)
		}
	}
	if versions[2] == 0 || versions[3] == 0 {
		t.Fatalf("the kills met only versions %v", versions)
	}
}
