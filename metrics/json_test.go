package metrics

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func json0(t testing.TB, names string) Scanner {
	t.Helper()
	s, err := NewJSON(strings.Split(names, ";"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var jsonGolden = []struct {
	line, want string
	broken     int64
}{
	{`{"loss":0.3}`, "loss=0.3", 0},
	{`{"loss":"0.3"}`, "loss=0.3", 0},
	{` {"accuracy" : " 9e-1 ", "loss": -1E2 } `, "loss=-100 accuracy=0.9", 0},
	{`{}`, "", 0},
	{``, "", 0},
	{`   `, "", 0},
	{`{"loss":true,"accuracy":null}`, "", 0},
	{`{"loss":[0.3],"accuracy":{"loss":1}}`, "", 0},
	{`{"metrics":{"loss":1},"accuracy":2}`, "accuracy=2", 0},
	{`{"loss":123456789012345678901234567890}`, "loss=1.2345678901234568e+29", 0},
	{`{"loss":9007199254740993}`, "loss=9.007199254740992e+15", 0},
	{`{"loss":1e999}`, `loss:"1e999"`, 0},
	{`{"loss":NaN,"accuracy":-Infinity}`, `loss:"NaN" accuracy:"-Infinity"`, 0},
	{`{"loss":"nan","accuracy":""}`, `loss:"nan" accuracy:""`, 0},
	{`{"loss":"0x1p3","accuracy":"1,234.5"}`, `loss:"0x1p3" accuracy:"1,234.5"`, 0},
	{`{"loss":1,"loss":2}`, "loss=2", 0},
	{`{"loss":1,"loss":null}`, "", 0},
	{`{"\u006coss":"\u0030.5"}`, "loss=0.5", 0},
	{`{"loss":"a\nb"}`, `loss:"a\nb"`, 0},
	{"\x1b[32m" + `{"loss":1}` + "\x1b[0m", "loss=1", 0},
	{`{"loss":"` + "\xff" + `"}`, "loss:\"\uFFFD\"", 0},
	{`{"loss":0.3`, "", 1},
	{`{"loss":0.3}}`, "", 1},
	{`{"loss":0.3,}`, "", 1},
	{`{"loss":.3}`, "", 1},
	{`{"loss":03}`, "", 1},
	{`{"loss":+3}`, "", 1},
	{`{"loss":3e}`, "", 1},
	{`{'loss':3}`, "", 1},
	{`{loss:3}`, "", 1},
	{`[{"loss":3}]`, "", 1},
	{`3`, "", 1},
	{`loss=0.3`, "", 1},
	{`{"loss":"\q"}`, "", 1},
	{`{"loss":"\u12"}`, "", 1},
	{"{\"loss\":\"\x01\"}", "", 1},
	{strings.Repeat("[", 5000), "", 1},
	{`{"a":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `,"loss":1}`, "loss=1", 0},
	{`{"loss":1,"pad":"` + strings.Repeat("x", MaxLine) + `"}`, "", 1},
}

func TestJSONGolden(t *testing.T) {
	for _, g := range jsonGolden {
		s := json0(t, "loss;accuracy")
		if got := show(scanAll(t, s, g.line+"\n"+`{"loss":7}`)); got != strings.TrimSpace(g.want+" loss=7") {
			t.Errorf("%.200s\n got %s\nwant %s", g.line, got, g.want)
		}
		if got := s.Stats().Broken; got != g.broken {
			t.Errorf("%.200s: %d broken, want %d", g.line, got, g.broken)
		}
	}
}

func TestJSONTimeAndStep(t *testing.T) {
	at := func(sec int64, nanos int) time.Time { return time.Unix(sec, int64(nanos)).UTC() }
	for _, c := range []struct {
		members string
		time    time.Time
		step    int64
	}{
		{`"timestamp":"2021-12-02T05:27:27.25Z","step":3`, at(1638422847, 250e6), 3},
		{`"timestamp":1638422847.25`, at(1638422847, 250e6), NoStep},
		{`"timestamp":1638422847.9`, at(1638422847, 900e6), NoStep},
		{`"timestamp":1638422847.287801`, at(1638422847, 287801e3), NoStep},
		{`"timestamp":1638422847.1234567894`, at(1638422847, 123456789), NoStep},
		{`"timestamp":"1638422847.25"`, at(1638422847, 250e6), NoStep},
		{`"timestamp":1638422847`, at(1638422847, 0), NoStep},
		{`"timestamp":1.63842284725e9`, at(1638422847, 250e6), NoStep},
		{`"timestamp":"2021-12-02 05:27:27,25"`, at(1638422847, 250e6), NoStep},
		{`"timestamp":1638422847250`, time.Time{}, NoStep}, // milliseconds are a year no one believes
		{`"timestamp":1e300`, time.Time{}, NoStep},
		{`"timestamp":-5`, time.Time{}, NoStep},
		{`"timestamp":0`, time.Time{}, NoStep},
		{`"timestamp":"now"`, time.Time{}, NoStep},
		{`"timestamp":null,"step":null`, time.Time{}, NoStep},
		{`"step":120,"epoch":3`, time.Time{}, 3},
		{`"step":500,"epoch":0.33`, time.Time{}, 500},
		{`"global_step":9,"step":120,"epoch":3`, time.Time{}, 9},
		{`"epoch":"4","iter":1`, time.Time{}, 4},
		{`"epoch":4.0`, time.Time{}, 4},
		{`"step":-1`, time.Time{}, NoStep},
		{`"step":12345678901234567890`, time.Time{}, NoStep},
	} {
		points := scanAll(t, json0(t, "loss"), "\n{"+c.members+`,"loss":1}`)
		want := []Point{{Name: "loss", Value: 1, Offset: 1, Time: c.time, Step: c.step}}
		if diff := cmp.Diff(want, points); diff != "" {
			t.Errorf("%s:\n%s", c.members, diff)
		}
	}
}

func TestJSONInPieces(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var data []byte
		for range rapid.IntRange(0, 6).Draw(rt, "lines") {
			data = append(data, rapid.SampledFrom(jsonGolden).Draw(rt, "line").line...)
			data = append(data, rapid.SampledFrom([]string{"\n", "\r\n", ""}).Draw(rt, "end")...)
		}
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(data)), 0, 6).Draw(rt, "cuts")
		checkPieces(t, func() Scanner { return json0(t, "loss;accuracy") }, data, cuts)
	})
}

// FuzzJSON compares the reader of objects with encoding/json, which takes no NaN and Infinity and allows deeper nesting.
func FuzzJSON(f *testing.F) {
	for _, g := range jsonGolden {
		f.Add([]byte(g.line), uint16(5))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		checkPieces(t, func() Scanner { return json0(t, "loss;accuracy") }, data, []int{int(cut) % (len(data) + 1)})
		line := data
		if i := strings.IndexAny(string(data), "\r\n\x1b"); i >= 0 {
			line = data[:i]
		}
		if s := string(line); strings.Contains(s, "NaN") || strings.Contains(s, "Infinity") || strings.Count(s, "{")+strings.Count(s, "[") > maxDepth {
			return
		}
		if !utf8.Valid(line) {
			return // encoding/json replaces bytes, which makes keys equal
		}
		members := map[string]jsonValue{}
		c := jsonCursor{b: line}
		ok := c.object(func(key []byte, v jsonValue) { members[string(key)] = v })
		var want map[string]any
		trimmed := strings.TrimLeft(string(line), " \t")
		if valid := json.Unmarshal(line, &want) == nil && strings.HasPrefix(trimmed, "{"); valid != ok {
			if !valid && json.Valid(line) && strings.HasPrefix(trimmed, "{") { // 1e999 is valid but no float64
				return
			}
			t.Fatalf("%q: read as an object %v, encoding/json %v", line, ok, valid)
		}
		if !ok {
			return
		}
		for key, v := range want {
			text, isText := members[key].text()
			switch v := v.(type) {
			case string:
				if !isText || string(text) != v {
					t.Fatalf("%q: member %q is %q, want %q", line, key, text, v)
				}
			case float64:
				if got, ok := decimal(text); !ok || got != v {
					t.Fatalf("%q: member %q is %q, want %v", line, key, text, v)
				}
			default:
				if isText {
					t.Fatalf("%q: member %q is %q, want %v", line, key, text, v)
				}
			}
		}
	})
}
