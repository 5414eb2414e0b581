package main

import (
	"context"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"qalam/runner/shim"
)

func TestMain(m *testing.M) {
	if shim.Main() || child() {
		return
	}
	os.Exit(m.Run())
}

// TestMeasurements runs every measurement as small as it can be. What it measures is not judged.
func TestMeasurements(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{ctx: context.Background(), dir: t.TempDir(), root: root, log: io.Discard, scale: scale{
		Rounds: 1, Trials: 100, Sleeps: 40, Window: 10 * time.Millisecond, Points: 20_000, Emitters: 5, Rate: 500, Emit: time.Second,
		Live: 20, Idle: time.Second, Finished: 500,
	}}
	for _, m := range measurements() {
		t.Run(m.name, func(t *testing.T) {
			figures, err := m.run(b)
			if err != nil {
				t.Fatal(err)
			}
			if len(figures) == 0 && m.name != "tutorial" {
				t.Error("nothing was measured")
			}
			for _, f := range figures {
				row := f.row()
				t.Log(strings.TrimSpace(row))
				if len(f.values) != b.scale.Rounds {
					t.Errorf("%d values in %d rounds: %s", len(f.values), b.scale.Rounds, row)
				}
				for _, v := range f.values {
					sane := v > 0 && !math.IsInf(v, 0) || f.unit == "cores" && v == 0
					if strings.Contains(f.what, "lost or doubled") {
						sane = v == 0
					}
					if !sane {
						t.Errorf("%v is no such value: %s", v, row)
					}
				}
			}
		})
	}
}

func TestUnknownMeasurement(t *testing.T) {
	b := &bench{ctx: context.Background(), log: io.Discard}
	if err := b.all(io.Discard, []string{"nothing"}); err == nil || !strings.Contains(err.Error(), "parse") {
		t.Errorf("error %v does not name what there is", err)
	}
}

func TestRow(t *testing.T) {
	for _, test := range []struct {
		figure figure
		want   string
	}{
		{atLeast(0.5, "ratio", "", []float64{0.4, 0.6, 0.5}), "| ratio |  | 0.4 | 0.5 | 0.6 | ≥ 0.5 | pass |\n"},
		{atLeast(500_000, "lines", "lines/s", []float64{499_999, 1_234_567}), "| lines | lines/s | 500,000 | 867,000 | 1,230,000 | ≥ 500,000 | pass |\n"},
		{atMost(2, "time", "s", []float64{2.01}), "| time | s | 2.01 | 2.01 | 2.01 | ≤ 2 | **FAIL** |\n"},
		{measured("cost", "ms", []float64{0.0123, 0, 999}), "| cost | ms | 0 | 0.0123 | 999 |  |  |\n"},
		{measured("overhead", "%", []float64{-1.25}), "| overhead | % | -1.25 | -1.25 | -1.25 |  |  |\n"},
		{measured("nothing", "s", nil), "| nothing | s | – | – | – |  |  |\n"},
	} {
		if got := test.figure.row(); got != test.want {
			t.Errorf("got  %swant %s", got, test.want)
		}
	}
}

// TestPrinting checks what a trial prints against what is counted afterwards.
func TestPrinting(t *testing.T) {
	var out strings.Builder
	if err := emit(&out, "10000 100 10"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 100 || strings.Count(out.String(), "loss=") != 10 || !strings.HasSuffix(lines[90], " step=90 loss=90") {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	if emit(&out, "fast") == nil {
		t.Error("an order that says nothing was followed")
	}
}
