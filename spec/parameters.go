package spec

import (
	"errors"
	"slices"
	"strings"

	"qalam/api/v1beta1"
	"qalam/space"
	"qalam/suggest"
)

// maxListed is the number of values that a parameter may list, and maxSteps the number of steps between its bounds.
const (
	maxListed = 10_000
	maxSteps  = 1e9
)

// parameters reads the search space. It reports whether the space could be made.
func (b *builder) parameters() bool {
	s := &b.wire.Spec
	switch {
	case len(s.Parameters) == 0 && s.NasConfig == nil:
		b.err("spec.parameters", "list what to search, or nothing can differ from trial to trial", "spec.parameters or spec.nasConfig must be specified")
		return false
	case len(s.Parameters) > 0 && s.NasConfig != nil:
		b.err("spec.nasConfig", "remove one of the two", "only one of spec.parameters and spec.nasConfig can be specified")
	case s.NasConfig != nil:
		return b.architecture(s.NasConfig)
	}
	before := len(b.faults.Errors())
	params := make([]space.Parameter, len(s.Parameters))
	for i := range s.Parameters {
		params[i] = b.parameter(&s.Parameters[i], i)
	}
	for i := range s.Parameters {
		params[i].When = b.when(&s.Parameters[i], i)
	}
	made, err := space.New(params)
	var faults space.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			b.spaceFault(f)
		}
	}
	b.out.Spec.Space = made
	return err == nil && len(b.faults.Errors()) == before && b.restrictions()
}

// spaceFault reports a fault of the space at its field. A stand-in for what could not be read has been reported before.
func (b *builder) spaceFault(f *space.Fault) {
	if b.stand[f.Index] {
		return
	}
	b.spaceFaultAt(f, item("spec.parameters", f.Index))
}

// spaceFaultAt reports a fault of the space at its field of the parameter at a path.
func (b *builder) spaceFaultAt(f *space.Fault, path string) {
	switch f.Field {
	case space.FieldName, space.FieldType, space.FieldWhen:
		path = field(path, string(f.Field))
	default:
		path = field(field(path, "feasibleSpace"), string(f.Field))
	}
	if f.Item >= 0 {
		path = item(path, f.Item)
	}
	problem, hint, _ := strings.Cut(f.Problem, ": ")
	b.err(path, hint, "%s", problem)
}

// parameter translates one parameter. Where it cannot be read, the fault is told and a stand-in is returned.
func (b *builder) parameter(p *v1beta1.ParameterSpec, index int) space.Parameter {
	out, ok := b.readParameter(p, item("spec.parameters", index))
	if !ok {
		b.stand[index] = true
		return space.Parameter{Name: p.Name, Type: space.Double, Max: 1}
	}
	return out
}

// readParameter translates the parameter at a path and reports whether it could be read.
func (b *builder) readParameter(p *v1beta1.ParameterSpec, path string) (out space.Parameter, ok bool) {
	out = space.Parameter{Name: p.Name, Type: space.Type(p.ParameterType), List: p.FeasibleSpace.List}
	if len(p.Name) > 128 || strings.ContainsAny(p.Name, "{}$ \t\r\n") {
		b.err(field(path, "name"), "", "a parameter's name must not hold spaces, braces or $, nor be longer than 128 characters")
	}
	f := &p.FeasibleSpace
	fs := field(path, "feasibleSpace")
	switch f.Distribution {
	case v1beta1.DistributionUnknown:
		b.warn(field(fs, "distribution"), "write uniform", "distribution unknown is taken for uniform")
	case v1beta1.DistributionUniform, v1beta1.DistributionLogUniform, v1beta1.DistributionNormal, v1beta1.DistributionLogNormal:
		out.Distribution = space.Distribution(f.Distribution)
	default:
		b.err(field(fs, "distribution"), oneOf(string(f.Distribution), "uniform", "logUniform", "normal", "logNormal"), "distribution: %s is not supported", f.Distribution)
	}
	bounds := f.Min != "" || f.Max != "" || f.Step != ""
	switch p.ParameterType {
	case v1beta1.ParameterTypeDouble, v1beta1.ParameterTypeInt:
		if len(f.List) > 0 && !bounds {
			out.Type = space.Discrete
			ok = b.listed(&out, f, p.ParameterType, fs)
			break
		}
		if len(f.List) > 0 {
			b.err(field(fs, "list"), "keep either the list, or min and max", "feasibleSpace.list is not supported for parameterType: %s", p.ParameterType)
			out.List = nil
		}
		ok = b.bounds(&out, f, p.ParameterType, fs)
	case v1beta1.ParameterTypeDiscrete, v1beta1.ParameterTypeCategorical:
		if bounds {
			b.err(fs, "list the values, or use parameterType double or int", "feasibleSpace .max, .min and .step is not supported for parameterType: %s", p.ParameterType)
		}
		ok = b.listed(&out, f, p.ParameterType, fs)
	default:
		hint := oneOf(string(p.ParameterType), "double", "int", "discrete", "categorical")
		switch p.ParameterType {
		case "float":
			hint = "float is v1alpha's name: write double"
		case "":
			hint = "say whether it is double, int, discrete or categorical"
		}
		b.err(field(path, "parameterType"), hint, "parameterType: %s is not supported", p.ParameterType)
		ok = false
	}
	return out, ok
}

