package shim

import (
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Go watches over its threads with one more, which wakes every 20 µs as long as anything goes on: some fifty times in the few
// milliseconds that a shim works, and each time it may take the scheduler's turn from a system call that takes long, to give it back
// at once. That was a sixth of a short trial's processor time. A process inherits how late the kernel may wake it, so a shim
// is born with wakes that may be late, and only the thread that does the work is woken in time again: nothing else in a shim has
// anything to be in time for.
const (
	late   = time.Second
	inTime = 50 * time.Microsecond // as Linux has it for every process
)

// Fork starts a shim for a folder from a file that holds one.
func Fork(file, dir string, attr *syscall.ProcAttr) (pid int, err error) {
	err = bornLate(func() error {
		pid, err = syscall.ForkExec(file, []string{Argv0, dir}, attr)
		return err
	})
	return pid, err
}

// bornLate calls what forks, so that the new process may be woken late.
func bornLate(fork func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if before, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err == nil {
		mayWake(late)
		defer mayWake(time.Duration(before))
	}
	return fork()
}

// mayWake sets how late the calling thread may be woken, and what it starts from now on. Where that is refused, all is only slower.
func mayWake(after time.Duration) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(after), 0, 0, 0)
}
