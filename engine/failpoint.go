//go:build !failpoints

package engine

// failpoint is where a test may kill this process: see failpoint_on.go.
func failpoint(string) {}
