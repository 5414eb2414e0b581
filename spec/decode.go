package spec

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"qalam/api/v1beta1"
)

// decoder fills Go values from YAML nodes and remembers where each field stood. It is forgiving where Katib's users expect it
// (numbers for texts, quoted numbers for numbers) and strict where they err (misspelt fields, NaN).
type decoder struct {
	*reporter
	src   *source
	nodes map[string]*yaml.Node // of values, by path
	keys  map[string]*yaml.Node // of the keys of fields, by path
	bad   map[string]bool       // fields that have a fault already: what follows from it is not told
}

func newDecoder(r *reporter, src *source) *decoder {
	return &decoder{reporter: r, src: src, nodes: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{}, bad: map[string]bool{}}
}

// at is the place of a field: its value, or where it is left out that of what should hold it.
func (d *decoder) at(path string) place {
	for p := path; ; p = parent(p) {
		n := d.nodes[p]
		if n == nil && p != "" {
			continue
		}
		if key := d.keys[p]; key != nil && (p != path || n.Kind != yaml.ScalarNode && n.Line != key.Line) {
			n = key // of what spans lines, the key says more than the first line
		}
		if n == nil {
			return place{src: d.src, path: path}
		}
		return nodePlace(d.src, n, path)
	}
}

func (d *decoder) wrong(n *yaml.Node, path, hint, format string, args ...any) {
	d.bad[path] = true
	d.report(SeverityError, nodePlace(d.src, n, path), hint, format, args...)
}

// value decodes a node into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	n = resolve(n)
	d.nodes[path] = n
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	if v.Type() == reflect.TypeFor[v1beta1.Object]() {
		d.object(n, v, path)
		return
	}
	if v.Kind() != reflect.String && v.CanAddr() {
		if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
			d.unmarshal(n, u, path)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.Map:
		d.texts(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		hint := ""
		if strings.Contains(n.Value, "apiVersion") {
			hint = "write the job itself there, not as a block of text: remove the | behind the colon"
		}
		d.wrong(n, path, hint, "must be a document with fields, not %s", describe(n))
		return
	}
	m, _ := tree(n).(map[string]any)
	v.Set(reflect.ValueOf(v1beta1.Object(m)))
	d.remember(n, path)
}

// remember notes the places of everything inside a document of any kind.
func (d *decoder) remember(n *yaml.Node, path string) {
	n = resolve(n)
	d.nodes[path] = n
	switch n.Kind {
	case yaml.MappingNode:
		for _, e := range entries(n) {
			p := field(path, e.key.Value)
			d.keys[p] = e.key
			d.remember(e.value, p)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			d.remember(c, item(path, i))
		}
	case yaml.ScalarNode:
		if n.Style == 0 && n.ShortTag() == "!!str" && oldBoolean(n.Value) {
			d.report(SeverityWarning, nodePlace(d.src, n, path), `write true or false, or quote it`,
				"a cluster takes %s for a boolean, here it is a text", n.Value)
		}
	}
}

// oldBoolean reports whether YAML 1.1, which Kubernetes reads, has a boolean where YAML 1.2 has a text.
func oldBoolean(text string) bool {
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}

// unmarshal is for types that read JSON by their own rules: times, and parts of metadata that only a cluster writes.
func (d *decoder) unmarshal(n *yaml.Node, u json.Unmarshaler, path string) {
	data, err := json.Marshal(tree(n))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		d.wrong(n, path, "", "cannot be read: %v", err)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.wrong(n, path, "put a hyphen before each entry", "must be a list, not %s", describe(n))
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, s.Index(i), item(path, i))
	}
	v.Set(s)
}

