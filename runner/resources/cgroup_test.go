package resources

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qalam/workload"
)

func TestMain(m *testing.M) {
	switch os.Getenv("QALAM_TEST_DO") {
	case "eat": // until killed, at most 512 MiB
		os.Stdin.Read(make([]byte, 1))
		var held [][]byte
		for range 512 {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			held = append(held, b)
		}
		fmt.Println("ate", len(held))
	case "spin":
		os.Stdin.Read(make([]byte, 1))
		for start := time.Now(); time.Since(start) < 600*time.Millisecond; {
			for range 1000 {
				_ = start
			}
		}
	default:
		os.Exit(m.Run())
	}
}

// inGroups runs this test's program in cgroups.
func inGroups(t *testing.T, do string, dirs []string) (*os.ProcessState, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "QALAM_TEST_DO="+do, "GOMAXPROCS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0); err != nil {
			cmd.Process.Kill()
			t.Fatal(err)
		}
	}
	in.Close()
	err = cmd.Wait()
	return cmd.ProcessState, err
}

func TestCgroupsLimit(t *testing.T) {
	groups, err := FindGroups()
	if err != nil {
		t.Skip("no cgroups can be made here: ", err)
	}
	t.Log(groups)
	p := pool(t, Options{Capacity: Capacity{MilliCPU: 4000, Memory: 8 << 30}, Groups: groups})
	limited := task("limited", nil, nil)
	limited.ID.Experiment = fmt.Sprint("test/", os.Getpid()) // what does not belong into a folder's name is replaced
	limited.Job.Pods[0].Spec.Containers[0].Resources.Limits = res{"memory": "64Mi", "cpu": "250m"}
	grant, err := p.Acquire(t.Context(), limited, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	dirs := grant.Cgroups["limited-0/c"]
	if len(dirs) == 0 || len(grant.Cgroups[""]) == 0 || len(grant.Cgroups["limited-1/c"]) != 0 {
		t.Fatalf("groups %v", grant.Cgroups)
	}
	if groups.Enforces("memory") {
		state, err := inGroups(t, "eat", dirs)
		status := state.Sys().(syscall.WaitStatus)
		if err == nil || !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Errorf("512 MiB in a group of 64 MiB: %v, %v", state, err)
		}
		kills := 0
		for _, dir := range dirs {
			for _, file := range []string{"memory.events", "memory.oom_control"} {
				for line := range strings.Lines(read(dir, file) + "\n") {
					if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
						n, _ := strconv.Atoi(strings.TrimSpace(v))
						kills += n
					}
				}
			}
		}
		if kills != 1 {
			t.Errorf("the group counts %d kills", kills)
		}
		if state, err := inGroups(t, "eat", grant.Cgroups[""]); err != nil {
			t.Errorf("without a limit: %v, %v", state, err)
		}
	}
	if groups.Enforces("cpu") {
		state, err := inGroups(t, "spin", dirs)
		if used := state.UserTime() + state.SystemTime(); err != nil || used > 400*time.Millisecond {
			t.Errorf("600 ms at a quarter of a processor used %v, %v", used, err)
		}
	}
	p.Release(limited.ID)
	for _, list := range grant.Cgroups {
		for _, dir := range list {
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there", dir)
			}
		}
	}
	if free, err := p.Acquire(t.Context(), task("free", nil), false, nil); err != nil || len(free.Cgroups) > 0 {
		t.Errorf("a task without limits has the groups %v, %v", free.Cgroups, err)
	}
}

// fake makes files as a cgroup file system shows them.
func fake(t *testing.T, files map[string]string) (proc, sys string) {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "proc"), filepath.Join(root, "sys")
}

func TestOwnGroups(t *testing.T) {
	for _, tc := range []struct {
		name          string
		files         map[string]string
		quota, memory int64
	}{
		{"none", nil, 0, 0},
		{"v2 nested", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/cgroup.controllers": "cpu memory", "sys/a/memory.max": "1000\n", "sys/a/b/memory.max": "max\n",
			"sys/a/b/cpu.max": "150000 100000\n", "sys/a/cpu.max": "max 100000\n"}, 1500, 1000},
		{"v1", map[string]string{"proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/c\n1:name=systemd:/\n0::/\n", "sys/memory/m/tasks": "", "sys/memory/m/memory.stat": "cache 1\nhierarchical_memory_limit 4096\n",
			"sys/cpu,cpuacct/c/tasks": "", "sys/cpu,cpuacct/c/cpu.cfs_quota_us": "50000\n", "sys/cpu,cpuacct/c/cpu.cfs_period_us": "100000\n"}, 500, 4096},
		{"v1 without limits", map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/memory/tasks": "", "sys/memory/memory.stat": "hierarchical_memory_limit 9223372036854771712\n"}, 0, 0},
		{"outside of the namespace", map[string]string{"proc/self/cgroup": "4:memory:/../../x\n0::/../y\n", "sys/cgroup.controllers": ""}, 0, 0},
		{"nonsense", map[string]string{"proc/self/cgroup": "x\n::\n:::\n"}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := ownGroups(fake(t, tc.files))
			if q, m := g.quota(), g.memory(); q != tc.quota || m != tc.memory {
				t.Errorf("quota %d, memory %d, want %d, %d (%+v)", q, m, tc.quota, tc.memory, g)
			}
			if _, err := findGroups(g); err == nil {
				t.Error("plain folders are taken for cgroups")
			}
		})
	}
}

func TestSettings(t *testing.T) {
	l := limitsOf(&workload.Container{Resources: workload.Resources{Limits: res{"memory": "1Mi", "cpu": "1500m"}}})
	for version, want := range map[int]string{
		1: "memory.limit_in_bytes=1048576 memory.memsw.limit_in_bytes=1048576 cpu.cfs_period_us=100000 cpu.cfs_quota_us=150000",
		2: "memory.max=1048576 memory.swap.max=0 memory.oom.group=1 cpu.max=150000 100000",
	} {
		var got []string
		for _, s := range settings(version, l) {
			got = append(got, s.file+"="+s.value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("version %d: %s", version, strings.Join(got, " "))
		}
	}
	var none *Groups
	if none.Enforces("memory") || !strings.HasPrefix(none.String(), "soft limits") {
		t.Errorf("without cgroups: %s", none)
	}
}

func TestDetect(t *testing.T) {
	c := Detect(t.Context(), Overrides{GPUs: NoGPUs})
	if c.MilliCPU < 1 || c.Memory < 1<<20 || len(c.Devices) > 0 {
		t.Errorf("this machine has %+v", c)
	}
	c = Detect(t.Context(), Overrides{CPUs: 2.5, Memory: 1 << 30, GPUs: 2})
	if c.MilliCPU != 2500 || c.Memory != 1<<30 || len(c.Devices) != 2 || c.Devices[1].ID != "1" {
		t.Errorf("overridden: %+v", c)
	}
}
