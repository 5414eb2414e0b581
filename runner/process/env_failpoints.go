//go:build failpoints

package process

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func shimEnv() []string {
	env := []string{"GOMAXPROCS=1"}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "QALAM_SHIM_FAILPOINT=") {
			env = append(env, kv)
		}
	}
	return env
}

// failpoint kills this process when QALAM_FAILPOINT names the point.
func failpoint(name string) {
	if os.Getenv("QALAM_FAILPOINT") == name {
		unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
}
