package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is to be made: path below root, and root itself if need be.
type folder struct {
	root, path string
	unless     bool // a file that is there already will do
}

// file is to be written below the pod's folder.
type file struct {
	path    string
	mode    fs.FileMode
	content []byte
	once    bool // it stays as it is when it is there already
}

// check is a path that must stay inside root when links are followed.
type check struct{ root, path string }

// realise makes folders and files. Nothing is followed out of the folder it belongs to, whatever links a container put there.
func (s *scene) realise() error {
	roots := roots{}
	defer roots.close()
	for _, f := range s.folders {
		if err := f.make(roots); err != nil {
			return err
		}
	}
	for _, f := range s.files {
		root, err := roots.open(s.dir)
		if err != nil {
			return err
		}
		if err := f.write(root, s.dir); err != nil {
			return err
		}
	}
	for _, c := range s.checks {
		if err := c.do(roots); err != nil {
			return err
		}
	}
	return nil
}

// roots are folders that have been opened, each once.
type roots map[string]*os.Root

func (r roots) open(path string) (*os.Root, error) {
	if root := r[path]; root != nil {
		return root, nil
	}
	root, err := os.OpenRoot(path)
	if err == nil {
		r[path] = root
	}
	return root, err
}

func (r roots) close() {
	for _, root := range r {
		root.Close()
	}
}

func (f folder) make(roots roots) error {
	root, err := roots.open(f.root)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(f.root, 0o700); err != nil {
			return err
		}
		root, err = roots.open(f.root)
	}
	if err != nil {
		return err
	}
	if f.unless {
		if _, err := root.Stat(f.path); err == nil {
			return nil
		}
	}
	if root.Mkdir(f.path, 0o700) == nil {
		return nil
	}
	if err := root.MkdirAll(f.path, 0o700); err != nil { // it is there, or what it lies in is not
		return fmt.Errorf("making the folder %s: %w", filepath.Join(f.root, f.path), cause(err))
	}
	return nil
}

func (f file) write(root *os.Root, dir string) error {
	rel, err := filepath.Rel(dir, f.path)
	if err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("writing %s: %w", f.path, cause(err)) }
	if _, err := root.Lstat(rel); err == nil && f.once {
		return nil
	}
	if err := root.MkdirAll(filepath.Dir(rel), 0o700); err != nil {
		return fail(err)
	}
	tmp := filepath.Join(filepath.Dir(rel), ".qalam."+filepath.Base(rel))
	if err := root.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	w, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return fail(err)
	}
	_, err = w.Write(f.content)
	if err := errors.Join(err, w.Close()); err != nil {
		return fail(err)
	}
	if err := root.Rename(tmp, rel); err != nil {
		return fail(err)
	}
	return nil
}

func (c check) do(roots roots) error {
	root, err := roots.open(c.root)
	if err != nil {
		return err
	}
	if _, err := root.Stat(c.path); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(c.root, c.path), cause(err))
	}
	return nil
}

// cause leaves out the path that os.Root speaks of, which is a part only.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
