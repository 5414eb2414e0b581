package problem

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qalam/space"
)

// data is the folder of tables; tests that need it are skipped where it is absent.
func data(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("QALAM_BENCHMARKS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "benchmarks")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no tables: %v", err)
	}
	return folder
}

func TestTwister(t *testing.T) {
	r := NewRandomState(42)
	for i, want := range []float64{0.3745401188473625, 0.9507143064099162, 0.7319939418114051} {
		if got := r.Float64(); got != want {
			t.Errorf("RandomState(42).random_sample() number %d is %v, want %v", i, got, want)
		}
	}
	r = NewRandomState(42)
	for i, want := range []float64{0.4967141530112327, -0.13826430117118466, 0.6476885381006925} {
		if got := r.Normal(); math.Abs(got-want) > 1e-15 {
			t.Errorf("RandomState(42).randn() number %d is %v, want %v", i, got, want)
		}
	}
	r = NewRandomState(7)
	for i, want := range []int{4, 1, 3, 3, 4, 1, 0, 1} {
		if got := r.IntN(5); got != want {
			t.Errorf("RandomState(7).randint(5) number %d is %d, want %d", i, got, want)
		}
	}
	if got := NewPythonRandom(3).Float64(); got != 0.23796462709189137 {
		t.Errorf("Random(3).random() is %v", got)
	}
	got, want := NewPythonRandom(3).Shuffle(10), [10]int{1, 5, 6, 0, 9, 4, 7, 2, 8, 3}
	if [10]int(got) != want {
		t.Errorf("Random(3) shuffles to %v, want %v", got, want)
	}
}

func TestShiftsAreThoseOfStoredCurves(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(data(t), "peers", "shifts.json"))
	if err != nil {
		t.Skip(err)
	}
	var shifts map[string][][]float64
	if err := json.Unmarshal(text, &shifts); err != nil {
		t.Fatal(err)
	}
	for name, half := range map[string]float64{"ackley5": 32.768, "rast5": 5.12, "levy10": 10} {
		if len(shifts[name]) == 0 {
			t.Fatalf("no shifts of %s", name)
		}
		for seed, want := range shifts[name] {
			for i, got := range Shift(seed, len(want), -half, half) {
				if math.Abs(got-want[i]) > 1e-12*half {
					t.Errorf("%s, seed %d: coordinate %d is shifted by %v, want %v", name, seed, i, got, want[i])
				}
			}
		}
	}
}

// TestNothingIsBelowTheBest samples every problem that needs no data, and checks that its instances are functions of the seed.
func TestNothingIsBelowTheBest(t *testing.T) {
	for _, p := range All(Sources{}) {
		s, err := p.Space()
		if err != nil {
			t.Fatal(err)
		}
		in, err := p.Open(3)
		if err != nil {
			continue // a table
		}
		again, _ := p.Open(3)
		rng := rand.New(rand.NewPCG(1, 2))
		front := &Front{Reference: in.Reference}
		for index := range 200 {
			x := s.Sample(rng)
			r, seen, twin := in.True(x), in.Observe(index, x), again.Observe(index, x)
			if len(r.Values) != p.Objectives || len(r.Constraints) != p.Constraints || len(seen.Values) != p.Objectives {
				t.Fatalf("%s: %d objectives and %d constraints", p.Name, len(r.Values), len(r.Constraints))
			}
			if !r.Failed && seen.Values[0] != twin.Values[0] {
				t.Errorf("%s: the same trial is observed as %v and %v", p.Name, seen.Values[0], twin.Values[0])
			}
			switch {
			case in.Reference != nil:
				front.Add(r.Values)
			case r.Feasible() && r.Values[0] < in.Best-1e-9:
				t.Errorf("%s: %v at %v is below the best, %v", p.Name, r.Values[0], x, in.Best)
			}
		}
		if v := front.Hypervolume(); in.Reference != nil && !(v > 0 && v < in.Best) {
			t.Errorf("%s: hypervolume %v, of the front %v", p.Name, v, in.Best)
		}
	}
}

func TestOptima(t *testing.T) {
	for name, c := range map[string]struct {
		x    space.Assignment
		near float64
	}{
		"branin":   {space.Assignment{math.Pi, 2.275}, 1e-9},
		"hart6":    {space.Assignment{0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573}, 1e-7},
		"rosen5":   {space.Assignment{1, 1, 1, 1, 1}, 1e-12},
		"mixed7":   {space.Assignment{math.Pow(10, -1.9), 1000, 6, math.Pow(10, -1.5), 0.8, 0, 0}, 1e-12},
		"gardner1": {space.Assignment{3 * math.Pi / 2, 0}, 1e-9},
		"gardner2": {space.Assignment{3 * math.Pi / 2, math.Asin(0.95) + 1e-9}, 1e-8},
		"cbranin":  {space.Assignment{math.Pi, 2.275}, 1e-9},
	} {
		p := find(t, name)
		in, err := p.Open(0)
		if err != nil {
			t.Fatal(err)
		}
		if r := in.True(c.x); !r.Feasible() || math.Abs(r.Values[0]-in.Best) > c.near {
			t.Errorf("%s is %v at its optimum, want %v", name, r, in.Best)
		}
	}
	for name, f := range map[string]func([]float64) float64{"ackley": ackley, "levy": levy, "rastrigin": rastrigin} {
		if v := f(make([]float64, 5)); math.Abs(v) > 1e-12 {
			t.Errorf("%s is %v at its optimum", name, v)
		}
	}
	for number := 1; number <= 24; number++ {
		for _, dims := range []int{2, 5, 20} {
			b := newBBOB(number, dims, 4)
			f := b.value()
			if v := f(b.optimum); math.Abs(v) > 1e-9 {
				t.Errorf("f%d is %v at its optimum in %d dimensions", number, v, dims)
			}
			for _, v := range b.optimum {
				if math.Abs(v) > 5 {
					t.Errorf("f%d has its optimum outside: %v", number, b.optimum)
				}
			}
		}
	}
}

