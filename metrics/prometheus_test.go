package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const page = `# HELP loss The loss.
# TYPE loss gauge
loss 0.5
loss{phase="test"} 0.25 1767225600250
loss{phase="train",rank="0"} 0.125
  accuracy { phase = "test" , } 0.9
accuracy_total 7
nan_metric NaN
inf_metric +Inf
hist_bucket{le="+Inf"} 3
escaped{path="a\\b\"c\nd}"} 1
{"train.loss",phase="x"} 4
open 5 1767225600.5 # {trace="1"} 2
open 6 # {trace="1"} 2
broken{phase="test 1
broken{phase=test} 1
broken
broken{} 1 2 3
broken x
old 1 5
`

func TestPrometheus(t *testing.T) {
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"loss"}, "loss=0.5 loss=0.25 loss=0.125"},
		{[]string{`loss{phase="test"}`}, `loss{phase="test"}=0.25`},
		{[]string{`loss{rank="0",phase="train"}`}, `loss{rank="0",phase="train"}=0.125`},
		{[]string{`loss{phase="none"}`}, ""},
		{[]string{`loss{phase="test"}`, "loss"}, `loss=0.5 loss{phase="test"}=0.25 loss=0.125`},
		{[]string{"accuracy"}, "accuracy=0.9"},
		{[]string{"accuracy_total", "hist_bucket"}, "accuracy_total=7 hist_bucket=3"},
		{[]string{"nan_metric", "inf_metric"}, `nan_metric:"NaN" inf_metric:"+Inf"`},
		{[]string{`escaped{path="a\\b\"c\nd}"}`}, `escaped{path="a\\b\"c\nd}"}=1`},
		{[]string{"train.loss"}, "train.loss=4"},
		{[]string{"open"}, "open=5 open=6"},
		{[]string{"broken"}, `broken:"x"`},
		{[]string{"missing", "los", "a b", `bad{`}, ""},
	} {
		if got := show(ParsePrometheus([]byte(page), c.names, at)); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.names, got, c.want)
		}
	}
	at0 := func(line string) int64 { return int64(strings.Index(page, line)) }
	want := []Point{
		{Name: "loss", Value: 0.5, Step: NoStep, Time: at, Offset: at0("loss 0.5")},
		{Name: "loss", Value: 0.25, Step: NoStep, Time: time.Date(2026, 1, 1, 0, 0, 0, 250e6, time.UTC), Offset: at0(`loss{phase="test"}`)},
		{Name: "open", Value: 5, Step: NoStep, Time: time.Date(2026, 1, 1, 0, 0, 0, 500e6, time.UTC), Offset: at0("open 5")},
		{Name: "old", Value: 1, Step: NoStep, Time: at, Offset: at0("old 1")}, // 1970 is believed by no one
	}
	got := ParsePrometheus([]byte(page), []string{"loss", "open", "old"}, at)
	got = []Point{got[0], got[1], got[3], got[5]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzPrometheus(f *testing.F) {
	f.Add([]byte(page), "loss")
	f.Add([]byte(`loss{a="b"} 1 1767225600250`), `loss{a="b"}`)
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		at := time.Unix(1767225600, 0)
		last := int64(-1)
		for _, p := range ParsePrometheus(data, []string{name, "loss"}, at) {
			if p.Offset <= last || p.Offset >= int64(len(data)) || p.Time.IsZero() || p.Name != name && p.Name != "loss" {
				t.Fatalf("point %+v behind offset %d", p, last)
			}
			if p.Finite() && p.Text != "" {
				t.Fatalf("a number with a text: %+v", p)
			}
			last = p.Offset
		}
	})
}
