// Command qalam tunes training jobs: it runs Katib Experiments on this machine. This package wires the others together and
// talks to people; it decides nothing about experiments.
package main

import (
	"context"
	"os"

	"qalam/runner/shim"
)

func main() {
	shim.Main() // a shim never returns
	os.Exit(execute(context.Background(), standard(), os.Args[1:]))
}
