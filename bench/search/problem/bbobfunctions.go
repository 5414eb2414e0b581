package problem

import (
	"math"

	"qalam/space"
)

// bbobFunctions are f1 to f24, as the report numbers them.
var bbobFunctions = []func(b *bbobInstance) func(x space.Assignment) float64{
	(*bbobInstance).sphere, (*bbobInstance).ellipsoid, (*bbobInstance).rastrigin, (*bbobInstance).bueche, (*bbobInstance).slope,
	(*bbobInstance).sector, (*bbobInstance).steps, (*bbobInstance).rosenbrock, (*bbobInstance).rosenbrockRotated,
	(*bbobInstance).ellipsoidRotated, (*bbobInstance).discus, (*bbobInstance).cigar, (*bbobInstance).ridge, (*bbobInstance).powers,
	(*bbobInstance).rastriginRotated, (*bbobInstance).weierstrass, (*bbobInstance).schaffer, (*bbobInstance).schafferIll,
	(*bbobInstance).griewankRosenbrock, (*bbobInstance).schwefel, (*bbobInstance).gallagher101, (*bbobInstance).gallagher21,
	(*bbobInstance).katsuura, (*bbobInstance).lunacek,
}

func squares(z []float64) float64 {
	sum := 0.0
	for _, v := range z {
		sum += v * v
	}
	return sum
}

func (b *bbobInstance) sphere() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 { return squares(b.shifted(x)) }
}

// stretched is Σ 10^(exponent·ramp) z².
func (b *bbobInstance) stretched(exponent float64, z []float64) float64 {
	sum := 0.0
	for i, v := range z {
		sum += math.Pow(10, exponent*b.ramp(i)) * v * v
	}
	return sum
}

func (b *bbobInstance) ellipsoid() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 { return b.stretched(6, oscillated(b.shifted(x))) }
}

func (b *bbobInstance) rastrigin() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		return rastrigin(b.scaled(10, b.asymmetric(0.2, oscillated(b.shifted(x)))))
	}
}

func (b *bbobInstance) bueche() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := oscillated(b.shifted(x))
		for i := range z {
			s := math.Pow(10, b.ramp(i)/2)
			if z[i] > 0 && i%2 == 0 {
				s *= 10
			}
			z[i] *= s
		}
		return rastrigin(z) + 100*outside(x)
	}
}

func (b *bbobInstance) slope() func(x space.Assignment) float64 {
	signs := b.signs()
	for i := range signs {
		b.optimum[i] = 5 * signs[i]
	}
	return func(x space.Assignment) float64 {
		sum := 0.0
		for i := range x {
			s, z := signs[i]*math.Pow(10, b.ramp(i)), x[i]
			if b.optimum[i]*x[i] >= 25 {
				z = b.optimum[i]
			}
			sum += 5*math.Abs(s) - s*z
		}
		return sum
	}
}

func (b *bbobInstance) sector() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := times(b.q, b.scaled(10, times(b.r, b.shifted(x))))
		for i := range z {
			if z[i]*b.optimum[i] > 0 {
				z[i] *= 100
			}
		}
		return math.Pow(oscillate(squares(z)), 0.9)
	}
}

func (b *bbobInstance) steps() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := b.scaled(10, times(b.r, b.shifted(x)))
		first := math.Abs(z[0])
		for i, v := range z {
			if math.Abs(v) > 0.5 {
				z[i] = math.Floor(0.5 + v)
			} else {
				z[i] = math.Floor(0.5+10*v) / 10
			}
		}
		return 0.1*max(first/1e4, b.stretched(2, times(b.q, z))) + outside(x)
	}
}

func (b *bbobInstance) scale() float64 { return max(1, math.Sqrt(float64(b.dims))/8) }

func (b *bbobInstance) rosenbrock() func(x space.Assignment) float64 {
	b.optimum = b.draw(-3, 3)
	return func(x space.Assignment) float64 {
		z := b.shifted(x)
		for i := range z {
			z[i] = b.scale()*z[i] + 1
		}
		return rosenbrock(z)
	}
}

