package nas

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGradientIsThatOfTheLoss compares every derivative with central differences of the loss.
func TestGradientIsThatOfTheLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 7))
	for _, bound := range []float64{2.25, 0} {
		c := newController(4, 3, 5, 1.5, bound, rng)
		for i := range c.theta {
			c.theta[i] = rng.NormFloat64()
		}
		batch := make(known, 3)
		for b := range batch {
			batch[b] = randomNetwork(4, 3, rng)
		}
		o := goal{weight: []float64{1, -0.5, 2}, entropy: 0.3, skip: 0.8, target: 0.4}
		r := newRollout(c, len(batch))
		r.run(batch)
		got := append([]float64(nil), r.backward(o).theta...)
		const step = 1e-5
		for i := range c.theta {
			at := c.theta[i]
			c.theta[i] = at + step
			r.run(batch)
			up := r.loss(o)
			c.theta[i] = at - step
			r.run(batch)
			want := (up - r.loss(o)) / (2 * step)
			c.theta[i] = at
			if math.Abs(got[i]-want) > 1e-4*max(1e-2, math.Abs(want)) {
				t.Fatalf("bound %g, weight %d: derivative %g, differences %g", bound, i, got[i], want)
			}
		}
	}
}

func randomNetwork(layers, operations int, rng *rand.Rand) []int {
	var a []int
	for l := range layers {
		a = append(a, rng.IntN(operations))
		for range l {
			a = append(a, rng.IntN(2))
		}
	}
	return a
}
