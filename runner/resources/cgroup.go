package resources

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/workload"
)

var (
	procRoot = "/proc"
	sysRoot  = "/sys/fs/cgroup"
)

// groups are the cgroup folders that this process is in: by controller for version 1, and the one of version 2.
type groups struct {
	v1      map[string]string
	v2      string
	v2mount string
}

// ownGroups reads which cgroups this process is in.
func ownGroups(proc, sys string) groups {
	g := groups{v1: map[string]string{}}
	b, err := os.ReadFile(proc + "/self/cgroup")
	if err != nil {
		return g
	}
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 || strings.Contains(parts[2], "..") {
			continue // a path with .. lies outside of what this cgroup namespace shows
		}
		if parts[1] == "" {
			for _, mount := range []string{sys, filepath.Join(sys, "unified")} {
				if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err == nil {
					g.v2mount, g.v2 = mount, filepath.Join(mount, parts[2])
					break
				}
			}
			continue
		}
		for name := range strings.SplitSeq(parts[1], ",") {
			for _, mount := range []string{name, parts[1]} {
				dir := filepath.Join(sys, mount, parts[2])
				if _, err := os.Stat(filepath.Join(dir, "tasks")); err == nil {
					g.v1[name] = dir
					break
				}
			}
		}
	}
	return g
}

// quota is how many thousandths of a processor this process may use by its cgroup, 0 for no limit.
func (g groups) quota() int64 {
	if dir, ok := g.v1["cpu"]; ok {
		if quota, period := readInt(dir, "cpu.cfs_quota_us"), readInt(dir, "cpu.cfs_period_us"); quota > 0 && period > 0 {
			return max(1, quota*1000/period)
		}
	}
	least := int64(0)
	g.up(func(dir string) {
		if f := strings.Fields(read(dir, "cpu.max")); len(f) == 2 {
			quota, err := strconv.ParseInt(f[0], 10, 64)
			period, err2 := strconv.ParseInt(f[1], 10, 64)
			if err == nil && err2 == nil && period > 0 && (least == 0 || quota*1000/period < least) {
				least = max(1, quota*1000/period)
			}
		}
	})
	return least
}

// memory is how many bytes this process may use by its cgroup, 0 for no limit.
func (g groups) memory() int64 {
	const unlimited = 1 << 60
	least := int64(0)
	take := func(n int64) {
		if n > 0 && n < unlimited && (least == 0 || n < least) {
			least = n
		}
	}
	if dir, ok := g.v1["memory"]; ok {
		for f := range strings.Lines(read(dir, "memory.stat")) {
			if v, ok := strings.CutPrefix(f, "hierarchical_memory_limit "); ok {
				n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
				take(n)
			}
		}
	}
	g.up(func(dir string) { take(readInt(dir, "memory.max")) })
	return least
}

// up calls f with the version 2 cgroup and those above it.
func (g groups) up(f func(dir string)) {
	if g.v2 == "" {
		return
	}
	for dir := g.v2; len(dir) > len(g.v2mount); dir = filepath.Dir(dir) {
		f(dir)
	}
}

