package process

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"qalam/runner"
	"qalam/workload"
)

const (
	logHead  = 1 << 20 // bytes of a log's beginning that are always kept
	logStep  = 1 << 20 // least number of bytes worth giving back
	logBlock = 4096    // what file systems give back is whole blocks
)

// Trim gives back the disk space of a log's middle: all from its first MiB up to upTo, which lies behind what has been collected.
// Offsets stay as they are. It does nothing when there is little to be had.
func (r *Runner) Trim(id runner.ID, key string, upTo int64) error {
	file, err := r.path(id, key)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	fd := int(f.Fd())
	info, err := f.Stat()
	if err != nil {
		return err
	}
	upTo = min(upTo, info.Size()) / logBlock * logBlock
	from, err := unix.Seek(fd, logHead, unix.SEEK_DATA) // behind an earlier hole
	if errors.Is(err, unix.ENXIO) || err == nil && upTo-from < logStep {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	err = unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, upTo-from)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// Log is one log file.
type Log struct {
	Pod, Container string
	Run            int
	Path           string
}

// Logs lists the log files of an attempt, also of one that was released, in the order of pods, containers and runs.
func Logs(home string, id runner.ID) ([]Log, error) {
	root := filepath.Join(Folder(home, id), "logs")
	paths, err := filepath.Glob(filepath.Join(globEscape(root), "*", "*", "*.log"))
	if err != nil {
		return nil, err
	}
	var logs []Log
	for _, path := range paths {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		parts := strings.Split(rel, string(filepath.Separator))
		logs = appendLog(logs, Log{Pod: parts[0], Container: parts[1], Path: path}, parts[2])
	}
	inOrder(logs)
	return logs, nil
}

// appendLog adds a log by the name of its file.
func appendLog(logs []Log, l Log, name string) []Log {
	n, err := strconv.Atoi(strings.TrimSuffix(name, ".log"))
	if err != nil || !strings.HasSuffix(name, ".log") {
		return logs
	}
	l.Run = n
	return append(logs, l)
}

func inOrder(logs []Log) {
	slices.SortFunc(logs, func(x, y Log) int {
		return cmp.Or(strings.Compare(x.Pod, y.Pod), strings.Compare(x.Container, y.Container), x.Run-y.Run)
	})
}

// listLogs is Logs for an attempt in charge, whose pods and containers are known.
func (a *attempt) listLogs() []Log {
	var logs []Log
	for i := range a.task.Job.Pods {
		pod := &a.task.Job.Pods[i]
		for _, list := range [][]workload.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for _, c := range list {
				folder := filepath.Join(a.dir, "logs", pod.Name, c.Name)
				for _, name := range entries(folder) {
					logs = appendLog(logs, Log{Pod: pod.Name, Container: c.Name, Path: filepath.Join(folder, name)}, name)
				}
			}
		}
	}
	inOrder(logs)
	return logs
}

func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// CopyLog writes a log for people, from an offset on: where Trim has removed something, a line says how much. It returns the offset
// behind what it has written.
func CopyLog(w io.Writer, path string, offset int64) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return offset, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return offset, err
	}
	fd := int(f.Fd())
	for end := info.Size(); offset < end; {
		data, err := unix.Seek(fd, offset, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			data = end
		} else if err != nil {
			return offset, fmt.Errorf("%s: %w", path, err)
		}
		if data > offset {
			if _, err := fmt.Fprintf(w, "\n[%d bytes were removed here to save space]\n", data-offset); err != nil {
				return offset, err
			}
			offset = data
			continue
		}
		hole, err := unix.Seek(fd, offset, unix.SEEK_HOLE)
		if err != nil {
			return offset, fmt.Errorf("%s: %w", path, err)
		}
		n, err := io.Copy(w, io.NewSectionReader(f, offset, min(hole, end)-offset))
		offset += n
		if err != nil || n == 0 {
			return offset, err
		}
	}
	return offset, nil
}
