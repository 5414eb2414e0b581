package suggest

import (
	"fmt"
	"math"
	"testing"

	"qalam/space"
)

func TestInitialAssignmentsComeFirst(t *testing.T) {
	s := smallSpace(t)
	first, second, outside := s.At(7), s.At(3), space.Assignment{99, 99}
	done := func(number int, a space.Assignment, v float64) Outcome {
		return Outcome{Number: number, Assignment: a, State: Completed, Value: v}
	}
	earlier := [][]Outcome{
		{done(1, s.At(0), 5), done(2, s.At(1), 4), done(3, s.At(2), math.NaN()), {Number: 4, Assignment: s.At(4), State: Failed, Value: -9}},
		{done(1, s.At(3), 1)}, // among the initial ones already
		{done(1, s.At(9), 1), {Number: 2, Assignment: s.At(8), State: Completed, Value: 0, Violations: []float64{1}}},
	}
	p := Problem{Space: s, Seed: 1, Initial: []space.Assignment{first, outside, second}, Earlier: earlier, MaxTrials: 20}
	suggester, err := Builtin().NewSuggester("sobol", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := ask(t, "sobol", s, nil, 1, 5, 2)
	got, err := suggester.Ask(1, 6)
	want := []space.Assignment{first, second, s.At(9), s.At(1), plain[0].Assignment, plain[1].Assignment}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range want {
		if fmt.Sprint(got[i].Assignment) != fmt.Sprint(want[i]) || (got[i].Note == "") != (i >= 4) {
			t.Errorf("trial %d: %+v, want %v", i+1, got[i], want[i])
		}
	}
}

// TestGuardKeepsToRestrictions: sobol knows nothing of restrictions, yet every suggestion fulfils them and the same question has
// the same answer.
func TestGuardKeepsToRestrictions(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "y", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s = s.Restrict(space.Restriction{Text: "x + y < 0.3", Holds: func(a space.Assignment) bool { return a[0]+a[1] < 0.3 }})
	one, err := ask(t, "sobol", s, nil, 1, 1, 200)
	if err != nil {
		t.Fatal(err)
	}
	late, _ := ask(t, "sobol", s, nil, 1, 150, 51)
	for i := range one {
		if !s.Contains(one[i].Assignment) {
			t.Fatalf("trial %d: %v breaks the restriction", i+1, one[i].Assignment)
		}
	}
	if fmt.Sprint(late) != fmt.Sprint(one[149:]) {
		t.Error("another batch gives other suggestions")
	}
}

func TestHistoryHoldsTheLastOutcome(t *testing.T) {
	s := smallSpace(t)
	h := NewHistory(s)
	outcome := func(number int, state State, value float64) Outcome {
		return Outcome{Number: number, Assignment: s.At(uint64(number)), State: state, Value: value}
	}
	nan := math.NaN()
	for i, c := range []struct {
		told    Outcome
		changes int
		state   State
		value   float64
	}{
		{outcome(5, Pending, nan), 1, Pending, nan},
		{outcome(5, Pending, 3), 0, Pending, nan}, // a value of a trial that runs is none
		{outcome(2, Completed, 1), 1, Completed, 1},
		{outcome(5, Completed, 2), 1, Completed, 2},
		{outcome(5, Completed, 2), 0, Completed, 2},
		{outcome(7, Completed, math.Inf(-1)), 1, Failed, nan},
		{outcome(6, Stopped, math.Inf(1)), 1, Stopped, nan},
		{outcome(2, Failed, 1), 1, Failed, nan},
		{Outcome{Number: 0, Assignment: s.At(0)}, 0, 0, nan},
		{Outcome{Number: 9, Assignment: space.Assignment{-1, 0}}, 0, 0, nan},
	} {
		changes := h.Tell([]Outcome{c.told})
		if len(changes) != c.changes {
			t.Errorf("%d: %d changes, want %d", i, len(changes), c.changes)
		}
		if r := h.Get(c.told.Number); r != nil && (r.State != c.state || fmt.Sprint(r.Value) != fmt.Sprint(c.value)) {
			t.Errorf("%d: %+v", i, r)
		}
	}
	var numbers []int
	for _, r := range h.Records() {
		numbers = append(numbers, r.Number)
	}
	if fmt.Sprint(numbers) != "[2 5 6 7]" || h.Len() != 4 {
		t.Errorf("numbers %v", numbers)
	}
}
