package nas

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"

	"qalam/suggest"
)

// How the controller learns. REINFORCE,
//
//	R. J. Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning", Machine Learning
//	8, 229-256 (1992): ∇ E[R] = E[(R - b) ∇ log π(a)],
//
// holds for architectures a that the policy drew and that were then trained and measured, and for those only. Where each costs a
// training, every one has to teach much:
//
//   - a block of architectures is gone over several times, with the clipped ratio of J. Schulman, F. Wolski, P. Dhariwal, A. Radford,
//     O. Klimov, "Proximal policy optimization algorithms", arXiv:1707.06347 (2017), equation 7;
//   - the reward R is by rank: how much of the recent trials an architecture is better than, so that no scale and no outlier of the
//     metric matters; it compares with a baseline of the same trials, which fade by baseline_decay;
//   - the best architectures known are imitated beside it, which is the priority queue of D. A. Abolafia, M. Norouzi, J. Shen,
//     R. Zhao, Q. V. Le, "Neural program synthesis with priority queue training", arXiv:1801.03526 (2018).
//
// What the controller knows is a function of the outcomes alone. They are taken in blocks by the trials' numbers, each block
// changing the weights that the one before left, and the weights begin anew every epoch of blocks, with the epoch before gone
// through for a start: so it takes at most two epochs of blocks to have them again after a restart. A late outcome makes the
// blocks from its own on be gone through again.
const (
	blockSize = 8  // trials
	epochSize = 16 // blocks
	stride    = 4  // blocks between states that are kept for late outcomes
	elite     = 10 // architectures that are imitated
	clip      = 0.2
	passes    = 4 // most steps of the optimizer for one block
)

// effort bounds the work of one block, in multiplications: some 20 ms.
const effort = 60e6

// tuning is how the controller learns, from its settings.
type tuning struct {
	hidden                int
	temperature, tanh     float64
	entropy, decay, rate  float64
	skipTarget, skipScale float64
	steps                 int // architectures gone over for one block, at most
}

// adam is the optimizer of D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
type adam struct {
	m, v []float64
	t    int
}

func (o *adam) step(theta, g []float64, alpha float64) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	o.t++
	alpha *= math.Sqrt(1-math.Pow(beta2, float64(o.t))) / (1 - math.Pow(beta1, float64(o.t)))
	for i, gi := range g {
		o.m[i] = beta1*o.m[i] + (1-beta1)*gi
		o.v[i] = beta2*o.v[i] + (1-beta2)*gi*gi
		theta[i] -= alpha * o.m[i] / (math.Sqrt(o.v[i]) + epsilon)
	}
}

// mind is the state of the controller after some blocks.
type mind struct {
	blocks int // gone through, counted from the first trial
	c      *controller
	o      adam
}

func (m *mind) clone() *mind {
	out := *m
	c := *m.c
	c.weights = newWeights(c.N, c.H)
	copy(c.theta, m.c.theta)
	out.c, out.o.m, out.o.v = &c, slices.Clone(m.o.m), slices.Clone(m.o.v)
	return &out
}

// learner trains the controller.
type learner struct {
	tuning
	L, N      int
	seed      uint64
	history   *suggest.History
	now, next chain // of the epoch at hand, and of the one to come
}

// chain is the states that begin with one block.
type chain struct {
	start int
	kept  []*mind // the last one, and earlier ones for late outcomes
}

// forget drops what was learned from a trial and those after it.
func (l *learner) forget(number int) {
	block := (number - 1) / blockSize
	later := func(m *mind) bool { return m.blocks > block }
	l.now.kept, l.next.kept = slices.DeleteFunc(l.now.kept, later), slices.DeleteFunc(l.next.kept, later)
}

// policy is the controller that has learned from all outcomes, none of which has a number above last. On the way it goes on with the
// states of the epoch to come, so that none has to begin all at once.
func (l *learner) policy(last int) *controller {
	blocks := (last + blockSize - 1) / blockSize
	epoch := max(0, blocks-1) / epochSize
	if start := max(0, epoch-1) * epochSize; l.now.start != start {
		if l.next.start != start {
			l.next = chain{start: start}
		}
		l.now, l.next = l.next, chain{}
	}
	if epoch > 0 {
		if start := epoch * epochSize; l.next.start != start {
			l.next = chain{start: start}
		}
		const most = 2 // blocks at a time
		l.reach(&l.next, min(last/blockSize, l.next.reached()+most))
	}
	return l.reach(&l.now, blocks).c
}

// reached is the number of blocks after which the last state is.
func (c *chain) reached() int {
	blocks := c.start
	for _, k := range c.kept {
		blocks = max(blocks, k.blocks)
	}
	return blocks
}

// reach is the state of a chain after so many blocks.
func (l *learner) reach(c *chain, blocks int) *mind {
	var m *mind
	for _, k := range c.kept {
		if k.blocks <= blocks && (m == nil || k.blocks > m.blocks) {
			m = k
		}
	}
	if m == nil {
		m = l.newborn(c.start)
		c.kept = append(c.kept, m)
	}
	for m.blocks < blocks {
		m = m.clone()
		l.learn(m, c.start)
		c.keep(m)
	}
	return m
}

