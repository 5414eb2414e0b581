package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"qalam/api/v1beta1"
)

// Template is a trial's job with placeholders, compiled so that rendering it costs little. It never changes once made.
type Template struct {
	root       *part
	sources    []origin
	parameters []string // the experiment's parameters that stand in it
}

// part is one place of a template.
type part struct {
	path   string
	value  any       // what needs no rendering; when pieces, fields and items are nil
	pieces []piece   // a text with placeholders
	fields []tfield  // a map
	items  []*part   // a list
	isMap  bool      // tells a map from what needs no rendering
	isList bool      // likewise
	typ    fieldType // what a value that is the whole text becomes
	script bool      // a shell or an interpreter reads the text again
}

// tfield is one field of a map.
type tfield struct {
	key    string
	pieces []piece // a key with placeholders
	value  *part
}

// piece is a stretch of text, or a placeholder.
type piece struct {
	text   string
	source int // into Template.sources; -1 for text
}

// origin is what a placeholder stands for.
type origin struct {
	kind originKind
	name string // of the experiment's parameter
	text string // of what is known before any trial
}

type originKind int

const (
	fromParameter originKind = iota
	fromName
	fromNamespace
	fromTemplate
)

// fieldType is what Kubernetes wants in a field.
type fieldType int

const (
	textField fieldType = iota
	numberField
	booleanField
)

// typedFields are the fields of jobs, pods and containers that hold whole numbers or booleans. A name means the same wherever
// it stands, but for maps whose keys users choose (freeFields).
var typedFields = func() map[string]fieldType {
	types := map[string]fieldType{}
	for _, name := range strings.Fields(`
		activeDeadlineSeconds backoffLimit backoffLimitPerIndex completions containerPort defaultMode failureThreshold fsGroup gracePeriodSeconds
		hostPort initialDelaySeconds maxFailedIndexes maxReplicas maxRestarts minAvailable minMember minReplicas mode numNodes numProcPerNode
		nProcPerNode parallelism periodSeconds port priority progressDeadlineSeconds replicas runAsGroup runAsUser scheduleTimeoutSeconds
		slotsPerWorker successThreshold targetPort terminationGracePeriodSeconds timeoutSeconds tolerationSeconds ttlSecondsAfterFinished
		weight rdzvPort maxSkew minDomains expirationSeconds`) {
		types[name] = numberField
	}
	for _, name := range strings.Fields(`
		allowPrivilegeEscalation automountServiceAccountToken enableServiceLinks hostIPC hostNetwork hostPID hostUsers optional privileged
		readOnly readOnlyRootFilesystem runAsNonRoot setHostnameAsFQDN shareProcessNamespace standalone stdin stdinOnce suspend tty
		runLauncherAsWorker`) {
		types[name] = booleanField
	}
	return types
}()

// freeFields hold maps whose keys users choose and whose values are texts.
var freeFields = map[string]bool{
	"labels": true, "annotations": true, "matchLabels": true, "nodeSelector": true, "limits": true, "requests": true, "data": true,
	"stringData": true, "options": true, "volumeAttributes": true, "parameters": true,
}

var (
	placeholder = pattern(`\$\{(trialParameters|trialSpec)\.(.+?)\}`)
	metaRef     = pattern(`^\$\{trialSpec\.(.+?)\}$`)
	metaIndexed = pattern(`^(Annotations|Labels)\[(.+)\]$`)
)

// use is a placeholder where it stands in a template.
type use struct {
	path   string
	name   string // of the trial parameter; "" for a direct ${trialSpec.…}
	text   string // the placeholder itself
	script bool
}

// problem is something wrong with a template, by field path below the template's root.
type problem struct {
	path, hint, message string
}

// compiler makes a Template.
type compiler struct {
	root     map[string]any
	byName   map[string]int // trial parameter to source
	sources  []origin
	declared []string
	uses     []use
	problems []problem
}

// compile prepares a template. parameters are those that are declared for it; whatever is wrong with their references has been
// reported and is skipped here. The problems are those of the placeholders in the template.
func compile(root map[string]any, parameters []v1beta1.TrialParameterSpec) (*Template, []use, []problem) {
	c := &compiler{root: root, byName: map[string]int{}}
	used := map[string]bool{}
	for _, p := range parameters {
		c.declared = append(c.declared, p.Name)
		o := origin{kind: fromParameter, name: p.Reference}
		if m := metaRef().FindStringSubmatch(p.Reference); m != nil {
			meta, err := c.meta(m[1])
			if err != nil {
				continue
			}
			o = meta
		}
		c.byName[p.Name] = len(c.sources)
		c.sources = append(c.sources, o)
	}
	t := &Template{root: c.part(root, "", textField, false, false)}
	for _, u := range c.uses {
		if i, ok := c.byName[u.name]; ok && c.sources[i].kind == fromParameter {
			used[c.sources[i].name] = true
		}
	}
	t.sources, t.parameters = c.sources, slices.Sorted(maps.Keys(used))
	return t, c.uses, c.problems
}

