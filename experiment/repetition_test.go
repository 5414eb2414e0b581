package experiment

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest"
)

// TestRepeatedInAnyOrder ends trials, some of which repeat others, in every order: the optimal trial is the first repetition of what
// has the best mean, a restart keeps it, and all trials together say the same.
func TestRepeatedInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		texts := rapid.SliceOfN(rapid.SampledFrom(values), 1, 10).Draw(t, "values")
		s := NewState(spec, "uid")
		var pending, ended []Trial
		for i := range texts {
			var g suggest.Suggestion
			if of := rapid.IntRange(0, i).Draw(t, "repeats"); of > 0 && of <= 3 {
				g.Labels = map[string]string{suggest.RepeatsLabel: strconv.Itoa(of)}
			}
			tr := NewTrial(spec, "uid", i+1, g, epoch)
			pending = append(pending, tr)
			must(t, s.Apply(tr))
		}
		for _, i := range rapid.Permutation(sequence(len(texts))).Draw(t, "order") {
			tr := MarkStarted(pending[i])
			must(t, s.Apply(tr))
			tr = Conclude(tr, End{Cause: EndSucceeded, Time: epoch}, observeTexts(spec.Objective, texts[i:i+1]), spec)
			must(t, s.Apply(tr))
			ended = append(ended, tr)
		}
		must(t, equal(Fold(spec, "uid", slices.Values(ended)), s))
		data, err := s.Record()
		must(t, err)
		restored, err := Restore(spec, "uid", data, s.Active)
		must(t, err)
		must(t, equal(restored, s))
		slices.SortFunc(ended, func(a, b Trial) int { return cmp.Compare(a.Number, b.Number) })
		number, mean, n := slowRepeated(ended, spec.Objective)
		if number == 0 {
			number = best(ended, spec.Objective)
		}
		if number > 0 && (s.Optimal == nil || s.Optimal.Number != number || s.Optimal.Repetitions != n || n > 0 && math.Abs(s.Optimal.Mean-mean) > 1e-9) {
			t.Fatalf("of %q the optimal trial is %d, the mean of %d repetitions %v, not %+v", texts, number, n, mean, s.Optimal)
		}
	})
}

// slowRepeated is the first repetition of what has the best mean, the slow way; 0 where there is no repetition.
func slowRepeated(trials []Trial, o Objective) (number int, best float64, count int) {
	for of := range len(trials) {
		first, sum, n := 0, 0.0, 0
		for _, t := range trials {
			v := o.Value(t.Observation)
			if r, ok := suggest.Repeats(t.Labels); ok && r == of && t.State == TrialSucceeded && !math.IsNaN(v) {
				if n++; first == 0 {
					first = t.Number
				}
				sum += v
			}
		}
		if n == 0 {
			continue
		}
		if mean := sum / float64(n); number == 0 || o.Cost(mean) < o.Cost(best)-1e-12 {
			number, best, count = first, mean, n
		}
	}
	return number, best, count
}
