package resources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"qalam/runner"
	"qalam/runner/process"
	"qalam/runner/provision"
	"qalam/workload"
)

var (
	_ process.Pool        = (*Pool)(nil)
	_ process.Provisioner = (*provision.Provisioner)(nil)
)

type res = map[string]workload.Quantity

// task is a job of pods that each have one container with these requests.
func task(name string, pods ...res) runner.Task {
	job := &workload.Job{Kind: "PyTorchJob", Name: name}
	for i, r := range pods {
		job.Pods = append(job.Pods, workload.Pod{Name: fmt.Sprintf("%s-%d", name, i), Spec: workload.PodSpec{
			Containers: []workload.Container{{Name: "c", Resources: workload.Resources{Requests: r}}}}})
	}
	return runner.Task{ID: runner.ID{Experiment: "e", Trial: name, Attempt: 1}, Job: job}
}

func gpus(n int) []provision.Device {
	var all []provision.Device
	for i := range n {
		all = append(all, provision.Device{Resource: nvidia, ID: fmt.Sprintf("GPU-%d", i)})
	}
	return all
}

func pool(t testing.TB, o Options) *Pool {
	t.Helper()
	if o.Locks == "" {
		o.Locks = t.TempDir()
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheck(t *testing.T) {
	half := func(c workload.Container) runner.Task {
		j := task("t")
		j.Job.Pods = []workload.Pod{{Name: "p", Spec: workload.PodSpec{Containers: []workload.Container{c}}}}
		return j
	}
	parallel := task("t", res{"cpu": "3"}, res{"cpu": "3"}, res{"cpu": "3"})
	parallel.Job.Policy.Parallelism = 1
	both := half(workload.Container{Name: "c", Resources: workload.Resources{Limits: res{"cpu": "9"}, Requests: res{"cpu": "1"}}})
	init := half(workload.Container{Name: "c", Resources: workload.Resources{Requests: res{"cpu": "3"}}})
	init.Job.Pods[0].Spec.InitContainers = []workload.Container{{Name: "i", Resources: workload.Resources{Requests: res{"cpu": "4"}}}}
	sidecar := half(workload.Container{Name: "c", Resources: workload.Resources{Requests: res{"cpu": "3"}}})
	sidecar.Job.Pods[0].Spec.InitContainers = []workload.Container{{Name: "i", RestartPolicy: "Always", Resources: workload.Resources{Requests: res{"cpu": "2"}}}}
	for _, tc := range []struct {
		name  string
		task  runner.Task
		share bool
		want  string // "" means that it can run
	}{
		{"nothing", task("t", nil, nil), false, ""},
		{"fits exactly", task("t", res{"cpu": "2", "memory": "4Gi"}, res{"cpu": "2000m", "memory": "4Gi", nvidia: "1"}), false, ""},
		{"too many CPUs in all", task("t", res{"cpu": "3"}, res{"cpu": "1500m"}), false, "PyTorchJob t asks for 4.5 CPUs, this machine has 4: lower the pods' requests, or say --cpus 4.5"},
		{"too much memory", task("t", res{"memory": "9Gi"}), false, "asks for 9 GiB of memory, this machine has 8 GiB"},
		{"GPUs", task("t", res{nvidia: "2"}, res{nvidia: "1"}), false, "asks for 3 nvidia.com/gpu, this machine has 1: ask for fewer, or let containers share them (--share-gpu"},
		{"GPUs shared", task("t", res{nvidia: "1"}, res{nvidia: "1"}), true, ""},
		{"GPUs of one container", task("t", res{nvidia: "2"}), true, "asks for 2 nvidia.com/gpu, this machine has 1"},
		{"unknown resource", task("t", res{"rdma/hca": "1"}), false, "asks for 1 rdma/hca, this machine has none"},
		{"part of a device", task("t", res{nvidia: "0.5"}), false, "no whole number"},
		{"negative", task("t", res{"cpu": "-1"}), false, "negative"},
		{"unreadable", task("t", res{"cpu": "many"}), false, `container c: resources: cpu: "many" is no quantity`},
		{"huge", task("t", res{"cpu": "9E"}, res{"cpu": "9E"}), false, "CPUs, this machine has 4"},
		{"limit counts without request", half(workload.Container{Name: "c", Resources: workload.Resources{Limits: res{"cpu": "9"}}}), false, "asks for 9 CPUs"},
		{"request counts before limit", both, false, ""},
		{"storage is not counted", task("t", res{"ephemeral-storage": "1Ei"}), false, ""},
		{"pods one after the other", parallel, false, ""},
		{"init container before", init, false, ""},
		{"sidecar beside", sidecar, false, "asks for 5 CPUs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := pool(t, Options{Capacity: Capacity{MilliCPU: 4000, Memory: 8 << 30, Devices: gpus(1)}, ShareGPU: tc.share})
			err := p.Check(tc.task)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if _, acquired := p.Acquire(t.Context(), tc.task, false, nil); (acquired == nil) != (err == nil) {
				t.Errorf("Check says %v, Acquire %v", err, acquired)
			}
		})
	}
}

func TestReasonsAndOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool(t, Options{Capacity: Capacity{MilliCPU: 4000, Memory: 8 << 30, Devices: gpus(1)}})
		ctx := t.Context()
		var mu sync.Mutex
		reasons, got := map[string]string{}, []string{}
		acquire := func(task runner.Task) {
			go func() {
				if _, err := p.Acquire(ctx, task, false, func(r string) {
					mu.Lock()
					defer mu.Unlock()
					reasons[task.ID.Trial] = r
				}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, task.ID.Trial)
			}()
			synctest.Wait()
		}
		want := func(trial, reason string) {
			t.Helper()
			if reasons[trial] != reason {
				t.Errorf("%s: %q, want %q", trial, reasons[trial], reason)
			}
		}
		a, b := task("a", res{"cpu": "1"}, res{"cpu": "2"}), task("b", res{"cpu": "1", nvidia: "1"})
		acquire(a)
		acquire(b)
		big, small, none := task("big", res{"cpu": "2"}), task("small", res{"memory": "1Gi"}), task("none", nil)
		acquire(big)
		acquire(small)
		acquire(none)
		want("big", "waiting for 2 CPUs: 4 of 4 are taken by a, b")
		want("small", "in line behind big, which is waiting for 2 CPUs: 4 of 4 are taken by a, b")
		p.Release(b.ID)
		synctest.Wait()
		want("big", "waiting for 2 CPUs: 3 of 4 are taken by a")
		p.Release(a.ID)
		synctest.Wait()
		slices.Sort(got[3:]) // both at once
		if order := strings.Join(got, " "); order != "a b none big small" {
			t.Errorf("served in the order %s", order)
		}
		g1, g2 := task("g1", res{nvidia: "1"}), task("g2", res{nvidia: "1"})
		acquire(g1)
		acquire(g2)
		want("g2", "waiting for 1 nvidia.com/gpu: 1 of 1 are taken by g1")
		m := task("m", res{"memory": "8Gi"})
		p.Release(g1.ID)
		synctest.Wait()
		acquire(m)
		want("m", "waiting for 8 GiB of memory: 1 GiB of 8 GiB are taken by small")
		p.Release(small.ID)
		synctest.Wait()
	})
}

