// Package experiment is the core: what an experiment and its trials are, and the pure functions that decide. Plan turns recorded
// state into actions, Observe turns points into an observation, Conclude turns the end of an attempt into the trial's next state,
// Summarize turns state into a status. It knows no clock, no file, no process and no Kubernetes; time is an argument.
package experiment
