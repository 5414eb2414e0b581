package spec

import (
	"errors"
	"slices"
	"strconv"

	"qalam/api/v1beta1"
	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/nas"
)

// architecture reads the networks to search. It reports whether a space could be made of them.
func (b *builder) architecture(n *v1beta1.NasConfig) bool {
	const path = "spec.nasConfig"
	before := len(b.faults.Errors())
	var a v1beta1.AlgorithmSpec
	if given := b.wire.Spec.Algorithm; given != nil {
		a = *given
	}
	out := &suggest.Architecture{}
	b.graph(out, &n.GraphConfig, a.AlgorithmName == "darts")
	if len(n.Operations) == 0 {
		b.err(path+".operations", "list what a layer can be", "Missing Operations in nasConfig")
	}
	for i := range n.Operations {
		out.Operations = append(out.Operations, b.operation(&n.Operations[i], item(path+".operations", i), a.AlgorithmName == "darts"))
	}
	if len(b.faults.Errors()) > before {
		return false
	}
	given := make([]suggest.GivenSetting, len(a.AlgorithmSettings))
	for i, s := range a.AlgorithmSettings {
		given[i] = suggest.GivenSetting{Name: s.Name, Value: s.Value}
	}
	made, err := nas.Space(out, a.AlgorithmName, given)
	if err != nil {
		b.err(path, "", "%v", err)
		return false
	}
	b.out.Spec.Space, b.out.Spec.Architecture = made, out
	return true
}

// graph reads the outline of the networks. sizeless says that the trials know the sizes themselves.
func (b *builder) graph(out *suggest.Architecture, g *v1beta1.GraphConfig, sizeless bool) {
	const path = "spec.nasConfig.graphConfig"
	switch {
	case g.NumLayers == nil:
		b.err(path+".numLayers", "say how many layers a network has", "Missing NumLayers in GraphConfig")
	case *g.NumLayers < 1 || *g.NumLayers > nas.MaxLayers:
		b.err(path+".numLayers", "give from 1 to "+strconv.Itoa(nas.MaxLayers), "a network cannot have %d layers", *g.NumLayers)
	default:
		out.Layers = int(*g.NumLayers)
	}
	for _, x := range []struct {
		name, katib string
		sizes       []int32
		to          *[]int
	}{{"inputSizes", "InputSizes", g.InputSizes, &out.InputSizes}, {"outputSizes", "OutputSizes", g.OutputSizes, &out.OutputSizes}} {
		if len(x.sizes) == 0 && !sizeless {
			b.err(path+"."+x.name, "list the size in every dimension", "Missing %s in GraphConfig", x.katib)
		}
		for i, n := range x.sizes {
			if n < 1 {
				b.err(item(path+"."+x.name, i), "", "must be greater than 0")
			}
			*x.to = append(*x.to, int(n))
		}
	}
}

// operation reads one kind of layer. Its parameters take values that can be counted: a network is made of such. filtered says that
// all but the skip connection need the size of a filter.
func (b *builder) operation(o *v1beta1.Operation, path string, filtered bool) suggest.Operation {
	if o.OperationType == "" {
		b.err(field(path, "operationType"), "name it as the trial's program does", "Missing operationType in Operation")
	}
	if len(o.Parameters) == 0 && filtered && o.OperationType != "skip_connection" {
		b.err(field(path, "parameters"), "list the sizes of its filter", "Missing ParameterConfigs in Operation")
	}
	out := suggest.Operation{Type: o.OperationType}
	var stand []int
	for i := range o.Parameters {
		p := &o.Parameters[i]
		at := item(field(path, "parameters"), i)
		read, ok := b.readParameter(p, at)
		if p.ParameterType == v1beta1.ParameterTypeDouble && len(p.FeasibleSpace.List) == 0 && p.FeasibleSpace.Step == "" {
			b.err(field(field(at, "feasibleSpace"), "step"), "give the distance between its values", "Step parameter should be > 0 in ParameterConfig.feasibleSpace")
			ok = false
		}
		if !ok {
			stand = append(stand, i)
			read = space.Parameter{Name: p.Name, Type: space.Int, Max: 1}
		}
		out.Parameters = append(out.Parameters, read)
	}
	var faults space.Faults
	if _, err := space.New(out.Parameters); errors.As(err, &faults) {
		for _, f := range faults {
			if !slices.Contains(stand, f.Index) {
				b.spaceFaultAt(f, item(field(path, "parameters"), f.Index))
			}
		}
	}
	return out
}
