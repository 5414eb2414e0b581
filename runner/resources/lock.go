package resources

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/workload"
)

// locks are files in one folder; who holds the lock of a file has what it is named after. The kernel lets go of what a program
// holds when the program ends in whatever way.
type locks struct{ dir string }

func openLocks(dir string) (*locks, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for locks: %w", err)
	}
	return &locks{dir}, nil
}

type lock struct{ file *os.File }

// errTaken says that another program, or another task of this one, has the lock.
var errTaken = errors.New("taken")

// take gets a lock at once or returns errTaken.
func (l *locks) take(name string) (*lock, error) {
	path := filepath.Join(l.dir, name)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, errTaken
			}
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		held, err := f.Stat()
		named, err2 := os.Stat(path)
		if err == nil && err2 == nil && os.SameFile(held, named) {
			return &lock{f}, nil
		}
		f.Close() // its last holder has just removed it
		if err := errors.Join(err, err2); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
	}
}

// release gives the lock back and removes its file, which nobody else can have locked.
func (l *lock) release() {
	os.Remove(l.file.Name())
	l.file.Close()
}

var unusual = pattern(`[^-A-Za-z0-9]+`)

func deviceLock(d provision.Device) string {
	return "device-" + unusual().ReplaceAllString(d.Resource+"-"+d.ID, "-")
}

func portLock(port int) string { return "port-" + strconv.Itoa(port) }

// takeDevices finds accelerators for every container of a task, all or none, or says what it waits for. Pods of a Job that run
// one after the other use the same ones.
func (p *Pool) takeDevices(h *holding, task runner.Task) string {
	if len(h.need.devices) == 0 {
		return ""
	}
	h.grant.Devices = map[string][]provision.Device{}
	taken := map[provision.Device]int{}
	for i := range task.Job.Pods {
		pod := &task.Job.Pods[i]
		if i >= h.need.together {
			before := &task.Job.Pods[i%h.need.together]
			for key, devices := range h.grant.Devices {
				if container, ok := strings.CutPrefix(key, before.Name+"/"); ok {
					h.grant.Devices[pod.Name+"/"+container] = devices
				}
			}
			continue
		}
		if reason := p.takeForPod(h, pod, taken); reason != "" {
			return reason
		}
	}
	return ""
}

// takeForPod gives the containers of a pod their accelerators. An init container uses those of the containers that follow it
// where there are enough.
func (p *Pool) takeForPod(h *holding, pod *workload.Pod, taken map[provision.Device]int) string {
	var later []provision.Device
	for k, list := range [][]workload.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		init := k == 1
		for j := range list {
			c := &list[j]
			req, err := requests(c)
			if err != nil {
				return err.Error()
			}
			for name, n := range req {
				if name == "cpu" || name == "memory" || n == 0 {
					continue
				}
				var reuse []provision.Device
				if init && c.RestartPolicy != string(workload.RestartAlways) {
					reuse = later
				}
				got, reason := p.find(h, name, int(n), taken, reuse)
				if reason != "" {
					return reason
				}
				later = append(later, got...)
				key := pod.Name + "/" + c.Name
				h.grant.Devices[key] = append(h.grant.Devices[key], got...)
			}
		}
	}
	return ""
}

// find gets n accelerators of a kind: first those that may be used again, then the least loaded.
func (p *Pool) find(h *holding, name string, n int, taken map[provision.Device]int, reuse []provision.Device) ([]provision.Device, string) {
	var got []provision.Device
	for _, d := range reuse {
		if d.Resource == name && len(got) < n {
			got = append(got, d)
		}
	}
	all := p.devices(name)
	busy := 0
	slices.SortStableFunc(all, func(a, b provision.Device) int { return p.load[a] + taken[a] - p.load[b] - taken[b] })
	for _, d := range all {
		if len(got) == n || slices.Contains(got, d) {
			continue
		}
		if !p.o.ShareGPU {
			if p.load[d]+taken[d] > 0 {
				continue
			}
			l, err := p.locks.take(deviceLock(d))
			if err != nil {
				busy++
				continue
			}
			h.locks = append(h.locks, l)
		}
		taken[d]++
		got = append(got, d)
	}
	if len(got) == n {
		return got, ""
	}
	own := 0
	for _, d := range all {
		if p.load[d] > 0 {
			own++
		}
	}
	has := func(h *holding) bool { return len(h.grant.Devices) > 0 }
	who := p.holders(has)
	if busy > 0 && own > 0 {
		who += " and other programs"
	}
	return nil, fmt.Sprintf("waiting for %d %s: %d of %d are taken by %s", h.need.devices[name], name, own+busy, len(all), who)
}

// takePorts gives every port that the pods listen on one of this machine.
func (p *Pool) takePorts(h *holding, w *waiter) error {
	if !w.ports {
		return nil
	}
	h.grant.Ports = map[string]int{}
	listens := provision.Listens(w.task.Job)
	low, high := portRange()
	next := low
	for i := range w.task.Job.Pods {
		pod := w.task.Job.Pods[i].Name
		for _, port := range listens[pod] {
			found := 0
			for ; next <= high && found == 0; next++ {
				l, err := p.locks.take(portLock(next))
				if errors.Is(err, errTaken) {
					continue
				}
				if err != nil {
					return err
				}
				if !bindable(next) {
					l.release()
					continue
				}
				h.locks = append(h.locks, l)
				found = next
			}
			if found == 0 {
				return fmt.Errorf("no port from %d to %d is free on this machine", low, high)
			}
			h.grant.Ports[pod+"/"+strconv.Itoa(port)] = found
		}
	}
	return nil
}

// portRange lies where the kernel picks no ports by itself, so that gloo and NCCL, which let it, do not take what was given out.
func portRange() (low, high int) {
	const lowest, wide = 10_000, 12_000
	b, err := os.ReadFile(procRoot + "/sys/net/ipv4/ip_local_port_range")
	f := strings.Fields(string(b))
	first, last := 32768, 60999
	if err == nil && len(f) == 2 {
		if a, err := strconv.Atoi(f[0]); err == nil {
			first = a
		}
		if z, err := strconv.Atoi(f[1]); err == nil {
			last = z
		}
	}
	switch {
	case first >= lowest+1000:
		return max(lowest, first-wide), first - 1
	case last < 65_000:
		return last + 1, 65_535
	}
	return lowest, 65_535
}

// bindable says whether nothing listens on a port, on IPv4 and IPv6 alike.
func bindable(port int) bool {
	for _, at := range []struct{ network, host string }{{"tcp4", "0.0.0.0"}, {"tcp6", "::"}} {
		l, err := net.Listen(at.network, net.JoinHostPort(at.host, strconv.Itoa(port)))
		if err != nil {
			if at.network == "tcp6" && !errors.Is(err, unix.EADDRINUSE) {
				continue // a machine without IPv6
			}
			return false
		}
		l.Close()
	}
	return true
}

// pattern compiles an expression when it is first used: every start of a trial's supervisor would pay for it otherwise.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