func find(t testing.TB, name string) *Problem {
	t.Helper()
	chosen, err := Select(All(Sources{}), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return &chosen[0]
}

// TestFronts adds dense samples of the fronts.
func TestFronts(t *testing.T) {
	for name, points := range map[string]func(u float64) space.Assignment{
		"zdt1": func(u float64) space.Assignment { return space.Assignment{u, 0, 0, 0, 0, 0} },
		"zdt2": func(u float64) space.Assignment { return space.Assignment{u, 0, 0, 0, 0, 0} },
		"zdt3": func(u float64) space.Assignment { return space.Assignment{u, 0, 0, 0, 0, 0} },
		"zdt6": func(u float64) space.Assignment { return space.Assignment{u, 0, 0, 0, 0, 0} },
		"wfg4": func(u float64) space.Assignment {
			return space.Assignment{2 * u, 4 * u, 6 * 0.35, 8 * 0.35, 10 * 0.35, 12 * 0.35}
		},
	} {
		in, err := find(t, name).Open(0)
		if err != nil {
			t.Fatal(err)
		}
		front := &Front{Reference: in.Reference}
		for i := range 3001 {
			front.Add(in.True(points(float64(i) / 3000)).Values)
		}
		if v := front.Hypervolume(); v > in.Best+1e-9 || v < in.Best-0.02 {
			t.Errorf("%s: hypervolume %v of the front's, %v", name, v, in.Best)
		}
	}
}

func TestHypervolume(t *testing.T) {
	for _, c := range []struct {
		points    [][]float64
		reference []float64
		want      float64
	}{
		{nil, []float64{1, 1}, 0},
		{[][]float64{{0.5, 0.5}}, []float64{1, 1}, 0.25},
		{[][]float64{{0, 2}, {1, 1}, {2, 0}, {2, 2}}, []float64{3, 3}, 6},
		{[][]float64{{0, 0, 2}, {1, 1, 1}, {2, 2, 0}}, []float64{3, 3, 3}, 9 + 4 + 1},
		{[][]float64{{4, 0}}, []float64{3, 3}, 0},
	} {
		front := &Front{Reference: c.reference}
		for _, p := range c.points {
			front.Add(p)
		}
		if got := front.Hypervolume(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("hypervolume of %v is %v, want %v", c.points, got, c.want)
		}
	}
}

func TestTables(t *testing.T) {
	folder := data(t)
	for _, name := range []string{"fc_slice", "fc_protein", "nb_c10", "nb_c100", "hb_vehicle", "hb_phoneme"} {
		chosen, err := Select(All(Sources{Data: folder}), []string{name})
		if err != nil {
			t.Fatal(err)
		}
		in, err := chosen[0].Open(1)
		if err != nil {
			t.Fatal(err)
		}
		s, err := chosen[0].Space()
		if err != nil {
			t.Fatal(err)
		}
		size, _ := s.Size()
		least, below := math.Inf(1), 0
		for i := range size {
			v := in.True(s.At(i)).Values[0]
			least = min(least, v)
			if v < 1 {
				below++
			}
		}
		if least != 0 || math.Abs(float64(below)/float64(size)-0.5) > 0.01 {
			t.Errorf("%s: least %v, %d of %d below the median", name, least, below, size)
		}
	}
}

func TestAbsentTablesAreSaid(t *testing.T) {
	chosen, err := Select(All(Sources{}), []string{"tables"})
	if err != nil || len(chosen) != 6 {
		t.Fatalf("%d tables: %v", len(chosen), err)
	}
	if _, err := chosen[0].Open(0); err == nil {
		t.Error("a table is opened that is not there")
	}
}

// TestHalves: a problem is for one purpose, and the groups say so.
func TestHalves(t *testing.T) {
	all := All(Sources{})
	for _, use := range []Use{Tuning, Comparison} {
		chosen, err := Select(all, []string{string(use)})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range chosen {
			if p.Use != use {
				t.Errorf("%s is for %s and in the group %s", p.Name, p.Use, use)
			}
		}
	}
	if _, err := Select(all, []string{"nope"}); err == nil {
		t.Error("a group is found that is not there")
	}
}

func TestModelsAreTrainedElsewhere(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	chosen, err := Select(All(Sources{Python: python, Script: filepath.Join("testdata", "trainer.py")}), []string{"knn-digits"})
	if err != nil {
		t.Fatal(err)
	}
	x := space.Assignment{5, 2}
	for _, c := range []struct {
		seed           int
		want           float64
		failed, broken bool
	}{{1, 7, false, false}, {7, 0, true, false}, {8, 0, true, true}} {
		in, err := chosen[0].Open(c.seed)
		if err != nil {
			t.Fatal(err)
		}
		r := in.Observe(0, x)
		if again := in.True(x); r.Failed != c.failed || again.Failed != c.failed || !c.failed && r.Values[0] != c.want || (in.Broken() != nil) != c.broken {
			t.Errorf("seed %d: %+v, then %+v; broken: %v", c.seed, r, again, in.Broken())
		}
	}
	absent, err := Select(All(Sources{}), []string{"models"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := absent[0].Open(0); err == nil {
		t.Error("models are trained without Python")
	}
}