// centred is the argument of the rotated Rosenbrock functions; it moves the optimum to where that is (1, …, 1).
func (b *bbobInstance) centred() func(x space.Assignment) []float64 {
	half := make([]float64, b.dims)
	for i := range half {
		half[i] = 0.5 / b.scale()
	}
	b.optimum = transposed(b.r, half)
	return func(x space.Assignment) []float64 {
		z := times(b.r, x)
		for i := range z {
			z[i] = b.scale()*z[i] + 0.5
		}
		return z
	}
}

func (b *bbobInstance) rosenbrockRotated() func(x space.Assignment) float64 {
	z := b.centred()
	return func(x space.Assignment) float64 { return rosenbrock(z(x)) }
}

func (b *bbobInstance) ellipsoidRotated() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 { return b.stretched(6, oscillated(times(b.r, b.shifted(x)))) }
}

func (b *bbobInstance) discus() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := oscillated(times(b.r, b.shifted(x)))
		return 1e6*z[0]*z[0] + squares(z[1:])
	}
}

func (b *bbobInstance) cigar() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := times(b.r, b.asymmetric(0.5, times(b.r, b.shifted(x))))
		return z[0]*z[0] + 1e6*squares(z[1:])
	}
}

func (b *bbobInstance) ridge() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := times(b.q, b.scaled(10, times(b.r, b.shifted(x))))
		return z[0]*z[0] + 100*math.Sqrt(squares(z[1:]))
	}
}

func (b *bbobInstance) powers() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		sum := 0.0
		for i, v := range times(b.r, b.shifted(x)) {
			sum += math.Pow(math.Abs(v), 2+4*b.ramp(i))
		}
		return math.Sqrt(sum)
	}
}

func (b *bbobInstance) rastriginRotated() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := b.asymmetric(0.2, oscillated(times(b.r, b.shifted(x))))
		return rastrigin(times(b.r, b.scaled(10, times(b.q, z))))
	}
}

func (b *bbobInstance) weierstrass() func(x space.Assignment) float64 {
	waves := func(v float64) float64 {
		sum := 0.0
		for k := range 12 {
			sum += math.Pow(0.5, float64(k)) * math.Cos(2*math.Pi*math.Pow(3, float64(k))*(v+0.5))
		}
		return sum
	}
	lowest := waves(0)
	return func(x space.Assignment) float64 {
		z := times(b.r, b.scaled(0.01, times(b.q, oscillated(times(b.r, b.shifted(x))))))
		sum := 0.0
		for _, v := range z {
			sum += waves(v)
		}
		return 10*math.Pow(sum/float64(b.dims)-lowest, 3) + 10/float64(b.dims)*outside(x)
	}
}

func (b *bbobInstance) schaffer() func(x space.Assignment) float64    { return b.rings(10) }
func (b *bbobInstance) schafferIll() func(x space.Assignment) float64 { return b.rings(1000) }

// rings is Schaffer's F7 of a condition.
func (b *bbobInstance) rings(condition float64) func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z := b.scaled(condition, times(b.q, b.asymmetric(0.5, times(b.r, b.shifted(x)))))
		sum := 0.0
		for i := range len(z) - 1 {
			s := math.Hypot(z[i], z[i+1])
			wave := math.Sin(50 * math.Pow(s, 0.2))
			sum += math.Sqrt(s) * (1 + wave*wave)
		}
		mean := sum / float64(b.dims-1)
		return mean*mean + 10*outside(x)
	}
}

func (b *bbobInstance) griewankRosenbrock() func(x space.Assignment) float64 {
	point := b.centred()
	return func(x space.Assignment) float64 {
		z, sum := point(x), 0.0
		for i := range len(z) - 1 {
			d, e := z[i]*z[i]-z[i+1], z[i]-1
			s := 100*d*d + e*e
			sum += s/4000 - math.Cos(s)
		}
		return 10/float64(b.dims-1)*sum + 10
	}
}

