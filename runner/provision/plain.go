package provision

import (
	"path/filepath"
	"slices"
	"strings"
)

// moved lists the mounts whose source is not what lies at the target anyway, longest target first.
func (v *view) moved() []Mount {
	binds := slices.DeleteFunc(slices.Clone(v.binds), func(b Mount) bool {
		return !filepath.IsAbs(b.Source) || b.Source == b.Target || strings.HasPrefix(b.Target, "/dev/shm")
	})
	slices.SortFunc(binds, func(a, b Mount) int { return len(b.Target) - len(a.Target) })
	return binds
}

// rewritePaths replaces every target of a mount by its source, where it stands as a whole path or the beginning of one. What was
// inserted is not looked at again.
func rewritePaths(s string, binds []Mount) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		m := -1
		if s[i] == '/' && (i == 0 || !pathByte(s[i-1])) {
			m = slices.IndexFunc(binds, func(b Mount) bool {
				rest, ok := strings.CutPrefix(s[i:], b.Target)
				return ok && (rest == "" || rest[0] == '/' || !pathByte(rest[0]))
			})
		}
		if m < 0 {
			out.WriteByte(s[i])
			i++
			continue
		}
		out.WriteString(binds[m].Source)
		i += len(binds[m].Target)
	}
	return out.String()
}

// pathByte says whether a byte may belong to a name in a path, or separates two.
func pathByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("._-/~", b) >= 0 || b >= 0x80
}

// rewriteArgv puts this machine's paths into a command line.
func (v *view) rewriteArgv(argv []string) []string {
	binds := v.moved()
	out := make([]string, len(argv))
	for i, word := range argv {
		out[i] = rewritePaths(word, binds)
		v.literals(word)
	}
	return out
}

// literals warns of names and ports that only work where pods have a network of their own.
func (v *view) literals(word string) {
	for name := range v.names {
		if len(name) > 3 && strings.Contains(word, name) {
			v.note("container %s: its command line names %s, which is no host name without namespaces: use $(MASTER_ADDR) or its like", v.c.Name, name)
		}
	}
	for key := range v.ports {
		_, port, _ := strings.Cut(key, "/")
		if i := strings.Index(word, port); i >= 0 && len(word) < 1<<12 && !digitAt(word, i-1) && !digitAt(word, i+len(port)) {
			v.note("container %s: its command line has the port %s, which is another one without namespaces: use $(MASTER_PORT) or its like", v.c.Name, port)
		}
	}
}

func digitAt(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }

// rewriteEnv puts this machine's paths into what the spec and the image map say; the user's own variables stay.
func (v *view) rewriteEnv(env, spec *vars, im Image) {
	binds := v.moved()
	for _, name := range env.names {
		_, inSpec := spec.get(name)
		_, inImage := im.Env[name]
		_, inConfig := v.o.Config.Env[name]
		if inSpec || inImage || inConfig {
			env.values[name] = rewritePaths(env.values[name], binds)
		}
	}
	for _, b := range binds {
		v.note("container %s: %s is not mounted: it is replaced by a folder of this machine in the command line and the variables, "+
			"but a program that has the path inside will not find it", v.c.Name, b.Target)
	}
}

// plainDir is the working directory without mounts.
func (v *view) plainDir(dir string) string {
	at, sure := v.real(dir)
	if sure && v.dir != "" && !exists(at) {
		v.note("container %s: the working directory %s is a folder of its own here", v.c.Name, dir)
		return v.ownFolder(v.c)
	}
	return at
}
