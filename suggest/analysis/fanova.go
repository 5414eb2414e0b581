package analysis

import (
	"math"

	"qalam/suggest"
)

// The functional analysis of variance of
//
//	F. Hutter, H. Hoos, K. Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014, section 3:
//
// the marginal a_U(θ_U) of a set U of parameters is what the forest predicts for their values θ_U on average over all values of the
// others, and F_U = Var(a_U - what smaller sets explain) / Var(prediction) is the share of the variance over the space that is due
// to U and no part of it. The marginal of a tree is a sum over its boxes, each with the volume that it has in the other dimensions:
// exact, and cheap. It is taken of the forest, the mean of its trees, over the cells of the parameters; Hutter et al. take the mean
// over trees of each one's F_U, which counts what single trees get wrong as influence.

// pairCells is into how many cells at most a side of the plane of two parameters is cut.
const pairCells = 12

// Importance says how much of the variance of the objective over the space, as the forest has it, is due to each parameter alone,
// and, for the pairs most strongly coupled among the parameters that matter most, to their interaction. The shares add up to
// at most 1, but for errors; what is missing is due to further interactions.
func (f *Forest) Importance(pairs int) Report {
	report := Report{Trials: len(f.rows)}
	variance := f.variance()
	if variance == 0 {
		for j := range f.axes {
			report.Importances = append(report.Importances, Importance{Parameters: []int{j}})
		}
		return report
	}
	for j := range f.axes {
		m, sd := f.marginal(j, f.axes[j].cells)
		x := Importance{Parameters: []int{j}, Share: varianceOf(m) / variance}
		// The error of a variance is about twice the deviation of the curve's values times their own error.
		errors := 0.0
		for _, s := range sd {
			errors += s * s / float64(len(sd)*len(f.trees))
		}
		x.Error = min(1, 2*math.Sqrt(x.Share*errors/variance)+errors/variance)
		x.Certain = x.Share > 2*x.Error
		report.Importances = append(report.Importances, x)
	}
	report.sort()
	report.Importances = append(report.Importances, f.interactions(report.Importances, pairs, variance)...)
	report.sort()
	return report
}

// interactions are the pairs that interact most, of the parameters that matter most.
func (f *Forest) interactions(alone []Importance, pairs int, variance float64) []Importance {
	const among = 6
	var report Report
	if pairs <= 0 {
		return nil
	}
	curves := make([][]float64, min(among, len(alone)))
	for a := range curves {
		j := alone[a].Parameters[0]
		curves[a], _ = f.marginal(j, f.axes[j].within(pairCells))
		for b := range a {
			mj, mk, k := curves[b], curves[a], j
			j := alone[b].Parameters[0]
			joint, _ := f.plane(j, k, len(mj), len(mk))
			mean, sum := average(mj), 0.0
			for g, line := range joint {
				for h, v := range line {
					rest := v - mj[g] - mk[h] + mean
					sum += rest * rest
				}
			}
			share := sum / float64(len(mj)*len(mk)) / variance
			report.Importances = append(report.Importances, Importance{Parameters: []int{j, k}, Share: share})
		}
	}
	report.sort()
	return report.Importances[:min(pairs, len(report.Importances))]
}

// within is the number of cells of an axis if it may have no more than most; values of a list keep one each.
func (x axis) within(most int) int {
	if !x.ordered || x.cells <= most {
		return x.cells
	}
	return most
}

// variance is that of what the forest predicts over the unit cube, at the points of a Sobol sequence.
func (f *Forest) variance() float64 {
	const points = 2048
	d := len(f.axes)
	q := suggest.NewSequence(d, 1)
	u, own := make([]float64, d), make([]float64, d)
	m := moments{}
	for i := range points {
		q.At(uint64(i), u)
		v, _ := f.at(u, own)
		m.add(v)
	}
	return m.variance()
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

func varianceOf(values []float64) float64 {
	mean, sum := average(values), 0.0
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return sum / float64(len(values))
}

// marginal is a_U of one parameter over cells equal parts of its axis, and the standard deviation between trees. The cells of a
// categorical parameter are its values.
func (f *Forest) marginal(j, cells int) (mean, sd []float64) {
	all := make([]moments, cells)
	curve, weight := make([]float64, cells), make([]float64, cells)
	for _, t := range f.trees {
		clear(curve)
		for i := range t.boxes {
			b := &t.boxes[i]
			others := b.value * b.volume / (b.high[j] - b.low[j])
			first, last := overlaps(b.low[j], b.high[j], weight)
			for g := first; g < last; g++ {
				curve[g] += others * weight[g]
			}
		}
		for g := range all {
			all[g].add(curve[t.cell(j, g)])
		}
	}
	mean, sd = make([]float64, cells), make([]float64, cells)
	for g := range all {
		mean[g], sd[g] = all[g].mean, all[g].sd()
	}
	return mean, sd
}

// cell is where a tree has cell g of a parameter.
func (t *tree) cell(j, g int) int {
	if t.order[j] != nil {
		return t.order[j][g]
	}
	return g
}

// overlaps says of the cells from first to last-1, into which a side is cut, how much of each lies between low and high.
func overlaps(low, high float64, weight []float64) (first, last int) {
	n := float64(len(weight))
	first, last = min(int(low*n), len(weight)-1), min(int(math.Ceil(high*n)), len(weight))
	for g := first; g < last; g++ {
		weight[g] = max(0, min(high*n, float64(g+1))-max(low*n, float64(g)))
	}
	return first, last
}

// plane is a_U of two parameters over cells of each, and the standard deviation between trees.
func (f *Forest) plane(j, k, across, down int) (mean, sd [][]float64) {
	all := make([]moments, across*down)
	sum := make([]float64, across*down)
	wj, wk := make([]float64, across), make([]float64, down)
	for _, t := range f.trees {
		clear(sum)
		for i := range t.boxes {
			b := &t.boxes[i]
			others := b.value * b.volume / (b.high[j] - b.low[j]) / (b.high[k] - b.low[k])
			firstJ, lastJ := overlaps(b.low[j], b.high[j], wj)
			firstK, lastK := overlaps(b.low[k], b.high[k], wk)
			for g := firstJ; g < lastJ; g++ {
				for h := firstK; h < lastK; h++ {
					sum[g*down+h] += others * wj[g] * wk[h]
				}
			}
		}
		for g := range across {
			for h := range down {
				all[g*down+h].add(sum[t.cell(j, g)*down+t.cell(k, h)])
			}
		}
	}
	for g := range across {
		mean, sd = append(mean, make([]float64, down)), append(sd, make([]float64, down))
		for h := range down {
			m := &all[g*down+h]
			mean[g][h], sd[g][h] = m.mean, m.sd()
		}
	}
	return mean, sd
}
