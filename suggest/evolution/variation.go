package evolution

import (
	"math"
	"math/rand/v2"

	"qalam/space"
)

// variation makes new assignments of old ones, in the unit cube: numbers by
//
//	K. Deb, R. B. Agrawal, "Simulated binary crossover for continuous search space", Complex Systems 9(2), 115-148 (1995), and
//	K. Deb, M. Goyal, "A combined genetic adaptive search (GeneAS) for engineering design", Computer Science and Informatics 26(4),
//	30-45 (1996): polynomial mutation,
//
// both in the form that keeps to bounds; categories by exchange and by drawing another one.
type variation struct {
	space  *space.Space
	rng    *rand.Rand
	counts []uint64  // of values by parameter; 0 for reals
	order  []bool    // whether the values of a parameter have an order
	free   []int     // parameters of more than one value
	donor  [2][]bool // scratch: what matters in either parent
}

func newVariation(s *space.Space, rng *rand.Rand) *variation {
	v := &variation{space: s, rng: rng}
	for i, p := range s.Parameters() {
		n, finite := s.Count(i)
		if !finite {
			n = 0
		}
		v.counts = append(v.counts, n)
		v.order = append(v.order, p.Type != space.Categorical)
		if n != 1 {
			v.free = append(v.free, i)
		}
	}
	return v
}

// individual is an assignment as it is bred.
type individual struct {
	assignment space.Assignment
	unit       []float64
}

// Distribution indices: the greater, the nearer children are to their parents. The usual 15 and 20 are made for tens of thousands of
// evaluations; with hundreds the population has to be stirred more (measured on the tuning problems of bench/search with several
// objectives).
const (
	etaCrossover = 2
	etaMutation  = 1
)

// cross makes a child of two parents: with chance 0.9 each parameter, with chance a half, lies between and around theirs.
// Parameters that do not matter in the parent that they come from, but in the child, are drawn anew.
func (v *variation) cross(a, b individual) []float64 {
	if v.rng.IntN(2) == 1 {
		a, b = b, a
	}
	u := make([]float64, len(a.unit))
	copy(u, a.unit)
	if !v.space.Conditional() && v.rng.Float64() >= 0.9 {
		return u
	}
	v.donor[0] = v.space.Active(a.assignment, v.donor[0])
	v.donor[1] = v.space.Active(b.assignment, v.donor[1])
	for _, i := range v.free {
		if !v.donor[0][i] && !v.donor[1][i] {
			u[i] = v.rng.Float64()
			continue
		}
		from := v.rng.IntN(2)
		switch {
		case !v.donor[from][i]:
			u[i] = [2]float64{a.unit[i], b.unit[i]}[1-from]
		case !v.order[i]:
			u[i] = [2]float64{a.unit[i], b.unit[i]}[from]
		case from == 1 && v.donor[0][i] && v.donor[1][i]:
			u[i] = v.between(a.unit[i], b.unit[i])
		}
	}
	return u
}

// between is one child's coordinate of simulated binary crossover, the one nearer to x.
func (v *variation) between(x, y float64) float64 {
	distance := math.Abs(x - y)
	if distance < 1e-14 {
		return x
	}
	// The spread of the side on which x lies is bounded such that the child stays in the cube.
	room := min(x, y)
	if x > y {
		room = 1 - x
	}
	beta := 1 + 2*room/distance
	alpha := 2 - math.Pow(beta, -(etaCrossover+1))
	r := v.rng.Float64()
	spread := math.Pow(r*alpha, 1.0/(etaCrossover+1))
	if r > 1/alpha {
		spread = math.Pow(1/(2-r*alpha), 1.0/(etaCrossover+1))
	}
	child := (x + y) / 2
	if x > y {
		child += spread * distance / 2
	} else {
		child -= spread * distance / 2
	}
	return max(0, min(1, child))
}

// mutate changes each parameter with the given chance, in place.
func (v *variation) mutate(u []float64, chance float64) {
	for _, i := range v.free {
		if v.rng.Float64() < chance {
			v.change(u, i)
		}
	}
}

// change changes one parameter, if it has another value at all.
func (v *variation) change(u []float64, i int) {
	n := v.counts[i]
	if !v.order[i] {
		k := uint64(u[i] * float64(n))
		u[i] = (float64((k+1+v.rng.Uint64N(n-1))%n) + 0.5) / float64(n)
		return
	}
	moved := v.nudge(u[i])
	if n > 0 && v.same(i, u[i], moved) {
		moved = v.rng.Float64() // the step is wider than the mutation
	}
	u[i] = moved
}

// same reports whether two coordinates mean the same value.
func (v *variation) same(i int, a, b float64) bool {
	if a == b {
		return true
	}
	if wide := 1 / float64(v.counts[i]); math.Abs(a-b) > 4*wide {
		return false
	}
	u := make([]float64, len(v.counts))
	u[i] = a
	first := v.space.FromUnit(u)[i]
	u[i] = b
	return v.space.FromUnit(u)[i] == first
}

// nudge is polynomial mutation.
func (v *variation) nudge(x float64) float64 {
	r := v.rng.Float64()
	const power = 1.0 / (etaMutation + 1)
	if r < 0.5 {
		low := math.Pow(1-x, etaMutation+1)
		return max(0, x+math.Pow(2*r+(1-2*r)*low, power)-1)
	}
	high := math.Pow(x, etaMutation+1)
	return min(1, x+1-math.Pow(2*(1-r)+(2*r-1)*high, power))
}
