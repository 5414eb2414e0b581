package hyperband

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

func newSpace(t testing.TB, resource space.Parameter) *space.Space {
	t.Helper()
	s, err := space.New([]space.Parameter{{Name: "lr", Type: space.Double, Max: 1}, resource, {Name: "opt", Type: space.Categorical, List: []string{"sgd", "adam"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var epochs = space.Parameter{Name: "epochs", Type: space.Int, Min: 1, Max: 81}

// TestRungs: every kind of number can be the resource, and what cannot is said.
func TestRungs(t *testing.T) {
	for _, test := range []struct {
		parameter space.Parameter
		settings  suggest.Settings
		want      string // the rungs, or part of the problem
	}{
		{epochs, suggest.Settings{"resource_name": "epochs"}, "[1 3 9 27 81]"},
		{epochs, suggest.Settings{"resource_name": "epochs", "r_l": "9"}, "[1 3 9]"},
		{epochs, suggest.Settings{"resource_name": "epochs", "r_l": "1000"}, "[1 3 9 27 81]"},
		{epochs, suggest.Settings{"resource_name": "epochs", "r_l": "20"}, "[2 7 20]"},
		{epochs, suggest.Settings{"resource_name": "epochs", "min_resource": "5", "eta": "4"}, "[5 20 81]"},
		{epochs, suggest.Settings{"resource_name": "epochs", "r_l": "1"}, "[1]"},
		{epochs, suggest.Settings{"resource_name": "epochs", "r_l": "51"}, "[2 6 17 51]"},
		{space.Parameter{Name: "n", Type: space.Int, Min: 10, Max: 100, Step: 10}, suggest.Settings{"resource_name": "n", "eta": "2"}, "[10 20 50 100]"},
		{space.Parameter{Name: "data", Type: space.Double, Min: 0.1, Max: 1}, suggest.Settings{"resource_name": "data", "min_resource": "0.1"}, "[0.1111"},
		{space.Parameter{Name: "data", Type: space.Double, Min: 0, Max: 27, Step: 0.1}, suggest.Settings{"resource_name": "data"}, "[1 3 9 27]"},
		{space.Parameter{Name: "size", Type: space.Discrete, List: []string{"100", "1000", "10"}}, suggest.Settings{"resource_name": "size", "eta": "10"}, "[10 100 1000]"},
		{epochs, nil, "must name the parameter"},
		{epochs, suggest.Settings{"resource_name": "epoch"}, `"epoch", which is no parameter: use one of lr, epochs`},
		{epochs, suggest.Settings{"resource_name": "opt"}, "not a number in every assignment"},
		{space.Parameter{Name: "n", Type: space.Int, Min: 10, Max: 100}, suggest.Settings{"resource_name": "n", "r_l": "5"}, "at least 10, its smallest value"},
	} {
		s := newSpace(t, test.parameter)
		settings, err := suggest.Complete(algorithm(t, "hyperband").Settings, test.settings)
		if err != nil {
			t.Fatal(err)
		}
		r, problem := newResource(s, settings)
		if got := problem + fmt.Sprint(r.amounts); !strings.Contains(got, test.want) || (problem == "") != (test.want[0] == '[') {
			t.Errorf("%+v with %v: %s, want %s", test.parameter, test.settings, got, test.want)
		}
	}
}

// play runs trials, so many at a time and with random ends, whose value is the configuration's lr plus noise that falls with the
// resource; some fail. It returns all outcomes.
func play(t *testing.T, name string, settings suggest.Settings, parallel, trials int, seed uint64) (all []suggest.Outcome) {
	t.Helper()
	s := newSpace(t, epochs)
	suggester, err := suggest.Registry{Algorithms: Algorithms(nil)}.NewSuggester(name, suggest.Problem{Space: s, Seed: seed, Parallel: parallel}, settings)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 3))
	var running []int
	tell := func(o suggest.Outcome) {
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	for len(all) < trials || len(running) > 0 {
		if free := min(parallel-len(running), trials-len(all)); free > 0 {
			suggestions, err := suggester.Ask(len(all)+1, free)
			if err != nil || len(suggestions) != free {
				t.Fatalf("it does not start %d: %v", free, err)
			}
			for _, g := range suggestions {
				o := suggest.Outcome{Number: len(all) + 1, Assignment: g.Assignment, Labels: g.Labels, Value: math.NaN()}
				all, running = append(all, o), append(running, o.Number)
				tell(o)
			}
		}
		i := rng.IntN(len(running))
		o := &all[running[i]-1]
		running = slices.Delete(running, i, i+1)
		if o.State = suggest.Failed; rng.IntN(10) > 0 {
			o.State, o.Value = suggest.Completed, o.Assignment[0]+0.1*rng.NormFloat64()/o.Assignment[1]
		}
		tell(*o)
	}
	return all
}

// checkParent checks that a trial at a higher rung continues a finished one at the rung below, with more of the resource and all else
// the same, once only.
func checkParent(t *testing.T, all []suggest.Outcome, o *suggest.Outcome, continued map[int]bool) {
	t.Helper()
	parent, err := strconv.Atoi(o.Labels[suggest.ParentLabel])
	if err != nil {
		return // a new configuration at its first rung
	}
	p := &all[parent-1]
	if p.State != suggest.Completed || continued[parent] || p.Assignment[0] != o.Assignment[0] || p.Assignment[2] != o.Assignment[2] ||
		o.Assignment[1] != 3*p.Assignment[1] {
		t.Errorf("trial %+v continues %+v", o, p)
	}
	continued[parent] = true
}

// TestASHAPromotesTheBest: whatever runs side by side, about a third of the trials at a rung goes on (some more: who was in the best
// third once may not be so later), and those are the best.
func TestASHAPromotesTheBest(t *testing.T) {
	for _, parallel := range []int{1, 4, 30} {
		all := play(t, "asha", suggest.Settings{"resource_name": "epochs"}, parallel, 400, 1)
		continued := map[int]bool{}
		counts := map[float64]int{}
		for i := range all {
			counts[all[i].Assignment[1]]++
			checkParent(t, all, &all[i], continued)
		}
		for rung := 1.0; rung < 81; rung *= 3 {
			if share := float64(counts[3*rung]) / float64(counts[rung]); counts[rung] > 80 && (share > 0.45 || share < 0.28) {
				t.Errorf("%d at a time: of %d trials at %g %d go on", parallel, counts[rung], rung, counts[3*rung])
			}
		}
		var best, rest []float64
		for _, o := range all {
			if o.State == suggest.Completed && o.Assignment[1] == 1 {
				if continued[o.Number] {
					best = append(best, o.Value)
				} else {
					rest = append(rest, o.Value)
				}
			}
		}
		slices.Sort(best)
		slices.Sort(rest)
		if best[len(best)/2] >= rest[len(rest)/10] {
			t.Errorf("%d at a time: the median of those that go on is %.3f, a tenth of the others are at %.3f or better", parallel, best[len(best)/2], rest[len(rest)/10])
		}
	}
}

// TestConstraintsComeFirst: of nine configurations at the first rung those go on that keep the constraints, though others have better
// values, and then those that break them least; trial 9 fails. Freeze-thaw looks at values alone.
func TestConstraintsComeFirst(t *testing.T) {
	third := epochs
	third.Max = 9
	for _, c := range []struct {
		scheduler  string
		violations [9]float64 // of trial 1, which has the best value, to 9
		want       string     // numbers of the trials that go on
	}{
		{"asha", [9]float64{}, "[1 2 3]"},
		{"asha", [9]float64{1, 1, 0, 1, 1, 0, 0, 1, 1}, "[3 6 7]"},
		{"asha", [9]float64{5, 9, 8, 7, 6, 5, 4, 0, 9}, "[8 7 1]"},
		{"asha", [9]float64{math.NaN(), math.Inf(1), 1, 1, 0, 1, 1, 1, 1}, "[1 5 3]"},
		{"pasha", [9]float64{5, 9, 8, 7, 6, 5, 4, 0, 9}, "[8 7 1]"},
		{"hyperband", [9]float64{5, 9, 8, 7, 6, 5, 4, 0, 9}, "[8 7 1]"},
		{"freezethaw", [9]float64{}, "[1 2 3]"},
		{"freezethaw", [9]float64{5, 9, 8, 7, 6, 5, 4, 0, 9}, "[1 2 3]"},
	} {
		s := newSpace(t, third)
		settings := suggest.Settings{"resource_name": "epochs", "scheduler": c.scheduler, "brackets": "fixed"}
		suggester, err := suggest.Registry{Algorithms: Algorithms(nil)}.NewSuggester("asha", suggest.Problem{Space: s, Constraints: 2, Seed: 4}, settings)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := make([]suggest.Outcome, 9)
		for i, g := range ask(t, suggester, 1, 9) {
			outcomes[i] = suggest.Outcome{
				Number: i + 1, Assignment: g.Assignment, Labels: g.Labels, State: suggest.Completed,
				Value: float64(i), Violations: []float64{-1, c.violations[i]},
			}
		}
		outcomes[8].State, outcomes[8].Value = suggest.Failed, math.NaN()
		if err := suggester.Tell(outcomes); err != nil {
			t.Fatal(err)
		}
		var parents []string
		for _, g := range ask(t, suggester, 10, 3) {
			parents = append(parents, g.Labels[suggest.ParentLabel])
		}
		if got := fmt.Sprint(parents); got != c.want {
			t.Errorf("%s, %v: %s go on, want %s", c.scheduler, c.violations, got, c.want)
		}
	}
}

func ask(t *testing.T, s suggest.Suggester, first, n int) []suggest.Suggestion {
	t.Helper()
	suggestions, err := s.Ask(first, n)
	if err != nil || len(suggestions) != n {
		t.Fatalf("%d suggestions of %d: %v", len(suggestions), n, err)
	}
	return suggestions
}

// TestHyperbandIsHyperband: with fixed brackets, one trial after the other it begins brackets as in the paper's table 1 (R = 81, η = 3),
// rounded as in algorithm 1, and with failed trials and many at a time it begins as many and promotes as many.
func TestHyperbandIsHyperband(t *testing.T) {
	want := map[int][]int{0: {81, 27, 9, 3, 1}, 1: {34, 11, 3, 1}, 2: {15, 5, 1}, 3: {8, 2}, 4: {5}}
	total := 0
	for _, ns := range want {
		for _, n := range ns {
			total += n
		}
	}
	for _, parallel := range []int{1, 7, 30} {
		all := play(t, "hyperband", suggest.Settings{"resource_name": "epochs", "brackets": "fixed"}, parallel, 3*total, 2)
		continued := map[int]bool{}
		counts := map[string]int{}
		for i := range all {
			checkParent(t, all, &all[i], continued)
			counts[all[i].Labels[BracketLabel]+"/"+all[i].Labels[RungLabel]]++
		}
		for bracket := range 5 {
			for i, n := range want[bracket] {
				if got := counts[fmt.Sprintf("%d/%d", bracket, bracket+i)]; got != n {
					t.Errorf("%d at a time: bracket %d has %d trials at rung %d, want %d", parallel, bracket, got, bracket+i, n)
				}
			}
		}
	}
}

// TestModelledConfigurationsAreGood: the configurations of dehb are better on average than those spread evenly.
func TestModelledConfigurationsAreGood(t *testing.T) {
	mean := func(name string) float64 {
		all := play(t, name, suggest.Settings{"resource_name": "epochs"}, 4, 300, 5)
		sum, n := 0.0, 0.0
		for _, o := range all[100:] {
			if o.Labels[suggest.ParentLabel] == "" {
				sum, n = sum+o.Assignment[0], n+1
			}
		}
		return sum / n
	}
	if even, evolved := mean("asha"), mean("dehb"); evolved > even/2 {
		t.Errorf("lr is %.3f on average, spread evenly %.3f", evolved, even)
	}
}
