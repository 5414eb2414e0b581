// Package rivals holds early-stopping rules and multi-fidelity algorithms of other projects, written after their documentation, as
// they would have run on learning curves.
package rivals

import (
	"math"
	"slices"

	"qalam/bench/search/problem"
	"qalam/suggest"
	"qalam/suggest/suggesttest/curves"
)

// Rival is a policy of another project.
type Rival struct {
	Name string
	Doc  string
	// Run returns regrets as curves.Stopped does.
	Run func(t *curves.Task, seed int, marks []int) []float64
}

// All lists the policies of other projects, as they are documented.
func All() []Rival {
	stop := func(name, doc string, make func(rng *problem.Twister, steps int) suggest.Stopper) Rival {
		return Rival{name, doc, func(t *curves.Task, seed int, marks []int) []float64 {
			order, rng := Order(t, seed)
			return curves.Stopped(t, make(rng, t.Steps()), order, 1, marks)
		}}
	}
	byMedian := func(r medianRule) func(*problem.Twister, int) suggest.Stopper {
		return func(*problem.Twister, int) suggest.Stopper {
			anew := r
			return &anew
		}
	}
	halving := func(eta int) func(*problem.Twister, int) suggest.Stopper {
		return func(*problem.Twister, int) suggest.Stopper { return newHalvingRule(eta, nil, 0) }
	}
	return []Rival{
		stop("full", "no stopping", func(*problem.Twister, int) suggest.Stopper { return nil }),
		stop("katib", "Katib's medianstop: once, at step 4, against the mean of the averages of 3 or more",
			byMedian(medianRule{from: 4, to: 4, required: 3, reference: meanOfAverages})),
		stop("vizier", "Vizier's median rule: from step 5 on, against the median of the averages of 5 or more",
			byMedian(medianRule{from: 5, to: math.MaxInt, required: 5, reference: medianOfAverages})),
		stop("optuna_median", "Optuna's MedianPruner: the best so far against the median at the same step, of 5 or more",
			byMedian(medianRule{from: 1, to: math.MaxInt, required: 5, reference: medianAtStep})),
		stop("sha3", "asynchronous successive halving by stopping, eta 3", halving(3)),
		stop("sha4", "the same with eta 4, as Optuna's SuccessiveHalvingPruner", halving(4)),
		stop("hyperband3", "the same in Hyperband's brackets, as Optuna's HyperbandPruner", func(rng *problem.Twister, steps int) suggest.Stopper {
			return newHalvingRule(3, rng, steps)
		}),
		{"asha3", "asynchronous successive halving by promotion, eta 3", promoted(3)},
		{"asha4", "the same with eta 4", promoted(4)},
	}
}

// Order is the order in which the configurations of a task run, and the generator with what follows it.
func Order(t *curves.Task, seed int) ([]int, *problem.Twister) {
	rng := problem.NewPythonRandom(uint32(seed))
	return rng.Shuffle(len(t.Loss)), rng
}

// medianRule stops a trial whose best value is worse than a reference made of the trials that ran to their end.
type medianRule struct {
	from, to  int // steps at which it judges, from 1
	required  int // finished trials
	reference func(finished [][]float64, step int) float64
	finished  [][]float64
}

func (r *medianRule) Judge(c suggest.Curve) suggest.Verdict {
	n := len(c.Values)
	judges := n >= r.from && n <= r.to && len(r.finished) >= r.required
	return suggest.Verdict{Stop: judges && slices.Min(c.Values) > r.reference(r.finished, n)}
}

func (r *medianRule) Tell(c suggest.Curve) {
	if c.State == suggest.Completed {
		r.finished = append(r.finished, c.Values)
	}
}

func averages(finished [][]float64, step int) []float64 {
	out := make([]float64, len(finished))
	for i, values := range finished {
		for _, v := range values[:step] {
			out[i] += v / float64(step)
		}
	}
	return out
}

func meanOfAverages(finished [][]float64, step int) float64 {
	sum := 0.0
	for _, v := range averages(finished, step) {
		sum += v / float64(len(finished))
	}
	return sum
}

func medianOfAverages(finished [][]float64, step int) float64 {
	return median(averages(finished, step))
}

