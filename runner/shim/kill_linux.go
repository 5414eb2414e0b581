package shim

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reap waits for everything that has ended: containers' processes and orphans that this process has inherited.
func (s *shim) reap() {
	for {
		pid := s.zombie()
		if pid <= 0 {
			return
		}
		s.bury(pid)
	}
}

// zombie returns a child that has ended, without waiting for it; 0 when none has, -1 when there is no child at all.
func (s *shim) zombie() int {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		switch err {
		case unix.EINTR:
			continue
		case nil:
			return siginfoPID(&info)
		default:
			return -1
		}
	}
}

func (s *shim) bury(pid int) {
	if c := s.live[pid]; c != nil {
		s.finish(c)
		return
	}
	unix.Wait4(pid, nil, unix.WNOHANG, nil)
}

// killAll ends everything that descends from this process. It kills children only, never a PID it has read about: what they
// leave behind becomes this process's child. It returns when nothing is left.
func (s *shim) killAll() {
	for _, dir := range s.spec.Cgroups {
		killCgroup(dir)
	}
	for pause := time.Duration(0); ; pause = min(2*pause+time.Millisecond, 50*time.Millisecond) {
		if s.zombie() < 0 {
			return
		}
		if s.spec.PIDs {
			unix.Kill(-1, unix.SIGKILL)
		}
		for _, pid := range children() {
			unix.Kill(pid, unix.SIGKILL)
		}
		nap(pause)
		for pid := s.zombie(); pid > 0; pid = s.zombie() {
			s.bury(pid)
		}
	}
}

// nap is time.Sleep without the Go scheduler, which would set another thread to watch the clock.
func nap(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	for d > 0 && unix.Nanosleep(&left, &left) == unix.EINTR {
	}
}

// sweep kills the orphans that one container has left, and what those leave.
func (s *shim) sweep(r *Run) {
	marker := []byte(MarkerVariable + "=" + s.mark(r) + "\x00")
	for range 100 {
		killed := 0
		for _, pid := range children() {
			if s.live[pid] != nil {
				continue
			}
			env, err := slurp("/proc/" + strconv.Itoa(pid) + "/environ")
			if err != nil || !bytes.Contains(append(env, 0), marker) {
				continue
			}
			unix.Kill(pid, unix.SIGKILL)
			unix.Wait4(pid, nil, 0, nil)
			killed++
		}
		if killed == 0 {
			return
		}
	}
}

// children lists the PIDs of this process's children, zombies included.
func children() []int { return childrenOf(os.Getpid()) }

func childrenOf(parent int) []int {
	var pids []int
	dir := "/proc/" + strconv.Itoa(parent) + "/task/"
	for _, task := range list(dir) {
		b, err := slurp(dir + task + "/children")
		if err != nil {
			if _, gone := os.Stat(dir + task); gone == nil {
				return childrenByScan(parent) // this kernel has no such file
			}
			continue
		}
		for field := range strings.FieldsSeq(string(b)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func childrenByScan(parent int) []int {
	var pids []int
	self := strconv.Itoa(parent)
	for _, name := range list("/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		b, err := slurp("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])); len(f) > 1 && f[1] == self {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killCgroup kills everything in a cgroup v2 folder and below; other folders it leaves alone.
func killCgroup(dir string) {
	_ = overwriteText(dir+"/cgroup.kill", "1") // fails in other folders
}

// oomKills counts the processes that the kernel has killed in these cgroups for want of memory.
func oomKills(dirs []string) int {
	n := 0
	for _, dir := range dirs {
		b, err := slurp(dir + "/memory.events")
		if err != nil {
			b, err = slurp(dir + "/memory.oom_control")
		}
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if count, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
				k, _ := strconv.Atoi(count)
				n += k
			}
		}
	}
	return n
}
