package forest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// TestTree: a leaf's mean and variance are those of the trials that come to it, and every trial comes to a leaf of its own where no
// two have the same point and nodes are divided as far as can be.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(1, 40).Draw(t, "n"), rapid.IntRange(1, 4).Draw(t, "d")
		listed := make([]bool, d)
		for j := range listed {
			listed[j] = rapid.Bool().Draw(t, "listed")
		}
		x, y := make([][]float64, n), make([]float64, n)
		for i := range x {
			x[i] = make([]float64, d)
			for j := range x[i] {
				x[i][j] = float64(rapid.IntRange(-1, 5).Draw(t, "x"))
			}
			y[i] = rapid.Float64Range(-3, 3).Draw(t, "y")
		}
		g := &grower{x: x, y: y, listed: listed, rng: rand.New(rand.NewPCG(1, uint64(n))), dims: make([]int, d)}
		for j := range g.dims {
			g.dims[j] = j
		}
		rows := make([]int, n)
		for i := range rows {
			rows[i] = i
		}
		tr := g.grow(rows)
		members := map[*node][]int{}
		for i := range x {
			l := tr.leafOf(x[i], listed)
			members[l] = append(members[l], i)
		}
		for l, own := range members {
			mean, variance := 0.0, 0.0
			for _, i := range own {
				mean += y[i] / float64(len(own))
			}
			for _, i := range own {
				variance += (y[i] - mean) * (y[i] - mean) / float64(len(own))
			}
			if math.Abs(mean-l.mean) > 1e-9 || math.Abs(variance-l.variance) > 1e-9 {
				t.Fatalf("leaf of %v: mean %g, variance %g, want %g, %g", own, l.mean, l.variance, mean, variance)
			}
			if len(own) >= splitRows && variance > 1e-9 {
				for _, i := range own[1:] {
					if !slices.Equal(x[i], x[own[0]]) && !slices.Contains(listed, true) {
						t.Fatalf("a leaf of %d trials at different points", len(own))
					}
				}
			}
		}
	})
}

// TestForestFollows: a forest predicts a step in a list, and is less sure where it has seen nothing.
func TestForestFollows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var x [][]float64
	var y []float64
	for range 200 {
		p := []float64{rng.Float64() / 2, float64(rng.IntN(8))}
		x = append(x, p)
		y = append(y, p[0]+3*float64(int(p[1])%2))
	}
	f := newForest(x, y, []bool{false, true}, 16, rng)
	for v := range 8 {
		mu, _ := f.predict([]float64{0.25, float64(v)})
		if want := 0.25 + 3*float64(v%2); math.Abs(mu-want) > 0.2 {
			t.Errorf("value %d: %g, want %g", v, mu, want)
		}
	}
	if _, s2 := f.predict([]float64{0.25, 1}); s2 > 0.2 {
		t.Errorf("variance %g among trials", s2)
	}
}

// TestScores: quantiles of the normal distribution in the order of the values; equal values have equal ones.
func TestScores(t *testing.T) {
	got := scores([]float64{5, 1e9, -2, 5})
	if !(got[2] < got[0] && got[0] == got[3] && got[3] < got[1]) || math.Abs(got[0]+got[2]+got[3]+got[1]-0) > 0.5 {
		t.Errorf("scores %v", got)
	}
	if one := scores([]float64{7}); math.Abs(one[0]) > 1e-12 {
		t.Errorf("of one value: %v", one)
	}
}

