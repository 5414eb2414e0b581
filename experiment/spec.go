package experiment

import (
	"time"

	"qalam/space"
	"qalam/suggest"
)

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
	Architecture        *suggest.Architecture // the networks to search; nil where parameters are searched
	Seed                uint64
	Initial             []space.Assignment  // to be tried first
	Repetition          suggest.Repetition  // of promising values; the zero value is none
	WarmStart           []string            // experiments to learn from, as NAME or NAMESPACE/NAME
	Earlier             [][]suggest.Outcome // what they found; recorded when the experiment is created
	Retry               Retry
}

// Problem is what the search algorithm is made for.
func (s Spec) Problem() suggest.Problem {
	p := suggest.Problem{
		Space: s.Space, Seed: s.Seed, Parallel: s.ParallelTrialCount, Architecture: s.Architecture,
		Objectives: 1 + len(s.Objective.Further), Constraints: len(s.Objective.Constraints), Initial: s.Initial, Earlier: s.Earlier,
		Repetition: s.Repetition,
	}
	if s.MaxTrialCount != nil {
		p.MaxTrials = *s.MaxTrialCount
	}
	return p
}

// CheckpointDir is the folder in a trial's container that starts as a copy of its parent's and that others are copied from; ""
// where the algorithm has no use for one.
func (s Spec) CheckpointDir() string { return s.Algorithm.Settings["suggestion_trial_dir"] }

// Retry says what happens to trials whose attempt was lost through no fault of their own.
type Retry struct {
	Lost    int           // attempts repeated after the machine or the supervising process failed; default 1
	Backoff time.Duration // wait before the first repetition, doubled for each further one; 0 means none
}
