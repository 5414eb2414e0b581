package process

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qalam/runner"
)

// TestCheckpoint hands a checkpoint on: a child begins with a copy of its parent's, what it changes leaves that one as it was, and
// an attempt that is repeated begins with the copy again, as one does whose copying was cut off.
func TestCheckpoint(t *testing.T) {
	home := t.TempDir()
	begin := func(trial, parent string) string {
		t.Helper()
		a := &attempt{r: &Runner{options: Options{Home: home}}, task: runner.Task{
			ID: runner.ID{Experiment: "uid", Trial: trial, Attempt: 1}, Checkpoint: &runner.Checkpoint{Path: "/ckpt", Parent: parent},
		}}
		given := a.task.Checkpoint
		if err := a.checkpoint(); err != nil {
			t.Fatal(err)
		}
		if given.Dir != "" || a.task.Checkpoint.Dir != CheckpointFolder(home, "uid", trial) {
			t.Errorf("the folder is %q, and what was handed in %q", a.task.Checkpoint.Dir, given.Dir)
		}
		return a.task.Checkpoint.Dir
	}
	write := func(dir, name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(dir, name, want string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(dir, name))
		if text := string(got); err != nil && want != "" || text != want {
			t.Errorf("%s holds %q, want %q (%v)", filepath.Join(dir, name), text, want, err)
		}
	}
	one := begin("one", "")
	write(one, "model", "1")
	write(one, "sub/state", "x")
	if err := os.Symlink("model", filepath.Join(one, "latest")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(one, "outside")); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(home, checkpointsFolder, "uid", ".new-two"), "model", "of a copy that was cut off")
	two := begin("two", "one")
	holds(two, "model", "1")
	holds(two, "sub/state", "x")
	if link, err := os.Readlink(filepath.Join(two, "latest")); err != nil || link != "model" {
		t.Errorf("the link leads to %q, %v", link, err)
	}
	if info, err := os.Lstat(filepath.Join(two, "outside")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("a link was followed: %v", err)
	}
	write(two, "model", "2")
	write(two, "extra", "2")
	holds(one, "model", "1")
	two = begin("two", "one") // once more
	holds(two, "model", "1")
	holds(two, "extra", "")
	holds(begin("three", "nobody"), "model", "")
	left, err := filepath.Glob(filepath.Join(home, checkpointsFolder, "uid", ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	r := &Runner{options: Options{Home: home}}
	write(filepath.Join(home, checkpointsFolder, "uid", ".new-four"), "model", "of a copy that was cut off")
	if kept, err := r.Kept("uid"); err != nil || !slices.Equal(kept, []string{"one", "three", "two"}) {
		t.Errorf("kept are %q, %v", kept, err)
	}
	if kept, err := r.Kept("another"); err != nil || len(kept) > 0 {
		t.Errorf("of an experiment without any, kept are %q, %v", kept, err)
	}
	for range 2 {
		if err := r.Discard("uid", "two"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(two); !os.IsNotExist(err) {
		t.Errorf("a folder that was given up is there: %v", err)
	}
}
