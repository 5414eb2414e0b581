package pbt

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/mat"

	"qalam/space"
	"qalam/suggest"
)

// bandit explores with a model, as in
//
//	J. Parker-Holder, V. Nguyen, S. J. Roberts, "Provably efficient online hyperparameter optimization with population-based
//	bandits", NeurIPS 2020 (PB2), section 4:
//
// how much a stretch of training improves the score, y_t, depends on its parameters x and, less and less on what was long ago, on
// the time t, the generation; a Gaussian process with the kernel (equation 6, after Bogunovic et al. 2016)
//
//	k((x,t),(x',t')) = exp(-|x-x'|²/(2 l²)) (1-ε)^(|t-t'|/2)
//
// is fitted to the stretches known, and a copy gets the parameters with the largest upper confidence bound μ + √β σ. Stretches
// that are still running narrow σ where they are (GP-BUCB). The scale l and ε are those of a small grid with the largest marginal
// likelihood, the noise has a tenth of the variance. Where there are too few stretches to learn from, it perturbs, and what is
// no number is perturbed always.
//
// Unlike the paper's, the parameters to choose from are near the winner's: perturbed ones, and short steps. A few models say little of
// what is far, where the bound is largest, and training that goes well rarely goes on well with quite other parameters: of four models
// that train a noisy quadratic, such copies fall behind those of a plain perturbation.
type bandit struct {
	*perturb
	history *suggest.History
	numeric []int // indices of the parameters that are numbers
}

// stretch is a point of the model: the numeric parameters in the unit cube, the generation, and the improvement.
type stretch struct {
	x []float64
	t float64
	y float64
}

const (
	mostStretches  = 60 // that are learned from, the latest ones
	leastStretches = 4
	noise          = 0.1
	candidates     = 128
	step           = 0.05 // standard deviation of moves, in widths of the unit cube
)

func newBandit(s *space.Space, history *suggest.History) *bandit {
	b := &bandit{perturb: newPerturb(s, 0), history: history}
	for i, p := range b.params {
		if p.Type != space.Categorical {
			b.numeric = append(b.numeric, i)
		}
	}
	return b
}

func (b *bandit) explore(winner *suggest.Record, generation int, ahead []suggest.Suggestion, rng *rand.Rand) (space.Assignment, string) {
	a, note := b.perturb.explore(winner, generation, ahead, rng)
	done, running := b.stretches()
	for _, s := range ahead {
		g, _ := number(s.Labels, GenerationLabel)
		running = append(running, stretch{x: b.point(b.space.ToUnit(s.Assignment, nil)), t: float64(g)})
	}
	if len(done) < leastStretches || len(b.numeric) == 0 {
		return a, note
	}
	model := fit(done)
	if model == nil {
		return a, note + " (perturbed: the model is singular)"
	}
	model.narrow(running)
	beta := max(0.2, 0.2+math.Log(0.4*float64(generation+1))) // c1 = 0.2, c2 = 0.4, section 5
	best, most := a, math.Inf(-1)
	u, at := make([]float64, len(b.params)), b.space.ToUnit(winner.Assignment, nil)
	for k := range candidates {
		if k%2 == 0 {
			c, _ := b.perturb.explore(winner, generation, ahead, rng)
			u = b.space.ToUnit(c, u)
		} else {
			for _, i := range b.numeric {
				u[i] = min(max(at[i]+step*rng.NormFloat64(), 0), 1)
			}
		}
		mu, sigma := model.predict(b.point(u), float64(generation))
		if v := mu + math.Sqrt(beta)*sigma; v > most {
			if c := b.space.FromUnit(u); b.space.Allows(c) {
				best, most = c, v
			}
		}
	}
	return best, note
}

// point is the numeric coordinates of a point of the unit cube.
func (b *bandit) point(u []float64) []float64 {
	x := make([]float64, len(b.numeric))
	for k, i := range b.numeric {
		x[k] = u[i]
	}
	return x
}

