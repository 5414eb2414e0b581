package stats

import "math"

// Wilcoxon is the two-sided p-value of the signed-rank test that the differences of pairs are symmetric about 0; NaN without
// pairs. Zeros are ranked and split evenly between the signs. Up to 25 pairs without zeros and ties it is exact, beyond in the
// normal approximation with the correction for ties.
//
// F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1(6), 80-83 (1945).
func Wilcoxon(differences []float64) float64 {
	n := len(differences)
	if n == 0 {
		return math.NaN()
	}
	sizes := make([]float64, n)
	zeros := 0
	for i, d := range differences {
		sizes[i] = math.Abs(d)
		if d == 0 {
			zeros++
		}
	}
	if zeros == n {
		return 1
	}
	ranks := Ranks(sizes)
	positive, whole := 0.0, true
	for i, d := range differences {
		switch {
		case d > 0:
			positive += ranks[i]
		case d == 0:
			positive += ranks[i] / 2
		}
	}
	ties := 0.0
	seen := map[float64]int{}
	for _, r := range ranks {
		seen[r]++
	}
	for _, c := range seen {
		ties += float64(c*c*c - c)
		whole = whole && c == 1
	}
	if n <= 25 && whole && zeros == 0 {
		return exactSignedRank(n, int(positive))
	}
	m, z := float64(n), float64(zeros)
	mean := m * (m + 1) / 4
	variance := m*(m+1)*(2*m+1)/24 - z*(z+1)*(2*z+1)/24 - (ties-(z*z*z-z))/48
	// The zeros, split evenly, add no variance: they leave both its sum of squares and its ties.
	if !(variance > 0) {
		return 1
	}
	return math.Erfc(math.Abs(positive-mean) / math.Sqrt(variance) / math.Sqrt2)
}

// exactSignedRank counts the subsets of the ranks 1 to n whose sum is at least as far from the middle.
func exactSignedRank(n, sum int) float64 {
	total := n * (n + 1) / 2
	counts := make([]float64, total+1)
	counts[0] = 1
	for rank := 1; rank <= n; rank++ {
		for s := total; s >= rank; s-- {
			counts[s] += counts[s-rank]
		}
	}
	tail := 0.0
	for s := range min(sum, total-sum) + 1 {
		tail += counts[s]
	}
	return min(1, 2*tail/math.Ldexp(1, n))
}
