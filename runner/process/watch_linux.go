package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// watcher tells attempts which files were moved into their folders: the one thing shims do with what they write. It is one inotify
// instance for all, without the events of other kinds that fsnotify would deliver, and parse, for every file.
type watcher struct {
	file *os.File
	done sync.WaitGroup

	mu   sync.Mutex
	byWD map[int32]*attempt
}

func newWatcher() (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w (see /proc/sys/fs/inotify/max_user_instances)", err)
	}
	w := &watcher{file: os.NewFile(uintptr(fd), "inotify"), byWD: map[int32]*attempt{}}
	w.done.Go(w.read)
	return w, nil
}

// add begins to tell an attempt of files in its folder.
func (w *watcher) add(a *attempt) (int32, error) {
	w.mu.Lock() // so that no event is read before the map has it
	defer w.mu.Unlock()
	var wd int
	raw, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = errors.Join(raw.Control(func(fd uintptr) {
		wd, err = unix.InotifyAddWatch(int(fd), a.dir, unix.IN_MOVED_TO|unix.IN_ONLYDIR)
	}), err)
	if err != nil {
		return 0, fmt.Errorf("watching %s: %w (see /proc/sys/fs/inotify/max_user_watches)", a.dir, err)
	}
	w.byWD[int32(wd)] = a
	return int32(wd), nil
}

func (w *watcher) remove(wd int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byWD, wd)
	if raw, err := w.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { unix.InotifyRmWatch(int(fd), uint32(wd)) })
	}
}

func (w *watcher) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return // closed
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			e := (*unix.InotifyEvent)(unsafe.Pointer(&b[0]))
			end := unix.SizeofInotifyEvent + int(e.Len)
			name := string(bytes.TrimRight(b[unix.SizeofInotifyEvent:end], "\x00"))
			b = b[end:]
			w.tell(e.Wd, e.Mask, name)
		}
	}
}

func (w *watcher) tell(wd int32, mask uint32, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if mask&unix.IN_Q_OVERFLOW != 0 {
		for _, a := range w.byWD {
			a.changed("") // look at everything
		}
		return
	}
	if a := w.byWD[wd]; a != nil && name != "" {
		a.changed(name)
	}
}

func (w *watcher) close() error {
	err := w.file.Close()
	w.done.Wait()
	return err
}
