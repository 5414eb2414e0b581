// Package hyperband holds the algorithms that decide how long each configuration trains: Hyperband, asynchronous successive
// halving and freeze-thaw optimisation, with configurations drawn at random, from a model, or by differential evolution. It knows
// the parameter that is the resource and the outcomes of trials, and is handed the model that it asks for configurations.
//
// A configuration is an assignment without the resource. It is tried with little of the resource first, at rung 0; the
// best go on to the next rung, each time as a new trial with more of the resource:
//
//	K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016;
//	L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: a novel bandit-based approach to hyperparameter
//	optimization", Journal of Machine Learning Research 18(185), 1-52 (2018);
//	L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A. Talwalkar, "A system for massively
//	parallel hyperparameter tuning", MLSys 2020;
//	S. Falkner, A. Klein, F. Hutter, "BOHB: robust and efficient hyperparameter optimization at scale", ICML 2018;
//	N. Awad, N. Mallik, F. Hutter, "DEHB: evolutionary Hyperband for scalable, robust and efficient hyperparameter optimization",
//	IJCAI 2021;
//	O. Bohdal, L. Balles, M. Wistuba, B. Ermis, C. Archambeau, G. Zappella, "PASHA: efficient HPO and NAS with progressive resource
//	allocation", ICLR 2023.
//
// Which rung and bracket a trial belongs to is written into the labels of its suggestion, which come back with its outcome. A
// trial at a higher rung carries suggest.ParentLabel: with the setting suggestion_trial_dir it starts from a copy of that trial's
// checkpoint, by the contract that package pbt writes down, and otherwise trains anew.
//
// Nothing waits: where no configuration may go on, a new one begins. What failed is worse than all else at its rung, and what breaks a
// constraint there is worse than what keeps them all; but freezeThaw looks at values alone.
package hyperband

import (
	"math/rand/v2"
	"strconv"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/pareto"
)

// The labels of trials.
const (
	ConfigLabel  = "hyperband.qalam.dev/config"  // number of the trial that tried the configuration first; absent from that one
	RungLabel    = "hyperband.qalam.dev/rung"    // from 0
	BracketLabel = "hyperband.qalam.dev/bracket" // from 0; only where there are several
)

// member is one trial as the schedulers see it.
type member struct {
	number  int
	config  int // number of the trial that tried the configuration first
	rung    int // -1 where it reached none
	bracket int // -1 where it is in none
	state   suggest.State
	value   float64

	violation float64 // by how much constraints are broken
}

// done reports whether the trial reached its rung's resource.
func (m *member) done() bool { return m.state == suggest.Completed }

// over reports whether the trial runs no longer.
func (m *member) over() bool { return m.state != suggest.Pending }

// job is what a scheduler wants tried next.
type job struct {
	from    int // number of the trial that is continued; 0 means a new configuration
	config  int // of from
	rung    int
	bracket int
	note    string // why, for people; usually ""
}

// scheduler decides what is tried at which rung. It is told members that come, change and go, and must be the same after a
// member has gone as it was before that came.
type scheduler interface {
	// change takes in what happened to one trial: old is nil for one that was not known, now is nil for one that goes.
	change(old, now *member)
	// settle does what next would have to do first. It may be left out.
	settle()
	// next is the job of the trial with the next number.
	next() job
}

// suggester joins a scheduler with a sampler.
type suggester struct {
	space     *space.Space
	resource  resource
	history   *suggest.History
	scheduler scheduler
	sampler   sampler
	configs   *configs // nil where the sampler does not look at them
}

// sampler proposes new configurations, as assignments whatever their resource.
type sampler interface {
	// sample proposes configurations for the trials of the given numbers, none of them known yet.
	sample(numbers []int) ([]proposal, error)
	// learn does what sample would have to do first. It may be left out.
	learn() error
}

// fewChanges is how many configurations may have changed before a model is told them at once. A restarted suggester is told
// thousands, which should not delay its first answer.
const fewChanges = 256

