package space

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustNew(t testing.TB, params ...Parameter) *Space {
	t.Helper()
	s, err := New(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewFindsEveryFault(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name   string
		params []Parameter
		want   []string // "index field item: part of the text"
	}{
		{"none", nil, nil},
		{"swapped", []Parameter{{Name: "lr", Type: Double, Min: 5, Max: 1}}, []string{`0 min -1: parameter "lr": min 5 is greater than max 1: swap them`}},
		{"nameless", []Parameter{{Type: Int, Max: 1}}, []string{"0 name -1: parameter 1: the name is empty"}},
		{
			"twice", []Parameter{{Name: "x", Type: Int}, {Name: "y", Type: Int}, {Name: "x", Type: Int}},
			[]string{`2 name -1: parameter "x": parameter 1 has the same name`},
		},
		{"type", []Parameter{{Name: "x", Type: "float"}}, []string{`0 parameterType -1: parameter "x": type "float" is not known`}},
		{"distribution", []Parameter{{Name: "x", Type: Categorical, List: []string{"a"}, Distribution: "loguniform"}}, []string{`0 distribution -1: parameter "x": distribution "loguniform" is not known`}},
		{"nan", []Parameter{{Name: "x", Type: Double, Min: nan, Max: inf, Step: -inf}}, []string{"0 min -1: ", "0 max -1: ", "0 step -1: "}},
		{"huge", []Parameter{{Name: "x", Type: Double, Min: -1.5e308, Max: 1}}, []string{"0 min -1: parameter \"x\": min -1.5e+308 is too large"}},
		{"apart", []Parameter{{Name: "x", Type: Double, Min: -1e308, Max: 1e308}}, []string{"0 max -1: "}},
		{"step", []Parameter{{Name: "x", Type: Double, Max: 1, Step: -0.1}}, []string{"0 step -1: parameter \"x\": step -0.1 is negative"}},
		{"fine", []Parameter{{Name: "x", Type: Double, Max: 1, Step: 1e-17}}, []string{"0 step -1: parameter \"x\": step 1e-17 is too small"}},
		{"finer", []Parameter{{Name: "x", Type: Double, Min: 1e16, Max: 1e16 + 100, Step: 0.5}}, []string{"0 step -1: "}},
		{"log", []Parameter{{Name: "x", Type: Double, Max: 1, Distribution: LogUniform}}, []string{"0 min -1: parameter \"x\": min 0 is not above 0"}},
		{"lognormal", []Parameter{{Name: "x", Type: Int, Min: -3, Max: 1, Distribution: LogNormal}}, []string{"0 min -1: parameter \"x\": min -3 is not above 0"}},
		{"whole", []Parameter{{Name: "x", Type: Int, Min: 0.5, Max: 3, Step: 1.5}}, []string{"0 min -1: parameter \"x\": min 0.5 is not a whole number", "0 step -1: "}},
		{"big", []Parameter{{Name: "x", Type: Int, Max: 1<<53 + 2}}, []string{"0 max -1: parameter \"x\": max 9007199254740994 is too large for type int"}},
		{"listed double", []Parameter{{Name: "x", Type: Double, Max: 1, List: []string{"1"}}}, []string{"0 list -1: "}},
		{"empty list", []Parameter{{Name: "x", Type: Categorical}}, []string{"0 list -1: parameter \"x\": the list is empty"}},
		{"bounded list", []Parameter{{Name: "x", Type: Discrete, Max: 1, List: []string{"1"}}}, []string{"0 max -1: "}},
		{
			"list", []Parameter{{Name: "x", Type: Discrete, List: []string{"1", "nan", "1.0", "0x10", "1", "1e999", "", "1_0", " 2"}}},
			[]string{
				`0 list 1: parameter "x": list entry 2, "nan", is not a number`, `0 list 2: parameter "x": list entry 3, "1.0", is the same number as entry 1`,
				"0 list 3: ", `0 list 4: parameter "x": list entry 5 repeats entry 1`, "0 list 5: parameter \"x\": list entry 6, \"1e999\", is too large", "0 list 6: ", "0 list 7: ",
			},
		},
		{"two parameters", []Parameter{{Name: "x", Type: Discrete}, {Name: "y", Type: Int, Min: 2, Max: 1}}, []string{"0 list -1: ", "1 min -1: "}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.params)
			var got Faults
			if err != nil && !errors.As(err, &got) {
				t.Fatalf("New returned a %T", err)
			}
			if len(got) != len(test.want) {
				t.Fatalf("got\n%v\nwant %d faults", err, len(test.want))
			}
			for i, fault := range got {
				var one *Fault
				if i == 0 && (!errors.As(err, &one) || one != fault) {
					t.Error("errors.As does not find the first fault")
				}
				place, text, _ := strings.Cut(test.want[i], ": ")
				if p := strings.Join([]string{string('0' + rune(fault.Index)), string(fault.Field), number(float64(fault.Item))}, " "); p != place {
					t.Errorf("fault %d is at %q, want %q", i, p, place)
				}
				if !strings.HasPrefix(fault.Error(), text) {
					t.Errorf("fault %d says %q, want %q…", i, fault.Error(), text)
				}
			}
		})
	}
}

