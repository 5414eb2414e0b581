package shim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// shim is the state of this process. One thread owns it: it waits for commands, ends of processes and deadlines in one place.
type shim struct {
	dir   string
	spec  Spec
	lock  int // of the claim: open, and so locked, for this process's whole life
	poll  int
	ctl   int
	null  int
	live  map[int]*child // by PID
	input []byte         // of the control FIFO, up to the next line's end
	home  home
	asked map[int]*asking // by descriptor

	plain bool // every start so far was one of spec.Start and has ended with code 0
	exit  string
	until time.Duration // boot time at which exit kills; meaningful when exit is set
	look  time.Duration // boot time at which to look at memory again; 0 means never
}

// child is one container's process.
type child struct {
	run     *Run
	pid     int
	pidfd   int
	log     int
	ooms    int
	started Stamp
	told    bool          // that it started
	over    string        // as in Exited
	until   time.Duration // boot time at which it is killed; 0 means never
}

func run(dir string) int {
	runtime.LockOSThread() // processes are forked from, and reparented to, this thread
	mayWake(inTime)
	s := &shim{dir: dir, live: map[int]*child{}, asked: map[int]*asking{}, plain: true}
	if code := s.begin(); code != 0 {
		return code
	}
	s.startAll(s.spec.Start)
	for !s.over() {
		s.wait()
		s.reap()
		s.tell()
		s.expire()
		s.hangUp()
		s.measure()
		s.forsaken()
	}
	s.killAll()
	failpoint("killed")
	if err := writeAll(s.lock, Done{Why: s.exit, At: Now()}.line()); err != nil {
		complain(fmt.Errorf("writing %s: %w", ClaimFile, err))
		return ExitTrouble
	}
	return 0
}

func complain(err error) {
	fmt.Fprintf(os.Stderr, "%s shim %s: %v\n", time.Now().UTC().Format(time.RFC3339), os.Args[1], err)
}

// begin claims the attempt and makes the surroundings of its containers.
func (s *shim) begin() int {
	failpoint("begin")
	if code := s.claim(); code != 0 {
		return code
	}
	failpoint("claimed")
	if err := s.prepare(); err != nil {
		complain(err)
		return ExitTrouble
	}
	return 0
}

// claim makes the claim, locked and complete before it can be seen, unless there is one.
func (s *shim) claim() int {
	start, pid, err := StartTime(0)
	if err != nil {
		complain(fmt.Errorf("reading /proc/self/stat: %w", err))
		return ExitTrouble
	}
	tmp := s.dir + "/." + ClaimFile + "." + itoa(pid)
	if s.lock, err = open(tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC); err == nil {
		if err = unix.Flock(s.lock, unix.LOCK_EX|unix.LOCK_NB); err == nil {
			err = writeAll(s.lock, Claim{PID: pid, StartTime: start, BootID: BootID()}.line())
		}
		failpoint("locked")
		if err == nil {
			err = unix.Link(tmp, s.dir+"/"+ClaimFile)
		}
		unix.Unlink(tmp)
	}
	if errors.Is(err, unix.EEXIST) {
		return ExitTaken
	}
	if err != nil {
		complain(fmt.Errorf("writing %s: %w", ClaimFile, err))
		return ExitTrouble
	}
	return 0
}

func (s *shim) prepare() error {
	if err := parseFile(s.dir+"/"+SpecFile, s.spec.parse); err != nil {
		return err
	}
	const firstLock = 3 // after stdin, stdout and stderr
	for i := range s.spec.Locks {
		unix.CloseOnExec(firstLock + i) // lest what a container leaves behind holds it
	}
	var err error
	if s.null, err = open("/dev/null", unix.O_RDONLY); err != nil {
		return fmt.Errorf("opening /dev/null: %w", err)
	}
	unix.Umask(0o022)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming the reaper of orphans: %w", err)
	}
	if err := s.spec.enter(s.dir); err != nil {
		return err
	}
	path := s.dir + "/" + ControlFile
	if s.ctl, err = open(path, unix.O_RDWR|unix.O_NONBLOCK); err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	if s.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return s.watch(s.ctl)
}

