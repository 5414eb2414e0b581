package v1beta1

import (
	"maps"
	"strings"
)

// The defaults that Katib writes into an Experiment.
const (
	DefaultParallelTrialCount = 3
	DefaultMetricsFile        = "/var/log/katib/metrics.log"
	DefaultEventDirectory     = "/var/log/katib/tfevent/"
	DefaultPrometheusPath     = "/metrics"
	DefaultPrometheusPort     = "8080"
	DefaultFilter             = `([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)`
)

// Training is the prefix of the labels that the training operator gives to pods.
const Training = "training.kubeflow.org/"

// Labels of the pods that training operators start.
const (
	labelJobRole       = Training + "job-role"
	labelReplicaType   = Training + "replica-type"
	labelReplicaIndex  = Training + "replica-index"
	labelReplicatedJob = "jobset.sigs.k8s.io/replicatedjob-name"
	labelIndex         = "batch.kubernetes.io/job-completion-index"
)

// kindDefaults is what an Experiment need not say about a kind of job.
type kindDefaults struct {
	group            string
	success, failure string
	primary          map[string]string
	masterless       map[string]string // instead of primary when no replica of the type Master is wanted; nil means primary
}

func whenTrue(condition string) string {
	return `status.conditions.#(type=="` + condition + `")#|#(status=="True")#`
}

// defaultsOf knows Katib's defaults and, beyond them, those of JAXJob, PaddleJob and Pod.
var defaultsOf = func() map[string]kindDefaults {
	master := map[string]string{labelJobRole: "master"}
	v1 := kindDefaults{group: Group, success: whenTrue("Succeeded"), failure: whenTrue("Failed"), primary: master}
	worker := map[string]string{labelReplicaType: "worker", labelReplicaIndex: "0"}
	jax, paddle := v1, v1
	jax.primary, paddle.masterless = worker, worker
	return map[string]kindDefaults{
		"Job":   {group: "batch", success: whenTrue("Complete"), failure: whenTrue("Failed")},
		"TFJob": v1, "PyTorchJob": v1, "XGBoostJob": v1, "MPIJob": v1, "PaddleJob": paddle, "JAXJob": jax,
		"TrainJob": {
			group: "trainer.kubeflow.org", success: whenTrue("Complete"), failure: whenTrue("Failed"),
			primary: map[string]string{labelReplicatedJob: "node", labelIndex: "0"},
		},
		"Pod": {success: `[@this].#(status.phase=="Succeeded")#`, failure: `[@this].#(status.phase=="Failed")#`},
	}
}()

// SetDefaults fills in what was left out, as Katib's defaulting does. The defaults of the success and failure condition depend
// on the kind of the trial template, and like Katib's are only set where that stands in trialSpec.
func SetDefaults(e *Experiment) {
	s := &e.Spec
	if s.ParallelTrialCount == nil {
		n := int32(DefaultParallelTrialCount)
		s.ParallelTrialCount = &n
	}
	if s.ResumePolicy == "" {
		s.ResumePolicy = NeverResume
	}
	if r := s.Repetition; r != nil {
		share, most := 0.2, int32(5)
		if r.Share == nil {
			r.Share = &share
		}
		if r.MaxPerPoint == nil {
			r.MaxPerPoint = &most
		}
	}
	defaultStrategies(s.Objective)
	if t := s.TrialTemplate; t != nil && t.TrialSpec != nil {
		DefaultTemplate(t, t.TrialSpec)
	}
	defaultDistributions(s.Parameters)
	if s.NasConfig != nil {
		for i := range s.NasConfig.Operations {
			defaultDistributions(s.NasConfig.Operations[i].Parameters)
		}
	}
	if s.MetricsCollectorSpec == nil {
		s.MetricsCollectorSpec = &MetricsCollectorSpec{}
	}
	defaultCollector(s.MetricsCollectorSpec)
}

func defaultDistributions(params []ParameterSpec) {
	for i := range params {
		if f := &params[i].FeasibleSpace; f.Distribution == "" {
			f.Distribution = DistributionUniform
		}
	}
}

