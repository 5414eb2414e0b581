package suggesttest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qalam/suggest"
)

// Curves are the learning curves of one task for some configurations: the loss on validation data, smaller is better.
//
// L. Metz, N. Maheswaranathan, R. Sun, C. D. Freeman, B. Poole, J. Sohl-Dickstein, "Using a thousand optimization tasks to learn
// hyperparameter search strategies", arXiv:2002.11887 (2020).
type Curves struct {
	Name  string
	Names []string    // of the hyperparameters
	Unit  [][]float64 // by configuration: each hyperparameter's rank among the configurations, from 0 to 1
	Loss  [][]float64 // by configuration and step; diverged is 1e9
	// Best and Middle are the smallest and the median of the configurations' smallest losses: regrets of 0 and 1.
	Best, Middle float64
}

// Steps is the length of a full run.
func (c *Curves) Steps() int { return len(c.Loss[0]) }

// Regret is how a loss stands between Best, 0, and Middle, 1.
func (c *Curves) Regret(loss float64) float64 { return (loss - c.Best) / (c.Middle - c.Best) }

// TaskSet reads the learning curves in the folder taskset of QALAM_BENCHMARKS, by default ../shared/benchmarks beside the
// repository. It skips the test where there are none.
func TaskSet(t testing.TB) []*Curves {
	t.Helper()
	dir := os.Getenv("QALAM_BENCHMARKS")
	if dir == "" {
		root, err := filepath.Abs(".")
		for err == nil && root != filepath.Dir(root) {
			if _, missing := os.Stat(filepath.Join(root, "go.mod")); missing == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "benchmarks")
	}
	files, err := filepath.Glob(filepath.Join(dir, "taskset", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Skipf("no learning curves in %s: set QALAM_BENCHMARKS to the folder with taskset/", dir)
	}
	var tasks []*Curves
	for _, file := range files {
		tasks = append(tasks, readCurves(t, file))
	}
	return tasks
}

func readCurves(t testing.TB, file string) *Curves {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} { // which JSON does not know
		text = bytes.ReplaceAll(text, []byte(word), []byte("null"))
	}
	var entries []struct {
		HP    map[string]float64 `json:"hp"`
		Valid struct {
			Loss []*float64 `json:"loss"`
		} `json:"valid"`
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	c := &Curves{Name: strings.TrimSuffix(filepath.Base(file), ".json.gz")}
	for name := range entries[0].HP {
		c.Names = append(c.Names, name)
	}
	slices.Sort(c.Names)
	var best []float64
	for _, e := range entries {
		unit, loss := make([]float64, len(c.Names)), make([]float64, len(e.Valid.Loss))
		for j, name := range c.Names {
			unit[j] = e.HP[name]
		}
		for s, v := range e.Valid.Loss {
			loss[s] = 1e9
			if v != nil {
				loss[s] = *v
			}
		}
		c.Unit, c.Loss, best = append(c.Unit, unit), append(c.Loss, loss), append(best, slices.Min(loss))
	}
	for j := range c.Names {
		order := make([]int, len(c.Unit))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Unit[a][j], c.Unit[b][j]) })
		for rank, i := range order {
			c.Unit[i][j] = (float64(rank) + 0.5) / float64(len(order))
		}
	}
	slices.Sort(best)
	c.Best, c.Middle = best[0], (best[(len(best)-1)/2]+best[len(best)/2])/2
	return c
}

// StopRegrets lets a rule stop trials of random configurations on learning curves, so many at a time, and returns for each
// budget, in full runs, the regret of the best loss seen by then, one for each task and seed from 1. A nil rule stops nothing.
func StopRegrets(t testing.TB, tasks []*Curves, o *StopperOptions, parallel, seeds int, budgets []int) [][]float64 {
	t.Helper()
	regrets := make([][]float64, len(budgets))
	for _, task := range tasks {
		for seed := range seeds {
			var stopper suggest.Stopper
			if o != nil {
				stopper = o.make(t)
			}
			order := rand.New(rand.NewPCG(uint64(seed+1), 18)).Perm(len(task.Loss))
			for i, r := range playCurves(task, stopper, order, parallel, budgets) {
				regrets[i] = append(regrets[i], r)
			}
		}
	}
	return regrets
}

// playCurves runs configurations in an order, step by step and side by side.
func playCurves(task *Curves, stopper suggest.Stopper, order []int, parallel int, budgets []int) []float64 {
	regrets := make([]float64, 0, len(budgets))
	best, used, next := math.Inf(1), 0, 0
	steps := make([]int64, task.Steps())
	for i := range steps {
		steps[i] = int64(i + 1)
	}
	running := make([]suggest.Curve, parallel) // Number 0 is idle
	for len(regrets) < len(budgets) {
		for w := range running {
			c := &running[w]
			if c.Number == 0 {
				if next == len(order) {
					continue
				}
				next++
				*c = suggest.Curve{Number: next}
			}
			loss := task.Loss[order[c.Number-1]]
			n := len(c.Values) + 1
			c.Values, c.Steps = loss[:n:n], steps[:n:n]
			used++
			best = min(best, loss[n-1])
			if len(regrets) < len(budgets) && used >= budgets[len(regrets)]*task.Steps() {
				regrets = append(regrets, task.Regret(best))
			}
			stop := false
			if stopper != nil {
				stopper.Tell(*c)
				stop = stopper.Judge(*c).Stop
			}
			if stop || n == len(loss) {
				c.State = suggest.Completed
				if stop && n < len(loss) {
					c.State = suggest.Stopped
				}
				if stopper != nil {
					stopper.Tell(*c)
				}
				*c = suggest.Curve{}
			}
		}
		if next == len(order) && !slices.ContainsFunc(running, func(c suggest.Curve) bool { return c.Number > 0 }) {
			for len(regrets) < len(budgets) {
				regrets = append(regrets, task.Regret(best))
			}
		}
	}
	return regrets
}

// Mean is the arithmetic mean.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
