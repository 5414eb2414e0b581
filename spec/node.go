package spec

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolve is the node that an alias stands for, or the node itself.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// entry is one field of a map.
type entry struct {
	key, value *yaml.Node // the value is resolved
}

// entries lists the fields of a map, those of merged maps (<<) after its own and only where it has none of the name.
func entries(n *yaml.Node) []entry {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	list := make([]entry, 0, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		list = append(list, entry{key, value})
	}
	if len(merged) == 0 {
		return list
	}
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		seen[e.key.Value] = true
	}
	for _, m := range merged {
		sources := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			sources = m.Content
		}
		for _, s := range sources {
			for _, e := range entries(s) {
				if !seen[e.key.Value] {
					seen[e.key.Value] = true
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// lookup finds a field of a map, nil when there is none.
func lookup(n *yaml.Node, key string) *yaml.Node {
	for _, e := range entries(n) {
		if e.key.Value == key {
			return e.value
		}
	}
	return nil
}

func nodePlace(src *source, n *yaml.Node, path string) place {
	return place{src: src, line: n.Line, column: n.Column, path: path}
}

// describe names the kind of a node for people.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		return "a number"
	}
	return "a text"
}

// field appends a key to a path.
func field(path, key string) string {
	for _, c := range key {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return fmt.Sprintf("%s[%q]", path, key)
		}
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func item(path string, index int) string { return fmt.Sprintf("%s[%d]", path, index) }

// parent cuts the last step off a path.
func parent(path string) string {
	if strings.HasSuffix(path, `"]`) {
		if i := strings.LastIndex(path, `["`); i >= 0 {
			return path[:i]
		}
	}
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

// guard walks a document once, through its aliases, before anything is made of it.
type guard struct {
	r           *reporter
	src         *source
	keys, nodes int
	stop        bool
}

// check reports whether a document keeps to the limits; only then may it be walked without care. Keys given twice are
// reported, and do not keep it from being read on.
func (d *Documents) check(src *source, root *yaml.Node) bool {
	g := &guard{r: d.faults, src: src}
	g.walk(root, 1)
	return !g.stop
}

func (g *guard) refuse(n *yaml.Node, hint, format string, args ...any) {
	if !g.stop {
		g.r.report(SeverityError, nodePlace(g.src, n, ""), hint, format, args...)
		g.stop = true
	}
}

func (g *guard) walk(n *yaml.Node, depth int) {
	g.nodes++
	switch {
	case g.stop:
		return
	case depth > maxDepth:
		g.refuse(n, "", "lists and maps are nested more than %d deep", maxDepth)
		return
	case g.nodes > maxNodes:
		g.refuse(n, "aliases count each time they stand for something", "the document has more than %d entries", maxNodes)
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		g.walk(n.Alias, depth+1)
	case yaml.ScalarNode:
		g.scalar(n)
	case yaml.SequenceNode:
		g.tag(n, "!!seq")
		for _, c := range n.Content {
			g.walk(c, depth+1)
		}
	case yaml.MappingNode:
		g.tag(n, "!!map")
		g.mapping(n, depth)
	}
}

func (g *guard) tag(n *yaml.Node, known ...string) {
	tag := n.ShortTag()
	for _, k := range known {
		if tag == k {
			return
		}
	}
	g.refuse(n, "remove the tag", "tag %s is not allowed", tag)
}

func (g *guard) scalar(n *yaml.Node) {
	g.tag(n, "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge")
	if len(n.Value) > maxText {
		g.refuse(n, "keep it in a file of its own that the job reads", "the text is longer than %d KiB", maxText>>10)
	} else if offset, what := badText(n.Value); offset >= 0 {
		g.refuse(n, "remove it", "the text holds %s which is not allowed", what)
	}
}

func (g *guard) mapping(n *yaml.Node, depth int) {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !g.stop; i += 2 {
		if g.keys++; g.keys > maxKeys {
			g.refuse(n.Content[i], "", "the document has more than %d keys", maxKeys)
			return
		}
		key := resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			g.refuse(n.Content[i], "quote what is meant as a text; if this is a template of another tool, such as Helm, render it first", "a key must be a text, not %s", describe(key))
			return
		}
		g.walk(key, depth+1)
		if key.ShortTag() == "!!merge" {
			g.merge(n.Content[i+1], depth)
			continue
		}
		if first, ok := seen[key.Value]; ok {
			g.r.report(SeverityError, nodePlace(g.src, n.Content[i], ""), "remove one of the two", "key %q was given before, on line %d", key.Value, first.Line)
		} else {
			seen[key.Value] = n.Content[i]
		}
		g.walk(n.Content[i+1], depth+1)
	}
}

// merge checks the value of a merge key, which must be a map or a list of maps.
func (g *guard) merge(n *yaml.Node, depth int) {
	value := resolve(n)
	maps := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		maps = value.Content
	}
	for _, m := range maps {
		if m = resolve(m); m.Kind != yaml.MappingNode {
			g.refuse(n, "<< takes a map", "%s cannot be merged into a map", describe(m))
			return
		}
	}
	g.walk(n, depth+1)
}
