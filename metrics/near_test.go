package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSuggestFilter(t *testing.T) {
	for _, c := range []struct {
		name, want string
		lines      []string
	}{
		{"loss", `([\w|-]+)\s*:\s*` + filterNumber, []string{"loss: 0.3"}},
		{"loss", `([\w|-]+)":\s*` + filterNumber, []string{`{"loss": 0.3, "epoch": 1}`}},
		{"loss", `([\w|-]+)':\s*` + filterNumber, []string{`{'loss': 0.3}`}},
		{"loss", `([\w|-]+)\s*->\s*` + filterNumber, []string{"loss -> 0.3"}},
		{"loss", `([\w|-]+)\s+` + filterNumber, []string{"epoch 1 loss 0.3"}},
		{"loss", `([\w|-]+)\s+is\s+` + filterNumber, []string{"the loss is 0.3 now"}},
		{"loss", `([\w|-]+)\s*=\[\s*` + filterNumber, []string{"loss=[0.3]"}},
		{"loss", `([\w|-]+)\s*=tensor\(\s*` + filterNumber, []string{"loss=tensor(0.3, device='cuda:0')"}},
		{"accuracy", `([\w|-]+),\s*metricValue:\s*` + filterNumber, []string{"{metricName: accuracy, metricValue: 0.7311};{metricName: loss, metricValue: 0.72}"}},
		{"valid_1 auc", `(valid_1 auc)\s*:\s*` + filterNumber, []string{"[5]\tvalid_1 auc : 0.78"}},
		{"val/loss", `(val/loss)\s*=\s*` + filterNumber, []string{"val/loss=0.3"}},
		{"loss", `([\w|-]+)\s*:\s*` + filterNumber, []string{"loss is at", "loss -> 0.3", "loss: 0.3", "loss: 0.4"}},
		{"loss", "", []string{"Loss=0.3"}},
		{"loss", "", []string{"train_loss: 0.3"}},
		{"loss", "", []string{"losses: 0.3"}},
		{"loss", "", []string{"no metric here"}},
		{"loss", "", nil},
		{"", "", []string{"loss: 0.3"}},
	} {
		got, ok := SuggestFilter(c.lines, c.name)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q in %q:\n got %s, %v\nwant %s", c.name, c.lines, got, ok, c.want)
		}
	}
}

func TestSuggestName(t *testing.T) {
	for _, c := range []struct{ line, name, want string }{
		{"Loss=0.3", "loss", "Loss"},
		{"train_loss: 0.3", "loss", "train_loss"},
		{"LOSS-val 0.3", "loss", "LOSS"},
		{"Val-Accuracy: 0.9", "val_accuracy", "Val-Accuracy"},
		{"loss_mean=1", "loss", "loss_mean"},
		{"loss: 0.3", "loss", ""},
		{"Loss", "loss", ""},
	} {
		if got, ok := SuggestName([]string{c.line}, c.name); got != c.want || ok != (c.want != "") {
			t.Errorf("%q in %q: got %q, %v, want %q", c.name, c.line, got, ok, c.want)
		}
	}
}