// listed reads a list of values and reports whether it could.
func (b *builder) listed(out *space.Parameter, f *v1beta1.FeasibleSpace, typ v1beta1.ParameterType, path string) (ok bool) {
	if len(f.List) > maxListed {
		b.err(field(path, "list"), "", "the list has %d values, more than %d", len(f.List), maxListed)
		return false
	}
	if f.Distribution != v1beta1.DistributionUniform && f.Distribution != v1beta1.DistributionUnknown {
		b.warn(field(path, "distribution"), "remove it", "a list is always drawn from uniformly")
		out.Distribution = ""
	}
	ok = true
	if typ == v1beta1.ParameterTypeCategorical {
		return ok
	}
	for i, text := range f.List {
		_, problem := decimal(text)
		if problem == "" && typ == v1beta1.ParameterTypeInt {
			_, problem = integer(text, 64)
		}
		if problem != "" {
			b.err(item(field(path, "list"), i), "", "%s, not %q", problem, shorten(text))
			ok = false
		}
	}
	return ok
}

// bounds reads min, max and step and reports whether it could.
func (b *builder) bounds(out *space.Parameter, f *v1beta1.FeasibleSpace, typ v1beta1.ParameterType, path string) (ok bool) {
	ok = true
	if f.Min == "" || f.Max == "" {
		missing := "max"
		if f.Min == "" {
			missing = "min"
		}
		b.err(field(path, missing), "give both, or a list", "feasibleSpace.max or feasibleSpace.min must be specified for parameterType: %s", typ)
		ok = false
	}
	for _, x := range []struct {
		name, text string
		to         *float64
	}{{"min", f.Min, &out.Min}, {"max", f.Max, &out.Max}, {"step", f.Step, &out.Step}} {
		if x.text == "" {
			continue
		}
		v, problem := decimal(x.text)
		switch {
		case problem != "":
			b.err(field(path, x.name), "", "%s, not %q", problem, shorten(x.text))
			ok = false
		case x.name == "step" && v <= 0:
			b.err(field(path, x.name), "leave it out for no step", "must be greater than 0")
			ok = false
		}
		*x.to = v
	}
	if out.Step > 0 && (out.Max-out.Min)/out.Step > maxSteps {
		b.err(field(path, "step"), "raise it, or leave it out for no step", "there are more than %.0g steps between min and max", maxSteps)
		ok = false
	}
	return ok
}

// katibAlgorithms are those of Katib, which users know.
var katibAlgorithms = map[string]bool{
	"random": true, "grid": true, "tpe": true, "multivariate-tpe": true, "bayesianoptimization": true, "cmaes": true, "sobol": true,
	"hyperband": true, "pbt": true, "enas": true, "darts": true,
}

// DefaultAlgorithm searches parameters where the user names no algorithm, which Katib refuses.
const DefaultAlgorithm = "auto"

// defaultAlgorithm fills in the algorithm, where there is a default one to fill in.
func (b *builder) defaultAlgorithm() {
	s := &b.wire.Spec
	if _, err := b.o.Registry.Lookup(DefaultAlgorithm); err != nil || s.NasConfig != nil || b.bad["spec.algorithm"] {
		return
	}
	if s.Algorithm == nil {
		s.Algorithm = &v1beta1.AlgorithmSpec{}
	}
	if s.Algorithm.AlgorithmName == "" && !b.bad["spec.algorithm.algorithmName"] {
		s.Algorithm.AlgorithmName = DefaultAlgorithm
	}
}

// algorithm reads the search algorithm. spaceKnown says that there is a space to ask it about.
func (b *builder) algorithm(spaceKnown bool) {
	b.defaultAlgorithm()
	a := b.wire.Spec.Algorithm
	const path = "spec.algorithm"
	if a == nil {
		b.err(path, "", "must be specified")
		return
	}
	name := field(path, "algorithmName")
	if a.AlgorithmName == "" {
		b.err(name, "", "must be specified")
		return
	}
	entry, err := b.o.Registry.Lookup(a.AlgorithmName)
	if err != nil {
		b.unknownEntry(name, a.AlgorithmName, err, katibAlgorithms[a.AlgorithmName])
		return
	}
	given := make([]suggest.GivenSetting, len(a.AlgorithmSettings))
	for i, s := range a.AlgorithmSettings {
		given[i] = suggest.GivenSetting{Name: s.Name, Value: s.Value}
	}
	settings, ok := b.settings(field(path, "algorithmSettings"), entry.Settings, given)
	b.out.Spec.Algorithm.Name, b.out.Spec.Algorithm.Settings = a.AlgorithmName, settings
	if !spaceKnown || !ok {
		return
	}
	if problem := entry.Refuses(b.out.Spec.Problem(), settings); problem != "" {
		b.err(name, "", "algorithm %q cannot search this space: %s", a.AlgorithmName, problem)
	}
	b.budgetOfSearch(a.AlgorithmName)
}

