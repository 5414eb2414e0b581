package shim

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// How often memory is looked at where the kernel does not limit it: often when a container has come near its limit.
const (
	lookEvery = time.Second
	lookClose = 200 * time.Millisecond
)

// measure kills the containers that use more memory than they may, where the kernel does not see to it.
func (s *shim) measure() {
	if s.look == 0 || Boottime() < s.look {
		return
	}
	s.look = 0
	for c, roots := range s.families() {
		used := memoryOf(roots, c.run.Memory)
		if used > c.run.Memory && c.over == "" {
			c.over = fmt.Sprintf("%s of memory were in use, the limit is %s; it was watched about once a second, not enforced by the kernel, so that more may be used for a moment",
				mebibytes(used), mebibytes(c.run.Memory))
			unix.Kill(-c.pid, unix.SIGKILL)
			unix.Kill(c.pid, unix.SIGKILL)
		}
		pause := lookEvery
		if used > c.run.Memory/2 {
			pause = lookClose
		}
		s.lookAfter(pause)
	}
}

// lookAfter sees to it that memory is looked at when the pause is over, or before.
func (s *shim) lookAfter(pause time.Duration) {
	if at := Boottime() + pause; s.look == 0 || at < s.look {
		s.look = at
	}
}

// families lists the processes that this one has inherited from containers with a limit to watch, and those containers' own.
func (s *shim) families() map[*child][]int {
	all, byMark := map[*child][]int{}, map[string]*child{}
	for pid, c := range s.live {
		if c.run.Memory > 0 {
			all[c] = []int{pid}
			byMark[s.mark(c.run)] = c
		}
	}
	if len(all) == 0 {
		return nil
	}
	for _, pid := range children() {
		if s.live[pid] != nil {
			continue
		}
		env, err := slurp("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil {
			continue
		}
		_, rest, _ := bytes.Cut(append([]byte{0}, env...), []byte("\x00"+MarkerVariable+"="))
		mark, _, _ := bytes.Cut(rest, []byte{0})
		if c := byMark[string(mark)]; c != nil {
			all[c] = append(all[c], pid)
		}
	}
	return all
}

// mark is the value of MarkerVariable in a run's processes.
func (s *shim) mark(r *Run) string {
	return s.spec.Marker + "/" + r.Pod + "/" + r.Container + "/" + itoa(r.Number)
}

// memoryOf is what these processes and all their descendants have of memory, in bytes. Pages that several of them share count once in all
// where the kernel tells (Pss), which it is asked only when counting them for each process (Rss) comes to more than the limit.
func memoryOf(roots []int, limit int64) int64 {
	var tree []int
	for todo := roots; len(todo) > 0; {
		pid := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], childrenOf(pid)...)
		tree = append(tree, pid)
	}
	var sum int64
	for _, pid := range tree {
		sum += residentSize(pid)
	}
	if sum <= limit {
		return sum
	}
	sum = 0
	for _, pid := range tree {
		sum += proportionalSize(pid)
	}
	return sum
}

func residentSize(pid int) int64 {
	b, err := slurp("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func proportionalSize(pid int) int64 {
	b, err := slurp("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return residentSize(pid)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func mebibytes(n int64) string {
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
}
