package shim

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What is asked of a port is said and heard whole, however slowly, up to the most that is wanted.
func TestFetch(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	request := strings.Repeat("ask ", 800)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			heard := make([]byte, len(request))
			for n := 0; n < len(heard); {
				k, err := c.Read(heard[n:])
				if err != nil {
					return
				}
				n += k
			}
			if string(heard) == request {
				for range 100 {
					c.Write(bytes.Repeat([]byte("answer "), 1000))
				}
			}
			c.Close()
		}
	}()
	a := launch(t, t.TempDir(), Spec{Start: []Run{sh("sleep 60")}})
	var s Started
	a.await("p.c.0.run.json", &s) // it reads its commands now
	port := l.Addr().(*net.TCPAddr).Port
	for most, want := range map[int]int{10: 10, 1 << 20: 700_000} {
		file := "answer" + itoa(most)
		a.send(Command{Fetch: &Fetch{Port: port, Request: request, File: file, Max: most}})
		var f Fetched
		a.await(file, &f)
		if f.Error != "" || len(f.Answer) != want || !bytes.HasPrefix(f.Answer, []byte("answer ans")) {
			t.Errorf("at most %d: %d bytes, error %q", most, len(f.Answer), f.Error)
		}
	}
	if fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", a.cmd.Process.Pid)); err != nil || len(sockets(fds)) > 0 {
		t.Errorf("sockets are left open: %v, %v", sockets(fds), err)
	}
	a.send(Command{Exit: "over"})
	a.wait()
}

func sockets(fds []string) []string {
	var all []string
	for _, fd := range fds {
		var st unix.Stat_t
		if unix.Stat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK {
			all = append(all, fd)
		}
	}
	return all
}
