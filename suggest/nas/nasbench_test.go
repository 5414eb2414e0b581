package nas

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// bench201 is the table of validation errors of
//
//	X. Dong, Y. Yang, "NAS-Bench-201: extending the scope of reproducible neural architecture search", ICLR 2020,
//
// 15,625 cells of six edges with one of five operations each, trained up to three times on CIFAR-100.
type bench201 struct {
	runs        map[string][]float64 // by the six operations: the negative accuracy of each training, in percent
	mean        map[string]float64
	min, median float64 // of the means
}

func loadBench201(t *testing.T) *bench201 {
	dir := os.Getenv("QALAM_BENCHMARKS")
	if dir == "" {
		t.Skip("QALAM_BENCHMARKS names no folder with nasbench201/cifar100.csv.gz")
	}
	f, err := os.Open(filepath.Join(dir, "nasbench201", "cifar100.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(z)
	reader.FieldsPerRecord = -1 // some were trained fewer times
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench201{runs: map[string][]float64{}, mean: map[string]float64{}}
	var all []float64
	for _, row := range rows {
		sum := 0.0
		for _, text := range row[1:] {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			b.runs[row[0]] = append(b.runs[row[0]], -v)
			sum -= v
		}
		b.mean[row[0]] = sum / float64(len(row)-1)
		all = append(all, b.mean[row[0]])
	}
	slices.Sort(all)
	b.min, b.median = all[0], all[len(all)/2]
	return b
}

// regret plays trials, each of which sees one of the trainings of its cell, and returns how far the mean of the cell that looked the
// best is from the best there is, in units of the median's distance.
func (b *bench201) regret(seed uint64, trials int, propose func(n int) string, tell func(n int, value float64)) float64 {
	rng := rand.New(rand.NewPCG(seed, 11))
	best, regret := math.Inf(1), 0.0
	for n := 1; n <= trials; n++ {
		cell := propose(n)
		v := b.runs[cell][rng.IntN(len(b.runs[cell]))]
		if v < best {
			best, regret = v, (b.mean[cell]-b.min)/(b.median-b.min)
		}
		tell(n, v)
	}
	return regret
}

// search plays an algorithm of the registry on chains of six layers, whose skip bits do not matter.
func (b *bench201) search(t *testing.T, algorithm string, settings suggest.Settings, seed uint64, trials int) float64 {
	a := &suggest.Architecture{Layers: 6}
	for _, name := range []string{"none", "skip", "conv1", "conv3", "pool"} {
		a.Operations = append(a.Operations, suggest.Operation{Type: name})
	}
	s, err := Space(a, algorithm, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := suggest.Registry{Algorithms: append(Algorithms(), suggest.Builtin().Algorithms...)}
	suggester, err := r.NewSuggester(algorithm, suggest.Problem{Space: s, Seed: seed, Architecture: a}, settings)
	if err != nil {
		t.Fatal(err)
	}
	var assignment space.Assignment
	propose := func(n int) string {
		got, err := suggester.Ask(n, 1)
		if err != nil {
			t.Fatal(err)
		}
		assignment = got[0].Assignment
		cell := ""
		for l := range a.Layers {
			cell += strconv.Itoa(int(assignment[dimensions(l)]))
		}
		return cell
	}
	return b.regret(seed, trials, propose, func(n int, value float64) {
		if err := suggester.Tell([]suggest.Outcome{{Number: n, Assignment: assignment, State: suggest.Completed, Value: value}}); err != nil {
			t.Fatal(err)
		}
	})
}

// regularizedEvolution plays Real et al.'s method on the six operations alone, with their population of 100 and tournaments of 10.
func (b *bench201) regularizedEvolution(seed uint64, trials int) float64 {
	const population, tournament = 100, 10
	rng := rand.New(rand.NewPCG(seed, 12))
	type member struct {
		cell  []byte
		value float64
	}
	var youngest []member
	var child []byte
	propose := func(n int) string {
		child = make([]byte, 6)
		for i := range child {
			child[i] = '0' + byte(rng.IntN(5))
		}
		if n > population {
			parent := youngest[rng.IntN(population)]
			for range tournament - 1 {
				if m := youngest[rng.IntN(population)]; m.value < parent.value {
					parent = m
				}
			}
			i := rng.IntN(6)
			other := child[i]
			copy(child, parent.cell)
			if child[i] = other; other == parent.cell[i] {
				child[i] = '0' + (other-'0'+1+byte(rng.IntN(4)))%5
			}
		}
		return string(child)
	}
	return b.regret(seed, trials, propose, func(_ int, value float64) {
		youngest = append(youngest, member{child, value})
		youngest = youngest[max(0, len(youngest)-population):]
	})
}

// TestBench201 compares the mean regret after 300 trials, over 30 seeds, with that of random search and of regularised evolution. It
// takes minutes.
func TestBench201(t *testing.T) {
	b := loadBench201(t)
	const seeds, trials = 30, 300
	var random, evolution, rl, reference float64
	for seed := range uint64(seeds) {
		random += b.search(t, "random", nil, seed, trials) / seeds
		evolution += b.search(t, "enas", suggest.Settings{"controller": "evolution"}, seed, trials) / seeds
		rl += b.search(t, "enas", nil, seed, trials) / seeds
		reference += b.regularizedEvolution(seed, trials) / seeds
		t.Logf("%d seeds: random %.4f, evolution %.4f, rl %.4f, regularised evolution of operations alone %.4f", seed+1,
			random*seeds/float64(seed+1), evolution*seeds/float64(seed+1), rl*seeds/float64(seed+1), reference*seeds/float64(seed+1))
	}
	if rl > 0.7*random || rl > evolution {
		t.Errorf("regret %.4f; random %.4f, evolution %.4f", rl, random, evolution)
	}
}
