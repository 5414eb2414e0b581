package process

import (
	"time"

	"qalam/runner/shim"
)

// clock tells wall time that never jumps: it reads the wall once and follows CLOCK_BOOTTIME from there, so that deadlines hold
// when the machine's clock is set.
type clock struct {
	wall   time.Time
	boot   time.Duration
	bootID string
	fixed  func() time.Time
}

func newClock(fixed func() time.Time) clock {
	now := shim.Now()
	return clock{wall: now.Wall.UTC(), boot: now.Boot, bootID: shim.BootID(), fixed: fixed}
}

func (c clock) now() time.Time {
	if c.fixed != nil {
		return c.fixed()
	}
	return c.wall.Add(shim.Boottime() - c.boot)
}

// of turns a stamp into this clock's time; one of another boot of the machine keeps its wall time.
func (c clock) of(s shim.Stamp, bootID string) time.Time {
	if c.fixed != nil || bootID != c.bootID || s.Boot == 0 {
		return s.Wall.UTC()
	}
	return c.wall.Add(s.Boot - c.boot)
}
