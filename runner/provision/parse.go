package provision

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"qalam/typo"
)

// Parse reads a configuration file's content; name is for messages, relative folders are relative to dir.
func Parse(name string, content []byte, dir string) (Config, error) {
	p := &parser{name: name, dir: dir}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return Config{}, nil
	} else if err != nil {
		return Config{}, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var c Config
	if root := doc.Content[0]; root.Tag != "!!null" {
		p.config(root, &c)
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		p.fault(&more, "an image map is one document: put everything under one images, env and volumes")
	}
	if len(p.faults) > 0 {
		return Config{}, errors.Join(p.faults...)
	}
	return c, nil
}

// parser walks a YAML tree and collects every fault in it.
type parser struct {
	name, dir string
	faults    []error
	nodes     int // visited: aliases must not make a small file large
}

const (
	maxFaults = 20
	maxNodes  = 100_000
)

func (p *parser) fault(n *yaml.Node, format string, args ...any) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, fmt.Errorf("%s:%d:%d: %s", p.name, n.Line, n.Column, fmt.Sprintf(format, args...)))
	}
}

// real follows an alias. A nil node means that the tree is too large.
func (p *parser) real(n *yaml.Node) *yaml.Node {
	p.nodes++
	if p.nodes == maxNodes {
		p.fault(n, "the file has more than %d entries", maxNodes)
	}
	if p.nodes >= maxNodes {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// fields calls the function of each key of a mapping and complains about keys that have none.
func (p *parser) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	p.pairs(n, what, func(key string, k, v *yaml.Node) {
		if f, ok := known[key]; ok {
			f(v)
			return
		}
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		hint := "known are " + strings.Join(names, ", ")
		if near := nearest(key, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		p.fault(k, "unknown field %q in %s: %s", key, what, hint)
	})
}

// pairs calls f for each entry of a mapping.
func (p *parser) pairs(n *yaml.Node, what string, f func(key string, k, v *yaml.Node)) {
	if n = p.real(n); n == nil || n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.fault(n, "%s must be a mapping (name: value)", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := p.real(n.Content[i])
		if k == nil {
			return
		}
		if k.Kind != yaml.ScalarNode {
			p.fault(k, "a name in %s must be a plain word", what)
			continue
		}
		if seen[k.Value] {
			p.fault(k, "%q is given twice in %s", k.Value, what)
			continue
		}
		seen[k.Value] = true
		f(k.Value, k, n.Content[i+1])
	}
}

func (p *parser) list(n *yaml.Node, what string, f func(*yaml.Node)) {
	if n = p.real(n); n == nil || n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.SequenceNode {
		p.fault(n, "%s must be a list (- …)", what)
		return
	}
	for _, e := range n.Content {
		f(e)
	}
}

func (p *parser) text(n *yaml.Node, what string) string {
	if n = p.real(n); n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fault(n, "%s must be a text", what)
		return ""
	}
	if strings.ContainsRune(n.Value, 0) {
		p.fault(n, "%s must not contain a zero byte", what)
		return ""
	}
	return n.Value
}

func (p *parser) texts(n *yaml.Node, what string) []string {
	var out []string
	p.list(n, what, func(e *yaml.Node) { out = append(out, p.text(e, "an entry of "+what)) })
	return out
}

func (p *parser) flag(n *yaml.Node, what string) bool {
	if n = p.real(n); n == nil {
		return false
	}
	var b bool
	if n.Decode(&b) != nil || n.Tag == "!!null" {
		p.fault(n, "%s must be true or false", what)
	}
	return b
}

func (p *parser) folder(n *yaml.Node, what string) string {
	s := p.text(n, what)
	if s == "" {
		p.fault(n, "%s must not be empty", what)
		return ""
	}
	return absolute(p.dir, s)
}

func (p *parser) env(n *yaml.Node, what string) map[string]string {
	env := map[string]string{}
	p.pairs(n, what, func(key string, k, v *yaml.Node) {
		if !envName().MatchString(key) {
			p.fault(k, "%q in %s is no name for a variable", key, what)
		}
		env[key] = p.text(v, what+"."+key)
	})
	return env
}

func (p *parser) config(n *yaml.Node, c *Config) {
	p.fields(n, "the image map", map[string]func(*yaml.Node){
		"images": func(v *yaml.Node) {
			p.list(v, "images", func(e *yaml.Node) { c.Images = append(c.Images, p.image(e)) })
		},
		"env":     func(v *yaml.Node) { c.Env = p.env(v, "env") },
		"passEnv": func(v *yaml.Node) { c.PassEnv = p.passEnv(v) },
		"volumes": func(v *yaml.Node) { c.Volumes = p.volumes(v) },
	})
}

func (p *parser) passEnv(n *yaml.Node) []string {
	var out []string
	p.list(n, "passEnv", func(e *yaml.Node) {
		s := p.text(e, "an entry of passEnv")
		if !envName().MatchString(strings.TrimSuffix(s, "*")) {
			p.fault(e, "%q in passEnv must be a variable's name, or the beginning of one followed by *", s)
		}
		out = append(out, s)
	})
	return out
}

func (p *parser) volumes(n *yaml.Node) map[string]string {
	out := map[string]string{}
	p.pairs(n, "volumes", func(key string, k, v *yaml.Node) {
		switch {
		case path.IsAbs(key):
			if key = path.Clean(key); key == "/" {
				p.fault(k, "the root folder as a whole cannot be mapped: name the host paths that pods may see")
			}
		case strings.Count(key, "/") > 1 || !claimName().MatchString(strings.ReplaceAll(key, "/", ".")):
			p.fault(k, "%q must be a claim (name or namespace/name), a volume's name, or an absolute host path", key)
		}
		out[key] = p.folder(v, "volumes."+key)
	})
	return out
}

var claimName = pattern(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

func (p *parser) image(n *yaml.Node) Image {
	var im Image
	at := p.real(n)
	if at == nil {
		return im
	}
	p.fields(n, "an image", map[string]func(*yaml.Node){
		"image": func(v *yaml.Node) {
			im.Image = p.text(v, "image")
			if err := checkGlob(im.Image); err != nil && im.Image != "" {
				p.fault(v, "%v", err)
			}
		},
		"mounts": func(v *yaml.Node) {
			p.list(v, "mounts", func(e *yaml.Node) { im.Mounts = append(im.Mounts, p.mount(e)) })
		},
		"env":        func(v *yaml.Node) { im.Env = p.env(v, "env") },
		"workingDir": func(v *yaml.Node) { im.WorkingDir = p.folder(v, "workingDir") },
		"venv":       func(v *yaml.Node) { im.Venv = p.folder(v, "venv") },
		"command":    func(v *yaml.Node) { im.Command = p.texts(v, "command") },
		"shared":     func(v *yaml.Node) { im.Shared = p.flag(v, "shared") },
	})
	if im.Image == "" {
		p.fault(at, "an image needs a name: image: \"registry/name:*\"")
	}
	return im
}

func (p *parser) mount(n *yaml.Node) ImageMount {
	var m ImageMount
	at := p.real(n)
	if at == nil {
		return m
	}
	p.fields(n, "a mount", map[string]func(*yaml.Node){
		"path": func(v *yaml.Node) {
			m.Path = p.text(v, "path")
			if !path.IsAbs(m.Path) || path.Clean(m.Path) == "/" {
				p.fault(v, "path must be an absolute path below /, as the image has it: %q is not", m.Path)
			}
			m.Path = path.Clean(m.Path)
		},
		"source":   func(v *yaml.Node) { m.Source = p.folder(v, "source") },
		"readOnly": func(v *yaml.Node) { m.ReadOnly = p.flag(v, "readOnly") },
		"shared":   func(v *yaml.Node) { m.Shared = p.flag(v, "shared") },
	})
	if m.ReadOnly && m.Shared {
		p.fault(at, "a mount is readOnly, or shared by trials that write to it, or neither: then what a trial writes is its own")
	}
	if m.Path == "" || m.Source == "" {
		p.fault(at, "a mount needs both path (inside the image) and source (on this machine, relative to %s)", filepath.Base(p.name))
	}
	return m
}

// nearest returns the known name that a word was probably meant to be, or "".
func nearest(word string, names []string) string {
	best, name := 3, ""
	for _, n := range names {
		if d := typo.Distance(strings.ToLower(word), strings.ToLower(n)); d < best && d < len(n) {
			best, name = d, n
		}
	}
	return name
}
