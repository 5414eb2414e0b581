//go:build failpoints

package engine

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var (
	failpointLock sync.Mutex
	failpointHits = map[string]int{}
)

// failpoint kills this process when QALAM_FAILPOINT names the point, at its first hit or, with "NAME@N", at its Nth.
func failpoint(name string) {
	wanted, nth, _ := strings.Cut(os.Getenv("QALAM_FAILPOINT"), "@")
	if wanted != name {
		return
	}
	failpointLock.Lock()
	defer failpointLock.Unlock()
	failpointHits[name]++
	if n, err := strconv.Atoi(nth); err == nil && failpointHits[name] < n {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