type proposal struct {
	assignment space.Assignment
	note       string
}

// Tell takes outcomes in.
func (s *suggester) Tell(outcomes []suggest.Outcome) error {
	for _, c := range s.history.Tell(outcomes) {
		var old *member
		if c.Old != nil {
			old = s.member(c.Old)
		}
		now := s.member(c.New)
		s.scheduler.change(old, now)
		if s.configs != nil {
			s.configs.change(old, now, c.New)
		}
	}
	s.scheduler.settle()
	if s.configs != nil && len(s.configs.changed) > fewChanges {
		return s.sampler.learn()
	}
	return nil
}

// member reads a trial's labels. A trial without them, such as one that the user gave, is a configuration of its own, in no
// bracket and at the rung that its resource reaches.
func (s *suggester) member(r *suggest.Record) *member {
	m := &member{number: r.Number, config: r.Number, bracket: -1, state: r.State, value: r.Value, violation: pareto.Violation(r.Violations)}
	m.rung = s.resource.rungOf(r.Assignment[s.resource.index])
	if k, ok := label(r.Labels, RungLabel); ok && k < len(s.resource.rungs) {
		m.rung = k
		if c, ok := label(r.Labels, ConfigLabel); ok {
			m.config = c
		}
		if b, ok := label(r.Labels, BracketLabel); ok {
			m.bracket = b
		}
	}
	return m
}

func label(labels map[string]string, name string) (int, bool) {
	n, err := strconv.Atoi(labels[name])
	return n, err == nil && n >= 0
}

// Ask asks the scheduler what the trials are for, and the sampler for those that begin a configuration.
func (s *suggester) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	jobs := make([]job, max(n, 0))
	var begin []int // numbers of trials that begin a configuration
	pending := make([]*member, len(jobs))
	for i := range jobs {
		j := s.scheduler.next()
		jobs[i] = j
		m := &member{number: first + i, config: j.config, rung: j.rung, bracket: j.bracket, state: suggest.Pending}
		if j.from == 0 {
			m.config = m.number
			begin = append(begin, m.number)
		}
		pending[i] = m
		s.scheduler.change(s.known(m.number), m)
	}
	for i, m := range pending { // the scheduler is as it was
		s.scheduler.change(m, s.known(first+i))
	}
	proposals, err := s.sampler.sample(begin)
	if err != nil {
		return nil, err
	}
	suggestions := make([]suggest.Suggestion, len(jobs))
	for i, j := range jobs {
		if j.from == 0 {
			suggestions[i].Assignment, suggestions[i].Note = proposals[0].assignment, proposals[0].note
			proposals = proposals[1:]
		} else {
			suggestions[i].Assignment, suggestions[i].Note = s.history.Get(j.from).Assignment, j.note
		}
		suggestions[i].Assignment = s.resource.with(suggestions[i].Assignment, s.resource.rungs[j.rung])
		suggestions[i].Labels = j.labels()
	}
	return suggestions, nil
}

// known is the member of a number; nil where none was told.
func (s *suggester) known(number int) *member {
	if r := s.history.Get(number); r != nil {
		return s.member(r)
	}
	return nil
}

func (j *job) labels() map[string]string {
	labels := map[string]string{RungLabel: strconv.Itoa(j.rung)}
	if j.from > 0 {
		labels[ConfigLabel], labels[suggest.ParentLabel] = strconv.Itoa(j.config), strconv.Itoa(j.from)
	}
	if j.bracket >= 0 {
		labels[BracketLabel] = strconv.Itoa(j.bracket)
	}
	return labels
}

// dice gives the random numbers of one trial.
type dice struct {
	seed   uint64
	source *rand.PCG
	rng    *rand.Rand // reads source
}

func newDice(seed uint64) dice {
	source := rand.NewPCG(0, 0)
	return dice{seed, source, rand.New(source)}
}

func (d *dice) of(number int) *rand.Rand {
	suggest.SeedRand(d.source, d.seed, number)
	return d.rng
}
