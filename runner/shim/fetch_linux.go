package shim

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const fetchTimeout = 10 * time.Second

// asking is a fetch on its way. The loop carries it on, without a thread of its own.
type asking struct {
	Fetch
	fd     int
	unsaid []byte // what of the request has not been sent
	answer []byte
	until  time.Duration // boot time at which the answer counts as complete
}

// ask begins a fetch.
func (s *shim) ask(f Fetch) {
	a := &asking{Fetch: f, unsaid: []byte(f.Request), until: Boottime() + fetchTimeout}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		s.answer(a, err)
		return
	}
	a.fd = fd
	s.asked[fd] = a
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: f.Port, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil || err == unix.EINPROGRESS {
		err = unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
	}
	if err != nil {
		s.answer(a, err)
	}
}

// carryOn says and hears what can be said and heard without waiting.
func (s *shim) carryOn(a *asking) {
	for len(a.unsaid) > 0 {
		n, err := unix.Write(a.fd, a.unsaid) // it tells too that nobody could be reached
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			return
		case err != nil:
			s.answer(a, err)
			return
		}
		if a.unsaid = a.unsaid[n:]; len(a.unsaid) == 0 {
			_ = unix.EpollCtl(s.poll, unix.EPOLL_CTL_MOD, a.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(a.fd)})
		}
	}
	buf := make([]byte, 32<<10)
	for len(a.answer) < a.Max {
		n, err := unix.Read(a.fd, buf[:min(len(buf), a.Max-len(a.answer))])
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			return
		case err != nil:
			s.answer(a, err)
			return
		case n == 0:
			s.answer(a, nil)
			return
		}
		a.answer = append(a.answer, buf[:n]...)
	}
	s.answer(a, nil)
}

// answer ends a fetch.
func (s *shim) answer(a *asking, err error) {
	if a.fd > 0 {
		delete(s.asked, a.fd)
		unix.Close(a.fd)
	}
	out := Fetched{Answer: a.answer}
	if err != nil {
		out.Error = fmt.Sprintf("port %d: %v", a.Port, err)
	}
	if err := writeFile(s.dir, a.File, out.line(), false); err != nil {
		complain(err)
	}
}

// hangUp ends the fetches that have taken too long. Whoever answers may have said everything without hanging up.
func (s *shim) hangUp() {
	for _, a := range s.asked {
		if Boottime() < a.until {
			continue
		}
		var err error
		if len(a.answer) == 0 {
			err = errors.New("no answer within " + fetchTimeout.String())
		}
		s.answer(a, err)
	}
}
