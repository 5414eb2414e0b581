// Package store keeps experiments, trials and points so that neither a crash nor a power cut loses what was acknowledged. It
// knows how they are laid out on disk; it decides nothing about them and starts no trial.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qalam/experiment"
	"qalam/metrics"
)

// Experiment is one experiment as it is kept.
type Experiment struct {
	UID             string
	Namespace, Name string // unique together
	Source          []byte // the documents the user handed in
	Seed            uint64
	Created         time.Time
	Record          json.RawMessage // the experiment-level part of experiment.State; nil before the first Write
	Earlier         json.RawMessage // what it learns from other experiments: given to Create, and read by Earlier alone
	Desire          Desire
}

// Listed is an experiment without its Source, with the number of its trials in every state.
type Listed struct {
	Experiment
	Counts experiment.Counts
}

// Desire is what the user asks of an experiment that may be running in another process. The engine reads it, and its Record
// says up to which Revision it has followed.
type Desire struct {
	Revision int64   `json:"revision"` // raised by every request
	Stop     bool    `json:"stop,omitempty"`
	Delete   bool    `json:"delete,omitempty"`
	Budgets  Budgets `json:"budgets,omitzero"`
}

// Budgets are the edited budgets of an experiment; nil leaves what the Source says.
type Budgets struct {
	ParallelTrialCount  *int `json:"parallelTrialCount,omitempty"`
	MaxTrialCount       *int `json:"maxTrialCount,omitempty"`
	MaxFailedTrialCount *int `json:"maxFailedTrialCount,omitempty"`
}

// Query selects trials of an experiment.
type Query struct {
	States     []experiment.TrialState // any of these; empty means all
	Numbers    []int                   // any of these; empty means all
	After      int                     // only trials beyond this number, in the direction of the order; 0 means from the first
	Limit      int                     // at most so many; 0 means all
	Descending bool                    // from the highest number down
}

// Past is what a search algorithm needs of a trial.
type Past = experiment.Past

// Append records the points found in one stretch of one source of an attempt, and that the source was read up to there.
type Append struct {
	Trial    string // its name
	Attempt  int
	Source   string // key of the output within the attempt
	Epoch    int    // raised when the source was cut or replaced: its offsets begin again at 0
	From, To int64  // the stretch of the source; From is where the last Append ended
	Points   []metrics.Point
	// Summaries holds the summary of every metric of the source up to To; nil leaves what is recorded.
	Summaries map[string]metrics.Summary
}

// Fresh returns the points of an Append that are not recorded yet, given how far its source was read in which epoch. It
// reports false when the whole Append is recorded already. It fails when something before it is missing.
func (a Append) Fresh(epoch int, position int64) ([]metrics.Point, bool, error) {
	switch {
	case a.Epoch < epoch:
		return nil, false, nil
	case a.Epoch > epoch:
		position = 0
	case a.To <= position && a.From < a.To:
		return nil, false, nil
	}
	if a.From > position {
		return nil, false, fmt.Errorf("%w: source %s of trial %s is recorded up to byte %d, the next points begin at %d",
			ErrGap, a.Source, a.Trial, position, a.From)
	}
	points := a.Points
	for len(points) > 0 && points[0].Offset < position {
		points = points[1:]
	}
	return points, true, nil
}

// Check says what is wrong with an Append in itself.
func (a Append) Check() error {
	if a.From < 0 || a.To < a.From || a.Epoch < 0 {
		return fmt.Errorf("source %s of trial %s: bytes %d to %d of epoch %d are no stretch", a.Source, a.Trial, a.From, a.To, a.Epoch)
	}
	last := metrics.Point{Offset: a.From, Index: -1}
	for _, p := range a.Points {
		if p.Offset >= a.To || p.Index < 0 || p.Offset < last.Offset || p.Offset == last.Offset && p.Index <= last.Index {
			return fmt.Errorf("source %s of trial %s: point %s at byte %d, index %d is out of order or outside of bytes %d to %d",
				a.Source, a.Trial, p.Name, p.Offset, p.Index, a.From, a.To)
		}
		last = p
	}
	return nil
}

// Source is how far one output of an attempt was read.
type Source struct {
	Attempt   int
	Key       string
	Epoch     int
	Position  int64 // everything before is recorded
	Points    int64 // number of points recorded
	Summaries map[string]metrics.Summary
}

// PointQuery selects points of a trial.
type PointQuery struct {
	Attempt int    // 0 means all attempts
	Source  string // "" means all sources
	Metric  string // "" means all metrics
	After   int64  // only points beyond the first so many of each source (a Sample's Seq)
	Limit   int    // at most so many; 0 means all
}

// Sample is one recorded point and where it came from. Its time is kept to the millisecond.
type Sample struct {
	Attempt int
	Source  string
	Epoch   int
	Seq     int64 // from 1, counting the points of the source
	metrics.Point
}

// Event is one thing that happened, for people and for live views.
type Event struct {
	ID         int64 // given by the store, increasing
	Time       time.Time
	Experiment string // UID
	Trial      int    // number; 0 means the experiment as a whole
	Kind       string
	Message    string
}

// Batch is what one Write records: all of it or nothing.
type Batch struct {
	Experiment string             // UID
	Record     json.RawMessage    // nil leaves what is recorded
	Trials     []experiment.Trial // new or changed
	Appends    []Append           // to trials that are recorded or among Trials
	Events     []Event            // Experiment is filled in
}

// Errors of the store. They are wrapped in errors that say more.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrNotOwner = errors.New("only the process that owns the home may change trials")
	ErrTerminal = errors.New("a trial that is over stays over")
	ErrGap      = errors.New("points are missing in between")
	ErrClosed   = errors.New("the store is closed")
	ErrFull     = errors.New("the disk is full: nothing of this was recorded; free some space, then it goes on")
	ErrBusy     = errors.New("another process has been changing the store for too long; try again")
	ErrBroken   = errors.New("the store can no longer be written: what was acknowledged is safe; restart to go on")
)

// OwnedError says that another process runs experiments in this home.
type OwnedError struct{ Owner }

// Owner is the process that runs experiments in a home.
type Owner struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Command string    `json:"command"`
}

func (e *OwnedError) Error() string {
	if e.PID == 0 {
		return "another qalam runs experiments in this home; stop it first, or use another home"
	}
	return fmt.Sprintf("another qalam (pid %d on %s, since %s) runs experiments in this home; stop it first, or use another home",
		e.PID, e.Host, e.Started.Local().Format("2006-01-02 15:04:05"))
}

// NewerError says that a home was written by a newer version. The home was left as it was.
type NewerError struct {
	Path         string
	Found, Known int // schema versions
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has schema version %d, this qalam knows versions up to %d: use a newer qalam, or another home; nothing was changed",
		e.Path, e.Found, e.Known)
}

// CorruptError says that what is on disk is not what was written. Nothing was deleted.
type CorruptError struct {
	Path   string
	Detail string
	Backup string // the newest backup; "" when there is none
	Err    error
}

func (e *CorruptError) Error() string {
	backup := "there is no backup"
	if e.Backup != "" {
		backup = "the newest backup is " + e.Backup
	}
	return fmt.Sprintf("%s is damaged: %s; nothing was deleted; %s", e.Path, e.Detail, backup)
}

func (e *CorruptError) Unwrap() error { return e.Err }
