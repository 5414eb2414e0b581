// Package experiment is the core: what an experiment and its trials are, and the pure functions that decide. Plan turns recorded
// state into actions, Observe turns points into an observation, Conclude turns the end of an attempt into the trial's next state,
// Summarize turns state into a status. It knows no clock, no file, no process and no Kubernetes; time is an argument.
package experiment

import (
	"time"

	"qalam/space"
	"qalam/suggest"
)

// Direction says whether smaller or larger values of the objective are better.
type Direction string

// The directions, spelled as in a Katib Experiment.
const (
	Minimize Direction = "minimize"
	Maximize Direction = "maximize"
)

// Strategy says which of a metric's values counts for a trial.
type Strategy string

// The strategies, spelled as in a Katib Experiment.
const (
	Min    Strategy = "min"
	Max    Strategy = "max"
	Latest Strategy = "latest"
)

// Objective is what an experiment optimises.
type Objective struct {
	Metric     string
	Direction  Direction
	Goal       *float64            // value that ends the experiment when reached, inclusive; nil means none
	Additional []string            // further metrics to record
	Strategies map[string]Strategy // for every metric named above; the objective's own decides what a trial's value is
}

// ResumePolicy says whether a finished experiment may go on when its budget is raised.
type ResumePolicy string

// The resume policies, spelled as in a Katib Experiment.
const (
	ResumeNever       ResumePolicy = "Never"
	ResumeLongRunning ResumePolicy = "LongRunning"
	ResumeFromVolume  ResumePolicy = "FromVolume"
)

// Named is an algorithm or early-stopping rule as the user named it.
type Named struct {
	Name     string
	Settings suggest.Settings
}

// Spec is what the user wants, validated and with every default filled in. It is never changed but for its three budgets.
type Spec struct {
	Namespace, Name     string
	Objective           Objective
	Algorithm           Named
	EarlyStopping       *Named // nil means none
	ParallelTrialCount  int
	MaxTrialCount       *int // nil means until the goal, the end of the space or MaxFailedTrialCount
	MaxFailedTrialCount *int // nil means never fails; n fails the experiment at the nth failed trial (0 at the first)
	Resume              ResumePolicy
	Space               *space.Space
	Seed                uint64
	Retry               Retry
}

// Retry says what happens to trials whose attempt was lost through no fault of their own.
type Retry struct {
	Lost int // attempts repeated after the machine or the supervising process failed; default 1
}

// TrialState is the state of a trial.
type TrialState string

// The states of a trial. Running means that its primary container runs.
const (
	TrialPending            TrialState = "Pending"
	TrialRunning            TrialState = "Running"
	TrialSucceeded          TrialState = "Succeeded"
	TrialFailed             TrialState = "Failed"
	TrialKilled             TrialState = "Killed"
	TrialEarlyStopped       TrialState = "EarlyStopped"
	TrialMetricsUnavailable TrialState = "MetricsUnavailable"
)

// Terminal reports whether a trial in this state is over.
func (s TrialState) Terminal() bool { return s != TrialPending && s != TrialRunning }

// Trial is one evaluation of one assignment. Its identity is (experiment, Number).
type Trial struct {
	Number      int
	Name        string // deterministic: Name(experiment name, UID, Number)
	Assignment  space.Assignment
	Labels      map[string]string // from the suggestion
	Note        string            // from the suggestion
	State       TrialState
	Reason      string     // one CamelCase word: TrialCreated, TrialRunning, OOMKilled, RendezvousIncomplete, …
	Message     string     // one line for people: why it is in this state, with the evidence
	Fix         string     // one line for people: what to do, or ""
	Attempt     int        // from 1; the attempt that runs or ran last
	Started     bool       // whether the current attempt was handed to the runner
	Lost        int        // attempts lost so far through no fault of the trial's
	NotBefore   time.Time  // earliest time of the next attempt; zero means now
	Stopping    StopReason // why it is being ended; "" when it is not
	StopDetail  string     // the figures behind Stopping, one line
	Created     time.Time
	Running     time.Time // when the primary container of the current attempt started; zero before
	Completed   time.Time
	Observation Observation
}

