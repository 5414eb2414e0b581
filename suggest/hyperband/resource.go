package hyperband

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qalam/space"
	"qalam/suggest"
)

// resource is the parameter that says how long a trial trains, and the rungs at which trials are compared.
type resource struct {
	index   int       // of the parameter
	rungs   []float64 // its value in an assignment, by rung, in increasing order; at least one
	amounts []float64 // the number that stands for, by rung
}

// newResource reads the settings. problem says in one sentence what is wrong with them, or "".
//
// In Hyperband's letters the settings are R = r_l, the most that one trial gets, and η = eta; the rungs are R·η^-k for k from s_max to
// 0, each led to the nearest feasible value and no two to the same one. (Katib cuts off, int(r·η^i), so that of 51 epochs the first rung is
// at 1 instead of 1.9, which says less and costs the second rung a factor of 5.)
func newResource(s *space.Space, settings suggest.Settings) (r resource, problem string) {
	name := settings["resource_name"]
	params := s.Parameters()
	r.index = slices.IndexFunc(params, func(p space.Parameter) bool { return p.Name == name })
	var numeric []string
	for i, p := range params {
		if p.Type != space.Categorical && s.Parents(i) == nil {
			numeric = append(numeric, p.Name)
		}
	}
	use := "use one of " + strings.Join(numeric, ", ")
	switch {
	case len(numeric) == 0:
		return r, "no parameter can be the resource: add a numeric one, such as the number of epochs"
	case name == "":
		return r, "the setting resource_name must name the parameter that says how long a trial trains: " + use
	case r.index < 0:
		return r, fmt.Sprintf("resource_name is %q, which is no parameter: %s", name, use)
	case !slices.Contains(numeric, name):
		return r, fmt.Sprintf("resource_name is %q, which is not a number in every assignment: %s", name, use)
	}
	for i := range params {
		if slices.Contains(s.Parents(i), r.index) {
			return r, fmt.Sprintf("%q is the resource and %q depends on it: remove that condition", name, params[i].Name)
		}
	}
	low, high := bounds(s, r.index, &params[r.index])
	R, eta := settings.Float("r_l"), settings.Float("eta")
	if settings["r_l"] == "" {
		R = high
	}
	if R < low || !(R > 0) {
		return r, fmt.Sprintf("r_l, the most that a trial gets of %q, is %g: make it positive and at least %g, its smallest value", name, R, low)
	}
	R = min(R, high)
	least := settings.Float("min_resource")
	if settings["min_resource"] == "" {
		least = min(1, R) // Katib's
	}
	if least = max(least, low); !(least > 0) || least > R {
		least = R
	}
	sMax := int(math.Floor(math.Log(R/least)/math.Log(eta) + 1e-9))
	for k := range min(sMax, 60) + 1 {
		at, amount := nearest(s, r.index, &params[r.index], R*math.Pow(eta, float64(k-min(sMax, 60))))
		if n := len(r.rungs); n == 0 || at != r.rungs[n-1] {
			r.rungs, r.amounts = append(r.rungs, at), append(r.amounts, amount)
		}
	}
	return r, ""
}

// bounds are the smallest and the largest number of a parameter.
func bounds(s *space.Space, i int, p *space.Parameter) (low, high float64) {
	if p.Type == space.Discrete {
		numbers := s.Numbers(i)
		return numbers[0], numbers[len(numbers)-1]
	}
	return p.Min, p.Max
}

// nearest is the feasible value of parameter i that is nearest to an amount, the smaller one of two, and the number that stands for.
func nearest(s *space.Space, i int, p *space.Parameter, amount float64) (value, number float64) {
	if p.Type == space.Discrete {
		numbers := s.Numbers(i)
		k := 0
		for k+1 < len(numbers) && numbers[k+1]-amount < (amount-numbers[k])*(1-1e-12) {
			k++
		}
		return float64(k), numbers[k]
	}
	amount = min(max(amount, p.Min), p.Max)
	if p.Step > 0 {
		amount = p.Min + p.Step*math.Ceil((amount-p.Min)/p.Step-0.5-1e-9)
		// The space's own arithmetic decides which float64 the step is.
		a := make(space.Assignment, s.Len())
		u := make([]float64, s.Len())
		for j := range u {
			u[j] = 0.5
		}
		copy(a, s.FromUnit(u))
		a[i] = min(max(amount, p.Min), p.Max)
		number = s.FromUnit(s.ToUnit(a, u))[i]
		return number, number
	}
	return amount, amount
}

// rungOf is the highest rung that a value of the parameter reaches, or -1.
func (r *resource) rungOf(value float64) int {
	k := -1
	for k+1 < len(r.rungs) && r.rungs[k+1] <= value {
		k++
	}
	return k
}

// fixed is the space with the resource fixed at the last rung: what models search. The assignments have the same length; Discrete
// is index 0 there.
func (r *resource) fixed(s *space.Space) (*space.Space, error) {
	params := s.Parameters()
	p := &params[r.index]
	top := r.rungs[len(r.rungs)-1]
	if p.Type == space.Discrete {
		p.List = []string{s.Values(r.index)[int(top)]}
	} else {
		p.Min, p.Max, p.Step = top, top, 0
	}
	out, err := space.New(params)
	if err != nil {
		return nil, err
	}
	if s.Plain() {
		return out, nil
	}
	return out.Restrict(space.Restriction{Text: "the experiment's own restrictions", Holds: func(a space.Assignment) bool {
		return s.Allows(r.with(a, top))
	}}), nil
}

// with is a copy of an assignment with another value of the resource.
func (r *resource) with(a space.Assignment, value float64) space.Assignment {
	a = slices.Clone(a)
	a[r.index] = value
	return a
}
