package evolution

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/suggest/pareto"
)

// TestEnter lets random trials enter, often equal in an objective and some violating constraints, and compares the population with what
// sorting all anew leaves.
func TestEnter(t *testing.T) {
	for objectives := 1; objectives <= 4; objectives++ {
		for _, many := range []bool{false, true} {
			rng := rand.New(rand.NewPCG(uint64(objectives), 6))
			fast, slow := &nsga2{objectives: objectives, limit: 12}, &nsga2{objectives: objectives, limit: 12}
			if many {
				fast.directions, slow.directions = directions(objectives, 12), directions(objectives, 12)
			}
			for number := 1; number <= 1500; number++ {
				m := &member{Point: pareto.Point{Number: number, Values: make([]float64, objectives)}}
				for k := range m.Values {
					m.Values[k] = rng.Float64() + 10/float64(number)
					if rng.IntN(2) == 0 {
						m.Values[k] = math.Ceil(m.Values[k] * 8)
					}
				}
				if rng.IntN(4) == 0 {
					m.Violation = float64(rng.IntN(3))
				}
				if fast.enter(m); number%100 == 0 {
					fast.ranks = nil // as after going back
				}
				slow.population = append(slow.population, m)
				slow.ranks = pareto.Ranks(slow.points())
				if len(slow.population) > slow.limit {
					out := slow.worst()
					slow.population = slices.Delete(slow.population, out, out+1)
				}
				if !slices.Equal(fast.population, slow.population) {
					t.Fatalf("%d objectives, trial %d: another population", objectives, number)
				}
			}
		}
	}
}