// StopReason says why a running trial is being ended before its own end.
type StopReason string

// The reasons for ending a trial.
const (
	StopEarly    StopReason = "EarlyStopped" // an early-stopping rule decided so
	StopFinished StopReason = "ExperimentFinished"
	StopShrunk   StopReason = "ParallelTrialCountLowered"
	StopUser     StopReason = "StoppedByUser"
)

// Observation is the summary of a trial's points, one entry per metric of the objective, in the objective's order.
type Observation []Metric

// Metric is the summary of one metric: the texts are what Katib would hold ("unavailable" where there is nothing).
type Metric struct {
	Name   string  `json:"name"`
	Min    string  `json:"min"`
	Max    string  `json:"max"`
	Latest string  `json:"latest"`
	Value  float64 `json:"-"` // by the metric's strategy; NaN when there is no finite one
}

// Phase is the state of an experiment as a whole.
type Phase string

// The phases of an experiment.
const (
	Created    Phase = "Created"
	Running    Phase = "Running"
	Restarting Phase = "Restarting"
	Succeeded  Phase = "Succeeded"
	Failed     Phase = "Failed"
)

// Condition is one entry of a status' history, as Katib orders and words them; the last one is the state.
type Condition struct {
	Type       string
	Status     string // True or False
	Reason     string
	Message    string
	Updated    time.Time
	Transition time.Time
}

// Counts holds the number of trials in every state.
type Counts struct {
	Pending, Running, Succeeded, Failed, Killed, EarlyStopped, MetricsUnavailable int
}

// Optimal is the best trial so far.
type Optimal struct {
	Number      int
	Name        string
	Assignment  space.Assignment
	Observation Observation
	Value       float64 // objective by its strategy, in the user's direction; finite
}

// State is the recorded state of an experiment, summed up: Plan costs the same at 100,000 trials as at ten. It is kept up by
// Apply, one trial at a time; Fold of all trials gives the same State.
type State struct {
	Spec               Spec
	UID                string
	Phase              Phase
	Conditions         []Condition
	Counts             Counts
	Next               int     // number of the next trial to be suggested, from 1
	Active             []Trial // trials that are not over, by number
	Optimal            *Optimal
	GoalReached        bool
	Exhausted          bool // the algorithm has nothing more to suggest
	StopRequested      bool // the user asked to end the experiment
	Started, Completed time.Time
}

// Action is one thing that Plan wants done. Carrying it out twice does no harm: its identity is (experiment, number, attempt).
type Action interface{ action() }

// Suggest asks the algorithm for assignments of the trials First … First+Count-1, to be recorded as Pending.
type Suggest struct{ First, Count int }

// Start hands one attempt of a trial to the runner. The trial is recorded as Started first.
type Start struct{ Number, Attempt int }

// Stop ends a running attempt; its trial is recorded as Stopping first.
type Stop struct {
	Number int
	Reason StopReason
}

// Drop ends a trial that was never started: it becomes Killed without running.
type Drop struct {
	Number int
	Reason StopReason
}

// Finish ends the experiment in a phase, with Katib's reason and message, once no trial runs any more.
type Finish struct {
	Phase   Phase
	Reason  string
	Message string
}

func (Suggest) action() {}
func (Start) action()   {}
func (Stop) action()    {}
func (Drop) action()    {}
func (Finish) action()  {}

// End says how an attempt of a trial ended, as the runner and the collector saw it.
type End struct {
	Cause   EndCause
	Reason  string // CamelCase: Completed, Error, OOMKilled, StartError, DeadlineExceeded, Lost, …
	Message string
	Fix     string
	Time    time.Time
}

// EndCause is the class of an attempt's end.
type EndCause string

// The classes of ends.
const (
	EndSucceeded   EndCause = "Succeeded"   // the job met its success condition
	EndFailed      EndCause = "Failed"      // the job met its failure condition, or could not be started
	EndStopped     EndCause = "Stopped"     // it was stopped on request (Trial.Stopping says why)
	EndLost        EndCause = "Lost"        // its supervisor or its machine went away: no fault of the trial's
	EndInterrupted EndCause = "Interrupted" // the user interrupted the run: to be repeated, not counted against anything
)
