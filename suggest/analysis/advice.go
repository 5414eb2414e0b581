package analysis

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Verdict is the answer to whether it is worth going on.
type Verdict string

// The verdicts.
const (
	GoOn     Verdict = "go on"
	Stop     Verdict = "stop"
	TooEarly Verdict = "too early to tell"
)

// Question is what is asked about the next trials.
type Question struct {
	Next      int       // how many more trials are thought of; 0 means a fifth of those completed, 10 at least
	Worth     float64   // the gain, in the objective's units, that so many trials are worth; 0 means 1 % of what separates the best from the median
	Surrogate Surrogate // nil where there is none
}

// Advice says what to expect of more trials.
type Advice struct {
	Verdict   Verdict
	Reason    string // one sentence
	Trials    int    // completed with a value
	Best      float64
	BestTrial int
	Since     int     // trials completed after the best one, by number
	Next      int     // how many more were asked about, fewer where the space has no more
	Gain      float64 // by how much the best value is expected to fall with so many more, in the objective's units
	Chance    float64 // the probability that it falls at all
	Worth     float64 // the gain with which going on would be worth it
	Spread    float64 // what separates the best from the median
	Modelled  bool    // Gain is a surrogate's
	Regret    float64 // a bound on how far the best trial's true value is above the least there is (see regret.go); NaN without one
	Noise     float64 // beside Regret: the standard deviation of results with the values of the best trial
}

const (
	leastAdvice = 10
	// worth is the share of the spread that counts as a gain where nobody says what does.
	worth = 0.01
	// window is how many of the latest trials say what the next ones are like.
	window = 200
)

// Advise says whether more trials are worth it. Of a surrogate it takes the gain that this expects. Otherwise it takes the latest
// half of the trials, 200 at most, for a sample of what the next ones will reach, and continues its lower tail beyond what was
// reached (see tail): that needs no model of the objective, and is right as far as the search goes on as it has.
func (a *Analysis) Advise(q Question) Advice {
	rows := a.completed()
	out := Advice{Verdict: TooEarly, Trials: len(rows), Best: math.NaN(), Next: q.Next, Regret: math.NaN()}
	if out.Next <= 0 {
		out.Next = max(10, len(rows)/5)
	}
	if left, finite := a.left(); finite {
		out.Next = min(out.Next, left)
	}
	if len(rows) == 0 {
		out.Reason = "no trial has completed with a value"
		return out
	}
	best := slices.MinFunc(rows, func(x, y row) int {
		if x.value < y.value || x.value == y.value && x.Number < y.Number {
			return -1
		}
		return 1
	})
	out.Best, out.BestTrial = best.value, best.Number
	for _, r := range rows {
		if r.Number > best.Number {
			out.Since++
		}
	}
	out.Spread = lowest(rows, len(rows)/2) - best.value
	if out.Worth = q.Worth; out.Worth <= 0 {
		out.Worth = worth * out.Spread
	}
	latest := rows[len(rows)-min(len(rows), window, max(20, len(rows)/2)):]
	t := newTail(values(latest))
	if gain, chance := t.expect(best.value, out.Since, out.Next); finite(gain) && finite(chance) { // values as large as float64 has them
		out.Gain, out.Chance = gain, chance
	}
	if q.Surrogate != nil {
		if g := q.Surrogate.Gain(out.Next); finite(g) && g >= 0 {
			out.Gain, out.Modelled = g, true
		}
		out.Regret, out.Noise = a.regret(rows, q.Surrogate)
	}
	a.judge(&out)
	return out
}

func (a *Analysis) judge(out *Advice) {
	switch {
	case out.Next == 0:
		out.Verdict, out.Reason = Stop, "every assignment of the space has been tried"
	case out.Trials < leastAdvice:
		out.Reason = fmt.Sprintf("%d trials have completed with a value; at %d there is something to go by", out.Trials, leastAdvice)
	case out.Spread == 0 && out.Gain == 0:
		out.Verdict, out.Reason = Stop, "half of the trials are as good as the best"
	case out.Regret <= out.Noise: // false where there is no bound
		out.Verdict, out.Reason = Stop, "what is left to gain is less than the noise of results"
	case out.Gain >= out.Worth:
		out.Verdict, out.Reason = GoOn, "the gain to be expected is worth it"
	default:
		out.Verdict, out.Reason = Stop, "less is to be gained than is worth it"
	}
}

