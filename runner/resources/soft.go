package resources

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// TreeMemory is what a process and all its descendants use of memory, in bytes: pages that several of them share count once in
// all where the kernel tells (Pss), otherwise once for each (Rss). It stands in for the kernel where no cgroup can be made: whoever
// finds it above a container's limit ends the container. A process that has ended uses nothing.
func TreeMemory(pid int) int64 {
	children := map[int][]int{}
	stats, _ := filepath.Glob(procRoot + "/[0-9]*/stat")
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		s := string(b)
		f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:]) // the command's name may hold anything
		own, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(f) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(f[1]); err == nil {
			children[parent] = append(children[parent], own)
		}
	}
	var sum int64
	seen := map[int]bool{}
	for todo := []int{pid}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[next] {
			continue
		}
		seen[next] = true
		sum += processMemory(next)
		todo = append(todo, children[next]...)
	}
	return sum
}

func processMemory(pid int) int64 {
	dir := filepath.Join(procRoot, strconv.Itoa(pid))
	for _, source := range []struct{ file, field string }{{"smaps_rollup", "Pss:"}, {"status", "VmRSS:"}} {
		b, err := os.ReadFile(filepath.Join(dir, source.file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == source.field {
				kib, _ := strconv.ParseInt(f[1], 10, 64)
				return kib << 10
			}
		}
	}
	return 0
}
