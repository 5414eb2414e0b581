package process

import (
	"os"

	"qalam/runner"
)

// Logs lists the logs of all containers of an attempt, in the order of pods, containers and runs. It needs no attempt that is
// known here: the files stay when an attempt is over.
func (r *Runner) Logs(id runner.ID) ([]runner.Output, error) {
	logs, err := Logs(r.options.Home, id)
	if err != nil {
		return nil, err
	}
	list := make([]runner.Output, 0, len(logs))
	for _, l := range logs {
		info, err := os.Stat(l.Path)
		if err != nil {
			continue // gone meanwhile
		}
		list = append(list, runner.Output{Key: l.Pod + "/" + l.Container + "/" + itoa(l.Run) + ".log", Kind: "text", Size: info.Size()})
	}
	return list, nil
}
