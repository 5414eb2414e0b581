package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ExperimentStatus is what has happened to an experiment so far.
type ExperimentStatus struct {
	// When the experiment started.
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// When it ended.
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// When it was last looked at.
	LastReconcileTime *metav1.Time `json:"lastReconcileTime,omitempty"`

	// The states it has been in; the last one is its state now.
	Conditions []ExperimentCondition `json:"conditions,omitempty"`

	// The best trial so far.
	CurrentOptimalTrial OptimalTrial `json:"currentOptimalTrial,omitzero"`

	// Extension. The trials that no other one betters in all objectives, where there are several, by number.
	ParetoTrials []OptimalTrial `json:"paretoTrials,omitempty"`

	// The names of the trials that run.
	RunningTrialList []string `json:"runningTrialList,omitempty"`

	// The names of the trials that wait to run.
	PendingTrialList []string `json:"pendingTrialList,omitempty"`

	// The names of the trials that failed.
	FailedTrialList []string `json:"failedTrialList,omitempty"`

	// The names of the trials that succeeded.
	SucceededTrialList []string `json:"succeededTrialList,omitempty"`

	// The names of the trials that were killed.
	KilledTrialList []string `json:"killedTrialList,omitempty"`

	// The names of the trials that were stopped early.
	EarlyStoppedTrialList []string `json:"earlyStoppedTrialList,omitempty"`

	// The names of the trials that ended without a value of the objective.
	MetricsUnavailableTrialList []string `json:"metricsUnavailableTrialList,omitempty"`

	// How many trials there are.
	Trials int32 `json:"trials,omitempty"`

	// How many trials succeeded.
	TrialsSucceeded int32 `json:"trialsSucceeded,omitempty"`

	// How many trials failed.
	TrialsFailed int32 `json:"trialsFailed,omitempty"`

	// How many trials were killed.
	TrialsKilled int32 `json:"trialsKilled,omitempty"`

	// How many trials wait to run.
	TrialsPending int32 `json:"trialsPending,omitempty"`

	// How many trials run.
	TrialsRunning int32 `json:"trialsRunning,omitempty"`

	// How many trials were stopped early.
	TrialsEarlyStopped int32 `json:"trialsEarlyStopped,omitempty"`

	// How many trials ended without a value of the objective.
	TrialMetricsUnavailable int32 `json:"trialMetricsUnavailable,omitempty"`
}

// ExperimentCondition is one state that an experiment has been in.
type ExperimentCondition struct {
	// Created, Running, Restarting, Succeeded or Failed.
	Type ExperimentConditionType `json:"type"`

	// True while it is in this state, False when it no longer is.
	Status ConditionStatus `json:"status"`

	// Why, in one word.
	Reason string `json:"reason,omitempty"`

	// Why, in a sentence.
	Message string `json:"message,omitempty"`

	// When this entry was last written.
	LastUpdateTime metav1.Time `json:"lastUpdateTime,omitempty"`

	// When its status last changed.
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitempty"`
}

// ConditionStatus is True, False or Unknown.
type ConditionStatus string

// ExperimentConditionType is a state of an experiment.
type ExperimentConditionType string

// The states of an experiment.
const (
	ExperimentCreated    ExperimentConditionType = "Created"
	ExperimentRunning    ExperimentConditionType = "Running"
	ExperimentRestarting ExperimentConditionType = "Restarting"
	ExperimentSucceeded  ExperimentConditionType = "Succeeded"
	ExperimentFailed     ExperimentConditionType = "Failed"
)

// OptimalTrial is the best trial of an experiment so far.
type OptimalTrial struct {
	// The name of the trial.
	BestTrialName string `json:"bestTrialName,omitempty"`

	// The values it ran with.
	ParameterAssignments []ParameterAssignment `json:"parameterAssignments,omitempty"`

	// The metrics it reached.
	Observation Observation `json:"observation,omitzero"`

	// Extension. How many repetitions with these values have ended with a value of the objective, where there were some.
	Repetitions int32 `json:"repetitions,omitempty"`

	// Extension. The mean of the objective over these repetitions.
	Mean string `json:"mean,omitempty"`
}

// ParameterAssignment is the value of one parameter.
type ParameterAssignment struct {
	// The name of the parameter.
	Name string `json:"name,omitempty"`

	// Its value.
	Value string `json:"value,omitempty"`
}

// Observation holds the metrics of a trial.
type Observation struct {
	// The metrics: the objective and the additional ones.
	Metrics []Metric `json:"metrics,omitempty"`
}

// Metric sums up the values of one metric. A text is "unavailable" where there is no value.
type Metric struct {
	// The name of the metric.
	Name string `json:"name,omitempty"`

	// Its smallest value.
	Min string `json:"min,omitempty"`

	// Its largest value.
	Max string `json:"max,omitempty"`

	// Its latest value, as it was printed.
	Latest string `json:"latest,omitempty"`
}