func TestAbandon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool(t, Options{Capacity: Capacity{MilliCPU: 1000}})
		first, second, third := task("a", res{"cpu": "1"}), task("b", res{"cpu": "1"}), task("c", res{"cpu": "1"})
		if _, err := p.Acquire(t.Context(), first, false, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { _, err := p.Acquire(ctx, second, false, nil); done <- err }()
		synctest.Wait()
		go func() { _, err := p.Acquire(t.Context(), third, false, nil); done <- err }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		p.Release(first.ID)
		if err := <-done; err != nil {
			t.Errorf("who stood behind got %v", err)
		}
	})
}

// Whatever tasks come, leave and go in whatever order: no more is given out than there is, a task gets all its pods ask for or
// nothing, devices belong to one container each, and nobody who takes something is served before one who came earlier.
func TestAdmission(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		capacity := Capacity{MilliCPU: 4000, Memory: 4 << 30, Devices: gpus(3)}
		p, err := New(Options{Capacity: capacity, Locks: dir})
		if err != nil {
			rt.Fatal(err)
		}
		var waiting, running []*waiter
		steps := rapid.IntRange(1, 40).Draw(rt, "steps")
		for i := range steps {
			switch k := rapid.IntRange(0, 9).Draw(rt, "what"); {
			case k < 6:
				pods := make([]res, rapid.IntRange(1, 3).Draw(rt, "pods"))
				for j := range pods {
					pods[j] = res{"cpu": qty(rt, "cpu", 2000, "m"), "memory": qty(rt, "memory", 2, "Gi"), nvidia: qty(rt, "gpu", 1, "")}
				}
				tk := task(fmt.Sprint("t", i), pods...)
				n, err := needOf(tk)
				if err != nil {
					rt.Fatal(err)
				}
				if p.Check(tk) != nil {
					continue
				}
				w := &waiter{task: tk, need: n, wake: make(chan struct{}, 1)}
				p.queue = append(p.queue, w)
				waiting = append(waiting, w)
				p.serve()
			case k < 9 && len(running) > 0:
				j := rapid.IntRange(0, len(running)-1).Draw(rt, "which")
				p.Release(running[j].task.ID)
				running = slices.Delete(running, j, j+1)
			case len(waiting) > 0:
				j := rapid.IntRange(0, len(waiting)-1).Draw(rt, "who")
				p.abandon(waiting[j], context.Canceled)
				waiting = slices.Delete(waiting, j, j+1)
			}
			overtaken := false
			var still []*waiter
			for _, w := range waiting {
				if w.done {
					if overtaken && !w.need.nothing() {
						rt.Fatalf("%s was served before one who came earlier", w.task.ID.Trial)
					}
					running = append(running, w)
				} else {
					overtaken = true
					if w.reason == "" {
						rt.Fatalf("%s waits without a reason", w.task.ID.Trial)
					}
					still = append(still, w)
				}
			}
			waiting = still
			invariants(rt, p, capacity, running)
			if len(waiting) > 0 && len(running) == 0 {
				rt.Fatalf("%s waits for nobody: %s", waiting[0].task.ID.Trial, waiting[0].reason)
			}
		}
		for _, w := range running {
			p.Release(w.task.ID)
		}
		for _, w := range waiting {
			p.Release(w.task.ID)
		}
		for i := range 100 { // those served by the releases above
			p.Release(runner.ID{Experiment: "e", Trial: fmt.Sprint("t", i), Attempt: 1})
		}
	})
}

