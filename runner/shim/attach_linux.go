package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mounting is a mount on its way: made while everything can still be seen where it was, and attached later.
type mounting struct {
	Mount
	dir  bool // it is a folder
	tree int  // not attached yet; -1 for memory
	keep []kept
}

type kept struct {
	path string
	dir  bool
	tree int
}

// mountAll makes a container's mounts in the calling thread's namespace. All of them show what was there before the first.
func mountAll(mounts []Mount) error {
	all := make([]mounting, 0, len(mounts))
	defer func() {
		for _, m := range all {
			m.close()
		}
	}()
	fault := func(m Mount, err error) error {
		return &startError{126, fmt.Sprintf("mounting %s at %s: %v", m.Source, m.Target, err)}
	}
	for _, m := range mounts {
		if !filepath.IsAbs(m.Target) || filepath.Clean(m.Target) == "/" {
			return fault(m, errors.New("the target must be an absolute path below /"))
		}
		m.Target = filepath.Clean(m.Target)
		next, err := m.open()
		all = append(all, next)
		if err != nil {
			return fault(m, err)
		}
	}
	for i := range all {
		if err := all[i].attach(all[:i]); err != nil {
			return fault(all[i].Mount, err)
		}
	}
	return nil
}

// open makes the mount, without showing it anywhere yet.
func (m Mount) open() (mounting, error) {
	next := mounting{Mount: m, dir: true, tree: -1}
	for _, path := range m.Keep {
		k := kept{path: path}
		var err error
		if k.tree, k.dir, err = clone(path); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return next, fmt.Errorf("keeping %s: %w", path, err)
		}
		next.keep = append(next.keep, k)
	}
	if m.Source == "tmpfs" {
		return next, nil
	}
	var err error
	if m.Layer != "" {
		if next.tree, err = m.overlay(); err == nil {
			return next, nil
		}
		next.Layer = ""
		complain(fmt.Errorf("%s is shared by all trials, because no layer can be laid over it: %w", m.Source, err))
	}
	next.tree, next.dir, err = clone(m.Source)
	return next, err
}

func clone(path string) (tree int, dir bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return -1, false, err
	}
	tree, err = unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	return tree, info.IsDir(), err
}

// overlay lays the mount's layer over its source.
func (m Mount) overlay() (int, error) {
	settings := [][2]string{{"lowerdir", m.Source}, {"upperdir", m.Layer + "/upper"}, {"workdir", m.Layer + "/work"}}
	fsfd, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fsfd)
	for i, s := range settings {
		if i > 0 {
			if err := os.MkdirAll(s[1], 0o755); err != nil {
				return -1, err
			}
		}
		fd, err := open(s[1], unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return -1, err
		}
		defer unix.Close(fd)
		// By number, because the letters of a path may have a meaning here.
		if err := unix.FsconfigSetString(fsfd, s[0], "/proc/self/fd/"+itoa(fd)); err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigSetFlag(fsfd, "userxattr"); err != nil {
		return -1, err
	}
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return -1, err
	}
	if err := os.Chmod(m.Layer+"/work/work", 0o700); err != nil {
		return -1, err // the kernel makes it so that its owner could not remove it later
	}
	return unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, 0)
}

func (m *mounting) close() {
	if m.tree >= 0 {
		unix.Close(m.tree)
	}
	for _, k := range m.keep {
		unix.Close(k.tree)
	}
}

// attach shows the mount at its target, on top of those made before.
func (m *mounting) attach(before []mounting) error {
	own := func(path string) bool { return ownPlace(before, path) }
	if err := makeTarget(m.Target, m.dir, own); err != nil {
		return err
	}
	if m.tree < 0 {
		options := "mode=1777"
		if m.Size > 0 {
			options += fmt.Sprintf(",size=%d", m.Size)
		}
		if err := unix.Mount("tmpfs", m.Target, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
			return err
		}
	} else if err := unix.MoveMount(m.tree, "", unix.AT_FDCWD, m.Target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return err
	}
	for _, k := range m.keep {
		if err := makeTarget(k.path, k.dir, func(string) bool { return true }); err != nil {
			return fmt.Errorf("keeping %s: %w", k.path, err)
		}
		if err := unix.MoveMount(k.tree, "", unix.AT_FDCWD, k.path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("keeping %s: %w", k.path, err)
		}
	}
	if m.ReadOnly {
		return remountReadOnly(m.Target)
	}
	return nil
}

// ownPlace says whether what is at a path is the container's own, so that folders may be made there.
func ownPlace(mounts []mounting, path string) bool {
	longest, own := -1, false
	for _, m := range mounts {
		if !covers(m.Target, path) {
			continue
		}
		if len(m.Target) >= longest {
			longest, own = len(m.Target), m.Own || m.Layer != "" && m.dir
		}
		for _, k := range m.keep {
			if covers(k.path, path) && len(k.path) > longest {
				longest, own = len(k.path), false
			}
		}
	}
	return own
}

// covers says whether a path is a folder's own or lies below it.
func covers(dir, path string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}
