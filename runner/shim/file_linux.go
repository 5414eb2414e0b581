package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// leave ends this process at once, without what the Go runtime may do before.
func leave(code int) { unix.Exit(code) }

func itoa(n int) string { return strconv.Itoa(n) }

// Now reads both clocks.
func Now() Stamp {
	return Stamp{Wall: time.Now().UTC().Round(0), Boot: Boottime()}
}

// Boottime is the time since the machine started, sleep included. No clock setting changes it.
func Boottime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// BootID names this run of the machine.
func BootID() string {
	b, err := slurp("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// StartTime is field 22 of /proc/PID/stat, in clock ticks since boot; pid 0 means the caller, whose PID by that proc file system
// is returned too. A zombie is an error.
func StartTime(pid int) (uint64, int, error) {
	name := "self"
	if pid > 0 {
		name = strconv.Itoa(pid)
	}
	b, err := slurp("/proc/" + name + "/stat")
	if err != nil {
		return 0, 0, err
	}
	s := string(b)
	end := strings.LastIndexByte(s, ')') // the command's name may hold anything
	if end < 0 {
		return 0, 0, errors.New("/proc/" + name + "/stat is not readable as such")
	}
	own, err := strconv.Atoi(s[:strings.IndexByte(s, ' ')])
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(s[end+1:])
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return 0, 0, os.ErrProcessDone
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	return start, own, err
}

// WriteFile puts v as JSON into dir/name so that a reader sees all of it or nothing. With sync it survives a power cut, and after
// a power cut in between either the whole file is there or none.
func WriteFile(dir, name string, v any, sync bool) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(dir, name, append(b, '\n'), sync)
}

func writeFile(dir, name string, text []byte, sync bool) error {
	tmp := dir + "/." + name
	fd, err := open(tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)
	if err != nil {
		return &os.PathError{Op: "open", Path: tmp, Err: err}
	}
	err = writeAll(fd, text)
	if err == nil && sync {
		err = unix.Fsync(fd)
	}
	unix.Close(fd)
	if err != nil {
		unix.Unlink(tmp)
		return &os.PathError{Op: "write", Path: tmp, Err: err}
	}
	failpoint("written:" + tail(name))
	if err := unix.Rename(tmp, dir+"/"+name); err != nil {
		return &os.PathError{Op: "rename", Path: tmp, Err: err}
	}
	if sync {
		return syncFolder(dir)
	}
	return nil
}

// overwrite puts a line where the file old of the same folder has its blocks already, and renames that to name: it needs no space.
func overwrite(dir, old, name string, line []byte) error {
	fd, err := open(dir+"/"+old, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	line = line[:len(line)-1]
	for int64(len(line)) < st.Size-1 {
		line = append(line, ' ')
	}
	if err := writeAll(fd, append(line, '\n')); err != nil {
		return err
	}
	if err := unix.Fsync(fd); err != nil {
		return err
	}
	return unix.Rename(dir+"/"+old, dir+"/"+name)
}

// cutTail gives back the last blocks of a file, without changing its size.
func cutTail(path string) {
	const tail = 16 << 10
	fd, err := open(path, unix.O_RDWR)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		_ = unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, max(0, st.Size-tail), tail)
	}
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// overwriteText writes to a file that exists.
func overwriteText(path, text string) error {
	fd, err := open(path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return writeAll(fd, []byte(text))
}

// list returns the names in a folder, none when it cannot be read.
func list(dir string) []string {
	fd, err := open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var names []string
	var buf [8192]byte
	for {
		n, err := unix.ReadDirent(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return names
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func syncFolder(dir string) error {
	fd, err := open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	if err := unix.Fsync(fd); err != nil {
		return &os.PathError{Op: "fsync", Path: dir, Err: err}
	}
	return nil
}

// ReadFile reads what WriteFile wrote.
func ReadFile(path string, v any) error {
	b, err := slurp(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// parseFile has a file read by f.
func parseFile(path string, f func(*parser)) error {
	b, err := slurp(path)
	if err != nil {
		return err
	}
	if err := parse(b, f); err != nil {
		return errors.New(path + ": " + err.Error())
	}
	return nil
}

// slurp is os.ReadFile without the runtime's poller, which costs a shim more than the reading does.
func slurp(path string) ([]byte, error) {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	b := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, b[len(b):cap(b)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return b, nil
		}
		if b = b[:len(b)+n]; len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// ReadClaim reads an attempt's claim, and says whether the shim that made it lives. Without one it returns fs.ErrNotExist; one that
// is damaged, as a power cut may leave it, is an empty Claim.
func ReadClaim(dir string) (c Claim, lives bool, err error) {
	f, err := os.Open(dir + "/" + ClaimFile)
	if err != nil {
		return c, false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if lives = errors.Is(err, unix.EWOULDBLOCK); err != nil && !lives {
		return c, false, fmt.Errorf("%s: %w: attempts must lie on a local file system", f.Name(), err)
	}
	lines := json.NewDecoder(f)
	if lines.Decode(&c) != nil {
		return Claim{}, lives, nil
	}
	var d Done
	if lines.Decode(&d) == nil {
		c.Done = &d
	}
	return c, lives, nil
}

// tail is the part of a file's name that says what it tells.
func tail(name string) string {
	for _, t := range []string{StartedTail, ExitedTail} {
		if strings.HasSuffix(name, t) {
			return t[1:]
		}
	}
	return name
}
