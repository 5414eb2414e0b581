package workload

import (
	"errors"
	"fmt"
)

// A SpecError says what is wrong with a rendered job, where, and what to do.
type SpecError struct {
	Path    string // of the field, as in spec.pytorchReplicaSpecs.Master.replicas
	Problem string
	Fix     string
}

func (e *SpecError) Error() string {
	s := e.Problem
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.Fix != "" {
		s += ": " + e.Fix
	}
	return s
}

// A KindError says that a kind of job cannot be run by Qalam itself.
type KindError struct {
	APIVersion, Kind string
	Why              string // "" when the kind is simply not known
}

func (e *KindError) Error() string {
	what := fmt.Sprintf("%s %s", e.APIVersion, e.Kind)
	if e.APIVersion == "" {
		what = e.Kind
	}
	why := e.Why
	if why == "" {
		why = "Qalam does not know which pods it stands for; a cluster that has its controller does"
	}
	return fmt.Sprintf("jobs of kind %s cannot run on this machine (%s): run the experiment with --runner kubernetes, "+
		"or use one of the kinds Job, PyTorchJob, TFJob, MPIJob, XGBoostJob, PaddleJob, JAXJob, TrainJob and Pod", what, why)
}

// tooMany is how many faults of one object are told at once.
const tooMany = 50

// reader collects what is found while a job is read.
type reader struct {
	faults []error
	notes  []string
	noted  map[string]bool
}

func (r *reader) fault(path, fix, problem string, args ...any) {
	if len(r.faults) < tooMany {
		r.faults = append(r.faults, &SpecError{Path: path, Problem: fmt.Sprintf(problem, args...), Fix: fix})
	}
}

func (r *reader) note(path, text string, args ...any) {
	note := path + ": " + fmt.Sprintf(text, args...)
	if r.noted == nil {
		r.noted = map[string]bool{}
	}
	if !r.noted[note] {
		r.noted[note] = true
		r.notes = append(r.notes, note)
	}
}

func (r *reader) err() error { return errors.Join(r.faults...) }
