// Package check runs the examples' scripts by themselves, with the environment that their job kinds would set.
package check

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// script returns the command that runs a Python script of the examples with more variables in its environment.
func script(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", args...)
	cmd.Dir = ".."
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}, env...)
	return cmd
}

// together runs commands at the same time and returns what each printed.
func together(t *testing.T, cmds ...*exec.Cmd) []string {
	t.Helper()
	outs, errs := make([]strings.Builder, len(cmds)), make([]strings.Builder, len(cmds))
	for i, cmd := range cmds {
		cmd.Stdout, cmd.Stderr = &outs[i], &errs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	texts := make([]string, len(cmds))
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, &errs[i])
		}
		texts[i] = outs[i].String()
	}
	return texts
}

// metricLine is the shape that Katib's default filter and its timestamps ask for.
var metricLine = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z epoch=\d+ loss=(\d+\.\d+) accuracy=0\.\d+$`)

// losses returns the losses printed, and fails unless there are as many as epochs and they fall.
func losses(t *testing.T, text string, epochs int) []string {
	t.Helper()
	var found []string
	last := 1e9
	for _, match := range metricLine.FindAllStringSubmatch(text, -1) {
		loss, err := strconv.ParseFloat(match[1], 64)
		if err != nil || loss >= last {
			t.Errorf("the loss goes from %g to %s", last, match[1])
		}
		last = loss
		found = append(found, match[1])
	}
	if len(found) != epochs {
		t.Errorf("%d lines of metrics, want %d:\n%s", len(found), epochs, text)
	}
	return found
}

// ports returns free ports on 127.0.0.1.
func ports(t *testing.T, count int) []int {
	t.Helper()
	found := make([]int, count)
	for i := range found {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		found[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return found
}

func TestTune(t *testing.T) {
	for _, opt := range []string{"sgd", "adam"} {
		run := func() *exec.Cmd { return script(t, nil, "tune/train.py", "--lr=0.02", "--opt="+opt) }
		texts := together(t, run(), run())
		first, second := losses(t, texts[0], 3), losses(t, texts[1], 3)
		if strings.Join(first, " ") != strings.Join(second, " ") {
			t.Errorf("%s: two runs with one seed differ: %s and %s", opt, first, second)
		}
	}
}

func TestMultiFidelity(t *testing.T) {
	run := func(epochs string) *exec.Cmd {
		return script(t, nil, "multi-fidelity/train.py", "--lr=0.3", "--epochs="+epochs)
	}
	texts := together(t, run("2"), run("4"))
	if short, long := losses(t, texts[0], 2), losses(t, texts[1], 4); !slices.Equal(short, long[:2]) {
		t.Errorf("a longer run begins otherwise: %s and %s", short, long)
	}
}

// TestPBT trains two stretches of one epoch from a checkpoint: as good as one of two.
func TestPBT(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	run := func(dir, epochs string) string {
		return together(t, script(t, nil, "pbt/train.py", "--lr=0.1", "--momentum=0.5", "--epochs="+epochs, "--checkpoint="+dir))[0]
	}
	first, second := losses(t, run(one, "1"), 1), run(one, "1")
	if !strings.Contains(second, "goes on after epoch 1") || !strings.Contains(second, "epoch=2 ") {
		t.Errorf("the second stretch prints %s", second)
	}
	if both := losses(t, run(two, "2"), 2); first[0] != both[0] || losses(t, second, 1)[0] != both[1] {
		t.Errorf("two stretches: %s and %s; at once: %s", first, second, both)
	}
}

func TestJSONMetrics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "katib", "metrics.json")
	together(t, script(t, []string{"EPOCH_SECONDS=0"}, "json-early-stopping/train.py", "--lr=0.3", "--epochs=4", "--metrics="+path))
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	epochs := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		epochs++
		var line map[string]string // Katib's collector takes strings only
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if _, err := strconv.ParseFloat(line["loss"], 64); err != nil || line["epoch"] != strconv.Itoa(epochs) || line["timestamp"] == "" {
			t.Errorf("line %d is %v", epochs, line)
		}
	}
	if epochs != 4 {
		t.Errorf("%d lines, want 4", epochs)
	}
}

func TestTensorBoardEvents(t *testing.T) {
	directory := t.TempDir()
	together(t, script(t, nil, "tensorboard/train.py", "--lr=0.5", "--epochs=3", "--log-dir="+directory))
	files, err := filepath.Glob(filepath.Join(directory, "events.out.tfevents.*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("event files %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	masked := func(b []byte) uint32 {
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	records := 0
	for ; len(data) > 0; records++ {
		if len(data) < 12 || binary.LittleEndian.Uint32(data[8:]) != masked(data[:8]) {
			t.Fatalf("record %d: the length is damaged", records)
		}
		size := binary.LittleEndian.Uint64(data)
		event := data[12 : 12+size]
		if binary.LittleEndian.Uint32(data[12+size:]) != masked(event) {
			t.Fatalf("record %d: the event is damaged", records)
		}
		want := "\x0a\x04loss\x15"
		if records == 0 {
			want = "brain.Event:2"
		}
		if !strings.Contains(string(event), want) {
			t.Errorf("record %d: %q does not hold %q", records, event, want)
		}
		data = data[12+size+4:]
	}
	if records != 4 {
		t.Errorf("%d records, want the version and 3 epochs", records)
	}
}

func TestTFJob(t *testing.T) {
	p := ports(t, 3)
	task := func(kind string) *exec.Cmd {
		config := fmt.Sprintf(`TF_CONFIG={"cluster":{"chief":["127.0.0.1:%d"],"ps":["127.0.0.1:%d"],"worker":["127.0.0.1:%d"]},`+
			`"task":{"type":%q,"index":0},"environment":"cloud"}`, p[0], p[1], p[2], kind)
		return script(t, []string{config}, "tfjob/train.py", "--lr=0.3", "--timeout=20")
	}
	texts := together(t, task("chief"), task("worker"), task("ps"))
	losses(t, texts[0], 2)
	if texts[1] != "" {
		t.Errorf("the worker prints %q, want nothing", texts[1])
	}
	if want := "46 steps with gradients of 2 tasks\n"; texts[2] != want {
		t.Errorf("the parameter server prints %q, want %q", texts[2], want)
	}
}

func TestMPIJob(t *testing.T) {
	directory := t.TempDir()
	agent, hosts, started := filepath.Join(directory, "agent"), filepath.Join(directory, "hosts"), filepath.Join(directory, "started")
	for path, text := range map[string]string{
		agent: "#!/bin/sh\nhost=$1; shift; echo $host >>" + started + "; exec /bin/sh -c \"$*\"\n",
		hosts: "j-worker-0 slots=1\nj-worker-1 slots=2\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"OMPI_MCA_plm_rsh_agent=" + agent, "OMPI_MCA_orte_default_hostfile=" + hosts}
	losses(t, together(t, script(t, env, "mpijob/launcher.py", "--lr=0.3"))[0], 2)
	text, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), "j-worker-0\n") != 1 || strings.Count(string(text), "j-worker-1\n") != 2 {
		t.Errorf("ranks were started on\n%swant one on j-worker-0 and two on j-worker-1", text)
	}
	if err := os.WriteFile(agent, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused := script(t, env, "mpijob/launcher.py", "--lr=0.3")
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "rank 0 on j-worker-0 ended with status 3") {
		t.Errorf("with an agent that fails: %v\n%s", err, out)
	}
}

func TestPyTorch(t *testing.T) {
	if err := script(t, nil, "-c", "import torch").Run(); err != nil {
		t.Skip("PyTorch is not installed: apt-get install python3-torch")
	}
	args := []string{"pytorch-mnist/mnist.py", "--epochs=2", "--batch-size=16", "--lr=0.05", "--momentum=0.7"}
	rank := func(rank, port int) *exec.Cmd {
		env := []string{"MASTER_ADDR=127.0.0.1", fmt.Sprint("MASTER_PORT=", port), "WORLD_SIZE=2", fmt.Sprint("RANK=", rank)}
		return script(t, env, args...)
	}
	p := ports(t, 2)
	var runs []string
	for _, port := range p {
		texts := together(t, rank(1, port), rank(0, port))
		if texts[0] != "" {
			t.Errorf("rank 1 prints %q, want nothing", texts[0])
		}
		runs = append(runs, strings.Join(losses(t, texts[1], 2), " "))
		if !strings.Contains(texts[1], " batch=20/45 train_loss=") {
			t.Errorf("no progress in\n%s", texts[1])
		}
	}
	if runs[0] != runs[1] {
		t.Errorf("two runs with one seed differ: %s and %s", runs[0], runs[1])
	}
	losses(t, together(t, script(t, nil, args...))[0], 2)
	losses(t, together(t, script(t, nil, append(args, "--data=check/testdata/idx")...))[0], 2)
	out, err := script(t, nil, append(args, "--data=tune")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "tune holds no MNIST files") || strings.Contains(string(out), "Traceback") {
		t.Errorf("with a directory without images: %v\n%s", err, out)
	}
}
