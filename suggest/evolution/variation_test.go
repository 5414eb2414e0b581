package evolution

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
)

func mixed(t interface{ Fatal(...any) }) *space.Space {
	s, err := space.New([]space.Parameter{
		{Name: "kind", Type: space.Categorical, List: []string{"a", "b", "c"}},
		{Name: "x", Type: space.Double, Max: 1},
		{Name: "n", Type: space.Int, Min: 1, Max: 1000, Distribution: space.LogUniform},
		{Name: "depth", Type: space.Int, Min: 1, Max: 4, When: []space.Condition{{Parameter: "kind", Values: []string{"b"}}}},
		{Name: "fixed", Type: space.Int, Min: 3, Max: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestVariationStaysInside: children are in the cube, whatever the parents; a change changes the value, where there is another.
func TestVariationStaysInside(t *testing.T) {
	s := mixed(t)
	rapid.Check(t, func(t *rapid.T) {
		v := newVariation(s, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		parents := make([]individual, 2)
		for i := range parents {
			u := rapid.SliceOfN(rapid.Float64Range(0, 1), s.Len(), s.Len()).Draw(t, "parent")
			parents[i].assignment = s.FromUnit(u)
			parents[i].unit = s.ToUnit(parents[i].assignment, nil)
		}
		u := v.cross(parents[0], parents[1])
		v.mutate(u, 0.5)
		for i, x := range u {
			if !(x >= 0 && x <= 1) {
				t.Fatalf("coordinate %d is %v", i, x)
			}
		}
		if a := s.FromUnit(u); !s.Contains(a) {
			t.Fatalf("%v is not feasible", a)
		}
		for _, i := range []int{0, 2} {
			u := parents[0].unit
			before := s.FromUnit(u)[i]
			changed := append([]float64{}, u...)
			tries := 0
			for ; s.FromUnit(changed)[i] == before && tries < 50; tries++ {
				v.change(changed, i)
			}
			if tries > 20 {
				t.Fatalf("parameter %d stays %v", i, before)
			}
		}
	})
}

// TestCrossoverIsCentred: far from the bounds, children lie around their parents as often on one side as on the other, with the
// parents' middle as their mean. The standard error of the mean of 20,000 is below 0.001.
func TestCrossoverIsCentred(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	v := newVariation(s, rand.New(rand.NewPCG(1, 2)))
	sum := 0.0
	for range 10_000 {
		sum += v.between(0.45, 0.55) + v.between(0.55, 0.45)
	}
	if mean := sum / 20_000; math.Abs(mean-0.5) > 0.005 {
		t.Errorf("the mean of children is %v", mean)
	}
}
