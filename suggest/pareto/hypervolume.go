package pareto

import (
	"cmp"
	"slices"
)

// Hypervolume is the volume of what the values dominate above them and below the reference point ref: the union of the boxes
// from each vector to ref. Vectors that are not below ref in every objective cover nothing. The result does not depend on the
// order of the vectors, to the last bit. It costs O(n log n) in two objectives, O(n²) at worst in three, and grows exponentially
// with m in more:
//
//	L. While, L. Bradstreet, L. Barone, "A fast way of calculating exact hypervolumes", IEEE Transactions on Evolutionary
//	Computation 16(1), 86-95 (2012), down to three dimensions.
func Hypervolume(values [][]float64, ref []float64) float64 {
	return volume(below(values, ref), ref)
}

// below are the vectors that are below ref in every objective, in lexicographic order, without those that are dominated.
func below(values [][]float64, ref []float64) [][]float64 {
	kept := make([][]float64, 0, len(values))
	for _, v := range values {
		if inside(v, ref) {
			kept = append(kept, v)
		}
	}
	return front(kept)
}

func inside(v, ref []float64) bool {
	for k := range v {
		if !(v[k] < ref[k]) {
			return false
		}
	}
	return true
}

// front sorts vectors lexicographically, in place, and leaves out those that are dominated or equal to another one.
func front(values [][]float64) [][]float64 {
	slices.SortFunc(values, slices.Compare[[]float64])
	kept := values[:0]
next:
	for _, v := range values {
		if len(v) == 2 {
			if len(kept) > 0 && kept[len(kept)-1][1] <= v[1] {
				continue
			}
			kept = append(kept, v)
			continue
		}
		for _, q := range kept {
			if weaklyDominates(q, v) {
				continue next
			}
		}
		kept = append(kept, v)
	}
	return kept
}

func weaklyDominates(a, b []float64) bool {
	for k := range a {
		if a[k] > b[k] {
			return false
		}
	}
	return true
}

// volume is the hypervolume of a front in lexicographic order, all below ref.
func volume(front [][]float64, ref []float64) float64 {
	switch {
	case len(front) == 0:
		return 0
	case len(front) == 1:
		return box(front[0], ref)
	case len(ref) == 1:
		return ref[0] - front[0][0]
	case len(ref) == 2:
		return area(front, ref)
	case len(ref) == 3:
		return volume3(front, ref)
	}
	// In the order of the algorithm the points limited to one are few and low-dimensional: the worst of the last objective first.
	sorted := slices.Clone(front)
	m := len(ref)
	slices.SortStableFunc(sorted, func(a, b []float64) int { return cmp.Compare(b[m-1], a[m-1]) })
	sum := 0.0
	for i, p := range sorted {
		sum += (ref[m-1] - p[m-1]) * exclusive(p[:m-1], sorted[i+1:], ref[:m-1])
	}
	return sum
}

// exclusive is the volume of what p covers and none of the others does. It looks at the first len(p) objectives of the others
// only, which is right where in further ones none of the others is worse than p.
func exclusive(p []float64, others [][]float64, ref []float64) float64 {
	m := len(p)
	limited := make([][]float64, 0, len(others))
	store := make([]float64, m*len(others))
	for i, q := range others {
		l := store[i*m : (i+1)*m]
		for k := range l {
			l[k] = max(p[k], q[k])
		}
		if inside(l, ref) {
			limited = append(limited, l)
		}
	}
	return box(p, ref) - volume(front(limited), ref)
}

func box(p, ref []float64) float64 {
	v := 1.0
	for k := range p {
		v *= ref[k] - p[k]
	}
	return v
}

// area is the hypervolume in two objectives: strips from left to right.
func area(front [][]float64, ref []float64) float64 {
	sum, top := 0.0, ref[1]
	for _, p := range front {
		if p[1] < top {
			sum += (ref[0] - p[0]) * (top - p[1])
			top = p[1]
		}
	}
	return sum
}

