package problem

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"sync"

	"qalam/space"
)

// Sources says where problems come from that are not functions written here.
type Sources struct {
	Data   string // folder of tables
	Python string // interpreter with scikit-learn
	Script string // that trains its models
}

// models makes problems that train models of scikit-learn on its bundled data, in the manner of Bayesmark: half of the models are
// for tuning, half for the comparison. Nobody knows their best, so that regret is relative to the best of all methods.
//
// R. Turner et al., "Bayesian optimization is superior to random search for machine learning hyperparameter tuning: analysis of the
// black-box optimization challenge 2020", NeurIPS 2020 competition track.
func models(sources Sources) []Problem {
	trainer := &trainer{sources: sources}
	var out []Problem
	for _, m := range []struct {
		name   string
		use    Use
		data   []string
		params []space.Parameter
	}{
		{"knn", Tuning, []string{"digits", "diabetes"}, []space.Parameter{whole("n_neighbors", 1, 25), whole("p", 1, 4)}},
		{"rf", Tuning, []string{"wine", "diabetes"}, treeParameters()},
		{"mlp-sgd", Tuning, []string{"breast", "diabetes"}, append(networkParameters(), real("power_t", 0.1, 0.9), real("momentum", 0.001, 0.999))},
		{"linear", Tuning, []string{"digits"}, []space.Parameter{logarithmic("C", 1e-2, 1e2), whole("max_iter", 5, 100)}},
		{"svm", Comparison, []string{"breast", "iris", "wine", "digits", "diabetes"}, []space.Parameter{
			logarithmic("C", 1, 1e3), logarithmic("gamma", 1e-4, 1e-3), logarithmic("tol", 1e-5, 1e-1),
		}},
		{"dt", Comparison, []string{"breast", "iris", "wine", "digits", "diabetes"}, treeParameters()},
		{"ada", Comparison, []string{"breast", "iris", "wine", "diabetes"}, []space.Parameter{whole("n_estimators", 10, 100), logarithmic("learning_rate", 1e-4, 10)}},
		{"mlp-adam", Comparison, []string{"breast", "iris", "wine", "digits", "diabetes"}, append(networkParameters(),
			real("beta_1", 0.5, 0.99), real("beta_2", 0.9, 1-1e-6), logarithmic("epsilon", 1e-9, 1e-6))},
	} {
		for _, data := range m.data {
			metric := "nll"
			if data == "diabetes" {
				metric = "mse"
			}
			use, params := m.use, m.params
			out = append(out, Problem{
				Name: fmt.Sprintf("%s-%s", m.name, data), Groups: []string{"models", "models-" + string(use)}, Use: use, Params: params,
				Objectives: 1, Relative: true,
				Open: func(seed int) (*Instance, error) {
					if err := trainer.start(); err != nil {
						return nil, err
					}
					truth := func(x space.Assignment) Result {
						return trainer.train(training{Model: m.name, Data: data, Metric: metric, Seed: seed}, params, x)
					}
					return &Instance{True: truth, Observe: func(_ int, x space.Assignment) Result { return truth(x) }, Broken: trainer.broken}, nil
				},
			})
		}
	}
	return out
}

func real(name string, low, high float64) space.Parameter {
	return space.Parameter{Name: name, Type: space.Double, Min: low, Max: high}
}

func whole(name string, low, high float64) space.Parameter {
	return space.Parameter{Name: name, Type: space.Int, Min: low, Max: high}
}

func treeParameters() []space.Parameter {
	return []space.Parameter{
		whole("max_depth", 1, 15), real("min_samples_split", 0.01, 0.99), real("min_samples_leaf", 0.01, 0.49),
		real("min_weight_fraction_leaf", 0.01, 0.49), real("max_features", 0.01, 0.99), real("min_impurity_decrease", 0, 0.5),
	}
}

func networkParameters() []space.Parameter {
	return []space.Parameter{
		whole("hidden_layer_sizes", 50, 200), logarithmic("alpha", 1e-5, 10), whole("batch_size", 10, 250),
		logarithmic("learning_rate_init", 1e-5, 1e-1), logarithmic("tol", 1e-5, 1e-1), real("validation_fraction", 0.1, 0.9),
	}
}

// trainer is the process that trains models, shared by all problems.
type trainer struct {
	sources Sources

	mu      sync.Mutex
	in      io.Writer
	lines   *bufio.Scanner
	results map[string]Result // by request: most points are evaluated twice
	err     error             // the process talks no more
}

// training is what the process is asked.
type training struct {
	Model  string             `json:"model"`
	Data   string             `json:"data"`
	Metric string             `json:"metric"`
	Seed   int                `json:"seed"`
	Params map[string]float64 `json:"params"`
}

// start starts the process where it does not run. It ends with this one, when its input does.
func (t *trainer) start() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in != nil {
		return nil
	}
	if _, err := os.Stat(t.sources.Python); err != nil {
		return fmt.Errorf("there is no Python at %q to train models with: run make peers, or name another folder with -environments", t.sources.Python)
	}
	cmd := exec.Command(t.sources.Python, t.sources.Script)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	t.in, t.lines, t.results = in, bufio.NewScanner(out), map[string]Result{}
	return nil
}

// train asks for a loss.
func (t *trainer) train(r training, params []space.Parameter, x space.Assignment) Result {
	r.Params = map[string]float64{}
	for i, p := range params {
		r.Params[p.Name] = x[i]
	}
	request, err := json.Marshal(r)
	if err != nil {
		return value(math.NaN())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.results[string(request)]; ok {
		return known
	}
	v, err := t.ask(request)
	if err != nil {
		t.err = fmt.Errorf("%s: %w", t.sources.Script, err)
	}
	t.results[string(request)] = value(v)
	return value(v)
}

func (t *trainer) broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// ask gets a loss, NaN where the model cannot be trained.
func (t *trainer) ask(request []byte) (float64, error) {
	if _, err := t.in.Write(append(request, '\n')); err != nil {
		return math.NaN(), err
	}
	if !t.lines.Scan() {
		return math.NaN(), errors.Join(io.ErrUnexpectedEOF, t.lines.Err())
	}
	var answer struct {
		Value *float64 `json:"value"`
	}
	if err := json.Unmarshal(t.lines.Bytes(), &answer); err != nil || answer.Value == nil {
		return math.NaN(), err
	}
	return *answer.Value, nil
}
