package v1beta1

import (
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed experiment.schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of an Experiment, for editors.
func Schema() []byte { return slices.Clone(schema) }

// node is the part of a JSON Schema that the generated one uses.
type node struct {
	Ref         string           `json:"$ref"`
	Defs        map[string]*node `json:"$defs"`
	Type        string           `json:"type"`
	Format      string           `json:"format"`
	Description string           `json:"description"`
	Enum        []string         `json:"enum"`
	OneOf       []*node          `json:"oneOf"`
	Items       *node            `json:"items"`
	Properties  properties       `json:"properties"`
	Additional  json.RawMessage  `json:"additionalProperties"`
}

// properties are the fields of an object in the order in which the Go types declare them.
type properties struct {
	names []string
	nodes map[string]*node
}

// UnmarshalJSON keeps the order of the fields.
func (p *properties) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &p.nodes); err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("properties: %w", err)
		}
		name, _ := key.(string)
		p.names = append(p.names, name)
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return fmt.Errorf("property %s: %w", name, err)
		}
	}
	return nil
}

var schemaTree = sync.OnceValue(func() *node {
	var root node
	if err := json.Unmarshal(schema, &root); err != nil {
		panic(err) // the embedded file is generated and tested
	}
	return &root
})

// Explain says what a field means: its type, its documentation and its fields. The path begins with experiment, trial or
// suggestion, as in experiment.spec.objective.goal; lists are passed through. The error for an unknown field names the
// nearest known one.
func Explain(path string) (string, error) {
	tree := schemaTree()
	roots := []string{"experiment", "suggestion", "trial"}
	parts := strings.Split(strings.TrimSpace(path), ".")
	root := strings.ToLower(parts[0])
	if !slices.Contains(roots, strings.TrimSuffix(root, "s")) {
		if slices.Contains(tree.Defs["Experiment"].Properties.names, parts[0]) || tree.Defs["ExperimentSpec"].Properties.nodes[parts[0]] != nil {
			return "", fmt.Errorf("a path begins with its kind: try experiment.%s", withSpec(tree, path))
		}
		return "", fmt.Errorf("unknown kind %q: a path begins with %s", parts[0], strings.Join(roots, ", "))
	}
	name := strings.TrimSuffix(root, "s")
	n := tree.Defs[strings.ToUpper(name[:1])+name[1:]]
	shown, doc := name, n.Description
	for _, part := range parts[1:] {
		part, _, _ = strings.Cut(part, "[")
		parent := tree.object(n)
		next := parent.Properties.nodes[part]
		if next == nil {
			return "", unknownField(shown, part, parent)
		}
		n, shown, doc = next, shown+"."+part, next.Description
		if doc == "" {
			doc = tree.resolve(next).Description
		}
	}
	return tree.explain(n, shown, doc), nil
}

func withSpec(tree *node, path string) string {
	first, _, _ := strings.Cut(path, ".")
	if tree.Defs["ExperimentSpec"].Properties.nodes[first] != nil {
		return "spec." + path
	}
	return path
}

func unknownField(parent, name string, n *node) error {
	if len(n.Properties.names) == 0 {
		return fmt.Errorf("%s has no documented fields", parent)
	}
	if near := Nearest(name, n.Properties.names); near != "" {
		return fmt.Errorf("%s has no field %s: did you mean %s?", parent, name, near)
	}
	return fmt.Errorf("%s has no field %s: it has %s", parent, name, strings.Join(n.Properties.names, ", "))
}

func (tree *node) resolve(n *node) *node {
	if n.Ref == "" {
		return n
	}
	return tree.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
}

// object is what a field holds, or what its list does.
func (tree *node) object(n *node) *node {
	n = tree.resolve(n)
	if n.Items != nil {
		return tree.object(n.Items)
	}
	return n
}

// typeName is the type as people write it: text, number, list of …
func (tree *node) typeName(n *node) string {
	n = tree.resolve(n)
	switch {
	case len(n.Enum) > 0:
		return strings.Join(n.Enum, " | ")
	case len(n.OneOf) > 0:
		var names []string
		for _, o := range n.OneOf {
			names = append(names, tree.typeName(o))
		}
		return strings.Join(names, " or ")
	case n.Items != nil:
		return "list of " + tree.typeName(n.Items)
	case n.Format == "date-time":
		return "time"
	case n.Type == "object" && strings.Contains(string(n.Additional), "string"):
		return "map of texts"
	case n.Type == "string":
		return "text"
	}
	return n.Type
}

func (tree *node) explain(n *node, path, doc string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  <%s>\n", path, tree.typeName(n))
	if doc != "" {
		fmt.Fprintf(&b, "\n%s", wrap(doc, "  ", 100))
	}
	o := tree.object(n)
	if len(o.Properties.names) == 0 {
		return b.String()
	}
	b.WriteString("\nFields:\n")
	for _, name := range o.Properties.names {
		child := o.Properties.nodes[name]
		text := child.Description
		if text == "" {
			text = tree.resolve(child).Description
		}
		fmt.Fprintf(&b, "  %s  <%s>\n%s", name, tree.typeName(child), wrap(text, "      ", 100))
	}
	return b.String()
}

// wrap breaks a text into indented lines of at most width characters, and ends it with a line break.
func wrap(text, indent string, width int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	if column > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}
