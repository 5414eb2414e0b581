package nas

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// controller is the policy π of
//
//	H. Pham, M. Y. Guan, B. Zoph, Q. V. Le, J. Dean, "Efficient neural architecture search via parameter sharing", ICML 2018,
//	section 2.2,
//
// a recurrent network that writes an architecture from the first layer to the last. For every layer l it makes two steps of one
// LSTM (without biases; S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1735-1780 (1997)):
//
//	h1 = LSTM(x_l)             the operation is drawn from softmax(z), z = squash(h1 Wsoft), of length N
//	h2 = LSTM(Wemb[operation]) earlier output j < l is taken with probability σ(2 z_j), z_j = squash(tanh(h2 W2 + h2_j W1) · v)
//
// with squash(r) = C tanh(r/T), which keeps every choice possible. The next layer's input x_{l+1} is the sum of the h2_j that were
// taken over one more than their number; the first two layers have the learned g instead.
//
//	symbol  meaning                                      shape
//	L       layers                                       1
//	N       concrete operations                          1
//	H       width of the LSTM (controller_hidden_size)   1
//	T, C    temperature and bound of the logits          1; C = 0 is no bound
//	theta   all weights, of which the others are parts   H + NH + 8HH + HN + 2HH + H
//	g       input of the first two layers                H
//	emb     Wemb, input for each operation               N × H
//	lstm    weights of the gates i, f, o, g of [x, h]    2H × 4H
//	soft    Wsoft                                        H × N
//	w1, w2  of the earlier outputs, of this one          H × H
//	v       of the skip bits                             H
type controller struct {
	L, N, H int
	T, C    float64
	weights
}

// weights are views of one vector: those of the network, and likewise their gradient.
type weights struct {
	theta                         []float64
	g, emb, lstm, soft, w1, w2, v []float64
}

func newWeights(N, H int) weights {
	w := weights{theta: make([]float64, H+N*H+8*H*H+H*N+2*H*H+H)}
	rest := w.theta
	take := func(n int) []float64 {
		part := rest[:n:n]
		rest = rest[n:]
		return part
	}
	w.g, w.emb, w.lstm, w.soft, w.w1, w.w2, w.v = take(H), take(N*H), take(8*H*H), take(H*N), take(H*H), take(H*H), take(H)
	return w
}

// initialWeight bounds the uniform distribution of the weights before any training, as in Katib: every choice is about equally
// likely then.
const initialWeight = 0.01

func newController(L, N, H int, T, C float64, rng *rand.Rand) *controller {
	c := &controller{L: L, N: N, H: H, T: T, C: C, weights: newWeights(N, H)}
	for i := range c.theta {
		c.theta[i] = initialWeight * (2*rng.Float64() - 1)
	}
	return c
}

// squash is the logit z of a raw score r, and dz/dr.
func (c *controller) squash(r float64) (z, slope float64) {
	if c.C == 0 {
		return r / c.T, 1 / c.T
	}
	t := math.Tanh(r / c.T)
	return c.C * t, c.C * (1 - t*t) / c.T
}

// multiply is C += op(A) op(B), of matrices that lie row by row.
func multiply(tA, tB blas.Transpose, a, b, c blas64.General) { blas64.Gemm(tA, tB, 1, a, b, 1, c) }

func matrix(rows, cols int, data []float64) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// cell is one step of the LSTM for a batch of B sequences, with what its derivative needs.
type cell struct {
	xh    []float64 // B × 2H: input and the h before
	gates []float64 // B × 4H: i, f, o, g after their non-linearities
	c     []float64 // B × H: the state before
	tanhC []float64 // B × H: tanh of the state after
	next  []float64 // B × H: the state after
	h     []float64 // B × H: the output
}

func newCell(B, H int) *cell {
	return &cell{make([]float64, B*2*H), make([]float64, B*4*H), make([]float64, B*H), make([]float64, B*H), make([]float64, B*H), make([]float64, B*H)}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// forward makes the step: x is the input, h and state what the step before left.
func (s *cell) forward(w *weights, B, H int, x, h, state []float64) {
	for b := range B {
		copy(s.xh[b*2*H:], x[b*H:(b+1)*H])
		copy(s.xh[b*2*H+H:], h[b*H:(b+1)*H])
	}
	copy(s.c, state)
	clear(s.gates)
	multiply(blas.NoTrans, blas.NoTrans, matrix(B, 2*H, s.xh), matrix(2*H, 4*H, w.lstm), matrix(B, 4*H, s.gates))
	for b := range B {
		gates := s.gates[b*4*H : (b+1)*4*H]
		for k := range H {
			i, f, o, g := sigmoid(gates[k]), sigmoid(gates[H+k]), sigmoid(gates[2*H+k]), math.Tanh(gates[3*H+k])
			gates[k], gates[H+k], gates[2*H+k], gates[3*H+k] = i, f, o, g
			at := b*H + k
			s.next[at] = i*g + f*s.c[at]
			s.tanhC[at] = math.Tanh(s.next[at])
			s.h[at] = o * s.tanhC[at]
		}
	}
}

// backward leads the gradients of the output and of the state after to those of the input, the h before and the state before,
// which it returns in dx, dh and dstate, and adds those of the weights. dgates is room for B × 4H numbers, dxh for B × 2H.
func (s *cell) backward(w, grad *weights, B, H int, dx, dh, dstate, dgates, dxh []float64) {
	for b := range B {
		gates, d := s.gates[b*4*H:(b+1)*4*H], dgates[b*4*H:(b+1)*4*H]
		for k := range H {
			at := b*H + k
			i, f, o, g := gates[k], gates[H+k], gates[2*H+k], gates[3*H+k]
			dnext := dstate[at] + dh[at]*o*(1-s.tanhC[at]*s.tanhC[at])
			d[k] = dnext * g * i * (1 - i)
			d[H+k] = dnext * s.c[at] * f * (1 - f)
			d[2*H+k] = dh[at] * s.tanhC[at] * o * (1 - o)
			d[3*H+k] = dnext * i * (1 - g*g)
			dstate[at] = dnext * f
		}
	}
	gates := matrix(B, 4*H, dgates)
	multiply(blas.Trans, blas.NoTrans, matrix(B, 2*H, s.xh), gates, matrix(2*H, 4*H, grad.lstm))
	clear(dxh)
	multiply(blas.NoTrans, blas.Trans, gates, matrix(2*H, 4*H, w.lstm), matrix(B, 2*H, dxh))
	for b := range B {
		copy(dx[b*H:(b+1)*H], dxh[b*2*H:])
		copy(dh[b*H:(b+1)*H], dxh[b*2*H+H:])
	}
}
