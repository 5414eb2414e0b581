package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"qalam/api/v1beta1"
)

// Documents is what files hold: at most one of their Experiments is chosen, with what it refers to.
type Documents struct {
	sources     []*source
	files       []File
	experiments []*document
	configMaps  []*document
	secrets     []*document
	runtimes    []*document
	faults      *reporter
	search      bool // what is not part of the search may be missing
}

// document is one document of a file.
type document struct {
	src        *source
	root       *yaml.Node
	apiVersion string
	kind       string
	namespace  string
	name       string
}

// Names returns the names of the Experiments in the files.
func (d *Documents) Names() []string {
	names := make([]string, len(d.experiments))
	for i, e := range d.experiments {
		names[i] = e.name
	}
	return names
}

// Parse reads files of YAML or JSON documents: Experiments, ConfigMaps, Secrets, TrainingRuntimes and ClusterTrainingRuntimes.
// It reports what is not well formed, too large or of no use here. Documents.Experiment goes on from there, and repeats these
// faults among its own.
func Parse(files ...File) (*Documents, Faults) {
	d := &Documents{files: files, faults: &reporter{}}
	return d, d.parse()
}

// parse reads the files.
func (d *Documents) parse() Faults {
	total, documents := 0, 0
	for _, f := range d.files {
		src := newSource(f.Name, nil)
		d.sources = append(d.sources, src)
		if total += len(f.Data); total > maxBytes {
			d.faults.report(SeverityError, place{src: src}, "leave out what the experiment does not need",
				"the files are larger than %d KiB", maxBytes>>10)
			break
		}
		*src = *newSource(f.Name, f.Data)
		if src.admit(d.faults) {
			documents += d.read(src)
		}
		if documents > maxDocuments {
			d.faults.report(SeverityError, place{src: src}, "", "there are more than %d documents", maxDocuments)
			break
		}
	}
	if documents == 0 && len(d.faults.faults) == 0 {
		where := place{}
		if len(d.sources) > 0 {
			where.src = d.sources[0]
		}
		d.faults.report(SeverityError, where, "give a file with an Experiment", "there is no document")
	}
	return d.faults.sorted(d.sources)
}

// read reads the documents of one file and returns their number.
func (d *Documents) read(src *source) int {
	dec := yaml.NewDecoder(bytes.NewReader(src.data))
	for n := 0; ; n++ {
		var root yaml.Node
		err := decodeNode(dec, &root)
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			d.syntax(src, err)
			return n + 1
		}
		if n >= maxDocuments {
			return n + 1
		}
		if len(root.Content) > 0 {
			d.add(src, root.Content[0])
		}
	}
}

// decodeNode guards against what a YAML parser may do with bytes it was never meant for.
func decodeNode(dec *yaml.Decoder, root *yaml.Node) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("not readable as YAML: %v", cause)
		}
	}()
	return dec.Decode(root)
}

var yamlError = pattern(`^(?:yaml: )?(?:line (\d+): )?(.*)`)

// syntax reports an error of the parser.
func (d *Documents) syntax(src *source, err error) {
	m := yamlError().FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1]) // 0 when there is none
	p := place{src: src, line: line, column: 1}
	hint := ""
	if line > 0 && line <= len(src.lines) {
		text := src.line(line)
		p.column = len(text) - len(strings.TrimLeft(text, " \t")) + 1
		switch {
		case strings.HasPrefix(strings.TrimLeft(text, " "), "\t"):
			hint = "indent with spaces: YAML does not allow tabs"
		case strings.Contains(text, "{{"):
			hint = "this looks like a template of another tool, such as Helm: render it first"
		}
	}
	d.faults.report(SeverityError, p, hint, "not well-formed YAML: %s", m[2])
}

