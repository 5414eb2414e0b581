package main

import (
	"math"
	"math/rand/v2"
)

// network maps an image to the probabilities of the ten digits through one hidden layer of tanh units. The last weight
// of every unit is its bias.
type network struct {
	hidden [][]float64 // units × (pixels + 1)
	output [][]float64 // classes × (units + 1)
	random *rand.Rand
}

// newNetwork draws the weights uniformly from ±1/√inputs.
func newNetwork(units int, seed uint64) *network {
	n := &network{random: rand.New(rand.NewPCG(seed, 0))}
	layer := func(rows, inputs int) [][]float64 {
		bound := 1 / math.Sqrt(float64(inputs))
		weights := make([][]float64, rows)
		for i := range weights {
			weights[i] = make([]float64, inputs+1)
			for j := range weights[i] {
				weights[i][j] = bound * (2*n.random.Float64() - 1)
			}
		}
		return weights
	}
	n.hidden, n.output = layer(units, pixels), layer(classes, units)
	return n
}

// forward returns the activations of the hidden units and the probabilities of the digits.
func (n *network) forward(image []float64) (units, probabilities []float64) {
	units = make([]float64, len(n.hidden))
	for i, weights := range n.hidden {
		units[i] = math.Tanh(affine(weights, image))
	}
	probabilities = make([]float64, classes)
	top, total := math.Inf(-1), 0.0
	for k, weights := range n.output {
		probabilities[k] = affine(weights, units)
		top = max(top, probabilities[k])
	}
	for k, logit := range probabilities {
		probabilities[k] = math.Exp(logit - top)
		total += probabilities[k]
	}
	for k := range probabilities {
		probabilities[k] /= total
	}
	return units, probabilities
}

// step moves the weights against the gradient of one example's cross-entropy.
func (n *network) step(e *example, rate float64) {
	units, slopes := n.forward(e.image[:])
	slopes[e.digit]-- // ∂loss/∂logit = probability − truth
	back := make([]float64, len(units))
	for k, weights := range n.output {
		for i, unit := range units {
			back[i] += slopes[k] * weights[i]
			weights[i] -= rate * slopes[k] * unit
		}
		weights[len(units)] -= rate * slopes[k]
	}
	for i, weights := range n.hidden {
		slope := back[i] * (1 - units[i]*units[i])
		for j, pixel := range e.image {
			weights[j] -= rate * slope * pixel
		}
		weights[pixels] -= rate * slope
	}
}

// train takes a step for each example, in an order drawn anew.
func (n *network) train(examples []example, rate float64) {
	for _, i := range n.random.Perm(len(examples)) {
		n.step(&examples[i], rate)
	}
}

// evaluate returns the mean cross-entropy and the share of examples whose digit is the most probable.
func (n *network) evaluate(examples []example) (loss, accuracy float64) {
	for i := range examples {
		e := &examples[i]
		_, p := n.forward(e.image[:])
		loss -= math.Log(p[e.digit])
		best := 0
		for k := range p {
			if p[k] > p[best] {
				best = k
			}
		}
		if best == e.digit {
			accuracy++
		}
	}
	count := float64(len(examples))
	return loss / count, accuracy / count
}

// affine returns weights · (inputs, 1).
func affine(weights, inputs []float64) float64 {
	sum := weights[len(inputs)]
	for i, input := range inputs {
		sum += weights[i] * input
	}
	return sum
}
