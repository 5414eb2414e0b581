package provision

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"qalam/workload"
)

// volume is a volume of the pod on this machine.
type volume struct {
	source   string // folder, or for some hostPaths a file
	readOnly bool
	memory   bool  // emptyDir of medium Memory
	size     int64 // its limit in bytes, 0 for none
	live     bool  // what is in it may change while the pod runs
	items    map[string]bool
}

// volume finds a volume of the pod by name; nil, after a fault, when it cannot be had here.
func (s *scene) volume(name string) *volume {
	if v, ok := s.volumes[name]; ok {
		return v
	}
	i := slices.IndexFunc(s.pod.Spec.Volumes, func(v workload.Volume) bool { return v.Name == name })
	if i < 0 {
		names := make([]string, 0, len(s.pod.Spec.Volumes))
		for _, v := range s.pod.Spec.Volumes {
			names = append(names, v.Name)
		}
		s.fault("volume %q is mounted, but the pod has none of that name: it has %s", name, orNone(names))
		return nil
	}
	var v *volume
	err := plainName("volume", name)
	if err == nil {
		v, err = s.makeVolume(&s.pod.Spec.Volumes[i])
	}
	if err != nil {
		s.fault("volume %q: %w", name, err)
	}
	s.volumes[name] = v
	return v
}

// plainName refuses names that would lead out of the folder they are used in.
func plainName(kind, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return fmt.Errorf("%q cannot be the name of a %s", name, kind)
	}
	return nil
}

func (s *scene) makeVolume(v *workload.Volume) (*volume, error) {
	if len(v.Source) > 1 {
		return nil, fmt.Errorf("it has more than one source: %s", strings.Join(slices.Sorted(maps.Keys(v.Source)), ", "))
	}
	kind, raw := "emptyDir", json.RawMessage("{}")
	for k, r := range v.Source {
		kind, raw = k, r
	}
	switch kind {
	case "emptyDir":
		return s.emptyDir(v.Name, raw)
	case "configMap", "secret", "downwardAPI", "projected":
		return s.projection(v.Name, kind, raw)
	case "persistentVolumeClaim":
		return s.claim(raw)
	case "hostPath":
		return s.hostPath(raw)
	case "ephemeral":
		s.note("volume %q: an ephemeral claim is an empty folder here", v.Name)
		return s.emptyDir(v.Name, json.RawMessage("{}"))
	}
	if dir, ok := s.o.Config.Volumes[v.Name]; ok {
		return s.mappedTo(dir, "volume "+v.Name)
	}
	return nil, fmt.Errorf("%s volumes cannot be mounted on this machine: name a folder instead in the image map (volumes: {%s: ./folder})", kind, v.Name)
}

// mappedTo is a volume that the user's configuration maps to a folder.
func (s *scene) mappedTo(dir, what string) (*volume, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("the image map says that %s stands for %s: %w", dir, what, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the image map says that %s stands for %s, but it is not a folder", dir, what)
	}
	return &volume{source: dir, live: true}, nil
}

func (s *scene) emptyDir(name string, raw json.RawMessage) (*volume, error) {
	var e struct {
		Medium    string            `json:"medium"`
		SizeLimit workload.Quantity `json:"sizeLimit"`
	}
	if err := decode(raw, &e); err != nil {
		return nil, err
	}
	if _, err := e.SizeLimit.Value(); e.SizeLimit != "" && err != nil {
		return nil, fmt.Errorf("sizeLimit: %w", err)
	}
	v := &volume{source: s.below("volumes", name), live: true, size: Units(e.SizeLimit)}
	users := 0
	for _, list := range [][]workload.Container{s.pod.Spec.InitContainers, s.pod.Spec.Containers} {
		for i := range list {
			if slices.ContainsFunc(list[i].VolumeMounts, func(m workload.VolumeMount) bool { return m.Name == name }) {
				users++
			}
		}
	}
	switch {
	case e.Medium != "Memory":
		if v.size > 0 {
			s.note("volume %q: its sizeLimit is not enforced", name)
		}
	case s.o.Tier != Namespaces || users > 1:
		s.note("volume %q: it is kept on disk, not in memory", name)
	default:
		v.memory = true
	}
	s.folders = append(s.folders, folder{root: s.dir, path: filepath.Join("volumes", name)})
	return v, nil
}

func (s *scene) claim(raw json.RawMessage) (*volume, error) {
	var c struct {
		ClaimName string `json:"claimName"`
		ReadOnly  bool   `json:"readOnly"`
	}
	if err := decode(raw, &c); err != nil {
		return nil, err
	}
	ns := s.task.Job.Namespace
	if ns == "" {
		ns = "default"
	}
	for _, key := range []string{ns + "/" + c.ClaimName, c.ClaimName} {
		if dir, ok := s.o.Config.Volumes[key]; ok {
			v, err := s.mappedTo(dir, "claim "+c.ClaimName)
			if v != nil {
				v.readOnly = c.ReadOnly
			}
			return v, err
		}
	}
	for _, part := range []string{ns, c.ClaimName} {
		if err := plainName("claim", part); err != nil {
			return nil, err
		}
	}
	rel := filepath.Join(ns, c.ClaimName)
	v := &volume{source: filepath.Join(s.o.Home, "volumes", rel), live: true, readOnly: c.ReadOnly}
	s.folders = append(s.folders, folder{root: filepath.Join(s.o.Home, "volumes"), path: rel})
	s.note("claim %q is the folder %s here, which all trials share; the image map can name another (volumes: {%s: ./folder})", c.ClaimName, v.source, c.ClaimName)
	return v, nil
}

