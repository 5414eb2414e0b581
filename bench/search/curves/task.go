// Package curves knows learning curves of real trainings, and what early-stopping rules and multi-fidelity algorithms would have made
// of them: ours, and the rules of other projects, which are written here after their documentation. It knows nothing of how the
// outcomes are judged.
//
// The curves are of TaskSet: L. Metz et al., "Using a thousand optimization tasks to learn hyperparameter search strategies",
// arXiv:2002.11887 (2020).
package curves

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qalam/space"
)

// diverged is the loss of a step that has none.
const diverged = 1e9

// Task is one training job with its curves for many configurations.
type Task struct {
	Name         string
	names        []string    // of the hyperparameters
	unit         [][]float64 // by configuration: each hyperparameter's rank among the configurations, from 0 to 1
	loss         [][]float64 // by configuration and step, on validation data; smaller is better
	best, middle float64     // of the configurations' smallest losses the smallest and the median
}

// steps is the length of a full run.
func (t *Task) steps() int { return len(t.loss[0]) }

// Regret is how a loss stands between the best configuration, 0, and the median one, 1.
func (t *Task) Regret(loss float64) float64 { return (loss - t.best) / (t.middle - t.best) }

// Read reads the tasks in the folder taskset below a folder, in the order of their names.
func Read(data string) ([]*Task, error) {
	files, err := filepath.Glob(filepath.Join(data, "taskset", "*.json.gz"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no learning curves in %s: name the folder that holds taskset with -data or $QALAM_BENCHMARKS", data)
	}
	slices.Sort(files)
	var tasks []*Task
	for _, file := range files {
		t, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func read(path string) (*Task, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
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
	t := &Task{Name: strings.TrimSuffix(filepath.Base(path), ".json.gz")}
	if len(entries) == 0 {
		return nil, fmt.Errorf("it holds no configurations")
	}
	t.names = slices.Sorted(maps.Keys(entries[0].HP))
	for _, e := range entries {
		unit, loss := make([]float64, len(t.names)), make([]float64, len(e.Valid.Loss))
		for j, name := range t.names {
			unit[j] = e.HP[name]
		}
		for i, v := range e.Valid.Loss {
			loss[i] = diverged
			if v != nil {
				loss[i] = *v
			}
		}
		t.unit, t.loss = append(t.unit, unit), append(t.loss, loss)
	}
	t.finish()
	return t, nil
}

// finish makes ranks of the hyperparameters and finds the best and the median.
func (t *Task) finish() {
	for j := range t.names {
		order := make([]int, len(t.unit))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.unit[a][j], t.unit[b][j]) })
		for rank, i := range order {
			t.unit[i][j] = (float64(rank) + 0.5) / float64(len(order))
		}
	}
	lows := make([]float64, len(t.loss))
	for i, loss := range t.loss {
		lows[i] = slices.Min(loss)
	}
	slices.Sort(lows)
	n := len(lows)
	t.best, t.middle = lows[0], (lows[(n-1)/2]+lows[n/2])/2
}

// Resource is the parameter that says for how many steps a trial trains.
const Resource = "steps"

// Space is the space in which the configurations lie: a number from 0 to 1 for each hyperparameter, and Resource.
func (t *Task) Space() (*space.Space, error) {
	var params []space.Parameter
	for _, name := range t.names {
		params = append(params, space.Parameter{Name: name, Type: space.Double, Max: 1})
	}
	return space.New(append(params, space.Parameter{Name: Resource, Type: space.Int, Min: 1, Max: float64(t.steps())}))
}
