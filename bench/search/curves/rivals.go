package curves

import (
	"math"
	"slices"

	"qalam/bench/search/problem"
)

// Rival is a policy of another project.
type Rival struct {
	Name string
	Doc  string
	// Run returns regrets as Stopped does.
	Run func(t *Task, seed int, marks []int) []float64
}

// Rivals lists the policies of other projects, as they are documented.
func Rivals() []Rival {
	stop := func(name, doc string, make func(rng *problem.Twister, steps int) Rule) Rival {
		return Rival{name, doc, func(t *Task, seed int, marks []int) []float64 { return Stopped(t, make, seed, marks) }}
	}
	halving := func(eta int) func(*problem.Twister, int) Rule {
		return func(*problem.Twister, int) Rule { return newHalvingRule(eta, nil, 0) }
	}
	return []Rival{
		stop("full", "no stopping", func(*problem.Twister, int) Rule { return &medianRule{} }),
		stop("katib", "Katib's medianstop: once, at step 4, against the mean of the averages of 3 or more", func(*problem.Twister, int) Rule {
			return &medianRule{from: 4, to: 4, required: 3, reference: meanOfAverages}
		}),
		stop("vizier", "Vizier's median rule: from step 5 on, against the median of the averages of 5 or more", func(*problem.Twister, int) Rule {
			return &medianRule{from: 5, to: math.MaxInt, required: 5, reference: medianOfAverages}
		}),
		stop("optuna_median", "Optuna's MedianPruner: the best so far against the median at the same step, of 5 or more", func(*problem.Twister, int) Rule {
			return &medianRule{from: 1, to: math.MaxInt, required: 5, reference: medianAtStep}
		}),
		stop("sha3", "asynchronous successive halving by stopping, eta 3", halving(3)),
		stop("sha4", "the same with eta 4, as Optuna's SuccessiveHalvingPruner", halving(4)),
		stop("hyperband3", "the same in Hyperband's brackets, as Optuna's HyperbandPruner", func(rng *problem.Twister, steps int) Rule {
			return newHalvingRule(3, rng, steps)
		}),
		{"asha3", "asynchronous successive halving by promotion, eta 3", promoted(3)},
		{"asha4", "the same with eta 4", promoted(4)},
	}
}

// medianRule stops a trial whose best value is worse than a reference made of the trials that ran to their end.
type medianRule struct {
	from, to  int // steps at which it judges, from 1; to 0 means never
	required  int // finished trials
	reference func(finished [][]float64, step int) float64
	finished  [][]float64
}

func (r *medianRule) Stops(_ int, values []float64, last bool) bool {
	n := len(values)
	return n >= r.from && n <= r.to && !last && len(r.finished) >= r.required && slices.Min(values) > r.reference(r.finished, n)
}

func (r *medianRule) Ended(_ int, values []float64, complete bool) {
	if complete {
		r.finished = append(r.finished, values)
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
	rng      *problem.Twister // nil: there is one bracket
	brackets []int            // weights
	number   int              // of the trial in bracket
	bracket  int
	rungs    map[[2]int][]float64 // by bracket and rung
}

func newHalvingRule(eta int, rng *problem.Twister, steps int) *halvingRule {
	r := &halvingRule{eta: eta, rng: rng, rungs: map[[2]int][]float64{}}
	if rng == nil {
		return r
	}
	n := 1
	for s := eta; s <= steps; s *= eta {
		n++
	}
	for b := range n {
		r.brackets = append(r.brackets, int(math.Ceil(float64(n)*math.Pow(float64(eta), float64(n-1-b))/float64(n-b))))
	}
	return r
}

// enter draws the bracket of a new trial.
func (r *halvingRule) enter(number int) {
	if r.number = number; r.rng == nil {
		return
	}
	total := 0
	for _, w := range r.brackets {
		total += w
	}
	x := r.rng.Float64() * float64(total)
	for b, w := range r.brackets {
		if x -= float64(w); x < 0 {
			r.bracket = b
			return
		}
	}
}

func (r *halvingRule) Stops(number int, values []float64, last bool) bool {
	if number != r.number {
		r.enter(number)
	}
	k, at := 0, int(math.Pow(float64(r.eta), float64(r.bracket)))
	for at < len(values) {
		k, at = k+1, at*r.eta
	}
	if at != len(values) || last {
		return false
	}
	v := values[len(values)-1]
	key := [2]int{r.bracket, k}
	r.rungs[key] = append(r.rungs[key], v)
	rung := slices.Sorted(slices.Values(r.rungs[key]))
	return v > rung[max(len(rung)/r.eta, 1)-1]
}

func (r *halvingRule) Ended(int, []float64, bool) {}

// promoted is asynchronous successive halving that pauses trials and goes on with the best of a rung.
func promoted(eta int) func(t *Task, seed int, marks []int) []float64 {
	return func(t *Task, seed int, marks []int) []float64 {
		order := problem.NewPythonRandom(uint32(seed)).Shuffle(len(t.loss))
		p := &promotion{eta: eta, at: map[int]int{}}
		for r := 1; r < t.steps(); r *= eta {
			p.rungs = append(p.rungs, r)
		}
		p.rungs = append(p.rungs, t.steps())
		p.results, p.gone = make([][]result, len(p.rungs)), make([]map[int]bool, len(p.rungs))
		for k := range p.gone {
			p.gone[k] = map[int]bool{}
		}
		b := newBudget(t, marks)
		for {
			row, rung, ok := p.job()
			if !ok {
				if len(order) == 0 {
					return b.all()
				}
				row, rung, order = order[0], 0, order[1:]
			}
			for p.at[row] < p.rungs[rung] {
				p.at[row]++
				if b.spend(t.loss[row][p.at[row]-1]) {
					return b.regrets
				}
			}
			p.results[rung] = append(p.results[rung], result{t.loss[row][p.at[row]-1], row})
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
