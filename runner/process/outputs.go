package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
)

const logTail = ".log"

func logFile(pod, container string, number int) string {
	return pod + "." + container + "." + itoa(number) + logTail
}

// Outputs lists the streams that an attempt's points are collected from, oldest first: the logs of every run of the container
// that speaks for a primary pod, or the file or event files it writes.
func (r *Runner) Outputs(id runner.ID, collect runner.Collect) ([]runner.Output, error) {
	a := r.attempt(id)
	if a == nil {
		return nil, fmt.Errorf("attempt %d of %s is not known", id.Attempt, id.Trial)
	}
	var all []runner.Output
	for _, speaker := range a.speakers() {
		var (
			some []runner.Output
			err  error
		)
		key := speaker.pod + "/" + speaker.container.Name
		switch collect.Kind {
		case "StdOut":
			some, err = a.logs(speaker)
		case "File", "Custom", "Push":
			some, err = a.file(speaker, key, collect.Path)
		case "TensorFlowEvent":
			some, err = a.events(speaker, key, collect.Path)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// speaker is a container that points are collected from.
type speaker struct {
	pod       string
	container *container
}

func (a *attempt) speakers() []speaker {
	a.mu.Lock()
	layout := a.layout
	a.mu.Unlock()
	var list []speaker
	for _, p := range layout {
		if len(a.task.Primary.Pods) > 0 && !slices.Contains(a.task.Primary.Pods, p.spec.Name) {
			continue
		}
		var chosen *container
		for _, c := range p.containers {
			switch {
			case c.Init:
			case c.Name == a.task.Primary.Container:
				chosen = c
			case chosen == nil, c.Name == p.spec.Default && chosen.Name != a.task.Primary.Container:
				chosen = c
			}
		}
		if chosen != nil {
			list = append(list, speaker{p.spec.Name, chosen})
		}
	}
	return list
}

func (a *attempt) logs(s speaker) ([]runner.Output, error) {
	var list []runner.Output
	for n := 0; ; n++ {
		info, err := os.Stat(filepath.Join(a.dir, logFile(s.pod, s.container.Name, n)))
		if errors.Is(err, fs.ErrNotExist) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		key := s.pod + "/" + s.container.Name + "/" + itoa(n) + ".log"
		list = append(list, runner.Output{Key: key, Kind: "text", Size: info.Size()})
	}
}

func (a *attempt) file(s speaker, key, inside string) ([]runner.Output, error) {
	info, err := os.Lstat(s.container.outside(inside))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", runner.ErrUnreadable, err)
	}
	if err := readable(info, inside); err != nil {
		return nil, err
	}
	return []runner.Output{{Key: key + "/file", Kind: "text", Size: info.Size()}}, nil
}

// readable refuses what only looks like a file with metrics. A link is not followed: where it leads is another place inside the
// container than here, and it may lead to what the trial's author was not to see.
func readable(info fs.FileInfo, name string) error {
	kind := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "folder"
	case mode&fs.ModeSymlink != 0:
		kind = "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		kind = "FIFO"
	default:
		kind = "device or socket"
	}
	return fmt.Errorf("%w: %s is a %s, not a file", runner.ErrUnreadable, name, kind)
}

func (a *attempt) events(s speaker, key, inside string) ([]runner.Output, error) {
	root := s.container.outside(inside)
	var list []runner.Output
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", runner.ErrUnreadable, err)
		}
		if !d.Type().IsRegular() || !strings.Contains(d.Name(), "tfevents") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		tag := filepath.Dir(rel)
		if tag == "." {
			tag = ""
		}
		list = append(list, runner.Output{Key: key + "/events/" + rel, Kind: "tfevent", Tag: tag, Size: info.Size()})
		return nil
	})
	return list, err
}

