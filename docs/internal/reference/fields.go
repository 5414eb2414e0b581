package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"qalam/api/v1beta1"
)

// node is a part of a JSON Schema.
type node struct {
	Ref         string           `json:"$ref"`
	Defs        map[string]*node `json:"$defs"`
	Type        string           `json:"type"`
	Format      string           `json:"format"`
	Description string           `json:"description"`
	Enum        []string         `json:"enum"`
	OneOf       []*node          `json:"oneOf"`
	Items       *node            `json:"items"`
	Properties  ordered          `json:"properties"`
	Required    []string         `json:"required"`
	Additional  json.RawMessage  `json:"additionalProperties"`
}

// ordered keeps the fields of an object as they are declared.
type ordered struct {
	names []string
	nodes map[string]*node
}

// UnmarshalJSON reads an object in order.
func (o *ordered) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &o.nodes); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return err
		}
		o.names = append(o.names, fmt.Sprint(key))
	}
	return nil
}

// page is a reference under construction.
type page struct {
	strings.Builder
	defs map[string]*node
	seen map[string]string // where a definition is told: the heading
}

const experimentHead = `# Fields of an Experiment

This page is made from the types in ` + "`api/v1beta1`" + ` by ` + "`go generate ./docs/...`" + `. The same text is behind ` + "`qalam explain`" + `
(` + "`qalam explain spec.objective.goal`" + `) and behind the JSON Schema for editors (` + "`qalam schema`" + `).

An Experiment is YAML or JSON of Katib's ` + "`kubeflow.org/v1beta1`" + `. Numbers may stand where Katib wants texts. Fields that Katib does not
have are marked "Extension". What is checked beyond types is in [errors](errors.md).
`

// experimentPage is the reference of all fields of Experiments and Trials.
func experimentPage() (string, error) {
	var root node
	if err := json.Unmarshal(v1beta1.Schema(), &root); err != nil {
		return "", err
	}
	p := &page{defs: root.Defs, seen: map[string]string{}}
	p.WriteString(experimentHead)
	p.object("Experiment", "", p.defs["Experiment"])
	p.WriteString("\n# Fields of a Trial\n\nTrials are not written by hand. `qalam trials -o yaml` and `qalam best -o yaml` print them like this.\n")
	p.object("Trial", "Trial", p.defs["Trial"])
	return p.String(), nil
}

func (p *page) resolve(n *node) (*node, string) {
	if n.Ref == "" {
		return n, ""
	}
	name := strings.TrimPrefix(n.Ref, "#/$defs/")
	return p.defs[name], name
}

// fieldsOf is the object that a field holds or lists, with the name of its definition; nil when it has no fields.
func (p *page) fieldsOf(n *node) (*node, string) {
	n, name := p.resolve(n)
	if n.Items != nil {
		return p.fieldsOf(n.Items)
	}
	if len(n.Properties.names) == 0 {
		return nil, ""
	}
	return n, name
}

// object writes a section for an object and then for those below it.
func (p *page) object(title, path string, n *node) {
	fmt.Fprintf(p, "\n## %s\n\n", title)
	if n.Description != "" {
		fmt.Fprintf(p, "%s\n\n", n.Description)
	}
	p.WriteString("| field | type | default | meaning |\n|---|---|---|---|\n")
	type below struct {
		title, path string
		node        *node
	}
	var later []below
	for _, name := range n.Properties.names {
		f := n.Properties.nodes[name]
		at := strings.TrimPrefix(path+"."+name, ".")
		shown := "`" + name + "`"
		if o, def := p.fieldsOf(f); o != nil {
			heading, told := p.seen[def]
			if !told || def == "" {
				heading = at
				if p.list(f) {
					heading += "[]"
				}
				if def != "" {
					p.seen[def] = heading
				}
				later = append(later, below{heading, heading, o})
			}
			shown = fmt.Sprintf("[%s](#%s)", shown, anchor(heading))
		}
		text, def := p.split(f)
		fmt.Fprintf(p, "| %s | %s | %s | %s |\n", shown, cell(p.typeName(f)), cell(def), cell(text))
	}
	for _, b := range later {
		p.object(b.title, b.path, b.node)
	}
}

func (p *page) list(n *node) bool {
	n, _ = p.resolve(n)
	return n.Items != nil
}

// split takes the sentences about the default out of a field's description.
func (p *page) split(n *node) (text, def string) {
	doc := n.Description
	if doc == "" {
		n, _ = p.resolve(n)
		doc = n.Description
	}
	var texts, defs []string
	for _, s := range sentences(doc) {
		switch {
		case strings.HasPrefix(s, "Required"):
			defs = append(defs, "required"+strings.TrimSuffix(strings.TrimPrefix(s, "Required"), "."))
		case strings.HasPrefix(s, "Default: "):
			defs = append(defs, strings.TrimSuffix(strings.TrimPrefix(s, "Default: "), "."))
		case strings.HasPrefix(s, "Default "):
			defs = append(defs, strings.TrimSuffix(strings.TrimPrefix(s, "Default "), "."))
		default:
			texts = append(texts, s)
		}
	}
	return strings.Join(texts, " "), strings.Join(defs, "; ")
}

// sentences splits a text after every full stop that a capital letter follows.
func sentences(text string) []string {
	var out []string
	start := 0
	for i := 0; i+2 < len(text); i++ {
		if text[i] == '.' && text[i+1] == ' ' && 'A' <= text[i+2] && text[i+2] <= 'Z' {
			out = append(out, text[start:i+1])
			start = i + 2
		}
	}
	return append(out, text[start:])
}

func (p *page) typeName(n *node) string {
	n, _ = p.resolve(n)
	switch {
	case len(n.Enum) > 0:
		return "`" + strings.Join(n.Enum, "`, `") + "`"
	case len(n.OneOf) > 0:
		names := make([]string, len(n.OneOf))
		for i, o := range n.OneOf {
			names[i] = p.typeName(o)
		}
		return strings.Join(names, " or ")
	case n.Items != nil:
		return "list of " + p.typeName(n.Items)
	case n.Format == "date-time":
		return "time"
	case n.Type == "object" && strings.Contains(string(n.Additional), "string"):
		return "map of texts"
	case n.Type == "string":
		return "text"
	}
	return n.Type
}

// anchor is how GitHub names a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_':
			b.WriteRune(r)
		}
	}
	return b.String()
}
