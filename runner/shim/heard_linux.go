package shim

import (
	"os"

	"golang.org/x/sys/unix"
)

// Hear tells the shims that get this file as their stderr that there is an engine which takes up at once what they write, for as long
// as this process lives and does not open the file a second time.
func Hear(trouble *os.File) error {
	return unix.FcntlFlock(trouble.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
}

// heard says whether an engine takes up what this shim writes. It records it durably within moments, which a shim then need not do as
// well: a power cut before that has the trial repeated, as one just before its end does.
func heard() bool {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	return unix.FcntlFlock(uintptr(unix.Stderr), unix.F_GETLK, &lock) == nil && lock.Type != unix.F_UNLCK
}
