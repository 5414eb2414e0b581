package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"qalam/api/v1beta1"
)

const templatePath = "spec.trialTemplate"

// templateSource finds the trial template: written in place, or as text in a ConfigMap among the documents.
func (b *builder) templateSource() {
	t := b.wire.Spec.TrialTemplate
	if t == nil {
		return
	}
	if t.TrialSpec != nil {
		b.template, b.templateBase, b.templateAt = t.TrialSpec, templatePath+".trialSpec", b.decoder
		return
	}
	c := t.ConfigMap
	if c == nil || c.ConfigMapName == "" || c.TemplatePath == "" {
		return
	}
	doc := b.configMap(c)
	if doc == nil {
		return
	}
	var names []string
	for _, e := range entries(lookup(doc.root, "data")) {
		names = append(names, e.key.Value)
		if e.key.Value == c.TemplatePath && e.value.Kind == yaml.ScalarNode {
			b.templateText(doc, e)
			return
		}
	}
	b.err(templatePath+".configMap.templatePath", oneOf(c.TemplatePath, names...),
		"unable to parse spec.trialTemplate: unable to find trial template in ConfigMap: %s", c.ConfigMapName)
}

func (b *builder) configMap(c *v1beta1.ConfigMapSource) *document {
	var names []string
	for _, doc := range b.docs.configMaps {
		if doc.name == c.ConfigMapName && (doc.namespace == "" || doc.namespace == c.ConfigMapNamespace) {
			return doc
		}
		names = append(names, doc.name)
	}
	hint := "give the file that holds it as well"
	if near := v1beta1.Nearest(c.ConfigMapName, names); near != "" && near != c.ConfigMapName {
		hint = "did you mean " + near + "?"
	}
	b.err(templatePath+".configMap.configMapName", hint, "unable to parse spec.trialTemplate: configMap not found: %s", c.ConfigMapName)
	return nil
}

// templateText parses the text of a template. Placeholders are put aside while it is parsed: bare ones are no YAML in some places.
func (b *builder) templateText(doc *document, e entry) {
	src := newSource(fmt.Sprintf("%s (ConfigMap %s, %s)", doc.src.name, doc.name, e.key.Value), []byte(e.value.Value))
	b.docs.sources = append(slices.Clip(b.docs.sources), src)
	bad := func(line int, hint, format string, args ...any) {
		b.bad[templatePath+".configMap"] = true
		b.report(SeverityError, place{src: src, line: line, column: 1}, hint, "unable to parse spec.trialTemplate: "+format, args...)
	}
	if problem, line := structure(src.data); problem != "" {
		bad(line, "", "%s", problem)
		return
	}
	masked, restore := mask(e.value.Value)
	var root yaml.Node
	if err := decodeNode(yaml.NewDecoder(bytes.NewReader([]byte(masked))), &root); err != nil {
		m := yamlError().FindStringSubmatch(err.Error())
		line, _ := strconv.Atoi(m[1]) // 0 when there is none
		bad(line, "", "%s", m[2])
		return
	}
	if len(root.Content) == 0 || resolve(root.Content[0]).Kind != yaml.MappingNode {
		bad(0, "the entry must hold the job itself", "it is not a document with fields")
		return
	}
	n := root.Content[0]
	restore(n)
	inner := &Documents{faults: b.reporter}
	if !inner.check(src, n) {
		b.bad[templatePath+".configMap"] = true
		return
	}
	b.templateAt = newDecoder(b.reporter, src)
	b.templateBase = templatePath
	b.templateAt.remember(n, b.templateBase)
	b.template, _ = tree(n).(map[string]any)
}

// mask replaces placeholders by words, and returns what puts them back into the parsed document.
func mask(text string) (masked string, restore func(*yaml.Node)) {
	word := "QALAM"
	for strings.Contains(text, word) {
		word += "Q"
	}
	var found, words []string
	masked = placeholder().ReplaceAllStringFunc(text, func(p string) string {
		w := fmt.Sprintf("%s%dX", word, len(found))
		found, words = append(found, p), append(words, w)
		return w
	})
	pairs := make([]string, 0, 2*len(found))
	for i := range found {
		pairs = append(pairs, words[i], found[i])
	}
	replacer := strings.NewReplacer(pairs...)
	restore = func(n *yaml.Node) { putBack(n, replacer, map[*yaml.Node]bool{}) }
	return masked, restore
}

