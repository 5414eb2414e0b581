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
	memory := ""
	if unix.Sysinfo(&info) == nil {
		memory = fmt.Sprintf(", %.0f GiB", float64(info.Totalram)*float64(info.Unit)/(1<<30))
	}
	return fmt.Sprintf("%s · %d × %s%s · %s · %s · %s", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), processor(), memory,
		kernel, fileSystem(dir), runtime.Version())
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
		return "ext4"
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