// outside finds where on this machine lies what the container calls inside.
func (c *container) outside(inside string) string {
	inside = path.Clean(inside)
	best, source := -1, ""
	try := func(target, from string) {
		target = path.Clean(target)
		rest, below := strings.CutPrefix(inside, strings.TrimSuffix(target, "/")+"/")
		if inside != target && !below || len(target) < best {
			return
		}
		if inside == target {
			rest = ""
		}
		best, source = len(target), filepath.Join(from, rest)
	}
	for _, m := range c.Process.Mounts {
		if m.Source != "tmpfs" {
			try(m.Target, m.Source)
		}
	}
	for _, m := range c.Paths {
		try(m.Target, m.Source)
	}
	if best >= 0 {
		return source
	}
	if !path.IsAbs(inside) {
		return filepath.Join(c.Process.Dir, inside)
	}
	return inside
}

// ReadAt reads from one stream of an attempt; io.EOF says that there is nothing more now. What Trim has removed reads as zeros.
func (r *Runner) ReadAt(id runner.ID, key string, buf []byte, offset int64) (int, error) {
	file, err := r.path(id, key)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, io.EOF
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", runner.ErrUnreadable, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := readable(info, key); err != nil {
		return 0, err
	}
	return f.ReadAt(buf, offset)
}

// path finds the file behind a key.
func (r *Runner) path(id runner.ID, key string) (string, error) {
	unknown := fmt.Errorf("attempt %d of %s has no stream %q", id.Attempt, id.Trial, key)
	pod, rest, ok := strings.Cut(key, "/")
	containerName, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || !filepath.IsLocal(key) || path.Clean(key) != key {
		return "", unknown
	}
	if run, isLog := strings.CutSuffix(rest, logTail); isLog && !strings.Contains(run, "/") {
		return filepath.Join(Folder(r.options.Home, id), pod+"."+containerName+"."+rest), nil
	}
	a := r.attempt(id)
	if a == nil {
		return "", unknown
	}
	for _, s := range a.speakers() {
		if s.pod != pod || s.container.Name != containerName {
			continue
		}
		if rest == "file" {
			return s.container.outside(a.task.Collect.Path), nil
		}
		if rel, ok := strings.CutPrefix(rest, "events/"); ok {
			return filepath.Join(s.container.outside(a.task.Collect.Path), rel), nil
		}
	}
	return "", unknown
}

// clear removes an attempt's folder; with keep it only empties what may hold secrets, and /tmp. Removing files is left to whoever deletes the
// whole experiment: ext4 makes new files slowly for half a minute after many were removed.
func clear(dir string, keep bool) error {
	if !keep {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		os.Remove(filepath.Dir(dir)) // when it was the trial's last attempt
		return nil
	}
	if err := empty(filepath.Join(dir, shim.SpecFile)); err != nil {
		return err
	}
	for _, pod := range entries(dir, "pods") {
		for _, own := range entries(dir, "pods", pod) {
			if !strings.HasPrefix(own, provision.TmpPrefix) {
				continue
			}
			if err := emptyFolder(dir, "pods", pod, own); err != nil {
				return err
			}
		}
	}
	for _, file := range entries(dir) {
		if !strings.HasSuffix(file, startTail) {
			continue
		}
		if err := empty(filepath.Join(dir, file)); err != nil {
			return err
		}
	}
	return nil
}

// clear does the same for an attempt of which all is known, without looking.
func (a *attempt) clear() error {
	for _, p := range a.pods {
		for _, c := range p.containers {
			if err := emptyFolder(a.dir, "pods", p.spec.Name, provision.TmpPrefix+c.Name); err != nil {
				return err
			}
		}
	}
	return empty(filepath.Join(a.dir, shim.SpecFile))
}

func empty(file string) error {
	if err := os.Truncate(file, 0); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func emptyFolder(parts ...string) error {
	dir := filepath.Join(parts...)
	for _, entry := range entries(dir) {
		if err := os.RemoveAll(filepath.Join(dir, entry)); err != nil {
			return err
		}
	}
	return nil
}

// entries are the names of what lies in a folder, none when it is not there.
func entries(parts ...string) []string {
	f, err := os.Open(filepath.Join(parts...))
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1) // what cannot be read is as good as not there
	return names
}