// TestFeasibleValues lists every value of small parameters as it is written.
func TestFeasibleValues(t *testing.T) {
	tests := []struct {
		p    Parameter
		want string
	}{
		{Parameter{Type: Double, Min: 0.01, Max: 0.05, Step: 0.01}, "0.01 0.02 0.03 0.04 0.05"},
		{Parameter{Type: Double, Min: 0.01, Max: 0.05, Step: 0.02}, "0.01 0.03 0.05"},
		{Parameter{Type: Double, Min: 0.1, Max: 0.75, Step: 0.2}, "0.1 0.3 0.5 0.7"},
		{Parameter{Type: Double, Min: -0.3, Max: 0.3, Step: 0.1}, "-0.3 -0.2 -0.1 0 0.1 0.2 0.3"},
		{Parameter{Type: Double, Min: 1e-5, Max: 4e-5, Step: 1e-5, Distribution: LogUniform}, "0.00001 0.00002 0.00003 0.00004"},
		{Parameter{Type: Double, Min: 1e-30, Max: 3e-30, Step: 1e-30}, "1e-30 2e-30 3e-30"},
		{Parameter{Type: Double, Min: 1. / 3, Max: 1, Step: 1. / 3}, "0.3333333333333333 0.6666666666666666 1"},
		{Parameter{Type: Double, Min: 2, Max: 2}, "2"},
		{Parameter{Type: Double, Min: 2, Max: 3, Step: 5}, "2"},
		{Parameter{Type: Double, Min: 1e22, Max: 3e22, Step: 1e22}, "1e+22 2e+22 3e+22"},
		{Parameter{Type: Int, Min: -1, Max: 2}, "-1 0 1 2"},
		{Parameter{Type: Int, Min: 16, Max: 64, Step: 16, Distribution: LogUniform}, "16 32 48 64"},
		{Parameter{Type: Int, Min: 1 << 52, Max: 1 << 53, Step: 1 << 52}, "4503599627370496 9007199254740992"},
		{Parameter{Type: Discrete, List: []string{"1e-1", "-2", "0.05", " 1.50"}}, "-2|0.05|1e-1| 1.50"},
		{Parameter{Type: Categorical, List: []string{"sgd", "adam", "", "a b"}}, "sgd|adam||a b"},
	}
	for _, test := range tests {
		test.p.Name = "x"
		s := mustNew(t, test.p)
		n, finite := s.Size()
		if count, ok := s.Count(0); !finite || !ok || count != n {
			t.Errorf("%+v: Size %d %v, Count %d %v", test.p, n, finite, count, ok)
		}
		var got []string
		for i := range n {
			a := s.At(i)
			if !s.Contains(a) {
				t.Errorf("%+v: At(%d) = %v is not contained", test.p, i, a)
			}
			got = append(got, s.Text(0, a[0]))
		}
		sep := " "
		if strings.Contains(test.want, "|") {
			sep = "|"
		}
		if text := strings.Join(got, sep); text != test.want {
			t.Errorf("%+v: values %q, want %q", test.p, text, test.want)
		}
		if s.At(n) != nil {
			t.Errorf("%+v: a value beyond the last", test.p)
		}
	}
}

