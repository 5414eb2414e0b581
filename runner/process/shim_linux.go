package process

import (
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"qalam/runner/shim"
)

// process is a shim, watched from outside through a pidfd: the number of a process that has ended may be a stranger's.
type process struct {
	pid   int
	pidfd *os.File
	child bool
	over  atomic.Bool
	code  int // exit code, of a child that is over
}

// start starts a shim for a folder, which inherits locks. changed is called when it has ended.
func (p *Program) start(dir string, iso Isolation, hostNetwork bool, trouble *os.File, locks []*os.File, changed func()) (*process, error) {
	pidfd := -1
	attr := &syscall.ProcAttr{Env: shimEnv(), Files: []uintptr{trouble.Fd(), trouble.Fd(), trouble.Fd()}}
	for _, f := range locks {
		attr.Files = append(attr.Files, f.Fd())
	}
	attr.Sys = iso.attributes(hostNetwork)
	attr.Sys.PidFD = &pidfd
	file := p.File()
	pid, err := shim.Fork(file, dir, attr)
	if err != nil && file != itself { // it was removed just now, or may no longer be executed
		pid, err = shim.Fork(itself, dir, attr)
	}
	if err != nil {
		return nil, err
	}
	return watch(pid, pidfd, true, changed)
}

// adopt watches a shim that an earlier engine started.
func adopt(c shim.Claim, changed func()) (*process, error) {
	pidfd, err := unix.PidfdOpen(c.PID, 0)
	if err == unix.ESRCH {
		return nil, os.ErrProcessDone
	}
	if err != nil {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	if began, _, err := shim.StartTime(c.PID); err != nil || began != c.StartTime {
		unix.Close(pidfd) // a stranger
		return nil, os.ErrProcessDone
	}
	return watch(c.PID, pidfd, false, changed)
}

func watch(pid, pidfd int, child bool, changed func()) (*process, error) {
	if pidfd < 0 {
		var err error
		if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			return nil, fmt.Errorf("pidfd_open: %w: Linux 5.3 or newer is needed", err)
		}
	}
	if err := unix.SetNonblock(pidfd, true); err != nil {
		return nil, err
	}
	p := &process{pid: pid, pidfd: os.NewFile(uintptr(pidfd), "pidfd"), child: child}
	go func() {
		p.wait()
		p.over.Store(true)
		p.pidfd.Close()
		changed()
	}()
	return p, nil
}

// wait returns when the process has ended, and with it all that its PID namespace held.
func (p *process) wait() {
	raw, err := p.pidfd.SyscallConn()
	if err == nil {
		err = raw.Read(func(fd uintptr) bool {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
	}
	if !p.child || err != nil {
		return
	}
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(p.pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	p.code = status.ExitStatus()
}

func (p *process) gone() bool { return p.over.Load() }

// kill ends the shim by force; what it leaves is killed when it is gone.
func (p *process) kill() {
	if raw, err := p.pidfd.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) })
	}
}

// tell writes one command into a shim's FIFO; an error means that it does not read yet, or no more.
func tell(path string, c shim.Command) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, append(b, '\n'))
	return err
}
