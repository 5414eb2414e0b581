package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Suggestion holds the values that the algorithm of one experiment has proposed. It has the experiment's name.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Suggestion struct {
	metav1.TypeMeta `json:",inline"`

	// Name, namespace, labels and annotations, as the experiment's.
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is asked for.
	Spec SuggestionSpec `json:"spec,omitempty"`

	// What has been proposed so far.
	Status SuggestionStatus `json:"status,omitzero"`
}

// SuggestionList is a list of suggestions.
//
// +kubebuilder:object:root=true
type SuggestionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Suggestion `json:"items"`
}

// SuggestionSpec says how many proposals are wanted, and by which algorithm.
type SuggestionSpec struct {
	// The algorithm.
	Algorithm *AlgorithmSpec `json:"algorithm,omitempty"`

	// The early-stopping rule.
	EarlyStopping *EarlyStoppingSpec `json:"earlyStopping,omitempty"`

	// How many proposals are wanted in all.
	Requests int32 `json:"requests,omitempty"`

	// Whether the search can go on after the experiment has ended.
	ResumePolicy ResumePolicyType `json:"resumePolicy,omitempty"`
}

// SuggestionStatus holds what has been proposed so far.
type SuggestionStatus struct {
	// Settings that the algorithm has changed.
	AlgorithmSettings []AlgorithmSetting `json:"algorithmSettings,omitempty"`

	// How many proposals there are.
	SuggestionCount int32 `json:"suggestionCount,omitempty"`

	// The proposals.
	Suggestions []TrialAssignment `json:"suggestions,omitempty"`

	// When the search started.
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// When it ended.
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// When it was last looked at.
	LastReconcileTime *metav1.Time `json:"lastReconcileTime,omitempty"`

	// The states it has been in; the last one is its state now.
	Conditions []SuggestionCondition `json:"conditions,omitempty"`
}

// TrialAssignment is one proposal.
type TrialAssignment struct {
	// The values of the parameters.
	ParameterAssignments []ParameterAssignment `json:"parameterAssignments,omitempty"`

	// The name of the trial that runs with them.
	Name string `json:"name,omitempty"`

	// Limits beyond which the trial is stopped early.
	EarlyStoppingRules []EarlyStoppingRule `json:"earlyStoppingRules,omitempty"`

	// Labels that the algorithm gives to the trial.
	Labels map[string]string `json:"labels,omitempty"`
}

// SuggestionCondition is one state that a suggestion has been in.
type SuggestionCondition struct {
	// Created, DeploymentReady, Running, Succeeded or Failed.
	Type SuggestionConditionType `json:"type"`

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

// SuggestionConditionType is a state of a suggestion.
type SuggestionConditionType string

// The states of a suggestion.
const (
	SuggestionCreated         SuggestionConditionType = "Created"
	SuggestionDeploymentReady SuggestionConditionType = "DeploymentReady"
	SuggestionRunning         SuggestionConditionType = "Running"
	SuggestionSucceeded       SuggestionConditionType = "Succeeded"
	SuggestionFailed          SuggestionConditionType = "Failed"
)
