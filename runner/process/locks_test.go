package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/resources"
	"qalam/workload"
)

var capacityOfTests = resources.Capacity{MilliCPU: 1000, Memory: 1 << 30, Devices: []provision.Device{{Resource: "nvidia.com/gpu", ID: "0"}, {Resource: "nvidia.com/gpu", ID: "1"}}}

// listening is a trial that asks for a port and an accelerator.
func listening(trial, text string) runner.Task {
	one := script(trial, text)
	c := &one.Job.Pods[0].Spec.Containers[0]
	c.Ports = []workload.ContainerPort{{ContainerPort: 7777}}
	c.Resources.Limits = map[string]workload.Quantity{"nvidia.com/gpu": "1"}
	return one
}

// What a trial was given stays its own when its engine is killed: another engine gets other ports and accelerators, until the trial
// has ended.
func TestLocksOutliveTheEngine(t *testing.T) {
	home, locks := t.TempDir(), t.TempDir()
	cmd, out := engine(t, home, provision.Plain, 1, `ls -l /proc/self/fd; while :; do sleep 0.1; done`, "LOCKS="+locks)
	if !out.Scan() || !strings.HasPrefix(out.Text(), "runs ") {
		t.Fatalf("the engine says %q", out.Text())
	}
	cmd.Process.Kill()
	cmd.Wait()
	pool := func() *resources.Pool {
		p, err := resources.New(resources.Options{Capacity: capacityOfTests, Locks: locks})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	other, stranger := pool(), listening("stranger", "")
	beside, err := other.Acquire(t.Context(), stranger, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, home, provision.Plain, func(o *Options) { o.Pool = pool() })
	one := listening("t0", "")
	b.start(one)
	b.untilRunning(one.ID)
	had := b.attempt(one.ID).grant
	if had.Ports["pod/7777"] == 0 || had.Ports["pod/7777"] == beside.Ports["pod/7777"] || had.Devices["pod/main"][0] == beside.Devices["pod/main"][0] {
		t.Errorf("the trial has %v and %v, another engine got %v and %v", had.Ports, had.Devices, beside.Ports, beside.Devices)
	}
	if log := b.log(one.ID, "pod/main/0.log"); strings.Contains(log, locks) {
		t.Errorf("containers inherit the locks:\n%s", log)
	}
	b.Stop(one.ID, 0)
	b.untilEnded(one.ID)
	last := listening("last", "")
	after, err := other.Acquire(t.Context(), last, true, nil)
	if err != nil || after.Devices["pod/main"][0] != had.Devices["pod/main"][0] {
		t.Errorf("after the trial's end another engine gets %v, %v", after, err)
	}
	other.Release(stranger.ID)
	other.Release(last.ID)
	if left, _ := filepath.Glob(filepath.Join(locks, "*")); len(left) > 0 {
		t.Errorf("locks were left: %v", left)
	}
	if _, err := os.Stat(locks); err != nil {
		t.Error(err)
	}
}
