package spec

import (
	"encoding/base64"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"qalam/api/v1beta1"
	"qalam/experiment"
)

// What is allowed by default; nobody needs more, and a slip of the finger asks for it.
const (
	maxTrials      = 100_000
	maxParallel    = 10_000
	maxNameLength  = 40
	maxLabelLength = 63
)

var (
	experimentName = pattern(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	dnsLabel       = pattern(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
)

func (b *builder) meta() {
	m := &b.wire.ObjectMeta
	switch {
	case m.Name == "" && m.GenerateName != "":
		b.err("metadata.name", "give the experiment a name of its own: generateName only works with a cluster", "must be specified")
	case m.Name == "":
		b.err("metadata.name", "", "must be specified")
	case len(m.Name) > maxNameLength || !experimentName().MatchString(m.Name):
		b.err("metadata.name", "", "name must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "+
			"end with an alphanumeric character and may not be longer than %d characters", maxNameLength)
	}
	if m.Namespace == "" {
		m.Namespace = "default"
	}
	if len(m.Namespace) > maxLabelLength || !dnsLabel().MatchString(m.Namespace) {
		b.err("metadata.namespace", "", "namespace must consist of lower case alphanumeric characters or '-' and may not be longer than %d characters", maxLabelLength)
	}
	b.out.Spec.Name, b.out.Spec.Namespace = m.Name, m.Namespace
}

func (b *builder) budgets() {
	s := &b.wire.Spec
	parallel, most, failed := *s.ParallelTrialCount, s.MaxTrialCount, s.MaxFailedTrialCount
	if failed != nil && *failed < 0 {
		b.err("spec.maxFailedTrialCount", "leave it out for no limit", "should not be less than 0")
	}
	if most != nil && *most <= 0 {
		b.err("spec.maxTrialCount", "leave it out for no limit", "must be greater than 0")
	}
	if most != nil && *most > maxTrials {
		b.err("spec.maxTrialCount", "", "should be less than or equal to %d", maxTrials)
	}
	if parallel <= 0 {
		b.err("spec.parallelTrialCount", "", "must be greater than 0")
	}
	if parallel > maxParallel {
		b.err("spec.parallelTrialCount", "", "should be less than or equal to %d", maxParallel)
	}
	if most != nil && *most > 0 {
		if failed != nil && *failed > *most {
			b.err("spec.maxFailedTrialCount", "", "should be less than or equal to spec.maxTrialCount, which is %d", *most)
		}
		if parallel > *most {
			b.err("spec.parallelTrialCount", "", "should be less than or equal to spec.maxTrialCount, which is %d", *most)
		}
	}
	out := &b.out.Spec
	out.ParallelTrialCount, out.MaxTrialCount, out.MaxFailedTrialCount = int(parallel), optional(most), optional(failed)
}

func optional(n *int32) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}

func (b *builder) objective() {
	o := b.wire.Spec.Objective
	if o == nil {
		b.err("spec.objective", "", "must be specified")
		return
	}
	if o.Type != v1beta1.ObjectiveTypeMinimize && o.Type != v1beta1.ObjectiveTypeMaximize {
		b.err("spec.objective.type", oneOf(string(o.Type), "minimize", "maximize"), "must be minimize or maximize")
	}
	if o.ObjectiveMetricName == "" {
		b.err("spec.objective.objectiveMetricName", "", "must be specified")
	}
	b.metricName("spec.objective.objectiveMetricName", o.ObjectiveMetricName)
	names := []string{o.ObjectiveMetricName}
	for i, name := range o.AdditionalMetricNames {
		path := item("spec.objective.additionalMetricNames", i)
		switch {
		case name == "":
			b.err(path, "remove the entry", "must not be empty")
		case name == o.ObjectiveMetricName:
			b.err(path, "remove the entry", "should not contain spec.objective.objectiveMetricName")
		case slices.Contains(names, name):
			b.err(path, "remove one of the two", "%q is listed twice", name)
		}
		b.metricName(path, name)
		names = append(names, name)
	}
	b.out.Spec.Objective = experiment.Objective{Metric: o.ObjectiveMetricName, Direction: experiment.Direction(o.Type), Goal: o.Goal}
	out := &b.out.Spec.Objective
	b.furtherObjectives(o, out)
	names = out.Names()
	strategies := map[string]experiment.Strategy{}
	for i, m := range o.MetricStrategies {
		path := item("spec.objective.metricStrategies", i)
		switch experiment.Strategy(m.Value) {
		case experiment.Min, experiment.Max, experiment.Latest:
		default:
			b.err(field(path, "value"), oneOf(string(m.Value), "min", "max", "latest"), "strategy %q is not known", m.Value)
		}
		if _, twice := strategies[m.Name]; twice {
			b.err(field(path, "name"), "remove one of the two", "metric %q has two strategies", m.Name)
		}
		if !slices.Contains(names, m.Name) {
			b.err(field(path, "name"), oneOf(m.Name, names...), "metric %q is neither the objective nor among additionalMetricNames", m.Name)
		}
		strategies[m.Name] = experiment.Strategy(m.Value)
	}
	out.Strategies = strategies
}

// metricName refuses names that no list or table of metrics can hold.
func (b *builder) metricName(path, name string) {
	if strings.ContainsAny(name, ",;=\n\r\t") {
		b.err(path, "rename the metric in the training code", "a metric's name must not hold , ; = or a line break")
	}
	if len(name) > 256 {
		b.err(path, "", "a metric's name may not be longer than 256 characters")
	}
}

// documents takes in the ConfigMaps, Secrets and runtimes.
func (b *builder) documents() {
	b.out.Documents = map[string]Document{}
	for _, c := range b.docs.configMaps {
		b.content(c, "ConfigMap", false, map[string]bool{"data": false, "binaryData": true})
	}
	for _, s := range b.docs.secrets {
		b.content(s, "Secret", true, map[string]bool{"data": true, "stringData": false})
	}
	for _, r := range b.docs.runtimes {
		if m, ok := tree(r.root).(map[string]any); ok {
			b.out.Runtimes = append(b.out.Runtimes, m)
		}
	}
}

// content reads the entries of a ConfigMap or Secret; sections says which fields hold them, and whether in base64.
func (b *builder) content(doc *document, kind string, secret bool, sections map[string]bool) {
	if doc.name == "" {
		b.report(SeverityError, nodePlace(doc.src, doc.root, "metadata.name"), "", "the %s has no name", kind)
		return
	}
	key := kind + "/" + doc.name
	if _, twice := b.out.Documents[key]; twice {
		b.report(SeverityError, nodePlace(doc.src, doc.root, "metadata.name"), "rename or remove one", "there are two %ss named %q", kind, doc.name)
	}
	data := map[string][]byte{}
	for _, section := range []string{"data", "binaryData", "stringData"} {
		encoded, ok := sections[section]
		if !ok {
			continue
		}
		for _, e := range entries(lookup(doc.root, section)) {
			p := nodePlace(doc.src, e.value, field(section, e.key.Value))
			if e.value.Kind != yaml.ScalarNode {
				b.report(SeverityError, p, "write a block of text: add | behind the colon", "must be a text, not %s", describe(e.value))
				continue
			}
			text := []byte(e.value.Value)
			if encoded {
				plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(e.value.Value), ""))
				if err != nil {
					b.report(SeverityError, p, "encode it, or in a Secret use stringData", "must be base64")
					continue
				}
				text = plain
			}
			data[e.key.Value] = text
		}
	}
	b.out.Documents[key] = Document{Data: data, Secret: secret}
}
