package main

import (
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qalam/bench/search/problem"
)

// TestPlot draws two methods on one problem: the picture is XML, names both, and draws the better one lower.
func TestPlot(t *testing.T) {
	known := newRecords()
	for method, factor := range map[string]float64{"random": 1, oursPrefix + "a<b": 0.1} {
		r := &record{method: method, problem: "p", workers: 1, trials: 20}
		r.path = []step{{1, 1}, {10, factor}, {20, factor / 2}}
		known.add(r)
	}
	tables := &tables{records: known, problems: []problem.Problem{{Name: "p"}}, at: []int{10, 20}, floor: 1e-6}
	file := filepath.Join(t.TempDir(), "curves.svg")
	if err := tables.plot(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var any struct{}
	if err := xml.Unmarshal(text, &any); err != nil {
		t.Error(err)
	}
	for _, want := range []string{">random<", ">qalam-a&lt;b<", `class="ours"`, `class="peer" stroke-dasharray`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	lines := tables.curves(tables.contenders())
	for _, l := range lines {
		want := map[bool]float64{true: -1, false: 0}[l.of.ours()]
		for _, v := range l.log10s {
			if math.Abs(v-want) > 1e-12 {
				t.Errorf("%s: %v, want %v", l.of, l.log10s, want)
			}
		}
	}
	tables.records = newRecords()
	if err := tables.plot(file); err == nil {
		t.Error("nothing is drawn without a complaint")
	}
}
