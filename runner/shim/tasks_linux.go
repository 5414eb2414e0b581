package shim

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// boundTasks keeps a program that starts processes without end from taking all that the machine has: through the numbers that a
// PID namespace has to give, which is new in Linux 6.14, or else through what the user may have in all. Root has no
// such limit; where there is a cgroup, that limits its container besides.
func (s *Spec) boundTasks() {
	if s.Tasks <= 0 {
		return
	}
	const reserved = 300 // numbers that are not given out again
	if s.PIDs && os.WriteFile("/proc/sys/kernel/pid_max", []byte(strconv.FormatInt(s.Tasks+reserved, 10)), 0) == nil {
		return
	}
	b, err := slurp("/proc/loadavg")
	if err != nil {
		return
	}
	_, rest, _ := strings.Cut(string(b), "/")
	now, _, _ := strings.Cut(rest, " ")
	threads, err := strconv.ParseUint(now, 10, 64)
	var had unix.Rlimit
	if err != nil || unix.Getrlimit(unix.RLIMIT_NPROC, &had) != nil {
		return
	}
	limit := min(had.Cur, threads+uint64(s.Tasks))
	unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: limit, Max: min(had.Max, limit)})
}
