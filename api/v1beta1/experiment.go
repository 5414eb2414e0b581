package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Experiment is one search for the best values of a training job's parameters.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Experiment struct {
	metav1.TypeMeta `json:",inline"`

	// Name, namespace, labels and annotations. The name has at most 40 lower-case letters, digits and hyphens and begins
	// with a letter. Every trial carries the labels.
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec ExperimentSpec `json:"spec,omitempty"`

	// What has happened so far. It is written by the program and ignored when read.
	Status ExperimentStatus `json:"status,omitzero"`
}

// ExperimentList is a list of experiments.
//
// +kubebuilder:object:root=true
type ExperimentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Experiment `json:"items"`
}

// ExperimentSpec says what to search, for which objective, by which algorithm, and how one trial is run.
type ExperimentSpec struct {
	// The parameters to search. Give either these or nasConfig.
	Parameters []ParameterSpec `json:"parameters,omitempty"`

	// Extension. Conditions on the values of one trial, such as "batch * seq <= 4096": no trial runs that breaks one. They
	// consist of parameters, numbers, quoted texts, + - * / %, == != < <= > >=, and, or, not, brackets, and the functions
	// abs, ceil, exp, floor, log, log2, log10, max, min, oneOf, pow, round and sqrt. A condition that names a parameter which
	// does not matter in a trial holds there. Default: none.
	ParameterConstraints []string `json:"parameterConstraints,omitempty"`

	// What makes one trial better than another. Required.
	Objective *ObjectiveSpec `json:"objective,omitempty"`

	// How the next values are chosen. Default: auto, which Katib does not have; with nasConfig it is required.
	Algorithm *AlgorithmSpec `json:"algorithm,omitempty"`

	// A rule that ends trials which fall behind. Default: none.
	EarlyStopping *EarlyStoppingSpec `json:"earlyStopping,omitempty"`

	// The job that one trial runs, with placeholders for the values. Required.
	TrialTemplate *TrialTemplate `json:"trialTemplate,omitempty"`

	// How many trials may be unfinished at the same time: 1 to 10,000. Default: 3, or maxTrialCount when that is less.
	// It can be changed while the experiment runs.
	ParallelTrialCount *int32 `json:"parallelTrialCount,omitempty"`

	// How many trials are run in all, failed ones included: 1 to 100,000. Default: no limit, so that the goal, the end of
	// the search space or maxFailedTrialCount ends the experiment. It can be changed while the experiment runs.
	MaxTrialCount *int32 `json:"maxTrialCount,omitempty"`

	// How many failed trials make the experiment fail: with 3 the third one does, with 0 the first one. A trial without a
	// value of the objective counts as failed. At most maxTrialCount. Default: failures never end the experiment. It can be
	// changed while the experiment runs.
	MaxFailedTrialCount *int32 `json:"maxFailedTrialCount,omitempty"`

	// Where the metrics of a trial come from. Default: what the primary container prints (StdOut).
	MetricsCollectorSpec *MetricsCollectorSpec `json:"metricsCollectorSpec,omitempty"`

	// The architectures to search, for algorithms that search neural networks. Give either this or parameters.
	NasConfig *NasConfig `json:"nasConfig,omitempty"`

	// Whether an experiment that has used up maxTrialCount may go on when that is raised: Never, LongRunning or FromVolume.
	// The last two mean the same here, since the search keeps no state besides the recorded trials. Default: Never.
	ResumePolicy ResumePolicyType `json:"resumePolicy,omitempty"`

	// Extension. The seed of everything random in the search: with the same seed and the same results, the same values are
	// suggested. 0 or more. Default: drawn when the experiment is created, and recorded.
	Seed *int64 `json:"seed,omitempty"`

	// Extension. Values by parameter that are to be tried first, in this order. They count as trials. Parameters that do not
	// matter beside the others need no value. Default: none.
	InitialTrials []map[string]string `json:"initialTrials,omitempty"`

	// Extension. That promising values are tried again, for objectives that are another value each time: the optimal trial is then
	// no lucky one. Default: nothing is tried twice on purpose, except by auto, which does it with a share of 0.2 where the values of all
	// parameters are listed or stepped, maxTrialCount is 40 or more, and results with the same values differ.
	Repetition *RepetitionSpec `json:"repetition,omitempty"`

	// Extension. What is to be learnt from experiments that ran before. Default: nothing.
	WarmStart *WarmStartSpec `json:"warmStart,omitempty"`
}

