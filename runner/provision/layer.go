package provision

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"qalam/workload"
)

// keeps says whether a path below the mount's target is seen as it is outside.
func (m *Mount) keeps(p string) bool {
	return slices.ContainsFunc(m.Keep, func(k string) bool {
		_, in := within(p, k)
		return in
	})
}

// layer makes what a container writes into a folder of its image its own, so that trials do not disturb each other and the user's
// folder stays as it is.
func (s *scene) layer(m *Mount, c *workload.Container) {
	if info, err := os.Stat(m.Source); err != nil || !info.IsDir() || s.o.Tier != Namespaces {
		return
	}
	const remedy = "say readOnly: true of it in the image map to forbid that, or shared: true to be told no more"
	if !s.o.Layers {
		s.note("container %s: what it writes to %s lands in %s, for all trials to see, because this machine has no overlayfs: %s",
			c.Name, m.Target, m.Source, remedy)
		return
	}
	inner := slices.IndexFunc(s.mounts(), func(at string) bool {
		_, in := within(at, m.Source)
		return in && at != m.Source
	})
	if inner >= 0 {
		s.note("container %s: what it writes to %s lands in %s, for all trials to see, because %s is mounted inside: %s",
			c.Name, m.Target, m.Source, s.mounts()[inner], remedy)
		return
	}
	m.Layer = s.below("layers", c.Name, strconv.Itoa(s.layers))
	s.layers++
	if _, in := within(s.dir, m.Target); in && s.dir != "" {
		m.Keep = []string{s.dir}
	}
}

// workLayer does the same for the image's working directory where that is a folder of this machine.
func (s *scene) workLayer(v *view, c *workload.Container, im Image) {
	dir := path.Clean(im.WorkingDir)
	_, _, mounted := v.find(dir)
	if im.WorkingDir == "" || im.Shared || mounted || c.WorkingDir != "" && path.Clean(c.WorkingDir) != dir ||
		dir == "/" || dir == "/tmp" || slices.Contains(machine, dir) || !path.IsAbs(dir) {
		return
	}
	m := Mount{Source: dir, Target: dir}
	if s.layer(&m, c); m.Layer != "" {
		v.mount(m, "image map")
		v.image[dir] = true
	}
}

// mountPoints lists where something is mounted.
func mountPoints() []string {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var points []string
	plain := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 4 {
			points = append(points, plain.Replace(f[4]))
		}
	}
	return points
}

const tmp = "/tmp"

// TmpPrefix begins the names of the folders of a pod that hold what its containers write to /tmp, and nothing else.
const TmpPrefix = "tmp."

// ownTmp gives the container a /tmp of its own, in which only what it is told of can be seen of this machine's: its working
// directory, its program, and what variables of the user's and the image map speak of. A container whose image is not mapped runs
// with this machine's files, so that also counts of which its own spec speaks.
func (s *scene) ownTmp(v *view, argv []string, dir string, im Image, mapped bool, env, spec *vars) {
	if !s.o.OwnTmp || s.inside || s.o.Tier != Namespaces || slices.ContainsFunc(v.binds, func(b Mount) bool { return b.Target == tmp }) {
		return
	}
	machines := !mapped || im.Shared
	words := append([]string{dir}, im.Command...)
	for i, word := range argv {
		if machines || i == 0 || i == 1 && !strings.HasPrefix(word, "-") {
			words = append(words, word)
		}
	}
	for _, name := range env.names {
		if _, its := spec.get(name); !its || machines {
			words = append(words, env.values[name])
		}
	}
	rel := TmpPrefix + v.c.Name
	m := Mount{Source: s.below(rel), Target: tmp, Own: true}
	if _, in := within(s.dir, tmp); in {
		m.Keep = append(m.Keep, s.dir)
	}
	for _, word := range words {
		for _, p := range temporary(word) {
			_, _, hidden := v.find(p)
			_, holds := within(s.dir, p)
			switch {
			case hidden || slices.Contains(m.Keep, p) || !exists(p):
			case holds && s.dir != "":
				m.Keep[0] = p // which is seen with everything in it
			default:
				m.Keep = append(m.Keep, p)
			}
		}
	}
	s.folders = append(s.folders, folder{root: s.dir, path: rel})
	v.mount(m, tmp)
}

// temporary lists what a text speaks of that lies in /tmp: its entries, not what is below them.
func temporary(s string) []string {
	var all []string
	for i := 0; ; {
		at := strings.Index(s[i:], tmp+"/")
		if at < 0 {
			return all
		}
		begin := i + at
		i = begin + len(tmp) + 1
		end := i
		for end < len(s) && s[end] != '/' && (begin == 0 || pathByte(s[end])) {
			end++
		}
		name := s[i:end]
		if begin > 0 && pathByte(s[begin-1]) || name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
			continue
		}
		all = append(all, tmp+"/"+name)
	}
}
