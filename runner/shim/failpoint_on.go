//go:build failpoints

package shim

import (
	"os"

	"golang.org/x/sys/unix"
)

// FailpointVariable names the point at which a shim kills itself.
const FailpointVariable = "QALAM_SHIM_FAILPOINT"

func failpoint(name string) {
	if os.Getenv(FailpointVariable) == name {
		unix.Kill(os.Getpid(), unix.SIGKILL)
		os.Exit(137) // the first process of a PID namespace cannot kill itself
	}
}
