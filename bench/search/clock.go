package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// stopwatch measures a call by the clock and by what the processor did for this process.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func startWatch() stopwatch { return stopwatch{time.Now(), processorTime()} }

func (s stopwatch) stop() cost { return cost{time.Since(s.wall), processorTime() - s.cpu} }

// processorTime is what all threads of this process have used; 0 where the system does not tell.
func processorTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
