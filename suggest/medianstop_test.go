package suggest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func newStopper(t testing.TB, settings Settings) *medianStop {
	t.Helper()
	s, err := Builtin().NewStopper("medianstop", settings)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*medianStop)
}

func TestMedianStop(t *testing.T) {
	flat := func(v float64) []float64 { return []float64{v, v, v, v, v, v} }
	tests := []struct {
		name     string
		settings Settings
		finished [][]float64
		running  []float64
		want     string // the figures in the reason; "" when the trial goes on
	}{
		{"too few finished", nil, [][]float64{flat(1), flat(1)}, flat(9), ""},
		{"too early", nil, [][]float64{flat(1), flat(1), flat(1)}, []float64{9, 9, 9}, ""},
		{"worse", nil, [][]float64{flat(1), flat(2), flat(3)}, []float64{9, 8, 7, 6}, "up to step 4, 6, is worse than 2, the median of the running averages of 3 finished trials at step 4"},
		{"equal is not worse", nil, [][]float64{flat(1), flat(2), flat(3)}, flat(2), ""},
		// The mean of 1, 2 and 300 is 101: Katib would let this one run.
		{"a median, no mean", nil, [][]float64{flat(1), flat(2), flat(300)}, flat(50), "50, is worse than 2,"},
		{"an even number", Settings{"min_trials_required": "4"}, [][]float64{flat(1), flat(2), flat(3), flat(9)}, flat(2.6), "2.6, is worse than 2.5,"},
		// Averages at step 4: (8+4+2+2)/4 = 4 for each.
		{"running averages", nil, [][]float64{{8, 4, 2, 2}, {8, 4, 2, 2}, {8, 4, 2, 2}}, []float64{5, 5, 5, 4.5}, "4.5, is worse than 4,"},
		{"the best counts, not the last", nil, [][]float64{flat(2), flat(2), flat(2)}, []float64{1, 9, 9, 9}, ""},
		{"every later step", nil, [][]float64{flat(4), {9, 9, 9, 9, 1, 1}, {9, 9, 9, 9, 1, 1}}, []float64{7, 7, 7, 7, 7, 7}, "up to step 6, 7, is worse than 6.33333"},
		{"too few reached that step", nil, [][]float64{flat(1), flat(2), {3, 3, 3, 3}}, flat(5), "up to step 6, 5, is worse than 2, the median of the running averages of 3 finished trials at step 4"},
		{"the first report", Settings{"start_step": "1", "min_trials_required": "1"}, [][]float64{{1}}, []float64{2}, "up to step 1, 2, is worse than 1,"},
		{"no finite number", nil, [][]float64{flat(1), flat(2), flat(3)}, []float64{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.Inf(1)}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newStopper(t, test.settings)
			for i, values := range test.finished {
				m.Tell(Curve{Number: i + 1, State: Completed, Values: values})
			}
			v := m.Judge(Curve{Number: 100, Values: test.running})
			if v.Stop != (test.want != "") || !strings.Contains(v.Reason, test.want) {
				t.Errorf("got %+v, want %q", v, test.want)
			}
		})
	}
}

// TestMedianStopSteps: trials with another batch size count steps in other strides; they are compared where they meet.
func TestMedianStopSteps(t *testing.T) {
	m := newStopper(t, Settings{"start_step": "2"})
	for i := range 3 {
		m.Tell(Curve{Number: i + 1, State: Completed, Values: []float64{4, 2, 1}, Steps: []int64{100, 200, 300}})
		m.Tell(Curve{Number: i + 11, State: Completed, Values: []float64{40, 20, 10}, Steps: []int64{150, 300, 450}})
	}
	for steps, want := range map[[3]int64]string{
		{50, 100, 199}:  "", // step 100 was each one's first report, before start_step
		{50, 100, 200}:  "worse than 3, the median of the running averages of 3 finished trials at step 200",
		{50, 100, 299}:  "worse than 3, the median of the running averages of 3 finished trials at step 200",
		{50, 100, 300}:  "", // (7/3 + 30)/2: the other three have joined
		{200, 300, 100}: "",
		{1, 2, 1e6}:     "",
	} {
		v := m.Judge(Curve{Values: []float64{9, 8, 7}, Steps: steps[:]})
		if v.Stop != (want != "") || !strings.Contains(v.Reason, want) {
			t.Errorf("steps %v: %+v, want %q", steps, v, want)
		}
	}
}

