package provision

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"qalam/workload"
)

// view is what one container sees of this machine's files.
type view struct {
	*scene
	c     *workload.Container
	binds []Mount
	image map[string]bool // targets that the image map provides: everything else goes before them
	alive map[string]bool // targets whose content may come while the pod runs
}

// machine lists the folders that a program needs to run at all.
var machine = []string{"/proc", "/sys", "/dev", "/bin", "/sbin", "/lib", "/lib64", "/usr", "/usr/bin", "/usr/lib", "/etc"}

// mount makes a source appear at a target. Of two mounts at one target the first counts, except that anything beats the image.
func (v *view) mount(m Mount, field string) {
	switch t := path.Clean(m.Target); {
	case !path.IsAbs(m.Target) || slices.Contains(strings.Split(m.Target, "/"), ".."):
		v.fault("container %s: %s: %q must be an absolute path without ..", v.c.Name, field, m.Target)
		return
	case t == "/":
		v.fault("container %s: %s: nothing can be mounted over / itself", v.c.Name, field)
		return
	case slices.Contains(machine, t) || strings.HasPrefix(t, "/proc/") || strings.HasPrefix(t, "/sys/"):
		v.fault("container %s: %s: mounting over %s would hide this machine's own programs: use another path, or a runner that pulls images",
			v.c.Name, field, t)
		return
	}
	m.Target = path.Clean(m.Target)
	for i := range v.binds {
		if v.binds[i].Target == m.Target {
			if v.image[m.Target] {
				v.binds[i], v.image[m.Target] = m, false
			}
			return
		}
	}
	v.binds = append(v.binds, m)
}

func (v *view) live(target string, live bool) {
	if v.alive == nil {
		v.alive = map[string]bool{}
	}
	v.alive[path.Clean(target)] = live
}

// find returns the mount that a path lies on, and what follows the mount's target.
func (v *view) find(p string) (m Mount, rest string, ok bool) {
	return find(v.binds, p)
}

func find(binds []Mount, p string) (m Mount, rest string, ok bool) {
	p = path.Clean(p)
	for _, b := range binds {
		if r, in := within(p, b.Target); in && (!ok || len(b.Target) > len(m.Target)) && !b.keeps(p) {
			m, rest, ok = b, r, true
		}
	}
	return m, rest, ok
}

// Host says where on this machine a path of the container's lies; "" when it lies nowhere (in memory).
func (c *Container) Host(p string) string {
	m, rest, ok := find(slices.Concat(c.Process.Mounts, c.Paths), p)
	switch {
	case !ok:
		return path.Clean(p)
	case m.Source == "tmpfs":
		return ""
	}
	return m.Source + rest
}

// real is Host while the container is laid out; sure is false where the content is not known before it runs.
func (v *view) real(p string) (at string, sure bool) {
	m, rest, ok := v.find(p)
	if !ok {
		return path.Clean(p), true
	}
	if m.Own {
		return m.Source + rest, true // it is empty at first
	}
	return m.Source + rest, !v.alive[m.Target] && filepath.IsAbs(m.Source) && m.Source != "tmpfs"
}

// imageMounts mounts what stands for the container's image.
func (s *scene) imageMounts(v *view, c *workload.Container, im Image) {
	v.image = map[string]bool{}
	for _, m := range im.Mounts {
		if !exists(m.Source) {
			s.fault("container %s: the image map says that %s stands for %s of image %q, but there is no such file or folder: make it, or correct the image map",
				c.Name, m.Source, m.Path, c.Image)
			continue
		}
		target := Mount{Source: m.Source, Target: m.Path, ReadOnly: m.ReadOnly}
		if !m.ReadOnly && !m.Shared && !im.Shared {
			s.layer(&target, c)
		}
		v.mount(target, "image map")
		v.image[m.Path] = true
	}
	s.workLayer(v, c, im)
	if im.Venv != "" && !exists(im.Venv) {
		s.fault("container %s: the image map says venv: %s, but there is no such folder: make it (python3 -m venv %s), or correct the image map",
			c.Name, im.Venv, im.Venv)
	}
}

// primary says whether the trial's points come from this container.
func (s *scene) primary(c *workload.Container) bool {
	return c.Name == s.task.Primary.Container && slices.Contains(s.task.Primary.Pods, s.pod.Name)
}

// collected gives the file or folder that points are collected from a place that the container can write to, as Katib does with
// an emptyDir: the folder as a whole where it is new, else the file alone, lest what is beside it be hidden.
func (s *scene) collected(v *view, c *workload.Container) {
	p := s.task.Collect.Path
	if !s.primary(c) || p == "" || !slices.Contains([]string{"File", "TensorFlowEvent", "Custom"}, s.task.Collect.Kind) {
		return
	}
	if !path.IsAbs(p) || path.Clean(p) == "/" {
		s.fault("container %s: the metrics collector's path %q must be the absolute path of a file or folder", c.Name, p)
		return
	}
	p = path.Clean(p)
	if m, _, ok := v.find(p); ok && !v.image[m.Target] {
		return
	}
	dir := p
	if s.task.Collect.Kind != "TensorFlowEvent" {
		dir = path.Dir(p)
	}
	at, _ := v.real(dir)
	entries, err := os.ReadDir(at)
	if dir != p && (dir == "/" || slices.Contains(machine, dir) || err == nil && len(entries) > 0) {
		source := s.below("collect", c.Name, "file", path.Base(p))
		s.files = append(s.files, file{path: source, mode: 0o600, once: true})
		v.mount(Mount{Source: source, Target: p}, "metrics collector")
		return
	}
	rel := filepath.Join("collect", c.Name, "folder")
	s.folders = append(s.folders, folder{root: s.dir, path: rel})
	v.mount(Mount{Source: s.below(rel), Target: dir}, "metrics collector")
	v.live(dir, true)
}