// add takes in one document.
func (d *Documents) add(src *source, root *yaml.Node) {
	if !d.check(src, root) {
		return
	}
	if root.ShortTag() == "!!null" {
		return
	}
	if root.Kind != yaml.MappingNode {
		d.faults.report(SeverityError, nodePlace(src, root, ""), "a document begins with apiVersion and kind", "this is %s, not a document", describe(root))
		return
	}
	doc := &document{src: src, root: root}
	field := func(n *yaml.Node, keys ...string) string {
		for _, k := range keys {
			if n = lookup(n, k); n == nil {
				return ""
			}
		}
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
			return ""
		}
		return n.Value
	}
	doc.apiVersion, doc.kind = field(root, "apiVersion"), field(root, "kind")
	doc.name, doc.namespace = field(root, "metadata", "name"), field(root, "metadata", "namespace")
	if doc.kind == "List" {
		if items := lookup(root, "items"); items != nil && items.Kind == yaml.SequenceNode {
			for _, item := range items.Content {
				d.classify(&document{
					src: src, root: resolve(item), apiVersion: field(item, "apiVersion"), kind: field(item, "kind"),
					name: field(item, "metadata", "name"), namespace: field(item, "metadata", "namespace"),
				})
			}
			return
		}
	}
	d.classify(doc)
}

// classify puts a document where it belongs, by its kind.
func (d *Documents) classify(doc *document) {
	where := nodePlace(doc.src, doc.root, "")
	if k := lookup(doc.root, "kind"); k != nil {
		where = nodePlace(doc.src, k, "kind")
	}
	group, version, _ := strings.Cut(doc.apiVersion, "/")
	known := []string{"Experiment", "ConfigMap", "Secret", "TrainingRuntime", "ClusterTrainingRuntime"}
	switch {
	case d.search && d.bare(doc):
	case doc.kind == "" && looksLikeExperiment(doc.root):
		d.faults.report(SeverityError, where, "add apiVersion: kubeflow.org/v1beta1 and kind: Experiment", "the document does not say what it is")
	case doc.kind == "":
		d.faults.report(SeverityError, where, "a document begins with apiVersion and kind", "kind must be specified")
	case doc.kind == "StudyJob" || group == v1beta1.Group && strings.HasPrefix(version, "v1alpha") && doc.kind == v1beta1.KindExperiment:
		d.old(doc)
	case doc.kind == v1beta1.KindExperiment:
		if doc.apiVersion != v1beta1.APIVersion {
			if n := lookup(doc.root, "apiVersion"); n != nil {
				where = nodePlace(doc.src, n, "apiVersion")
			}
			d.faults.report(SeverityError, where, "write apiVersion: "+v1beta1.APIVersion, "apiVersion %q is not known for an Experiment", doc.apiVersion)
			return
		}
		d.experiments = append(d.experiments, doc)
	case doc.kind == "ConfigMap":
		d.configMaps = append(d.configMaps, doc)
	case doc.kind == "Secret":
		d.secrets = append(d.secrets, doc)
	case doc.kind == "TrainingRuntime" || doc.kind == "ClusterTrainingRuntime":
		d.runtimes = append(d.runtimes, doc)
	default:
		if near := v1beta1.Nearest(doc.kind, known); near != "" {
			d.faults.report(SeverityError, where, "did you mean "+near+"?", "kind %q is not known", doc.kind)
			return
		}
		d.faults.report(SeverityWarning, where, "it is left aside; what is read: "+strings.Join(known, ", "), "kind %q is of no use here", doc.kind)
	}
}

func looksLikeExperiment(root *yaml.Node) bool {
	s := lookup(root, "spec")
	return s != nil && lookup(s, "trialTemplate") != nil && lookup(s, "objective") != nil
}

// old reports an Experiment of one of Katib's older versions, and everything that changed since.
func (d *Documents) old(doc *document) {
	where := nodePlace(doc.src, doc.root, "")
	if n := lookup(doc.root, "apiVersion"); n != nil {
		where = nodePlace(doc.src, n, "apiVersion")
	}
	hint := "write apiVersion: kubeflow.org/v1beta1; put the job into spec.trialTemplate.trialSpec instead of goTemplate.rawTemplate, " +
		"with ${trialParameters.NAME} for {{.HyperParameters}} and {{.Trial}}, and list the names in trialTemplate.trialParameters; " +
		"give trialTemplate.primaryContainerName; write parameterType: double for float; quote feasibleSpace values"
	if doc.kind == "StudyJob" {
		hint = "StudyJob became Experiment: write it anew after the tutorial's example"
	}
	d.faults.report(SeverityError, where, hint, "%s %s is a version of Katib that is no longer in use", doc.apiVersion, doc.kind)
}
