package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qalam/runner"
)

// Logs lists the logs of all containers of an attempt, in the order of their keys. It needs no attempt that is known here: the
// files stay when an attempt is over.
func (r *Runner) Logs(id runner.ID) ([]runner.Output, error) { return Logs(r.options.Home, id) }

// Logs is Runner.Logs for the attempts below a home, whoever runs them.
func Logs(home string, id runner.ID) ([]runner.Output, error) {
	root := filepath.Join(Folder(home, id), "logs")
	var list []runner.Output
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil // gone meanwhile
		}
		key, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if strings.Count(key, "/") == 2 {
			list = append(list, runner.Output{Key: key, Kind: "text", Size: info.Size()})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b runner.Output) int { return strings.Compare(a.Key, b.Key) })
	return list, err
}
