package gp

import (
	"cmp"
	"math"
	"slices"
)

// Expected improvement of the hypervolume, for objectives whose posteriors are independent:
//
//	K. Yang, M. Emmerich, A. Deutz, T. Bäck, "Efficient computation of expected hypervolume improvement using box decomposition
//	algorithms", Journal of Global Optimization 75(1), 3-34 (2019).
//
// What a front of n points in R^m leaves undominated below a reference point is cut into boxes with sides (l_k, u_k), l_k
// possibly -∞. A new value y covers of a box the part above y, so that with ei_k(t) = E[max(0, t - y_k)]
//
//	E[improvement] = Σ_boxes Π_k (ei_k(u_k) - ei_k(l_k))
//
// It is summed on a logarithmic scale, as by S. Ament et al. (2023), section 4.2.
type boxes struct {
	m       int
	bounds  [][]float64 // by objective: the values that bound boxes, in increasing order, -∞ first
	corners []int       // by box and objective: where u and l are among the bounds

	ei, dmu, dsigma [][]float64 // by objective and bound: ln ei and its derivatives
	terms           []float64   // by box, of the last improvement
	total           float64     // of the terms; 0 where there is none
}

// newBoxes cuts what a front leaves free below the reference; points that are not below it in every objective do not count. There
// are O(n) boxes for two objectives, O(n²) for three.
func newBoxes(front [][]float64, reference []float64) *boxes {
	b := &boxes{m: len(reference)}
	front = slices.DeleteFunc(slices.Clone(front), func(y []float64) bool {
		for k := range y {
			if y[k] >= reference[k] {
				return true
			}
		}
		return false
	})
	for k := range b.m {
		bound := []float64{math.Inf(-1), reference[k]}
		for _, y := range front {
			bound = append(bound, y[k])
		}
		slices.Sort(bound)
		b.bounds = append(b.bounds, slices.Compact(bound))
	}
	b.cut(front, reference, nil)
	for k := range b.m {
		n := len(b.bounds[k])
		b.ei, b.dmu, b.dsigma = append(b.ei, make([]float64, n)), append(b.dmu, make([]float64, n)), append(b.dsigma, make([]float64, n))
	}
	b.terms = make([]float64, len(b.corners)/(2*b.m))
	return b
}

// cut adds the boxes of the objectives left, the last first: in the slab between two values of the last objective those points
// count that are below it there. fixed are the corners chosen for later objectives, nearest first.
func (b *boxes) cut(front [][]float64, reference []float64, fixed []int) {
	k := len(reference) - 1
	if k == 0 {
		low := reference[0]
		for _, y := range front {
			low = min(low, y[0])
		}
		b.corners = append(append(b.corners, b.find(0, low), 0), fixed...)
		return
	}
	front = slices.Clone(front)
	slices.SortFunc(front, func(x, y []float64) int { return cmp.Compare(x[k], y[k]) })
	lower := math.Inf(-1)
	for i := 0; i <= len(front); i++ {
		upper := reference[k]
		if i < len(front) {
			upper = front[i][k]
		}
		if upper > lower {
			corner := append([]int{b.find(k, upper), b.find(k, lower)}, fixed...)
			b.cut(front[:i], reference[:k], corner)
		}
		lower = upper
	}
}

func (b *boxes) find(k int, v float64) int {
	i, _ := slices.BinarySearch(b.bounds[k], v)
	return i
}

// improvement is the logarithm of the expected improvement.
func (b *boxes) improvement(mu, sigma []float64) float64 {
	for k := range b.m {
		b.ei[k][0] = math.Inf(-1)
		for i, v := range b.bounds[k][1:] {
			b.ei[k][i+1], b.dmu[k][i+1], b.dsigma[k][i+1] = logEI(v, mu[k], sigma[k])
		}
	}
	largest := math.Inf(-1)
	for i := range b.terms {
		sum := 0.0
		for k := range b.m {
			v, _ := b.side(i, k)
			sum += v
		}
		b.terms[i] = sum
		largest = max(largest, sum)
	}
	b.total = 0
	if math.IsInf(largest, -1) {
		return -1e300
	}
	for i, t := range b.terms {
		b.terms[i] = math.Exp(t - largest)
		b.total += b.terms[i]
	}
	return largest + math.Log(b.total)
}

// slope writes the derivatives of the last improvement by the means and deviations.
func (b *boxes) slope(dmu, dsigma []float64) {
	clear(dmu)
	clear(dsigma)
	for i, t := range b.terms {
		if share := t / b.total; share > 1e-12 {
			for k := range b.m {
				u, l := b.corner(i, k)
				_, r := b.side(i, k)
				dmu[k] += share * (b.dmu[k][u] - r*b.dmu[k][l]) / (1 - r)
				dsigma[k] += share * (b.dsigma[k][u] - r*b.dsigma[k][l]) / (1 - r)
			}
		}
	}
}

func (b *boxes) corner(i, k int) (u, l int) {
	at := 2 * (i*b.m + k)
	return b.corners[at], b.corners[at+1]
}

// side is ln(ei(u) - ei(l)) of a box, and ei(l)/ei(u), which is kept from 1 where the box is too thin to tell.
func (b *boxes) side(i, k int) (v, ratio float64) {
	u, l := b.corner(i, k)
	ratio = min(math.Exp(b.ei[k][l]-b.ei[k][u]), 1-1e-9)
	if l == 0 {
		ratio = 0
	}
	return b.ei[k][u] + math.Log1p(-ratio), ratio
}
