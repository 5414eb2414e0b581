package hyperband

import (
	"math"
	"math/rand/v2"
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
	"qalam/suggest/suggesttest/curves"
)

// shifted is a task of 500 configurations with 27 steps each: the loss is the distance from an optimum and noise that falls with
// the steps, but at the first step it is larger and, to some extent, the distance from another point, half the cube away in each direction.
func shifted(t *testing.T, seed uint64, extent float64) *curves.Task {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 27))
	optimum := [3]float64{rng.Float64(), rng.Float64(), rng.Float64()}
	var points, losses [][]float64
	for range 500 {
		point, near, far := make([]float64, len(optimum)), 0.0, 0.0
		for j := range point {
			point[j] = rng.Float64()
			near += (point[j] - optimum[j]) * (point[j] - optimum[j])
			other := math.Mod(optimum[j]+0.5, 1)
			far += (point[j] - other) * (point[j] - other)
		}
		loss := make([]float64, 27)
		for i := range loss {
			loss[i] = math.Sqrt(near) + 0.1*rng.Float64()/float64(i+1)
		}
		loss[0] = 4 + (1-extent)*loss[0] + extent*math.Sqrt(far)
		points, losses = append(points, point), append(losses, loss)
	}
	task, err := curves.New("shifted", []string{"x", "y", "z"}, points, losses)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// searched is the regrets on a synthetic task after some full runs; an eager search asks its model from the first results on.
func searched(t *testing.T, name string, eager bool, task *curves.Task, seed uint64, budgets []int) []float64 {
	t.Helper()
	space, err := task.Space()
	if err != nil {
		t.Fatal(err)
	}
	a := algorithm(t, name)
	settings, err := suggest.Complete(a.Settings, suggest.Settings{"resource_name": curves.Resource})
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.New(suggest.Problem{Space: space, Seed: seed}, settings)
	if err != nil {
		t.Fatal(err)
	}
	if eager {
		made.(*suggester).sampler.(*modelled).patient = false
	}
	regrets, err := curves.Searched(task, made, 1, budgets)
	if err != nil {
		t.Fatal(err)
	}
	return regrets
}

// TestModelsWaitForTheSecondRung compares bohb and dehb with themselves asking their models from the first results on. Where the first
// rung misleads, regrets of 60 searches are better. Where it ranks, they are as good after twenty full runs; after five, the
// wait is seen. z is the mean difference in standard errors: with other seeds one of them is below 0 with a chance of Φ(-z).
func TestModelsWaitForTheSecondRung(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of experiments")
	}
	budgets := []int{5, 10, 20}
	for _, test := range []struct {
		first  string
		extent float64
		name   string
		least  float64 // z after ten full runs
		most   float64 // mean difference after twenty, in regrets
	}{
		{"misleads", 1, "bohb", 2, 0}, {"misleads", 1, "dehb", 1, 0},
		{"ranks", 0, "bohb", -3, 0.01}, {"ranks", 0, "dehb", -3, 0.01},
	} {
		const seeds = 60
		means, z := make([]float64, len(budgets)), make([]float64, len(budgets)) // of what waiting is better by
		differences := make([][]float64, len(budgets))
		for seed := range uint64(seeds) {
			task := shifted(t, seed, test.extent)
			waits, eager := searched(t, test.name, false, task, seed+1, budgets), searched(t, test.name, true, task, seed+1, budgets)
			for i := range budgets {
				differences[i] = append(differences[i], eager[i]-waits[i])
			}
		}
		for i, d := range differences {
			means[i] = suggesttest.Mean(d)
			squares := 0.0
			for _, x := range d {
				squares += (x - means[i]) * (x - means[i])
			}
			z[i] = means[i] / math.Sqrt(squares/(seeds-1)/seeds)
		}
		t.Logf("the first rung %s: %s is better by %.3f after %v full runs, z = %.1f", test.first, test.name, means, budgets, z)
		if !(z[1] >= test.least && means[2] >= -test.most) { // NaN where nothing waits
			t.Errorf("the first rung %s: %s is better by %.3f, z = %.1f", test.first, test.name, means, z)
		}
	}
}

// TestFreezeThawAsksAtOnce begins: freezethaw asks its model for the first configurations, bohb and dehb do not.
func TestFreezeThawAsksAtOnce(t *testing.T) {
	for name, waits := range map[string]bool{"bohb": true, "dehb": true, "freezethaw": false} {
		a := algorithm(t, name)
		settings, err := suggest.Complete(a.Settings, suggest.Settings{"resource_name": "epochs", "random_fraction": "0"})
		if err != nil {
			t.Fatal(err)
		}
		made, err := a.New(suggest.Problem{Space: newSpace(t, epochs), Seed: 1}, settings)
		if err != nil {
			t.Fatal(err)
		}
		s := made.(*suggester)
		m := s.sampler.(*modelled)
		asked := &asked{Suggester: m.model}
		m.model = asked
		if _, err := m.sample([]int{1, 2}); err != nil {
			t.Fatal(err)
		}
		if (asked.times == 0) != waits {
			t.Errorf("%s asks its model %d times, and is to wait: %v", name, asked.times, waits)
		}
	}
}

// asked counts the questions.
type asked struct {
	suggest.Suggester
	times int
}

func (a *asked) Ask(first, n int) ([]suggest.Suggestion, error) {
	a.times++
	return a.Suggester.Ask(first, n)
}