// left is how many assignments of a finite space no trial has had.
func (a *Analysis) left() (n int, finite bool) {
	size, finite := a.space.Size()
	if !finite || size > 1<<20 || !a.space.Plain() || a.space.Len() == 0 {
		return 0, false
	}
	seen := map[string]bool{}
	var key []byte
	for _, r := range a.history.Records() {
		key = key[:0]
		for _, v := range r.Assignment {
			key = binary.LittleEndian.AppendUint64(key, math.Float64bits(v))
		}
		seen[string(key)] = true
	}
	return max(0, int(size)-len(seen)), true
}

// tail is the lower end of the distribution of values, as it is near a lowest value L: P(value < v) = ((v - L)/c)^(1/κ), the
// generalised Pareto distribution of shape κ. It is κ = 2/d where the objective is quadratic around its minimum in the d parameters
// that matter and these are drawn around there, and nearly 0 where nothing is near an end. The (j+1)-th lowest of W values is then, on
// average, L + c A(j) B(W) with A(j) = Γ(j+1+κ)/Γ(j+1) and B(W) = Γ(W+1)/Γ(W+1+κ), of which L and c follow.
//
// κ comes from the values by probability-weighted moments (J. R. M. Hosking, J. R. Wallis, "Parameter and quantile estimation for the
// generalized Pareto distribution", Technometrics 29(3), 339-349 (1987), equation 2.3), which a few values hardly tell: it is drawn
// towards 1/2 by as much as 20 values would.
type tail struct {
	size   int     // W
	lowest float64 // the lowest of the values
	end    float64 // L
	scale  float64 // c; 0 where the lowest values are all equal
	kappa  float64 // κ
}

// newTail fits the tail of values in increasing order: its lowest fifth, 5 at least.
func newTail(sorted []float64) tail {
	n := len(sorted)
	k := min(n-1, max(5, n/5))
	t := tail{size: n, lowest: sorted[0], end: sorted[0]}
	distance := sorted[k] - sorted[0]
	if k < 2 || !(distance > 0) || math.IsInf(distance, 0) {
		return t
	}
	const prior, draw, least = 0.5, 20, 0.05
	t.kappa = max(least, (float64(k)*shape(sorted[:k+1])+draw*prior)/(float64(k)+draw))
	t.scale = distance / (t.order(k) - t.order(0)) / t.among(n)
	t.end = sorted[k] - t.scale*t.order(k)*t.among(n)
	return t
}

// shape estimates κ, from 0 to 1, of the distances of values, in increasing order, from the last one.
func shape(sorted []float64) float64 {
	k := len(sorted) - 1
	a0, a1 := 0.0, 0.0 // the mean distance, and that weighted by the share that is farther
	for i := range k {
		x := sorted[k] - sorted[k-1-i]
		a0 += x / float64(k)
		a1 += x * (1 - (float64(i)+0.65)/float64(k)) / float64(k)
	}
	if !(a0 > 2*a1) {
		return 0
	}
	return max(0, min(1, a0/(a0-2*a1)-2))
}

// order is A(j).
func (t tail) order(j int) float64 { return gammaRatio(float64(j+1)+t.kappa, float64(j+1)) }

// among is B(W).
func (t tail) among(W int) float64 { return gammaRatio(float64(W+1), float64(W+1)+t.kappa) }

// gammaRatio is Γ(x)/Γ(y).
func gammaRatio(x, y float64) float64 {
	a, _ := math.Lgamma(x)
	b, _ := math.Lgamma(y)
	return math.Exp(a - b)
}

// expect is by how much the lowest of n more values falls short of best on average, and the probability that it does. since is how
// many values there were after the best one. Where the best is one of those of the tail, the lowest of n more is below it with
// probability n/(n+W), whatever the distribution. Where it is older, the gain is ∫ 1 - (1 - P(value < best - s))^n ds from 0, with a
// probability that is no greater than its having stood for so long allows.
func (t tail) expect(best float64, since, n int) (gain, chance float64) {
	if t.scale == 0 || n <= 0 {
		return 0, 0
	}
	if best >= t.lowest {
		return t.scale * t.order(0) * (t.among(t.size) - t.among(t.size+n)), float64(n) / float64(n+t.size)
	}
	if best <= t.end {
		return 0, 0
	}
	p := min(math.Pow((best-t.end)/t.scale, 1/t.kappa), 1/float64(since+1))
	some := func(p float64) float64 { return -math.Expm1(float64(n) * math.Log1p(-p)) }
	const cells = 400
	for i := range cells { // s from 0 to best - L, where nothing is any more
		s := (float64(i) + 0.5) / cells
		gain += (best - t.end) / cells * some(p*math.Pow(1-s, 1/t.kappa))
	}
	return gain, some(p)
}
