package nas

import (
	"math"

	"gonum.org/v1/gonum/blas"
)

// goal is the loss whose gradient is wanted, summed over the batch:
//
//	Σ_b weight_b (-log π(a_b)) - entropy H(π along a_b) + skip KL(σ(2z) ‖ target) averaged over the layers that have skip bits
//
// H is the sum, over the choices of the sequence, of -Σ_a p_a log p_a; KL the divergence of a skip bit from one that is set with
// probability target, summed over a layer's bits.
type goal struct {
	weight  []float64 // by sequence
	entropy float64
	skip    float64
	target  float64
}

// backward is room for the gradient.
type backward struct {
	grad            weights
	dinput, dh, dc  []float64
	dgates, dxh, dz []float64
	dquery          []float64
	danchor, dout   [][]float64 // by layer, B × H: of h2 W1, and of h2 where later layers take it
}

func newBackward(c *controller, B int) *backward {
	room := func(n int) []float64 { return make([]float64, n) }
	d := &backward{
		grad: newWeights(c.N, c.H), dinput: room(B * c.H), dh: room(B * c.H), dc: room(B * c.H), dgates: room(B * 4 * c.H),
		dxh: room(B * 2 * c.H), dz: room(B * c.N), dquery: room(B * c.H),
	}
	for range c.L {
		d.danchor, d.dout = append(d.danchor, room(B*c.H)), append(d.dout, room(B*c.H))
	}
	return d
}

// loss is the value of the goal after run.
func (r *rollout) loss(o goal) float64 {
	c := r.c
	sum := 0.0
	for b := range r.B {
		sum -= o.weight[b] * r.logP[b]
		for l := range c.L {
			for _, p := range r.p[l][b*c.N : (b+1)*c.N] {
				sum += o.entropy * pLogP(p)
			}
			for _, z := range r.zs[l][b*l : (b+1)*l] {
				p, logP, logQ := sigmoid(2*z), logSigmoid(2*z), logSigmoid(-2*z)
				sum += o.entropy * (p*logP + (1-p)*logQ)
				sum += o.skip / float64(c.L-1) * (p*(logP-math.Log(o.target)) + (1-p)*(logQ-math.Log(1-o.target)))
			}
		}
	}
	return sum
}

// pLogP is p log p, which is 0 at 0.
func pLogP(p float64) float64 {
	if p == 0 {
		return 0
	}
	return p * math.Log(p)
}

// backward leads the gradient of the goal back through the batch, from the last layer to the first. The result is valid until the
// next call.
func (r *rollout) backward(o goal) *weights {
	c := r.c
	B, H := r.B, c.H
	if r.gradient == nil {
		r.gradient = newBackward(c, B)
	}
	d := r.gradient
	clear(d.grad.theta)
	clear(d.dinput)
	clear(d.dh)
	clear(d.dc)
	for l := range c.L {
		clear(d.danchor[l])
		clear(d.dout[l])
	}
	for l := c.L - 1; l >= 0; l-- {
		r.backInput(d, l)
		h2 := matrix(B, H, r.second[l].h)
		multiply(blas.Trans, blas.NoTrans, h2, matrix(B, H, d.danchor[l]), matrix(H, H, d.grad.w1))
		multiply(blas.NoTrans, blas.Trans, matrix(B, H, d.danchor[l]), matrix(H, H, c.w1), matrix(B, H, d.dh))
		for i, v := range d.dout[l] {
			d.dh[i] += v
		}
		if l > 0 {
			r.backSkips(d, l, &o)
		}
		r.second[l].backward(&c.weights, &d.grad, B, H, d.dinput, d.dh, d.dc, d.dgates, d.dxh)
		for b, op := range r.chosen[l] {
			row := d.grad.emb[op*H : (op+1)*H]
			for k, v := range d.dinput[b*H : (b+1)*H] {
				row[k] += v
			}
		}
		r.backOperations(d, l, &o)
		r.first[l].backward(&c.weights, &d.grad, B, H, d.dinput, d.dh, d.dc, d.dgates, d.dxh)
	}
	r.backG(d)
	return &d.grad
}

// backG adds the gradient of an input that was g.
func (r *rollout) backG(d *backward) {
	for b := range r.B {
		for k, v := range d.dinput[b*r.c.H : (b+1)*r.c.H] {
			d.grad.g[k] += v
		}
	}
}

// backInput leads the gradient of the input after layer l to what it was made of.
func (r *rollout) backInput(d *backward, l int) {
	if l == 0 {
		r.backG(d)
		return
	}
	H := r.c.H
	for b := range r.B {
		skips := r.skips[l][b*l : (b+1)*l]
		taken := 1.0
		for _, s := range skips {
			taken += s
		}
		for j, s := range skips {
			if s == 0 {
				continue
			}
			row := d.dout[j][b*H : (b+1)*H]
			for k, v := range d.dinput[b*H : (b+1)*H] {
				row[k] += v / taken
			}
		}
	}
}

// backSkips adds the gradient of layer l's skip bits: to dh that of h2, to danchor that of the earlier outputs.
func (r *rollout) backSkips(d *backward, l int, o *goal) {
	c := r.c
	B, H := r.B, c.H
	clear(d.dquery)
	prior := math.Log(o.target / (1 - o.target))
	for b := range B {
		dquery := d.dquery[b*H : (b+1)*H]
		for j := range l {
			at := b*l + j
			z := r.zs[l][at]
			p := sigmoid(2 * z)
			dz := 2*o.weight[b]*(p-r.skips[l][at]) + 4*o.entropy*z*p*(1-p)
			if o.skip != 0 {
				dz += o.skip / float64(c.L-1) * 2 * p * (1 - p) * (2*z - prior)
			}
			draw := dz * r.slopes[l][at]
			y, danchor := r.y[l][at*H:(at+1)*H], d.danchor[j][b*H:(b+1)*H]
			for k := range y {
				d.grad.v[k] += draw * y[k]
				before := draw * c.v[k] * (1 - y[k]*y[k])
				dquery[k] += before
				danchor[k] += before
			}
		}
	}
	multiply(blas.Trans, blas.NoTrans, matrix(B, H, r.second[l].h), matrix(B, H, d.dquery), matrix(H, H, d.grad.w2))
	multiply(blas.NoTrans, blas.Trans, matrix(B, H, d.dquery), matrix(H, H, c.w2), matrix(B, H, d.dh))
}

// backOperations adds to dh the gradient of the operation of layer l.
func (r *rollout) backOperations(d *backward, l int, o *goal) {
	c := r.c
	B, N := r.B, c.N
	for b := range B {
		p, slope, dz := r.p[l][b*N:(b+1)*N], r.slope[l][b*N:(b+1)*N], d.dz[b*N:(b+1)*N]
		entropy := 0.0
		if o.entropy != 0 {
			for _, q := range p {
				entropy -= pLogP(q)
			}
		}
		for a, q := range p {
			dz[a] = o.weight[b] * q
			if o.entropy != 0 {
				dz[a] += o.entropy * (pLogP(q) + q*entropy)
			}
		}
		dz[r.chosen[l][b]] -= o.weight[b]
		for a := range dz {
			dz[a] *= slope[a]
		}
	}
	multiply(blas.Trans, blas.NoTrans, matrix(B, c.H, r.first[l].h), matrix(B, N, d.dz), matrix(c.H, N, d.grad.soft))
	multiply(blas.NoTrans, blas.Trans, matrix(B, N, d.dz), matrix(c.H, N, c.soft), matrix(B, c.H, d.dh))
}
