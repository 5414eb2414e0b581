package nas

import (
	"fmt"
	"strconv"
	"strings"

	"qalam/space"
	"qalam/suggest"
)

// darts lets the trial search, by
//
//	H. Liu, K. Simonyan, Y. Yang, "DARTS: differentiable architecture search", ICLR 2019:
//
// one trial trains one network of all operations at once and relaxes the choice between them. All that is left to do here is to
// tell the trial its settings and the operations, as Katib does.
type darts struct{}

const (
	dartsName      = "darts"
	skipConnection = "skip_connection" // the operation that has no filter
)

func newDarts(suggest.Problem, suggest.Settings) (suggest.Suggester, error) { return darts{}, nil }

func dartsSupports(p suggest.Problem, _ suggest.Settings) string {
	if p.Space.Len() > 0 {
		return "its trials search by themselves, so that there is nothing to vary: use enas"
	}
	return ""
}

// Tell has nothing to learn.
func (darts) Tell([]suggest.Outcome) error { return nil }

// Ask proposes the only point there is.
func (darts) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	suggestions := make([]suggest.Suggestion, max(n, 0))
	for i := range suggestions {
		suggestions[i].Assignment = space.Assignment{}
	}
	return suggestions, nil
}

// dartsSpace is the space of one point with the three texts of a trial.
func dartsSpace(a *suggest.Architecture, given []suggest.GivenSetting) (*space.Space, error) {
	var primitives []string
	for i, o := range a.Operations {
		if o.Type == skipConnection {
			primitives = append(primitives, pythonText(o.Type))
			continue
		}
		if len(o.Parameters) == 0 {
			return nil, fmt.Errorf("operation %d, %s: it has no parameter that lists the sizes of its filter", i+1, o.Type)
		}
		s, err := space.New(o.Parameters[:1])
		if err != nil {
			return nil, fmt.Errorf("operation %d, %s: %w", i+1, o.Type, err)
		}
		n, finite := s.Size()
		if !finite || n > MaxOperations {
			return nil, fmt.Errorf("operation %d, %s: its first parameter, the size of its filter, takes too many values: give it a list", i+1, o.Type)
		}
		for k := range n {
			size := s.Text(0, s.At(k)[0])
			primitives = append(primitives, pythonText(fmt.Sprintf("%s_%sx%s", o.Type, size, size)))
		}
	}
	named := []space.Named{
		{Name: "algorithm-settings", Value: dartsSettings(given)},
		{Name: "search-space", Value: singleQuotes("[" + strings.Join(primitives, ", ") + "]")},
		{Name: "num-layers", Value: strconv.Itoa(a.Layers)},
	}
	s, err := space.New(nil)
	if err != nil {
		return nil, err
	}
	return s.Encode(func(space.Assignment) []space.Named { return named }), nil
}

// dartsSettings writes the settings as Katib does: its defaults as numbers, in its order, what the user gave as texts, and last
// those it does not know. None is null.
func dartsSettings(given []suggest.GivenSetting) string {
	var names []string
	values := map[string]string{}
	for _, d := range dartsDefaults {
		names = append(names, d.name)
		values[d.name] = d.value
	}
	for _, g := range given {
		if _, known := values[g.Name]; !known {
			names = append(names, g.Name)
		}
		values[g.Name] = pythonText(g.Value)
		if g.Value == none {
			values[g.Name] = "null"
		}
	}
	for i, name := range names {
		names[i] = pythonText(name) + ": " + values[name]
	}
	return singleQuotes("{" + strings.Join(names, ", ") + "}")
}

// dartsDefaults are Katib's, as Python writes them.
var dartsDefaults = []struct {
	name, value string
	kind        suggest.Kind
	least       int64
	doc         string
}{
	{"num_epochs", "50", suggest.KindInt, 1, "Passes over the training data."},
	{"w_lr", "0.025", suggest.KindFloat, 0, "Learning rate of the weights at the start."},
	{"w_lr_min", "0.001", suggest.KindFloat, 0, "Learning rate of the weights at the end of its cosine schedule."},
	{"w_momentum", "0.9", suggest.KindFloat, 0, "Momentum of the weights' optimizer."},
	{"w_weight_decay", "0.0003", suggest.KindFloat, 0, "Weight decay of the weights' optimizer."},
	{"w_grad_clip", "5.0", suggest.KindFloat, 0, "Norm at which the gradient of the weights is cut."},
	{"alpha_lr", "0.0003", suggest.KindFloat, 0, "Learning rate of the choice between operations."},
	{"alpha_weight_decay", "0.001", suggest.KindFloat, 0, "Weight decay of the choice between operations."},
	{"batch_size", "128", suggest.KindString, 1, "Examples in a batch, or None."},
	{"num_workers", "4", suggest.KindInt, 0, "Processes that load data."},
	{"init_channels", "16", suggest.KindInt, 1, "Channels of the first layer."},
	{"print_step", "50", suggest.KindInt, 1, "Batches between two lines of the log."},
	{"num_nodes", "4", suggest.KindInt, 1, "Nodes of a cell."},
	{"stem_multiplier", "3", suggest.KindInt, 1, "Channels of the stem, as a multiple of init_channels."},
}

func dartsAlgorithm() suggest.Algorithm {
	a := suggest.Algorithm{
		Name: dartsName, New: newDarts, Supports: dartsSupports, Architectures: true,
		Doc: "Tells each trial the operations and settings with which it searches by itself, by differentiable architecture search; " +
			"one trial is enough. Settings that are not listed here reach the trial as well.",
	}
	for _, d := range dartsDefaults {
		a.Settings = append(a.Settings, suggest.Setting{Name: d.name, Kind: d.kind, Default: d.value, Doc: d.doc, Check: dartsCheck(d.kind, d.least)})
	}
	return a
}

func dartsCheck(kind suggest.Kind, least int64) func(string) string {
	return func(text string) string {
		v, err := strconv.ParseFloat(text, 64)
		if kind == suggest.KindString {
			if text == none {
				return ""
			}
			if _, err = strconv.ParseInt(text, 10, 64); err != nil {
				return fmt.Sprintf("%q is neither a whole number nor None", text)
			}
		}
		if err == nil && v < float64(least) {
			return fmt.Sprintf("%s should be greater than or equal to %d", text, least)
		}
		return ""
	}
}
