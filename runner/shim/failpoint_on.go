//go:build failpoints

package shim

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const failpoints = true

// FailpointVariable names the point at which a shim kills itself. With "NAME@FILE" only the first shim that gets there does,
// which makes the file.
const FailpointVariable = "QALAM_SHIM_FAILPOINT"

func failpoint(name string) {
	wanted, once, _ := strings.Cut(os.Getenv(FailpointVariable), "@")
	if wanted == name {
		if once != "" {
			f, err := os.OpenFile(once, os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return
			}
			f.Close()
		}
		unix.Kill(os.Getpid(), unix.SIGKILL)
		os.Exit(137) // the first process of a PID namespace cannot kill itself
	}
}
