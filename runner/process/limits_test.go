package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/resources"
	"qalam/workload"
)

// playLimits are programs that use much of something.
func playLimits(role string) {
	switch role {
	case "eat": // MIB of memory, or until killed
		n, err := strconv.Atoi(os.Getenv("MIB"))
		exitOn(err)
		var held [][]byte
		for range n {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			held = append(held, b)
			time.Sleep(time.Millisecond)
		}
		fmt.Println("ate", len(held))
	case "share": // the pages of a file, and wait
		f, err := os.Open(os.Getenv("FILE"))
		exitOn(err)
		info, err := f.Stat()
		exitOn(err)
		b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
		exitOn(err)
		fmt.Println("shares", len(b))
		time.Sleep(2500 * time.Millisecond)
	case "fork":
		forkForEver()
	case "spin": // for 600 ms, and say how much of a processor that got
		begin := time.Now()
		for time.Since(begin) < 600*time.Millisecond {
			for range 1000 {
				_ = begin
			}
		}
		fmt.Println("used", processorTime().Milliseconds())
	}
}

// forkForEver starts processes that wait, as many as there can be and then whenever there can be one more. It calls nothing but the kernel,
// since in a process with one thread, as each of those is, Go cannot go on.
//
//go:norace
func forkForEver() {
	for {
		pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		for pid == 0 && errno == 0 {
			unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
		}
	}
}

// limits is a Runner with the real pool and the real provisioner.
func limits(t *testing.T, tier provision.Tier, groups *resources.Groups) *bench {
	t.Helper()
	return real(t, t.TempDir(), tier, groups, provision.Config{})
}

func real(t *testing.T, home string, tier provision.Tier, groups *resources.Groups, config provision.Config) *bench {
	t.Helper()
	pool, err := resources.New(resources.Options{Capacity: resources.Capacity{MilliCPU: 64000, Memory: 1 << 40}, Locks: filepath.Join(home, "locks"), Groups: groups, Tasks: 400})
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, home, tier, func(o *Options) {
		o.Pool, o.Judge = pool, nil
		o.Provisioner = provision.New(provision.Options{Config: config, Tier: tier, Home: home, Environ: []string{"PATH=/usr/bin:/bin"}, Node: "here", Cores: 2,
			Layers: o.Isolation.Layers, OwnTmp: true})
	})
}

// with is a trial that plays a role within limits.
func with(trial string, limits map[string]workload.Quantity, role string, env ...string) runner.Task {
	c := playing(role, append(env, "GOMAXPROCS", "1")...)
	c.Resources.Limits = limits
	return task(trial, pods(onePod("pod", c)))
}

// F-27: where the kernel does not limit memory, it is watched: a trial that takes more than it may is killed, and told from others.
func TestMemoryIsWatched(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		b := limits(t, tier, nil)
		greedy := with("greedy", map[string]workload.Quantity{"memory": "64Mi"}, "eat", "MIB", "2000")
		modest := with("modest", map[string]workload.Quantity{"memory": "300Mi"}, "eat", "MIB", "100")
		free := with("free", nil, "eat", "MIB", "100")
		hidden := with("hidden", map[string]workload.Quantity{"memory": "64Mi"}, "eat", "MIB", "2000")
		exe, _ := os.Executable() // its process ends at once: what it has left behind counts all the same
		hidden.Job.Pods[0].Spec.Containers[0].Command = []string{"/bin/sh", "-c", "setsid sh -c '" + exe + "; true' & sleep 30"}
		for _, one := range []runner.Task{greedy, modest, free, hidden} {
			b.start(one)
		}
		for _, one := range []runner.Task{greedy, hidden} {
			r := b.untilEnded(one.ID)
			end := r.Pods[0].Containers[0].Terminated
			if r.Verdict.Phase != workload.Failed || r.Lost || end == nil || end.Reason != "OOMKilled" || end.ExitCode != 137 || end.Signal != 9 {
				t.Fatalf("%s: %+v", one.ID.Trial, r)
			}
			if !strings.Contains(end.Message, "the limit is 64.0 MiB") || !strings.Contains(end.Message, "not enforced") {
				t.Errorf("%s: message %q", one.ID.Trial, end.Message)
			}
			if n := killMarked(Folder(b.options.Home, one.ID)); n > 0 {
				t.Errorf("%s: %d processes were left", one.ID.Trial, n)
			}
		}
		for _, one := range []runner.Task{modest, free} {
			if r := b.untilEnded(one.ID); r.Verdict.Phase != workload.Succeeded {
				t.Errorf("%s: %+v", one.ID.Trial, r)
			}
		}
	})
}

