package gp

import (
	"cmp"
	"math"
	"slices"

	"qalam/suggest"
)

const (
	mostFitted    = 120 // trials of which hyper-parameters are learnt, at most
	mostConsulted = 300 // trials of which predictions are made
)

// fit is the hyper-parameters found for the first trials of the history.
type fit struct {
	about   int // what is modelled: about the value, about failure, or a constraint from 0
	records []*suggest.Record
	k       *kernel // nil where none were found
	loss    float64
}

const (
	aboutValue   = -1
	aboutTrend   = -2 // the value, by what the trend leaves unexplained
	aboutFailure = -3
	aboutOthers  = -3 // less the number of the objective
	aboutTies    = math.MinInt
)

// model is what is believed after a history.
type model struct {
	value      *posterior   // of the warped objective; nil where nothing is known of it
	conditions []*posterior // of what has to be kept, at most 0 where it is; and of being no tied result
	warp       warp
	best       float64 // to be improved on, warped: the known one, or what is expected of a pending trial
	known      float64 // the best of the trials that are done
	improves   bool    // there is a value to be improved on: a trial that keeps every constraint
	tops       [][]float64
	broken     bool
	pending    int
	region     *region // where trials are looked for while others are pending; nil before it is needed

	others    []*posterior // of the second and further objectives
	front     [][]float64  // the best compromises, warped, and what is expected of pending trials
	reference []float64    // what they are measured from
}

// scheduled is the largest number of trials, at most n, after which hyper-parameters are learnt: all up to 20, then as
// refitEvery has it.
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

// learn finds the hyper-parameters for the trials of the last scheduled time. They depend on these trials alone.
func (s *suggester) learn(about int, records []*suggest.Record, targets func([]*suggest.Record) []float64) (k *kernel, loss float64) {
	records = records[:scheduled(len(records))]
	i := slices.IndexFunc(s.fits, func(f fit) bool { return f.about == about })
	if i >= 0 && slices.Equal(s.fits[i].records, records) {
		return s.fits[i].k, s.fits[i].loss
	}
	chosen := subset(records, mostFitted)
	k, loss = newFitting(s.e, s.e.points(chosen), targets(chosen)).maximize()
	f := fit{about, slices.Clone(records), k, loss}
	if i >= 0 {
		s.fits[i] = f
	} else {
		s.fits = append(s.fits, f)
	}
	return k, loss
}

// newModel makes the model of the history.
func (s *suggester) newModel() *model {
	d := newData(s.history.Records(), s.problem.Objectives, s.data)
	s.data = d
	m := &model{pending: len(d.pending)}
	if s.earlier == nil && len(s.problem.Earlier) > 0 {
		s.earlier = append([]*posterior{}, s.modelEarlier()...)
	}
	s.modelConditions(m, d)
	if len(d.done) < 2 || m.broken {
		return m
	}
	k, follows := s.learnValue(d.done)
	if k == nil {
		m.broken = true
		return m
	}
	done := subset(d.done, mostConsulted)
	var y []float64
	y, m.warp = warped(done)
	x := s.e.points(done)
	var base *trend
	if follows {
		base = newTrend(s.earlier, x, y)
	}
	k = s.settled(k, x, y)
	if m.value = recondition(s.last, k, x, y, base); m.value == nil {
		m.broken = true
		return m
	}
	s.last = m.value
	m.rank(x, y, done)
	s.modelTies(m, d.done, done)
	m.known = m.best
	if s.problem.Objectives > 1 && !s.modelOthers(m, d.done, done, y) {
		m.value, m.others, m.broken = nil, nil, true
		return m
	}
	for _, r := range d.pending {
		m.believe(s.e.encode(r.Assignment, r.Unit))
	}
	return m
}

// warped are the values of trials on the scale of the model.
func warped(records []*suggest.Record) ([]float64, warp) {
	y := values(records)
	w := newWarp(y)
	if len(records) > 0 && len(records[0].Others) > 0 {
		w.unbend(y)
	}
	for i := range y {
		y[i] = w.forward(y[i])
	}
	return y, w
}

