package hyperband

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest"
)

// slowNext is get_job by its definition: from the highest rung down, the first of the best ⌊n/η⌋ that has no trial at the next rung.
func slowNext(eta float64, rungs int, members map[int]*member) job {
	for k := rungs - 2; k >= 0; k-- {
		var over []entry
		for _, m := range members {
			if m.rung == k && m.over() {
				over = append(over, entryOf(m))
			}
		}
		slices.SortFunc(over, compareEntries)
		for _, e := range over[:int(float64(len(over))/eta)] {
			beyond := false
			for _, m := range members {
				beyond = beyond || m.config == e.config && m.rung == k+1
			}
			if !beyond && !math.IsInf(e.value, 1) {
				return job{from: e.number, config: e.config, rung: k + 1, bracket: -1}
			}
		}
	}
	return job{bracket: -1}
}

func TestASHAAgainstItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const rungs = 3
		eta := rapid.Float64Range(1.1, 4).Draw(t, "eta")
		a, members := newASHA(eta, rungs), map[int]*member{}
		for range rapid.IntRange(1, 60).Draw(t, "changes") {
			number := rapid.IntRange(1, 30).Draw(t, "number")
			var now *member
			if rapid.IntRange(0, 5).Draw(t, "stays") > 0 {
				now = &member{
					number: number, config: rapid.IntRange(1, 12).Draw(t, "config"), rung: rapid.IntRange(-1, rungs-1).Draw(t, "rung"),
					state: suggest.State(rapid.IntRange(0, 3).Draw(t, "state")), value: float64(rapid.IntRange(0, 9).Draw(t, "value")),
					violation: float64(rapid.IntRange(0, 2).Draw(t, "violation")),
				}
			}
			a.change(members[number], now)
			if members[number] = now; now == nil {
				delete(members, number)
			}
			if got, want := a.next(), slowNext(eta, rungs, members); got != want {
				t.Fatalf("%+v, by the definition %+v", got, want)
			}
		}
	})
}

// TestOrderedIsSorted: entries come and go as in a sorted slice, in many blocks.
func TestOrderedIsSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o ordered
		var sorted []entry
		for number := range rapid.IntRange(0, 3*mostInBlock).Draw(t, "entries") {
			e := entry{violation: float64(number % 3 / 2), value: float64(number * 7919 % 1009), number: number, config: number}
			o.add(e)
			sorted = append(sorted, e)
		}
		slices.SortFunc(sorted, compareEntries)
		var spaced []float64
		for next, last := 0, len(sorted)-1; next <= last; next = max(next+1, min(next*3/2, last)) {
			spaced = append(spaced, sorted[next].value)
		}
		if got := o.spaced(); !slices.Equal(got, spaced) || !slices.Equal(o.head(20), sorted[:min(20, len(sorted))]) {
			t.Fatalf("spaced %v, want %v; the first are %v", got, spaced, o.head(20))
		}
		for len(sorted) > 0 {
			at := rapid.IntRange(0, len(sorted)-1).Draw(t, "at")
			if first, ok := o.first(); !ok || first != sorted[0] || o.before(sorted[at]) != at || o.size != len(sorted) {
				t.Fatalf("first %+v, %d before the one at %d, %d in all, want %+v and %d", first, o.before(sorted[at]), at, o.size, sorted[0], len(sorted))
			}
			gone := rapid.IntRange(1, min(100, len(sorted)-at)).Draw(t, "gone")
			for _, e := range sorted[at : at+gone] {
				o.remove(e)
			}
			sorted = slices.Delete(sorted, at, at+gone)
		}
		if _, ok := o.first(); ok {
			t.Error("it is not empty")
		}
	})
}
