package gp

import (
	"math"
	"slices"

	"qalam/suggest"
)

// trend is what experiments before this one lead to expect: the mean of what their models say, each on its own scale of mean 0
// and variance 1, weighted by how well it orders the trials of this one (as in
//
//	M. Feurer, B. Letham, F. Hutter, E. Bakshy, "Practical transfer learning for Bayesian optimization", arXiv:1802.02219
//	(2018), section 4,
//
// but with the share of pairs in the right order in place of bootstrap draws), times the slope β with which the values of this
// one follow it. The model of this experiment is of what the trend leaves unexplained.
type trend struct {
	models  []*posterior
	weights []float64 // β times the model's weight
	g, ds   []float64
}

const (
	mostEarlier       = 8   // experiments learnt from, the latest
	mostEarlierTrials = 120 // trials of each
	leastEarlier      = 4
	leastExplained    = 0.1 // share of the variance that a model has to predict of its own trials
	credit            = 2   // by how much more likely a trend is taken to be true than not before any trial, as a logarithm
	firsts            = 5   // trials that begin with the best of those before, at most
	trusting          = 4   // trials before which the trend is followed untested
	doubted           = 15  // trials from which on it is left aside now and then
)

// explained is the share of the variance of a posterior's own values that it predicts when each is left out in turn (Rasmussen &
// Williams 2006, equation 5.12: the error at point i is α_i / (K⁻¹)_ii); 0 or less where it has learnt nothing but noise.
func (p *posterior) explained() float64 {
	inverse := square(len(p.l), len(p.l))
	p.l.inverseT(inverse)
	mean, errors, variance := 0.0, 0.0, 0.0
	for _, y := range p.y {
		mean += y / float64(len(p.y))
	}
	for i, y := range p.y {
		e := p.alpha[i] / dot(inverse[i][i:], inverse[i][i:])
		errors += e * e
		variance += (y - mean) * (y - mean)
	}
	return 1 - errors/max(variance, 1e-300)
}

// modelEarlier makes the models of experiments before this one.
func (s *suggester) modelEarlier() []*posterior {
	var models []*posterior
	earlier := s.problem.Earlier
	for _, outcomes := range earlier[max(0, len(earlier)-mostEarlier):] {
		h := suggest.NewHistory(s.problem.Space)
		for i, o := range outcomes {
			o.Number = i + 1 // experiments numbered their trials as they liked
			h.Tell([]suggest.Outcome{o})
		}
		done := slices.DeleteFunc(newData(h.Records(), 1, nil).done, func(r *suggest.Record) bool { return !r.Feasible() })
		if len(done) < leastEarlier {
			continue
		}
		done = subset(done, mostEarlierTrials)
		y, _ := warped(done)
		x := s.e.points(done)
		k, _ := newFitting(s.e, x, y).maximize()
		if k == nil {
			continue
		}
		if p := condition(k, x, y, nil); p != nil && p.explained() > leastExplained {
			models = append(models, p)
		}
	}
	return models
}

// newTrend weighs the models by the trials of this experiment, whose values are on the scale of the model; nil where there are
// no models, or none is of use.
func newTrend(models []*posterior, x [][]float64, y []float64) *trend {
	if len(models) == 0 {
		return nil
	}
	said := make([][]float64, len(models))
	t := &trend{models: models, weights: make([]float64, len(models))}
	total, most := 0.0, 0.0
	for i, m := range models {
		said[i] = make([]float64, len(x))
		for r := range x {
			said[i][r] = m.expect(x[r])
		}
		t.weights[i] = order(said[i], y)
		total += t.weights[i]
		most = max(most, math.Sqrt(t.weights[i]))
	}
	if !(total > 0) {
		return nil
	}
	together := make([]float64, len(x))
	for i := range models {
		t.weights[i] /= total
		axpy(t.weights[i], said[i], together)
	}
	beta := follow(together, y) * min(1, 2*most) // a model that orders hardly better than by chance is no help
	for i := range t.weights {
		t.weights[i] *= beta
	}
	return t
}

// order is how much better than by chance a model orders pairs of trials, squared: 0 where it is no better, 1 where every pair is
// in order. Three pairs are taken as seen, two of them in order, so that few trials do not decide; and of several models that have
// nothing to do with these trials one may order them well by chance: so the deviation that chance has, √(2 (2n + 5) / (9 n (n - 1))) of
// Kendall's τ, is taken off, the less so the fewer trials there are.
func order(said, y []float64) float64 {
	right, wrong := 2.0, 1.0
	for i := range y {
		for j := range i {
			switch v := (said[i] - said[j]) * (y[i] - y[j]); {
			case v > 0:
				right++
			case v < 0:
				wrong++
			}
		}
	}
	chance := 0.0
	if n := float64(len(y)); n > 1 {
		const faith = 10 // trials
		chance = math.Sqrt(2*(2*n+5)/(9*n*(n-1))) * n / (n + faith)
	}
	excess := max(0, (right-wrong)/(right+wrong)-chance)
	return excess * excess
}

