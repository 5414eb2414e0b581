package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Trial is one run of the training job with one choice of values.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Trial struct {
	metav1.TypeMeta `json:",inline"`

	// Name, namespace and labels. The label katib.kubeflow.org/experiment names the experiment.
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is run.
	Spec TrialSpec `json:"spec,omitempty"`

	// What has happened so far.
	Status TrialStatus `json:"status,omitzero"`
}

// TrialList is a list of trials.
//
// +kubebuilder:object:root=true
type TrialList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Trial `json:"items"`
}

// TrialSpec says what one trial runs.
type TrialSpec struct {
	// What makes one trial better than another.
	Objective *ObjectiveSpec `json:"objective,omitempty"`

	// The values of the parameters.
	ParameterAssignments []ParameterAssignment `json:"parameterAssignments,omitempty"`

	// Limits beyond which the trial is stopped early.
	EarlyStoppingRules []EarlyStoppingRule `json:"earlyStoppingRules,omitempty"`

	// The job, with all values filled in.
	RunSpec Object `json:"runSpec,omitempty"`

	// Whether the job is kept after the trial is over.
	RetainRun bool `json:"retainRun,omitempty"`

	// Where the metrics come from.
	MetricsCollector MetricsCollectorSpec `json:"metricsCollector,omitempty"`

	// The labels of the pods that speak for the trial.
	PrimaryPodLabels map[string]string `json:"primaryPodLabels,omitempty"`

	// The container whose metrics are collected.
	PrimaryContainerName string `json:"primaryContainerName,omitempty"`

	// When the job has succeeded (a GJSON path).
	SuccessCondition string `json:"successCondition,omitempty"`

	// When the job has failed (a GJSON path).
	FailureCondition string `json:"failureCondition,omitempty"`

	// Labels that the algorithm gave.
	Labels map[string]string `json:"labels,omitempty"`
}

// TrialStatus is what has happened to a trial so far.
type TrialStatus struct {
	// When the trial started.
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// When it ended.
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// When it was last looked at.
	LastReconcileTime *metav1.Time `json:"lastReconcileTime,omitempty"`

	// The states it has been in; the last one is its state now.
	Conditions []TrialCondition `json:"conditions,omitempty"`

	// The metrics it reached.
	Observation *Observation `json:"observation,omitempty"`
}

// TrialCondition is one state that a trial has been in.
type TrialCondition struct {
	// Created, Pending, Running, Succeeded, Killed, Failed, MetricsUnavailable or EarlyStopped. Extension: Pending.
	Type TrialConditionType `json:"type"`

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

// TrialConditionType is a state of a trial.
type TrialConditionType string

// The states of a trial.
const (
	TrialCreated            TrialConditionType = "Created"
	TrialPending            TrialConditionType = "Pending"
	TrialRunning            TrialConditionType = "Running"
	TrialSucceeded          TrialConditionType = "Succeeded"
	TrialKilled             TrialConditionType = "Killed"
	TrialFailed             TrialConditionType = "Failed"
	TrialMetricsUnavailable TrialConditionType = "MetricsUnavailable"
	TrialEarlyStopped       TrialConditionType = "EarlyStopped"
)

// EarlyStoppingRule is a limit beyond which a trial is stopped early.
type EarlyStoppingRule struct {
	// The name of the metric.
	Name string `json:"name,omitempty"`

	// The value it is compared with.
	Value string `json:"value,omitempty"`

	// How it is compared: equal, less or greater.
	Comparison ComparisonType `json:"comparison,omitempty"`

	// How many values must have been reported before.
	StartStep int32 `json:"startStep,omitempty"`
}

// ComparisonType is a comparison of a metric with a limit.
// +enum
type ComparisonType string

// The comparisons.
const (
	ComparisonEqual   ComparisonType = "equal"
	ComparisonLess    ComparisonType = "less"
	ComparisonGreater ComparisonType = "greater"
)
