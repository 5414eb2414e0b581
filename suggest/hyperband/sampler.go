package hyperband

import (
	"maps"
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// uniform spreads configurations evenly: the points of a scrambled Sobol sequence.
type uniform struct {
	space    *space.Space
	sequence *suggest.Sequence
	dice     dice
	u        []float64
}

func newUniform(s *space.Space, seed uint64) *uniform {
	return &uniform{space: s, sequence: suggest.NewSequence(s.Len(), seed), dice: newDice(seed), u: make([]float64, s.Len())}
}

func (r *uniform) sample(numbers []int) ([]proposal, error) {
	out := make([]proposal, len(numbers))
	for i, number := range numbers {
		out[i].assignment = r.one(number)
	}
	return out, nil
}

// learn has nothing to do.
func (r *uniform) learn() error { return nil }

func (r *uniform) one(number int) space.Assignment {
	r.sequence.At(uint64(number-1), r.u)
	if a := r.space.FromUnit(r.u); r.space.Contains(a) {
		return a
	}
	return r.space.Sample(r.dice.of(number))
}

// modelled asks a model for configurations, but for a fraction that is drawn evenly, which keeps Hyperband's guarantees (Falkner et
// al. 2018, section 3.2).
//
// The model is told one outcome for each configuration, numbered by its first trial. As BOHB's it learns from the highest rung that
// enough configurations have reached, N_min + 2 = d + 3 for d parameters. From there on, other than BOHB's, it learns from all rungs: a
// configuration that came to a higher one is better than one that did not, and at one rung the values decide. Configurations
// that came less far are told as failed, which keeps the model away from them without saying which of them is better: a first rung
// that says little about later ones promotes some that are not good, but the next one finds them out.
//
// A patient one never learns from rung 0 alone, again other than BOHB's, as nothing would show that this ranks the better half badly, or
// the wrong way round: until there are enough beyond it all are drawn evenly. Where rung 0 does rank, that costs a few full runs of
// delay; where not, the model would have filled the higher rungs with what is wrong, and learned from there what it had proposed.
type modelled struct {
	uniform  *uniform
	fraction float64 // that is drawn evenly
	resource *resource
	configs  *configs
	model    suggest.Suggester // of the space with the resource fixed
	fixed    float64           // value of the resource there
	enough   int               // results at a rung, with which lower ones are no longer compared
	patient  bool              // not asked before that many are beyond rung 0
	floor    int               // the rung from which on the model was told results
}

func (m *modelled) sample(numbers []int) ([]proposal, error) {
	if m.patient && len(m.configs.reached) > 1 && m.configs.floor(m.enough) == 0 {
		return m.uniform.sample(numbers)
	}
	out := make([]proposal, len(numbers))
	var asked []int // indices of those that the model is asked for
	for i, number := range numbers {
		if m.uniform.dice.of(number).Float64() < m.fraction {
			out[i].assignment = m.uniform.one(number)
		} else {
			asked = append(asked, i)
		}
	}
	if len(asked) == 0 {
		return out, nil
	}
	if err := m.learn(); err != nil {
		return nil, err
	}
	// The model has never heard of these numbers, so that any do.
	suggestions, err := m.model.Ask(numbers[asked[0]], len(asked))
	for k, i := range asked {
		if k >= len(suggestions) { // exhausted, or waiting
			out[i].assignment = m.uniform.one(numbers[i])
			if err != nil {
				out[i].note = "drawn evenly: " + err.Error()
			}
			continue
		}
		out[i] = proposal{suggestions[k].Assignment, suggestions[k].Note}
	}
	return out, nil
}

// learn tells the model what has changed.
func (m *modelled) learn() error {
	if floor := m.configs.floor(m.enough); floor != m.floor { // all are told anew, which happens once for a rung
		m.floor = floor
		for number := range m.configs.known {
			m.configs.changed[number] = struct{}{}
		}
	}
	if len(m.configs.changed) == 0 {
		return nil
	}
	outcomes := make([]suggest.Outcome, 0, len(m.configs.changed))
	for _, number := range slices.Sorted(maps.Keys(m.configs.changed)) {
		if c := m.configs.known[number]; c != nil {
			outcomes = append(outcomes, m.outcome(c))
		}
	}
	clear(m.configs.changed)
	return m.model.Tell(outcomes)
}

func (m *modelled) outcome(c *config) suggest.Outcome {
	o := suggest.Outcome{Number: c.number, State: suggest.Pending, Value: math.NaN()}
	last := &c.trials[len(c.trials)-1]
	o.Assignment = m.resource.with(last.record.Assignment, m.fixed)
	if t := c.best(); t != nil && m.floor > 0 && t.rung < m.floor {
		o.State = suggest.Failed
		return o
	} else if t != nil {
		o.State, o.Value = suggest.Completed, score(t.rung, t.value)
		o.Violations = t.record.Violations
		return o
	}
	for i := range c.trials {
		t := &c.trials[i]
		switch {
		case t.state == suggest.Stopped && !math.IsNaN(t.value):
			o.State, o.Value = suggest.Completed, score(t.rung-1, t.value)
		case t.over() && o.State == suggest.Pending:
			o.State = t.state
		}
	}
	return o
}

// score orders outcomes by rung first and value then: the value is led into (0, 1), monotonically.
func score(rung int, value float64) float64 {
	return 0.5 + math.Atan(value)/math.Pi - float64(rung)
}
