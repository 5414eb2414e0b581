package pareto_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest/pareto"
)

// vectors draws up to n vectors of m small whole numbers, so that ties and duplicates abound and volumes can be counted.
func vectors(t *rapid.T, m, n int) [][]float64 {
	values := make([][]float64, rapid.IntRange(0, n).Draw(t, "n"))
	for i := range values {
		values[i] = make([]float64, m)
		for k := range values[i] {
			values[i][k] = float64(rapid.IntRange(0, 5).Draw(t, "value"))
		}
	}
	return values
}

func points(t *rapid.T, m, n int) []pareto.Point {
	var points []pareto.Point
	for i, v := range vectors(t, m, n) {
		points = append(points, pareto.Point{Number: i + 1, Values: v, Violation: float64(rapid.IntRange(0, 2).Draw(t, "violation"))})
	}
	return points
}

// TestRanks peels fronts off one by one.
func TestRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := points(t, rapid.IntRange(1, 4).Draw(t, "m"), 40)
		want := make([]int, len(all))
		left := map[int]bool{}
		for i := range all {
			left[i] = true
		}
		for rank := 0; len(left) > 0; rank++ {
			var front []int
			for i := range left {
				free := true
				for j := range left {
					free = free && !all[j].Dominates(&all[i])
				}
				if free {
					front = append(front, i)
				}
			}
			for _, i := range front {
				want[i] = rank
				delete(left, i)
			}
		}
		if got := pareto.Ranks(all); !slices.Equal(got, want) {
			t.Fatalf("ranks of %v are %v, not %v", all, got, want)
		}
	})
}

func TestDominationIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := points(t, rapid.IntRange(1, 3).Draw(t, "m"), 6)
		for _, a := range all {
			if a.Dominates(&a) {
				t.Fatalf("%v dominates itself", a)
			}
			for _, b := range all {
				for _, c := range all {
					if a.Dominates(&b) && b.Dominates(&c) && !a.Dominates(&c) {
						t.Fatalf("%v, %v, %v: not transitive", a, b, c)
					}
				}
			}
		}
	})
}

func TestArchive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := points(t, rapid.IntRange(1, 4).Draw(t, "m"), 40)
		var want []int
		for i, p := range all {
			free := true
			for j, q := range all {
				equal := p.Violation == q.Violation && slices.Equal(p.Values, q.Values)
				free = free && !q.Dominates(&p) && !(equal && j < i)
			}
			if free {
				want = append(want, p.Number)
			}
		}
		var a pareto.Archive
		for _, p := range rapid.Permutation(all).Draw(t, "order") {
			before := slices.Clone(a.Points())
			changed := a.Add(p)
			same := slices.EqualFunc(before, a.Points(), func(p, q pareto.Point) bool { return p.Number == q.Number })
			if changed == same {
				t.Fatalf("adding %v changed %v to %v and reports %v", p, before, a.Points(), changed)
			}
		}
		if got := a.Numbers(); !slices.Equal(got, want) {
			t.Fatalf("the front of %v is %v, not %v", all, got, want)
		}
		if !slices.IsSortedFunc(a.Values(), slices.Compare[[]float64]) {
			t.Fatalf("%v is not in order", a.Points())
		}
	})
}

func TestCrowding(t *testing.T) {
	inf := math.Inf(1)
	tests := []struct {
		name   string
		values [][]float64
		want   []float64
	}{
		{"none", nil, []float64{}},
		{"one", [][]float64{{1, 2}}, []float64{inf}},
		{"two", [][]float64{{1, 2}, {2, 1}}, []float64{inf, inf}},
		{"a line", [][]float64{{4, 0}, {0, 4}, {1, 3}, {3, 1}}, []float64{inf, inf, 1.5, 1.5}},
		{"twice the same", [][]float64{{4, 0}, {0, 4}, {1, 3}, {1, 3}}, []float64{inf, inf, 2, 0}},
		{"all the same", [][]float64{{1, 1}, {1, 1}, {1, 1}}, []float64{inf, 0, 0}},
		{"one flat objective", [][]float64{{1, 0}, {1, 4}, {1, 1}}, []float64{inf, inf, 1}},
		{"huge", [][]float64{{-math.MaxFloat64}, {0}, {math.MaxFloat64}}, []float64{inf, 0, inf}},
	}
	for _, test := range tests {
		if got := pareto.Crowding(test.values); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}

func TestReference(t *testing.T) {
	tests := []struct{ front, want [][]float64 }{
		{[][]float64{{0, 10}, {5, 0}}, [][]float64{{5.5, 11}}},
		{[][]float64{{-2, 0}}, [][]float64{{-1.8, 0.1}}},
	}
	for _, test := range tests {
		if got := pareto.Reference(test.front); !slices.Equal(got, test.want[0]) {
			t.Errorf("of %v: %v, not %v", test.front, got, test.want[0])
		}
	}
}

func TestViolation(t *testing.T) {
	if got := pareto.Violation([]float64{-3, 1, math.NaN(), 0.5, 0}); got != 1.5 {
		t.Error(got)
	}
}
