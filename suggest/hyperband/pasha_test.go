package hyperband

import (
	"math"
	"testing"

	"qalam/suggest"
)

// TestPASHAGoesAsFarAsRankingsChange: configurations whose ranking never changes come to rung 1; those whose ranking
// is turned round there come to rung 2, where it stays.
func TestPASHAGoesAsFarAsRankingsChange(t *testing.T) {
	for _, test := range []struct {
		name  string
		value func(config, rung int) float64
		want  int
	}{
		{"the same at each rung", func(config, rung int) float64 { return float64(config) / float64(rung+1) }, 1},
		{"turned round at rung 1", func(config, rung int) float64 { return float64(config) * float64(min(rung, 1)*-2+1) }, 2},
	} {
		a := newASHA(3, 5)
		a.progressive = true
		highest := 0
		for number := 1; number <= 2000; number++ {
			j := a.next()
			m := &member{number: number, config: j.config, rung: j.rung, state: suggest.Completed}
			if j.from == 0 {
				m.config = number
			}
			m.value = test.value(m.config, m.rung)
			highest = max(highest, m.rung)
			a.change(nil, m)
		}
		if highest != test.want {
			t.Errorf("%s: the highest rung is %d, want %d", test.name, highest, test.want)
		}
	}
}

// TestEpsilonIsOfPairsThatCrossTwice: of three configurations two cross twice, and end 0.25 apart.
func TestEpsilonIsOfPairsThatCrossTwice(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		ranked [][]float64
		want   float64
	}{
		{nil, 0},
		{[][]float64{{1, 2}, {2, 1}}, 0},
		{[][]float64{{1, 2, 1}, {2, 1, 1.25}, {9, 9, 9}}, 0.25},
		{[][]float64{{1, nan, 1}, {2, 1, 1.25}}, 0},
		{[][]float64{{1, 2, 2, 1}, {2, 1, 2, 1.5}}, 0.5},
	} {
		if got := epsilon(test.ranked); got != test.want {
			t.Errorf("%v: %v, want %v", test.ranked, got, test.want)
		}
	}
}
