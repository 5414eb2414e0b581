package metrics

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// show writes points as "loss=0.3 accuracy=NaN(nan)", one line's points separated by blanks.
func show(points []Point) string {
	var out []string
	for _, p := range points {
		if p.Finite() {
			out = append(out, fmt.Sprintf("%s=%v", p.Name, p.Value))
		} else {
			out = append(out, fmt.Sprintf("%s:%q", p.Name, p.Text))
		}
	}
	return strings.Join(out, " ")
}

func scanAll(t *testing.T, s Scanner, data string) []Point {
	t.Helper()
	points, n := s.Scan([]byte(data), 0, true)
	if n != len(data) {
		t.Fatalf("consumed %d of %d bytes at the end", n, len(data))
	}
	return points
}

func text0(t testing.TB, names string, filters ...string) Scanner {
	t.Helper()
	s, err := NewText(strings.Split(names, ";"), filters)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// golden is what the default filter makes of one line, for the metrics loss and accuracy. The first block is Katib's own table
// where it is right; behind it come the values that Katib turns into an empty string or a wrong number.
var golden = []struct{ line, want string }{
	{"loss=0.3", "loss=0.3"},
	{"loss = 0.3", "loss=0.3"},
	{"loss\t=\t0.3", "loss=0.3"},
	{"epoch 1: loss=0.3, accuracy=0.9", "loss=0.3 accuracy=0.9"},
	{"val/loss=0.2", "loss=0.2"},
	{"my.loss=0.7", "loss=0.7"},
	{"train_loss=0.1", ""},
	{"train-loss=0.1", ""},
	{"loss|=0.1", ""},
	{"Loss=0.3", ""},
	{"loss=5.", "loss=5"},
	{"loss=.5", "loss=0.5"},
	{"loss=-.5e-3", "loss=-0.0005"},
	{"loss=+1e3 loss=2", "loss=1000 loss=2"},
	{"loss: 0.3", ""},
	{`{"loss": 0.3}`, ""},
	{"2024-01-01T00:00:00Z loss=0.5", "loss=0.5"},
	{"2026-01-01T00:00:00Z INFO     Train Epoch: 1 [0/60000 (0%)]\tloss=2.2981", "loss=2.2981"},
	{"2026-01-01T00:01:00Z INFO     {metricName: accuracy, metricValue: 0.7311};{metricName: loss, metricValue: 0.7234}", ""},
	{"Train Epoch: 1 loss=0.31, accuracy=0.9012", "loss=0.31 accuracy=0.9012"},
	{"loss=0.3%", "loss=0.3"},
	{"loss=0.3s accuracy=12ms", "loss=0.3 accuracy=12"},
	{"loss=0.5/1.0", "loss=0.5"},
	{"loss=0.5+-0.1", "loss=0.5"},
	{"loss=0.3,0.4", "loss=0.3"},
	{"loss=0.3,accuracy=0.9", "loss=0.3 accuracy=0.9"},
	{"loss=0.3;accuracy=0.9", "loss=0.3 accuracy=0.9"},
	{"(loss=0.3)", "loss=0.3"},
	{"loss=0.3.", "loss=0.3"},
	{"loss=123456789012345678901234567890", "loss=1.2345678901234568e+29"},
	{"loss=1e-999", "loss=0"},
	{"loss=-0", "loss=-0"},
	// no finite decimal numbers
	{"loss=nan", `loss:"nan"`},
	{"loss=NaN accuracy=0.5", `loss:"NaN" accuracy=0.5`},
	{"loss=inf", `loss:"inf"`},
	{"loss=-inf, accuracy=1", `loss:"-inf" accuracy=1`},
	{"loss=+Infinity", `loss:"+Infinity"`},
	{"loss=1e999", `loss:"1e999"`},
	{"loss=-1e999", `loss:"-1e999"`},
	{"loss=0x1p3", `loss:"0x1p3"`},
	{"loss=0x1p-3", `loss:"0x1p-3"`},
	{"loss=0b101", `loss:"0b101"`},
	{"loss=1_000", `loss:"1_000"`},
	{"loss=1,234", `loss:"1,234"`},
	{"loss=1,234.5", `loss:"1,234.5"`},
	{"loss=0,5", `loss:"0,5"`},
	{"loss=1.2.3", `loss:"1.2.3"`},
	{"loss=5.e3", "loss=5000"},
	{"loss=１２", `loss:"１２"`},
	{"loss=abc", `loss:"abc"`},
	{"loss=e5", `loss:"e5"`},
	{"loss==0.3", `loss:"=0.3"`},
	{"loss=", `loss:""`},
	{"loss= ", `loss:""`},
	{"loss= accuracy=0.5", `loss:"" accuracy=0.5`},
	{"loss=-", `loss:"-"`},
	{"loss=N/A.", `loss:"N/A."`},
	{"loss=None, accuracy=0.5", `loss:"None" accuracy=0.5`},
	{"loss=tensor(0.3)", `loss:"tensor(0.3)"`},
	{"(loss=nan)", `loss:"nan"`},
	// escape sequences, NUL, invalid UTF-8
	{"loss=\x1b[32m0.5\x1b[0m", "loss=0.5"},
	{"\x1b[1mloss\x1b[0m=\x1b[38;5;9mnan\x1b[0m", `loss:"nan"`},
	{"\x1b]0;loss=9\x07loss=0.5", "loss=0.5"},
	{"\x1b]8;;http://x\x1b\\loss=0.5\x1b]8;;\x1b\\", "loss=0.5"},
	{"\x1b]loss=0.5", "loss=0.5"},
	{"\x1b(Bloss=0.5\x1b", "loss=0.5"},
	{"\x1b[loss=0.5", ""}, // ESC [ l is a whole control sequence: a terminal would not show the l either
	{"\x00\x00loss=0.5\x00", "loss=0.5"},
	{"\xff\xfeloss=0.5\xff", "loss=0.5"},
	{"loss=\xff\xfe", "loss:\"\uFFFD\""},
	{"loss=0.4\u00a0", "loss=0.4"},
	// progress bars
	{"\r 10%|#  | loss=0.9\r 20%|## | loss=0.8\r\n", "loss=0.9 loss=0.8"},
	{"loss=0.5\r\n\r\nloss=0.4", "loss=0.5 loss=0.4"},
}

func TestDefaultFilterGolden(t *testing.T) {
	for _, g := range golden {
		s := text0(t, "loss;accuracy")
		if got := show(scanAll(t, s, g.line)); got != g.want {
			t.Errorf("%q\n got %s\nwant %s", g.line, got, g.want)
		}
	}
}

func TestPlacesOfPoints(t *testing.T) {
	const log = "starting\n2026-01-01T00:00:00.5+01:00 epoch=2 loss=0.5 accuracy=0.25 loss=nan\n\n[2026-01-01 12:00:00,250] iter 7 loss=1\n" +
		"0001-01-01T00:00:00Z loss=2\n9999-01-01T00:00:00Z step=x loss=3"
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	early := day.Add(-time.Hour + 500*time.Millisecond)
	want := []Point{
		{Name: "loss", Value: 0.5, Step: 2, Time: early, Offset: 9, Index: 0},
		{Name: "accuracy", Value: 0.25, Step: 2, Time: early, Offset: 9, Index: 1},
		{Name: "loss", Value: math.NaN(), Text: "nan", Step: 2, Time: early, Offset: 9, Index: 2},
		{Name: "loss", Value: 1, Step: 7, Time: day.Add(12*time.Hour + 250*time.Millisecond), Offset: 78},
		{Name: "loss", Value: 2, Step: NoStep, Offset: 118},
		{Name: "loss", Value: 3, Step: NoStep, Offset: 146},
	}
	s := text0(t, "loss;accuracy")
	if diff := cmp.Diff(want, scanAll(t, s, log), nanEqual); diff != "" {
		t.Error(diff)
	}
	wantStats := Stats{Lines: 5, Matched: 4, Points: 6, NonFinite: 1}
	if diff := cmp.Diff(wantStats, s.Stats()); diff != "" {
		t.Error(diff)
	}
}

var nanEqual = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })

