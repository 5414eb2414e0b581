package problem

import (
	"fmt"
	"math"
	"math/rand/v2"

	"qalam/space"
)

// bbob makes the 24 noiseless functions of the black-box optimization benchmark in several dimensions: the odd ones are for
// tuning, the even ones for the comparison.
//
// N. Hansen, S. Finck, R. Ros, A. Auger, "Real-parameter black-box optimization benchmarking 2009: noiseless functions
// definitions", INRIA RR-6829 (2009). Instances are ours: optimum and rotations are drawn from the seed.
func bbob() []Problem {
	var out []Problem
	for _, dims := range []int{5, 2, 10, 20} {
		for number := 1; number <= len(bbobFunctions); number++ {
			use, half := Tuning, "odd"
			if number%2 == 0 {
				use, half = Comparison, "even"
			}
			groups := []string{fmt.Sprintf("bbob-%s-d%d", half, dims)}
			if dims == 5 {
				groups = append(groups, "bbob-"+half, string(use))
			}
			out = append(out, Problem{
				Name: fmt.Sprintf("f%d-d%d", number, dims), Groups: groups, Use: use, Params: cube(dims, -5, 5), Objectives: 1,
				Open: func(seed int) (*Instance, error) {
					return exact(0, newBBOB(number, dims, seed).value()), nil
				},
			})
		}
	}
	return out
}

// bbobInstance is what the functions of one instance are made of.
type bbobInstance struct {
	dims    int
	rng     *rand.Rand
	optimum []float64
	r, q    [][]float64 // rotations
	make    func(b *bbobInstance) func(x space.Assignment) float64
}

func newBBOB(number, dims, seed int) *bbobInstance {
	b := &bbobInstance{dims: dims, rng: rand.New(rand.NewPCG(uint64(seed), uint64(number*1000+dims))), make: bbobFunctions[number-1]}
	b.optimum = b.draw(-4, 4)
	b.r, b.q = rotation(b.rng, dims), rotation(b.rng, dims)
	return b
}

// value makes the function, which may move the optimum; its value there is 0.
func (b *bbobInstance) value() func(x space.Assignment) float64 { return b.make(b) }

func (b *bbobInstance) draw(low, high float64) []float64 {
	out := make([]float64, b.dims)
	for i := range out {
		out[i] = low + (high-low)*b.rng.Float64()
	}
	return out
}

// signs draws a vector of ±1.
func (b *bbobInstance) signs() []float64 {
	out := b.draw(-1, 1)
	for i := range out {
		out[i] = math.Copysign(1, out[i])
	}
	return out
}

// ramp is the place of coordinate i among the others, from 0 to 1.
func (b *bbobInstance) ramp(i int) float64 { return float64(i) / float64(b.dims-1) }

// shifted is x - optimum.
func (b *bbobInstance) shifted(x space.Assignment) []float64 { return minus(x, b.optimum) }

// scaled multiplies coordinate i by alpha^(ramp/2): the diagonal matrix Λ^alpha.
func (b *bbobInstance) scaled(alpha float64, z []float64) []float64 {
	for i := range z {
		z[i] *= math.Pow(alpha, b.ramp(i)/2)
	}
	return z
}

// asymmetric is T_asy^beta.
func (b *bbobInstance) asymmetric(beta float64, z []float64) []float64 {
	for i, v := range z {
		if v > 0 {
			z[i] = math.Pow(v, 1+beta*b.ramp(i)*math.Sqrt(v))
		}
	}
	return z
}

// oscillated is T_osz.
func oscillated(z []float64) []float64 {
	for i, v := range z {
		z[i] = oscillate(v)
	}
	return z
}

func oscillate(v float64) float64 {
	if v == 0 {
		return 0
	}
	h, c1, c2 := math.Log(math.Abs(v)), 5.5, 3.1
	if v > 0 {
		c1, c2 = 10, 7.9
	}
	return math.Copysign(math.Exp(h+0.049*(math.Sin(c1*h)+math.Sin(c2*h))), v)
}

// times is the product of a matrix and a vector.
func times(m [][]float64, z []float64) []float64 {
	out := make([]float64, len(z))
	for i, row := range m {
		for j, v := range row {
			out[i] += v * z[j]
		}
	}
	return out
}

// transposed is the product of a matrix's transpose and a vector.
func transposed(m [][]float64, z []float64) []float64 {
	out := make([]float64, len(z))
	for i, row := range m {
		for j, v := range row {
			out[j] += v * z[i]
		}
	}
	return out
}

// rotation draws an orthogonal matrix: normal numbers made orthonormal by Gram and Schmidt.
func rotation(rng *rand.Rand, dims int) [][]float64 {
	m := make([][]float64, dims)
	for i := range m {
		m[i] = make([]float64, dims)
		for j := range m[i] {
			m[i][j] = rng.NormFloat64()
		}
		for _, other := range m[:i] {
			dot := 0.0
			for j := range other {
				dot += m[i][j] * other[j]
			}
			for j := range other {
				m[i][j] -= dot * other[j]
			}
		}
		norm := 0.0
		for _, v := range m[i] {
			norm += v * v
		}
		for j := range m[i] {
			m[i][j] /= math.Sqrt(norm)
		}
	}
	return m
}

// outside is the penalty f_pen for leaving [-5, 5].
func outside(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		d := max(0, math.Abs(v)-5)
		sum += d * d
	}
	return sum
}
