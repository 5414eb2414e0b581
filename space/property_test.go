package space

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	allTypes         = []Type{Double, Int, Discrete, Categorical}
	allDistributions = []Distribution{"", Uniform, LogUniform, Normal, LogNormal}
)

// drawParameter draws a valid parameter of any kind.
func drawParameter(t *rapid.T, name string) Parameter {
	p := Parameter{Name: name, Type: rapid.SampledFrom(allTypes).Draw(t, "type"), Distribution: rapid.SampledFrom(allDistributions).Draw(t, "distribution")}
	switch p.Type {
	case Int:
		p.Min = float64(rapid.Int64Range(-1<<53, 1<<53).Draw(t, "min"))
		if p.logarithmic() {
			p.Min = math.Abs(p.Min) + 1
			p.Min = min(p.Min, 1<<53)
		}
		p.Max = min(p.Min+float64(rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64Range(0, 1<<53)).Draw(t, "width")), 1<<53)
		p.Step = float64(rapid.Int64Range(0, 7).Draw(t, "step"))
	case Double:
		// Decimals as people write them, and any float64.
		decimal := rapid.Map(rapid.Int64Range(-1e6, 1e6), func(n int64) float64 { return float64(n) / 1e4 })
		bound := rapid.OneOf(decimal, rapid.Float64Range(-1e307, 1e307))
		p.Min, p.Max = bound.Draw(t, "min"), bound.Draw(t, "max")
		if p.logarithmic() {
			p.Min, p.Max = math.Abs(p.Min)+1e-300, math.Abs(p.Max)+1e-300
		}
		if p.Min > p.Max {
			p.Min, p.Max = p.Max, p.Min
		}
		if rapid.Bool().Draw(t, "stepped") {
			p.Step = rapid.OneOf(
				rapid.Map(rapid.Int64Range(1, 1e6), func(n int64) float64 { return float64(n) / 1e4 }),
				rapid.Map(rapid.Float64Range(1e-7, 1), func(f float64) float64 { return f * (p.Max - p.Min) }),
			).Draw(t, "step")
			if tooFine(p.Min, p.Max, p.Step) {
				p.Step = 0
			}
		}
	case Discrete:
		n := rapid.SliceOfNDistinct(rapid.Int64Range(-1000, 1000), 1, 20, rapid.ID).Draw(t, "list")
		for _, v := range n {
			p.List = append(p.List, fmt.Sprintf("%.2f", float64(v)/8))
		}
		slices.Sort(p.List)
		p.List = slices.Compact(p.List)
	case Categorical:
		p.List = rapid.SliceOfNDistinct(rapid.StringN(0, 5, -1), 1, 20, rapid.ID).Draw(t, "list")
	}
	return p
}

func drawSpace(t *rapid.T) *Space {
	params := make([]Parameter, rapid.IntRange(0, 6).Draw(t, "parameters"))
	for i := range params {
		params[i] = drawParameter(t, fmt.Sprintf("p%d", i))
	}
	s, err := New(params)
	if err != nil {
		var faults Faults
		if errors.As(err, &faults) && faults[0].Problem == "" {
			t.Fatal("a fault without a problem")
		}
		t.Fatalf("%+v\n%v", params, err)
	}
	return s
}

func TestEveryWayLeadsIntoTheSpace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpace(t)
		seed := rapid.Uint64().Draw(t, "seed")
		a, again := s.Sample(rand.New(rand.NewPCG(seed, 1))), s.Sample(rand.New(rand.NewPCG(seed, 1)))
		if !s.Contains(a) {
			t.Fatalf("sample %v of %+v is not contained", a, s.Parameters())
		}
		if !slices.Equal(a, again) {
			t.Fatalf("the same seed draws %v and %v", a, again)
		}
		u := rapid.SliceOfN(rapid.Float64Range(0, 1), s.Len(), s.Len()).Draw(t, "u")
		if a := s.FromUnit(u); !s.Contains(a) {
			t.Fatalf("%v leads to %v, outside %+v", u, a, s.Parameters())
		}
	})
}

func TestUnitCubeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpace(t)
		a := s.Sample(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		u := s.ToUnit(a, nil)
		back := s.FromUnit(u)
		for i, p := range s.Parameters() {
			if u[i] < 0 || u[i] > 1 || math.IsNaN(u[i]) {
				t.Fatalf("%+v: %v leads to %v", p, a[i], u[i])
			}
			n, finite := s.Count(i)
			switch {
			case finite && n <= 1<<20:
				if back[i] != a[i] {
					t.Errorf("%+v: %v comes back as %v", p, a[i], back[i])
				}
			case finite && s.axes[i].flat && n <= 1<<50:
				if back[i] != a[i] {
					t.Errorf("%+v: %v comes back as %v", p, a[i], back[i])
				}
			default: // reals, and countable ones too dense for float64: near in the cube
				if du := math.Abs(s.axes[i].toUnit(back[i]) - u[i]); du > 1e-12 {
					t.Errorf("%+v: %v comes back as %v, %g away in the cube", p, a[i], back[i], du)
				}
			}
		}
	})
}

func TestFromUnitIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParameter(t, "x")
		s, err := New([]Parameter{p})
		if err != nil {
			t.Fatal(err)
		}
		u, w := rapid.Float64Range(0, 1).Draw(t, "u"), rapid.Float64Range(0, 1).Draw(t, "w")
		if u > w {
			u, w = w, u
		}
		if x, y := s.FromUnit([]float64{u})[0], s.FromUnit([]float64{w})[0]; x > y && x-y > 1e-12*(math.Abs(p.Max)+math.Abs(p.Min)) {
			t.Errorf("%+v: %v leads to %v, but %v to %v", p, u, x, w, y)
		}
	})
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpace(t)
		a := s.Sample(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		named := s.Named(a)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(named), func(i, j int) { named[i], named[j] = named[j], named[i] })
		back, err := s.Parse(named)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Errorf("%v: %s", named, diff)
		}
	})
}

func TestAtCountsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpace(t)
		n, finite := s.Size()
		if !finite {
			if s.At(0) != nil {
				t.Fatal("an infinite space has a first assignment")
			}
			return
		}
		i := rapid.Uint64Range(0, n-1).Draw(t, "index")
		a := s.At(i)
		if !s.Contains(a) {
			t.Fatalf("At(%d) of %d is %v", i, n, a)
		}
		if i+1 < n {
			if next := s.At(i + 1); slices.Compare(a, next) >= 0 {
				t.Fatalf("At(%d) is %v, At(%d) is %v", i, a, i+1, next)
			}
		} else if n < math.MaxUint64 && s.At(n) != nil {
			t.Fatalf("At(%d) of %d exists", n, n)
		}
	})
}

// FuzzNew gives any parameter to New: it is refused with a placed fault, or works.
func FuzzNew(f *testing.F) {
	f.Add(uint8(0), 0.01, 0.05, 0.01, uint8(0), "1,2", 0.3)
	f.Add(uint8(1), 1.0, 64.0, 0.0, uint8(2), "", 0.99)
	f.Add(uint8(2), 0.0, 0.0, 0.0, uint8(1), "0.1,1e-3,5", 0.5)
	f.Add(uint8(3), 0.0, 0.0, 0.0, uint8(3), "a,b,,", 0.5)
	f.Add(uint8(0), 5e-324, 1e308, 1e292, uint8(4), "", 1.0)
	f.Add(uint8(0), math.NaN(), math.Inf(1), -1.0, uint8(9), "", math.NaN())
	f.Add(uint8(1), -9007199254740992.0, 9007199254740992.0, 1.0, uint8(3), "", 0.25)
	f.Fuzz(func(t *testing.T, kind uint8, low, high, step float64, distribution uint8, list string, u float64) {
		p := Parameter{Name: "x", Type: allTypes[kind%4], Min: low, Max: high, Step: step, Distribution: "odd"}
		if int(distribution) < len(allDistributions) {
			p.Distribution = allDistributions[distribution]
		}
		for list != "" {
			var entry string
			entry, list, _ = strings.Cut(list, ",")
			p.List = append(p.List, entry)
		}
		s, err := New([]Parameter{p})
		if err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || fault.Problem == "" || fault.Field == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		a := s.FromUnit([]float64{u})
		if !s.Contains(a) || !s.Contains(s.Sample(rand.New(rand.NewPCG(1, 1)))) {
			t.Fatalf("%+v: %v leads to %v", p, u, a)
		}
		back, err := s.Parse(s.Named(a))
		if err != nil || back[0] != a[0] {
			t.Fatalf("%+v: %v is written %v and read %v, %v", p, a, s.Named(a), back, err)
		}
		if x := s.ToUnit(a, nil)[0]; !(x >= 0 && x <= 1) {
			t.Fatalf("%+v: %v leads to %v", p, a, x)
		}
		if n, finite := s.Size(); finite && !s.Contains(s.At(n-1)) {
			t.Fatalf("%+v: the last value is %v", p, s.At(n-1))
		}
	})
}

// FuzzParse gives any text as a value: it is refused, or is feasible and is written so that it reads back the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"0.03", "1", "-0", "1e-2", "nan", "0x1", "1_0", "", " 5 ", "adam", "1e999", "0.1e-400"} {
		f.Add(text)
	}
	s, err := New([]Parameter{
		{Name: "real", Type: Double, Min: -1, Max: 1}, {Name: "stepped", Type: Double, Min: 0.01, Max: 5, Step: 0.01},
		{Name: "int", Type: Int, Min: -5, Max: 5}, {Name: "discrete", Type: Discrete, List: []string{"1", "0.03", "-0.0"}},
		{Name: "categorical", Type: Categorical, List: []string{"adam", "", "1"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i := range s.axes {
			v, err := s.axes[i].parse(text)
			if err != nil {
				continue
			}
			if !s.axes[i].contains(v) {
				t.Errorf("parameter %d: %q is read as %v", i, text, v)
			}
			if back, err := s.axes[i].parse(s.axes[i].text(v)); err != nil || back != v {
				t.Errorf("parameter %d: %q is read as %v, then as %v, %v", i, text, v, back, err)
			}
		}
	})
}
