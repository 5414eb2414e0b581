package screen

import (
	"os"

	"golang.org/x/sys/unix"
)

// Mute keeps a terminal from showing what is typed, which would move the drawing; keys that send signals still do. The function
// that is returned undoes it. Nothing happens where the terminal is not this process' own to change: when there is none, or
// when the process is in the background.
func Mute(tty *os.File) (undo func()) {
	nothing := func() {}
	if tty == nil || !foreground(tty) {
		return nothing
	}
	fd := int(tty.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nothing
	}
	muted := *before
	muted.Lflag &^= unix.ECHO
	if unix.IoctlSetTermios(fd, unix.TCSETS, &muted) != nil {
		return nothing
	}
	return func() {
		if foreground(tty) {
			_ = unix.IoctlSetTermios(fd, unix.TCSETS, before) // a terminal that is gone needs nothing
		}
	}
}

// foreground reports whether this process may change the terminal without being stopped for it.
func foreground(tty *os.File) bool {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