// volume3 is the hypervolume in three objectives: slices between successive values of the first, each as thick as these are apart
// and as large as the area that the points before it cover. The staircase of those points is kept sorted.
//
// N. Beume, C. M. Fonseca, M. López-Ibáñez, L. Paquete, J. Vahrenhold, "On the complexity of computing the hypervolume
// indicator", IEEE Transactions on Evolutionary Computation 13(5), 1075-1082 (2009), with a sorted slice for the tree.
func volume3(front [][]float64, ref []float64) float64 {
	stairs := make([][]float64, 0, len(front)) // by increasing second objective, hence decreasing third
	sum, covered := 0.0, 0.0
	for i, p := range front {
		covered += step(&stairs, p, ref)
		next := ref[0]
		if i+1 < len(front) {
			next = front[i+1][0]
		}
		sum += covered * (next - p[0])
	}
	return sum
}

// step puts p into the staircase of the second and third objective and returns by how much the area grew.
func step(stairs *[][]float64, p, ref []float64) float64 {
	s := *stairs
	at, equal := slices.BinarySearchFunc(s, p, func(q, p []float64) int { return cmp.Compare(q[1], p[1]) })
	top := ref[2] // the height above p
	if at > 0 {
		top = s[at-1][2]
	}
	if top <= p[2] || equal && s[at][2] <= p[2] {
		return 0
	}
	grown, left, end := 0.0, p[1], at
	for ; end < len(s) && s[end][2] >= p[2]; end++ { // the steps that p covers
		grown += (s[end][1] - left) * (top - p[2])
		left, top = s[end][1], s[end][2]
	}
	right := ref[1]
	if end < len(s) {
		right = s[end][1]
	}
	grown += (right - left) * (top - p[2])
	*stairs = slices.Replace(s, at, end, p)
	return grown
}

// Contributions is, for each vector, the volume that it covers and none of the others does: what the hypervolume loses without
// it. It is 0 for vectors that are dominated, that occur twice, or that are not below ref.
func Contributions(values [][]float64, ref []float64) []float64 {
	contributions := make([]float64, len(values))
	others := make([][]float64, 0, len(values))
	for i, p := range values {
		if !inside(p, ref) {
			continue
		}
		others = append(append(others[:0], values[:i]...), values[i+1:]...)
		contributions[i] = max(0, exclusive(p, others, ref))
	}
	return contributions
}

// Select chooses k of the vectors such that together they cover much of the volume below ref: one after the other, each time the
// one that adds most, of equal ones the first. That is at least 1 - 1/e of the most that k of them can cover:
//
//	A. P. Guerreiro, C. M. Fonseca, L. Paquete, "Greedy hypervolume subset selection in low dimensions", Evolutionary
//	Computation 24(3), 521-544 (2016).
//
// It returns their indices in the order chosen, all where there are no more than k.
func Select(values [][]float64, ref []float64, k int) []int {
	k = min(k, len(values))
	gain := make([]float64, len(values)) // at most this, as what a vector adds never grows
	for i, p := range values {
		if inside(p, ref) {
			gain[i] = box(p, ref)
		}
	}
	var chosen []int
	var covered [][]float64
	taken := make([]bool, len(values))
	for len(chosen) < k {
		best, most := -1, -1.0
		for _, i := range byGain(gain, taken) {
			if gain[i] < most || gain[i] == most && i > best {
				break // no later one is better: they are in order of what they add at most
			}
			if inside(values[i], ref) {
				gain[i] = max(0, exclusive(values[i], covered, ref))
			}
			if gain[i] > most || gain[i] == most && i < best {
				best, most = i, gain[i]
			}
		}
		chosen, taken[best] = append(chosen, best), true
		covered = append(covered, values[best])
	}
	return chosen
}

// byGain lists those not taken, the largest gain first, of equal ones the first.
func byGain(gain []float64, taken []bool) []int {
	var order []int
	for i := range gain {
		if !taken[i] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(gain[j], gain[i]) })
	return order
}