func TestText(t *testing.T) {
	s := mustNew(t,
		Parameter{Name: "real", Type: Double, Min: -1e300, Max: 1e300},
		Parameter{Name: "stepped", Type: Double, Min: 0, Max: 1, Step: 0.01},
		Parameter{Name: "int", Type: Int, Min: 0, Max: 1 << 53},
		Parameter{Name: "discrete", Type: Discrete, List: []string{"0.50", "1e3"}})
	tests := []struct {
		i    int
		v    float64
		want string
	}{
		{0, 0.1, "0.1"}, {0, 1e-8, "0.00000001"}, {0, 1e-20, "1e-20"}, {0, 123456789012, "123456789012"}, {0, math.Copysign(0, -1), "0"},
		{0, 1e21, "1e+21"}, {0, math.Inf(1), number(1e300)}, {0, 1. / 3, "0.3333333333333333"},
		{1, 0.1 + 0.2, "0.3"}, {1, 0.0299, "0.03"}, {1, 7, "1"}, {1, math.NaN(), "0"},
		{2, 1 << 53, "9007199254740992"}, {2, 1e6, "1000000"}, {2, 2.6, "3"},
		{3, 0, "0.50"}, {3, 1, "1e3"}, {3, 9, "1e3"}, {3, -1, "0.50"},
	}
	for _, test := range tests {
		if got := s.Text(test.i, test.v); got != test.want {
			t.Errorf("Text(%d, %v) = %q, want %q", test.i, test.v, got, test.want)
		}
	}
}

func TestParse(t *testing.T) {
	s := mustNew(t,
		Parameter{Name: "lr", Type: Double, Min: 0.01, Max: 0.05, Step: 0.01},
		Parameter{Name: "n", Type: Int, Min: 1, Max: 8},
		Parameter{Name: "d", Type: Discrete, List: []string{"0.50", "1e3"}},
		Parameter{Name: "c", Type: Categorical, List: []string{"sgd", "adam"}})
	got, err := s.Parse([]Named{{"c", "adam"}, {"d", "1000"}, {"n", "3.0"}, {"lr", " 0.030 "}})
	if diff := cmp.Diff(Assignment{0.03, 3, 1, 1}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	_, err = s.Parse([]Named{{"c", "Adam"}, {"d", "5"}, {"n", "1.5"}, {"n", "1"}, {"x", "1"}})
	want := []string{
		`parameter "c": value "Adam" is not in the list sgd, adam`,
		`parameter "d": value "5" is not in the list 0.50, 1e3`,
		`parameter "n": value "1.5" is not a multiple of step 1 from min 1; the nearest value is 2`,
		`parameter "n" has two values: remove one`,
		`"x" is not a parameter`,
		`parameter "lr" has no value: add one`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Parse says\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	for value, part := range map[string]string{"0.06": "not between min 0.01 and max 0.05", "NaN": "not a number", "1e999": "too large", "0x1p-5": "not a number", "0.015": "not a multiple of step"} {
		if _, err := s.Parse([]Named{{"lr", value}, {"n", "1"}, {"d", "1e3"}, {"c", "sgd"}}); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("lr = %s: %v, want %q", value, err, part)
		}
	}
}

func TestSizeSaturates(t *testing.T) {
	wide := Parameter{Type: Int, Min: -1 << 53, Max: 1 << 53}
	var params []Parameter
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		wide.Name = name
		params = append(params, wide)
	}
	params = append(params, Parameter{Name: "f", Type: Int, Min: 1, Max: 3})
	s := mustNew(t, params...)
	if n, finite := s.Size(); n != math.MaxUint64 || !finite {
		t.Errorf("Size = %d, %v", n, finite)
	}
	if n, _ := s.Count(0); n != 1<<54+1 {
		t.Errorf("Count = %d", n)
	}
	if a := s.At(math.MaxUint64); !s.Contains(a) {
		t.Errorf("At the last index is %v", a)
	}
	s = mustNew(t, append(params, Parameter{Name: "g", Type: Double, Max: 1})...)
	if n, finite := s.Size(); n != math.MaxUint64 || finite || s.At(0) != nil {
		t.Errorf("with a real: Size = %d, %v; At(0) = %v", n, finite, s.At(0))
	}
	s = mustNew(t)
	if n, finite := s.Size(); n != 1 || !finite || s.At(0) == nil || s.At(1) != nil {
		t.Errorf("without parameters: Size = %d, %v", n, finite)
	}
}

