package suggest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qalam/space"
)

func smallSpace(t testing.TB) *space.Space {
	t.Helper()
	s, err := space.New([]space.Parameter{
		{Name: "lr", Type: space.Double, Min: 0.01, Max: 0.05, Step: 0.01},
		{Name: "optimizer", Type: space.Categorical, List: []string{"sgd", "adam"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLookup(t *testing.T) {
	r := Builtin()
	for name, near := range map[string]string{
		"Random": "random", "rndom": "random", "gird": "grid", "gridsearch": "grid", "sobl": "sobol", "rand": "random",
		"bayesianoptimization": "", "": "", strings.Repeat("x", 1000): "",
	} {
		_, err := r.Lookup(name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Nearest != near {
			t.Errorf("%q: %v, want %q", name, err, near)
		}
	}
	for _, name := range []string{"random", "grid", "sobol"} {
		if a, err := r.Lookup(name); err != nil || a.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Lookup("xyz"); err == nil || err.Error() != `there is no algorithm "xyz": use one of grid, random, sobol` {
		t.Error(err)
	}
	if _, err := r.LookupStopRule("median-stop"); err == nil || err.Error() != `there is no early-stopping rule "median-stop"; did you mean "medianstop"?` {
		t.Error(err)
	}
	if _, err := r.NewStopper("x", nil); err == nil {
		t.Error("an unknown rule is made")
	}
	if _, err := r.NewSuggester("x", Problem{Space: smallSpace(t)}, nil); err == nil {
		t.Error("an unknown algorithm is made")
	}
}

func TestReadSettings(t *testing.T) {
	known := []Setting{
		{Name: "gamma", Kind: KindFloat, Default: "0.25"},
		{Name: "n_startup", Kind: KindInt, Default: "10", Check: AtLeast(1)},
		{Name: "multivariate", Kind: KindBool},
		{Name: "kernel", Kind: KindString, Check: func(v string) string {
			if v != "matern" && v != "rbf" {
				return "use matern or rbf"
			}
			return ""
		}},
	}
	got, err := ReadSettings(known, []GivenSetting{{"gamma", " 0.5 "}, {"multivariate", "True"}, {"kernel", "rbf"}})
	if diff := cmp.Diff(Settings{"gamma": "0.5", "n_startup": "10", "multivariate": "True", "kernel": "rbf"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if got.Int("n_startup") != 10 || got.Float("gamma") != 0.5 || !got.Bool("multivariate") || got.Int("none") != 0 {
		t.Errorf("values of %v", got)
	}
	got, err = ReadSettings(known, []GivenSetting{
		{"gamma", "NaN"}, {"n_startup", "0"}, {"n_statup", "3"}, {"multivariate", "maybe"}, {"kernel", "cubic"}, {"kernel", "rbf"}, {"n_startup", "1.5"}, {"zzz", ""},
	})
	want := SettingErrors{
		{Setting: "gamma", Index: 0, Value: "NaN", Problem: `"NaN" is not a finite number`},
		{Setting: "n_startup", Index: 1, Value: "0", Problem: "0 is less than 1, the smallest that makes sense"},
		{Setting: "n_statup", Index: 2, Value: "3", Unknown: true, Problem: `there is no such setting; did you mean "n_startup"?`},
		{Setting: "multivariate", Index: 3, Value: "maybe", Problem: `"maybe" is not true or false`},
		{Setting: "kernel", Index: 4, Value: "cubic", Problem: "use matern or rbf"},
		{Setting: "kernel", Index: 5, Value: "rbf", Problem: "it was given before, as setting 5: remove one"},
		{Setting: "n_startup", Index: 6, Value: "1.5", Problem: "it was given before, as setting 2: remove one"},
		{Setting: "zzz", Index: 7, Unknown: true, Problem: "there is no such setting: remove it or use one of gamma, n_startup, multivariate, kernel"},
	}
	var faults SettingErrors
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Settings{"gamma": "0.25", "n_startup": "10"}, got); diff != "" {
		t.Errorf("beside the faults: %s", diff)
	}
}

func TestSettingsOfBuiltins(t *testing.T) {
	s := smallSpace(t)
	for _, test := range []struct {
		name     string
		settings Settings
		want     string // of the errors, without indices
	}{
		{"random", nil, ""},
		{"random", Settings{"random_state": "10"}, ""},
		{"random", Settings{"random_state": "-1"}, `algorithm "random": setting "random_state": -1 is less than 0, the smallest that makes sense`},
		{"random", Settings{"seed": "x"}, `algorithm "random": setting "seed": there is no such setting: remove it or use one of random_state`},
		{"grid", Settings{"random_state": "1"}, ""},
		{"sobol", Settings{"random_state": "1"}, ""},
	} {
		if _, err := Builtin().NewSuggester(test.name, Problem{Space: s}, test.settings); (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s %v: %v", test.name, test.settings, err)
		}
	}
	_, err := Builtin().NewStopper("medianstop", Settings{"min_trials_required": "0", "start_step": "four", "starting_step": "4"})
	var faults SettingErrors
	if !errors.As(err, &faults) || len(faults) != 3 || faults[0].Index != -1 {
		t.Errorf("medianstop: %v", err)
	}
	m, err := Builtin().NewStopper("medianstop", nil)
	if err != nil || m.(*medianStop).minTrials != 3 || m.(*medianStop).startStep != 4 {
		t.Errorf("defaults: %+v, %v", m, err)
	}
}

func ask(t testing.TB, name string, s *space.Space, settings Settings, seed uint64, first, n int) ([]Suggestion, error) {
	t.Helper()
	suggester, err := Builtin().NewSuggester(name, Problem{Space: s, Seed: seed}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return suggester.Ask(first, n)
}

// TestRandomState: Katib's users fix the seed by the setting, whatever seed the experiment drew.
func TestRandomState(t *testing.T) {
	for _, name := range []string{"random", "sobol"} {
		one, _ := ask(t, name, smallSpace(t), Settings{"random_state": "7"}, 1, 1, 20)
		two, _ := ask(t, name, smallSpace(t), Settings{"random_state": "7"}, 2, 1, 20)
		three, _ := ask(t, name, smallSpace(t), nil, 7, 1, 20)
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("%s: two seeds and one random_state: %s", name, diff)
		}
		if diff := cmp.Diff(one, three); diff != "" {
			t.Errorf("%s: random_state 7 and seed 7: %s", name, diff)
		}
	}
}

func TestGridIsLexicographic(t *testing.T) {
	s := smallSpace(t)
	suggestions, err := ask(t, "grid", s, nil, 1, 1, 12)
	if !errors.Is(err, ErrExhausted) {
		t.Errorf("12 of 10: %v", err)
	}
	var got []string
	for _, suggestion := range suggestions {
		named := s.Named(suggestion.Assignment)
		got = append(got, named[0].Value+" "+named[1].Value)
	}
	want := []string{"0.01 sgd", "0.01 adam", "0.02 sgd", "0.02 adam", "0.03 sgd", "0.03 adam", "0.04 sgd", "0.04 adam", "0.05 sgd", "0.05 adam"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if suggestions, err := ask(t, "grid", s, nil, 1, 4, 2); err != nil || s.Text(0, suggestions[0].Assignment[0]) != "0.02" {
		t.Errorf("trials 4 and 5: %v, %v", suggestions, err)
	}
	for _, first := range []int{11, 12, 1 << 40} {
		if suggestions, err := ask(t, "grid", s, nil, 1, first, 1); len(suggestions) > 0 || !errors.Is(err, ErrExhausted) {
			t.Errorf("trial %d: %v, %v", first, suggestions, err)
		}
	}
	if suggestions, err := ask(t, "grid", s, nil, 1, 11, 0); len(suggestions) > 0 || err != nil {
		t.Errorf("no trial: %v, %v", suggestions, err)
	}
}

func TestGridRefusesReals(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "n", Type: space.Int, Max: 3}, {Name: "lr", Type: space.Double, Min: 0.1, Max: 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Builtin().NewSuggester("grid", Problem{Space: s}, nil)
	want := `algorithm "grid" cannot search this space: parameter "lr" takes any number from 0.1 to 0.5: give it a step or a list, or use random or sobol`
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestAskRefusesNumbersBelowOne(t *testing.T) {
	for _, name := range []string{"random", "grid", "sobol"} {
		for _, first := range []int{0, -1} {
			if suggestions, err := ask(t, name, smallSpace(t), nil, 1, first, 2); err == nil || errors.Is(err, ErrExhausted) || len(suggestions) > 0 {
				t.Errorf("%s, trial %d: %v, %v", name, first, suggestions, err)
			}
		}
		if suggestions, err := ask(t, name, smallSpace(t), nil, 1, 1, -5); err != nil || len(suggestions) > 0 {
			t.Errorf("%s, -5 trials: %v, %v", name, suggestions, err)
		}
	}
}

// TestRandomIsIndependent checks that the stream of first numbers over trials, and over seeds, is uniform and that neighbours do
// not hang together: chi-square over 16 × 16 cells of pairs, at one in a million.
func TestRandomIsIndependent(t *testing.T) {
	const n, side = 1 << 14, 16
	first := func(seed uint64, number int) float64 {
		source := rand.NewPCG(0, 0)
		SeedRand(source, seed, number)
		return rand.New(source).Float64()
	}
	for name, at := range map[string]func(i int) float64{
		"trials":            func(i int) float64 { return first(1, i+1) },
		"seeds":             func(i int) float64 { return first(uint64(i), 1) },
		"trials with seeds": func(i int) float64 { return first(uint64(i), i+1) },
		"seeds and trials": func(i int) float64 {
			if i%2 == 0 {
				return first(uint64(i), i+1)
			}
			return first(uint64(i), i)
		},
	} {
		var cells [side * side]float64
		for i := range n {
			cells[int(at(2*i)*side)*side+int(at(2*i+1)*side)]++
		}
		chi2 := 0.0
		for _, c := range cells {
			chi2 += (c - n/side/side) * (c - n/side/side) / (n / side / side)
		}
		if chi2 > 372.6 { // 255 degrees of freedom
			t.Errorf("%s: chi-square %.1f", name, chi2)
		}
	}
}

// FuzzReadSettings gives any settings: they are complete and readable, or every fault has a problem and a place.
func FuzzReadSettings(f *testing.F) {
	f.Add("start_step", "4", "min_trials_required", "3")
	f.Add("start_step", " 04", "start_step", "1e3")
	f.Add("start_stop", "-9223372036854775809", "", "\x00")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		known := Builtin().StopRules[0].Settings
		settings, err := ReadSettings(known, []GivenSetting{{name1, value1}, {name2, value2}})
		if err == nil {
			if settings.Int("start_step") < 1 || settings.Int("min_trials_required") < 1 {
				t.Fatalf("accepted %v", settings)
			}
			return
		}
		var faults SettingErrors
		if !errors.As(err, &faults) || slices.ContainsFunc(faults, func(e *SettingError) bool { return e.Problem == "" || e.Index < 0 || e.Index > 1 }) {
			t.Fatal(err)
		}
	})
}
