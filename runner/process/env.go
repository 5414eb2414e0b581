//go:build !failpoints

package process

// shimEnv is the environment of shims. One processor suffices for them and costs less memory.
func shimEnv() []string { return []string{"GOMAXPROCS=1"} }

// failpoint is where a test may kill this process: see env_failpoints.go.
func failpoint(string) {}
