package stopping

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"qalam/suggest"
)

// wilcoxon is for trials that report one value for each instance: a fold of the data, a data set, a seed. Its step says which. A trial
// is stopped when it is worse than the best completed one on the instances that both have, by the signed-rank test of
//
//	F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1(6), 80-83 (1945),
//
// one-sided: with d_i the differences, R_i the ranks of |d_i| (the mean rank where they are equal, and half for each side where d_i is
// 0: J. W. Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank procedures", Journal of the American Statistical Association
// 54, 655-667 (1959), for why zeros keep their ranks),
//
//	W = Σ_{d_i > 0} R_i + ½ Σ_{d_i = 0} R_i,   p = P(W' >= W), where each sign of a d_i that is not 0 is a fair coin,
//
// exact for up to mostExact instances and normal beyond. Never is a trial stopped whose mean over these instances is not worse. The
// test is made at every report, so that more of the trials that are as good as the best are stopped than the fraction p_threshold.
//
// The best completed trial is that of the lowest mean over all that it reported.
type wilcoxon struct {
	threshold float64
	minTrials int
	startStep int // counted in reports

	completed map[int]float64 // means, by number
	best      int             // number; 0 where there is none
	values    map[int64]float64
}

const mostExact = 50

func wilcoxonSettings() []suggest.Setting {
	return []suggest.Setting{
		{
			Name: "p_threshold", Kind: suggest.KindFloat, Default: "0.1", Check: suggest.Between(0, 1),
			Doc: "A trial is stopped when a trial as good as the best one would look so bad with at most this probability; 0.1 by default, which takes four instances.",
		},
		{
			Name: "min_trials_required", Kind: suggest.KindInt, Default: "1", Check: suggest.AtLeast(1),
			Doc: "Number of trials that must have completed before any is stopped; 1 by default.",
		},
		startStep("2"),
	}
}

func newWilcoxon(settings suggest.Settings) (suggest.Stopper, error) {
	return &wilcoxon{
		threshold: settings.Float("p_threshold"), minTrials: int(settings.Int("min_trials_required")),
		startStep: int(settings.Int("start_step")), completed: map[int]float64{},
	}, nil
}

// Tell keeps the best of the completed trials.
func (w *wilcoxon) Tell(known suggest.Curve) {
	if known.State != suggest.Completed {
		return
	}
	mean, n := 0.0, 0.0
	for _, v := range known.Values {
		if finite(v) {
			n++
			mean += (v - mean) / n
		}
	}
	if n == 0 || !finite(mean) {
		return
	}
	w.completed[known.Number] = mean
	if w.best == 0 || cmp.Or(cmp.Compare(mean, w.completed[w.best]), cmp.Compare(known.Number, w.best)) <= 0 {
		w.best, w.values = known.Number, byInstance(known)
	}
}

// byInstance are the values of a curve by step; of several at one step the last counts.
func byInstance(c suggest.Curve) map[int64]float64 {
	values := make(map[int64]float64, len(c.Values))
	for i, v := range c.Values {
		if finite(v) {
			values[stepOf(c, i)] = v
		}
	}
	return values
}

// Judge tests a running trial against the best completed one.
func (w *wilcoxon) Judge(running suggest.Curve) suggest.Verdict {
	if len(w.completed) < w.minTrials || len(running.Values) < w.startStep || running.Number == w.best {
		return suggest.Verdict{}
	}
	var d []float64
	mean := 0.0
	for step, v := range byInstance(running) {
		if other, ok := w.values[step]; ok && finite(v-other) {
			d = append(d, v-other)
		}
	}
	slices.Sort(d) // the order of a map is none
	for _, v := range d {
		mean += v / float64(len(d))
	}
	if !(mean > 0) {
		return suggest.Verdict{}
	}
	p := signedRank(d)
	if p > w.threshold {
		return suggest.Verdict{}
	}
	return suggest.Verdict{Stop: true, Reason: fmt.Sprintf(
		"on the %d instances that it has in common with trial %d, the best so far, it is worse by %.6g on average, which happens by chance with probability %.2g",
		len(d), w.best, mean, p)}
}

// signedRank is the one-sided p of the signed-rank test for differences that tend to be positive.
func signedRank(d []float64) float64 {
	n := len(d)
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	ranks := make([]int, n) // twice the rank of each, which is a whole number
	for i := 0; i < n; {
		j := i
		for j < n && math.Abs(d[j]) == math.Abs(d[i]) {
			j++
		}
		for k := i; k < j; k++ {
			ranks[k] = i + j + 1
		}
		i = j
	}
	seen, zeros := 0, 0 // twice W without zeros, and how many those are
	for i, r := range ranks {
		switch {
		case d[i] > 0:
			seen += r
		case d[i] == 0:
			zeros++
		}
	}
	ranks = ranks[zeros:] // zeros come first; they give both sides the same
	if n > mostExact {
		mu, squares := 0.0, 0.0
		for _, r := range ranks {
			mu += float64(r) / 2
			squares += float64(r) * float64(r) / 4
		}
		return 0.5 * math.Erfc((float64(seen)-mu)/math.Sqrt(2*squares))
	}
	chance := []float64{1} // of each sum
	for _, r := range ranks {
		next := make([]float64, len(chance)+r)
		for s, p := range chance {
			next[s] += p / 2
			next[s+r] += p / 2
		}
		chance = next
	}
	p := 0.0
	for s := len(chance) - 1; s >= seen; s-- {
		p += chance[s]
	}
	return min(1, p)
}