// modelConditions models what trials have to keep: not to fail, where some did, and the constraints. A failure is modelled by
// least squares on labels of ±1 (Rasmussen & Williams 2006, section 6.5).
func (s *suggester) modelConditions(m *model, d *data) {
	add := func(about int, records []*suggest.Record, targets func([]*suggest.Record) []float64) {
		if len(records) == 0 {
			return
		}
		k, _ := s.learn(about, records, targets)
		if k == nil {
			m.broken = true
			return
		}
		chosen := subset(records, mostConsulted)
		p := condition(k, s.e.points(chosen), targets(chosen), nil)
		if p == nil {
			m.broken = true
			return
		}
		m.conditions = append(m.conditions, p)
	}
	if len(d.failed) > 0 {
		all := slices.Concat(d.done, d.failed)
		slices.SortFunc(all, func(a, b *suggest.Record) int { return cmp.Compare(a.Number, b.Number) })
		add(aboutFailure, all, labels)
	}
	for c := range s.problem.Constraints {
		var known []*suggest.Record
		for _, r := range d.done {
			if c < len(r.Violations) && !math.IsNaN(r.Violations[c]) {
				known = append(known, r)
			}
		}
		add(c, known, func(r []*suggest.Record) []float64 { return violations(r, c) })
	}
}

// labels are 1 for failed trials, -1 for others.
func labels(records []*suggest.Record) []float64 {
	return signs(records, func(r *suggest.Record) bool { return r.State == suggest.Failed })
}

// signs are 1 for some records, -1 for others.
func signs(records []*suggest.Record, some func(*suggest.Record) bool) []float64 {
	y := make([]float64, len(records))
	for i, r := range records {
		if y[i] = -1; some(r) {
			y[i] = 1
		}
	}
	return y
}

// violations are those of constraint c in units of their median size, large ones shortened; 0 stays 0.
func violations(records []*suggest.Record, c int) []float64 {
	y := make([]float64, len(records))
	for i, r := range records {
		y[i] = math.Abs(max(-math.MaxFloat64, min(math.MaxFloat64, r.Violations[c])))
	}
	slices.Sort(y)
	scale := y[len(y)/2]
	if !(scale > 0) {
		scale = 1
	}
	for i, r := range records {
		v := max(-math.MaxFloat64, min(math.MaxFloat64, r.Violations[c])) / scale
		y[i] = math.Copysign(math.Log1p(math.Abs(v)), v)
	}
	return y
}

// rank sets what is to be improved on, and the places to search around: by the values themselves, or by their means where
// values are noisy.
func (m *model) rank(x [][]float64, y []float64, done []*suggest.Record) {
	score := slices.Clone(y)
	if m.value.k.noise > noisyFrom*m.value.k.s2 {
		for i := range x {
			score[i] = m.value.expect(x[i])
		}
	}
	m.best = math.Inf(1)
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
		if done[i].Feasible() {
			m.best, m.improves = min(m.best, score[i]), true
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if f, g := done[a].Feasible(), done[b].Feasible(); f != g {
			return cmp.Compare(btoi(g), btoi(f))
		}
		return cmp.Compare(score[a], score[b])
	})
	for _, i := range order[:min(5, len(order))] {
		m.tops = append(m.tops, done[i].Unit)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ready reports whether the model can be asked.
func (m *model) ready() bool { return m.value != nil || len(m.conditions) > 0 && !m.broken }

func (m *model) all() []*posterior {
	if m.value == nil {
		return m.conditions
	}
	return slices.Concat(m.conditions, m.others, []*posterior{m.value})
}

// believe takes a trial into account whose result is not known: it expects the mean, which is then to be improved on.
func (m *model) believe(x []float64) {
	m.expectOthers(x)
	if m.value != nil {
		m.best = min(m.best, m.value.expect(x))
	}
	for _, p := range m.all() {
		p.believe(x)
	}
}

// certain is the model without pending trials.
func (m *model) certain() *model {
	c := *m
	c.best, c.value, c.conditions = m.known, m.value.certain(), nil
	for _, p := range m.conditions {
		c.conditions = append(c.conditions, p.certain())
	}
	return &c
}

// mark is how many points each part of the model knows, and what is to be improved on.
type mark struct {
	front int
	parts []int
	best  float64
}

func (m *model) mark() mark {
	n := mark{front: len(m.front), best: m.best}
	for _, p := range m.all() {
		n.parts = append(n.parts, len(p.x))
	}
	return n
}

// back takes out what was believed since the mark.
func (m *model) back(to mark) {
	m.front, m.best = m.front[:to.front], to.best
	for i, p := range m.all() {
		p.truncate(to.parts[i])
	}
}

func (m *model) acquisition(k kind) *acquisition {
	q := &acquisition{kind: k, value: m.value, best: m.best, conditions: m.conditions}
	switch {
	case !m.improves:
		q.value = nil
	case len(m.others) > 0:
		q.others, q.boxes = m.others, newBoxes(m.frontier(), m.reference)
	}
	return q
}

// scales are the length scales of the numeric coordinates.
func (m *model) scales() []float64 {
	all := m.all()
	scale := slices.Clone(all[len(all)-1].k.root)
	for j := range scale {
		scale[j] = 1 / scale[j]
	}
	return scale
}
