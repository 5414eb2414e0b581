package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// siginfoPID reads si_pid, the first field of the union that follows three ints, aligned as a pointer is.
func siginfoPID(info *unix.Siginfo) int {
	const offset = (3*4 + unsafe.Sizeof(uintptr(0)) - 1) &^ (unsafe.Sizeof(uintptr(0)) - 1)
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}

// enter makes the namespaces that this process was cloned into fit for containers.
// Below dir lies the attempt, which must stay to be seen.
func (s *Spec) enter(dir string) error {
	if !s.Namespaces {
		s.boundTasks()
		return nil
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keeping mounts private: %w", err)
	}
	if s.PIDs {
		defySignals()
		if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("mounting /proc: %w", err)
		}
	}
	if err := s.memory(dir); err != nil {
		return err
	}
	s.boundTasks()
	if s.Network {
		return loopbackUp()
	}
	return nil
}

// memory gives the attempt a /dev/shm of its own.
func (s *Spec) memory(dir string) error {
	if strings.HasPrefix(dir, "/dev/shm/") {
		return nil
	}
	options := "mode=1777"
	if s.ShmMegabyte > 0 {
		options += ",size=" + itoa(s.ShmMegabyte) + "m"
	}
	err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mounting /dev/shm: %w", err)
	}
	return nil
}

// loopbackUp brings up the loopback device of the calling thread's network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bringing up lo: %w", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("bringing up lo: %w", err)
	}
	return nil
}

// isolate gives the calling thread the mounts and the host name of a container; apart, in namespaces of its own.
func (s *shim) isolate(r *Run, apart bool) error {
	if apart {
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
			return fmt.Errorf("making namespaces for the container: %w", err)
		}
	}
	if r.Hostname != "" {
		if err := unix.Sethostname([]byte(r.Hostname)); err != nil {
			return fmt.Errorf("setting the host name %q: %w", r.Hostname, err)
		}
	}
	return mountAll(r.Mounts)
}

// remountReadOnly keeps the flags that a mount has, because a user namespace must not drop them.
func remountReadOnly(target string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return err
	}
	const kept = unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC | unix.ST_NOATIME | unix.ST_NODIRATIME | unix.ST_RELATIME
	flags := uintptr(st.Flags) & kept // their bits are those of MS_…, but for relatime
	flags &^= unix.ST_RELATIME
	if st.Flags&unix.ST_RELATIME != 0 {
		flags |= unix.MS_RELATIME
	}
	return unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|flags, "")
}

// makeTarget makes a path exist as a folder or file to mount on, without touching what lies on disk: the folder that lacks it is
// covered by memory that shows the same entries.
// In folders that are the container's own it is simply made.
func makeTarget(target string, dir bool, own func(string) bool) error {
	info, err := os.Stat(target)
	if err == nil {
		if info.IsDir() != dir {
			return fmt.Errorf("the target is there already, and is %s", map[bool]string{true: "a folder", false: "a file"}[info.IsDir()])
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	have := filepath.Dir(target)
	for ; ; have = filepath.Dir(have) {
		if info, err := os.Stat(have); err == nil {
			if !info.IsDir() {
				return fmt.Errorf("%s is no folder", have)
			}
			break
		}
	}
	if have, err = filepath.EvalSymlinks(have); err != nil {
		return err
	}
	rest, err := filepath.Rel(closest(target), target)
	if err != nil {
		return err
	}
	if !isCover(have) && !own(have) {
		if have == "/" {
			err = coverRoot()
		} else {
			err = cover(have)
		}
		if err != nil {
			return fmt.Errorf("making room for it in %s: %w", have, err)
		}
	}
	full := filepath.Join(have, rest)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	if dir {
		return os.Mkdir(full, 0o755)
	}
	return os.WriteFile(full, nil, 0o644)
}

// closest is the longest beginning of a path that exists.
func closest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		path = filepath.Dir(path)
	}
}

const coverMark = ".qalam-cover"

func isCover(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, coverMark))
	return err == nil
}

// cover lays memory over a folder and shows the folder's entries in it.
func cover(dir string) error {
	fd, err := open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	return mirror("/proc/self/fd/"+itoa(fd), dir)
}

// coverRoot moves this mount namespace to a root of memory that shows the entries of the old one.
func coverRoot() error {
	const root = "/tmp" // any folder serves: what lies on it is seen again by mirror, which reads the old root
	if err := unix.Mount("tmpfs", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	old := filepath.Join(root, ".old")
	if err := os.Mkdir(old, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(root, old); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := mirror("/.old", "/"); err != nil {
		return err
	}
	if err := unix.Unmount("/.old", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Remove("/.old")
}

// mirror shows every entry of the folder from in the empty folder to.
func mirror(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.Name() == coverMark || src == "/.old/.old" {
			continue
		}
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(src)
			if err != nil {
				return err
			}
			if err := os.Symlink(link, dst); err != nil {
				return err
			}
			continue
		case e.IsDir():
			err = os.Mkdir(dst, 0o755)
		default:
			err = os.WriteFile(dst, nil, 0o644)
		}
		if err != nil {
			return err
		}
		if err := unix.Mount(src, dst, "", unix.MS_BIND|unix.MS_REC, ""); err != nil && !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("%s: %w", src, err)
		}
	}
	return os.WriteFile(filepath.Join(to, coverMark), nil, 0o400)
}