func qty(rt *rapid.T, name string, most int, unit string) workload.Quantity {
	return workload.Quantity(fmt.Sprint(rapid.IntRange(0, most).Draw(rt, name)) + unit)
}

func invariants(rt *rapid.T, p *Pool, c Capacity, running []*waiter) {
	var milli, memory int64
	owner := map[provision.Device]string{}
	for _, w := range running {
		milli, memory = milli+w.need.milliCPU, memory+w.need.memory
		for i := range w.task.Job.Pods {
			pod := &w.task.Job.Pods[i]
			key := pod.Name + "/c"
			if got, want := int64(len(w.grant.Devices[key])), provision.Units(pod.Spec.Containers[0].Resources.Requests[nvidia]); got != want {
				rt.Fatalf("%s has %d devices, asked for %d", key, got, want)
			}
			for _, d := range w.grant.Devices[key] {
				if owner[d] != "" {
					rt.Fatalf("%s belongs to %s and %s", d.ID, owner[d], key)
				}
				owner[d] = key
			}
		}
	}
	if milli > c.MilliCPU || memory > c.Memory {
		rt.Fatalf("%d milliCPU and %d bytes are given out", milli, memory)
	}
	if len(p.held) != len(running) || p.used.milliCPU != milli || p.used.memory != memory {
		rt.Fatalf("%d tasks hold %d and %d by the books, %d hold %d and %d", len(p.held), p.used.milliCPU, p.used.memory, len(running), milli, memory)
	}
}

