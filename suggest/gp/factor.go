package gp

import (
	"math"

	blas "gonum.org/v1/gonum/blas/gonum"
)

// dot and axpy are the inner loops of everything below.
func dot(x, y []float64) float64 { return blas.Implementation{}.Ddot(len(x), x, 1, y, 1) }

// axpy adds a·x to y.
func axpy(a float64, x, y []float64) { blas.Implementation{}.Daxpy(len(x), a, x, 1, y, 1) }

// factor is the lower triangle L of a positive definite matrix A = L Lᵀ, a slice for each row. It grows by rows, each of which
// depends on the rows above alone: appending gives to the last bit what factorising anew gives, and dropping the last rows
// takes points back out.
type factor [][]float64

// push appends a row, given the n+1 entries of A's last row; row becomes the factor's. It reports whether A is still positive
// definite, and leaves the factor as it was where not.
func (l *factor) push(row []float64) bool {
	n := len(*l)
	l.solve(row[:n])
	v := row[n] - dot(row[:n], row[:n])
	if !(v > 0) || math.IsInf(v, 1) {
		return false
	}
	row[n] = math.Sqrt(v)
	*l = append(*l, row)
	return true
}

// solve replaces b by L⁻¹ b.
func (l factor) solve(b []float64) {
	for i, row := range l {
		b[i] = (b[i] - dot(row[:i], b[:i])) / row[i]
	}
}

// solveT replaces b by L⁻ᵀ b.
func (l factor) solveT(b []float64) {
	for i := len(l) - 1; i >= 0; i-- {
		row := l[i]
		b[i] /= row[i]
		axpy(-b[i], row[:i], b[:i])
	}
}

// logDet is ln |A| / 2.
func (l factor) logDet() float64 {
	sum := 0.0
	for i, row := range l {
		sum += math.Log(row[i])
	}
	return sum
}

// inverseT writes L⁻ᵀ into m, an upper triangle of n rows of length n: m[a][c] is (L⁻¹)_{ca} for c ≥ a.
func (l factor) inverseT(m [][]float64) {
	for a := range l {
		x := m[a]
		x[a] = 1 / l[a][a]
		for c := a + 1; c < len(l); c++ {
			x[c] = -dot(l[c][a:c], x[a:c]) / l[c][c]
		}
	}
}
