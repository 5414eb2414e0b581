package main

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

const digits = "../pytorch-mnist/digits.csv.gz"

func TestRunLearnsAndPrintsMetrics(t *testing.T) {
	clock := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	var first, second strings.Builder
	args := []string{"-data", digits, "-epochs", "2", "-lr", "0.1"}
	for _, out := range []*strings.Builder{&first, &second} {
		if err := run(args, out, clock); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Errorf("two runs with one seed differ:\n%s%s", &first, &second)
	}
	want := regexp.MustCompile(`^2026-01-01T00:00:00Z epoch=1 loss=\S+ accuracy=0\.\d+
2026-01-01T00:00:00Z epoch=2 loss=0\.[0-4]\d+ accuracy=0\.[89]\d+
$`)
	if !want.MatchString(first.String()) {
		t.Errorf("got\n%swant a match of\n%s", &first, want)
	}
}

func TestStepFollowsTheGradient(t *testing.T) {
	const tiny, rate = 1e-6, 1e-3
	training, _, err := readDigits(digits)
	if err != nil {
		t.Fatal(err)
	}
	e := training[3]
	loss := func(n *network) float64 {
		l, _ := n.evaluate([]example{e})
		return l
	}
	for _, at := range []struct {
		name string
		pick func(n *network) *float64
	}{
		{"hidden weight", func(n *network) *float64 { return &n.hidden[2][20] }},
		{"hidden bias", func(n *network) *float64 { return &n.hidden[1][pixels] }},
		{"output weight", func(n *network) *float64 { return &n.output[e.digit][1] }},
		{"output bias", func(n *network) *float64 { return &n.output[7][3] }},
	} {
		up, down, stepped := newNetwork(3, 5), newNetwork(3, 5), newNetwork(3, 5)
		*at.pick(up) += tiny
		*at.pick(down) -= tiny
		numeric := (loss(up) - loss(down)) / (2 * tiny)
		before := *at.pick(stepped)
		stepped.step(&e, rate)
		analytic := (before - *at.pick(stepped)) / rate
		if math.Abs(numeric-analytic) > 1e-6 {
			t.Errorf("%s: the step follows the slope %g, but it is %g", at.name, analytic, numeric)
		}
	}
}

func TestRunRefusesBadInput(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-lr 0", "must be positive"},
		{"-lr NaN", "must be positive"},
		{"-data /nowhere", "give their place with -data"},
		{"-data main.go", "invalid header"},
	} {
		err := run(strings.Fields(test.args), &strings.Builder{}, time.Now)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.args, err, test.want)
		}
	}
}

func FuzzParseDigits(f *testing.F) {
	f.Add(strings.Repeat("3,", pixels) + "7\n")
	f.Add(strings.Repeat("16,", pixels) + "10\n")
	f.Add("1,2\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseDigits(strings.NewReader(text))
		for i := range all {
			if d := all[i].digit; err == nil && (d < 0 || d >= classes) {
				t.Errorf("%d is no digit", d)
			}
		}
	})
}
