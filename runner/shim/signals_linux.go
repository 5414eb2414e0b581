package shim

import (
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"
)

// defySignals lets no container end this process, the first of its PID namespace. The kernel keeps signals from within away from
// it as long as it does not handle them; Go handles nearly all, only to die of them.
func defySignals() {
	signal.Ignore(unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE) // when they were sent: Go makes panics of this process's own faults
	var byDefault [4]uintptr                              // a struct sigaction of the kernel's
	const last, setSize = 64, 8
	for sig := unix.Signal(1); sig <= last; sig++ {
		switch sig {
		case unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE:
		case unix.SIGCHLD, unix.SIGURG: // end a wait: an orphan has ended, another goroutine is to run
		default:
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, setSize, 0, 0) // KILL and STOP cannot be handled
		}
	}
}
