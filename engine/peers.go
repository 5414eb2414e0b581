package engine

import (
	"slices"
	"time"

	"qalam/doctor"
	"qalam/experiment"
)

// maxPeers is the number of finished trials that durations are compared with: the latest ones.
const maxPeers = 101

// peers keeps how long the latest finished trials took.
type peers struct {
	firstPoint, whole []time.Duration // rings of at most maxPeers
	n                 int
}

// add takes in a trial that has ended; first is when its first point arrived, zero when none did.
func (p *peers) add(t experiment.Trial, first time.Time) {
	if t.State != experiment.TrialSucceeded || t.Running.IsZero() {
		return
	}
	set := func(ring *[]time.Duration, d time.Duration) {
		if len(*ring) < maxPeers {
			*ring = append(*ring, d)
		} else {
			(*ring)[p.n%maxPeers] = d
		}
	}
	set(&p.whole, t.Completed.Sub(t.Running))
	if !first.IsZero() {
		set(&p.firstPoint, first.Sub(t.Running))
	}
	p.n++
}

func (p *peers) summary() doctor.Peers {
	return doctor.Peers{MedianFirstPoint: median(p.firstPoint), MedianDuration: median(p.whole)}
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}
