package process

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/runner"
	"qalam/workload"
)

// Probe looks at an attempt's processes from outside. Of one that does not run it only tells when it wrote last.
func (r *Runner) Probe(id runner.ID) runner.Vitals {
	var v runner.Vitals
	a := r.attempt(id)
	if a == nil {
		return v
	}
	a.mu.Lock()
	pid := a.pid
	a.mu.Unlock()
	logs, _ := Logs(r.options.Home, id) // of a folder that is gone nothing can be told
	for _, log := range logs {
		if info, err := os.Stat(log.Path); err == nil && info.Size() > 0 && info.ModTime().After(v.LastOutput) {
			v.LastOutput = info.ModTime()
		}
	}
	if pid == 0 {
		return v
	}
	family := descendants(pid)
	sockets := map[string]bool{}
	meets := a.meets()
	for _, p := range family {
		cpu, rss, ok := usage(p)
		if !ok {
			continue
		}
		v.Processes++
		v.CPU += cpu
		v.Memory += rss
		if !meets {
			continue
		}
		for _, inode := range socketsOf(p) {
			sockets[inode] = true
		}
	}
	if !meets {
		return v
	}
	for port, inode := range listenerInodes(pid) {
		if sockets[inode] {
			v.Listening = append(v.Listening, port)
		}
	}
	slices.Sort(v.Listening)
	return v
}

// meets says whether the processes may have to meet at a port: those of several pods, or of one that is told of a port. To look for the
// ports of all trials would take more than half of all looks.
func (a *attempt) meets() bool {
	for i := range a.task.Job.Pods {
		for _, c := range a.task.Job.Pods[i].Spec.Containers {
			if slices.ContainsFunc(c.Env, func(e workload.EnvVar) bool { return strings.HasSuffix(e.Name, "PORT") }) {
				return true
			}
		}
	}
	return len(a.task.Job.Pods) > 1
}

// descendants lists the processes below a shim, without itself.
func descendants(pid int) []int {
	var all []int
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	for _, task := range entries(tasks) {
		b, err := os.ReadFile(tasks + "/" + task + "/children")
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// ticks per second of /proc/PID/stat; Linux shows 100 on every machine.
const ticks = 100

// usage reads a process's processor time (with that of children it has waited for) and resident memory.
func usage(pid int) (cpu time.Duration, rss int64, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, false
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 22 || f[0] == "Z" {
		return 0, 0, false
	}
	for _, field := range f[11:15] {
		n, _ := strconv.ParseInt(field, 10, 64)
		cpu += time.Duration(n) * time.Second / ticks
	}
	pages, _ := strconv.ParseInt(f[21], 10, 64)
	return cpu, pages * int64(os.Getpagesize()), true
}

func socketsOf(pid int) []string {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	var inodes []string
	for _, name := range names {
		link, err := os.Readlink(dir + "/" + name)
		if inode, ok := strings.CutPrefix(link, "socket:["); ok && err == nil {
			inodes = append(inodes, strings.TrimSuffix(inode, "]"))
		}
	}
	return inodes
}

// listeners lists the TCP ports that something listens on in the network of a process.
func listeners(pid int) map[int]bool {
	ports := map[int]bool{}
	for port := range listenerInodes(pid) {
		ports[port] = true
	}
	return ports
}

func listenerInodes(pid int) map[int]string {
	ports := map[int]string{}
	for _, file := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/" + file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			const listen = "0A"
			if len(f) < 10 || f[3] != listen {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
				ports[int(port)] = f[9]
			}
		}
	}
	return ports
}