// jobFiles mounts the files that the job's operator would provide.
func (s *scene) jobFiles(v *view, _ *vars) {
	dirs := map[string]bool{}
	for _, f := range s.task.Job.Files {
		if !slices.Contains(f.Pods, s.pod.Name) || s.inside {
			continue
		}
		p := path.Clean(f.Path)
		dir := path.Dir(p)
		rel := filepath.Join("files", filepath.FromSlash(strings.TrimPrefix(p, "/")))
		if !path.IsAbs(f.Path) || !filepath.IsLocal(rel) {
			s.fault("the job's file %q must have an absolute path", f.Path)
			continue
		}
		content := []byte(f.Content)
		if path.Base(p) == agentFile {
			content = s.agent(v, rel)
		}
		s.files = append(s.files, file{path: s.below(rel), mode: ownerOnly(f.Mode), content: content})
		if exists(dir) {
			v.mount(Mount{Source: s.below(rel), Target: p, ReadOnly: true}, "file of the job")
		} else if !dirs[dir] {
			dirs[dir] = true
			v.mount(Mount{Source: s.below(filepath.Dir(rel)), Target: dir, ReadOnly: true}, "file of the job")
		}
	}
}

// workingDir is where the container starts, as it sees it: what its spec says, else what its image says, else a folder of its own.
func (s *scene) workingDir(v *view, c *workload.Container, im Image) string {
	if err := plainName("container", c.Name); err != nil {
		s.fault("%w", err)
		return "/"
	}
	dir := c.WorkingDir
	if dir == "" {
		if dir = im.WorkingDir; dir == "" {
			return s.ownFolder(c)
		}
	}
	if !path.IsAbs(dir) {
		s.fault("container %s: workingDir %q must be an absolute path", c.Name, dir)
		return "/"
	}
	at, sure := v.real(dir)
	if sure && !exists(at) {
		if c.WorkingDir == "" {
			s.fault("container %s: the image map's workingDir %s does not exist: make it, or correct the image map", c.Name, dir)
			return dir
		}
		// A container engine makes the folder in the container; here it is one of the container's own.
		v.mount(Mount{Source: s.ownFolder(c), Target: dir}, "workingDir")
		v.live(dir, true)
	}
	return path.Clean(dir)
}

// ownFolder is a working directory that nobody else has. It lies beside those of the pod's other containers, since each folder more would
// cost every trial as much as a file does.
func (s *scene) ownFolder(c *workload.Container) string {
	rel := "work." + c.Name
	if own := (folder{root: s.dir, path: rel}); !slices.Contains(s.folders, own) {
		s.folders = append(s.folders, own)
	}
	return s.below(rel)
}

// settle brings the mounts into the order in which they can be made: outer before inner, and what would hide another's source
// last. Mount points inside volumes are made there, so that what is written beside them is not lost.
func (v *view) settle() {
	slices.SortStableFunc(v.binds, func(a, b Mount) int { return strings.Compare(a.Target+"/", b.Target+"/") })
	for _, b := range v.binds {
		outer, rest, ok := find(slices.DeleteFunc(slices.Clone(v.binds), func(o Mount) bool { return o.Target == b.Target }), b.Target)
		if ok && v.alive[outer.Target] && outer.Source != "tmpfs" && v.o.Tier == Namespaces {
			if info, err := os.Stat(b.Source); b.Source == "tmpfs" || err != nil || info.IsDir() {
				v.folders = append(v.folders, folder{root: outer.Source, path: strings.TrimPrefix(rest, "/"), unless: true})
			}
		}
	}
	hides := func(target string) bool {
		_, pod := within(v.dir, target)
		return pod || slices.ContainsFunc(v.binds, func(b Mount) bool {
			_, in := within(b.Source, target)
			return in && b.Target != target
		})
	}
	var first, last []Mount
	for _, b := range v.binds {
		late := hides(b.Target) || slices.ContainsFunc(last, func(o Mount) bool {
			_, in := within(b.Target, o.Target)
			return in
		})
		if late {
			last = append(last, b)
		} else {
			first = append(first, b)
		}
	}
	v.binds = append(first, last...)
}

// refuge is where a container finds its working directory when a mount hides the place it lies in.
const refuge = "/qalam"

// reachable makes sure that the working directory can be seen once everything is mounted.
func (v *view) reachable(dir string) string {
	if v.dir == "" {
		return dir
	}
	if _, own := within(dir, v.dir); !own {
		return dir
	}
	if _, _, hidden := v.find(dir); !hidden {
		return dir
	}
	v.binds = append([]Mount{{Source: dir, Target: refuge}}, v.binds...)
	return refuge
}
