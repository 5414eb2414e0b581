package v1beta1

// TrialTemplate is the job that one trial runs, and how its end is told.
type TrialTemplate struct {
	// Whether a trial's job is kept after the trial is over. Default: false.
	Retain bool `json:"retain,omitempty"`

	// The job, with placeholders ${trialParameters.NAME} and ${trialSpec.Name}, ${trialSpec.Namespace}, ${trialSpec.Kind},
	// ${trialSpec.APIVersion}, ${trialSpec.Annotations[KEY]}, ${trialSpec.Labels[KEY]}. A value replaces its placeholder
	// inside a text and never changes the shape of the document; a placeholder that is the whole value of a field which
	// holds a number or a boolean, such as replicas, becomes one. metadata.name and metadata.namespace must be left out: they are
	// the trial's. Give either this or configMap.
	TrialSpec Object `json:"trialSpec,omitempty"`

	// Where to find the job when it is not given as trialSpec.
	ConfigMap *ConfigMapSource `json:"configMap,omitempty"`

	// The placeholders and what they stand for. Required, but may be empty.
	TrialParameters []TrialParameterSpec `json:"trialParameters,omitempty"`

	// The labels of the pods that speak for the trial, whose metrics are collected. Default for TFJob, PyTorchJob, XGBoostJob,
	// MPIJob: training.kubeflow.org/job-role: master. Default for TrainJob: jobset.sigs.k8s.io/replicatedjob-name: node and
	// batch.kubernetes.io/job-completion-index: "0". Default otherwise: every pod. Extension: PaddleJob has the
	// default of PyTorchJob where it has a Master; without one, and for JAXJob, it is the first worker.
	PrimaryPodLabels map[string]string `json:"primaryPodLabels,omitempty"`

	// The name of the container whose metrics are collected. Required.
	PrimaryContainerName string `json:"primaryContainerName,omitempty"`

	// When the job has succeeded: a GJSON path into the job that yields an object or a list that is not empty. Default for
	// Job and TrainJob: a true condition Complete; for TFJob, PyTorchJob, XGBoostJob and MPIJob: a true condition
	// Succeeded. Required for other kinds. Extension: JAXJob and PaddleJob have the default of PyTorchJob, a Pod is judged by
	// its phase.
	SuccessCondition string `json:"successCondition,omitempty"`

	// When the job has failed: a GJSON path as in successCondition, looked at first. Default: a true condition Failed.
	FailureCondition string `json:"failureCondition,omitempty"`
}

// ConfigMapSource says which entry of which ConfigMap holds the job as text.
type ConfigMapSource struct {
	// The name of the ConfigMap. Required.
	ConfigMapName string `json:"configMapName,omitempty"`

	// The namespace of the ConfigMap. Required. It is compared only where there are namespaces.
	ConfigMapNamespace string `json:"configMapNamespace,omitempty"`

	// The key of the entry that holds the job, in YAML or JSON. Required.
	TemplatePath string `json:"templatePath,omitempty"`
}

// TrialParameterSpec ties a placeholder to what it stands for.
type TrialParameterSpec struct {
	// The name in the placeholder ${trialParameters.NAME}. Required, without braces, once only.
	Name string `json:"name,omitempty"`

	// What it is, for people.
	Description string `json:"description,omitempty"`

	// The parameter whose value it takes, or one of ${trialSpec.Name}, ${trialSpec.Namespace}, ${trialSpec.Kind},
	// ${trialSpec.APIVersion}, ${trialSpec.Annotations[KEY]}, ${trialSpec.Labels[KEY]}. Required.
	Reference string `json:"reference,omitempty"`
}

// MetricsCollectorSpec says where the metrics of a trial come from.
type MetricsCollectorSpec struct {
	// The file, directory or page to read, and the lines that count. Its meaning depends on collector.kind.
	Source *SourceSpec `json:"source,omitempty"`

	// How metrics are collected.
	Collector *CollectorSpec `json:"collector,omitempty"`
}

// SourceSpec says what a collector reads.
type SourceSpec struct {
	// The page to ask for (PrometheusMetric). Default: path /metrics, port 8080.
	HttpGet *HTTPGetAction `json:"httpGet,omitempty"` //nolint:revive // Katib's name

	// The file or directory to read (File, TensorFlowEvent, Custom).
	FileSystemPath *FileSystemPath `json:"fileSystemPath,omitempty"`

	// Which parts of a line are metrics (StdOut and File as TEXT, Custom).
	Filter *FilterSpec `json:"filter,omitempty"`
}

// HTTPGetAction is a page of a container that lists metrics.
type HTTPGetAction struct {
	// The path of the page. Default: /metrics.
	Path string `json:"path,omitempty"`

	// The port, 1 to 65535. Default: 8080.
	Port *IntOrString `json:"port,omitempty"`

	// The host to connect to. Default: the pod.
	Host string `json:"host,omitempty"`

	// HTTP or HTTPS. Default: HTTP.
	Scheme string `json:"scheme,omitempty"`

	// Headers to send.
	HTTPHeaders []HTTPHeader `json:"httpHeaders,omitempty"`
}

// HTTPHeader is one header of a request.
type HTTPHeader struct {
	// The name of the header.
	Name string `json:"name"`

	// Its value.
	Value string `json:"value"`
}

// FileSystemPath is a file or directory inside the primary container.
type FileSystemPath struct {
	// The absolute path. Default: /var/log/katib/metrics.log for File, /var/log/katib/tfevent/ for TensorFlowEvent.
	Path string `json:"path,omitempty"`

	// File or Directory. Default: File for File, Directory for TensorFlowEvent.
	Kind FileSystemKind `json:"kind,omitempty"`

	// TEXT (a filter finds the metrics in every line) or JSON (every line is an object). Default for File: TEXT.
	Format FileFormat `json:"format,omitempty"`
}

// FileSystemKind is what a path leads to.
// +enum
type FileSystemKind string

// What a path can lead to.
const (
	DirectoryKind FileSystemKind = "Directory"
	FileKind      FileSystemKind = "File"
	InvalidKind   FileSystemKind = "Invalid"
)

// FileFormat is the format of a metrics file.
// +enum
type FileFormat string

// The formats of a metrics file.
const (
	TextFormat FileFormat = "TEXT"
	JSONFormat FileFormat = "JSON"
)

// FilterSpec says which parts of a line are metrics.
type FilterSpec struct {
	// Regular expressions (Go's RE2) with two groups: the metric's name and its value. They replace the default, which
	// finds name=value: ([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)
	MetricsFormat []string `json:"metricsFormat,omitempty"`
}

// CollectorSpec says how metrics are collected.
type CollectorSpec struct {
	// StdOut (what the container prints), File, TensorFlowEvent, PrometheusMetric, Custom (a container of yours reports
	// them) or Push (the training code reports them). None is an old name of Push. Default: StdOut.
	Kind CollectorKind `json:"kind,omitempty"`

	// The container that collects the metrics (Custom): a Kubernetes container.
	CustomCollector Object `json:"customCollector,omitempty"`
}

// CollectorKind is a way to collect metrics.
// +enum
type CollectorKind string

// The ways to collect metrics.
const (
	StdOutCollector           CollectorKind = "StdOut"
	FileCollector             CollectorKind = "File"
	TfEventCollector          CollectorKind = "TensorFlowEvent"
	PrometheusMetricCollector CollectorKind = "PrometheusMetric"
	CustomCollector           CollectorKind = "Custom"
	PushCollector             CollectorKind = "Push"
	NoneCollector             CollectorKind = "None"
)