// slowJudge is the rule by its definition, from all curves at once.
func slowJudge(minTrials, startStep int, finished []Curve, running Curve) bool {
	if len(running.Values) < startStep {
		return false
	}
	averages := map[int64][]float64{}
	for _, c := range finished {
		for n := startStep; n <= len(c.Values); n++ {
			if n < len(c.Steps) && c.Steps[n] == c.Steps[n-1] {
				continue
			}
			sum := 0.0
			for _, v := range c.Values[:n] {
				sum += v
			}
			averages[c.Steps[n-1]] = append(averages[c.Steps[n-1]], sum/float64(n))
		}
	}
	at, found := int64(0), false
	for step, all := range averages {
		if step <= slices.Max(running.Steps) && len(all) >= minTrials && (!found || step > at) {
			at, found = step, true
		}
	}
	if !found {
		return false
	}
	all := averages[at]
	slices.Sort(all)
	return slices.Min(running.Values) > (all[(len(all)-1)/2]+all[len(all)/2])/2+1e-9
}

func TestMedianStopAgainstItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minTrials, startStep := rapid.IntRange(1, 4).Draw(t, "min_trials_required"), rapid.IntRange(1, 5).Draw(t, "start_step")
		draw := func(number int) Curve {
			c := Curve{Number: number, State: Completed}
			step := int64(0)
			for range rapid.IntRange(0, 8).Draw(t, "reports") {
				step += rapid.Int64Range(0, 3).Draw(t, "stride")
				c.Steps = append(c.Steps, step)
				c.Values = append(c.Values, float64(rapid.IntRange(-20, 20).Draw(t, "value")))
			}
			return c
		}
		s, err := Builtin().NewStopper("medianstop", Settings{"min_trials_required": fmt.Sprint(minTrials), "start_step": fmt.Sprint(startStep)})
		if err != nil {
			t.Fatal(err)
		}
		var finished []Curve
		for range rapid.IntRange(0, 12).Draw(t, "finished") {
			c := draw(len(finished) + 1)
			finished = append(finished, c)
			s.Tell(c)
			s.Tell(c)
		}
		running := draw(1000)
		if v := s.Judge(running); v.Stop != slowJudge(minTrials, startStep, finished, running) {
			t.Errorf("%+v, which the definition denies", v)
		}
	})
}

// TestKatibStop: the mean of three averages over two reports, 4, is the level; the third report does not count.
func TestKatibStop(t *testing.T) {
	s, err := Builtin().NewStopper("medianstop", Settings{"compat": "katib", "start_step": "2"})
	if err != nil {
		t.Fatal(err)
	}
	for i, values := range [][]float64{{2, 0, 9}, {4, 2, 9}, {9, 7}, {1}, {1, math.NaN(), 1}} {
		if v := s.Judge(Curve{Number: 100, Values: []float64{99, 99, 99}}); v.Stop != (i > 2) {
			t.Errorf("after %d: %+v", i, v)
		}
		s.Tell(Curve{Number: i + 1, State: Completed, Values: values})
	}
	for best, stop := range map[float64]bool{3.9: false, 4: false, 4.1: true, math.NaN(): false} {
		if v := s.Judge(Curve{Number: 100, Values: []float64{9, best, 0}}); v.Stop != stop {
			t.Errorf("best %v: %+v", best, v)
		}
	}
}

// TestPercentile: a quarter of eight finished trials were at 2 or better by the second step.
func TestPercentile(t *testing.T) {
	s, err := Builtin().NewStopper("percentile", Settings{"start_step": "2"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		s.Tell(Curve{Number: i + 1, State: Completed, Values: []float64{float64(i + 1), 9, 0}})
	}
	for best, want := range map[float64]string{2: "", 2.5: "2.5, is worse than 2, the best 25 % of 8 finished trials at step 2"} {
		v := s.Judge(Curve{Number: 100, Values: []float64{best, 9}})
		if v.Stop != (want != "") || !strings.Contains(v.Reason, want) {
			t.Errorf("best %v: %+v", best, v)
		}
	}
}

// TestMedianStopMemory: a finished trial of 10,000 reports leaves about 600 averages behind, not 10,000.
func TestMedianStopMemory(t *testing.T) {
	m := newStopper(t, nil)
	values := make([]float64, 10_000)
	for i := range 100 {
		m.Tell(Curve{Number: i + 1, State: Completed, Values: values})
	}
	kept := 0
	for _, at := range m.levels {
		kept += at.Len()
	}
	if kept < 100*400 || kept > 100*700 {
		t.Errorf("100 trials keep %d averages", kept)
	}
}