// budgetOfSearch warns when the search cannot end, or cannot see all that it is made to see.
func (b *builder) budgetOfSearch(algorithm string) {
	s := &b.out.Spec
	if b.bad["spec.maxTrialCount"] || b.docs.search {
		return
	}
	size, finite := s.Space.Size()
	switch {
	case algorithm == "grid" && finite && s.MaxTrialCount != nil && size > uint64(*s.MaxTrialCount):
		b.warn("spec.maxTrialCount", "raise it to see the whole grid", "the grid has %d points, of which %d are tried", size, *s.MaxTrialCount)
	case algorithm == "grid" && finite && s.MaxTrialCount == nil && size > maxTrials:
		b.warn("spec.algorithm.algorithmName", "set maxTrialCount, or take larger steps", "the grid has %d points", size)
	case s.MaxTrialCount == nil && s.Objective.Goal == nil && !finite:
		b.warn("spec", "set maxTrialCount", "without maxTrialCount or a goal the experiment runs until you stop it")
	}
}

func (b *builder) earlyStopping() {
	e := b.wire.Spec.EarlyStopping
	const path = "spec.earlyStopping"
	if e == nil {
		return
	}
	name := field(path, "algorithmName")
	if e.AlgorithmName == "" {
		b.err(name, "", "must be specified")
		return
	}
	entry, err := b.o.Registry.LookupStopRule(e.AlgorithmName)
	if err != nil {
		b.unknownEntry(name, e.AlgorithmName, err, false)
		return
	}
	given := make([]suggest.GivenSetting, len(e.AlgorithmSettings))
	for i, s := range e.AlgorithmSettings {
		given[i] = suggest.GivenSetting{Name: s.Name, Value: s.Value}
	}
	settings, _ := b.settings(field(path, "algorithmSettings"), entry.Settings, given)
	counts := func(s suggest.Setting) bool { return s.Name == suggest.ObjectiveType }
	if slices.ContainsFunc(entry.Settings, counts) && settings[suggest.ObjectiveType] == "" {
		settings[suggest.ObjectiveType] = string(b.out.Spec.Objective.Direction)
	}
	b.out.Spec.EarlyStopping = named(e.AlgorithmName, settings)
}

// unknownEntry reports a name that the registry lacks. katib says that Katib has it.
func (b *builder) unknownEntry(path, name string, err error, katib bool) {
	var unknown *suggest.UnknownError
	if !errors.As(err, &unknown) {
		b.err(path, "", "%v", err)
		return
	}
	hint := "use one of " + strings.Join(unknown.Known, ", ")
	if unknown.Nearest != "" && !katib {
		hint = "did you mean " + unknown.Nearest + "?"
	}
	if katib {
		b.err(path, hint, "%s %q is one of Katib's that this version does not have yet", unknown.What, name)
		return
	}
	b.err(path, hint, "there is no %s %q", unknown.What, name)
}

// settings checks settings at their places. A setting that does not exist, and resembles none, is only warned of: Katib's
// algorithms pass over such a one.
func (b *builder) settings(path string, known []suggest.Setting, given []suggest.GivenSetting) (suggest.Settings, bool) {
	settings, err := suggest.ReadSettings(known, given)
	var faults suggest.SettingErrors
	errors.As(err, &faults)
	ok := true
	for _, f := range faults {
		problem, hint, _ := strings.Cut(f.Problem, ": ")
		if _, near, found := strings.Cut(f.Problem, "; "); found && f.Unknown {
			problem, _, _ = strings.Cut(f.Problem, "; ")
			b.err(field(item(path, f.Index), "name"), near, "setting %q: %s", f.Setting, problem)
			ok = false
			continue
		}
		if f.Unknown && !b.strict {
			b.warn(field(item(path, f.Index), "name"), hint, "setting %q: %s", f.Setting, problem)
			continue
		}
		where := "value"
		if f.Unknown {
			where = "name"
		}
		b.err(field(item(path, f.Index), where), hint, "setting %q: %s", f.Setting, problem)
		ok = false
	}
	return settings, ok
}