// follow is the slope of y on a trend by least squares, drawn to 1 as by two trials that say so, and not negative.
func follow(trend, y []float64) float64 {
	n := float64(len(y))
	if n == 0 {
		return 1
	}
	var sm, sy float64
	for i := range y {
		sm += trend[i] / n
		sy += y[i] / n
	}
	const belief = 2
	num, den := float64(belief), float64(belief)
	for i := range y {
		num += (trend[i] - sm) * (y[i] - sy)
		den += (trend[i] - sm) * (trend[i] - sm)
	}
	return max(0, num/den)
}

// at is the trend's value.
func (t *trend) at(x []float64) float64 {
	sum := 0.0
	for i, m := range t.models {
		if t.weights[i] > 0 {
			sum += t.weights[i] * m.expect(x)
		}
	}
	return sum
}

// move is the value at the last point looked at, with coordinate j changed.
func (t *trend) move(j int, to float64) float64 {
	sum := 0.0
	for i, m := range t.models {
		if t.weights[i] > 0 {
			mu, _ := m.move(j, to)
			sum += t.weights[i] * mu
		}
	}
	return sum
}

// slope adds the derivatives by the numeric coordinates to g.
func (t *trend) slope(x, g []float64) {
	if len(t.g) < len(g) {
		t.g, t.ds = make([]float64, len(g)), make([]float64, len(g))
	}
	for i, m := range t.models {
		if t.weights[i] > 0 {
			m.gradient(x, t.g[:len(g)], t.ds[:len(g)])
			axpy(t.weights[i], t.g[:len(g)], g)
		}
	}
}

// learnValue is learn for the objective. With experiments before this one it learns with their trend and without it, and follows
// the trend only where that makes the values likelier by more than the slope β does anyway, whatever the trend (ln n / 2: G.
// Schwarz, "Estimating the dimension of a model", The Annals of Statistics 6(2), 461-464 (1978)), less some credit, for whoever names
// experiments to begin with knows that they are alike: a misleading one is worse than none. Later it follows it in some trials only.
func (s *suggester) learnValue(done []*suggest.Record) (k *kernel, follows bool) {
	targets := func(r []*suggest.Record) []float64 { y, _ := warped(r); return y }
	k, alone := s.learn(aboutValue, done, targets)
	if len(s.earlier) == 0 || k != nil && doubts(len(done)) {
		return k, false
	}
	after, together := s.learn(aboutTrend, done, func(r []*suggest.Record) []float64 {
		y, _ := warped(r)
		x := s.e.points(r)
		return newTrend(s.earlier, x, y).rest(x, y)
	})
	if after != nil && (k == nil || len(done) < trusting || together+math.Log(float64(len(done)))/2-credit < alone) {
		return after, true
	}
	return k, false
}

// doubts reports whether the trend is left aside after so many results, however well they seem to follow it: where the bests of the
// experiments lie apart, it keeps the search at those of the others. That is every second time once it has shown the way, later three
// times of four.
func doubts(results int) bool {
	switch {
	case results < doubted:
		return false
	case results < 2*doubted:
		return results%2 == 0
	}
	return results%4 != 0
}

// rest is what the trend leaves of y.
func (t *trend) rest(x [][]float64, y []float64) []float64 {
	if t == nil {
		return y
	}
	out := make([]float64, len(y))
	for i := range y {
		out[i] = y[i] - t.at(x[i])
	}
	return out
}

// first is an assignment to begin with: of the best of each experiment before, that of which the trend alone thinks most among those
// that are not known; nil where there is none.
func (s *suggester) first(t *trend, number int, known func(*place) bool) *place {
	var best *place
	low := math.Inf(1)
	if number > len(s.problem.Earlier) {
		return nil
	}
	for _, outcomes := range s.problem.Earlier[max(0, len(s.problem.Earlier)-mostEarlier):] {
		var top *suggest.Outcome
		for i := range outcomes {
			o := &outcomes[i]
			if o.State != suggest.Completed || math.IsNaN(o.Value) || !o.Feasible() || !s.problem.Space.Contains(o.Assignment) {
				continue
			}
			if top == nil || o.Value < top.Value {
				top = o
			}
		}
		if top == nil {
			continue
		}
		p := s.e.place(top.Assignment)
		if v := t.at(p.x); v < low && !known(p) {
			best, low = p, v
		}
	}
	return best
}
