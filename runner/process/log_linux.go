package process

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"qalam/runner"
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
	var logs []Log
	dir := Folder(home, id)
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, file := range files {
		base, isLog := strings.CutSuffix(file.Name(), logTail)
		if pod, container, run, ok := runOf(base); isLog && ok {
			logs = append(logs, Log{Pod: pod, Container: container, Run: run, Path: filepath.Join(dir, file.Name())})
		}
	}
	slices.SortFunc(logs, func(x, y Log) int {
		return cmp.Or(strings.Compare(x.Pod, y.Pod), strings.Compare(x.Container, y.Container), x.Run-y.Run)
	})
	return logs, nil
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
