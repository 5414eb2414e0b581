package analysis

import (
	"qalam/space"
	"qalam/suggest"
)

// Surrogate is a model of the objective, such as a Gaussian process, that is used in place of the forest where there is one.
type Surrogate interface {
	// Predict is the value to expect at an assignment, and its standard deviation.
	Predict(a space.Assignment) (mean, sd float64)
	// Gain is by how much the best value is expected to fall with n more trials.
	Gain(n int) float64
}

// Tick is one place on the axis of a parameter.
type Tick struct {
	Unit  float64 // from 0 to 1: how much of the distribution lies below
	Value float64 // as an assignment holds it
	Text  string  // as people read it
}

// Curve is how the objective depends on one parameter, averaged over all values of the others.
type Curve struct {
	Ticks    []Tick
	Mean, SD []float64 // by tick
}

// Surface is how it depends on two.
type Surface struct {
	X, Y     []Tick
	Mean, SD [][]float64 // by tick of X, then of Y
}

// ticks are the middles of the cells of a parameter.
func (f *Forest) ticks(j, cells int) []Tick {
	out := make([]Tick, cells)
	for g := range out {
		u := (float64(g) + 0.5) / float64(cells)
		v := f.space.Value(j, u)
		out[g] = Tick{Unit: u, Value: v, Text: f.space.Text(j, v)}
	}
	return out
}

// Slice is the marginal of parameter j, with the deviation between the forest's trees, or of a surrogate.
func (f *Forest) Slice(j int, s Surrogate) Curve {
	cells := f.axes[j].cells
	c := Curve{Ticks: f.ticks(j, cells)}
	if s == nil {
		c.Mean, c.SD = f.marginal(j, cells)
		return c
	}
	for _, t := range c.Ticks {
		mean, sd := f.average(s, func(u []float64) { u[j] = t.Unit })
		c.Mean, c.SD = append(c.Mean, mean), append(c.SD, sd)
	}
	return c
}

// surfaceCells is into how many cells a side of a surface is cut at most.
const surfaceCells = 24

// Contour is the marginal of parameters j and k, with the deviation between the forest's trees, or of a surrogate.
func (f *Forest) Contour(j, k int, s Surrogate) Surface {
	across, down := f.axes[j].within(surfaceCells), f.axes[k].within(surfaceCells)
	c := Surface{X: f.ticks(j, across), Y: f.ticks(k, down)}
	if s == nil {
		c.Mean, c.SD = f.plane(j, k, across, down)
		return c
	}
	for _, x := range c.X {
		var means, sds []float64
		for _, y := range c.Y {
			mean, sd := f.average(s, func(u []float64) { u[j], u[k] = x.Unit, y.Unit })
			means, sds = append(means, mean), append(sds, sd)
		}
		c.Mean, c.SD = append(c.Mean, means), append(c.SD, sds)
	}
	return c
}

// average is the mean of a surrogate over points of the unit cube, some coordinates of which are set. Its deviation is the mean of
// theirs: predictions near each other err together, so that it does not fall with the number of points.
func (f *Forest) average(s Surrogate, set func(u []float64)) (mean, sd float64) {
	const points = 24
	q := suggest.NewSequence(len(f.axes), 2)
	u := make([]float64, len(f.axes))
	for i := range points {
		q.At(uint64(i), u)
		set(u)
		m, d := s.Predict(f.space.FromUnit(u))
		mean, sd = mean+m/points, sd+d/points
	}
	return mean, sd
}
