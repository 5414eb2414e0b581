package spec

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"qalam/api/v1beta1"
	"qalam/experiment"
	"qalam/space"
	"qalam/suggest"
)

// when reads the conditions of a parameter. What names a parameter that does not exist, or that could not be read, is left out.
func (b *builder) when(p *v1beta1.ParameterSpec, index int) (out []space.Condition) {
	var names []string
	for _, other := range b.wire.Spec.Parameters {
		names = append(names, other.Name)
	}
	for k, c := range p.When {
		path := item(field(item("spec.parameters", index), "when"), k)
		i := slices.Index(names, c.Parameter)
		switch {
		case c.Parameter == "":
			b.err(field(path, "parameter"), "name the parameter on which this one depends", "must be specified")
		case i < 0:
			b.err(field(path, "parameter"), oneOf(c.Parameter, names...), "there is no parameter %q", c.Parameter)
		case b.stand[i]:
			continue
		}
		if c.Parameter == "" || i < 0 {
			b.stand[index] = true // of what follows nothing is told
			continue
		}
		out = append(out, space.Condition{Parameter: c.Parameter, Values: c.Values})
	}
	return out
}

// enough is the number of draws, of so many, that must fulfil all constraints of parameters: with fewer a search would do little
// but look for assignments that do.
const (
	enough = 10
	draws  = 10_000
)

// restrictions reads the constraints of parameters into the space, and reports whether it could.
func (b *builder) restrictions() bool {
	list := b.wire.Spec.ParameterConstraints
	if len(list) == 0 {
		return true
	}
	const path = "spec.parameterConstraints"
	s := b.out.Spec.Space
	var compiled []space.Restriction
	var places []string
	for i, text := range list {
		r, fault := compileRestriction(s, text)
		if fault != nil {
			b.err(item(path, i), fault.hint, "%s", fault.message)
			continue
		}
		compiled, places = append(compiled, r), append(places, item(path, i))
	}
	if len(compiled) < len(list) {
		return false
	}
	held, together := heldShares(s, compiled)
	for i, n := range held {
		if n < enough {
			b.err(places[i], "relax it, or narrow the feasible spaces", "the constraint %s", share(n))
			return false
		}
	}
	if together < enough {
		b.err(path, "relax one, or narrow the feasible spaces", "the constraints together %s", strings.Replace(share(together), "holds", "hold", 1))
		return false
	}
	b.out.Spec.Space = s.Restrict(compiled...)
	return true
}

func share(n int) string {
	if n == 0 {
		return fmt.Sprintf("holds for none of %d random assignments", draws)
	}
	return fmt.Sprintf("holds for only %d of %d random assignments", n, draws)
}

// heldShares counts for how many of some draws each restriction holds, and all of them together.
func heldShares(s *space.Space, restrictions []space.Restriction) (each []int, all int) {
	each = make([]int, len(restrictions))
	rng := rand.New(rand.NewPCG(1, 2)) // always the same: what is refused is refused again
	for range draws {
		a, whole := s.Sample(rng), true
		for i, r := range restrictions {
			if r.Holds(a) {
				each[i]++
			} else {
				whole = false
			}
		}
		if whole {
			all++
		}
	}
	return each, all
}

// initialTrials reads the assignments that are to be tried first.
func (b *builder) initialTrials() {
	s := &b.out.Spec
	const path = "spec.initialTrials"
	if s.Architecture != nil {
		if len(b.wire.Spec.ParameterConstraints) > 0 {
			b.err("spec.parameterConstraints", "remove them", "constraints of parameters do not go with nasConfig")
		}
		if len(b.wire.Spec.InitialTrials) > 0 {
			b.err(path, "remove them", "initial trials do not go with nasConfig")
		}
		return
	}
	var names []string
	for _, p := range s.Space.Parameters() {
		names = append(names, p.Name)
	}
	for i, trial := range b.wire.Spec.InitialTrials {
		at := item(path, i)
		if a := b.initialTrial(trial, at, names); a != nil {
			s.Initial = append(s.Initial, a)
		}
	}
	if n := len(s.Initial); s.MaxTrialCount != nil && n > *s.MaxTrialCount {
		b.warn(path, "raise it, or remove some", "there are %d initial trials, but maxTrialCount is %d", n, *s.MaxTrialCount)
	}
}

