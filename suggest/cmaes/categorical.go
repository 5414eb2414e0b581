package cmaes

import (
	"math"
	"slices"
)

// categorical is the distribution of the categorical parameters of
//
//	R. Hamano, S. Saito, M. Nomura, K. Uchida, S. Shirakawa, "CatCMA: stochastic optimization for mixed-category problems",
//	GECCO 2024 (arXiv 2405.09962),
//
// whose steps along the natural gradient are as long as their signal allows:
//
//	Y. Akimoto, S. Shirakawa, N. Yoshinari, K. Uchida, S. Saito, K. Nishida, "Adaptive stochastic natural gradient method for
//	one-shot neural architecture search", ICML 2019 (ASNG).
//
// Symbols:
//
//	q       by parameter, [K] probabilities of its K categories, each at least q_min
//	s       [Σ(K-1)] accumulated direction of the steps, in the coordinates of the root of the Fisher matrix
//	gamma   what the squared length of s would be were the steps random
//	Delta   reciprocal of the step's length
type categorical struct {
	q            [][]float64
	s            []float64
	gamma, Delta float64
}

// newCategorical begins with equal probabilities; counts are the K.
func newCategorical(counts []int) *categorical {
	c := &categorical{q: make([][]float64, len(counts)), Delta: 1}
	for i, K := range counts {
		c.q[i] = make([]float64, K)
		for k := range c.q[i] {
			c.q[i][k] = 1 / float64(K)
		}
		c.s = append(c.s, make([]float64, K-1)...)
	}
	return c
}

func (c *categorical) clone() *categorical {
	out := *c
	out.q, out.s = slices.Clone(c.q), slices.Clone(c.s)
	for i := range out.q {
		out.q[i] = slices.Clone(c.q[i])
	}
	return &out
}

// draw is the category of parameter i for a uniform u.
func (c *categorical) draw(i int, u float64) int {
	for k, q := range c.q[i] {
		if u -= q; u < 0 {
			return k
		}
	}
	return len(c.q[i]) - 1
}

// update moves the probabilities by a generation: cats are the categories drawn, mean the weights of their trials.
func (c *categorical) update(cats [][]int, mean []float64) {
	if len(c.q) == 0 {
		return
	}
	const alpha = 1.5
	gradient := make([][]float64, len(c.q)) // Σ w_i (c_i - q), the natural gradient
	for i, q := range c.q {
		gradient[i] = make([]float64, len(q))
		for t, cat := range cats {
			gradient[i][cat[i]] += mean[t]
		}
		for k := range q {
			gradient[i][k] -= q[k]
		}
	}
	root := c.rooted(gradient)
	norm := math.Sqrt(dot(root, root))
	if norm < 1e-12 {
		return
	}
	delta := 1 / c.Delta
	for i, q := range c.q {
		axpy(delta/norm, gradient[i], q)
	}
	beta := delta / math.Sqrt(float64(len(c.s)))
	beta = min(beta, 1)
	for j := range c.s {
		c.s[j] = (1-beta)*c.s[j] + math.Sqrt(beta*(2-beta))*root[j]/norm
	}
	c.gamma = (1-beta)*(1-beta)*c.gamma + beta*(2-beta)
	c.Delta *= math.Exp(beta * (c.gamma - dot(c.s, c.s)/alpha))
	c.correct()
}

// rooted multiplies the gradient with the root of the Fisher matrix (Akimoto et al. 2019, appendix B); the last category of each
// parameter follows from the others.
func (c *categorical) rooted(gradient [][]float64) []float64 {
	root := make([]float64, 0, len(c.s))
	for i, q := range c.q {
		last := len(q) - 1
		sum := 0.0
		for _, g := range gradient[i][:last] {
			sum += g
		}
		for k := range last {
			root = append(root, gradient[i][k]/math.Sqrt(q[k])+math.Sqrt(q[k])*sum/(q[last]+math.Sqrt(q[last])))
		}
	}
	return root
}

// correct keeps every probability at q_min or above: a generation draws each category some time (Hamano et al. 2024, section 4.3).
func (c *categorical) correct() {
	for _, q := range c.q {
		least := c.least(len(q))
		sum := 0.0
		for k := range q {
			q[k] = max(q[k], least)
			sum += q[k]
		}
		free := sum - least*float64(len(q))
		total := 0.0
		for k := range q {
			if free > 0 {
				q[k] -= (sum - 1) * (q[k] - least) / free
			}
			total += q[k]
		}
		for k := range q {
			q[k] /= total
		}
	}
}

// least is q_min.
func (c *categorical) least(K int) float64 {
	return (1 - math.Pow(0.73, 1/float64(len(c.q)))) / float64(K-1)
}
