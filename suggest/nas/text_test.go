package nas

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// TestTextsAreThoseOfKatib has texts that Python's json.dumps made of the same networks, with its quotes replaced.
func TestTextsAreThoseOfKatib(t *testing.T) {
	a, s := network(t, 4, "enas")
	if n, _ := s.Count(0); n != 6 || s.Len() != 10 || s.Parameters()[6].Name != "layer4.operation" || s.Parameters()[7].Name != "layer4.skip0" {
		t.Fatalf("%d operations, parameters %v", n, s.Parameters())
	}
	check := func(s *space.Space, a space.Assignment, want ...string) {
		t.Helper()
		var got []string
		for _, n := range s.Named(a) {
			got = append(got, n.Name+" "+n.Value)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	check(s, space.Assignment{3, 5, 1, 3, 0, 1, 0, 1, 0, 0},
		"architecture [[3], [5, 1], [3, 0, 1], [0, 1, 0, 0]]",
		"nn_config {'num_layers': 4, 'input_sizes': [32, 32, 3], 'output_sizes': [10], 'embedding': "+
			"{'3': {'opt_id': 3, 'opt_type': 'convolution', 'opt_params': {'filter_size': '5', 'stride': '2'}}, "+
			"'5': {'opt_id': 5, 'opt_type': 'reduction', 'opt_params': {'pool_size': 3}}, "+
			"'0': {'opt_id': 0, 'opt_type': 'convolution', 'opt_params': {'filter_size': '3', 'stride': '1'}}}}")
	a.Layers = 1
	a.Operations = []suggest.Operation{{Type: "dropout", Parameters: []space.Parameter{
		{Name: "rate é\"", Type: space.Double, Min: 0, Max: 0.00006, Step: 0.00003}, {Name: "keep", Type: space.Double, Min: 1, Max: 1, Step: 1},
	}}}
	s, err := Space(a, "enas", nil)
	if err != nil {
		t.Fatal(err)
	}
	check(s, space.Assignment{1}, "architecture [[1]]", "nn_config {'num_layers': 1, 'input_sizes': [32, 32, 3], 'output_sizes': [10], 'embedding': "+
		`{'1': {'opt_id': 1, 'opt_type': 'dropout', 'opt_params': {'rate \u00e9\'': 3e-05, 'keep': 1.0}}}}`)
}

func TestDartsTexts(t *testing.T) {
	a, _ := network(t, 8, "darts")
	a.Operations = append(a.Operations, suggest.Operation{Type: "skip_connection"})
	s, err := Space(a, "darts", []suggest.GivenSetting{{Name: "num_epochs", Value: "50"}, {Name: "batch_size", Value: "None"}, {Name: "cutout", Value: "16"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "[{algorithm-settings {'num_epochs': '50', 'w_lr': 0.025, 'w_lr_min': 0.001, 'w_momentum': 0.9, 'w_weight_decay': 0.0003, " +
		"'w_grad_clip': 5.0, 'alpha_lr': 0.0003, 'alpha_weight_decay': 0.001, 'batch_size': null, 'num_workers': 4, 'init_channels': 16, " +
		"'print_step': 50, 'num_nodes': 4, 'stem_multiplier': 3, 'cutout': '16'}} " +
		"{search-space ['convolution_3x3', 'convolution_5x5', 'reduction_2x2', 'reduction_3x3', 'skip_connection']} {num-layers 8}]"
	p := suggest.Problem{Space: s, Architecture: a}
	sg, err := suggest.Registry{Algorithms: Algorithms()}.NewSuggester("darts", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for call := 1; call <= 3; call++ { // Katib's service fails at the second
		suggestions, err := sg.Ask(call, 1)
		if err != nil || len(suggestions) != 1 {
			t.Fatal(suggestions, err)
		}
		if got := fmt.Sprint(s.Named(suggestions[0].Assignment)); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestSpaceRefuses(t *testing.T) {
	for want, change := range map[string]func(a *suggest.Architecture){
		"from 1 to 100":           func(a *suggest.Architecture) { a.Layers = 0 },
		"give from 1 to 100":      func(a *suggest.Architecture) { a.Layers = 101 },
		"no operations":           func(a *suggest.Architecture) { a.Operations = nil },
		"give it a step or a lis": func(a *suggest.Architecture) { a.Operations[1].Parameters[0].Type = space.Double },
		"more than 10000":         func(a *suggest.Architecture) { a.Operations[1].Parameters[0].Max = 10_000 },
		"the list is empty":       func(a *suggest.Architecture) { a.Operations[0].Parameters[0].List = nil },
	} {
		a, _ := network(t, 2, "enas")
		change(a)
		if _, err := Space(a, "enas", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSettingsAreKatibs(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"controller_temperature", "None", ""}, {"controller_tanh_const", "None", ""}, {"controller_entropy_weight", "None", ""},
		{"controller_skip_weight", "None", ""}, {"controller_skip_target", "None", "not a number"}, {"controller_learning_rate", "5e-5", ""},
		{"controller_temperature", "0", "0 must be in range (0, inf)"}, {"controller_baseline_decay", "1.0", ""},
		{"controller_baseline_decay", "1.5", "1.5 must be in range (0, 1]"}, {"controller_hidden_size", "0", "must be in range [1,"},
		{"controller_train_steps", "0", "less than 1"}, {"controller_log_every_steps", "x", "not a whole number"},
		{"controller_tanh_const", "NaN", "must be in range"}, {"controller", "tpe", "use rl or evolution"},
	} {
		_, err := suggest.Complete(enasAlgorithm().Settings, suggest.Settings{c.name: c.value})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}

// TestNoArchitectureTwice plays a space of 6·6·2 networks to its end.
func TestNoArchitectureTwice(t *testing.T) {
	a, s := network(t, 2, "enas")
	for _, controller := range []string{"rl", "evolution"} {
		r := suggest.Registry{Algorithms: Algorithms()}
		sg, err := r.NewSuggester("enas", suggest.Problem{Space: s, Architecture: a, Seed: 3}, suggest.Settings{"controller": controller, "controller_hidden_size": "8"})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		seen := map[string]bool{}
		for n := 1; n <= 48; n += 4 {
			suggestions, err := sg.Ask(n, 4)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range suggestions {
				if seen[key(x.Assignment)] {
					t.Fatalf("%s: trial %d is a repetition", controller, n+i)
				}
				seen[key(x.Assignment)] = true
				o := suggest.Outcome{Number: n + i, Assignment: x.Assignment, State: suggest.Completed, Value: x.Assignment[0] + rng.Float64()}
				if err := sg.Tell([]suggest.Outcome{o}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestLearnerIsThatOfAFreshOne tells results out of order and late over several epochs, and compares the weights with those of a
// learner that is told everything at once.
func TestLearnerIsThatOfAFreshOne(t *testing.T) {
	a, s := network(t, 3, "enas")
	p := suggest.Problem{Space: s, Architecture: a, Seed: 3}
	settings, _ := suggest.Complete(enasAlgorithm().Settings, suggest.Settings{"controller_hidden_size": "6"})
	made := func() *enas {
		sg, _ := newEnas(p, settings)
		return sg.(*enas)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	old := made()
	var told []suggest.Outcome
	late := map[int]suggest.Outcome{}
	tell := func(o suggest.Outcome) {
		told = append(told, o)
		if err := old.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= 3*blockSize*epochSize; n++ {
		o := suggest.Outcome{Number: n, Assignment: s.Sample(rng), State: suggest.Completed, Value: rng.NormFloat64()}
		if rng.IntN(5) == 0 {
			late[n+rng.IntN(200)] = o
		} else {
			tell(o)
		}
		if o, ok := late[n]; ok {
			tell(o)
		}
		if n%37 != 0 {
			continue
		}
		fresh := made()
		if err := fresh.Tell(told); err != nil {
			t.Fatal(err)
		}
		got, _ := old.Ask(n+1, 1)
		want, _ := fresh.Ask(n+1, 1)
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(old.learner.policy(n).theta) != fmt.Sprint(fresh.learner.policy(n).theta) {
			t.Fatalf("after trial %d the weights depend on the order", n)
		}
		if len(old.learner.now.kept)+len(old.learner.next.kept) > 20 {
			t.Fatalf("%d states are kept", len(old.learner.now.kept))
		}
	}
}
