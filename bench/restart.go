package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/spec"
	"qalam/store"
	"qalam/suggest"
)

// adopt measures how long an engine takes to have trials back that ran on when the one before was killed.
func (b *bench) adopt() ([]figure, error) {
	home, err := b.folder("adopt")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	n := b.scale.Live
	d := document{name: "adopt", trials: n, width: n, command: []string{"/bin/sleep", "3600"}}
	o := order{Home: home, UID: d.name, Source: d.yaml(), Running: n}
	g, err := b.engine(o)
	if err != nil {
		return nil, err
	}
	if _, err := g.wait(b, onRunning, nil); err != nil {
		return nil, errors.Join(err, g.end())
	}
	o.Running, o.Adopted = 0, n
	var took, memory []float64
	for range b.scale.Rounds {
		if err := g.kill(); err != nil {
			return nil, err
		}
		if g, err = b.engine(o); err != nil {
			return nil, err
		}
		m, err := g.wait(b, onAdopted, nil)
		if err != nil {
			return nil, errors.Join(err, g.end())
		}
		took, memory = append(took, (m.At-g.began).Seconds()), append(memory, float64(m.Peak)/(1<<20))
		b.say("adopt: %.2f s", took[len(took)-1])
	}
	idle, err := g.cores(b.scale.Idle)
	if err != nil {
		return nil, errors.Join(err, g.end())
	}
	return []figure{
		atMost(2, fmt.Sprintf("from the start of qalam until %s live trials are adopted, after kill -9", show(float64(n))), "s", took),
		measured("– memory resident in the engine then", "MiB", memory),
		measured("– processors the engine uses while they sleep", "cores", []float64{idle}),
	}, g.end()
}

// ready measures how long an engine takes from its start to the first new trial, by trials that are over.
func (b *bench) ready() ([]figure, error) {
	var figures []figure
	for _, finished := range []int{0, b.scale.Finished} {
		took, err := b.readyAfter(finished)
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("from the start of qalam until a new trial runs, after %s that are over", show(float64(finished)))
		if finished == 0 {
			figures = append(figures, measured(what, "s", took))
		} else {
			figures = append(figures, atMost(1, what, "s", took))
		}
	}
	return figures, nil
}

func (b *bench) readyAfter(finished int) ([]float64, error) {
	filled, err := b.folder("filled")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(filled)
	d := document{name: "ready", trials: finished + 1, width: 1, command: []string{"/bin/sleep", "3600"}}
	if err := b.fill(filled, d, finished); err != nil {
		return nil, err
	}
	var took []float64
	for range b.scale.Rounds {
		one, err := b.readyOnce(filled, d)
		if err != nil {
			return nil, err
		}
		took = append(took, one.Seconds())
		b.say("ready after %d trials: %.2f s", finished, one.Seconds())
	}
	return took, nil
}

func (b *bench) readyOnce(filled string, d document) (time.Duration, error) {
	home := filepath.Join(filled, "copy-"+strconv.Itoa(b.made))
	b.made++
	if err := copyStore(filled, home); err != nil {
		return 0, err
	}
	defer os.RemoveAll(home)
	g, err := b.engine(order{Home: home, UID: d.name, Source: d.yaml()})
	if err != nil {
		return 0, err
	}
	m, err := g.wait(b, onFirst, nil)
	return m.At - g.began, errors.Join(err, g.end())
}

// copyStore copies the files of a home, but not the folders.
func copyStore(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fill makes a store whose experiment has trials that succeeded, as an engine would have left it.
func (b *bench) fill(home string, d document, finished int) error {
	sp, err := load(d.yaml())
	if err != nil {
		return err
	}
	st, err := store.Open(b.ctx, home, store.Options{})
	if err != nil {
		return err
	}
	release, err := st.Own(b.ctx, "bench")
	if err != nil {
		return errors.Join(err, st.Close())
	}
	x := recordOf(d.name, sp)
	if err := st.Create(b.ctx, x); err != nil {
		return errors.Join(err, release(), st.Close())
	}
	return errors.Join(b.fillTrials(st, x, sp, finished), release(), st.Close())
}

func (b *bench) fillTrials(st *store.SQLite, x store.Experiment, sp *spec.Experiment, finished int) error {
	s := sp.Spec
	s.Seed = x.Seed
	algorithm, err := suggest.Builtin().NewSuggester(s.Algorithm.Name, s.Problem(), s.Algorithm.Settings)
	if err != nil {
		return err
	}
	state := experiment.NewState(s, x.UID)
	state.Create(x.Created)
	const together = 5000
	for first := 1; first <= finished; first += together {
		count := min(together, finished-first+1)
		suggestions, err := algorithm.Ask(first, count)
		if err != nil {
			return err
		}
		batch := store.Batch{Experiment: x.UID}
		for i, suggestion := range suggestions {
			t := experiment.NewTrial(s, x.UID, first+i, suggestion, x.Created)
			for _, t := range []experiment.Trial{t, over(t, s)} {
				if err := state.Apply(t); err != nil {
					return err
				}
			}
			batch.Trials = append(batch.Trials, over(t, s))
		}
		if batch.Record, err = state.Record(); err != nil {
			return err
		}
		if err := st.Write(b.ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// over is a trial after it ran and succeeded.
func over(t experiment.Trial, s experiment.Spec) experiment.Trial {
	var sum metrics.Summary
	sum.Add(metrics.Point{Name: s.Objective.Metric, Value: math.Abs(math.Sin(float64(t.Number))), Step: metrics.NoStep, Time: t.Created})
	t = experiment.MarkRunning(experiment.MarkStarted(t), t.Created)
	return experiment.Conclude(t, experiment.End{Cause: experiment.EndSucceeded, Time: t.Created.Add(time.Second)},
		experiment.Observe(map[string]metrics.Summary{s.Objective.Metric: sum}, s.Objective), s)
}
