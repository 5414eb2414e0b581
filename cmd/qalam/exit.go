package main

import (
	"errors"
	"fmt"

	"qalam/spec"
	"qalam/store"
)

// The exit codes. They are documented by exitCodesText and never change their meaning.
const (
	exitSucceeded   = 0
	exitInternal    = 1
	exitUsage       = 2
	exitFailed      = 3
	exitNoMetric    = 4
	exitTimeout     = 5
	exitNotFound    = 6
	exitConflict    = 7
	exitInterrupted = 130
	exitTerminated  = 143
)

const exitCodesText = `Exit codes of qalam:

    0  done; of run, resume and tune: the experiment has succeeded
    1  internal error
    2  bad usage, or an invalid Experiment or image map
    3  the experiment has failed (maxFailedTrialCount, or its algorithm)
    4  the experiment has finished without a usable value of its objective
    5  --timeout was reached; the experiment can be resumed
    6  there is no such experiment, trial or log
    7  conflict: the name is taken, or another qalam runs experiments in this home
  130  interrupted (Ctrl-C); the experiment can be resumed
  143  terminated (SIGTERM, SIGHUP); its trials run on, and resume takes charge of them
`

// exitError is an error with the exit code that it leads to. Without an error in it there is nothing more to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit makes an error that leads to an exit code.
func exit(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// silent leads to an exit code for which all has been said.
func silent(code int) error {
	if code == exitSucceeded {
		return nil
	}
	return &exitError{code: code}
}

func usage(format string, args ...any) error { return exit(exitUsage, format, args...) }

// exitCode is the one place where errors become exit codes.
func exitCode(err error) int {
	var own *exitError
	var faults spec.Faults
	var owned *store.OwnedError
	switch {
	case err == nil:
		return exitSucceeded
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &faults):
		return exitUsage
	case errors.Is(err, store.ErrNotFound):
		return exitNotFound
	case errors.As(err, &owned), errors.Is(err, store.ErrExists):
		return exitConflict
	}
	return exitInternal
}
