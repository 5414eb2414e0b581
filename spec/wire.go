package spec

import (
	"maps"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apitypes "k8s.io/apimachinery/pkg/types"

	"qalam/api/v1beta1"
	"qalam/experiment"
	"qalam/space"
)

// LabelExperiment is the label by which a trial names its experiment, as in Katib.
const LabelExperiment = "katib.kubeflow.org/experiment"

// AnnotationNote is the annotation with what the algorithm says of a trial: what proposed it and why.
const AnnotationNote = "qalam.dev/note"

// ToExperiment writes an experiment with its status as Katib would hold it. The budgets are those of the status' spec, which may
// have been edited since the documents were written.
func (x *Experiment) ToExperiment(s experiment.Spec, uid string, created time.Time, st experiment.Status) *v1beta1.Experiment {
	w := x.Wire.DeepCopy()
	head(&w.TypeMeta, v1beta1.KindExperiment)
	w.UID = apitypes.UID(uid)
	w.CreationTimestamp = metav1.NewTime(created)
	n := int32(s.ParallelTrialCount)
	w.Spec.ParallelTrialCount = &n
	w.Spec.MaxTrialCount, w.Spec.MaxFailedTrialCount = narrow(s.MaxTrialCount), narrow(s.MaxFailedTrialCount)
	seed := int64(s.Seed)
	w.Spec.Seed = &seed
	c := st.Counts
	w.Status = v1beta1.ExperimentStatus{
		StartTime:                   moment(st.Started),
		CompletionTime:              moment(st.Completed),
		RunningTrialList:            st.Lists.Running,
		PendingTrialList:            st.Lists.Pending,
		FailedTrialList:             st.Lists.Failed,
		SucceededTrialList:          st.Lists.Succeeded,
		KilledTrialList:             st.Lists.Killed,
		EarlyStoppedTrialList:       st.Lists.EarlyStopped,
		MetricsUnavailableTrialList: st.Lists.MetricsUnavailable,
		Trials:                      int32(st.Trials),
		TrialsSucceeded:             int32(c.Succeeded),
		TrialsFailed:                int32(c.Failed),
		TrialsKilled:                int32(c.Killed),
		TrialsPending:               int32(c.Pending),
		TrialsRunning:               int32(c.Running),
		TrialsEarlyStopped:          int32(c.EarlyStopped),
		TrialMetricsUnavailable:     int32(c.MetricsUnavailable),
	}
	for _, c := range st.Conditions {
		w.Status.Conditions = append(w.Status.Conditions, v1beta1.ExperimentCondition{
			Type: v1beta1.ExperimentConditionType(c.Type), Status: v1beta1.ConditionStatus(c.Status), Reason: c.Reason, Message: c.Message,
			LastUpdateTime: metav1.NewTime(c.Updated), LastTransitionTime: metav1.NewTime(c.Transition),
		})
	}
	if o := st.Optimal; o != nil {
		w.Status.CurrentOptimalTrial = v1beta1.OptimalTrial{
			BestTrialName: o.Name, ParameterAssignments: assignments(x.Spec.Space.NamedActive(o.Assignment)), Observation: observation(o.Observation),
			Repetitions: int32(o.Repetitions),
		}
		if o.Repetitions > 0 {
			w.Status.CurrentOptimalTrial.Mean = strconv.FormatFloat(o.Mean, 'g', -1, 64)
		}
	}
	for _, o := range st.Pareto {
		w.Status.ParetoTrials = append(w.Status.ParetoTrials, v1beta1.OptimalTrial{
			BestTrialName: o.Name, ParameterAssignments: assignments(x.Spec.Space.NamedActive(o.Assignment)), Observation: observation(o.Observation),
		})
	}
	return w
}

// ToTrial writes a trial as Katib would hold it, its job with all values filled in.
func (x *Experiment) ToTrial(t experiment.Trial) (*v1beta1.Trial, error) {
	run, err := x.Template.Render(x.Values(t))
	if err != nil {
		return nil, err
	}
	w, source := &v1beta1.Trial{}, x.Wire.DeepCopy()
	head(&w.TypeMeta, v1beta1.KindTrial)
	w.Name, w.Namespace = t.Name, x.Spec.Namespace
	w.CreationTimestamp = metav1.NewTime(t.Created)
	w.Labels = map[string]string{}
	maps.Copy(w.Labels, source.Labels)
	maps.Copy(w.Labels, t.Labels)
	w.Labels[LabelExperiment] = x.Spec.Name
	if t.Note != "" {
		w.Annotations = map[string]string{AnnotationNote: t.Note}
	}
	w.Spec = v1beta1.TrialSpec{
		Objective:            source.Spec.Objective,
		ParameterAssignments: assignments(x.Spec.Space.NamedActive(t.Assignment)),
		RunSpec:              run,
		RetainRun:            x.Retain,
		MetricsCollector:     *source.Spec.MetricsCollectorSpec,
		PrimaryPodLabels:     source.Spec.TrialTemplate.PrimaryPodLabels,
		PrimaryContainerName: x.PrimaryContainer,
		SuccessCondition:     x.Conditions.Success,
		FailureCondition:     x.Conditions.Failure,
		Labels:               maps.Clone(t.Labels),
	}
	w.Status.StartTime, w.Status.CompletionTime = moment(t.Created), moment(t.Completed)
	for _, c := range experiment.TrialConditions(t) {
		w.Status.Conditions = append(w.Status.Conditions, v1beta1.TrialCondition{
			Type: v1beta1.TrialConditionType(c.Type), Status: v1beta1.ConditionStatus(c.Status), Reason: c.Reason, Message: c.Message,
			LastUpdateTime: metav1.NewTime(c.Updated), LastTransitionTime: metav1.NewTime(c.Transition),
		})
	}
	if len(t.Observation) > 0 {
		o := observation(t.Observation)
		w.Status.Observation = &o
	}
	return w, nil
}

func head(t *metav1.TypeMeta, kind string) { t.APIVersion, t.Kind = v1beta1.APIVersion, kind }

func moment(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	m := metav1.NewTime(t)
	return &m
}

func narrow(n *int) *int32 {
	if n == nil {
		return nil
	}
	v := int32(*n)
	return &v
}

func assignments(named []space.Named) []v1beta1.ParameterAssignment {
	list := make([]v1beta1.ParameterAssignment, len(named))
	for i, n := range named {
		list[i] = v1beta1.ParameterAssignment{Name: n.Name, Value: n.Value}
	}
	return list
}

func observation(o experiment.Observation) v1beta1.Observation {
	out := v1beta1.Observation{Metrics: make([]v1beta1.Metric, len(o))}
	for i, m := range o {
		out.Metrics[i] = v1beta1.Metric{Name: m.Name, Min: m.Min, Max: m.Max, Latest: m.Latest}
	}
	return out
}
