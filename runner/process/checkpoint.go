package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qalam/runner"
)

const (
	checkpointsFolder = "checkpoints"
	unfinished        = ".new-" // begins the name of a folder that is being made
)

// CheckpointFolder is where the checkpoint of a trial lies, below that of its experiment.
func CheckpointFolder(home, experiment, trial string) string {
	return filepath.Join(home, checkpointsFolder, experiment, trial)
}

// Discard removes the checkpoint of a trial that nobody needs any more.
func (r *Runner) Discard(experiment, trial string) error {
	return os.RemoveAll(CheckpointFolder(r.options.Home, experiment, trial))
}

// Kept lists the trials of an experiment that have a checkpoint.
func (r *Runner) Kept(experiment string) ([]string, error) {
	entries, err := os.ReadDir(CheckpointFolder(r.options.Home, experiment, ""))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var trials []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) {
			trials = append(trials, e.Name())
		}
	}
	return trials, err
}

// checkpoint makes the folder of the trial's checkpoint anew: a copy of its parent's, or an empty one. It stands complete or not
// at all, whenever this program is killed: what is made bears another name until it is synced.
func (a *attempt) checkpoint() error {
	c := a.task.Checkpoint
	if c == nil {
		return nil
	}
	id := a.task.ID
	dir := CheckpointFolder(a.r.options.Home, id.Experiment, id.Trial)
	part := CheckpointFolder(a.r.options.Home, id.Experiment, unfinished+id.Trial)
	if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o700), os.RemoveAll(part)); err != nil {
		return err
	}
	if err := os.Mkdir(part, 0o700); err != nil {
		return err
	}
	if c.Parent != "" {
		err := copyTree(part, CheckpointFolder(a.r.options.Home, id.Experiment, c.Parent))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a parent that never had one leaves its child to begin from nothing
			return fmt.Errorf("copying the checkpoint of trial %s: %w", c.Parent, err)
		}
	}
	failpoint("copied-checkpoint")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := errors.Join(syncFolder(part), os.Rename(part, dir), syncFolder(filepath.Dir(dir))); err != nil {
		return err
	}
	own := *c
	own.Dir = dir
	a.task.Checkpoint = &own
	return nil
}

// copyTree copies what is below a folder into one that exists: files, folders and symbolic links. What else there is, such as
// sockets, is no checkpoint. No link is followed.
func copyTree(to, from string) error {
	if info, err := os.Lstat(from); err != nil || !info.IsDir() {
		return errors.Join(err, fs.ErrNotExist)
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			return os.Mkdir(target, mode.Perm()|0o700)
		case mode&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case mode.IsRegular():
			return copyFile(target, path, mode.Perm())
		}
		return nil
	})
}

// copyFile copies a file and syncs it. Where the file system can share the blocks of both, it does.
func copyFile(to, from string, perm fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm|0o200)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

var _ runner.Checkpoints = (*Runner)(nil)
