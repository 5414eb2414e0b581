package cmaes

import (
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest/normal"
)

// axis is one numeric parameter. Where its values can be counted it knows the edges of their cells in the unit cube.
type axis struct {
	param int       // its index in the space
	edges []float64 // inner edges in increasing order, one less than there are values; nil for reals
}

// maxCells is the largest number of values that are told apart: with more of them a step is like a real number.
const maxCells = 1024

// newAxis makes the axis of a parameter with more than one value.
func newAxis(param int, p space.Parameter) axis {
	p.When = nil
	alone, err := space.New([]space.Parameter{p})
	if err != nil {
		return axis{param: param} // a parameter of a Space has no faults
	}
	n, finite := alone.Count(0)
	if !finite || n > maxCells {
		return axis{param: param}
	}
	a := axis{param: param, edges: make([]float64, n-1)}
	edge := 0.0
	for k := range a.edges {
		edge = 2*alone.ToUnit(alone.At(uint64(k)), nil)[0] - edge // ToUnit gives the middle of the cell
		a.edges[k] = edge
	}
	return a
}

// cell is the index of the value at u.
func (a *axis) cell(u float64) int {
	k, exact := slices.BinarySearch(a.edges, u)
	if exact {
		k++
	}
	return k
}

// correct keeps the chance that a sample leaves the cell of the mean at alpha or above, so that no parameter gets stuck at a
// value:
//
//	R. Hamano, S. Saito, M. Nomura, S. Shirakawa, "CMA-ES with margin: lower-bounding marginal probability for mixed-integer
//	black-box optimization", GECCO 2022 (arXiv 2205.13482), section 4.2.
func (p *gaussian) correct(axes []axis, alpha float64) {
	for j := range axes {
		edges := axes[j].edges
		if len(edges) == 0 {
			continue
		}
		deviation := p.deviation(j)
		switch k := axes[j].cell(p.m[j]); k {
		case 0:
			p.m[j] = max(p.m[j], edges[0]-quantile(1-alpha)*deviation)
		case len(edges):
			p.m[j] = min(p.m[j], edges[k-1]+quantile(1-alpha)*deviation)
		default:
			p.widen(j, edges[k-1], edges[k], alpha)
		}
	}
}

// widen sees to it that below low and above high, between which the mean is, there is at least alpha/2 of the samples each.
func (p *gaussian) widen(j int, low, high, alpha float64) {
	deviation := p.deviation(j)
	below := normal.CDF((low - p.m[j]) / deviation)
	above := normal.CDF((p.m[j] - high) / deviation)
	if below >= alpha/2 && above >= alpha/2 {
		return
	}
	inside := 1 - below - above
	below2, above2 := max(alpha/2, below), max(alpha/2, above)
	rest := (1 - below2 - above2 - inside) / (below2 + inside + above2 - 3*alpha/2)
	zLow, zHigh := quantile(1-below2-rest*(below2-alpha/2)), quantile(1-above2-rest*(above2-alpha/2))
	p.m[j] = (low*zHigh + high*zLow) / (zLow + zHigh)
	p.A[j] *= (high - low) / (zLow + zHigh) / deviation
}

// quantile is the z below which a share of the standard normal distribution lies.
func quantile(share float64) float64 { return math.Sqrt2 * math.Erfinv(2*share-1) }