func putBack(n *yaml.Node, r *strings.Replacer, seen map[*yaml.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	n.Value = r.Replace(n.Value)
	for _, c := range n.Content {
		putBack(c, r, seen)
	}
	if n.Alias != nil {
		putBack(n.Alias, r, seen)
	}
}

// inTemplate is the full path of a place in the template.
func (b *builder) inTemplate(path string) string {
	if path == "" || path[0] == '[' {
		return b.templateBase + path
	}
	return b.templateBase + "." + path
}

func (b *builder) templateFault(s Severity, path, hint, format string, args ...any) {
	full := b.inTemplate(path)
	if s == SeverityError && b.templateAt.bad[full] {
		return
	}
	b.report(s, b.templateAt.at(full), hint, format, args...)
}

// trialTemplate checks the trial template and compiles it.
func (b *builder) trialTemplate() {
	t := b.wire.Spec.TrialTemplate
	if t == nil {
		b.err(templatePath, "", "must be specified")
		return
	}
	if t.PrimaryContainerName == "" {
		b.err(templatePath+".primaryContainerName", "", "must be specified")
	}
	b.templateGiven(t)
	references := b.trialParameters(t)
	b.out.Retain, b.out.PrimaryContainer, b.out.PrimaryPodLabels = t.Retain, t.PrimaryContainerName, t.PrimaryPodLabels
	b.out.Conditions = Conditions{Success: t.SuccessCondition, Failure: t.FailureCondition}
	if b.template == nil {
		return
	}
	if kind, _ := b.template["kind"].(string); kind != "" && (t.SuccessCondition == "" || t.FailureCondition == "") {
		b.err(templatePath, fmt.Sprintf("how a %s tells its end is not known: give both, as GJSON paths into it", kind),
			"successCondition and failureCondition must be specified")
	}
	for _, c := range []string{"successCondition", "failureCondition"} {
		if n := b.nodes[templatePath+"."+c]; n != nil && len(n.Value) > maxFilter {
			b.err(templatePath+"."+c, "", "a condition may not be longer than %d characters", maxFilter)
		}
	}
	b.templateHead()
	b.placeholders(t, references)
	b.lint()
}

// templateGiven checks that the template is given once.
func (b *builder) templateGiven(t *v1beta1.TrialTemplate) {
	c := t.ConfigMap
	switch {
	case b.bad[templatePath+".trialSpec"]:
	case t.TrialSpec == nil && c == nil:
		b.err(templatePath, "put the job into trialSpec", "spec.trialTemplate.trialSpec or spec.trialTemplate.configMap must be specified")
	case t.TrialSpec != nil && c != nil:
		b.err(templatePath+".configMap", "remove one of the two", "only one of spec.trialTemplate.trialSpec or spec.trialTemplate.configMap can be specified")
	case c != nil && (c.ConfigMapName == "" || c.ConfigMapNamespace == "" || c.TemplatePath == ""):
		b.err(templatePath+".configMap", "", "configMapName, configMapNamespace and templatePath must be specified")
	}
}

// templateHead checks what Katib wants of the job's first fields.
func (b *builder) templateHead() {
	if m, ok := b.template["metadata"]; ok && m != nil {
		metadata, ok := m.(map[string]any)
		if !ok {
			b.templateFault(SeverityError, "metadata", "", "must be a map of fields")
		}
		for _, name := range []string{"name", "namespace"} {
			if v, ok := metadata[name]; ok && v != "" && v != nil {
				b.templateFault(SeverityError, "metadata."+name, "remove it: every trial has its own",
					"metadata.name and metadata.namespace in spec.trialTemplate must be omitted")
			}
		}
	}
	for _, name := range []string{"apiVersion", "kind"} {
		if s, ok := b.template[name].(string); !ok || s == "" {
			b.templateFault(SeverityError, name, "", "APIVersion and Kind in spec.trialTemplate must be specified")
		}
	}
}

// trialParameters checks the list of placeholders and returns those that can be used.
func (b *builder) trialParameters(t *v1beta1.TrialTemplate) []v1beta1.TrialParameterSpec {
	const path = templatePath + ".trialParameters"
	if t.TrialParameters == nil {
		b.err(path, "list what varies, or write [] when nothing does", "must be specified")
		return nil
	}
	var known []string
	for _, p := range b.wire.Spec.Parameters {
		if !slices.Contains(known, p.Name) {
			known = append(known, p.Name)
		}
	}
	holder := "spec.parameters"
	if b.wire.Spec.NasConfig != nil && b.out.Spec.Architecture != nil {
		holder, known = "what is written of an architecture", b.out.Spec.Space.Names()
	}
	names, references := map[string]int{}, map[string]int{}
	var usable []v1beta1.TrialParameterSpec
	for i, p := range t.TrialParameters {
		at := item(path, i)
		if p.Name == "" || p.Reference == "" || strings.ContainsAny(p.Name, "{}") {
			where := at
			if p.Name != "" && p.Reference != "" {
				where = at + ".name"
			}
			b.err(where, "", "name and reference must be specified and name must not contain '{' or '}'")
			continue
		}
		if first, ok := names[p.Name]; ok {
			b.err(at+".name", fmt.Sprintf("entry %d has it as well", first+1), "parameter name %s can't be duplicated in spec.trialTemplate.trialParameters", p.Name)
			continue
		}
		if first, ok := references[p.Reference]; ok {
			b.err(at+".reference", fmt.Sprintf("entry %d refers to it: use its placeholder ${trialParameters.%s} again", first+1, t.TrialParameters[first].Name),
				"parameter reference %s can't be duplicated in spec.trialTemplate.trialParameters", p.Reference)
			continue
		}
		names[p.Name], references[p.Reference] = i, i
		if strings.Contains(p.Reference, "${trialSpec.") {
			b.metaReference(at+".reference", p.Reference)
		} else if len(known) > 0 && !slices.Contains(known, p.Reference) {
			hint := "use one of " + strings.Join(known, ", ")
			if near := v1beta1.Nearest(p.Reference, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			b.err(at+".reference", hint, "parameter reference %s does not exist in %s", p.Reference, holder)
			continue
		}
		usable = append(usable, p)
	}
	return usable
}

// metaReference checks a reference to a field of the job itself.
func (b *builder) metaReference(path, reference string) {
	m := metaRef().FindStringSubmatch(reference)
	if m == nil {
		b.err(path, "it must be the whole reference", "parameter reference %s is not supported", reference)
		return
	}
	if b.template == nil {
		return
	}
	c := compiler{root: b.template}
	if _, err := c.meta(m[1]); err != nil {
		b.err(path, "", "parameter reference %s cannot be resolved: %v", reference, err)
	}
}

// placeholders compiles the template and checks every placeholder in it.
func (b *builder) placeholders(t *v1beta1.TrialTemplate, usable []v1beta1.TrialParameterSpec) {
	compiled, uses, problems := compile(b.template, t.TrialParameters)
	for _, p := range problems {
		b.templateFault(SeverityError, p.path, p.hint, "%s", p.message)
	}
	b.out.Template = compiled
	used := map[string]bool{}
	for _, u := range uses {
		used[u.name] = true
		if u.name == "" {
			b.templateFault(SeverityWarning, u.path, "declare a trial parameter with the reference "+u.text+" and use that",
				"Katib leaves %s as it is here", u.text)
		}
	}
	for _, p := range usable {
		if used[p.Name] {
			continue
		}
		for i := range t.TrialParameters {
			if t.TrialParameters[i] == p {
				b.err(item(templatePath+".trialParameters", i)+".name", fmt.Sprintf("write ${trialParameters.%s} where the job takes the value", p.Name),
					"parameter name: %s in spec.trialParameters not found in spec.trialTemplate", p.Name)
			}
		}
	}
	if t.TrialParameters != nil && b.wire.Spec.NasConfig == nil {
		for i, p := range b.wire.Spec.Parameters {
			if p.Name != "" && !b.referred(p.Name) {
				b.err(item("spec.parameters", i)+".name", "refer to it in trialTemplate.trialParameters, or remove it",
					"unable to find parameter %s in spec.trialTemplate.trialParameters: no trial would use it", p.Name)
			}
		}
	}
	b.scripts(uses, t.TrialParameters)
}

// referred reports whether a trial parameter refers to this parameter, or means to: then that one has a fault, and one is enough.
func (b *builder) referred(name string) bool {
	for _, p := range b.wire.Spec.TrialTemplate.TrialParameters {
		if p.Reference == name || p.Reference == "" || v1beta1.Nearest(p.Reference, []string{name}) == name {
			return true
		}
	}
	return false
}

// scripts warns of placeholders that a shell or an interpreter reads again, and refuses values that it could run.
func (b *builder) scripts(uses []use, parameters []v1beta1.TrialParameterSpec) {
	reference := map[string]string{}
	for _, p := range parameters {
		reference[p.Name] = p.Reference
	}
	warned := map[string]bool{}
	for _, u := range uses {
		if !u.script {
			continue
		}
		if !warned[u.path] {
			warned[u.path] = true
			b.templateFault(SeverityWarning, u.path, scriptRemedy, "%s stands in a script: what reads it takes the value for a part of the script", u.text)
		}
		for i, p := range b.wire.Spec.Parameters {
			if p.Name != reference[u.name] || p.ParameterType != v1beta1.ParameterTypeCategorical {
				continue
			}
			for j, v := range p.FeasibleSpace.List {
				if !harmless().MatchString(v) {
					path := item(item("spec.parameters", i)+".feasibleSpace.list", j)
					b.err(path, scriptRemedy, "value %q could be run by the script in which %s stands", shorten(v), u.text)
					b.bad[path] = true
				}
			}
		}
	}
}
