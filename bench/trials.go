package main

import (
	"fmt"
	"os"
	"time"
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
	var perSecond, bareSecond, ratio, memory, flat, growth, cpu []float64
	costs := make([][]float64, len(marks(b.scale.Trials)))
	for range b.scale.Rounds {
		loop, err := b.bareRound(bare, b.scale.Trials)
		if err != nil {
			return nil, err
		}
		r, err := b.engineRound(d)
		if err != nil {
			return nil, err
		}
		rate, bareRate := float64(d.trials)/r.took.Seconds(), float64(d.trials)/loop.Seconds()
		perSecond, bareSecond, ratio = append(perSecond, rate), append(bareSecond, bareRate), append(ratio, rate/bareRate)
		memory = append(memory, float64(r.done.Peak)/(1<<20))
		cpu = append(cpu, (r.done.CPU-r.open.CPU).Seconds()*1000/float64(d.trials))
		for i, c := range r.costs {
			costs[i] = append(costs[i], c)
		}
		flat = append(flat, r.costs[len(r.costs)-1]/r.costs[0])
		growth = append(growth, r.late/r.early)
		b.say("trials: %.0f/s, bare %.0f/s, ratio %.2f, %.0f MiB, engine %.2f ms of processor time per trial", rate, bareRate, rate/bareRate,
			memory[len(memory)-1], cpu[len(cpu)-1])
	}
	what := fmt.Sprintf("%s trials of `/bin/true`, %d at once", show(float64(d.trials)), width)
	figures := []figure{
		measured(what, "trials/s", perSecond),
		measured("– the bare loop over the same shim", "trials/s", bareSecond),
		atLeast(0.5, "– ratio to the bare loop", "", ratio),
		atMost(150, "– most memory resident in the engine", "MiB", memory),
		measured("– processor time of the engine itself", "ms/trial", cpu),
	}
	for i, n := range marks(d.trials) {
		figures = append(figures, measured(fmt.Sprintf("– time per trial over the first %s", show(float64(n))), "ms", costs[i]))
	}
	return append(figures,
		atMost(1.1, fmt.Sprintf("– the same over the first %s against the first %s", show(float64(d.trials)), show(float64(marks(d.trials)[0]))), "", flat),
		atMost(1.1, "– the last tenth of the trials against the first", "", growth)), nil
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

func (b *bench) bareRound(p *bare, count int) (time.Duration, error) {
	dirs, err := p.prepare(count)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, d := range dirs {
			os.RemoveAll(d)
		}
	}()
	return p.run(dirs, width)
}

// round is what an engine's run of an experiment showed.
type round struct {
	open, done  milestone
	took        time.Duration
	costs       []float64 // ms per trial until each of marks
	early, late float64   // ms per trial in the first and the last tenth
	ended       map[int]time.Duration
}

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
	r := &round{ended: map[int]time.Duration{}}
	if r.open, err = g.wait(b, onOpen, nil); err != nil {
		return nil, err
	}
	r.done, err = g.wait(b, onDone, func(m milestone) {
		if m.Name == onEnded {
			r.ended[m.Count] = m.At
		}
	})
	if err != nil {
		return nil, err
	}
	if r.done.Count != d.trials {
		return nil, fmt.Errorf("%d of %d trials are over, the experiment is %s", r.done.Count, d.trials, r.done.Phase)
	}
	r.took = r.done.At - r.open.At
	for _, n := range marks(d.trials) {
		r.costs = append(r.costs, perTrial(r.open.At, r.ended[n], n))
	}
	r.early = perTrial(r.open.At, r.ended[tenth], tenth)
	r.late = perTrial(r.ended[d.trials-tenth], r.ended[d.trials], tenth)
	return r, g.end()
}

func perTrial(from, to time.Duration, trials int) float64 {
	return float64(to-from) / float64(time.Millisecond) / float64(trials)
}

// sleeps measures how close the engine comes to trials that only take time.
func (b *bench) sleeps() ([]figure, error) {
	const atOnce = 200
	d := document{name: "sleep", trials: b.scale.Sleeps, width: atOnce, command: []string{"/bin/sleep", "1"}}
	ideal := float64((d.trials + atOnce - 1) / atOnce)
	var took, ratio []float64
	for range b.scale.Rounds {
		r, err := b.engineRound(d)
		if err != nil {
			return nil, err
		}
		took, ratio = append(took, r.took.Seconds()), append(ratio, r.took.Seconds()/ideal)
		b.say("sleep: %.1f s, ideal %.0f s", r.took.Seconds(), ideal)
	}
	return []figure{
		measured(fmt.Sprintf("%s × `sleep 1`, %d at once (ideal: %.0f s)", show(float64(d.trials)), atOnce, ideal), "s", took),
		atMost(1.3, "– ratio to the ideal", "", ratio),
	}, nil
}
