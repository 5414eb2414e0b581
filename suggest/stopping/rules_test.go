package stopping

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest"
)

func stopper(t interface {
	Helper()
	Fatal(...any)
}, name string, settings suggest.Settings) suggest.Stopper {
	t.Helper()
	s, err := suggest.Registry{StopRules: StopRules()}.NewStopper(name, settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// slowASHA is the rule by its definition: the last rung below R that the trial reached, the best values up to there of all trials.
func slowASHA(eta int, R float64, known []suggest.Curve, running suggest.Curve) bool {
	at := func(c suggest.Curve, step float64) (float64, bool) {
		best := math.Inf(1)
		for i, v := range c.Values {
			if best = min(best, v); float64(c.Steps[i]) >= step {
				return best, true
			}
		}
		return 0, false
	}
	stop := false
	for step := 1.0; step < R; step *= float64(eta) {
		mine, ok := at(running, step)
		if !ok {
			break
		}
		all := []float64{mine}
		for _, c := range known {
			if v, ok := at(c, step); ok && c.Number != running.Number {
				all = append(all, v)
			}
		}
		slices.Sort(all)
		stop = len(all) > 1 && mine > all[max(1, len(all)/eta)-1]
	}
	return stop
}

func TestASHAAgainstItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		eta := rapid.IntRange(2, 4).Draw(t, "eta")
		draw := func(number int) suggest.Curve {
			c := suggest.Curve{Number: number, State: suggest.State(rapid.IntRange(0, 3).Draw(t, "state"))}
			step := int64(0)
			for range rapid.IntRange(0, 8).Draw(t, "reports") {
				step += rapid.Int64Range(0, 4).Draw(t, "stride")
				c.Steps, c.Values = append(c.Steps, step), append(c.Values, float64(rapid.IntRange(-9, 9).Draw(t, "value")))
			}
			return c
		}
		s := stopper(t, "asha", suggest.Settings{"reduction_factor": fmt.Sprint(eta), "max_resource": "20"})
		var known []suggest.Curve
		for range rapid.IntRange(0, 12).Draw(t, "trials") {
			c := draw(len(known) + 1)
			known = append(known, c)
			n := rapid.IntRange(0, len(c.Values)).Draw(t, "told first")
			s.Tell(suggest.Curve{Number: c.Number, Values: c.Values[:n], Steps: c.Steps[:n]})
			s.Tell(c)
		}
		running := draw(1000)
		if len(known) > 0 && rapid.Bool().Draw(t, "told") {
			running = known[0]
		}
		if v := s.Judge(running); v.Stop != slowASHA(eta, 20, known, running) {
			t.Errorf("%+v, which the definition denies", v)
		}
	})
}

// TestHyperbandSpreadsTrials: with η = 3 and R = 81 Hyperband begins 81, 34, 15, 8 and 5 configurations in its brackets.
func TestHyperbandSpreadsTrials(t *testing.T) {
	a := stopper(t, "hyperband", nil).(*asha)
	counts := make([]int, len(a.brackets))
	for number := range 14_300 {
		counts[a.bracketOf(number+1)]++
	}
	for b, want := range []int{8100, 3400, 1500, 800, 500} {
		if math.Abs(float64(counts[b]-want)) > 10 {
			t.Errorf("bracket %d has %d trials, want %d", b, counts[b], want)
		}
	}
	if r := a.rung(2, 0); r.step != 9 {
		t.Errorf("the first rung of bracket 2 is at %v", r.step)
	}
}

