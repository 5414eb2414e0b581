package check

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program builds qalam and the example that is a Go program, and returns qalam's path.
func program(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, target := range []string{filepath.Join(dir, "qalam") + " ../../cmd/qalam", "../../bin/go-trial ../go-trial"} {
		out, pkg, _ := strings.Cut(target, " ")
		if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, text)
		}
	}
	return filepath.Join(dir, "qalam")
}

// status is what a test looks at of an Experiment as Katib would hold it.
type status struct {
	Status struct {
		Trials              int
		TrialsSucceeded     int
		TrialsEarlyStopped  int
		CurrentOptimalTrial struct {
			ParameterAssignments []struct{ Name, Value string }
			Observation          struct {
				Metrics []struct{ Name, Min, Max, Latest string }
			}
		}
	}
}

// TestExamples runs every example from its YAML, as the README of the examples says, and looks at what came out.
func TestExamples(t *testing.T) {
	qalam := program(t)
	for _, e := range []struct {
		file              string
		trials, stopped   int // stopped: at least so many stopped early
		metric, parameter string
		torch             bool
		first             string // an example to run before it in the same home
	}{
		{file: "tune/experiment.yaml", trials: 6, metric: "loss", parameter: "opt"},
		{file: "go-trial/experiment.yaml", trials: 6, metric: "loss", parameter: "hidden"},
		{file: "json-early-stopping/experiment.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "tensorboard/experiment.yaml", trials: 4, metric: "accuracy", parameter: "batchSize"},
		{file: "tfjob/experiment.yaml", trials: 4, metric: "loss", parameter: "lr"},
		{file: "mpijob/experiment.yaml", trials: 4, metric: "loss", parameter: "lr"},
		{file: "push/experiment.yaml", trials: 4, metric: "loss", parameter: "lr"},
		{file: "enas-digits/experiment.yaml", trials: 8, metric: "accuracy", parameter: "nn_config"},
		{file: "darts-digits/experiment.yaml", trials: 1, metric: "accuracy", parameter: "search-space"},
		{file: "multi-fidelity/hyperband.yaml", trials: 16, metric: "loss", parameter: "epochs"},
		{file: "multi-fidelity/asha.yaml", trials: 16, metric: "loss", parameter: "epochs"},
		{file: "multi-fidelity/pasha.yaml", trials: 16, metric: "loss", parameter: "epochs"},
		{file: "multi-fidelity/bohb.yaml", trials: 16, metric: "loss", parameter: "epochs"},
		{file: "multi-fidelity/dehb.yaml", trials: 16, metric: "loss", parameter: "epochs"},
		{file: "multi-fidelity/freezethaw.yaml", trials: 16, metric: "loss", parameter: "epochs"},
		{file: "pbt/experiment.yaml", trials: 20, metric: "loss", parameter: "momentum"},
		{file: "pbt/pb2.yaml", trials: 20, metric: "loss", parameter: "momentum"},
		{file: "early-stopping/stop-percentile.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "early-stopping/stop-asha.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "early-stopping/stop-hyperband.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "early-stopping/stop-patience.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "early-stopping/stop-threshold.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "early-stopping/stop-wilcoxon.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "early-stopping/stop-curve.yaml", trials: 6, stopped: 1, metric: "loss", parameter: "lr"},
		{file: "search/conditional.yaml", trials: 8, metric: "loss", parameter: "opt"},
		{file: "search/constrained.yaml", trials: 8, metric: "loss", parameter: "batch-size"},
		{file: "search/two-objectives.yaml", trials: 10, metric: "loss", parameter: "pixels"},
		{file: "search/many-objectives.yaml", trials: 12, metric: "loss", parameter: "epochs"},
		{file: "search/forest.yaml", trials: 8, metric: "loss", parameter: "batch-size"},
		{file: "search/warm-start.yaml", trials: 6, metric: "loss", parameter: "momentum", first: "search/conditional.yaml"},
		{file: "pytorchjob-mnist.yaml", trials: 12, metric: "loss", parameter: "momentum", torch: true},
	} {
		t.Run(e.file, func(t *testing.T) {
			if e.torch {
				if err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import torch").Run(); err != nil {
					t.Skip("PyTorch is not installed: make deps")
				}
			}
			home := t.TempDir()
			if e.first != "" {
				run(t, qalam, "run", "../"+e.first, "--images", "../images.yaml", "--home", home)
			}
			run(t, qalam, "run", "../"+e.file, "--images", "../images.yaml", "--home", home)
			name := strings.TrimSuffix(filepath.Base(e.file), ".yaml")
			if name == "experiment" {
				name = filepath.Dir(e.file)
			}
			var x status
			if err := json.Unmarshal(run(t, qalam, "get", name, "-o", "json", "--home", home), &x); err != nil {
				t.Fatal(err)
			}
			s := x.Status
			if s.Trials != e.trials || s.TrialsSucceeded+s.TrialsEarlyStopped != e.trials || s.TrialsEarlyStopped < e.stopped {
				t.Errorf("%d trials, %d succeeded, %d stopped early; want %d, at least %d of them stopped early",
					s.Trials, s.TrialsSucceeded, s.TrialsEarlyStopped, e.trials, e.stopped)
			}
			best := s.CurrentOptimalTrial
			if m := best.Observation.Metrics; len(m) == 0 || m[0].Name != e.metric || m[0].Latest == "unavailable" {
				t.Errorf("observation %+v has no %s", m, e.metric)
			}
			found := false
			for _, a := range best.ParameterAssignments {
				found = found || a.Name == e.parameter && a.Value != ""
			}
			if !found {
				t.Errorf("assignments %v have no %s", best.ParameterAssignments, e.parameter)
			}
		})
	}
}

// run runs qalam and returns what it printed on stdout.
func run(t *testing.T, qalam string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), qalam, args...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("qalam %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out
}
