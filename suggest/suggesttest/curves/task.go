// Package curves knows learning curves of trainings, and what early-stopping rules and multi-fidelity algorithms make of them.
// It knows neither a rule nor an algorithm, nor how the outcomes are judged.
//
// Those of TaskSet are recorded: L. Metz, N. Maheswaranathan, R. Sun, C. D. Freeman, B. Poole, J. Sohl-Dickstein, "Using a thousand
// optimization tasks to learn hyperparameter search strategies", arXiv:2002.11887 (2020). Those of LCBench are what a network says that
// was fitted to recorded ones; bench/search/peers/lcbench.py writes them.
package curves

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"qalam/space"
)

// diverged is the loss of a step that has none.
const diverged = 1e9

// Task is one training job with its curves for many configurations.
type Task struct {
	Name  string
	Names []string    // of the hyperparameters
	Unit  [][]float64 // by configuration: each hyperparameter's rank among the configurations, from 0 to 1
	Loss  [][]float64 // by configuration and step, on validation data; smaller is better, and 1e9 is diverged
	// Best and Middle are the smallest and the median of the configurations' smallest losses: regrets of 0 and 1.
	Best, Middle float64
}

// Steps is the length of a full run.
func (t *Task) Steps() int { return len(t.Loss[0]) }

// Regret is how a loss stands between the best configuration, 0, and the median one, 1.
func (t *Task) Regret(loss float64) float64 { return (loss - t.Best) / (t.Middle - t.Best) }

// Families of tasks, by the folders that hold their files. LCBench's data sets are halved: one half is for the comparison.
const (
	TaskSet       = "taskset"
	LCBench       = "lcbench"
	LCBenchTuning = "lcbench-tuning"
)

// Read reads the tasks of a family, in the order of their names. Where there are none the error is fs.ErrNotExist.
func Read(data fs.FS, family string) ([]*Task, error) {
	pattern := family + "/*.json.gz"
	files, err := fs.Glob(data, pattern)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: %w", pattern, fs.ErrNotExist)
	}
	slices.Sort(files)
	var tasks []*Task
	for _, file := range files {
		t, err := read(data, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func read(data fs.FS, name string) (*Task, error) {
	file, err := fs.ReadFile(data, name)
	if err != nil {
		return nil, err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errors.New("it holds no configurations")
	}
	names := slices.Sorted(maps.Keys(entries[0].HP))
	var points, losses [][]float64
	for _, e := range entries {
		point, loss := make([]float64, len(names)), make([]float64, len(e.Valid.Loss))
		for j, name := range names {
			point[j] = e.HP[name]
		}
		for i, v := range e.Valid.Loss {
			loss[i] = diverged
			if v != nil {
				loss[i] = *v
			}
		}
		points, losses = append(points, point), append(losses, loss)
	}
	return New(strings.TrimSuffix(path.Base(name), ".json.gz"), names, points, losses)
}

// New makes a task of one or more configurations: the values of their hyperparameters, in the order of names, and their losses by step.
func New(name string, names []string, points, losses [][]float64) (*Task, error) {
	t := &Task{Name: name, Names: names, Loss: losses}
	lows := make([]float64, len(t.Loss))
	for i, loss := range t.Loss {
		if len(loss) == 0 || len(loss) != t.Steps() {
			return nil, fmt.Errorf("configuration %d has %d steps, the first %d", i+1, len(loss), t.Steps())
		}
		lows[i] = slices.Min(loss)
	}
	slices.Sort(lows)
	n := len(lows)
	t.Best, t.Middle = lows[0], (lows[(n-1)/2]+lows[n/2])/2
	for range points {
		t.Unit = append(t.Unit, make([]float64, len(names)))
	}
	for j := range names {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(points[a][j], points[b][j]) })
		for rank, i := range order {
			t.Unit[i][j] = (float64(rank) + 0.5) / float64(n)
		}
	}
	return t, nil
}

// Resource is the parameter that says for how many steps a trial trains.
const Resource = "steps"

// Space is the space in which the configurations lie: a number from 0 to 1 for each hyperparameter, its rank, and Resource.
func (t *Task) Space() (*space.Space, error) {
	var params []space.Parameter
	for _, name := range t.Names {
		params = append(params, space.Parameter{Name: name, Type: space.Double, Max: 1})
	}
	return space.New(append(params, space.Parameter{Name: Resource, Type: space.Int, Min: 1, Max: float64(t.Steps())}))
}

// nearest is the configuration nearest to a point of Space, of those not taken while there are any. It is taken then.
func (t *Task) nearest(a space.Assignment, taken map[int]bool) int {
	best, at := math.Inf(1), 0
	for i, u := range t.Unit {
		if taken[i] && len(taken) < len(t.Unit) {
			continue
		}
		sum := 0.0
		for j := range u {
			sum += (u[j] - a[j]) * (u[j] - a[j])
		}
		if sum < best {
			best, at = sum, i
		}
	}
	taken[at] = true
	return at
}