func TestUserFilters(t *testing.T) {
	for _, c := range []struct {
		name, names, line, want string
		filters                 []string
	}{
		{name: "replace the default", names: "loss", line: "loss=0.3 loss: 0.4", want: "loss=0.4", filters: []string{`(\w+):\s*([\d.]+)`}},
		{name: "several, each in turn", names: "loss;acc", line: "loss: 0.4 acc=0.9", want: "loss=0.4 acc=0.9",
			filters: []string{`(\w+):\s*([\d.]+)`, `(\w+)=([\d.]+)`}},
		{name: "default among others", names: "loss", line: "loss=1,2 loss: 3", want: `loss:"1,2" loss=3`,
			filters: []string{DefaultFilter, `(\w+):\s*([\d.]+)`}},
		{name: "semicolon", names: "loss", line: "loss;0.4", want: "loss=0.4", filters: []string{`(\w+);([\d.]+)`}},
		{name: "katib mnist", names: "loss;accuracy", line: "{metricName: accuracy, metricValue: 0.7311};{metricName: loss, metricValue: 0.7234}",
			want: "accuracy=0.7311 loss=0.7234", filters: []string{`{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}`}},
		{name: "lightgbm", names: "valid_1 auc", line: "[5]\tvalid_1 auc : 0.78", want: "valid_1 auc=0.78",
			filters: []string{`(\w+\s\w+)\s:\s((-?\d+)(\.\d+)?)`}},
		{name: "darts", names: "Best-Genotype", line: "Best-Genotype=Genotype(normal=[('max_pool_3x3',0)],normal_concat=range(2,6))",
			want: `Best-Genotype:"Genotype(normal=[('max_pool_3x3',0)],normal_concat=range(2,6))"`, filters: []string{`([\w-]+)=(Genotype.*)`}},
		{name: "empty second group", names: "loss", line: "loss: nan", want: `loss:"nan"`, filters: []string{`(\w+):\s*(\d*)`}},
		{name: "absent second group", names: "loss", line: "loss none", want: `loss:""`, filters: []string{`(\w+)(?: none|=(\d+))`}},
		{name: "blanks around the name", names: "loss", line: "| loss | 0.5 |", want: "loss=0.5", filters: []string{`\|([^|]+)\|([^|]+)\|`}},
		{name: "hexadecimal", names: "loss", line: "loss:0x1p3", want: `loss:"0x1p3"`, filters: []string{`(\w+):(\S+)`}},
		{name: "infinite", names: "loss", line: "loss:1e999", want: `loss:"1e999"`, filters: []string{`(\w+):(\S+)`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(scanAll(t, text0(t, c.names, c.filters...), c.line)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestRefusedFilters(t *testing.T) {
	for _, c := range []struct{ filter, want string }{
		{`loss=[0-9.]+`, "needs two"},
		{`(loss)=[0-9.]+`, "needs two"},
		{`(loss=([0-9.]+`, "missing closing )"},
		{`(?P<a>x)(?<=b)(c)`, "RE2"},
		{`(a)(b)` + strings.Repeat("x", 1024), "split it"},
		{`(\pL{1,500})\s*=\s*(\pN{1,500})`, "use + or *"},
		{`((a{1,30}){1,30})(b{1,30}){1,30}`, "use + or *"},
		{`((a{1000}){1000})(b)`, "metric filter 1"},
	} {
		_, err := NewText([]string{"loss"}, []string{c.filter})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: error %v does not say %q", c.filter, err, c.want)
		}
	}
	if _, err := NewText(nil, nil); err == nil {
		t.Error("no names: no error")
	}
	if _, err := NewText([]string{""}, nil); err == nil {
		t.Error("empty name: no error")
	}
	if _, err := NewText([]string{"loss"}, make([]string, 33)); err == nil {
		t.Error("33 filters: no error")
	}
}

// TestDearFilter checks that a filter just below the limit sees the beginning of a long line only, and that this is told.
func TestDearFilter(t *testing.T) {
	s := text0(t, "loss", `(\pL{1,240})\s*=\s*(\pN{1,240})`)
	limit := s.(*text).filters[0].limit
	if limit >= MaxLine || limit < 1024 {
		t.Fatalf("the filter sees %d bytes", limit)
	}
	near, far := "loss=1 "+strings.Repeat("x", limit), strings.Repeat("é ", limit/3)+"loss=2 "+strings.Repeat(" ", limit)
	if got := show(scanAll(t, s, near+"\n"+far+"\n"+strings.Repeat(" ", limit-6)+"loss=12")); got != "loss=1" {
		t.Errorf("got %q", got)
	}
	if got := s.Stats().Truncated; got != 3 {
		t.Errorf("%d lines truncated, want 3", got)
	}
}

func TestLongLines(t *testing.T) {
	pad := strings.Repeat("x", MaxLine-10)
	for _, c := range []struct {
		name, log, want string
		truncated       int64
	}{
		{"as long as may be", "loss=1 " + strings.Repeat("x", MaxLine-15) + " loss=2\nloss=3\n", "loss=1 loss=2 loss=3", 0},
		{"number cut", pad + "  loss=0.25\nloss=3\n", "loss=3", 1},
		{"rest skipped", "loss=1 " + pad + "  loss=2\rloss=3", "loss=1 loss=3", 1},
		{"never ending", "loss=1 " + strings.Repeat("loss=2 ", MaxLine), "loss=1" + strings.Repeat(" loss=2", MaxLine/7-1), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := text0(t, "loss")
			if got := show(scanAll(t, s, c.log)); got != c.want {
				t.Errorf("got %.100s…, want %.100s…", got, c.want)
			}
			if got := s.Stats().Truncated; got != c.truncated {
				t.Errorf("%d truncated, want %d", got, c.truncated)
			}
		})
	}
}

// TestEndlessLine hands in 64 MiB without a line break in small pieces: what stands unread never exceeds a line.
func TestEndlessLine(t *testing.T) {
	for _, fill := range []string{"\x00", "loss=1 ", "\x1b]", "= "} {
		s := text0(t, "loss")
		var buf []byte
		var offset int64
		for range 64 << 20 / (32 << 10) {
			buf = append(buf, strings.Repeat(fill, 32<<10/len(fill))...)
			_, n := s.Scan(buf, offset, false)
			offset += int64(n)
			buf = append(buf[:0], buf[n:]...)
			if len(buf) > MaxLine+1 {
				t.Fatalf("%q: %d bytes left unread", fill, len(buf))
			}
		}
		if got := s.Stats(); got.Lines != 1 || got.Truncated != 1 {
			t.Errorf("%q: %+v", fill, got)
		}
	}
}

// inPieces scans data cut at the given places, as a caller does that reads a growing file; restart makes a new scanner at
// each of them.
func inPieces(t testing.TB, newScanner func() Scanner, data []byte, cuts []int, restart bool) ([]Point, Stats) {
	s := newScanner()
	var points []Point
	from := 0
	for i := 0; i <= len(cuts); i++ {
		to, final := len(data), i == len(cuts)
		if !final {
			to = max(from, min(cuts[i], len(data)))
		}
		p, n := s.Scan(data[from:to], int64(from), final)
		if n > to-from || final && n != to-from {
			t.Fatalf("consumed %d of %d bytes, final %v", n, to-from, final)
		}
		points = append(points, p...)
		from += n
		if restart && from > 0 {
			s = newScanner()
			if r, ok := s.(Resumer); ok {
				r.Resume(data[from-1])
			}
		}
	}
	return points, s.Stats()
}

// checkPieces is the property that neither the points nor the statistics depend on how the source is cut.
func checkPieces(t testing.TB, newScanner func() Scanner, data []byte, cuts []int) {
	t.Helper()
	whole, stats := inPieces(t, newScanner, data, nil, false)
	cut, cutStats := inPieces(t, newScanner, data, cuts, false)
	if diff := cmp.Diff(whole, cut, nanEqual); diff != "" {
		t.Fatalf("points depend on the pieces %v of %.300q:\n%s", cuts, data, diff)
	}
	if diff := cmp.Diff(stats, cutStats); diff != "" {
		t.Fatalf("statistics depend on the pieces %v:\n%s", cuts, diff)
	}
	again, _ := inPieces(t, newScanner, data, cuts, true)
	if diff := cmp.Diff(whole, again, nanEqual); diff != "" {
		t.Fatalf("points depend on restarts at %v:\n%s", cuts, diff)
	}
	var last Point
	for i, p := range whole {
		if i > 0 && (p.Offset < last.Offset || p.Offset == last.Offset && p.Index != last.Index+1) || p.Offset > last.Offset && p.Index != 0 {
			t.Fatalf("point %d at %d/%d follows %d/%d", i, p.Offset, p.Index, last.Offset, last.Index)
		}
		if p.Finite() == (p.Text != "") && p.Finite() || len(p.Text) > 3*maxText {
			t.Fatalf("value %v with text %q", p.Value, p.Text)
		}
		last = p
	}
}

func TestTextInPieces(t *testing.T) {
	fragments := []string{"loss=0.5", " accuracy=0.25 ", "\n", "\r", "\r\n", "\x1b[32m", "\x1b]0;t\x07", "\x1b]", "epoch=3 ", "loss=nan", "\x00", "\xff",
		"2026-01-01T00:00:00Z ", strings.Repeat("y", 500), strings.Repeat("loss=1 ", 9_000), strings.Repeat("z", MaxLine), "loss: 3 ", "0", "1"}
	rapid.Check(t, func(rt *rapid.T) {
		data := strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 20).Draw(rt, "log"), "")
		filters := rapid.SampledFrom([][]string{nil, {`(\w+)\s*=\s*(\S*)`}, {`(\w+): (\d+)`, DefaultFilter}}).Draw(rt, "filters")
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(data)), 0, 8).Draw(rt, "cuts")
		checkPieces(t, func() Scanner { return text0(t, "loss;accuracy", filters...) }, []byte(data), cuts)
	})
}