func (s *shim) watch(fd int) error {
	return unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// over says whether this shim's work is done.
func (s *shim) over() bool {
	if s.exit == "" && s.spec.Final && s.plain && len(s.live) == 0 {
		s.exit = "final"
	}
	return s.exit != "" && (len(s.live) == 0 || Boottime() >= s.until)
}

// wait sleeps until a command came, a container's process ended or a deadline passed. SIGCHLD of an orphan also ends it, so that
// orphans are reaped soon; one that is missed is reaped at the next occasion.
func (s *shim) wait() {
	timeout := int(forsakenAfter / time.Millisecond)
	if next := s.deadline(); next > 0 {
		timeout = min(timeout, int(max(0, next-Boottime())/time.Millisecond)+1)
	}
	var events [8]unix.EpollEvent
	n, err := unix.EpollWait(s.poll, events[:], timeout)
	if err != nil {
		return
	}
	for _, e := range events[:n] {
		if int(e.Fd) == s.ctl {
			s.read()
		} else if a := s.asked[int(e.Fd)]; a != nil {
			s.carryOn(a)
		}
	}
}

// forsakenAfter bounds how long a shim goes on after its folder was removed.
const forsakenAfter = time.Minute

// forsaken ends everything when the attempt's folder has been removed: nobody could ever learn what becomes of it.
func (s *shim) forsaken() {
	var st unix.Stat_t
	if s.exit == "" && unix.Fstat(s.lock, &st) == nil && st.Nlink == 0 {
		s.exit, s.until = "the folder was removed", Boottime()
	}
}

// deadline is the first boot time at which something must be killed or told; 0 means that there is none.
func (s *shim) deadline() time.Duration {
	next := s.look
	if s.exit != "" && (next == 0 || s.until < next) {
		next = s.until
	}
	for _, c := range s.live {
		if c.until > 0 && (next == 0 || c.until < next) {
			next = c.until
		}
		if tell := c.started.Boot + tellAfter; !c.told && (next == 0 || tell < next) {
			next = tell
		}
	}
	for _, a := range s.asked {
		if next == 0 || a.until < next {
			next = a.until
		}
	}
	return next
}

// expire kills the containers whose grace is over.
func (s *shim) expire() {
	now := Boottime()
	for _, c := range s.live {
		if c.until > 0 && now >= c.until {
			c.until = 0
			unix.Kill(-c.pid, unix.SIGKILL)
			unix.Kill(c.pid, unix.SIGKILL)
		}
	}
}

// read carries out the commands that wait in the control FIFO.
func (s *shim) read() {
	var buf [4096]byte
	for {
		n, err := unix.Read(s.ctl, buf[:])
		if n <= 0 || err != nil {
			break
		}
		s.input = append(s.input, buf[:n]...)
	}
	for {
		line, rest, ok := bytes.Cut(s.input, []byte{'\n'})
		if !ok {
			return
		}
		var c Command
		if err := parse(line, c.parse); err != nil {
			complain(fmt.Errorf("command %q: %w", line, err))
		} else {
			s.do(c)
		}
		s.input = rest
	}
}

func (s *shim) do(c Command) {
	switch {
	case c.Start != "":
		var runs []Run
		if err := parseFile(s.dir+"/"+c.Start, func(p *parser) { runs = parseRuns(p) }); err != nil {
			complain(err)
			return
		}
		s.plain = false
		s.startAll(runs)
	case len(c.Stop) > 0:
		for _, child := range s.live {
			for _, name := range c.Stop {
				if name == child.run.Pod || name == child.run.Pod+"/"+child.run.Container {
					child.stop(c.Grace)
				}
			}
		}
	case c.Fetch != nil:
		s.ask(*c.Fetch)
	case c.Exit != "":
		until := Boottime() + c.Grace
		if s.exit == "" {
			s.exit, s.until = c.Exit, until
		}
		s.until = min(s.until, until) // a second, more urgent wish counts
		for _, child := range s.live {
			child.stop(c.Grace)
		}
	}
}

// stop asks a container's first process to end, and sets the time at which it must have. Asking again can only bring it nearer.
func (c *child) stop(grace time.Duration) {
	until := Boottime() + grace
	if c.until == 0 {
		unix.Kill(c.pid, unix.SIGTERM)
		c.until = until
	}
	c.until = min(c.until, until)
}

func (s *shim) startAll(runs []Run) {
	for i := range runs {
		r := &runs[i]
		if s.exit != "" {
			return
		}
		if s.knows(r) {
			continue // a command that was sent twice
		}
		c, at, err := s.start(r)
		if err != nil {
			s.plain = false
			var fault *startError
			code := 126
			if errors.As(err, &fault) {
				code = fault.code
			}
			s.record(r, Exited{Code: code, Error: err.Error(), Started: at, Finished: Now()})
			continue
		}
		s.live[c.pid] = c
		if r.Memory > 0 {
			s.lookAfter(lookClose)
		}
		if err := s.watch(c.pidfd); err != nil {
			complain(fmt.Errorf("watching %s: %w", r.Base(), err))
		}
		failpoint("started")
	}
}

// tellAfter is how long a run must last to be told of before it has ended: making one more file costs as much as a short run.
const tellAfter = 5 * time.Millisecond

// tell writes down which runs have started.
func (s *shim) tell() {
	for _, c := range s.live {
		if c.told || Boottime()-c.started.Boot < tellAfter {
			continue
		}
		c.told = true
		if err := writeFile(s.dir, c.run.Base()+StartedTail, Started{PID: c.pid, Started: c.started}.line(), false); err != nil {
			complain(err)
		}
		failpoint("told")
	}
}

// knows says whether a run was started before.
func (s *shim) knows(r *Run) bool {
	for _, c := range s.live {
		if c.run.Base() == r.Base() {
			return true
		}
	}
	_, err := os.Stat(s.dir + "/" + r.Base() + ExitedTail)
	return err == nil
}

// record writes how a run ended. When the disk is full it takes the place of the file that told of its start, or of the end of the
// run's log, where something is cut off in any case.
func (s *shim) record(r *Run, e Exited) {
	name := r.Base() + ExitedTail
	err := writeFile(s.dir, name, e.line(), !heard())
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		if err = overwrite(s.dir, r.Base()+StartedTail, name, e.line()); err != nil {
			cutTail(s.logPath(r))
			err = writeFile(s.dir, name, e.line(), !heard())
		}
	}
	if err != nil {
		complain(err)
	}
	failpoint("recorded")
}

// finish notes the end of a container's process, which is waited for here, and kills what is left of the container.
func (s *shim) finish(c *child) {
	unix.Kill(-c.pid, unix.SIGKILL) // its group; the PID is still its own, because it has not been waited for
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(c.pid, &status, 0, nil)
		if err != unix.EINTR {
			break
		}
	}
	finished := Now()
	delete(s.live, c.pid)
	unix.Close(c.pidfd)
	e := Exited{Code: status.ExitStatus(), Over: c.over, Started: c.started, Finished: finished}
	if status.Signaled() {
		e.Signal = int(status.Signal())
		e.Code = 128 + e.Signal
	}
	e.OOM = oomKills(c.run.Cgroups) > c.ooms
	if e.Code != 0 {
		s.plain = false
	}
	if s.over() {
		s.killAll()
	} else {
		s.sweep(c.run)
	}
	failpoint("ended")
	var st unix.Stat_t
	if unix.Fstat(c.log, &st) == nil && st.Size > 0 {
		_ = unix.Fdatasync(c.log) // what is lost of it in a full disk was lost before
	}
	unix.Close(c.log)
	s.record(c.run, e)
}