func medianAtStep(finished [][]float64, step int) float64 {
	at := make([]float64, len(finished))
	for i, values := range finished {
		at[i] = values[step-1]
	}
	return median(at)
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// halvingRule stops at steps eta^k what is not among the best of its rung so far, one in eta of them.
type halvingRule struct {
	eta      int
	rng      *problem.Twister     // nil: there is one bracket
	weights  []int                // of the brackets
	brackets map[int]int          // by trial
	rungs    map[[2]int][]float64 // by bracket and rung
}

func newHalvingRule(eta int, rng *problem.Twister, steps int) *halvingRule {
	r := &halvingRule{eta: eta, rng: rng, brackets: map[int]int{}, rungs: map[[2]int][]float64{}}
	if rng == nil {
		return r
	}
	n := 1
	for s := eta; s <= steps; s *= eta {
		n++
	}
	for b := range n {
		r.weights = append(r.weights, int(math.Ceil(float64(n)*math.Pow(float64(eta), float64(n-1-b))/float64(n-b))))
	}
	return r
}

// draw draws the bracket of a new trial.
func (r *halvingRule) draw() int {
	if r.rng == nil {
		return 0
	}
	total := 0
	for _, w := range r.weights {
		total += w
	}
	x := r.rng.Float64() * float64(total)
	for b, w := range r.weights {
		if x -= float64(w); x < 0 {
			return b
		}
	}
	return len(r.weights) - 1
}

// rung is the bracket and the rung that a trial has just reached, if it is at one.
func (r *halvingRule) rung(c suggest.Curve) (key [2]int, ok bool) {
	bracket := r.brackets[c.Number]
	k, at := 0, int(math.Pow(float64(r.eta), float64(bracket)))
	for at < len(c.Values) {
		k, at = k+1, at*r.eta
	}
	return [2]int{bracket, k}, at == len(c.Values)
}

func (r *halvingRule) Tell(c suggest.Curve) {
	if c.State != suggest.Pending {
		return
	}
	if _, known := r.brackets[c.Number]; !known {
		r.brackets[c.Number] = r.draw()
	}
	if key, ok := r.rung(c); ok {
		r.rungs[key] = append(r.rungs[key], c.Values[len(c.Values)-1])
	}
}

func (r *halvingRule) Judge(c suggest.Curve) suggest.Verdict {
	key, ok := r.rung(c)
	if !ok {
		return suggest.Verdict{}
	}
	rung := slices.Sorted(slices.Values(r.rungs[key]))
	return suggest.Verdict{Stop: c.Values[len(c.Values)-1] > rung[max(len(rung)/r.eta, 1)-1]}
}

// promoted is asynchronous successive halving that pauses trials and goes on with the best of a rung.
func promoted(eta int) func(t *curves.Task, seed int, marks []int) []float64 {
	return func(t *curves.Task, seed int, marks []int) []float64 {
		order, _ := Order(t, seed)
		p := &promotion{eta: eta, at: map[int]int{}}
		for r := 1; r < t.Steps(); r *= eta {
			p.rungs = append(p.rungs, r)
		}
		p.rungs = append(p.rungs, t.Steps())
		p.results, p.gone = make([][]result, len(p.rungs)), make([]map[int]bool, len(p.rungs))
		for k := range p.gone {
			p.gone[k] = map[int]bool{}
		}
		b := curves.NewBudget(t, marks)
		for {
			row, rung, ok := p.job()
			if !ok {
				if len(order) == 0 {
					return b.Regrets()
				}
				row, rung, order = order[0], 0, order[1:]
			}
			for p.at[row] < p.rungs[rung] {
				p.at[row]++
				if b.Spend(t.Loss[row][p.at[row]-1]) {
					return b.Regrets()
				}
			}
			p.results[rung] = append(p.results[rung], result{t.Loss[row][p.at[row]-1], row})
		}
	}
}

type result struct {
	value float64
	row   int
}

// promotion is the state of promoted.
type promotion struct {
	eta     int
	rungs   []int // steps
	results [][]result
	gone    []map[int]bool // rows that went on from a rung
	at      map[int]int    // steps by row
}

// job is what goes on from the highest rung from which something may.
func (p *promotion) job() (row, rung int, ok bool) {
	for k := len(p.rungs) - 2; k >= 0; k-- {
		sorted := slices.SortedFunc(slices.Values(p.results[k]), func(a, b result) int {
			switch {
			case a.value < b.value || a.value == b.value && a.row < b.row:
				return -1
			case a == b:
				return 0
			}
			return 1
		})
		for _, r := range sorted[:len(sorted)/p.eta] {
			if !p.gone[k][r.row] {
				p.gone[k][r.row] = true
				return r.row, k + 1, true
			}
		}
	}
	return 0, 0, false
}
