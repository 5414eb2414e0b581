package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qalam/engine"
	"qalam/experiment"
	"qalam/runner"
	"qalam/runner/process"
	"qalam/runner/provision"
	"qalam/runner/resources"
)

// machine is this machine as trials see it.
type machine struct {
	setup       setup
	program     process.Program
	isolation   process.Isolation
	pool        *resources.Pool
	provisioner *provision.Provisioner
	capacity    resources.Capacity
}

// look finds out what this machine offers to trials. dir is a folder to try things in. parallel says how many trials of an
// experiment share the machine.
func (s setup) look(ctx context.Context, dir string, parallel int) (*machine, error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	m := &machine{setup: s}
	if exe, err := os.Executable(); err == nil {
		m.program = process.FindProgram(filepath.Dir(exe))
	}
	switch s.Tier {
	case string(provision.Plain):
		m.isolation = process.Isolation{Tier: provision.Plain, Why: "asked for by --tier plain"}
	default:
		m.isolation = process.Detect(dir, m.program)
		if s.Tier == string(provision.Namespaces) && m.isolation.Tier != provision.Namespaces {
			return nil, usage("--tier namespaces: this machine has %s; leave the flag out to run trials in the plain tier", m.isolation.Why)
		}
	}
	m.capacity = resources.Detect(ctx, resources.Overrides{CPUs: s.CPUs, Memory: s.Memory, GPUs: s.GPUs})
	groups, _ := resources.FindGroups() // none is what the pool then says of its mode
	if m.pool, err = resources.New(resources.Options{Capacity: m.capacity, ShareGPU: s.ShareGPU, Groups: groups}); err != nil {
		return nil, err
	}
	node, err := os.Hostname()
	if err != nil {
		node = "localhost"
	}
	m.provisioner = provision.New(provision.Options{
		Config: config, Tier: m.isolation.Tier, Home: dir, Environ: os.Environ(), Node: node,
		Cores: max(1, int(m.capacity.MilliCPU/1000)), Memory: m.capacity.Memory,
		Parallel: func(string) int { return max(1, parallel) },
		Layers:   m.isolation.Layers, OwnTmp: true, HostPaths: s.HostPaths,
	})
	return m, nil
}

// check says why a trial can never run here.
func (m *machine) check(task runner.Task) error {
	if err := errors.Join(m.provisioner.Check(task), m.pool.Check(task)); err != nil {
		return &exitError{exitUsage, fmt.Errorf("the trials cannot run on this machine:\n%s", indent(err.Error()))}
	}
	return nil
}

// start makes the runner.
func (m *machine) start(home string) (*process.Runner, error) {
	return process.New(process.Options{
		Home: home, Isolation: m.isolation, Program: m.program, HostNetwork: m.setup.HostNetwork, Pool: m.pool, Provisioner: m.provisioner,
	})
}

// tier says in a line how trials are kept apart.
func (m *machine) tier() string {
	var parts []string
	switch {
	case m.isolation.Tier == provision.Plain:
		parts = append(parts, "plain tier, ports and paths are rewritten")
	case m.setup.HostNetwork:
		parts = append(parts, "namespaces tier, with this machine's network")
	default:
		parts = append(parts, "namespaces tier, a network for each trial")
	}
	if m.isolation.Why != "" {
		parts = append(parts, m.isolation.Why)
	}
	return strings.Join(append(parts, m.pool.Mode()), "; ")
}

// sample is a trial to look at before there is any: the first one the algorithm would suggest.
func sample(x engine.Experiment, s *experiment.State, count int) ([]experiment.Trial, error) {
	algorithm := s.Spec.Algorithm
	suggester, err := registry().NewSuggester(algorithm.Name, s.Spec.Problem(), algorithm.Settings)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	suggestions, err := suggester.Ask(1, count)
	if err != nil && len(suggestions) == 0 {
		return nil, &exitError{exitUsage, fmt.Errorf("algorithm %s: %w", algorithm.Name, err)}
	}
	trials := make([]experiment.Trial, len(suggestions))
	for i, g := range suggestions {
		trials[i] = experiment.NewTrial(s.Spec, x.Record.UID, i+1, g, x.Record.Created)
	}
	return trials, nil
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
