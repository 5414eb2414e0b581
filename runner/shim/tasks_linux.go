package shim

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// boundTasks keeps a program that starts processes without end from taking all that the machine has: through the numbers that a
// PID namespace has to give, which is new in Linux 6.14, or else through what the user may have in all. Root has no
// such limit; where there is a cgroup, that limits its container besides.
func (s *Spec) boundTasks() {
	if s.Tasks <= 0 {
		return
	}
	if s.PIDs || os.Geteuid() != 0 {
		reserveThreads() // this process is held to the limit too
	}
	const reserved = 300 // numbers that are not given out again
	if s.PIDs && overwriteText("/proc/sys/kernel/pid_max", strconv.FormatInt(s.Tasks+reserved, 10)) == nil {
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
	_ = unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: limit, Max: min(had.Max, limit)})
}

// most says how many tasks there may be at once.
func (s *Spec) most() string {
	if s.Tasks <= 0 {
		return ""
	}
	return " (" + strconv.FormatInt(s.Tasks, 10) + ")"
}

// spareThreads is how many threads this process has more than it needs. Go starts a thread whenever one that could go on has not come
// to rest yet, and gives up the whole process when it cannot: once the containers have taken all tasks there are, it must never
// have to. On a machine with ten times as much to do as it can, one was enough in 25 tests of 25.
const spareThreads = 2

// reserveThreads makes the spare threads, which Go keeps for ever.
func reserveThreads() {
	var met, gone sync.WaitGroup
	part := make(chan struct{})
	met.Add(spareThreads)
	for range spareThreads {
		gone.Go(func() {
			runtime.LockOSThread() // a thread for each of them, since none can run on another's
			met.Done()
			<-part
			runtime.UnlockOSThread()
		})
	}
	met.Wait()
	close(part)
	gone.Wait()
}
