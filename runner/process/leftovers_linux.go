package process

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"qalam/runner/provision"
	"qalam/runner/shim"
)

// killLeftovers ends what an attempt has left when its shim was killed: by cgroup where there is one, and everything whose
// environment holds the attempt's marker.
func killLeftovers(marker string, grant provision.Grant) {
	for _, dirs := range grant.Cgroups {
		for _, dir := range dirs {
			if f, err := os.OpenFile(dir+"/cgroup.kill", os.O_WRONLY, 0); err == nil {
				_, _ = f.WriteString("1")
				f.Close()
			}
		}
	}
	const rounds = 50
	for round := range rounds {
		if killMarked(marker) == 0 {
			return
		}
		time.Sleep(time.Duration(round) * time.Millisecond)
	}
}

// killMarked kills every process with the marker and says how many there were.
func killMarked(marker string) int {
	dir, err := os.Open("/proc")
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 0
	}
	n := 0
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || !marked(pid, marker) {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		if marked(pid, marker) { // still, now that the pidfd holds it fast
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
			n++
		}
		unix.Close(fd)
	}
	return n
}

func marked(pid int, marker string) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	want := []byte(shim.MarkerVariable + "=" + marker + "/")
	return bytes.HasPrefix(env, want) || bytes.Contains(env, append([]byte{0}, want...))
}
