package suggest_test

import (
	"math"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// TestTies tells and changes outcomes: only completed trials count that repeat none on purpose, as they were told last.
func TestTies(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	h := suggest.NewHistory(s)
	var ties suggest.Ties
	if ties.Share() != 0 {
		t.Errorf("without results the share is %v", ties.Share())
	}
	tell := func(number int, state suggest.State, value float64, labels map[string]string) {
		ties.Tell(h.Tell([]suggest.Outcome{{
			Number: number, Assignment: space.Assignment{float64(number) / 100}, State: state, Value: value, Labels: labels,
		}}))
	}
	check := func(when string, count int, share float64) {
		t.Helper()
		if ties.Count() != count || ties.Share() != share {
			t.Errorf("%s: %d results equal another, a share of %v; %d and %v are right", when, ties.Count(), ties.Share(), count, share)
		}
	}
	for number, value := range []float64{1: 5, 5, 7, 5} {
		if number > 0 {
			tell(number, suggest.Completed, value, nil)
		}
	}
	check("three of four are 5", 2, 0.5)
	tell(5, suggest.Failed, math.NaN(), nil)
	tell(6, suggest.Pending, math.NaN(), nil)
	tell(7, suggest.Stopped, 5, nil)
	tell(8, suggest.Completed, 5, map[string]string{suggest.RepeatsLabel: "1"})
	check("what failed, runs, was stopped or repeats another does not count", 2, 0.5)
	tell(2, suggest.Completed, 6, nil)
	check("one has changed", 1, 0.25)
	tell(4, suggest.Failed, math.NaN(), nil)
	check("one has failed after all", 0, 0)
}
