package suggesttest

import (
	"fmt"
	"testing"

	"qalam/space"
)

// namedSpace is one space that every algorithm must search (or refuse by its Supports).
type namedSpace struct {
	name  string
	space *space.Space
}

func newSpace(t testing.TB, params []space.Parameter) *space.Space {
	t.Helper()
	s, err := space.New(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// spaces covers every type, distribution, step and logarithm, spaces of one point, of one parameter and of two hundred.
func spaces(t testing.TB) []namedSpace {
	t.Helper()
	var all []namedSpace
	add := func(name string, params ...space.Parameter) {
		for i := range params {
			if params[i].Name == "" {
				params[i].Name = fmt.Sprintf("p%d", i)
			}
		}
		all = append(all, namedSpace{name, newSpace(t, params)})
	}
	for _, d := range []space.Distribution{space.Uniform, space.LogUniform, space.Normal, space.LogNormal} {
		add(fmt.Sprintf("double %s", d), space.Parameter{Type: space.Double, Min: 0.01, Max: 2, Distribution: d})
		add(fmt.Sprintf("stepped double %s", d), space.Parameter{Type: space.Double, Min: 0.01, Max: 0.5, Step: 0.02, Distribution: d})
		add(fmt.Sprintf("int %s", d), space.Parameter{Type: space.Int, Min: 1, Max: 1000, Distribution: d})
		add(fmt.Sprintf("stepped int %s", d), space.Parameter{Type: space.Int, Min: 16, Max: 100, Step: 16, Distribution: d})
	}
	add("negative double", space.Parameter{Type: space.Double, Min: -5, Max: -1})
	add("wide log", space.Parameter{Type: space.Double, Min: 1e-300, Max: 1e300, Distribution: space.LogUniform})
	add("wide int", space.Parameter{Type: space.Int, Min: -1 << 53, Max: 1 << 53})
	add("discrete", space.Parameter{Type: space.Discrete, List: []string{"1e-3", "0.1", "-4", "7"}})
	add("categorical", space.Parameter{Type: space.Categorical, List: []string{"sgd", "adam", "ftrl"}})
	add("one point",
		space.Parameter{Type: space.Double, Min: 0.5, Max: 0.5, Distribution: space.LogNormal},
		space.Parameter{Type: space.Int, Min: 3, Max: 3, Distribution: space.Normal},
		space.Parameter{Type: space.Discrete, List: []string{"2"}}, space.Parameter{Type: space.Categorical, List: []string{"x"}})
	add("two points", space.Parameter{Type: space.Categorical, List: []string{"yes", "no"}})
	all = append(all, namedSpace{"finite", finiteSpace(t)}, namedSpace{"mixed", mixedSpace(t)}, namedSpace{"countable", countableSpace(t)})
	for _, step := range []float64{0, 0.05} {
		add(fmt.Sprintf("conditional, step %g", step), conditionalParameters(step)...)
	}
	all = append(all, namedSpace{"restricted", restrictedSpace(t)})
	wide, counted := make([]space.Parameter, 200), make([]space.Parameter, 200)
	for i := range wide {
		wide[i] = space.Parameter{Type: space.Double, Max: 1}
		counted[i] = space.Parameter{Type: space.Int, Max: float64(i % 5)}
	}
	add("two hundred doubles", wide...)
	add("two hundred ints", counted...)
	return all
}

// finiteSpace has 24 points.
func finiteSpace(t testing.TB) *space.Space {
	return newSpace(t, []space.Parameter{
		{Name: "optimizer", Type: space.Categorical, List: []string{"sgd", "adam", "ftrl"}},
		{Name: "layers", Type: space.Int, Min: 1, Max: 2},
		{Name: "dropout", Type: space.Double, Min: 0.1, Max: 0.4, Step: 0.1},
	})
}

// mixedSpace is what a training job tunes: eight parameters of every kind.
func mixedSpace(t testing.TB) *space.Space { return newSpace(t, mixedParameters(0)) }

// countableSpace is the mixed space with a step for every real: 3.2e18 points.
func countableSpace(t testing.TB) *space.Space { return newSpace(t, mixedParameters(1e-5)) }

func mixedParameters(step float64) []space.Parameter {
	return []space.Parameter{
		{Name: "lr", Type: space.Double, Min: 1e-5, Max: 1e-1, Step: step, Distribution: space.LogUniform},
		{Name: "momentum", Type: space.Double, Min: 0, Max: 1, Step: step},
		{Name: "dropout", Type: space.Double, Min: 0, Max: 0.5, Step: 0.05, Distribution: space.Normal},
		{Name: "layers", Type: space.Int, Min: 1, Max: 8},
		{Name: "width", Type: space.Int, Min: 16, Max: 4096, Distribution: space.LogUniform},
		{Name: "decay", Type: space.Double, Min: 1e-6, Max: 1e-2, Step: step, Distribution: space.LogNormal},
		{Name: "batch", Type: space.Discrete, List: []string{"16", "32", "64"}},
		{Name: "optimizer", Type: space.Categorical, List: []string{"sgd", "adam", "ftrl"}},
	}
}

// conditionalParameters are a choice of model with parameters of each, of which one depends on another again.
func conditionalParameters(step float64) []space.Parameter {
	when := func(parameter string, values ...string) []space.Condition {
		return []space.Condition{{Parameter: parameter, Values: values}}
	}
	return []space.Parameter{
		{Name: "model", Type: space.Categorical, List: []string{"linear", "tree", "net"}},
		{Name: "alpha", Type: space.Double, Min: 0.1, Max: 1, Step: step, When: when("model", "linear", "net")},
		{Name: "depth", Type: space.Int, Min: 1, Max: 4, When: when("model", "tree")},
		{Name: "layers", Type: space.Int, Min: 1, Max: 3, When: when("model", "net")},
		{Name: "skip", Type: space.Categorical, List: []string{"no", "yes"}, When: when("layers", "2", "3")},
	}
}

// restrictedSpace is a space of which a restriction leaves about a half.
func restrictedSpace(t testing.TB) *space.Space {
	s := newSpace(t, []space.Parameter{
		{Name: "x", Type: space.Double, Max: 1},
		{Name: "n", Type: space.Int, Max: 10},
	})
	return s.Restrict(space.Restriction{Text: "n <= 10*x", Holds: func(a space.Assignment) bool { return a[1] <= 10*a[0] }})
}
