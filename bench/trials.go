package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// width is how many trials of /bin/true run at once.
const width = 32

// trials measures what the engine makes of trials that do nothing, beside a loop that only forks, execs and waits.
func (b *bench) trials() ([]figure, error) {
	d := document{name: "true", trials: b.scale.Trials, width: width, command: []string{"/bin/true"}}
	bare, err := b.newBare(d)
	if err != nil {
		return nil, err
	}
	var own []*round
	var peer []*bareRound
	for range b.scale.Rounds {
		loop, err := b.bareRound(bare, d.trials, width)
		if err != nil {
			return nil, err
		}
		r, err := b.engineRound(d)
		if err != nil {
			return nil, err
		}
		own, peer = append(own, r), append(peer, loop)
		b.say("trials: %.0f/s, bare %.0f/s, ratio %.2f; %.2f ms of processor time for each, the bare loop %.2f ms", r.rate(), loop.rate,
			r.rate()/loop.rate, perTrial(r.open.CPU+r.open.Children, r.done.CPU+r.done.Children, d.trials), loop.cpu)
	}
	return trialFigures(d.trials, own, peer), nil
}

func trialFigures(trials int, own []*round, peer []*bareRound) []figure {
	of := func(value func(r *round, p *bareRound) float64) []float64 {
		var all []float64
		for i, r := range own {
			all = append(all, value(r, peer[i]))
		}
		return all
	}
	figures := []figure{
		measured(fmt.Sprintf("%s trials of `/bin/true`, %d at once", show(float64(trials)), width), "trials/s",
			of(func(r *round, _ *bareRound) float64 { return r.rate() })),
		measured("– the bare loop over the same shim", "trials/s", of(func(_ *round, p *bareRound) float64 { return p.rate })),
		atLeast(0.5, "– ratio to the bare loop", "", of(func(r *round, p *bareRound) float64 { return r.rate() / p.rate })),
		atMost(150, "– most memory resident in the engine", "MiB", of(func(r *round, _ *bareRound) float64 { return float64(r.done.Peak) / (1 << 20) })),
		measured("– processor time of the engine", "ms/trial", of(func(r *round, _ *bareRound) float64 {
			return perTrial(r.open.CPU, r.done.CPU, r.trials)
		})),
		measured("– and with that of shims and trials", "ms/trial", of(func(r *round, _ *bareRound) float64 {
			return perTrial(r.open.CPU+r.open.Children, r.done.CPU+r.done.Children, r.trials)
		})),
		measured("– processor time of the bare loop with shims and trials", "ms/trial", of(func(_ *round, p *bareRound) float64 { return p.cpu })),
	}
	for _, n := range marks(trials) {
		figures = append(figures, measured(fmt.Sprintf("– time per trial over the first %s", show(float64(n))), "ms",
			of(func(r *round, _ *bareRound) float64 { return perTrial(r.open.At, r.ended[n].At, n) })))
	}
	if trials < leastGrowth {
		return figures
	}
	return append(figures, growthFigures(trials, of)...)
}

// leastGrowth is from how many trials on a tenth of them takes so long that its processor time can be told.
const leastGrowth = 500

// growthFigures say whether the last trials cost more than the first.
func growthFigures(trials int, of func(func(*round, *bareRound) float64) []float64) []figure {
	tenth := trials / 10
	growth := func(of func(milestone) time.Duration) func(*round, *bareRound) float64 {
		return func(r *round, _ *bareRound) float64 {
			return perTrial(of(r.ended[trials-tenth]), of(r.ended[trials]), tenth) / perTrial(of(r.open), of(r.ended[tenth]), tenth)
		}
	}
	at := growth(func(m milestone) time.Duration { return m.At })
	engine, others := growth(func(m milestone) time.Duration { return m.CPU }), growth(func(m milestone) time.Duration { return m.Children })
	return []figure{
		measured("– time per trial, the last tenth of them against the first", "", of(at)),
		measured("– the same of the bare loop", "", of(func(_ *round, p *bareRound) float64 { return p.growth })),
		atMost(1.1, "– growth of the time per trial beyond that of the bare loop", "", of(func(r *round, p *bareRound) float64 {
			return at(r, p) / p.growth
		})),
		measured("– processor time of the engine per trial, the last tenth of them against the first", "", of(engine)),
		measured("– the same of shims and trials", "", of(others)),
		atMost(1.1, "– growth of the engine's processor time beyond theirs", "", of(func(r *round, p *bareRound) float64 {
			return engine(r, p) / others(r, p)
		})),
	}
}