// texts decodes a map of texts, such as labels.
func (d *decoder) texts(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "", "must be a map, not %s", describe(n))
		return
	}
	m := reflect.MakeMap(v.Type())
	for _, e := range entries(n) {
		p := field(path, e.key.Value)
		d.keys[p] = e.key
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, elem, p)
		m.SetMapIndex(reflect.ValueOf(e.key.Value).Convert(v.Type().Key()), elem)
	}
	v.Set(m)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	want := map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false", reflect.Float64: "a number"}[v.Kind()]
	if want == "" {
		want = "a whole number"
	}
	if n.Kind != yaml.ScalarNode {
		d.wrong(n, path, "", "must be %s, not %s", want, describe(n))
		return
	}
	problem := ""
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		b, ok := boolean(n.Value)
		if !ok {
			problem = "must be true or false"
		}
		v.SetBool(b)
	case reflect.Float64:
		var f float64
		f, problem = decimal(n.Value)
		v.SetFloat(f)
	case reflect.Int, reflect.Int32, reflect.Int64:
		var i int64
		i, problem = integer(n.Value, v.Type().Bits())
		v.SetInt(i)
	}
	if problem != "" {
		d.wrong(n, path, "", "%s, not %q", problem, shorten(n.Value))
	}
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return text
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "", "must be a map of fields, not %s", describe(n))
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range entries(n) {
		p := field(path, e.key.Value)
		if v.Type() == reflect.TypeFor[v1beta1.Experiment]() && e.key.Value == "status" {
			continue // of an earlier run: what an experiment is asked to do does not depend on it
		}
		index, ok := fields.index[e.key.Value]
		if !ok {
			d.unknown(e.key, p, fields.names)
			continue
		}
		d.keys[p] = e.key
		d.value(e.value, v.FieldByIndex(index), p)
	}
}

// structFields are the fields of a struct by their JSON names.
type structFields struct {
	names []string
	index map[string][]int
}

var fieldCache sync.Map // reflect.Type to structFields

func fieldsOf(t reflect.Type) structFields {
	if f, ok := fieldCache.Load(t); ok {
		return f.(structFields) //nolint:forcetypeassert // nothing else is stored
	}
	f := structFields{index: map[string][]int{}}
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		switch {
		case sf.Anonymous && strings.Contains(options, "inline"):
			inner := fieldsOf(sf.Type)
			for _, name := range inner.names {
				f.names = append(f.names, name)
				f.index[name] = append([]int{i}, inner.index[name]...)
			}
		case name != "" && name != "-":
			f.names = append(f.names, name)
			f.index[name] = []int{i}
		}
	}
	fieldCache.Store(t, f)
	return f
}

// unknown reports a field that does not exist: an error when it is plainly a known one misspelt.
func (d *decoder) unknown(key *yaml.Node, path string, names []string) {
	where := nodePlace(d.src, key, path)
	if key.Value == "goTemplate" {
		d.bad[field(parent(path), "trialSpec")] = true
		d.bad[field(parent(path), "trialParameters")] = true
		d.report(SeverityError, where, "put the job into trialSpec, with ${trialParameters.NAME} for what varies, and list the names in trialParameters",
			"goTemplate belongs to Katib's v1alpha3, which is no longer in use")
		return
	}
	if near := v1beta1.Nearest(key.Value, names); near != "" {
		d.bad[field(parent(path), near)] = true
		d.report(SeverityError, where, "did you mean "+near+"?", "unknown field %q", shorten(key.Value))
		return
	}
	severity, hint := SeverityWarning, "it has no effect"
	if home := homeOf(key.Value); home != "" {
		hint = "it has no effect here: it belongs under " + home
	}
	if d.strict {
		severity = SeverityError
	}
	d.report(severity, where, hint, "unknown field %q", shorten(key.Value))
}

// homes are the places of the fields of an Experiment by name, "" where there are several.
var homes = sync.OnceValue(func() map[string]string {
	homes := map[string]string{}
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		f := fieldsOf(t)
		for _, name := range f.names {
			if home, twice := homes[name]; twice && home != "" && strings.HasPrefix(path, home+".") {
				// of the two the outer one is meant, as a rule
			} else if twice {
				homes[name] = ""
			} else {
				homes[name] = path
			}
			walk(t.FieldByIndex(f.index[name]).Type, field(path, name))
		}
	}
	walk(reflect.TypeFor[v1beta1.ExperimentSpec](), "spec")
	return homes
})

func homeOf(name string) string { return homes()[name] }
