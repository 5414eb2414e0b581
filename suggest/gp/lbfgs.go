package gp

import "math"

// descent minimises a smooth function in a box by the limited-memory quasi-Newton method of
//
//	J. Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35(151), 773-782 (1980),
//
// on the coordinates that are not held at a bound, with steps projected into the box and shortened until the function decreases
// enough (D. P. Bertsekas, "Projected Newton methods for optimization problems with simple constraints", SIAM Journal on Control
// and Optimization 20(2), 221-246 (1982)).
type descent struct {
	low, high  []float64
	iterations int     // at most
	gradient   float64 // it stops where no component of the projected gradient is larger
	decrease   float64 // or where a step decreases the function by less, relative to its size

	x, g       []float64 // where it is, and the gradient there
	next, gOut []float64 // where it may go
	d          []float64 // the direction
	free       []bool    // coordinates not held at a bound
	s, y       [][]float64
	rho        []float64
}

// memory is how many of the last steps s and changes of the gradient y describe the curvature.
const memory = 8

// minimize starts at x, which it moves to the best point found, and returns the function's value there. f writes the gradient;
// NaN counts as infinite.
func (m *descent) minimize(f func(x, gradient []float64) float64, x []float64) float64 {
	n := len(x)
	m.x, m.g, m.next, m.gOut = x, make([]float64, n), make([]float64, n), make([]float64, n)
	m.d, m.free = make([]float64, n), make([]bool, n)
	m.forget()
	m.project(x)
	fx := f(x, m.g)
	if math.IsNaN(fx) {
		return math.Inf(1)
	}
	for range m.iterations {
		if m.hold() <= m.gradient {
			break
		}
		m.direct()
		fNext, ok := m.search(f, fx)
		if !ok {
			if len(m.s) == 0 {
				break
			}
			m.forget() // the curvature misled: begin again with the gradient
			continue
		}
		m.remember()
		small := fx-fNext <= m.decrease*max(1, math.Abs(fx))
		copy(m.x, m.next)
		copy(m.g, m.gOut)
		if fx = fNext; small {
			break
		}
	}
	return fx
}

func (m *descent) forget() { m.s, m.y, m.rho = nil, nil, nil }

func (m *descent) project(x []float64) {
	for i := range x {
		x[i] = max(m.low[i], min(m.high[i], x[i]))
	}
}

// hold finds the coordinates that the gradient pushes out of the box, and returns the largest component of the others.
func (m *descent) hold() float64 {
	largest := 0.0
	for i, g := range m.g {
		m.free[i] = !(m.x[i] <= m.low[i] && g >= 0 || m.x[i] >= m.high[i] && g <= 0)
		if m.free[i] {
			largest = max(largest, math.Abs(g))
		}
	}
	return largest
}

// direct sets the direction to -H g by the two loops over what is remembered, on the free coordinates.
func (m *descent) direct() {
	for i := range m.d {
		m.d[i] = 0
		if m.free[i] {
			m.d[i] = -m.g[i]
		}
	}
	if len(m.s) == 0 {
		scale := 1 / max(1, math.Sqrt(dot(m.d, m.d)))
		for i := range m.d {
			m.d[i] *= scale
		}
		return
	}
	var a [memory]float64
	last := len(m.s) - 1
	for k := last; k >= 0; k-- {
		a[k] = m.rho[k] * dot(m.s[k], m.d)
		axpy(-a[k], m.y[k], m.d)
	}
	scale := 1 / (m.rho[last] * dot(m.y[last], m.y[last]))
	for i := range m.d {
		m.d[i] *= scale
	}
	for k := range m.s {
		b := m.rho[k] * dot(m.y[k], m.d)
		axpy(a[k]-b, m.s[k], m.d)
	}
	slope := 0.0
	for i := range m.d {
		if !m.free[i] {
			m.d[i] = 0
		}
		slope += m.d[i] * m.g[i]
	}
	if !(slope < 0) {
		m.forget()
		m.direct()
	}
}

// search finds a point along the direction, bent into the box, where the function is smaller by Armijo's rule.
func (m *descent) search(f func(x, gradient []float64) float64, fx float64) (float64, bool) {
	step := 1.0
	for range 12 {
		promise := 0.0
		for i := range m.x {
			m.next[i] = max(m.low[i], min(m.high[i], m.x[i]+step*m.d[i]))
			promise += m.g[i] * (m.next[i] - m.x[i])
		}
		if !(promise < 0) {
			return 0, false
		}
		fNext := f(m.next, m.gOut)
		if fNext <= fx+1e-4*promise {
			return fNext, true
		}
		shorter := 0.25
		if !math.IsNaN(fNext) && !math.IsInf(fNext, 0) { // the minimum of the parabola through what is known
			shorter = max(0.1, min(0.6, -promise/(2*(fNext-fx-promise))))
		}
		step *= shorter
	}
	return 0, false
}

// remember keeps the step from x to next where the function curves upwards.
func (m *descent) remember() {
	s, y := make([]float64, len(m.x)), make([]float64, len(m.x))
	for i := range s {
		s[i], y[i] = m.next[i]-m.x[i], m.gOut[i]-m.g[i]
	}
	sy := dot(s, y)
	if !(sy > 1e-10*math.Sqrt(dot(s, s)*dot(y, y))) {
		return
	}
	if len(m.s) == memory {
		m.s, m.y, m.rho = m.s[1:], m.y[1:], m.rho[1:]
	}
	m.s, m.y, m.rho = append(m.s, s), append(m.y, y), append(m.rho, 1/sy)
}
