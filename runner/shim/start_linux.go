package shim

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// startError says why a container could not be started, with the exit code a shell would give.
type startError struct {
	code int
	text string
}

func (e *startError) Error() string { return e.text }

// start starts one container.
func (s *shim) start(r *Run) (*child, Stamp, error) {
	at := Now()
	if len(r.Argv) == 0 {
		return nil, at, &startError{127, "there is no command: give the container one"}
	}
	path := s.logPath(r)
	log, err := open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND)
	if err != nil {
		return nil, at, fmt.Errorf("opening the log %s: %w", path, err)
	}
	c := &child{run: r, log: log, ooms: oomKills(r.Cgroups)}
	if s.apart(r) {
		s.leaveHome()
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			mayWake(inTime) // which the container inherits
			err := s.fork(c, true)
			if s.returnHome(r) {
				runtime.UnlockOSThread() // otherwise the thread ends here
			}
			done <- err
		}()
		err = <-done
	} else {
		err = s.fork(c, false)
	}
	if err != nil {
		unix.Close(log)
		return nil, at, err
	}
	c.started = at
	return c, at, nil
}

func (s *shim) logPath(r *Run) string {
	if filepath.IsAbs(r.Log) {
		return r.Log
	}
	return s.dir + "/" + r.Log
}

// apart says whether a container needs a thread of its own to be forked from, so that it alone gets its mounts, host name and cgroups.
func (s *shim) apart(r *Run) bool {
	if len(r.Cgroups) > 0 {
		return true
	}
	hides := func(m Mount) bool { return covers(filepath.Clean(m.Target), s.dir) }
	if slices.ContainsFunc(r.Mounts, hides) {
		return true // this process must go on seeing the attempt's folder
	}
	alone := s.spec.Final && len(s.spec.Start) == 1
	return s.spec.Namespaces && !alone && (len(r.Mounts) > 0 || r.Hostname != "")
}

// fork starts a container's process from the calling thread.
func (s *shim) fork(c *child, apart bool) error {
	r := c.run
	if s.spec.Namespaces {
		if err := s.isolate(r, apart); err != nil {
			return err
		}
	}
	attr := &syscall.SysProcAttr{Setsid: true, PidFD: &c.pidfd}
	for _, dir := range r.Cgroups {
		fd, err := joinCgroup(dir)
		if err != nil {
			return fmt.Errorf("entering the cgroup %s: %w", dir, err)
		}
		if fd >= 0 {
			defer unix.Close(fd)
			attr.UseCgroupFD, attr.CgroupFD = true, fd
		}
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // fails harmlessly on kernels before 4.3
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbidding new privileges: %w", err)
	}
	env := append(r.Env[:len(r.Env):len(r.Env)], MarkerVariable+"="+s.mark(r))
	path, err := lookPath(r.Argv[0], r.Dir, env)
	if err != nil {
		return err
	}
	files := []uintptr{uintptr(s.null), uintptr(c.log), uintptr(c.log)}
	pid, err := syscall.ForkExec(path, r.Argv, &syscall.ProcAttr{Dir: r.Dir, Env: env, Files: files, Sys: attr})
	if errors.Is(err, unix.EAGAIN) {
		return &startError{126, fmt.Sprintf("starting %s: no process can be started, since the trial has all the processes and threads it may have%s: have it start fewer", path, s.spec.most())}
	}
	if err != nil {
		return explain(path, r.Dir, err)
	}
	if c.pidfd < 0 { // kernels before 5.4
		if c.pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			unix.Kill(pid, unix.SIGKILL)
			return fmt.Errorf("pidfd_open: %w: Linux 5.3 or newer is needed", err)
		}
	}
	c.pid = pid
	return nil
}

// joinCgroup moves the calling thread into a v1 folder, or opens a v2 folder to be cloned into.
func joinCgroup(dir string) (int, error) {
	fd, err := open(dir+"/tasks", unix.O_WRONLY)
	if err == nil {
		defer unix.Close(fd)
		return -1, writeAll(fd, []byte("0"))
	}
	if !errors.Is(err, unix.ENOENT) {
		return -1, err
	}
	return open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
}

// lookPath finds a program as execvp does, in the PATH of env and relative to dir.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path, set := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", false
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path, set = v, true
		}
	}
	denied := ""
	for _, folder := range filepath.SplitList(path) {
		file := filepath.Join(folder, name)
		seen := file
		if !filepath.IsAbs(file) {
			file = "./" + file
			seen = filepath.Join(dir, file)
		}
		info, err := os.Stat(seen)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 != 0 {
			return file, nil
		}
		denied = seen
	}
	if denied != "" {
		return "", &startError{126, fmt.Sprintf("%s is not executable: make it so (chmod +x) or start it through its interpreter", denied)}
	}
	hint := "set PATH in the image map or the container's env"
	if set {
		hint = "correct the command, or the PATH in the image map or the container's env"
	}
	return "", &startError{127, fmt.Sprintf("program %q is in none of the folders of PATH (%s): install it, or %s", name, path, hint)}
}

// explain turns the error of an exec into one that names the file in question and the remedy.
func explain(path, dir string, err error) error {
	if dir != "" {
		if info, e := os.Stat(dir); e != nil {
			return &startError{127, fmt.Sprintf("working directory %s: %v: correct workingDir, or make the folder in the image map", dir, errors.Unwrap(e))}
		} else if !info.IsDir() {
			return &startError{126, fmt.Sprintf("working directory %s is no directory: correct workingDir", dir)}
		}
	}
	file := path
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	info, e := os.Stat(file)
	switch {
	case errors.Is(e, fs.ErrNotExist):
		return &startError{127, fmt.Sprintf("program %s does not exist: correct the command, or map the image to a folder that has it", file)}
	case e != nil:
		return &startError{126, fmt.Sprintf("program %s: %v", file, errors.Unwrap(e))}
	case info.IsDir():
		return &startError{126, fmt.Sprintf("%s is a directory: the command must be a program", file)}
	case errors.Is(err, unix.EACCES) && info.Mode()&0o111 == 0:
		return &startError{126, fmt.Sprintf("program %s is not executable: make it so (chmod +x) or start it through its interpreter", file)}
	}
	if interpreter := shebang(file); interpreter != "" && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES)) {
		code := 127
		if errors.Is(err, unix.EACCES) {
			code = 126
		}
		return &startError{code, fmt.Sprintf("the first line of %s names the interpreter %q, which cannot be started (%v): install it or correct that line", file, interpreter, err)}
	}
	if errors.Is(err, unix.ENOEXEC) {
		return &startError{126, fmt.Sprintf("%s is neither a program of this machine nor a script with a first line like #!/bin/sh", file)}
	}
	return &startError{126, fmt.Sprintf("starting %s: %v", file, err)}
}

// shebang returns the interpreter that a script's first line names.
func shebang(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 256).ReadString('\n')
	if err != nil && len(line) == 0 || !strings.HasPrefix(line, "#!") {
		return ""
	}
	return strings.Trim(line[2:], " \t\n") // a carriage return stays, to be seen in the message
}
