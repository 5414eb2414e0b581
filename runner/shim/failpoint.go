//go:build !failpoints

package shim

const failpoints = false

// failpoint is where a test may kill this process: see failpoint_on.go.
func failpoint(string) {}
