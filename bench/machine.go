package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine describes what the figures were measured on.
func machine(dir string) string {
	var name unix.Utsname
	kernel := runtime.GOOS
	if unix.Uname(&name) == nil {
		kernel += " " + unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	memory, load := "", ""
	if unix.Sysinfo(&info) == nil {
		memory = fmt.Sprintf(", %.0f GiB", float64(info.Totalram)*float64(info.Unit)/(1<<30))
		load = fmt.Sprintf(" · load before %.1f", float64(info.Loads[0])/(1<<16))
	}
	return fmt.Sprintf("%s · %d × %s%s · %s · %s · %s%s", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), processor(), memory,
		kernel, fileSystem(dir), runtime.Version(), load)
}

// processor is the model as the kernel names it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// fileSystem is the kind of file system that a folder is on.
func fileSystem(dir string) string {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return "unknown file system"
	}
	switch fs.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4" + journal(dir)
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return inMemory
	}
	return fmt.Sprintf("file system %#x", fs.Type)
}

// journal tells of an ext4 without a journal: there a new file costs the more, the more were deleted in the last minutes, since
// the numbers of those are not used again so soon, and every new file looks at all of them.
func journal(dir string) string {
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil {
		return ""
	}
	device, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
	if err != nil {
		return ""
	}
	if _, err := os.Stat("/proc/fs/jbd2"); err != nil {
		return " without a journal"
	}
	journals, err := filepath.Glob("/proc/fs/jbd2/" + filepath.Base(device) + "-*")
	if err == nil && len(journals) == 0 {
		return " without a journal"
	}
	return ""
}

const inMemory = "memory"

// workFolder makes the folder of this run: durability costs nothing in memory, so it must not be there.
func workFolder(given string) (string, error) {
	candidates := []string{os.TempDir(), "/var/tmp", "."}
	if given != "" {
		if err := os.MkdirAll(given, 0o755); err != nil {
			return "", err
		}
		candidates = []string{given}
	}
	for _, c := range candidates {
		abs, err := filepath.Abs(c)
		if err != nil {
			return "", err
		}
		if fileSystem(abs) != inMemory {
			return os.MkdirTemp(abs, "qalam-bench-")
		}
	}
	return "", fmt.Errorf("%s is in memory: give a folder on a disk with -dir", strings.Join(candidates, ", "))
}

// fresh makes and mounts a new file system.
func fresh(dir string) (folder string, unmount func(), err error) {
	image, folder := filepath.Join(dir, "image"), filepath.Join(dir, "fresh")
	const size = 16 << 30 // of which only what is written takes room
	f, err := os.Create(image)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close(), os.Mkdir(folder, 0o700))
	}
	if err != nil {
		return "", nil, err
	}
	for _, cmd := range []*exec.Cmd{
		exec.Command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0", image),
		exec.Command("mount", "-o", "loop", image, folder),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("%s: %w: %s", cmd, err, out)
		}
	}
	return folder, func() { unix.Unmount(folder, unix.MNT_DETACH) }, nil
}

// repository is the folder that holds go.mod.
func repository() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("run this inside the repository")
	}
	return filepath.Dir(file), nil
}