// defaultStrategies adds a strategy for every metric that has none: the objective first, then the others in their order.
func defaultStrategies(o *ObjectiveSpec) {
	if o == nil {
		return
	}
	strategy := strategyOf(o.Type)
	known := make(map[string]bool, len(o.MetricStrategies))
	for _, m := range o.MetricStrategies {
		known[m.Name] = true
	}
	add := func(name string, value MetricStrategyType) {
		if name != "" && !known[name] {
			known[name] = true
			o.MetricStrategies = append(o.MetricStrategies, MetricStrategy{Name: name, Value: value})
		}
	}
	add(o.ObjectiveMetricName, strategy)
	for _, a := range o.AdditionalObjectives {
		add(a.MetricName, strategyOf(a.Type))
	}
	for _, c := range o.Constraints {
		add(c.MetricName, ExtractByLatest)
	}
	for _, name := range o.AdditionalMetricNames {
		add(name, strategy)
	}
}

// strategyOf is the best value in a direction.
func strategyOf(t ObjectiveType) MetricStrategyType {
	switch t {
	case ObjectiveTypeMinimize:
		return ExtractByMin
	case ObjectiveTypeMaximize:
		return ExtractByMax
	}
	return ExtractByLatest
}

// DefaultTemplate fills in what depends on the kind of the job: the conditions and the labels of the primary pods. The job is
// given apart, since it may come from a ConfigMap.
func DefaultTemplate(t *TrialTemplate, job Object) {
	kind, ok := kindOf(job)
	if !ok {
		return
	}
	if t.SuccessCondition == "" {
		t.SuccessCondition = kind.success
	}
	if t.FailureCondition == "" {
		t.FailureCondition = kind.failure
	}
	primary := kind.primary
	if kind.masterless != nil && !hasMaster(job) {
		primary = kind.masterless
	}
	if len(t.PrimaryPodLabels) == 0 && primary != nil {
		t.PrimaryPodLabels = maps.Clone(primary)
	}
}

// hasMaster reports whether a PaddleJob wants a Master.
func hasMaster(o Object) bool {
	spec, _ := o["spec"].(map[string]any)
	replicas, _ := spec["paddleReplicaSpecs"].(map[string]any)
	_, ok := replicas["Master"]
	return ok
}

// kindOf finds the defaults of a document by its kind and the group of its apiVersion.
func kindOf(o Object) (kindDefaults, bool) {
	kind, _ := o["kind"].(string)
	version, _ := o["apiVersion"].(string)
	group, _, ok := strings.Cut(version, "/")
	if !ok {
		group = ""
	}
	d, known := defaultsOf[kind]
	return d, known && d.group == group
}

func defaultCollector(m *MetricsCollectorSpec) {
	if m.Collector == nil {
		m.Collector = &CollectorSpec{}
	}
	if m.Collector.Kind == "" {
		m.Collector.Kind = StdOutCollector
	}
	switch m.Collector.Kind {
	case FileCollector:
		p := m.path()
		setDefault(&p.Kind, FileKind)
		setDefault(&p.Path, DefaultMetricsFile)
		setDefault(&p.Format, TextFormat)
	case TfEventCollector:
		p := m.path()
		setDefault(&p.Kind, DirectoryKind)
		setDefault(&p.Path, DefaultEventDirectory)
	case PrometheusMetricCollector:
		if m.Source == nil {
			m.Source = &SourceSpec{}
		}
		if m.Source.HttpGet == nil {
			m.Source.HttpGet = &HTTPGetAction{}
		}
		setDefault(&m.Source.HttpGet.Path, DefaultPrometheusPath)
		if m.Source.HttpGet.Port == nil {
			port := IntOrString(DefaultPrometheusPort)
			m.Source.HttpGet.Port = &port
		}
	}
}

// path makes sure that there is a path to fill in.
func (m *MetricsCollectorSpec) path() *FileSystemPath {
	if m.Source == nil {
		m.Source = &SourceSpec{}
	}
	if m.Source.FileSystemPath == nil {
		m.Source.FileSystemPath = &FileSystemPath{}
	}
	return m.Source.FileSystemPath
}

func setDefault[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}