func (s *scene) hostPath(raw json.RawMessage) (*volume, error) {
	var h struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	if err := decode(raw, &h); err != nil {
		return nil, err
	}
	clean := path.Clean(h.Path)
	if !path.IsAbs(clean) || slices.Contains(strings.Split(h.Path, "/"), "..") {
		return nil, fmt.Errorf("hostPath %q must be an absolute path without ..", h.Path)
	}
	root, at, ok := s.allowed(clean)
	if !ok {
		return nil, fmt.Errorf("hostPath %s is not open to trials: allow it with --allow-host-path %s or in the image map (volumes: {%s: %s})",
			clean, clean, clean, clean)
	}
	source := filepath.Join(root, at)
	info, err := os.Stat(source)
	v := &volume{source: source, live: true}
	switch dir := err == nil && info.IsDir(); h.Type {
	case "", "Directory", "File", "Socket", "CharDevice", "BlockDevice":
		if err != nil {
			return nil, fmt.Errorf("hostPath %s: %w", clean, err)
		}
		if h.Type == "Directory" && !dir || h.Type == "File" && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("hostPath %s is not of the type %s", clean, h.Type)
		}
	case "DirectoryOrCreate":
		if err == nil && !dir {
			return nil, fmt.Errorf("hostPath %s is not a folder", clean)
		}
		s.folders = append(s.folders, folder{root: root, path: at})
	case "FileOrCreate":
		return nil, fmt.Errorf("hostPath %s: type FileOrCreate is not supported here: make the file and use type File", clean)
	default:
		return nil, fmt.Errorf("hostPath %s has the unknown type %q", clean, h.Type)
	}
	s.checks = append(s.checks, check{root, at})
	return v, nil
}

// allowed finds the folder that is open to trials and covers a hostPath: the folder, and the path below it.
func (s *scene) allowed(p string) (root, at string, ok bool) {
	best := -1
	consider := func(open, dir string) {
		if rest, in := within(p, open); in && len(open) > best {
			best, root, at, ok = len(open), dir, filepath.Join(".", rest), true
		}
	}
	for open, dir := range s.o.Config.Volumes {
		if path.IsAbs(open) {
			consider(open, dir)
		}
	}
	for _, open := range s.o.HostPaths {
		consider(path.Clean(open), filepath.Clean(open))
	}
	return root, at, ok
}

// within says whether p is dir or lies below it, and returns what follows dir: "" or "/…".
func within(p, dir string) (rest string, ok bool) {
	if dir == "/" {
		return strings.TrimSuffix(p, "/"), path.IsAbs(p)
	}
	rest, ok = strings.CutPrefix(p, dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

func decode(raw json.RawMessage, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("its source cannot be read: %w", err)
	}
	return nil
}

// volumeMounts mounts what the container's spec says.
func (s *scene) volumeMounts(v *view, c *workload.Container, spec *vars) {
	for _, m := range c.VolumeMounts {
		vol := s.volume(m.Name)
		if vol == nil {
			continue
		}
		sub := m.SubPath
		if m.SubPathExpr != "" {
			sub = expand(m.SubPathExpr, spec.get)
			if strings.Contains(sub, "$(") {
				s.fault("container %s: subPathExpr %q names a variable that is not set", c.Name, m.SubPathExpr)
				continue
			}
		}
		source, ok := s.subPath(c, vol, m, sub)
		if !ok {
			continue
		}
		b := Mount{Source: source, Target: m.MountPath, ReadOnly: m.ReadOnly || vol.readOnly}
		collects := false
		if s.primary(c) {
			_, collects = within(path.Clean(s.task.Collect.Path), path.Clean(m.MountPath))
		}
		if vol.memory && sub == "" && !collects {
			b.Source, b.Size = "tmpfs", vol.size
		}
		v.mount(b, "volumeMounts")
		v.live(b.Target, vol.live)
	}
}

// subPath finds the part of a volume that is mounted.
func (s *scene) subPath(c *workload.Container, vol *volume, m workload.VolumeMount, sub string) (string, bool) {
	if sub == "" {
		return vol.source, true
	}
	sub = path.Clean(sub)
	if !filepath.IsLocal(sub) {
		s.fault("container %s: subPath %q of volume %q leads out of the volume", c.Name, sub, m.Name)
		return "", false
	}
	if vol.live {
		s.folders = append(s.folders, folder{root: vol.source, path: sub, unless: true})
		s.checks = append(s.checks, check{vol.source, sub})
	} else if !vol.items[sub] {
		s.fault("container %s: volume %q has no %q: it has %s", c.Name, m.Name, sub, orNone(slices.Sorted(maps.Keys(vol.items))))
		return "", false
	}
	return filepath.Join(vol.source, sub), true
}
