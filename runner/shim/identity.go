package shim

import (
	"embed"
	"hash/fnv"
	"runtime"
	"strconv"
)

//go:embed shim.go identity.go failpoint.go failpoint_on.go *_linux.go
var sources embed.FS

// Identity is a line that names what the shim in this program is made from: two programs with the same are the same as shims.
func Identity() string {
	sum := fnv.New64a()
	for _, part := range []string{runtime.Version(), runtime.GOOS, runtime.GOARCH, strconv.FormatBool(failpoints)} {
		sum.Write([]byte(part + "\x00"))
	}
	entries, err := sources.ReadDir(".")
	if err != nil {
		return Argv0 + " of unknown sources\n"
	}
	for _, e := range entries {
		text, err := sources.ReadFile(e.Name())
		if err != nil {
			return Argv0 + " of unknown sources\n"
		}
		sum.Write([]byte(e.Name() + "\x00"))
		sum.Write(text)
	}
	return Argv0 + " " + strconv.FormatUint(sum.Sum64(), 16) + "\n"
}
