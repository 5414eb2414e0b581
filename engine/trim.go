package engine

import (
	"fmt"

	"qalam/runner"
)

// Logs larger than logLimit lose their middle: the first MiB stays, and the last logTail bytes.
const (
	logLimit = 64 << 20
	logTail  = 16 << 20
)

// trimmer is a Runner that can give back the disk space of a log's middle, without moving what is behind it.
type trimmer interface {
	Trim(id runner.ID, key string, upTo int64) error
}

// trim keeps the logs of an attempt within bounds. What has not been collected and recorded stays, so it must be called when
// nothing waits to be recorded.
func (r *run) trim(l *live) error {
	t, ok := r.e.runner.(trimmer)
	if !ok {
		return nil
	}
	logs, err := r.e.runner.Logs(l.id)
	if err != nil {
		return fmt.Errorf("list the logs of trial %s: %w", l.id.Trial, err)
	}
	for _, o := range logs {
		if o.Size <= logLimit {
			continue
		}
		upTo := o.Size - logTail
		if s := l.tail.sources[o.Key]; s != nil {
			upTo = min(upTo, s.offset)
		} else if l.tail.collect.Kind == collectStdOut && !l.report.Ended {
			continue // it may be collected yet
		}
		if err := t.Trim(l.id, o.Key, upTo); err != nil {
			return fmt.Errorf("trim a log of trial %s: %w", l.id.Trial, err)
		}
	}
	return nil
}