// RepetitionSpec says how far promising values are tried again. A repetition is a trial with the values of one before it; what is
// random in it should be another time, so have the training take no fixed seed. The algorithm learns the mean of all results with
// the same values. Once there are repetitions, the optimal trial is the first repetition of the values whose repetitions have the
// best mean; the result for which they were tried again is left out of it, for luck is a part of that.
type RepetitionSpec struct {
	// The largest part of the trials that are repetitions: 0 (none) to 0.5. They are in the second half of maxTrialCount where
	// that is given. Fewer are made where the best values are already told apart, and never more than 500. Default: 0.2.
	Share *float64 `json:"share,omitempty"`

	// How often the same values are tried in all, the first time included: 2 to 100. Default: 5.
	MaxPerPoint *int32 `json:"maxPerPoint,omitempty"`
}

// WarmStartSpec says which experiments to learn from.
type WarmStartSpec struct {
	// The names of experiments of the same home: NAME in the same namespace, or NAMESPACE/NAME. What they have found when this
	// one is created is kept with it. Their parameters go by name: a number between the bounds becomes the nearest feasible
	// one, trials with other values are left out, and a parameter they do not have takes the middle of its values.
	Experiments []string `json:"experiments,omitempty"`
}

// ParameterSpec is one parameter to search.
type ParameterSpec struct {
	// The name by which trialParameters refer to the parameter. Required, once only.
	Name string `json:"name,omitempty"`

	// The kind of its values: double (real numbers), int (whole numbers), discrete (listed numbers) or categorical (listed
	// texts). A double or int with a list is taken for discrete. Required.
	ParameterType ParameterType `json:"parameterType,omitempty"`

	// The values it can take. Required.
	FeasibleSpace FeasibleSpace `json:"feasibleSpace,omitempty"`

	// Extension. When the parameter matters: all of these must hold. Where it does not, it is not searched, it is left out of
	// a trial's parameterAssignments, and its first or middle value stands in the template. Default: always.
	When []ParameterCondition `json:"when,omitempty"`
}

// ParameterCondition makes a parameter matter only beside some values of another one.
type ParameterCondition struct {
	// The name of the other parameter, which is listed before this one and whose values can be counted: it has a list or a
	// step, or is an int. Required.
	Parameter string `json:"parameter,omitempty"`

	// The values of that one with which this one matters. Required.
	Values []string `json:"values,omitempty"`
}

// ParameterType is the kind of a parameter's values.
// +enum
type ParameterType string

// The kinds of parameters.
const (
	ParameterTypeUnknown     ParameterType = "unknown"
	ParameterTypeDouble      ParameterType = "double"
	ParameterTypeInt         ParameterType = "int"
	ParameterTypeDiscrete    ParameterType = "discrete"
	ParameterTypeCategorical ParameterType = "categorical"
)

// FeasibleSpace is the set of values of a parameter. Numbers are texts, as in "0.01"; bare numbers are accepted.
type FeasibleSpace struct {
	// The largest value, itself included (double, int). Required there.
	Max string `json:"max,omitempty"`

	// The smallest value, itself included (double, int); above 0 with logUniform and logNormal. Required there.
	Min string `json:"min,omitempty"`

	// The values (discrete, categorical), at most 10,000. Required there.
	List []string `json:"list,omitempty"`

	// The distance between neighbouring values, counted from min (double, int). Default: 1 for int; none for double, except
	// that grid needs one.
	Step string `json:"step,omitempty"`

	// How values are drawn between min and max: uniform, logUniform, normal or logNormal. normal has its mean in the middle
	// and a sixth of the width as standard deviation, cut off at the bounds; the log forms are the same of the logarithm.
	// Default: uniform.
	Distribution Distribution `json:"distribution,omitempty"`
}

// Distribution says how a parameter's values are drawn.
// +enum
type Distribution string

// The distributions.
const (
	DistributionUniform    Distribution = "uniform"
	DistributionLogUniform Distribution = "logUniform"
	DistributionNormal     Distribution = "normal"
	DistributionLogNormal  Distribution = "logNormal"
	DistributionUnknown    Distribution = "unknown"
)

// ObjectiveSpec says what makes one trial better than another.
type ObjectiveSpec struct {
	// Whether small or large values are better: minimize or maximize. Required.
	Type ObjectiveType `json:"type,omitempty"`

	// The value that ends the experiment as a success once a trial reaches it, itself included. Default: none.
	Goal *float64 `json:"goal,omitempty"`

	// The name of the metric to optimise, as the trial prints it. Required.
	ObjectiveMetricName string `json:"objectiveMetricName,omitempty"`

	// Further metrics to record. They do not influence the search.
	AdditionalMetricNames []string `json:"additionalMetricNames,omitempty"`

	// Which of a metric's values counts for a trial. Default, for every metric: min when the objective is minimized, max
	// when it is maximized.
	MetricStrategies []MetricStrategy `json:"metricStrategies,omitempty"`

	// Extension. Objectives besides the first one. The search looks for the trials that no other one betters in all of them,
	// the Pareto set, which is in the status; the optimal trial there remains the best one by the first objective. Their
	// metrics are recorded without being among additionalMetricNames. Not every algorithm can search several. Default: none.
	AdditionalObjectives []AdditionalObjective `json:"additionalObjectives,omitempty"`

	// Extension. What a trial's metrics must keep for the trial to be of use: one that does not is the optimal trial only while
	// none does, and never in the Pareto set. The metrics are recorded without being among additionalMetricNames, and the
	// latest value of each counts unless metricStrategies says otherwise. Default: none.
	Constraints []MetricConstraint `json:"constraints,omitempty"`
}