// meta finds what ${trialSpec.KEY} stands for.
func (c *compiler) meta(key string) (origin, error) {
	text := func(keys ...string) (string, bool) {
		var v any = c.root
		for _, k := range keys {
			m, _ := v.(map[string]any)
			v = m[k]
		}
		s, ok := v.(string)
		return s, ok
	}
	switch key {
	case "Name":
		return origin{kind: fromName}, nil
	case "Namespace":
		return origin{kind: fromNamespace}, nil
	case "Kind":
		s, _ := text("kind")
		return origin{kind: fromTemplate, text: s}, nil
	case "APIVersion":
		s, _ := text("apiVersion")
		return origin{kind: fromTemplate, text: s}, nil
	}
	m := metaIndexed().FindStringSubmatch(key)
	if m == nil {
		return origin{}, fmt.Errorf("%q is not one of Name, Namespace, Kind, APIVersion, Annotations[KEY], Labels[KEY]", key)
	}
	s, ok := text("metadata", strings.ToLower(m[1]), m[2])
	if !ok {
		return origin{}, fmt.Errorf("the trial template has no metadata.%s[%q] that is a text", strings.ToLower(m[1]), m[2])
	}
	return origin{kind: fromTemplate, text: s}, nil
}

// part compiles one place. free says that it is inside a map whose keys users choose.
func (c *compiler) part(v any, path string, typ fieldType, free, script bool) *part {
	p := &part{path: path, typ: typ, script: script}
	switch v := v.(type) {
	case map[string]any:
		p.isMap = true
		scripts := scriptsIn(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			f := tfield{key: key, pieces: c.pieces(key, field(path, key), false)}
			typ := typedFields[key]
			if free {
				typ = textField
			}
			if list, ok := v[key].([]any); ok && len(scripts[key]) > 0 {
				f.value = c.list(list, field(path, key), scripts[key])
			} else {
				f.value = c.part(v[key], field(path, key), typ, freeFields[key], false)
			}
			p.fields = append(p.fields, f)
		}
	case []any:
		return c.list(v, path, nil)
	case string:
		if !script {
			v = unquoted(v, path)
		}
		p.pieces = c.pieces(v, path, script)
		if p.pieces == nil {
			p.value = v
		}
	default:
		p.value = v
	}
	return p
}

func (c *compiler) list(v []any, path string, scripts map[int]bool) *part {
	p := &part{path: path, isList: true, items: make([]*part, len(v))}
	for i, e := range v {
		p.items[i] = c.part(e, item(path, i), textField, false, scripts[i])
	}
	return p
}

// pieces cuts a text at its placeholders; nil when it has none.
func (c *compiler) pieces(text, path string, script bool) []piece {
	found := placeholder().FindAllStringSubmatchIndex(text, -1)
	if found == nil {
		return nil
	}
	var list []piece
	last := 0
	for _, m := range found {
		if m[0] > last {
			list = append(list, piece{text: text[last:m[0]], source: -1})
		}
		last = m[1]
		list = append(list, c.placeholder(text[m[0]:m[1]], text[m[2]:m[3]], text[m[4]:m[5]], path, script))
	}
	if last < len(text) {
		list = append(list, piece{text: text[last:], source: -1})
	}
	return list
}

func (c *compiler) placeholder(whole, family, name, path string, script bool) piece {
	if family == "trialSpec" {
		o, err := c.meta(name)
		if err != nil {
			c.problems = append(c.problems, problem{path: path, message: whole + " cannot be resolved: " + err.Error()})
			return piece{text: whole, source: -1}
		}
		c.uses = append(c.uses, use{path: path, text: whole, script: script})
		c.sources = append(c.sources, o)
		return piece{source: len(c.sources) - 1}
	}
	c.uses = append(c.uses, use{path: path, name: name, text: whole, script: script})
	if i, ok := c.byName[name]; ok {
		return piece{source: i}
	}
	if !slices.Contains(c.declared, name) {
		hint := "add an entry with this name to trialParameters"
		if near := v1beta1.Nearest(name, c.declared); near != "" {
			hint = "did you mean ${trialParameters." + near + "}?"
		}
		c.problems = append(c.problems, problem{
			path: path, hint: hint, message: fmt.Sprintf("parameters: [%s] in spec.trialTemplate not found in spec.trialParameters", name),
		})
	}
	return piece{text: whole, source: -1}
}