func (b *bbobInstance) schwefel() func(x space.Assignment) float64 {
	const far = 4.2096874633 // 2|x_opt|
	signs := b.signs()
	for i := range signs {
		b.optimum[i] = signs[i] * far / 2
	}
	return func(x space.Assignment) float64 {
		z, raw := make([]float64, b.dims), make([]float64, b.dims)
		for i := range x {
			raw[i] = 2 * signs[i] * x[i]
			z[i] = raw[i] - far
			if i > 0 {
				z[i] += 0.25 * (raw[i-1] - far)
			}
		}
		b.scaled(10, z)
		sum, penalty := 0.0, make([]float64, b.dims)
		for i := range z {
			penalty[i] = z[i] + far
			v := 100 * penalty[i]
			sum += v * math.Sin(math.Sqrt(math.Abs(v)))
		}
		return -sum/(100*float64(b.dims)) + 4.189828872724339 + 100*outside(penalty)
	}
}

func (b *bbobInstance) gallagher101() func(x space.Assignment) float64 {
	return b.peaks(101, 1000, 4, 5)
}
func (b *bbobInstance) gallagher21() func(x space.Assignment) float64 {
	return b.peaks(21, 1000*1000, 3.92, 4.9)
}

// peaks is Gallagher's function: the highest of many Gaussian peaks counts, the first of condition sharpest is the optimum.
func (b *bbobInstance) peaks(count int, sharpest, near, far float64) func(x space.Assignment) float64 {
	centres, shapes, heights := make([][]float64, count), make([][]float64, count), make([]float64, count)
	order := b.rng.Perm(count - 1)
	for i := range count {
		condition, reach := sharpest, near
		heights[i] = 10
		if i > 0 {
			condition, reach = math.Pow(1000, 2*float64(order[i-1])/float64(count-2)), far
			heights[i] = 1.1 + 8*float64(i-1)/float64(count-2)
		}
		centres[i] = b.draw(-reach, reach)
		shapes[i] = make([]float64, b.dims)
		for j, k := range b.rng.Perm(b.dims) {
			shapes[i][j] = math.Pow(condition, b.ramp(k)/2) / math.Pow(condition, 0.25)
		}
	}
	b.optimum = centres[0]
	return func(x space.Assignment) float64 {
		highest := 0.0
		for i, centre := range centres {
			sum := 0.0
			for j, v := range times(b.r, minus(x, centre)) {
				sum += shapes[i][j] * v * v
			}
			highest = max(highest, heights[i]*math.Exp(-sum/(2*float64(b.dims))))
		}
		v := oscillate(10 - highest)
		return v*v + outside(x)
	}
}

func (b *bbobInstance) katsuura() func(x space.Assignment) float64 {
	return func(x space.Assignment) float64 {
		z, d := times(b.q, b.scaled(100, times(b.r, b.shifted(x)))), float64(b.dims)
		product := 1.0
		for i, v := range z {
			sum := 0.0
			for j := 1; j <= 32; j++ {
				p := math.Ldexp(1, j)
				sum += math.Abs(p*v-math.Round(p*v)) / p
			}
			product *= math.Pow(1+float64(i+1)*sum, 10/math.Pow(d, 1.2))
		}
		return 10/(d*d)*product - 10/(d*d) + outside(x)
	}
}

func (b *bbobInstance) lunacek() func(x space.Assignment) float64 {
	const mu0 = 2.5
	d := float64(b.dims)
	s := 1 - 1/(2*math.Sqrt(d+20)-8.2)
	mu1 := -math.Sqrt((mu0*mu0 - 1) / s)
	signs := b.signs()
	for i := range signs {
		b.optimum[i] = signs[i] * mu0 / 2
	}
	return func(x space.Assignment) float64 {
		z, first, second := make([]float64, b.dims), 0.0, d
		for i := range x {
			h := 2 * signs[i] * x[i]
			z[i] = h - mu0
			first += (h - mu0) * (h - mu0)
			second += s * (h - mu1) * (h - mu1)
		}
		waves := d
		for _, v := range times(b.q, b.scaled(100, times(b.r, z))) {
			waves -= math.Cos(2 * math.Pi * v)
		}
		return min(first, second) + 10*waves + 1e4*outside(x)
	}
}
