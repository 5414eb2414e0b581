package provision

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"qalam/workload"
)

var interpreters = pattern(`^(python[0-9.]*|bash|sh|dash|zsh|perl|node|ruby|Rscript|julia|torchrun|accelerate)$`)

// checkProgram complains about a program that is not there, and warns of a script that is not. What init containers or peers may
// yet write is not looked for.
func (s *scene) checkProgram(v *view, c *workload.Container, argv []string, env *vars, dir string, mapped bool) {
	if len(argv) == 0 || s.dir != "" {
		return
	}
	hint := "install it, or map the image to a folder that has it (--image '" + c.Image + "=DIR:" + path.Dir(argv[0]) + "')"
	if mapped {
		hint = "correct the command, or the image map's mounts and PATH"
	}
	real := v.real
	if s.o.Tier == Plain { // paths are rewritten by now
		real = func(p string) (string, bool) { return p, filepath.IsAbs(p) }
	}
	program := argv[0]
	switch {
	case !strings.Contains(program, "/"):
		list, ok := env.get("PATH")
		if ok && !onPath(list, program, real) {
			s.fault("container %s: program %q is in none of the folders of PATH (%s): install it, or set PATH in the image map or the container's env",
				c.Name, program, list)
		}
	case path.IsAbs(program):
		if at, sure := real(program); sure {
			s.executable(c, program, at, hint)
		}
	}
	if !mapped && c.Image != "" && len(c.Command) > 0 {
		s.note("container %s: image %q is not mapped: its command runs with this machine's own programs and files", c.Name, c.Image)
	}
	s.checkScript(c, argv, dir, real, mapped)
}

func onPath(list, program string, real func(string) (string, bool)) bool {
	for _, dir := range filepath.SplitList(list) {
		at, sure := real(path.Join(dir, program))
		if !sure {
			return true
		}
		if info, err := os.Stat(at); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

func (s *scene) executable(c *workload.Container, program, at, hint string) {
	info, err := os.Stat(at)
	switch {
	case err != nil:
		s.fault("container %s: program %s does not exist: %s", c.Name, program, hint)
	case info.IsDir():
		s.fault("container %s: %s is a folder, not a program: correct the command", c.Name, program)
	case info.Mode()&0o111 == 0:
		s.fault("container %s: program %s is not executable: make it so (chmod +x %s), or start it through its interpreter", c.Name, program, at)
	}
}

// checkScript warns when an interpreter's script is not there.
func (s *scene) checkScript(c *workload.Container, argv []string, dir string, real func(string) (string, bool), mapped bool) {
	if !interpreters().MatchString(path.Base(argv[0])) || len(argv) < 2 {
		return
	}
	script := argv[1]
	if strings.HasPrefix(script, "-") || script == "" {
		return
	}
	full := script
	if !path.IsAbs(script) {
		if full = path.Join(dir, script); !path.IsAbs(full) { // the container's own, empty folder
			s.note("container %s: %s will not find %s, because it starts in an empty folder: give the container a workingDir, or map image %q to the folder that has it (--image '%s=DIR')",
				c.Name, argv[0], script, c.Image, c.Image)
			return
		}
	}
	if at, sure := real(full); sure && !exists(at) {
		hint := "map the image to the folder that has it (--image '" + c.Image + "=DIR:" + path.Dir(full) + "')"
		if mapped {
			hint = "correct the command, or the image map"
		}
		s.note("container %s: %s will not find %s on this machine: %s", c.Name, argv[0], script, hint)
	}
}