// AdditionalObjective is an objective besides the first one.
type AdditionalObjective struct {
	// The name of the metric, as the trial prints it. Required.
	MetricName string `json:"metricName,omitempty"`

	// Whether small or large values are better: minimize or maximize. Required.
	Type ObjectiveType `json:"type,omitempty"`

	// The value to reach. The experiment ends once one trial reaches the goals of all objectives that have one. Default: none.
	Goal *float64 `json:"goal,omitempty"`
}

// MetricConstraint is what a metric must keep.
type MetricConstraint struct {
	// The name of the metric, as the trial prints it. Required.
	MetricName string `json:"metricName,omitempty"`

	// The largest value that is allowed. Give this, or min, or both.
	Max *float64 `json:"max,omitempty"`

	// The smallest value that is allowed.
	Min *float64 `json:"min,omitempty"`
}

// ObjectiveType is the direction of an objective.
// +enum
type ObjectiveType string

// The directions of an objective.
const (
	ObjectiveTypeUnknown  ObjectiveType = ""
	ObjectiveTypeMinimize ObjectiveType = "minimize"
	ObjectiveTypeMaximize ObjectiveType = "maximize"
)

// MetricStrategy says which of a metric's values counts for a trial.
type MetricStrategy struct {
	// The name of the metric: the objective's or one of additionalMetricNames.
	Name string `json:"name,omitempty"`

	// The value that counts: min, max or latest.
	Value MetricStrategyType `json:"value,omitempty"`
}

// MetricStrategyType picks one of a metric's values.
// +enum
type MetricStrategyType string

// The strategies.
const (
	ExtractByMin    MetricStrategyType = "min"
	ExtractByMax    MetricStrategyType = "max"
	ExtractByLatest MetricStrategyType = "latest"
)

// AlgorithmSpec names the search algorithm.
type AlgorithmSpec struct {
	// The name of the algorithm, such as random, tpe or bayesianoptimization. Default: auto; with nasConfig it is required.
	AlgorithmName string `json:"algorithmName,omitempty"`

	// Its settings; each algorithm has its own.
	AlgorithmSettings []AlgorithmSetting `json:"algorithmSettings,omitempty"`
}

// AlgorithmSetting is one setting of an algorithm.
type AlgorithmSetting struct {
	// The name of the setting.
	Name string `json:"name,omitempty"`

	// Its value, as text.
	Value string `json:"value,omitempty"`
}

// EarlyStoppingSpec names the rule by which trials that fall behind are ended.
type EarlyStoppingSpec struct {
	// The name of the rule, such as medianstop. Required.
	AlgorithmName string `json:"algorithmName,omitempty"`

	// Its settings; each rule has its own.
	AlgorithmSettings []EarlyStoppingSetting `json:"algorithmSettings,omitempty"`
}

// EarlyStoppingSetting is one setting of an early-stopping rule.
type EarlyStoppingSetting struct {
	// The name of the setting.
	Name string `json:"name,omitempty"`

	// Its value, as text.
	Value string `json:"value,omitempty"`
}

// ResumePolicyType says whether a finished experiment may go on.
// +enum
type ResumePolicyType string

// The resume policies.
const (
	NeverResume ResumePolicyType = "Never"
	LongRunning ResumePolicyType = "LongRunning"
	FromVolume  ResumePolicyType = "FromVolume"
)

// NasConfig describes the neural networks to search.
type NasConfig struct {
	// The outline of the network.
	GraphConfig GraphConfig `json:"graphConfig,omitempty"`

	// The operations that a layer can be.
	Operations []Operation `json:"operations,omitempty"`
}

// GraphConfig is the outline of a neural network.
type GraphConfig struct {
	// How many layers it has: 1 or more.
	NumLayers *int32 `json:"numLayers,omitempty"`

	// The size of its input in every dimension.
	InputSizes []int32 `json:"inputSizes,omitempty"`

	// The size of its output in every dimension.
	OutputSizes []int32 `json:"outputSizes,omitempty"`
}

// Operation is one kind of layer.
type Operation struct {
	// The name of the operation, such as convolution.
	OperationType string `json:"operationType,omitempty"`

	// What can vary about it.
	Parameters []ParameterSpec `json:"parameters,omitempty"`
}