func TestAlone(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		rule     string
		settings suggest.Settings
		values   []float64
		want     string // part of the reason; "" when the trial goes on
	}{
		{"patience", suggest.Settings{"patience": "3"}, []float64{3, 2, 2, 2}, ""},
		{"patience", suggest.Settings{"patience": "3"}, []float64{3, 2, 2, 2, 2}, "its last 3 values are not better than 2"},
		{"patience", suggest.Settings{"patience": "3"}, []float64{3, 2, nan, nan, 2}, ""},
		{"patience", suggest.Settings{"patience": "3", "min_delta": "0.5"}, []float64{3, 2, 1.9, 1.8, 1.6}, "by more than 0.5"},
		{"patience", suggest.Settings{"patience": "3", "min_delta": "0.5"}, []float64{3, 2, 1.9, 1.8, 1.4}, ""},
		{"patience", suggest.Settings{"patience": "2", "start_step": "4"}, []float64{1, 2, 3, 4, 5}, ""},
		{"patience", suggest.Settings{"patience": "2", "start_step": "4"}, []float64{1, 2, 3, 4, 5, 6}, "its last 2 values"},
		{"threshold", nil, []float64{1e9, -1e9}, ""},
		{"threshold", suggest.Settings{"upper": "5"}, []float64{5, 4}, ""},
		{"threshold", suggest.Settings{"upper": "5"}, []float64{1, 6, 1}, "its value at step 2, 6, is above 5"},
		{"threshold", suggest.Settings{"upper": "5", "start_step": "3"}, []float64{1, 6}, ""},
		{"threshold", suggest.Settings{"lower": "0.5", "objective_type": "maximize"}, []float64{-0.6, -0.4}, "its value at step 2, 0.4, is below 0.5"},
		{"threshold", suggest.Settings{"lower": "0.5", "objective_type": "maximize"}, []float64{-0.6, -0.9}, ""},
	} {
		v := stopper(t, test.rule, test.settings).Judge(suggest.Curve{Number: 1, Values: test.values})
		if v.Stop != (test.want != "") || !strings.Contains(v.Reason, test.want) {
			t.Errorf("%s %v of %v: %+v, want %q", test.rule, test.settings, test.values, v, test.want)
		}
	}
}

// TestNonFinite: a trial that reports nothing but NaN, or comes to do so, is stopped by the rules that look at it alone.
func TestNonFinite(t *testing.T) {
	for _, test := range []struct {
		rule      string
		settings  suggest.Settings
		values    []float64
		nonFinite int
		want      bool
	}{
		{"patience", nil, nil, 9, false},
		{"patience", nil, nil, 10, true},
		{"patience", nil, []float64{1, 2}, 10, true},
		{"patience", suggest.Settings{"max_nonfinite": "0"}, nil, 1000, false},
		{"threshold", nil, []float64{1}, 2, false},
		{"threshold", nil, nil, 3, true},
		{"threshold", suggest.Settings{"max_nonfinite": "1", "objective_type": "maximize"}, nil, 1, true},
		{"asha", nil, nil, 1000, false},
		{"curve", nil, nil, 1000, false},
	} {
		v := stopper(t, test.rule, test.settings).Judge(suggest.Curve{Number: 1, Values: test.values, NonFinite: test.nonFinite})
		if v.Stop != test.want || v.Stop != strings.Contains(v.Reason, "no finite numbers") {
			t.Errorf("%s %v of %v and %d that are not finite: %+v", test.rule, test.settings, test.values, test.nonFinite, v)
		}
	}
}

// TestCurveMemory: of 5,000 trials at most 256 keep what they are compared by, evenly spread, whatever the order of arrival.
func TestCurveMemory(t *testing.T) {
	kept := func(order func(i int) int) []int {
		c := stopper(t, "curve", nil).(*curve)
		for i := range 5000 {
			c.Tell(suggest.Curve{Number: order(i), State: suggest.Completed, Values: []float64{1, 2, 3}})
		}
		var numbers []int
		for n, u := range c.told {
			if u.z != nil {
				numbers = append(numbers, n)
			}
		}
		slices.Sort(numbers)
		if !slices.Equal(numbers, c.similar) {
			t.Errorf("%d trials are kept, %d compared with", len(numbers), len(c.similar))
		}
		return numbers
	}
	up, down := kept(func(i int) int { return i + 1 }), kept(func(i int) int { return 5000 - i })
	if !slices.Equal(up, down) || len(up) < 100 || len(up) > 256 {
		t.Errorf("%d are kept one way, %d the other", len(up), len(down))
	}
}
