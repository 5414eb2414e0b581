package suggest

import (
	"testing"

	"qalam/space"
)

// second is an algorithm that has nothing but trial 2 continued.
type second struct{ Suggester }

func (second) MayBeParent(number int) bool { return number == 2 }

// TestMayBeParent asks the algorithm behind initial assignments and restrictions; others, and those behind repetitions, do not say.
func TestMayBeParent(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "n", Type: space.Int, Min: 1, Max: 9}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Problem{
		{Space: s}, {Space: s, Initial: []space.Assignment{{3}}}, {Space: s, Repetition: Repetition{Share: 0.1, Most: 3}},
	} {
		for _, says := range []bool{false, true} {
			r := Registry{Algorithms: []Algorithm{{Name: "a", New: func(p Problem, settings Settings) (Suggester, error) {
				inner, err := newRandom(p, settings)
				if says {
					inner = second{inner}
				}
				return &guard{Suggester: inner}, err
			}}}}
			suggester, err := r.NewSuggester("a", p, Settings{})
			if err != nil {
				t.Fatal(err)
			}
			may := MayBeParent(suggester)
			if want := says && p.Repetition.Share == 0; (may != nil) != want {
				t.Errorf("with %+v: what an algorithm says (%v) comes through: %v", p, says, may != nil)
			} else if want && (may(1) || !may(2)) {
				t.Errorf("with %+v: trial 1 %v, trial 2 %v", p, may(1), may(2))
			}
		}
	}
}