// marks are the numbers of trials after which the time is taken.
func marks(trials int) []int {
	var all []int
	for n := trials; n >= 100 && len(all) < 3; n /= 10 {
		all = append([]int{n}, all...)
	}
	if len(all) == 0 {
		all = []int{trials}
	}
	return all
}

// bareRound is what a round of the bare loop showed.
type bareRound struct {
	rate   float64 // per second
	cpu    float64 // ms each, with all that it started
	growth float64 // of the time for each, from the first tenth to the last
}

func (b *bench) bareRound(p *bare, count, width int) (*bareRound, error) {
	dirs, err := p.prepare(count)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, d := range dirs {
			os.RemoveAll(d)
		}
	}()
	before := used(unix.RUSAGE_SELF) + used(unix.RUSAGE_CHILDREN)
	took, growth, err := p.run(dirs, width)
	spent := used(unix.RUSAGE_SELF) + used(unix.RUSAGE_CHILDREN) - before
	return &bareRound{rate: float64(count) / took.Seconds(), cpu: perTrial(0, spent, count), growth: growth}, err
}

// round is what an engine's run of an experiment showed.
type round struct {
	trials     int
	open, done milestone
	ended      map[int]milestone // after so many trials
}

func (r *round) took() time.Duration { return r.done.At - r.open.At }
func (r *round) rate() float64       { return float64(r.trials) / r.took().Seconds() }

// engineRound runs an experiment to its end, from a store that is not there yet.
func (b *bench) engineRound(d document) (*round, error) {
	home, err := b.folder(d.name)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	tenth := max(1, d.trials/10)
	g, err := b.engine(order{Home: home, UID: d.name, Source: d.yaml(), Ended: append(marks(d.trials), tenth, d.trials-tenth)})
	if err != nil {
		return nil, err
	}
	r := &round{trials: d.trials, ended: map[int]milestone{}}
	if r.open, err = g.wait(b, onOpen, nil); err != nil {
		return nil, err
	}
	r.done, err = g.wait(b, onDone, func(m milestone) {
		if m.Name == onEnded {
			r.ended[m.Count] = m
		}
	})
	if err != nil {
		return nil, err
	}
	if r.done.Count != d.trials {
		return nil, fmt.Errorf("%d of %d trials are over, the experiment is %s", r.done.Count, d.trials, r.done.Phase)
	}
	return r, g.end()
}

func perTrial(from, to time.Duration, trials int) float64 {
	return float64(to-from) / float64(time.Millisecond) / float64(trials)
}

// sleeps measures how close the engine comes to trials that only take time.
func (b *bench) sleeps() ([]figure, error) {
	atOnce := min(200, b.scale.Sleeps)
	d := document{name: "sleep", trials: b.scale.Sleeps, width: atOnce, command: []string{"/bin/sleep", "1"}}
	ideal := float64((d.trials + atOnce - 1) / atOnce)
	loop, err := b.newBare(d)
	if err != nil {
		return nil, err
	}
	var took, ratio, busy, bare, beside, each []float64
	for range b.scale.Rounds {
		peer, err := b.bareRound(loop, d.trials, atOnce)
		if err != nil {
			return nil, err
		}
		r, err := b.engineRound(d)
		if err != nil {
			return nil, err
		}
		bare = append(bare, float64(d.trials)/peer.rate)
		beside = append(beside, r.took().Seconds()*peer.rate/float64(d.trials))
		took, ratio = append(took, r.took().Seconds()), append(ratio, r.took().Seconds()/ideal)
		spent := r.done.CPU + r.done.Children - r.open.CPU - r.open.Children
		busy = append(busy, spent.Seconds()/float64(runtime.NumCPU()))
		each = append(each, perTrial(r.open.CPU, r.done.CPU, d.trials))
		b.say("sleep: %.1f s, the bare loop %.1f s, ideal %.0f s; %.2f ms of processor time for each, the bare loop %.2f ms", r.took().Seconds(),
			float64(d.trials)/peer.rate, ideal, perTrial(0, spent, d.trials), peer.cpu)
	}
	return []figure{
		measured(fmt.Sprintf("%s × `sleep 1`, %d at once (ideal: %.0f s)", show(float64(d.trials)), atOnce, ideal), "s", took),
		atMost(1.3, "– ratio to the ideal", "", ratio),
		measured("– the bare loop over the same shim", "s", bare),
		measured("– ratio to the bare loop", "", beside),
		measured("– processor time of engine, shims and trials, spread over all processors", "s", busy),
		measured("– processor time of the engine", "ms/trial", each),
	}, nil
}
