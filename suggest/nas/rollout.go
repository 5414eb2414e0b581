package nas

import (
	"math"

	"gonum.org/v1/gonum/blas"
)

// rollout is the way of the controller through a batch of B architectures, with what the gradient needs.
type rollout struct {
	c *controller
	B int

	zero     []float64   // B × H
	first    []*cell     // by layer, the step that chooses the operation
	second   []*cell     // by layer, the step that chooses the skip bits
	input    []float64   // B × H, of the next step
	z        [][]float64 // by layer, B × N: logits of the operations
	slope    [][]float64 // likewise dz/dr
	p        [][]float64 // likewise their probabilities
	anchor   [][]float64 // by layer, B × H: h2 W1
	query    []float64   // B × H: h2 W2
	y        [][]float64 // by layer l, B × l × H: tanh(h2 W2 + h2_j W1)
	zs       [][]float64 // by layer l, B × l: logits of the skip bits
	slopes   [][]float64 // likewise dz/dr
	chosen   [][]int     // by layer, B: the operations
	skips    [][]float64 // by layer l, B × l: the skip bits, 0 or 1
	logP     []float64   // B: log π of the architecture
	gradient *backward
}

func newRollout(c *controller, B int) *rollout {
	r := &rollout{c: c, B: B, zero: make([]float64, B*c.H), input: make([]float64, B*c.H), query: make([]float64, B*c.H), logP: make([]float64, B)}
	for l := range c.L {
		r.first, r.second = append(r.first, newCell(B, c.H)), append(r.second, newCell(B, c.H))
		r.z, r.slope, r.p = append(r.z, make([]float64, B*c.N)), append(r.slope, make([]float64, B*c.N)), append(r.p, make([]float64, B*c.N))
		r.anchor, r.y = append(r.anchor, make([]float64, B*c.H)), append(r.y, make([]float64, B*l*c.H))
		r.zs, r.slopes, r.skips = append(r.zs, make([]float64, B*l)), append(r.slopes, make([]float64, B*l)), append(r.skips, make([]float64, B*l))
		r.chosen = append(r.chosen, make([]int, B))
	}
	return r
}

// chooser decides, for sequence b of the batch: on an operation of a layer by its probabilities, on the skip bit of earlier output
// j by its probability.
type chooser interface {
	operation(b, layer int, p []float64) int
	skip(b, layer, j int, p float64) bool
}

// run leads the batch from the first layer to the last, the chooser deciding on the way.
func (r *rollout) run(choose chooser) {
	c := r.c
	B, H := r.B, c.H
	clear(r.logP)
	h, state := r.zero, r.zero
	r.inputG()
	for l := range c.L {
		s := r.first[l]
		s.forward(&c.weights, B, H, r.input, h, state)
		r.operations(l, s.h, choose)
		for b, op := range r.chosen[l] {
			copy(r.input[b*H:(b+1)*H], c.emb[op*H:])
		}
		next := r.second[l]
		next.forward(&c.weights, B, H, r.input, s.h, s.next)
		h, state = next.h, next.next
		if l == 0 {
			r.inputG()
		} else {
			r.skipBits(l, h, choose)
			r.inputSkips(l)
		}
		clear(r.anchor[l])
		multiply(blas.NoTrans, blas.NoTrans, matrix(B, H, h), matrix(H, H, c.w1), matrix(B, H, r.anchor[l]))
	}
}

// inputG makes g the next input.
func (r *rollout) inputG() {
	for b := range r.B {
		copy(r.input[b*r.c.H:(b+1)*r.c.H], r.c.g)
	}
}

// inputSkips makes the next input of the earlier outputs that layer l takes.
func (r *rollout) inputSkips(l int) {
	H := r.c.H
	clear(r.input)
	for b := range r.B {
		taken := 1.0
		row := r.input[b*H : (b+1)*H]
		for j, s := range r.skips[l][b*l : (b+1)*l] {
			if taken += s; s > 0 {
				for k, v := range r.second[j].h[b*H : (b+1)*H] {
					row[k] += v
				}
			}
		}
		for k := range row {
			row[k] /= taken
		}
	}
}

// operations decides on the operation of layer l.
func (r *rollout) operations(l int, h []float64, choose chooser) {
	c := r.c
	N := c.N
	z, slope, p := r.z[l], r.slope[l], r.p[l]
	clear(z)
	multiply(blas.NoTrans, blas.NoTrans, matrix(r.B, c.H, h), matrix(c.H, N, c.soft), matrix(r.B, N, z))
	for b := range r.B {
		row, probs := z[b*N:(b+1)*N], p[b*N:(b+1)*N]
		top := math.Inf(-1)
		for a := range row {
			row[a], slope[b*N+a] = c.squash(row[a])
			top = max(top, row[a])
		}
		sum := 0.0
		for a := range row {
			probs[a] = math.Exp(row[a] - top)
			sum += probs[a]
		}
		for a := range probs {
			probs[a] /= sum
		}
		op := choose.operation(b, l, probs)
		r.chosen[l][b] = op
		r.logP[b] += row[op] - top - math.Log(sum)
	}
}

// skipBits decides on the skip bits of layer l, 1 or more.
func (r *rollout) skipBits(l int, h []float64, choose chooser) {
	c := r.c
	H := c.H
	clear(r.query)
	multiply(blas.NoTrans, blas.NoTrans, matrix(r.B, H, h), matrix(H, H, c.w2), matrix(r.B, H, r.query))
	for b := range r.B {
		query := r.query[b*H : (b+1)*H]
		for j := range l {
			at := b*l + j
			y, anchor := r.y[l][at*H:(at+1)*H], r.anchor[j][b*H:(b+1)*H]
			raw := 0.0
			for k := range y {
				y[k] = math.Tanh(query[k] + anchor[k])
				raw += y[k] * c.v[k]
			}
			z, slope := c.squash(raw)
			r.zs[l][at], r.slopes[l][at] = z, slope
			if p := sigmoid(2 * z); choose.skip(b, l, j, p) {
				r.skips[l][at] = 1
				r.logP[b] += logSigmoid(2 * z)
			} else {
				r.skips[l][at] = 0
				r.logP[b] += logSigmoid(-2 * z)
			}
		}
	}
}

// logSigmoid is log(1 / (1 + e^-x)).
func logSigmoid(x float64) float64 {
	if x > 0 {
		return -math.Log1p(math.Exp(-x))
	}
	return x - math.Log1p(math.Exp(x))
}

// known decides as given architectures do.
type known [][]int // by sequence: the numbers of an architecture, layer by layer

func (k known) operation(b, layer int, _ []float64) int { return k[b][dimensions(layer)] }
func (k known) skip(b, layer, j int, _ float64) bool    { return k[b][dimensions(layer)+1+j] == 1 }