// stretches lists the latest stretches that began where another one ended: those that are over, and those that run.
func (b *bandit) stretches() (done, running []stretch) {
	for _, r := range slices.Backward(b.history.Records()) {
		n, err := strconv.Atoi(r.Labels[suggest.ParentLabel])
		if err != nil || len(done) == mostStretches {
			continue
		}
		parent := b.history.Get(n)
		s := stretch{x: b.point(r.Unit), t: float64(generation(r))}
		switch {
		case parent == nil || math.IsNaN(parent.Value):
		case r.State == suggest.Pending:
			running = append(running, s)
		case !math.IsNaN(r.Value):
			s.y = parent.Value - r.Value
			if !math.IsInf(s.y, 0) {
				done = append(done, s)
			}
		}
	}
	slices.Reverse(done)
	slices.Reverse(running)
	return done, running
}

// process is a fitted Gaussian process. In the letters of Rasmussen and Williams (2006), algorithm 2.1: L L' = K + σ_n² I and
// alpha = K⁻¹ y.
type process struct {
	l, epsilon float64
	points     []stretch
	chol       mat.Cholesky
	alpha      mat.VecDense
	wide       *mat.Cholesky // with the points that are running, for the variance
	all        []stretch
}

// fit standardises the improvements and takes the kernel of largest marginal likelihood; nil where none can be fitted.
func fit(points []stretch) *process {
	points = slices.Clone(points)
	mean, variance := 0.0, 0.0
	for i, s := range points {
		d := s.y - mean
		mean += d / float64(i+1)
		variance += d * (s.y - mean)
	}
	sd := math.Sqrt(variance / float64(len(points)))
	if !(sd > 0) || math.IsInf(sd, 0) {
		return nil
	}
	for i := range points {
		points[i].y = (points[i].y - mean) / sd
	}
	var best *process
	most := math.Inf(-1)
	for _, l := range []float64{0.15, 0.3, 0.6} {
		for _, epsilon := range []float64{0.02, 0.2} {
			g := &process{l: l, epsilon: epsilon, points: points}
			if !g.chol.Factorize(g.gram(points)) {
				continue
			}
			y := mat.NewVecDense(len(points), nil)
			for i, s := range points {
				y.SetVec(i, s.y)
			}
			if g.chol.SolveVecTo(&g.alpha, y) != nil {
				continue
			}
			if likelihood := -mat.Dot(y, &g.alpha)/2 - g.chol.LogDet()/2; likelihood > most {
				best, most = g, likelihood
			}
		}
	}
	return best
}

func (g *process) kernel(x, y []float64, t, s float64) float64 {
	sum := 0.0
	for j := range x {
		sum += (x[j] - y[j]) * (x[j] - y[j])
	}
	return math.Exp(-sum/(2*g.l*g.l)) * math.Pow(1-g.epsilon, math.Abs(t-s)/2)
}

func (g *process) gram(points []stretch) *mat.SymDense {
	k := mat.NewSymDense(len(points), nil)
	for i, p := range points {
		for j, q := range points[:i+1] {
			k.SetSym(i, j, g.kernel(p.x, q.x, p.t, q.t))
		}
		k.SetSym(i, i, 1+noise)
	}
	return k
}

// narrow takes the points into the variance whose improvement is not known yet.
func (g *process) narrow(running []stretch) {
	g.all, g.wide = g.points, &g.chol
	if len(running) == 0 {
		return
	}
	all := slices.Concat(g.points, running)
	if wide := new(mat.Cholesky); wide.Factorize(g.gram(all)) {
		g.all, g.wide = all, wide
	}
}

// predict is mean and standard deviation at a point, in standard deviations of the improvements.
func (g *process) predict(x []float64, t float64) (mu, sigma float64) {
	k := mat.NewVecDense(len(g.all), nil)
	for i, p := range g.all {
		k.SetVec(i, g.kernel(x, p.x, t, p.t))
	}
	for i := range g.points {
		mu += k.AtVec(i) * g.alpha.AtVec(i)
	}
	var v mat.VecDense
	if g.wide.SolveVecTo(&v, k) != nil {
		return mu, 1
	}
	return mu, math.Sqrt(max(0, 1-mat.Dot(k, &v)))
}
