package suggesttest

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest/curves"
)

// readTaskSet reads once what every test reads and none changes.
var readTaskSet = sync.OnceValues(func() ([]*curves.Task, error) {
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
	tasks, err := curves.Read(os.DirFS(dir), curves.TaskSet)
	if err != nil {
		err = fmt.Errorf("%s: %w", dir, err)
	}
	return tasks, err
})

// TaskSet reads the learning curves in the folder taskset of QALAM_BENCHMARKS, by default ../shared/benchmarks beside the
// repository. It skips the test where there are none. Tests share what it returns.
func TaskSet(t testing.TB) []*curves.Task {
	t.Helper()
	tasks, err := readTaskSet()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no learning curves, set QALAM_BENCHMARKS to the folder with taskset/: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// StopRegrets lets a rule stop trials of random configurations on the learning curves of TaskSet, so many at a time, and returns
// for each budget, in full runs, the mean regret of the best loss seen by then, over the tasks and seeds from 1. A nil rule stops
// nothing.
func StopRegrets(t testing.TB, o *StopperOptions, parallel, seeds int, budgets []int) []float64 {
	t.Helper()
	return meanRegrets(t, seeds, budgets, func(task *curves.Task, seed uint64) []float64 {
		var stopper suggest.Stopper
		if o != nil {
			stopper = o.make(t)
		}
		order := rand.New(rand.NewPCG(seed, 18)).Perm(len(task.Loss))
		return curves.Stopped(task, stopper, order, parallel, budgets)
	})
}

// FidelityRegrets lets an algorithm search the configurations of TaskSet, each trial training for as many steps as its parameter
// curves.Resource says, so many at a time, and returns regrets as StopRegrets does.
func FidelityRegrets(t testing.TB, o Options, seeds int, budgets []int) []float64 {
	t.Helper()
	return meanRegrets(t, seeds, budgets, func(task *curves.Task, seed uint64) []float64 {
		s, err := task.Space()
		if err != nil {
			t.Fatal(err)
		}
		suggester := o.make(t, s, seed)
		if suggester == nil {
			t.Fatalf("%s does not support the space of learning curves", o.Algorithm.Name)
		}
		regrets, err := curves.Searched(task, suggester, max(1, o.Parallel), budgets)
		if err != nil {
			t.Fatal(err)
		}
		return regrets
	})
}

func meanRegrets(t testing.TB, seeds int, budgets []int, play func(task *curves.Task, seed uint64) []float64) []float64 {
	t.Helper()
	regrets := make([][]float64, len(budgets))
	for _, task := range TaskSet(t) {
		for seed := range seeds {
			for i, r := range play(task, uint64(seed+1)) {
				regrets[i] = append(regrets[i], r)
			}
		}
	}
	means := make([]float64, len(budgets))
	for i := range means {
		means[i] = Mean(regrets[i])
	}
	return means
}

// Mean is the arithmetic mean.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
