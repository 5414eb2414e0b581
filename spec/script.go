package spec

import (
	"path"
	"strings"
)

// scriptFlags are the programs that run the argument behind a flag, and the letter of that flag.
var scriptFlags = map[string]byte{
	"sh": 'c', "bash": 'c', "dash": 'c', "ash": 'c', "zsh": 'c', "ksh": 'c', "fish": 'c', "busybox": 'c',
	"python": 'c', "python2": 'c', "python3": 'c', "pypy3": 'c', "perl": 'e', "ruby": 'e', "node": 'e', "php": 'r', "lua": 'e', "Rscript": 'e',
}

var versioned = pattern(`^python3\.\d+$`)

// harmless is a value that no shell or interpreter takes for more than a word.
var harmless = pattern(`^[A-Za-z0-9._:/=+,@%-]*$`)

// scriptsIn finds the texts of a container that a shell or an interpreter reads again, as "python train.py" in
// command: [sh, -c, python train.py]. It returns their indexes by the field that holds them: command or args.
func scriptsIn(container map[string]any) map[string]map[int]bool {
	var argv []string
	count := map[string]int{}
	for _, name := range []string{"command", "args"} {
		switch list := container[name].(type) {
		case []any:
			count[name] = len(list)
			for _, a := range list {
				s, _ := a.(string)
				argv = append(argv, s)
			}
		}
	}
	var found map[string]map[int]bool
	mark := func(i int) {
		name := "command"
		if i >= count["command"] {
			name, i = "args", i-count["command"]
		}
		if found == nil {
			found = map[string]map[int]bool{"command": {}, "args": {}}
		}
		found[name][i] = true
	}
	for i, arg := range argv {
		program := path.Base(arg)
		if versioned().MatchString(program) {
			program = "python3"
		}
		flag := scriptFlags[program]
		if flag == 0 {
			continue
		}
		takes := "oO" // flags that take an argument
		if flag != 'c' || strings.HasPrefix(program, "py") {
			takes = "WX"
		}
		for _, script := range scriptsOf(argv, i+1, flag, takes) {
			mark(script)
		}
	}
	return found
}

// scriptsOf finds what is a script among the arguments of an interpreter, which begin at i: what stands behind the flag, and the
// flag itself, which may hold a script as well. Flags that end with one of takes have an argument.
func scriptsOf(argv []string, i int, flag byte, takes string) []int {
	for ; i < len(argv); i++ {
		a := argv[i]
		switch {
		case a == "--" || len(a) < 2 || a[0] != '-' && a[0] != '+':
			if a == "sh" || a == "ash" { // busybox sh -c
				continue
			}
			return nil
		case strings.HasPrefix(a, "--"):
		case strings.IndexByte(a, flag) > 0:
			if i+1 < len(argv) {
				return []int{i, i + 1}
			}
			return []int{i}
		case strings.IndexByte(takes, a[len(a)-1]) >= 0:
			i++
		}
	}
	return nil
}

var (
	argumentPath = pattern(`\.(command|args)\[\d+\]$`)
	quotedValue  = pattern(`^(--?[A-Za-z0-9_.-]+=)?(?:"(\$\{trialParameters\.[^{}]+\})"|'(\$\{trialParameters\.[^{}]+\})')$`)
)

// unquoted takes the quotes from around a placeholder that is the whole value of an argument, as in --name="${trialParameters.x}".
// Katib joins the arguments and has a shell split them again, which takes those quotes away; here every argument is passed as it
// is, and no program would expect them.
func unquoted(text, path string) string {
	if !argumentPath().MatchString(path) {
		return text
	}
	m := quotedValue().FindStringSubmatch(text)
	if m == nil {
		return text
	}
	return m[1] + m[2] + m[3]
}
