package spec

import (
	"fmt"
	"strconv"
	"strings"

	"qalam/experiment"
	"qalam/space"
)

// Values is what one trial fills into a Template.
type Values struct {
	Name, Namespace string        // of the trial
	Parameters      []space.Named // the values of the experiment's parameters, by name
}

// Values returns what a trial fills into the experiment's template.
func (x *Experiment) Values(t experiment.Trial) Values {
	return Values{Name: t.Name, Namespace: x.Spec.Namespace, Parameters: x.Spec.Space.Named(t.Assignment)}
}

// Render fills the values in and gives the job the trial's name and namespace. The document shares nothing with the template. It
// is an error when a value is missing, when two keys of a map become the same, and when a value that is more than a word
// stands in a script.
func (t *Template) Render(v Values) (map[string]any, error) {
	texts := make([]string, len(t.sources))
	for i, s := range t.sources {
		switch s.kind {
		case fromName:
			texts[i] = v.Name
		case fromNamespace:
			texts[i] = v.Namespace
		case fromTemplate:
			texts[i] = s.text
		case fromParameter:
			text, ok := find(v.Parameters, s.name)
			if !ok {
				return nil, fmt.Errorf("there is no value of parameter %q, which the trial template asks for", s.name)
			}
			texts[i] = text
		}
	}
	r := renderer{sources: t.sources, texts: texts}
	root, _ := r.part(t.root).(map[string]any)
	if r.err != nil {
		return nil, r.err
	}
	metadata, _ := root["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		root["metadata"] = metadata
	}
	metadata["name"] = v.Name
	metadata["namespace"] = v.Namespace
	return root, nil
}

func find(named []space.Named, name string) (string, bool) {
	for i := range named {
		if named[i].Name == name {
			return named[i].Value, true
		}
	}
	return "", false
}

// renderer holds the values of one rendering.
type renderer struct {
	sources []origin
	texts   []string
	err     error
}

func (r *renderer) part(p *part) any {
	switch {
	case p.isMap:
		m := make(map[string]any, len(p.fields)+1)
		for i := range p.fields {
			f := &p.fields[i]
			key := f.key
			if f.pieces != nil {
				key = r.join(f.pieces, p)
			}
			if _, twice := m[key]; twice && r.err == nil {
				r.err = fmt.Errorf("%s has the key %q twice once the values are filled in", p.path, key)
			}
			m[key] = r.part(f.value)
		}
		return m
	case p.isList:
		l := make([]any, len(p.items))
		for i, e := range p.items {
			l[i] = r.part(e)
		}
		return l
	case p.pieces != nil:
		text := r.join(p.pieces, p)
		if p.typ != textField && len(p.pieces) == 1 {
			return typed(text, p.typ)
		}
		return text
	}
	return p.value
}

// typed is a text as the number or boolean that its field wants, the text itself where it is none.
func typed(text string, typ fieldType) any {
	switch typ {
	case numberField:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case booleanField:
		if b, err := strconv.ParseBool(text); err == nil && len(text) > 1 {
			return b
		}
	}
	return text
}

func (r *renderer) join(pieces []piece, p *part) string {
	if len(pieces) == 1 {
		return r.piece(pieces[0], p)
	}
	var b strings.Builder
	for _, x := range pieces {
		b.WriteString(r.piece(x, p))
	}
	return b.String()
}

func (r *renderer) piece(x piece, p *part) string {
	if x.source < 0 {
		return x.text
	}
	text := r.texts[x.source]
	if p.script && r.err == nil && r.sources[x.source].kind == fromParameter && !harmless().MatchString(text) {
		r.err = fmt.Errorf("%s is a script, and the value %q of parameter %q could be run there: %s", p.path, text, r.sources[x.source].name, scriptRemedy)
	}
	return text
}

const scriptRemedy = `pass it as an argument of its own or through env, and write "$NAME" in the script`