func TestTwoPoolsShareDevicesAndPorts(t *testing.T) {
	dir := t.TempDir()
	o := Options{Capacity: Capacity{MilliCPU: 4000, Devices: gpus(2)}, Locks: dir}
	one, two := pool(t, o), pool(t, o)
	a, b := task("a", res{nvidia: "1"}), task("b", res{nvidia: "2"})
	a.Job.Pods[0].Spec.Containers[0].Ports = []workload.ContainerPort{{ContainerPort: 23456}, {ContainerPort: 80}}
	c := task("c", res{nvidia: "1"})
	c.Job.Pods[0].Spec.Containers[0].Ports = a.Job.Pods[0].Spec.Containers[0].Ports
	ga, err := one.Acquire(t.Context(), a, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	gc, err := two.Acquire(t.Context(), c, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ga.Devices["a-0/c"][0] == gc.Devices["c-0/c"][0] {
		t.Errorf("both have %v", ga.Devices)
	}
	seen := map[int]bool{}
	low, high := portRange()
	for _, ports := range []map[string]int{ga.Ports, gc.Ports} {
		for key, port := range ports {
			if seen[port] || port < low || port > high {
				t.Errorf("%s has %d", key, port)
			}
			seen[port] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("ports %v and %v", ga.Ports, gc.Ports)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = two.Acquire(ctx, b, false, func(reason string) {
		if reason != "waiting for 2 nvidia.com/gpu: 2 of 2 are taken by c and other programs" {
			t.Errorf("it waits because it is %s", reason)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	two.Release(c.ID)
	one.Release(a.ID)
	if _, err := two.Acquire(t.Context(), b, false, nil); err != nil {
		t.Error(err)
	}
}

func TestRestore(t *testing.T) {
	dir := t.TempDir()
	o := Options{Capacity: Capacity{MilliCPU: 2000, Devices: gpus(1)}, Locks: dir}
	a := task("a", res{"cpu": "2", nvidia: "1"})
	first := pool(t, o)
	grant, err := first.Acquire(t.Context(), a, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range first.held[a.ID].locks { // as if the program had been killed
		l.file.Close()
	}
	second := pool(t, o)
	if err := second.Restore(a, grant); err != nil {
		t.Fatal(err)
	}
	if err := second.Restore(a, grant); err != nil || second.used.milliCPU != 2000 {
		t.Errorf("restored twice it holds %d: %v", second.used.milliCPU, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := second.Acquire(ctx, task("b", res{"cpu": "1"}), false, func(string) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := first.locks.take(deviceLock(gpus(1)[0])); !errors.Is(err, errTaken) {
		t.Errorf("the device is locked again: %v", err)
	}
	second.Release(a.ID)
	if second.used.milliCPU != 0 {
		t.Errorf("%d are still taken", second.used.milliCPU)
	}
}

func TestSharedDevicesAreLoadedEvenly(t *testing.T) {
	p := pool(t, Options{Capacity: Capacity{Devices: gpus(2)}, ShareGPU: true})
	a := task("a", res{nvidia: "1"}, res{nvidia: "1"}, res{nvidia: "1"}, res{nvidia: "1"})
	g, err := p.Acquire(t.Context(), a, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	load := map[string]int{}
	for _, d := range g.Devices {
		load[d[0].ID]++
	}
	if load["GPU-0"] != 2 || load["GPU-1"] != 2 {
		t.Errorf("load %v", load)
	}
}

func TestVendors(t *testing.T) {
	smi := "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa-1)\n  MIG 1g.5gb      Device  0: (UUID: MIG-b1)\n  MIG 1g.5gb      Device  1: (UUID: MIG-b2)\nGPU 1: Tesla T4 (UUID: GPU-cccc)\n"
	var ids []string
	for _, d := range parseNVIDIA(smi) {
		ids = append(ids, d.ID)
	}
	if got := strings.Join(ids, " "); got != "MIG-b1 MIG-b2 GPU-cccc" {
		t.Errorf("nvidia-smi: %s", got)
	}
	if got := parseROCm("GPU[0]\t: Device Name: x\nGPU[0]\t: GUID: 1\nGPU[1]\t: Device Name: x\n"); len(got) != 2 || got[1].ID != "1" {
		t.Errorf("rocm-smi: %v", got)
	}
	for value, want := range map[string]int{"": 0, "1": 1, "0,1": 2, "GPU-1": 1, "GPU-1,none,GPU-0": 1, "-1": 0, "1, 0": 2} {
		got := visible(gpus(2), func(string) (string, bool) { return value, true }, "CUDA_VISIBLE_DEVICES")
		if len(got) != want {
			t.Errorf("CUDA_VISIBLE_DEVICES=%q leaves %v", value, got)
		}
	}
	if got := visible(gpus(2), func(string) (string, bool) { return "", false }, "X"); len(got) != 2 {
		t.Errorf("without the variable: %v", got)
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprint("waiting=", n), func(b *testing.B) {
			p := pool(b, Options{Capacity: Capacity{MilliCPU: 1 << 40, Memory: 1 << 40}})
			for i := range n {
				t := task(fmt.Sprint("r", i), res{"cpu": "1"})
				if _, err := p.Acquire(b.Context(), t, false, nil); err != nil {
					b.Fatal(err)
				}
			}
			t := task("t", res{"cpu": "1", "memory": "1Gi"}, res{"cpu": "1"})
			for b.Loop() {
				if _, err := p.Acquire(b.Context(), t, false, nil); err != nil {
					b.Fatal(err)
				}
				p.Release(t.ID)
			}
		})
	}
}
