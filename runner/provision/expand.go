package provision

import "strings"

// expand replaces $(NAME) by the variable's value, as Kubernetes does in commands, arguments and values: $$ stands for $, a
// reference to what is not there stays as it is, and what was inserted is not looked at again.
func expand(s string, lookup func(name string) (string, bool)) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var out strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 == len(s) {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		s = s[i:]
		switch end := strings.IndexByte(s, ')'); {
		case s[1] == '$':
			out.WriteByte('$')
			s = s[2:]
		case s[1] == '(' && end > 0:
			if v, ok := lookup(s[2:end]); ok {
				out.WriteString(v)
			} else {
				out.WriteString(s[:end+1])
			}
			s = s[end+1:]
		default:
			out.WriteString(s[:2])
			s = s[2:]
		}
	}
}

// vars is an environment in the order in which its names were first set; the last value of a name counts.
type vars struct {
	names  []string
	values map[string]string
}

func newVars() *vars { return &vars{values: map[string]string{}} }

func (e *vars) set(name, value string) {
	if _, ok := e.values[name]; !ok {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

func (e *vars) get(name string) (string, bool) {
	v, ok := e.values[name]
	return v, ok
}

// merge sets every variable of o.
func (e *vars) merge(o *vars) {
	for _, name := range o.names {
		e.set(name, o.values[name])
	}
}

// list returns NAME=value, each name once. A value cannot hold a zero byte.
func (e *vars) list() []string {
	out := make([]string, 0, len(e.names))
	for _, name := range e.names {
		v, _, _ := strings.Cut(e.values[name], "\x00")
		out = append(out, name+"="+v)
	}
	return out
}
