package gp

import (
	"slices"

	"qalam/suggest"
)

// fit is the hyper-parameters found for the first trials of the history.
type fit struct {
	done []*suggest.Record
	k    *kernel // nil where none were found
}

const (
	mostFitted    = 200 // trials of which hyper-parameters are learnt, at most
	mostConsulted = 400 // trials of which predictions are made
)

// model is what is believed after a history.
type model struct {
	value      *posterior
	conditions []*posterior
	warp       warp
	best       float64
	tops       [][]float64
	broken     bool
}

// scheduled is the largest number of trials, at most n, after which hyper-parameters are learnt: all up to 20, then every tenth
// part more.
func scheduled(n int) int {
	if n <= 20 {
		return n
	}
	c := 20
	for {
		next := c + max(1, c/refitEvery)
		if next > n {
			return c
		}
		c = next
	}
}

// learn finds the hyper-parameters for the trials of the last scheduled refit.
func (s *suggester) learn(done []*suggest.Record) *kernel {
	done = done[:scheduled(len(done))]
	for _, f := range s.fits {
		if slices.Equal(f.done, done) {
			return f.k
		}
	}
	chosen := subset(done, mostFitted)
	y := values(chosen)
	w := newWarp(y)
	for i := range y {
		y[i] = w.forward(y[i])
	}
	k := newFitting(s.e, s.e.points(chosen), y).maximize()
	s.fits = append(s.fits[max(0, len(s.fits)-1):], fit{slices.Clone(done), k})
	return k
}

// newModel makes the model of the history.
func (s *suggester) newModel() *model {
	d := newData(s.history.Records())
	m := &model{}
	if len(d.done) < 2 {
		return m
	}
	k := s.learn(d.done)
	if k == nil {
		m.broken = true
		return m
	}
	done := subset(d.done, mostConsulted)
	y := values(done)
	m.warp = newWarp(y)
	for i := range y {
		y[i] = m.warp.forward(y[i])
	}
	x := s.e.points(done)
	if m.value = condition(k, x, y); m.value == nil {
		m.broken = true
		return m
	}
	m.rank(x, y, done)
	for _, r := range d.pending {
		m.value.believe(s.e.encode(r.Assignment, r.Unit))
	}
	return m
}

// rank sets what is to be improved on, and the places to search around.
func (m *model) rank(x [][]float64, y []float64, done []*suggest.Record) {
	score := slices.Clone(y)
	noisy := m.value.k.noise > noisyFrom*m.value.k.s2
	if noisy {
		for i := range x {
			score[i] = m.value.expect(x[i])
		}
	}
	m.best = slices.Min(score)
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b]:
			return -1
		case score[a] > score[b]:
			return 1
		}
		return 0
	})
	for _, i := range order[:min(5, len(order))] {
		m.tops = append(m.tops, done[i].Unit)
	}
}

func (m *model) ready() bool { return m.value != nil }

func (m *model) size() int {
	if m.value == nil {
		return 0
	}
	return len(m.value.x)
}

func (m *model) truncate(n int) {
	if m.value != nil {
		m.value.truncate(n)
	}
}

func (m *model) believe(x []float64) {
	if m.value != nil {
		m.value.believe(x)
	}
}

func (m *model) acquisition() *acquisition {
	return &acquisition{value: m.value, best: m.best, conditions: m.conditions}
}

// scales are the length scales of the numeric coordinates.
func (m *model) scales() []float64 {
	scale := slices.Clone(m.value.k.root)
	for j := range scale {
		scale[j] = 1 / scale[j]
	}
	return scale
}