func TestAtIsLexicographic(t *testing.T) {
	s := mustNew(t,
		Parameter{Name: "c", Type: Categorical, List: []string{"b", "a"}},
		Parameter{Name: "x", Type: Int, Min: 0, Max: 2})
	var got []Assignment
	for i := range uint64(6) {
		got = append(got, s.At(i))
	}
	if diff := cmp.Diff([]Assignment{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSpaceIsImmutable(t *testing.T) {
	params := []Parameter{{Name: "c", Type: Categorical, List: []string{"b", "a"}}, {Name: "n", Type: Int, Max: 4}}
	s := mustNew(t, params...)
	params[0].List[0] = "changed"
	s.Parameters()[0].List[1] = "changed"
	s.Values(0)[1] = "changed"
	if got := s.Parameters(); got[0].List[0] != "b" || got[1].Step != 1 || got[1].Distribution != Uniform || s.Text(0, 1) != "a" {
		t.Errorf("parameters are %+v", got)
	}
	if s.Values(1) != nil || s.Len() != 2 {
		t.Errorf("Values of an int are %v", s.Values(1))
	}
}

func TestContains(t *testing.T) {
	s := mustNew(t,
		Parameter{Name: "x", Type: Double, Max: 1},
		Parameter{Name: "n", Type: Int, Max: 9, Step: 3},
		Parameter{Name: "c", Type: Categorical, List: []string{"a", "b"}})
	nan := math.NaN()
	for _, a := range []Assignment{nil, {0, 0}, {0, 0, 0, 0}, {nan, 0, 0}, {-0.1, 0, 0}, {1.1, 0, 0}, {0, 1, 0}, {0, 12, 0}, {0, nan, 0}, {0, 0, 2}, {0, 0, 0.5}, {0, 0, -1}, {0, 0, nan}, {0, math.Inf(1), 0}} {
		if s.Contains(a) {
			t.Errorf("%v is contained", a)
		}
	}
	if !s.Contains(Assignment{0.5, 6, 1}) {
		t.Error("a feasible assignment is not contained")
	}
}

func TestFromUnitTakesAnything(t *testing.T) {
	for _, d := range []Distribution{Uniform, LogUniform, Normal, LogNormal} {
		s := mustNew(t,
			Parameter{Name: "x", Type: Double, Min: 1, Max: 2, Distribution: d},
			Parameter{Name: "n", Type: Int, Min: 1, Max: 5, Distribution: d})
		for u, want := range map[float64]Assignment{0: {1, 1}, 1: {2, 5}, -3: {1, 1}, math.Inf(1): {2, 5}} {
			if diff := cmp.Diff(want, s.FromUnit([]float64{u, u})); diff != "" {
				t.Errorf("%s at %v: %s", d, u, diff)
			}
		}
		if a := s.FromUnit([]float64{math.NaN(), math.NaN()}); !s.Contains(a) {
			t.Errorf("%s at NaN: %v", d, a)
		}
	}
}

func TestHotPathsAllocateOnlyTheResult(t *testing.T) {
	s, rng, u := mustNew(t, benchmarkParameters...), rand.New(rand.NewPCG(1, 2)), make([]float64, len(benchmarkParameters))
	a := s.Sample(rng)
	for name, f := range map[string]func(){
		"Sample":   func() { s.Sample(rng) },
		"FromUnit": func() { s.FromUnit(u) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 1 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { s.ToUnit(a, u); s.Contains(a) }); n != 0 {
		t.Errorf("ToUnit and Contains allocate %v times", n)
	}
}

var benchmarkParameters = []Parameter{
	{Name: "lr", Type: Double, Min: 1e-5, Max: 1e-1, Distribution: LogUniform},
	{Name: "momentum", Type: Double, Min: 0, Max: 1},
	{Name: "dropout", Type: Double, Min: 0, Max: 0.5, Step: 0.05, Distribution: Normal},
	{Name: "layers", Type: Int, Min: 1, Max: 8},
	{Name: "width", Type: Int, Min: 16, Max: 4096, Distribution: LogUniform},
	{Name: "decay", Type: Double, Min: 1e-6, Max: 1e-2, Distribution: LogNormal},
	{Name: "batch", Type: Discrete, List: []string{"16", "32", "64"}},
	{Name: "optimizer", Type: Categorical, List: []string{"sgd", "adam", "ftrl"}},
}

func BenchmarkSample(b *testing.B) {
	s, rng := mustNew(b, benchmarkParameters...), rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		s.Sample(rng)
	}
}

func BenchmarkFromUnit(b *testing.B) {
	s, rng := mustNew(b, benchmarkParameters...), rand.New(rand.NewPCG(1, 2))
	u := s.ToUnit(s.Sample(rng), nil)
	b.ReportAllocs()
	for b.Loop() {
		s.FromUnit(u)
	}
}

func BenchmarkToUnit(b *testing.B) {
	s, rng := mustNew(b, benchmarkParameters...), rand.New(rand.NewPCG(1, 2))
	a := s.Sample(rng)
	u := make([]float64, s.Len())
	b.ReportAllocs()
	for b.Loop() {
		u = s.ToUnit(a, u)
	}
}
