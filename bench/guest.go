package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"qalam/runner/shim"
)

// guest is a child process with an engine, so that its memory and its processor time are its own.
type guest struct {
	cmd        *exec.Cmd
	in         io.WriteCloser
	began      time.Duration // boot time at which the process was started
	milestones chan milestone
	errors     *tailWriter
}

// engine starts a child with an order.
func (b *bench) engine(o order) (*guest, error) {
	if b.profile != "" && o.Profile == "" {
		b.made++
		o.Profile = filepath.Join(b.profile, fmt.Sprintf("engine-%d.pprof", b.made))
	}
	var err error
	if o.Programs, err = b.programs(); err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &guest{cmd: exec.Command(exe), milestones: make(chan milestone, 100), errors: &tailWriter{}}
	g.cmd.Env = append(os.Environ(), roleVariable+"=engine")
	g.cmd.Stderr = g.errors
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.began = shim.Boottime()
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(g.milestones)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var m milestone
			if json.Unmarshal(lines.Bytes(), &m) == nil {
				g.milestones <- m
			}
		}
	}()
	return g, json.NewEncoder(g.in).Encode(o)
}

// wait returns the next milestone of a name; the others are collected in between.
func (g *guest) wait(b *bench, name string, others func(milestone)) (milestone, error) {
	for {
		select {
		case m, ok := <-g.milestones:
			if !ok {
				err := g.cmd.Wait()
				return m, fmt.Errorf("the engine ended before it told of %q (%w): %s", name, errors.Join(err), g.errors.text)
			}
			if m.Name == name {
				return m, nil
			}
			if others != nil {
				others(m)
			}
		case <-b.ctx.Done():
			g.end()
			return milestone{}, b.ctx.Err()
		}
	}
}

// end has the engine stop its trials and waits for it.
func (g *guest) end() error {
	g.in.Close() // what a child that nobody listens to does: see host
	for range g.milestones {
	}
	if err := g.cmd.Wait(); err != nil {
		return fmt.Errorf("the engine: %w: %s", err, g.errors.text)
	}
	return nil
}

// kill ends the engine as a crash would.
func (g *guest) kill() error {
	if err := g.cmd.Process.Kill(); err != nil {
		return err
	}
	for range g.milestones {
	}
	g.cmd.Wait() // it was killed
	return nil
}

// cores is how many processors the engine uses over a while.
func (g *guest) cores(window time.Duration) (float64, error) {
	before, err := ticks(g.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	time.Sleep(window)
	after, err := ticks(g.cmd.Process.Pid)
	const perSecond = 100 // of clock ticks, on every architecture that Go knows
	return float64(after-before) / perSecond / time.Since(begin).Seconds(), err
}

// ticks is the processor time of a process: fields 14 and 15 of its stat file.
func ticks(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return user + system, err
}

// tailWriter keeps the end of what is written.
type tailWriter struct{ text []byte }

func (w *tailWriter) Write(p []byte) (int, error) {
	const keep = 4 << 10
	w.text = append(w.text, p...)
	w.text = w.text[max(0, len(w.text)-keep):]
	return len(p), nil
}

// document describes an Experiment of Jobs with one container.
type document struct {
	name          string
	trials, width int
	command       []string
	env           map[string]string
}

// yaml writes the Experiment. JSON is YAML.
func (d document) yaml() []byte {
	env := []any{map[string]any{"name": "X", "value": "${trialParameters.x}"}}
	for name, value := range d.env {
		env = append(env, map[string]any{"name": name, "value": value})
	}
	type m = map[string]any
	text, err := json.Marshal(m{
		"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": m{"name": d.name, "namespace": "bench"},
		"spec": m{
			"parallelTrialCount": d.width, "maxTrialCount": d.trials,
			"objective":  m{"type": "minimize", "objectiveMetricName": "loss"},
			"algorithm":  m{"algorithmName": "random"},
			"parameters": []any{m{"name": "x", "parameterType": "double", "feasibleSpace": m{"min": "0", "max": "1"}}},
			"trialTemplate": m{
				"primaryContainerName": "main",
				"trialParameters":      []any{m{"name": "x", "reference": "x"}},
				"trialSpec": m{"apiVersion": "batch/v1", "kind": "Job", "spec": m{"template": m{"spec": m{
					"restartPolicy": "Never",
					"containers":    []any{m{"name": "main", "image": "bench", "command": d.command, "env": env}},
				}}}},
			},
		},
	})
	if err != nil {
		panic(err) // it holds nothing that cannot be written
	}
	return text
}