// initialTrial reads one of them; nil where something is wrong with it.
func (b *builder) initialTrial(trial map[string]string, at string, names []string) space.Assignment {
	s := b.out.Spec.Space
	ok := true
	named := make([]space.Named, 0, len(trial))
	for _, name := range slices.Sorted(maps.Keys(trial)) {
		i := slices.Index(names, name)
		if i < 0 {
			b.err(field(at, name), oneOf(name, names...), "there is no parameter %q", name)
			ok = false
			continue
		}
		if why := s.Check(i, trial[name]); why != "" {
			b.err(field(at, name), "", "value %q %s", shorten(trial[name]), why)
			ok = false
		}
		named = append(named, space.Named{Name: name, Value: trial[name]})
	}
	if !ok {
		return nil
	}
	a, err := s.Parse(named)
	if err != nil {
		b.err(at, "", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil
	}
	if r := s.Broken(a); r != "" {
		b.err(at, "", "it breaks the constraint %s", r)
		return nil
	}
	return a
}

// repetition reads how far promising values are tried again. Whether the algorithm can is for that to say.
func (b *builder) repetition() {
	r := b.wire.Spec.Repetition
	if r == nil {
		return
	}
	const path = "spec.repetition"
	share, most := *r.Share, *r.MaxPerPoint
	if !(share >= 0 && share <= 0.5) {
		b.err(path+".share", "0.2 is usual; 0 tries nothing again", "must be from 0 to 0.5")
	}
	if most < 2 || most > 100 {
		b.err(path+".maxPerPoint", "", "must be from 2 to 100")
	}
	if b.out.Spec.Repetition = (suggest.Repetition{Share: share, Most: int(most)}); share == 0 {
		b.out.Spec.Repetition = suggest.NoRepetition()
	}
}

// warmStart reads the names of earlier experiments. Whether they exist is for those to say who have them.
func (b *builder) warmStart() {
	w := b.wire.Spec.WarmStart
	if w == nil {
		return
	}
	const path = "spec.warmStart.experiments"
	if len(w.Experiments) == 0 {
		b.err(path, "name some, or remove spec.warmStart", "must be specified")
	}
	if b.out.Spec.Architecture != nil {
		b.err("spec.warmStart", "remove it", "a warm start does not go with nasConfig")
	}
	for i, ref := range w.Experiments {
		namespace, name, qualified := strings.Cut(ref, "/")
		if !qualified {
			namespace, name = "default", ref
		}
		at := item(path, i)
		switch {
		case !experimentName().MatchString(name) || !dnsLabel().MatchString(namespace):
			b.err(at, "write NAME or NAMESPACE/NAME", "%q is not the name of an experiment", shorten(ref))
		case slices.Contains(w.Experiments[:i], ref):
			b.err(at, "remove one of the two", "%q is listed twice", ref)
		}
	}
	b.out.Spec.WarmStart = w.Experiments
}

// furtherObjectives reads the objectives besides the first one and the constraints. names are the metrics so far, to which theirs
// are added.
func (b *builder) furtherObjectives(o *v1beta1.ObjectiveSpec, out *experiment.Objective) {
	add := func(path, name string) {
		if name == "" {
			b.err(field(path, "metricName"), "", "must be specified")
			return
		}
		b.metricName(field(path, "metricName"), name)
		if name != o.ObjectiveMetricName && !slices.Contains(out.Additional, name) {
			out.Additional = append(out.Additional, name)
		}
	}
	out.Additional = slices.Clone(o.AdditionalMetricNames)
	for i, a := range o.AdditionalObjectives {
		path := item("spec.objective.additionalObjectives", i)
		if a.Type != v1beta1.ObjectiveTypeMinimize && a.Type != v1beta1.ObjectiveTypeMaximize {
			b.err(field(path, "type"), oneOf(string(a.Type), "minimize", "maximize"), "must be minimize or maximize")
		}
		twice := slices.ContainsFunc(out.Further, func(f experiment.Further) bool { return f.Metric == a.MetricName })
		if a.MetricName != "" && (twice || a.MetricName == o.ObjectiveMetricName) {
			b.err(field(path, "metricName"), "remove one of the two", "there are two objectives %q", a.MetricName)
		}
		add(path, a.MetricName)
		out.Further = append(out.Further, experiment.Further{Metric: a.MetricName, Direction: experiment.Direction(a.Type), Goal: a.Goal})
	}
	for i, c := range o.Constraints {
		path := item("spec.objective.constraints", i)
		switch {
		case c.Min == nil && c.Max == nil:
			b.err(path, "give the largest or the smallest value that is allowed", "max or min must be specified")
		case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
			b.err(field(path, "min"), "", "should be less than or equal to max, which is %v", *c.Max)
		}
		add(path, c.MetricName)
		out.Constraints = append(out.Constraints, experiment.Constraint{Metric: c.MetricName, Min: c.Min, Max: c.Max})
	}
}
