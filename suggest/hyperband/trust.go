package hyperband

import "math"

// Which bracket is next. Hyperband gives each the same part of the budget, as it does not know how much of the resource it takes to
// tell good configurations from bad ones. What is known of that by then is used here, as in
//
//	Y. Li, Y. Shen, H. Jiang, W. Zhang, J. Li, J. Liu, C. Zhang, B. Cui, "Hyper-Tune: towards efficient hyper-parameter tuning at
//	scale", Proceedings of the VLDB Endowment 15(6), 1256-1265 (2022), section 4.1,
//
// which judges a rung by how a model of its results ranks those of the last rung. There is no model here, and none is needed: at each
// rung but the first some configurations came up from lower ones and others, of another bracket, were begun, and both were drawn
// alike (but for a model that has learned meanwhile, which is left out of account). How often one that came up is better than one that
// was begun says what the lower rungs are worth:
//
//	A_s  the probability of that where bracket s has its second rung and bracket s-1 its first; 1/2 if the lower rungs say nothing
//	m, n how many came up to that rung and were begun there; U of their m n pairs are such that the one that came up is better
//	     (H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the
//	     other", The Annals of Mathematical Statistics 18(1), 50-60 (1947)); U/mn is A_s with a variance of (m+n+1)/12mn
//	E_s  the A_s that it takes: both brackets cost the same and the one has at that rung s/(s+1) of the configurations of the other, so
//	     that each must be as good as the best of (s+1)/s drawn ones, which is better than a further one with probability (s+1)/(2s+1)
//	T_s  the probability that A_s > E_s, given the results
//
// Beforehand A_s is E_s + z_s + C + D_s, normal, where C is common to all s: a task whose first epochs are telling is one whose later epochs
// are. z_s is such that T_s = (s_max+1-s)/(s_max+2-s). Bracket s is the right one where each halving from s down is worth it
// and that of s+1 is not, W_s = T_1 T_2 … T_s (1 - T_{s+1}), which is beforehand the same for all. Its share is W_s but for a
// part of the budget that is Hyperband's whatever the results, by which Hyperband's guarantee stays, with a larger constant, and
// nothing is believed for ever.
const (
	commonDeviation = 0.1  // of C
	ownDeviation    = 0.15 // of D_s
	equalPart       = 0.1  // of the budget, that is shared equally
)

// versus compares the trials that are over at a rung: those that came up with those that were begun there.
type versus struct {
	up, begun ordered
	wins      int // 2U: a pair of equals counts one, a pair of which the one that came up is better two
}

// change adds a trial, by = 1, or takes it out, by = -1.
func (v *versus) change(e entry, up bool, by int) {
	mine, others := &v.begun, &v.up
	if up {
		mine, others = others, mine
	}
	better, notWorse := others.before(entry{e.violation, e.value, math.MinInt, 0}), others.before(entry{e.violation, e.value, math.MaxInt, 0})
	if up {
		v.wins += by * (2*others.size - better - notWorse)
	} else {
		v.wins += by * (better + notWorse)
	}
	if by > 0 {
		mine.add(e)
	} else {
		mine.remove(e)
	}
}

// trusts is T_s at index s from 1 to s_max, of what is known at each rung.
func trusts(rungs []versus) []float64 {
	sMax := len(rungs) - 1
	const common, own = commonDeviation * commonDeviation, ownDeviation * ownDeviation
	beyond := make([]float64, sMax+1)   // mean of A_s - E_s beforehand, z_s
	seen := make([]float64, sMax+1)     // U/mn - E_s - z_s
	variance := make([]float64, sMax+1) // of that, given C and D_s
	sum, precision := 0.0, 1/common
	for s := 1; s <= sMax; s++ {
		beyond[s] = math.Sqrt(common+own) * quantile(float64(sMax+1-s)/float64(sMax+2-s))
		variance[s] = math.Inf(1)
		v := &rungs[sMax+1-s]
		if m, n := float64(v.up.size), float64(v.begun.size); m > 0 && n > 0 {
			variance[s] = (m + n + 1) / (12 * m * n)
			seen[s] = float64(v.wins)/(2*m*n) - float64(s+1)/float64(2*s+1) - beyond[s]
			sum += seen[s] / (own + variance[s])
			precision += 1 / (own + variance[s])
		}
	}
	c := sum / precision
	T := make([]float64, sMax+1)
	for s := 1; s <= sMax; s++ {
		w := own / (own + variance[s]) // how much of what is seen beyond C is D_s
		mean := beyond[s] + c + w*(seen[s]-c)
		T[s] = 0.5 * math.Erfc(-mean/math.Sqrt(2*((1-w)*own+(1-w)*(1-w)/precision)))
	}
	return T
}

// quantile is that of the standard normal distribution.
func quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// shares is the part of the budget of the brackets, by s.
func shares(T []float64) []float64 {
	w := make([]float64, len(T))
	worth := 1.0 // T_1 … T_s
	for s := range w {
		next := 0.0
		if s+1 < len(T) {
			next = T[s+1]
		}
		w[s] = (1-equalPart)*worth*(1-next) + equalPart/float64(len(w))
		worth *= next
	}
	return w
}

// most is the s of the bracket that is furthest behind its share, when so many of each have begun: the one with the largest w/(begun+1).
// Of equals it is the largest s, which are in Hyperband's order then.
func most(w []float64, begun []int) int {
	const rounding = 1e-9
	best := len(w) - 1
	for s := best - 1; s >= 0; s-- {
		if w[s]*float64(begun[best]+1) > w[best]*float64(begun[s]+1)*(1+rounding) {
			best = s
		}
	}
	return best
}
