package metrics

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawPoints(rt *rapid.T, label string) []Point {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Point {
		p := Point{Name: "loss", Value: float64(rapid.IntRange(-3, 3).Draw(rt, "value"))}
		if text := rapid.SampledFrom([]string{"", "", "nan", "inf", "-"}).Draw(rt, "text"); text != "" {
			p.Value, p.Text = math.NaN(), strings.Trim(text, "-")
		}
		if n := rapid.IntRange(0, 4).Draw(rt, "time"); n > 0 {
			p.Time = day.Add(time.Duration(n) * time.Second)
		}
		return p
	}), 0, 8).Draw(rt, label)
}

func summarize(points []Point) (s Summary) {
	for _, p := range points {
		s.Add(p)
	}
	return s
}

// TestSummaryIsWhatItSays computes it the slow way: by sorting.
func TestSummaryIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		points := drawPoints(rt, "points")
		got := summarize(points)
		want := Summary{Count: int64(len(points))}
		order := make([]int, len(points))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return points[a].Time.Compare(points[b].Time) })
		var numbers []float64
		for _, i := range order {
			p := points[i]
			if p.Finite() {
				numbers = append(numbers, p.Value)
				want.Finite++
				want.Latest, want.LatestTime, want.LatestAt = p.Value, p.Time, int64(i)+1
			} else {
				want.Text, want.TextTime, want.TextAt = p.Text, p.Time, int64(i)+1
			}
		}
		if len(numbers) > 0 {
			want.Min, want.Max = slices.Min(numbers), slices.Max(numbers)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
		if n := len(order); n > 0 && got.EndsInText() == points[order[n-1]].Finite() {
			rt.Fatalf("EndsInText %v", got.EndsInText())
		}
	})
}

func TestSummaryMerge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b, c := drawPoints(rt, "a"), drawPoints(rt, "b"), drawPoints(rt, "c")
		all := summarize(slices.Concat(a, b, c))
		left := summarize(a)
		left.Merge(summarize(b))
		left.Merge(summarize(c))
		right := summarize(b)
		right.Merge(summarize(c))
		first := summarize(a)
		first.Merge(right)
		if !cmp.Equal(all, left) || !cmp.Equal(all, first) {
			rt.Fatalf("added %+v\nmerged %+v\nor %+v", all, left, first)
		}
	})
}

// TestNonFiniteNeverSticks puts a point that is no number at each place of a series (F-51).
func TestNonFiniteNeverSticks(t *testing.T) {
	for _, bad := range []Point{{Value: math.NaN(), Text: "nan"}, {Value: math.Inf(1)}, {Value: math.Inf(-1)}, {Value: math.NaN()}} {
		for at := range 4 {
			points := slices.Insert([]Point{{Value: 2}, {Value: 1}, {Value: 3}}, at, bad)
			s := summarize(points)
			if s.Min != 1 || s.Max != 3 || s.Latest != 3 || s.Finite != 3 || s.Count != 4 || s.EndsInText() != (at == 3) {
				t.Errorf("%v at %d: %+v", bad, at, s)
			}
		}
	}
	if s := summarize([]Point{{Value: math.NaN(), Text: "nan"}}); s.Finite != 0 || s.Min != 0 || s.Latest != 0 || s.Text != "nan" || !s.EndsInText() {
		t.Errorf("nan alone: %+v", s)
	}
}

func TestSummaryJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := summarize(drawPoints(rt, "points"))
		b, err := json.Marshal(s)
		if err != nil {
			rt.Fatal(err)
		}
		var back Summary
		if err := json.Unmarshal(b, &back); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			rt.Fatal(diff)
		}
	})
}
