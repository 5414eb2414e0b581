package shim

import (
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// home is what threads leave to start a container, and return to: otherwise each container would cost Go a thread, and there is none
// to be had when a trial has taken all the tasks it may have.
type home struct {
	known  bool
	mounts int // descriptor of the mount namespace
	names  int // and of the UTS namespace
	folder int // and of the working directory
}

// leaveHome notes where home is before the first thread leaves it.
func (s *shim) leaveHome() {
	if s.home.known {
		return
	}
	must := func(fd int, err error) int {
		if err != nil {
			return -1 // nobody will return then
		}
		return fd
	}
	s.home = home{
		known: true, mounts: must(open("/proc/self/ns/mnt", unix.O_RDONLY)), names: must(open("/proc/self/ns/uts", unix.O_RDONLY)),
		folder: must(open(".", unix.O_PATH|unix.O_DIRECTORY)),
	}
}

// returnHome brings the calling thread back from where it was to start a container, and says whether it is there.
func (s *shim) returnHome(r *Run) bool {
	if s.spec.Namespaces {
		if unix.Setns(s.home.mounts, unix.CLONE_NEWNS) != nil || unix.Setns(s.home.names, unix.CLONE_NEWUTS) != nil || unix.Fchdir(s.home.folder) != nil {
			return false
		}
	}
	for _, dir := range r.Cgroups {
		outside := dir
		for slices.Contains(s.spec.Cgroups, outside) {
			outside = filepath.Dir(outside)
		}
		if unix.Access(dir+"/tasks", unix.F_OK) != nil {
			continue // of version 2, which only the container has entered
		}
		if outside == dir || overwriteText(outside+"/tasks", "0") != nil {
			return false
		}
	}
	return true
}