// TestSubset: as many as asked for, in order, among them the best and the latest.
func TestSubset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(8, 60).Draw(t, "n")
		var all []*suggest.Record
		for i := range rapid.IntRange(n, 300).Draw(t, "trials") {
			all = append(all, &suggest.Record{Outcome: suggest.Outcome{Number: i + 1, Value: float64(rapid.IntRange(0, 20).Draw(t, "value"))}})
		}
		got := subset(all, n)
		if len(got) != n {
			t.Fatalf("%d of %d, want %d", len(got), len(all), n)
		}
		for i := range got[1:] {
			if got[i].Number >= got[i+1].Number {
				t.Fatal("out of order, or twice")
			}
		}
		lowest := slices.MinFunc(all, compare)
		if !slices.ContainsFunc(got, func(r *suggest.Record) bool { return r.Value == lowest.Value }) || got[n-1] != all[len(all)-1] {
			t.Fatal("without the best or the latest")
		}
	})
}

// TestLogImprovement compares with the sum itself and checks that it is continuous where the series takes over.
func TestLogImprovement(t *testing.T) {
	if got, want := logImprovement(0), math.Log(1/math.Sqrt(2*math.Pi)); math.Abs(got-want) > 1e-12 {
		t.Errorf("at 0: %g, want %g", got, want)
	}
	for z := -40.0; z < 5; z += 0.25 {
		a, b := logImprovement(z), logImprovement(z+0.25)
		if !(a < b) || math.IsInf(a, 0) {
			t.Errorf("at %g: %g, then %g", z, a, b)
		}
	}
}

// TestAgainstRandom: forests are better than chance on numbers, and on a list of many values; an equally good search would pass once
// in 1000 times.
func TestAgainstRandom(t *testing.T) {
	random, _ := suggest.Builtin().Lookup("random")
	a := Algorithms()[0]
	const seeds = 16
	p := suggesttest.Hartmann6(t)
	suggesttest.CheckBetter(t, "hartmann6", suggesttest.Regrets(t, a, nil, p, 60, seeds), suggesttest.Regrets(t, random, nil, p, 60, seeds), 0.001)
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("v%d", i))
	}
	s, err := space.New([]space.Parameter{{Name: "c", Type: space.Categorical, List: names}, {Name: "d", Type: space.Categorical, List: names}, {Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	regrets := func(a suggest.Algorithm) (all []float64) {
		for seed := range uint64(seeds) {
			rng := rand.New(rand.NewPCG(seed, 5))
			weights := make([]float64, 80)
			for i := range weights {
				weights[i] = rng.Float64()
			}
			settings, _ := suggest.Complete(a.Settings, nil)
			sg, err := a.New(suggest.Problem{Space: s, Seed: seed}, settings)
			if err != nil {
				t.Fatal(err)
			}
			best := math.Inf(1)
			for number := 1; number <= 80; number++ {
				suggestions, err := sg.Ask(number, 1)
				if err != nil {
					t.Fatal(err)
				}
				at := suggestions[0].Assignment
				v := weights[int(at[0])] + weights[40+int(at[1])] + (at[2]-0.3)*(at[2]-0.3)
				best = min(best, v)
				if err := sg.Tell([]suggest.Outcome{{Number: number, Assignment: at, State: suggest.Completed, Value: v}}); err != nil {
					t.Fatal(err)
				}
			}
			all = append(all, best-slices.Min(weights[:40])-slices.Min(weights[40:]))
		}
		return all
	}
	suggesttest.CheckBetter(t, "lists", regrets(a), regrets(random), 0.001)
}

// TestConstraint: where the constraint holds is learned.
func TestConstraint(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	settings, _ := suggest.Complete(Algorithms()[0].Settings, nil)
	sg, err := newSuggester(suggest.Problem{Space: s, Seed: 3, Constraints: 1}, settings)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for number := 1; number <= 80; number++ {
		suggestions, err := sg.Ask(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		a := suggestions[0].Assignment
		o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: a[0] + a[1], Violations: []float64{0.6 - a[0]*a[1]}}
		if number > 40 && o.Feasible() {
			kept++
		}
		if err := sg.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	if kept < 10 { // of 40; a tenth of the space keeps it, and the best lies on its border: by chance once in 300 times
		t.Errorf("%d of the last 40 trials keep the constraint", kept)
	}
}
