// Package nas searches the architectures of neural networks: it knows how a network is put together from Katib's nasConfig, how
// trials are told of one (Katib's texts), and the algorithms enas and darts. How a network is trained it does not know.
package nas

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"qalam/space"
	"qalam/suggest"
)

// What a network may be made of, so that a description of a few lines cannot ask for gigabytes.
const (
	MaxLayers     = 100    // layers of one network
	MaxOperations = 10_000 // concrete operations among which a layer chooses
)

// operation is one concrete operation: a kind of layer with a value for each of its parameters.
type operation struct {
	kind   string // Katib's opt_type
	values []value
}

// value is one parameter of a concrete operation.
type value struct {
	name, text string
	literal    string // as JSON has it: a listed value is a text, a number a number
}

// operations lists the concrete operations of an architecture in Katib's order: operation by operation, every combination of its
// parameters' values, the last parameter changing fastest.
func operations(a *suggest.Architecture) ([]operation, error) {
	var all []operation
	for i, o := range a.Operations {
		s, err := space.New(o.Parameters)
		if err != nil {
			return nil, fmt.Errorf("operation %d, %s: %w", i+1, o.Type, err)
		}
		n, finite := s.Size()
		if !finite {
			return nil, fmt.Errorf("operation %d, %s: a parameter takes any number: give it a step or a list", i+1, o.Type)
		}
		if n > MaxOperations-uint64(len(all)) {
			return nil, fmt.Errorf("the operations and their parameters make more than %d combinations: list fewer values", MaxOperations)
		}
		for k := range n {
			all = append(all, concrete(o.Type, s, s.At(k)))
		}
	}
	return all, nil
}

func concrete(kind string, s *space.Space, a space.Assignment) operation {
	o := operation{kind: kind}
	for i, p := range s.Parameters() {
		v := value{name: p.Name, text: s.Text(i, a[i])}
		switch p.Type {
		case space.Int:
			v.literal = strconv.FormatFloat(a[i], 'f', 0, 64)
		case space.Double:
			v.literal = pythonFloat(a[i])
		default:
			v.literal = pythonText(v.text)
		}
		o.values = append(o.values, v)
	}
	return o
}

// Space is how networks of an architecture can be put together, written as the algorithm's trials expect it; given are its
// settings as the user wrote them.
//
// The networks of enas, and of every algorithm that searches parameters, are chains of Layers layers. The space has, layer by
// layer, the operation ("layer2.operation") and then for each earlier output but the last, which is always taken, whether the
// layer takes it as well ("layer2.skip0", where output 0 is the network's input). They are written as architecture and nn_config.
//
// The trials of darts search by themselves, so that its space is a single point, written as algorithm-settings, search-space and
// num-layers.
func Space(a *suggest.Architecture, algorithm string, given []suggest.GivenSetting) (*space.Space, error) {
	if a.Layers < 1 || a.Layers > MaxLayers {
		return nil, fmt.Errorf("a network of %d layers: give from 1 to %d", a.Layers, MaxLayers)
	}
	if len(a.Operations) == 0 {
		return nil, errors.New("there are no operations that a layer could be")
	}
	if algorithm == dartsName {
		return dartsSpace(a, given)
	}
	ops, err := operations(a)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(ops))
	for i, o := range ops {
		words := []string{strconv.Itoa(i), o.kind}
		for _, v := range o.values {
			words = append(words, v.name+"="+v.text)
		}
		texts[i] = strings.Join(words, " ")
	}
	var params []space.Parameter
	for layer := 1; layer <= a.Layers; layer++ {
		params = append(params, space.Parameter{Name: fmt.Sprintf("layer%d.operation", layer), Type: space.Categorical, List: texts})
		for j := range layer - 1 {
			params = append(params, space.Parameter{Name: fmt.Sprintf("layer%d.skip%d", layer, j), Type: space.Categorical, List: []string{"0", "1"}})
		}
	}
	s, err := space.New(params)
	if err != nil {
		return nil, err
	}
	w := newWriter(a, ops)
	return s.Encode(w.named), nil
}

// dimensions is how many numbers a network of that many layers has.
func dimensions(layers int) int { return layers + layers*(layers-1)/2 }