var defaultRegexp = regexp.MustCompile(DefaultFilter)

// checkTwin compares the hand-written matcher with the regular expression that it replaces.
func checkTwin(t *testing.T, line []byte) {
	t.Helper()
	var got, want []span
	for from := 0; ; {
		name, value, ok := nextDefault(line, from)
		if !ok {
			break
		}
		got = append(got, name, value)
		from = value.end
	}
	for _, m := range defaultRegexp.FindAllSubmatchIndex(line, -1) {
		want = append(want, span{m[2], m[3]}, span{m[4], m[5]})
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(span{})); diff != "" {
		t.Fatalf("%q:\n%s", line, diff)
	}
}

func TestDefaultFilterTwin(t *testing.T) {
	for _, g := range golden {
		checkTwin(t, []byte(g.line))
	}
	alphabet := []string{"a", "_", "-", "|", "=", "==", " ", "\t", "\v", "\f", "\n", "+", "-", ".", "0", "12", "e", "E5", ",", "é", "\xff", "\x00"}
	rapid.Check(t, func(rt *rapid.T) {
		checkTwin(t, []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 30).Draw(rt, "line"), "")))
	})
}

func FuzzText(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.line+"\n"+g.line), uint16(3), uint16(9))
	}
	f.Fuzz(func(t *testing.T, data []byte, a, b uint16) {
		checkTwin(t, data)
		cuts := []int{int(a) % (len(data) + 1), int(b) % (len(data) + 1)}
		checkPieces(t, func() Scanner { return text0(t, "loss;accuracy") }, data, cuts)
		checkPieces(t, func() Scanner { return text0(t, "loss;accuracy", `(\w+)\W+(\S*)`) }, data, cuts)
	})
}
