package space

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// choices is a space with conditions of two levels: 3 optimizers, of which two have a momentum, of whose values one has a decay.
func choices(t testing.TB) *Space {
	t.Helper()
	s, err := New([]Parameter{
		{Name: "opt", Type: Categorical, List: []string{"sgd", "adam", "lbfgs"}},
		{Name: "momentum", Type: Discrete, List: []string{"0", "0.5", "0.9"}, When: []Condition{{"opt", []string{"sgd", "adam"}}}},
		{Name: "decay", Type: Int, Min: 1, Max: 4, When: []Condition{{"momentum", []string{"0.9"}}}},
		{Name: "layers", Type: Int, Min: 1, Max: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConditionsMakeParametersIdle(t *testing.T) {
	s := choices(t)
	for _, c := range []struct {
		a      Assignment
		active string
		want   string
	}{
		{Assignment{0, 2, 3, 1}, "[true true true true]", "[0 2 3 1]"},
		{Assignment{0, 1, 3, 1}, "[true true false true]", "[0 1 1 1]"},
		{Assignment{2, 2, 3, 2}, "[true false false true]", "[2 0 1 2]"},
	} {
		if got := fmt.Sprint(s.Active(c.a, nil)); got != c.active {
			t.Errorf("%v: active %s, want %s", c.a, got, c.active)
		}
		contained := s.Contains(c.a)
		got := fmt.Sprint(s.Canonical(c.a))
		if got != c.want || !s.Contains(c.a) || contained != (got == fmt.Sprint(c.want) && c.active == "[true true true true]") {
			t.Errorf("canonical %s, want %s; contained before: %v", got, c.want, contained)
		}
	}
	if s.Plain() || !s.Conditional() || fmt.Sprint(s.Parents(2)) != "[1]" || s.Parents(0) != nil {
		t.Error("the space does not know its conditions")
	}
}

// TestNextFindsEveryAssignmentOnce walks the whole space: 2·(2+4)·2 + 2 assignments of 72 combinations, fewer when restricted.
func TestNextFindsEveryAssignmentOnce(t *testing.T) {
	s := choices(t)
	few := s.Restrict(Restriction{"layers == 1", func(a Assignment) bool { return a[3] == 1 }})
	for _, c := range []struct {
		s    *Space
		want int
	}{{s, 26}, {few, 13}} {
		seen := map[string]bool{}
		size, _ := c.s.Size()
		for at, ok := uint64(0), false; at < size; {
			if at, ok = c.s.Next(at, 3); !ok {
				continue
			}
			a := c.s.At(at)
			if !c.s.Contains(a) || seen[fmt.Sprint(a)] {
				t.Fatalf("%v: contained %v, seen %v", a, c.s.Contains(a), seen[fmt.Sprint(a)])
			}
			seen[fmt.Sprint(a)] = true
			at++
		}
		if len(seen) != c.want {
			t.Errorf("%d assignments, want %d", len(seen), c.want)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 2000 {
			if a := c.s.Sample(rng); !seen[fmt.Sprint(a)] {
				t.Fatalf("Sample gives %v, which Next does not", a)
			}
		}
	}
}

func TestConditionFaults(t *testing.T) {
	for want, p := range map[string]Parameter{
		`names "nope", which is no parameter listed before`:  {When: []Condition{{"nope", []string{"1"}}}},
		`names "x", which is no parameter listed before`:     {When: []Condition{{"x", []string{"1"}}}},
		`lists no values of "opt"`:                           {When: []Condition{{"opt", nil}}},
		`value "rmsprop" of "opt" is not in the list sgd, a`: {When: []Condition{{"opt", []string{"rmsprop"}}}},
		`depends on "lr", which takes any number`:            {When: []Condition{{"lr", []string{"0.5"}}}},
	} {
		p.Name, p.Type, p.Max = "x", Double, 1
		_, err := New([]Parameter{{Name: "opt", Type: Categorical, List: []string{"sgd", "adam"}}, {Name: "lr", Type: Double, Max: 1}, p})
		var fault *Fault
		if !errors.As(err, &fault) || fault.Field != FieldWhen || fault.Index != 2 || fault.Item != 0 || !strings.Contains(fault.Problem, want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestEncodeWritesAssignments(t *testing.T) {
	s := choices(t).Encode(func(a Assignment) []Named { return []Named{{"architecture", fmt.Sprint(a)}} })
	if got := s.Named(Assignment{0, 0, 1, 1}); len(got) != 1 || got[0].Value != "[0 0 1 1]" {
		t.Errorf("got %v", got)
	}
	if got := fmt.Sprint(s.Names(), choices(t).Names()); got != "[architecture] [opt momentum decay layers]" {
		t.Errorf("names %s", got)
	}
}

func TestIdleParametersNeedNoValue(t *testing.T) {
	s := choices(t)
	for _, c := range []struct {
		given string
		want  string // the assignment, or what the error says
		named string
	}{
		{"opt=lbfgs layers=2", "[2 0 1 2]", "[{opt lbfgs} {layers 2}]"},
		{"layers=1 decay=3 momentum=0.9 opt=adam", "[1 2 3 1]", "[{opt adam} {momentum 0.9} {decay 3} {layers 1}]"},
		{"opt=sgd momentum=0.5 decay=4 layers=1", "[0 1 1 1]", "[{opt sgd} {momentum 0.5} {layers 1}]"},
		{"opt=sgd layers=1", `parameter "momentum" has no value: add one`, ""},
		{"opt=sgd momentum=0.9 layers=1", `parameter "decay" has no value: add one`, ""},
		{"opt=lbfgs momentum=7 layers=1", `parameter "momentum": value "7" is not in the list 0, 0.5, 0.9`, ""},
	} {
		var named []Named
		for _, f := range strings.Fields(c.given) {
			name, value, _ := strings.Cut(f, "=")
			named = append(named, Named{Name: name, Value: value})
		}
		a, err := s.Parse(named)
		got := fmt.Sprint(a)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.given, got, c.want)
		}
		if err == nil && fmt.Sprint(s.NamedActive(a)) != c.named {
			t.Errorf("%s: active %v, want %s", c.given, s.NamedActive(a), c.named)
		}
	}
}
