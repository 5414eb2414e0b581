package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/spec"
	"qalam/store"
	"qalam/store/storetest"
	"qalam/suggest"
	"qalam/workload"
)

// play is what a trial does in a test: what it prints, how long it takes and how it ends.
type play struct {
	log    string        // printed a line at a time, evenly over took
	took   time.Duration // until it ends by itself; 0 means at once
	code   int           // exit code
	lost   bool          // its supervisor goes away instead
	refuse string        // Start fails with this
}

// stage is a runner that plays: it keeps time and logs, and starts no process. What it knows outlives an engine, as files do.
type stage struct {
	script  func(task runner.Task) play
	reports chan runner.Report

	mu      sync.Mutex
	acts    map[runner.ID]*act
	starts  []runner.ID // every attempt that really began, in order
	stops   []runner.ID
	trims   []int64 // up to where logs were trimmed
	live    int
	most    int // attempts live at once
	stopped chan struct{}
}

type act struct {
	task    runner.Task
	log     []byte
	stop    chan struct{}
	once    sync.Once
	last    runner.Report
	aborted bool
}

func newStage(script func(task runner.Task) play) *stage {
	return &stage{script: script, reports: make(chan runner.Report, 1024), acts: map[runner.ID]*act{}, stopped: make(chan struct{})}
}

func (s *stage) Start(_ context.Context, task runner.Task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.acts[task.ID]; a != nil { // adopted
		last := a.last
		go func() { s.reports <- last }()
		return nil
	}
	p := s.script(task)
	if p.refuse != "" {
		return fmt.Errorf("%s", p.refuse)
	}
	a := &act{task: task, stop: make(chan struct{})}
	s.acts[task.ID] = a
	s.starts = append(s.starts, task.ID)
	s.live++
	s.most = max(s.most, s.live)
	go s.perform(a, p)
	return nil
}

// perform is one attempt: it runs, prints and ends.
func (s *stage) perform(a *act, p play) {
	s.tell(a, status(a.task, func(c *workload.ContainerStatus) { c.Running = &workload.Running{StartedAt: time.Now()} }), workload.Active, false)
	lines := strings.SplitAfter(p.log, "\n")
	for _, line := range lines {
		select {
		case <-a.stop:
			s.mu.Lock()
			a.aborted = true
			s.mu.Unlock()
		case <-time.After(p.took / time.Duration(len(lines))):
			s.mu.Lock()
			a.log = append(a.log, line...)
			s.mu.Unlock()
			continue
		}
		break
	}
	code, phase := p.code, workload.Succeeded
	if a.aborted {
		code = 143
	}
	if code != 0 {
		phase = workload.Failed
	}
	s.mu.Lock()
	s.live--
	s.mu.Unlock()
	pods := status(a.task, func(c *workload.ContainerStatus) {
		c.Terminated = &workload.Terminated{ExitCode: code, Reason: "Completed", FinishedAt: time.Now()}
	})
	a.last.Lost = p.lost && !a.aborted
	s.tell(a, pods, phase, true)
}

func (s *stage) tell(a *act, pods []workload.PodStatus, phase workload.Phase, ended bool) {
	s.mu.Lock()
	a.last = runner.Report{
		ID: a.task.ID, Pods: pods, Verdict: workload.Verdict{Phase: phase, Reason: string(phase)}, Ended: ended,
		Lost: a.last.Lost, Stopped: a.aborted, At: time.Now(),
	}
	last := a.last
	s.mu.Unlock()
	select {
	case s.reports <- last:
	case <-s.stopped:
	}
}

// status makes the status of all pods of a task, with their containers as change has them.
func status(task runner.Task, change func(*workload.ContainerStatus)) []workload.PodStatus {
	var pods []workload.PodStatus
	for _, p := range task.Job.Pods {
		st := workload.PodStatus{Name: p.Name, Phase: workload.PodRunning}
		for _, c := range p.Spec.Containers {
			cs := workload.ContainerStatus{Name: c.Name}
			change(&cs)
			if t := cs.Terminated; t != nil {
				st.Phase = workload.PodSucceeded
				if t.ExitCode != 0 {
					st.Phase = workload.PodFailed
				}
			}
			st.Containers = append(st.Containers, cs)
		}
		pods = append(pods, st)
	}
	return pods
}

func (s *stage) Stop(id runner.ID, _ time.Duration) {
	s.mu.Lock()
	a := s.acts[id]
	s.stops = append(s.stops, id)
	s.mu.Unlock()
	if a != nil {
		a.once.Do(func() { close(a.stop) })
	}
}

func (s *stage) Reports() <-chan runner.Report { return s.reports }
func (s *stage) Release(runner.ID, bool) error { return nil }
func (s *stage) close()                        { close(s.stopped) }

func (s *stage) Outputs(id runner.ID, collect runner.Collect) ([]runner.Output, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.acts[id]
	if a == nil || collect.Kind != "StdOut" {
		return nil, nil
	}
	return []runner.Output{{Key: "pod/main/0.log", Kind: "text", Size: int64(len(a.log))}}, nil
}

func (s *stage) Trim(_ runner.ID, _ string, upTo int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trims = append(s.trims, upTo)
	return nil
}

func (s *stage) Logs(id runner.ID) ([]runner.Output, error) {
	return s.Outputs(id, runner.Collect{Kind: "StdOut"})
}

func (s *stage) ReadAt(id runner.ID, _ string, buf []byte, offset int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.acts[id]
	if a == nil || offset >= int64(len(a.log)) {
		return 0, io.EOF
	}
	n := copy(buf, a.log[offset:])
	if offset+int64(n) == int64(len(a.log)) {
		return n, io.EOF
	}
	return n, nil
}

// document is an Experiment over one integer that is minimised; more is added to its spec.
func document(more string) string {
	return `apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: e, namespace: n}
spec:
  objective: {type: minimize, objectiveMetricName: loss}
  algorithm: {algorithmName: grid}
  parameters:
  - {name: x, parameterType: int, feasibleSpace: {min: "1", max: "100"}}
  trialTemplate:
    primaryContainerName: main
    trialParameters: [{name: x, reference: x}]
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            restartPolicy: Never
            containers: [{name: main, image: i, command: [train, "--x=${trialParameters.x}"]}]
` + more
}

// read reads an Experiment and puts it into a store.
func read(t *testing.T, st storetest.Store, yaml string) Experiment {
	t.Helper()
	x, faults := spec.Load([]spec.File{{Name: "e.yaml", Data: []byte(yaml)}}, spec.Options{Registry: suggest.Builtin()})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	rec := store.Experiment{UID: "uid-1", Namespace: "n", Name: "e", Source: x.Source, Seed: 7, Created: time.Now()}
	if err := st.Create(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return Experiment{Record: rec, Spec: x}
}

// trials lists what the store holds.
func trials(t *testing.T, st storetest.Store) []experiment.Trial {
	t.Helper()
	var out []experiment.Trial
	for tr, err := range st.Trials(t.Context(), "uid-1", store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, tr)
	}
	slices.SortFunc(out, func(a, b experiment.Trial) int { return a.Number - b.Number })
	return out
}