func read(dir, file string) string {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func readInt(dir, file string) int64 {
	n, err := strconv.ParseInt(read(dir, file), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Groups makes cgroups for tasks. A nil *Groups makes none.
type Groups struct {
	parents map[string]string // controller → folder to make groups in; "kill" stands for version 2's cgroup.kill
	version int
}

// controllers are what limits need; each is used where it is there.
var controllers = []string{"memory", "cpu", "pids"}

// groupPrefix begins the names of all groups that are made here.
const groupPrefix = "qalam."

// FindGroups finds out which cgroups this process can make: version 2 where a folder above or at its own hands on controllers,
// otherwise version 1. Nil, with the reason, when there is none.
func FindGroups() (*Groups, error) { return findGroups(ownGroups(procRoot, sysRoot)) }

func findGroups(own groups) (*Groups, error) {
	g := &Groups{parents: map[string]string{}, version: 2}
	var why error
	limited := false // a group beside one that is limited would escape its limits
	own.up(func(dir string) {
		handed := strings.Fields(read(dir, "cgroup.subtree_control"))
		usable := !limited && len(g.parents) == 0 && slices.Contains(handed, "memory")
		limited = limited || read(dir, "memory.max") != "max" || read(dir, "cpu.max") != "" && !strings.HasPrefix(read(dir, "cpu.max"), "max")
		if !usable {
			return
		}
		if err := try(dir, "memory.max", "cgroup.procs"); err != nil {
			why = err
			return
		}
		for _, c := range controllers {
			if slices.Contains(handed, c) {
				g.parents[c] = dir
			}
		}
		g.parents["kill"] = dir
	})
	if len(g.parents) > 0 {
		return g, nil
	}
	g.version = 1
	limit := map[string]string{"memory": "memory.limit_in_bytes", "cpu": "cpu.cfs_quota_us", "pids": "pids.max"}
	for _, c := range controllers {
		if dir, ok := own.v1[c]; ok {
			if err := try(dir, limit[c], "tasks"); err != nil {
				why = err
				continue
			}
			g.parents[c] = dir
		}
	}
	if len(g.parents) == 0 {
		if why == nil {
			why = errors.New("no cgroup with a memory controller is handed to this process (systemd-run --user --scope -p Delegate=yes qalam … gives it one)")
		}
		return nil, why
	}
	if own.v2 != "" && try(own.v2, "cgroup.kill", "cgroup.procs") == nil {
		g.parents["kill"] = own.v2
	}
	return g, nil
}

// try makes a group, looks whether its files can be written, and removes it again.
func try(parent string, files ...string) error {
	dir, err := os.MkdirTemp(parent, groupPrefix+"try.")
	if err != nil {
		return err
	}
	for _, file := range files {
		f, e := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
		if e == nil {
			f.Close()
		}
		err = errors.Join(err, e)
	}
	return errors.Join(err, os.Remove(dir))
}

// String says in words how limits are enforced.
func (g *Groups) String() string {
	if g == nil {
		return "soft limits: memory is watched about once a second, processors are not limited (no cgroup can be made here)"
	}
	var have []string
	for _, c := range controllers {
		if _, ok := g.parents[c]; ok {
			have = append(have, c)
		}
	}
	mode := fmt.Sprintf("cgroup v%d limits for %s", g.version, strings.Join(have, ", "))
	if !g.Enforces("memory") {
		mode += "; memory is watched about once a second"
	}
	return mode
}

// Enforces says whether the kernel enforces limits of memory (or cpu, pids).
func (g *Groups) Enforces(controller string) bool {
	if g == nil {
		return false
	}
	_, ok := g.parents[controller]
	return ok
}

// folders lists the distinct parents: version 2 has one for all.
func (g *Groups) folders() []string {
	var all []string
	for _, c := range slices.Concat(controllers, []string{"kill"}) {
		if dir, ok := g.parents[c]; ok && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// groupName names the group of an attempt, the same whenever it is asked for.
func groupName(id runner.ID) string {
	return groupPrefix + unusual().ReplaceAllString(fmt.Sprintf("%s-%s-%d", id.Experiment, id.Trial, id.Attempt), "-")
}

// make makes a group for the attempt and one for each container that has limits, and returns their folders as
// provision.Grant.Cgroups has them. An attempt without limits gets none, unless always. A limited container also gets no more than so
// many processes and threads.
func (g *Groups) make(task runner.Task, always bool, tasks int64) (map[string][]string, error) {
	if g == nil || !always && !limited(task) {
		return nil, nil
	}
	out := map[string][]string{}
	name := groupName(task.ID)
	for _, parent := range g.folders() {
		dir := filepath.Join(parent, name)
		if err := g.mkdir(dir); err != nil {
			g.remove(out)
			return nil, err
		}
		out[""] = append(out[""], dir)
	}
	for i := range task.Job.Pods {
		pod := &task.Job.Pods[i]
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			limits := limitsOf(&c)
			if limits == (provision.Limits{}) {
				continue
			}
			limits.Pids = tasks
			if err := g.limit(out, pod.Name+"/"+c.Name, name, limits); err != nil {
				g.remove(out)
				return nil, err
			}
		}
	}
	return out, nil
}

func limitsOf(c *workload.Container) provision.Limits {
	return provision.Limits{MilliCPU: provision.Milli(c.Resources.Limits["cpu"]), Memory: provision.Units(c.Resources.Limits["memory"])}
}

// limited says whether any container of a task has limits.
func limited(task runner.Task) bool {
	has := func(c workload.Container) bool { return limitsOf(&c) != provision.Limits{} }
	return slices.ContainsFunc(task.Job.Pods, func(p workload.Pod) bool {
		return slices.ContainsFunc(p.Spec.Containers, has) || slices.ContainsFunc(p.Spec.InitContainers, has)
	})
}

func (g *Groups) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making a cgroup: %w", err)
	}
	return nil
}

// limit makes the groups of one container. They lie inside the attempt's in version 1, beside it in version 2, where a group that
// hands on controllers may hold no processes itself.
func (g *Groups) limit(out map[string][]string, key, name string, limits provision.Limits) error {
	own := unusual().ReplaceAllString(key, "-")
	for _, parent := range g.folders() {
		dir := filepath.Join(parent, name, own)
		if g.version == 2 {
			dir = filepath.Join(parent, name+"."+own)
		}
		if err := g.mkdir(dir); err != nil {
			return err
		}
		out[key] = append(out[key], dir)
		for _, s := range settings(g.version, limits) {
			if g.parents[s.controller] != parent {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.value), 0); err != nil && !(s.optional && errors.Is(err, fs.ErrNotExist)) {
				return fmt.Errorf("limiting %s: %w", key, err)
			}
		}
	}
	return nil
}

type setting struct {
	controller, file, value string
	optional                bool // not every kernel has it
}

// settings are what to write into a group's files for limits.
func settings(version int, l provision.Limits) []setting {
	const period = 100_000 // µs, the kernel's default
	var s []setting
	memory, quota := strconv.FormatInt(l.Memory, 10), strconv.FormatInt(max(1000, l.MilliCPU*period/1000), 10)
	if version == 2 {
		if l.Memory > 0 {
			s = append(s, setting{"memory", "memory.max", memory, false}, setting{"memory", "memory.swap.max", "0", true},
				setting{"memory", "memory.oom.group", "1", true})
		}
		if l.MilliCPU > 0 {
			s = append(s, setting{"cpu", "cpu.max", quota + " " + strconv.Itoa(period), false})
		}
	} else {
		if l.Memory > 0 {
			s = append(s, setting{"memory", "memory.limit_in_bytes", memory, false}, setting{"memory", "memory.memsw.limit_in_bytes", memory, true})
		}
		if l.MilliCPU > 0 {
			s = append(s, setting{"cpu", "cpu.cfs_period_us", strconv.Itoa(period), false}, setting{"cpu", "cpu.cfs_quota_us", quota, false})
		}
	}
	if l.Pids > 0 {
		s = append(s, setting{"pids", "pids.max", strconv.FormatInt(l.Pids, 10), false})
	}
	return s
}

// remove removes an attempt's groups. What still ends in them gets a moment; what then still lives keeps its group.
func (g *Groups) remove(cgroups map[string][]string) {
	if g == nil {
		return
	}
	var dirs []string
	for _, list := range cgroups {
		dirs = append(dirs, list...)
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) }) // inner before outer
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		return !strings.HasPrefix(filepath.Base(dir), groupPrefix) && !strings.Contains(dir, "/"+groupPrefix)
	})
	for _, wait := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 80 * time.Millisecond} {
		time.Sleep(wait)
		dirs = slices.DeleteFunc(dirs, func(dir string) bool {
			err := os.Remove(dir)
			return err == nil || errors.Is(err, fs.ErrNotExist)
		})
		if len(dirs) == 0 {
			return
		}
	}
}