// keep keeps a state, and of the earlier ones those that are a stride apart.
func (c *chain) keep(m *mind) {
	c.kept = slices.DeleteFunc(c.kept, func(k *mind) bool {
		return k.blocks == m.blocks || k.blocks < m.blocks-1 && (k.blocks%stride != 0 || k.blocks < m.blocks-4*stride)
	})
	c.kept = append(c.kept, m)
}

func (l *learner) newborn(start int) *mind {
	source := rand.NewPCG(0, 0)
	suggest.SeedRand(source, l.seed, -1-start)
	c := newController(l.L, l.N, l.hidden, l.temperature, l.tanh, rand.New(source))
	return &mind{blocks: start, c: c, o: adam{m: make([]float64, len(c.theta)), v: make([]float64, len(c.theta))}}
}

// cost is about how many multiplications the gradient of one architecture takes.
func (l *learner) cost() float64 {
	L, N, H := float64(l.L), float64(l.N), float64(l.hidden)
	return 3 * (2*L*8*H*H + L*H*N + 2*L*H*H + L*L*H)
}

// lesson is an architecture with its reward.
type lesson struct {
	record *suggest.Record
	reward float64
}

// learn takes one more block in. Only trials from the start of the states count.
func (l *learner) learn(m *mind, start int) {
	first, last := m.blocks*blockSize+1, (m.blocks+1)*blockSize
	m.blocks++
	recent, block := l.completed(start*blockSize+1, last), l.completed(first, last)
	if len(block) == 0 {
		return
	}
	lessons := l.rewards(recent, block)
	best := slices.Clone(recent)
	slices.SortStableFunc(best, func(a, b *suggest.Record) int { return cmp.Compare(a.Value, b.Value) })
	most := max(2, int(min(float64(l.steps), effort/l.cost()))) // architectures that may be gone over
	best = best[:min(len(best), elite, 1+len(best)/4, most/2)]
	lessons = lessons[max(0, len(lessons)-most/2):]
	batch := make(known, 0, len(block)+len(best))
	for _, x := range lessons {
		batch = append(batch, numbers(x.record))
	}
	for _, r := range best {
		batch = append(batch, numbers(r))
	}
	steps := min(passes, max(1, most/len(batch)))
	r := newRollout(m.c, len(batch))
	o := goal{weight: make([]float64, len(batch)), entropy: l.entropy, skip: l.skipScale, target: l.skipTarget}
	if l.L == 1 {
		o.skip = 0 // there are no skip bits
	}
	var before []float64
	for range steps {
		r.run(batch)
		if before == nil {
			before = slices.Clone(r.logP)
		}
		for i, x := range lessons {
			o.weight[i] = clipped(x.reward, math.Exp(r.logP[i]-before[i])) / float64(len(lessons))
		}
		for i := range best {
			o.weight[len(lessons)+i] = 1 / float64(len(best))
		}
		g := r.backward(o).theta
		if norm := blas64.Nrm2(blas64.Vector{N: len(g), Inc: 1, Data: g}); math.IsNaN(norm) || math.IsInf(norm, 0) {
			return // scores without a bound have outgrown float64: what was learned before stands
		}
		m.o.step(m.c.theta, g, l.rate)
	}
}

// clipped is the weight of -log π in the gradient of the clipped objective, min(ρA, clip(ρ, 1-ε, 1+ε)A): ρA, or nothing where the
// ratio ρ has gone far enough the way that the advantage A wants.
func clipped(advantage, ratio float64) float64 {
	if advantage > 0 && ratio > 1+clip || advantage < 0 && ratio < 1-clip {
		return 0
	}
	return advantage * ratio
}

// completed lists the trials of some numbers that have a value.
func (l *learner) completed(first, last int) []*suggest.Record {
	var list []*suggest.Record
	records := l.history.Records()
	at, _ := slices.BinarySearchFunc(records, first, func(r *suggest.Record, n int) int { return cmp.Compare(r.Number, n) })
	for _, r := range records[at:] {
		if r.Number > last {
			break
		}
		if r.State == suggest.Completed {
			list = append(list, r)
		}
	}
	return list
}

// rewards compares the trials of a block with the recent ones, which weigh less by the factor decay with each trial between: +√3
// is better than all of them, -√3 worse, so that the rewards of equally good ones have the variance 1.
func (l *learner) rewards(recent, block []*suggest.Record) []lesson {
	lessons := make([]lesson, len(block))
	for i, x := range block {
		better, total, weight := 0.0, 0.0, 1.0
		for _, r := range slices.Backward(recent) {
			switch {
			case x.Value < r.Value:
				better += weight
			case x.Value > r.Value:
				better -= weight
			}
			total += weight
			weight *= l.decay
		}
		lessons[i] = lesson{x, math.Sqrt(3) * better / total}
	}
	return lessons
}

// numbers are those of an architecture as the controller reads them.
func numbers(r *suggest.Record) []int {
	a := make([]int, len(r.Assignment))
	for i, v := range r.Assignment {
		a[i] = int(v)
	}
	return a
}
