package spec

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"qalam/api/v1beta1"
	"qalam/experiment"
	"qalam/suggest"
)

// Experiment is what a user wants, checked and ready to be carried out.
type Experiment struct {
	Wire             *v1beta1.Experiment // as written, with the defaults filled in and without a status
	Spec             experiment.Spec     // its Seed is Wire.Spec.Seed, or 0 for the caller to draw one where that is nil
	Template         *Template
	Collector        Collector
	Conditions       Conditions
	PrimaryPodLabels map[string]string // of the pods that speak for a trial; empty means every pod
	PrimaryContainer string
	Retain           bool                // whether a trial's job is kept after it is over
	Documents        map[string]Document // ConfigMaps and Secrets, by "ConfigMap/name" and "Secret/name"
	Runtimes         []map[string]any    // TrainingRuntimes and ClusterTrainingRuntimes
	Source           []byte              // documents that give this Experiment again, to be stored
}

// Document is the content of a ConfigMap or Secret.
type Document struct {
	Data   map[string][]byte
	Secret bool
}

// Collector says where metrics come from.
type Collector struct {
	Kind    v1beta1.CollectorKind // never None, which is Push
	Path    string                // of the file, directory or page; "" where there is none
	Port    int                   // of the page (PrometheusMetric)
	Format  string                // TEXT or JSON (StdOut and File)
	Filters []string              // regular expressions that replace the default one; nil means the default
	Custom  map[string]any        // the container (Custom)
}

// Options says how documents become an Experiment.
type Options struct {
	Registry suggest.Registry // the algorithms and early-stopping rules there are
	Name     string           // of the Experiment to choose where there are several
	Strict   bool             // unknown fields are errors
}

// Load reads files and chooses and checks their Experiment. It is nil when there are errors among the faults.
func Load(files []File, o Options) (*Experiment, Faults) {
	d, _ := Parse(files...)
	return d.Experiment(o)
}

// LoadSearch is Load for those who run no trials: only objective, algorithm and parameters are needed, below spec or alone, and
// what concerns trials (the template, the collector, the name) is neither needed nor looked at. The Experiment cannot be run.
func LoadSearch(files []File, o Options) (*Experiment, Faults) {
	d := &Documents{files: files, faults: &reporter{}, search: true}
	_ = d.parse() // Experiment tells the faults too
	return d.Experiment(o)
}

// builder makes an Experiment from a document.
type builder struct {
	*decoder
	o    Options
	docs *Documents
	doc  *document
	wire *v1beta1.Experiment
	out  *Experiment

	stand map[int]bool // parameters that could not be read, for which a stand-in is in their place

	template     map[string]any // the decoded trial template, nil when there is none
	templateBase string         // its field path
	templateAt   *decoder       // knows the places inside it
}

// Experiment chooses and checks the Experiment among the documents. The faults are all there are, of reading the files as
// well; the result is nil when there are errors among them.
func (d *Documents) Experiment(o Options) (*Experiment, Faults) {
	r := &reporter{faults: slices.Clone(d.faults.faults), more: d.faults.more, strict: o.Strict}
	doc := d.choose(o.Name, r)
	if doc == nil {
		return nil, r.sorted(d.sources)
	}
	b := &builder{decoder: newDecoder(r, doc.src), o: o, docs: d, doc: doc, wire: &v1beta1.Experiment{}, out: &Experiment{}, stand: map[int]bool{}}
	b.value(doc.root, reflect.ValueOf(b.wire).Elem(), "")
	b.nodes[""] = doc.root
	b.build()
	faults := r.sorted(d.sources)
	if len(faults.Errors()) > 0 {
		return nil, faults
	}
	b.out.Source = d.stored(doc)
	return b.out, faults
}