// Pages that several processes share, as the workers of a data loader do, count once.
func TestSharedMemoryCountsOnce(t *testing.T) {
	b := limits(t, provision.Plain, nil)
	file := filepath.Join(t.TempDir(), "pages")
	if err := os.WriteFile(file, make([]byte, 80<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	exe, _ := os.Executable()
	family := with("family", map[string]workload.Quantity{"memory": "200Mi"}, "share", "FILE", file)
	family.Job.Pods[0].Spec.Containers[0].Command = []string{"/bin/sh", "-c", strings.Repeat(exe+" & ", 4) + "wait"}
	b.start(family)
	r := b.untilEnded(family.ID)
	if log := b.log(family.ID, "pod/main/0.log"); r.Verdict.Phase != workload.Succeeded || strings.Count(log, "shares") != 4 {
		t.Errorf("got %+v, log %q", r, log)
	}
}

// cgroups are what this machine can make, or the test is skipped.
func cgroups(t *testing.T, controller string) *resources.Groups {
	t.Helper()
	groups, err := resources.FindGroups()
	if err != nil || !groups.Enforces(controller) {
		t.Skip("the kernel does not limit ", controller, " here: ", err)
	}
	return groups
}

// F-27: the kernel's own count says that it was the limit that killed a process, also one that a container waits for.
func TestKernelLimitsMemory(t *testing.T) {
	groups := cgroups(t, "memory")
	tiers(t, func(t *testing.T, tier provision.Tier) {
		b := limits(t, tier, groups)
		exe, _ := os.Executable()
		greedy := with("greedy", map[string]workload.Quantity{"memory": "64Mi"}, "eat", "MIB", "2000")
		parent := with("parent", map[string]workload.Quantity{"memory": "64Mi"}, "eat", "MIB", "2000")
		parent.Job.Pods[0].Spec.Containers[0].Command = []string{"/bin/sh", "-c", exe + "; exit 3"}
		failing := with("failing", map[string]workload.Quantity{"memory": "64Mi"}, "eat", "MIB", "none")
		for one, want := range map[*runner.Task]string{&greedy: "OOMKilled", &parent: "OOMKilled", &failing: "Error"} {
			b.start(*one)
			r := b.untilEnded(one.ID)
			if end := r.Pods[0].Containers[0].Terminated; r.Verdict.Phase != workload.Failed || end == nil || end.Reason != want {
				t.Errorf("%s: %+v", one.ID.Trial, r)
			}
			if dirs := left(one.ID); len(dirs) > 0 {
				t.Errorf("%s: cgroups were left: %v", one.ID.Trial, dirs)
			}
		}
	})
}

// left lists the cgroups of a trial that are still there.
func left(id runner.ID) []string {
	dirs, _ := filepath.Glob("/sys/fs/cgroup/*/*/qalam.*-" + id.Trial + "-*")
	more, _ := filepath.Glob("/sys/fs/cgroup/*/qalam.*-" + id.Trial + "-*")
	return append(dirs, more...)
}

// F-27: a trial that starts processes without end gets so many and no more, whether the kernel counts them in a cgroup or in the
// trial's PID namespace; the engine and other trials go on.
func TestForkBomb(t *testing.T) {
	groups, _ := resources.FindGroups()
	for name, g := range map[string]*resources.Groups{"cgroup": groups, "namespace": nil} {
		t.Run(name, func(t *testing.T) {
			tier := provision.Namespaces
			limit := map[string]workload.Quantity{}
			if name == "cgroup" {
				if g = cgroups(t, "pids"); g != nil {
					tier, limit = provision.Plain, map[string]workload.Quantity{"cpu": "2"}
				}
			}
			b := limits(t, tier, g)
			b.Runner.options.Tasks = 400
			// Bounded in itself: at most 900 processes, each of which sleeps for at most 20 s.
			bomb := script("bomb", `i=0; while [ $i -lt 900 ]; do sleep 20 & i=$((i+1)); done; echo all`)
			bomb.Job.Pods[0].Spec.Containers[0].Resources.Limits = limit
			b.start(bomb)
			b.untilRunning(bomb.ID)
			calm := script("calm", "sleep 0.1; echo fine")
			b.start(calm)
			if r := b.untilEnded(calm.ID); r.Verdict.Phase != workload.Succeeded {
				t.Errorf("beside the bomb: %+v", r)
			}
			r := b.untilEnded(bomb.ID)
			log := b.log(bomb.ID, "pod/main/0.log")
			if r.Verdict.Phase != workload.Failed || r.Lost || strings.Contains(log, "all") || !strings.Contains(strings.ToLower(log), "fork") {
				t.Errorf("got %+v, log %q", r, log)
			}
			if n := killMarked(Folder(b.options.Home, bomb.ID)); n > 0 {
				t.Errorf("%d processes were left", n)
			}
		})
	}
}

// F-27: a trial that has taken every task it may have, and takes each that is given back, keeps its supervisor, whatever that has to do.
func TestRestartsBesideForkBomb(t *testing.T) {
	b := newBench(t, t.TempDir(), provision.Namespaces, func(o *Options) { o.Tasks = 40 })
	pod := onePod("pod", playing("fork", "GOMAXPROCS", "1"), box("again", "exit 1"))
	pod.Restart = workload.RestartOnFailure
	one := task("one", pods(pod))
	b.start(one)
	b.until(one.ID, "many restarts, and one that found no task left", func(r runner.Report) bool {
		if r.Ended {
			t.Fatalf("%+v", r)
		}
		if len(r.Pods) == 0 || len(r.Pods[0].Containers) < 2 {
			return false
		}
		again := r.Pods[0].Containers[1]
		refused := false
		for _, end := range []*workload.Terminated{again.Terminated, again.LastTerminated} {
			refused = refused || end != nil && strings.Contains(end.Message, "all the processes and threads it may have")
		}
		return again.RestartCount > 50 && refused
	})
	b.Stop(one.ID, 0)
	if r := b.untilEnded(one.ID); !r.Stopped || r.Lost {
		t.Errorf("%+v", r)
	}
	if n := killMarked(Folder(b.options.Home, one.ID)); n > 0 {
		t.Errorf("%d processes were left", n)
	}
}

func TestKernelLimitsProcessors(t *testing.T) {
	b := limits(t, provision.Plain, cgroups(t, "cpu"))
	slow := with("slow", map[string]workload.Quantity{"cpu": "250m"}, "spin")
	b.start(slow)
	b.untilEnded(slow.ID)
	var used int
	if _, err := fmt.Sscanf(b.log(slow.ID, "pod/main/0.log"), "used %d", &used); err != nil || used > 350 {
		t.Errorf("600 ms at a quarter of a processor used %d ms, %v", used, err)
	}
}
