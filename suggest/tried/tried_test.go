package tried_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/tried"
)

func threeByTwo(t interface{ Fatal(...any) }) *space.Space {
	s, err := space.New([]space.Parameter{
		{Name: "n", Type: space.Int, Min: 1, Max: 3},
		{Name: "c", Type: space.Categorical, List: []string{"a", "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBatch compares with lists, in a space of six assignments of which one may be forbidden.
func TestBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := threeByTwo(t)
		set := tried.New(s)
		draw := rapid.Custom(func(t *rapid.T) space.Assignment { return s.At(rapid.Uint64Range(0, 5).Draw(t, "index")) })
		told := map[int]space.Assignment{}
		history := suggest.NewHistory(s)
		for range rapid.IntRange(0, 12).Draw(t, "trials") {
			number, a := rapid.IntRange(1, 8).Draw(t, "number"), draw.Draw(t, "told")
			told[number] = a
			for _, c := range history.Tell([]suggest.Outcome{{Number: number, Assignment: a}}) {
				set.Tell(c)
			}
		}
		known, batched := map[string]bool{}, map[string]bool{}
		for _, a := range told {
			known[fmt.Sprint(a)] = true
		}
		b := set.Batch()
		for range rapid.IntRange(0, 8).Draw(t, "batch") {
			a := draw.Draw(t, "proposed")
			all := map[string]bool{}
			for k := range known {
				all[k] = true
			}
			for k := range batched {
				all[k] = true
			}
			key := fmt.Sprint(a)
			want := !(known[key] && len(all) < 6) && !(batched[key] && len(batched) < 6)
			if got := b.Fits(a); got != want {
				t.Fatalf("told %v, proposed %v: %v fits: %v", known, batched, a, got)
			}
			left := b.Left(rapid.IntRange(1, 9).Draw(t, "from"))
			if left == nil || !b.Fits(left) {
				t.Fatalf("told %v, proposed %v: left is %v", known, batched, left)
			}
			b.Add(a)
			batched[key] = true
		}
	})
}

func TestRestrictions(t *testing.T) {
	s := threeByTwo(t).Restrict(space.Restriction{Holds: func(a space.Assignment) bool { return a[0] == 2 }})
	b := tried.New(s).Batch()
	if b.Fits(space.Assignment{1, 0}) || !b.Fits(space.Assignment{2, 1}) {
		t.Error("the restriction does not count")
	}
	if left := b.Left(1); left == nil || left[0] != 2 {
		t.Errorf("left is %v", left)
	}
}

func TestReal(t *testing.T) {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	b := tried.New(s).Batch()
	b.Add(space.Assignment{0.5})
	if !b.Fits(space.Assignment{0.5}) || b.Left(1) != nil {
		t.Error("draws of a real parameter are never the same: nothing is to be remembered")
	}
}