// choose finds the Experiment of a name, or the only one.
func (d *Documents) choose(name string, r *reporter) *document {
	var found []*document
	for _, e := range d.experiments {
		if name == "" || e.name == name {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1 && name == "":
		second := found[1]
		r.report(SeverityError, nodePlace(second.src, second.root, ""), "choose one by its name: "+strings.Join(d.Names(), ", "),
			"there are %d Experiments", len(found))
	case len(found) > 1:
		second := found[1]
		r.report(SeverityError, nodePlace(second.src, second.root, ""), "rename or remove one", "there are %d Experiments named %q", len(found), name)
	case len(r.faults.Errors()) > 0: // what could not be read may have been it
	case len(d.experiments) > 0:
		r.report(SeverityError, place{src: d.sources[0]}, "there is "+strings.Join(d.Names(), ", "), "there is no Experiment named %q", name)
	case len(d.sources) > 0:
		r.report(SeverityError, place{src: d.sources[0]}, "give a file with a document of kind Experiment", "there is no Experiment")
	}
	return nil
}

// stored returns the documents that belong to one Experiment: the files as they are where it is the only one.
func (d *Documents) stored(doc *document) []byte {
	var out bytes.Buffer
	add := func(data []byte) {
		if out.Len() > 0 {
			if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
				out.WriteByte('\n')
			}
			out.WriteString("---\n")
		}
		out.Write(data)
	}
	if len(d.experiments) == 1 && !slices.ContainsFunc(d.sources, func(s *source) bool { return bytes.HasPrefix(s.data, []byte("%")) }) {
		for _, f := range d.files {
			add(bytes.TrimPrefix(f.Data, []byte("\ufeff")))
		}
		return out.Bytes()
	}
	for _, other := range slices.Concat([]*document{doc}, d.configMaps, d.secrets, d.runtimes) {
		data, err := yaml.Marshal(tree(other.root))
		if err != nil {
			panic(err) // a tree holds nothing that cannot be written
		}
		add(data)
	}
	return out.Bytes()
}

// err reports an error of a field, unless the field or what holds it could not be read at all.
func (b *builder) err(path, hint, format string, args ...any) {
	for p := path; p != ""; p = parent(p) {
		if b.bad[p] {
			return
		}
	}
	b.report(SeverityError, b.at(path), hint, format, args...)
}

func (b *builder) warn(path, hint, format string, args ...any) {
	b.report(SeverityWarning, b.at(path), hint, format, args...)
}

// build checks everything and fills in the result. No check waits for another to succeed, as far as that makes sense.
func (b *builder) build() {
	w := b.wire
	wroteParallel := w.Spec.ParallelTrialCount != nil
	if !b.docs.search {
		b.documents()
		b.templateSource()
	}
	v1beta1.SetDefaults(w)
	if w.Spec.TrialTemplate != nil && b.template != nil {
		v1beta1.DefaultTemplate(w.Spec.TrialTemplate, b.template)
	}
	if m := w.Spec.MaxTrialCount; !wroteParallel && m != nil && *m > 0 && *m < *w.Spec.ParallelTrialCount {
		n := *m
		w.Spec.ParallelTrialCount = &n
	}
	s := &b.out.Spec
	b.out.Wire = w
	if b.docs.search {
		s.Name, s.Namespace = w.Name, w.Namespace
	} else {
		b.meta()
	}
	b.budgets()
	b.objective()
	known := b.parameters()
	if known {
		b.initialTrials()
	}
	b.repetition()
	b.warmStart()
	b.algorithm(known)
	b.earlyStopping()
	if !b.docs.search {
		b.trialTemplate()
		b.collector()
	}
	s.Retry = experiment.Retry{Lost: 1}
	if seed := w.Spec.Seed; seed != nil {
		if *seed < 0 {
			b.err("spec.seed", "", "should not be less than 0")
		}
		s.Seed = uint64(*seed)
	}
	switch s.Resume = experiment.ResumePolicy(w.Spec.ResumePolicy); s.Resume {
	case experiment.ResumeNever, experiment.ResumeLongRunning, experiment.ResumeFromVolume:
	default:
		b.err("spec.resumePolicy", oneOf(string(s.Resume), "Never", "LongRunning", "FromVolume"), "invalid ResumePolicyType %q", w.Spec.ResumePolicy)
	}
}

// oneOf is the hint for a text that is none of those allowed.
func oneOf(text string, allowed ...string) string {
	if near := v1beta1.Nearest(text, allowed); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "use one of " + strings.Join(allowed, ", ")
}

func named(name string, settings suggest.Settings) *experiment.Named {
	return &experiment.Named{Name: name, Settings: settings}
}
