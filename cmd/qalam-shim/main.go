// Command qalam-shim supervises one attempt of a trial: qalam starts one for each from the qalam-shim beside it, where there is one
// made from the same sources, since that starts faster than qalam itself. It knows nothing but package shim.
package main

import (
	"os"

	"qalam/runner/shim"
)

func main() {
	if !shim.Main() { // a shim never returns
		_, _ = os.Stdout.WriteString(shim.Identity())
	}
}