func TestLooksLike(t *testing.T) {
	for line, want := range map[string]bool{
		"loss: 0.3": true, "Loss=0.3": true, `{"loss": 0.3}`: true, "loss -> nan": true, "train_loss: .5": true,
		"loss": false, "losses 3": false, "no number: loss": false, "loss" + strings.Repeat(" ", 40) + "3": false, "accuracy 3": false, "": false,
	} {
		if got := LooksLike(line, []string{"loss"}); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func TestNearMisses(t *testing.T) {
	s := text0(t, "loss;accuracy")
	var log strings.Builder
	for i := range 7 {
		fmt.Fprintf(&log, "loss: %d %s\n", i, strings.Repeat("é", 150))
	}
	scanAll(t, s, log.String())
	near := s.Stats().NearMiss
	if len(near) != 5 || !strings.HasPrefix(near[0], "loss: 2 é") || len(near[4]) > 200 || !strings.HasSuffix(near[4], "é") {
		t.Errorf("near misses %q", near)
	}
	s = text0(t, "loss;accuracy")
	scanAll(t, s, "loss=1\nloss: 2\naccuracy: 3\nloss=4 accuracy: 5\n")
	if diff := cmp.Diff([]string{"accuracy: 3", "loss=4 accuracy: 5"}, s.Stats().NearMiss); diff != "" {
		t.Errorf("of metrics that had points:\n%s", diff)
	}
}

func TestSteps(t *testing.T) {
	for line, want := range map[string]int64{
		"epoch=3 loss=1": 3, "Epoch: 1": 1, "Train Epoch: 1 [640/60000 (1%)]\tloss=2": 1, "iter 30": 30, "Iteration #7": 7, "step: 5": 5,
		"Epoch [1/5], Step [100/600], Loss": 1, "global_step=9 epoch=1": 9, "epoch=1 Global step: 8": 8, "{'loss': 1, 'epoch': 4}": 4,
		"EPOCH 3/10": 3, "step=120 epoch=2": 2, "epoch=0.33 step=500": 500, "epoch 3 of 10": 3, "epoch=1,loss=2": 1,
		"epochs=10": NoStep, "max_epoch=10": NoStep, "2ms/step - loss": NoStep, "epoch=-1": NoStep, "epoch": NoStep, "epoch=": NoStep,
		"step=1234567890123456789": NoStep, "step 3rd": NoStep, "iter 1,000": NoStep, "steps 3": NoStep, "": NoStep, "step3": NoStep, "epoch 2024-01-01": NoStep,
	} {
		if got := findStep([]byte(line)); got != want {
			t.Errorf("%q: step %d, want %d", line, got, want)
		}
	}
}

// FuzzStamp compares the reading of RFC 3339 with package time, for the years that are believed.
func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789+05:30", "2024-02-30T00:00:00Z", "2024-02-29T23:59:59,5-00:00",
		"1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T24:00:00Z",
		"2026-13-01T00:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00z", "2026-01-01t00:00:00Z", "2026-01-01T0:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.HasPrefix(s, "[") || strings.ContainsAny(s, " ]\t\r\n\f") || strings.Contains(s, ":60") {
			return // what is read beyond RFC 3339
		}
		got := stamp([]byte(s), nil)
		want, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			if got.IsZero() {
				return
			}
			if _, rest, ok := fraction([]byte(s[19:])); !ok || len(rest) > 0 && rest[0] != ':' { // with a zone it is RFC 3339 or nothing
				t.Fatalf("%q: %v, want none", s, got)
			}
			return
		}
		if s[12] == ':' || !strings.HasSuffix(s, "Z") && (s[len(s)-5:] >= "24:00" || s[len(s)-2:] >= "60") {
			return // package time takes an hour of one digit, +24:00 and +00:60
		}
		if want = believable(want); !got.Equal(want) {
			t.Fatalf("%q: %v, want %v", s, got, want)
		}
	})
}

func TestStampsBeyondRFC3339(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for line, want := range map[string]time.Time{
		"2026-01-01 12:00:00,250 INFO loss=1": noon.Add(-time.Hour + 250*time.Millisecond),
		"2026-01-01 12:00:00.250":             noon.Add(-time.Hour + 250*time.Millisecond),
		"2026-01-01 12:00:00":                 noon.Add(-time.Hour),
		"2026-01-01T12:00:00 loss":            noon.Add(-time.Hour),
		"2026-01-01 12:00:00: loss":           noon.Add(-time.Hour),
		"2026-01-01 12:00:00+00:00 loss":      noon,
		"[2026-01-01T12:00:00Z] loss":         noon,
		"2026-01-01T11:59:60Z":                noon,
		"2026-01-01 12:00:00loss":             {},
		"2026-01-01":                          {},
		"2026-01-01T12:00:00Zulu":             {},
		"loss 2026-01-01T12:00:00Z":           {},
	} {
		if got := stamp([]byte(line), berlin); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestNew(t *testing.T) {
	names := []string{"loss"}
	for _, c := range []struct {
		config Config
		data   string
		want   string // points, or what the error says
	}{
		{Config{Kind: "StdOut", Names: names}, "loss=1", "loss=1"},
		{Config{Kind: "File", Format: "TEXT", Names: names, Filters: []string{`(\w+): (\d)`}}, "loss: 1", "loss=1"},
		{Config{Kind: "File", Format: "JSON", Names: names}, `{"loss":1}`, "loss=1"},
		{Config{Kind: "Custom", Names: names}, "loss=1", "loss=1"},
		{Config{Kind: "TensorFlowEvent", Names: []string{"test/loss"}, Tag: "test"}, string(record(scalarEvent("loss", 1, 1))), "test/loss=1"},
		{Config{Kind: "File", Format: "XML", Names: names}, "", "TEXT or JSON"},
		{Config{Kind: "PrometheusMetric", Names: names}, "", "ParsePrometheus"},
		{Config{Kind: "Push", Names: names}, "", "reads nothing"},
		{Config{Kind: "Stdout", Names: names}, "", "unknown"},
		{Config{Kind: "StdOut", Names: names, Filters: []string{"("}}, "", "metric filter 1"},
		{Config{Kind: "StdOut"}, "", "no metric"},
	} {
		s, err := New(c.config)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: error %q does not say %q", c.config, err, c.want)
			}
			continue
		}
		if got := show(scanAll(t, s, c.data)); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.config, got, c.want)
		}
	}
}
