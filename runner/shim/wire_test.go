package shim

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fill puts something into every field that there is, so that one which is added cannot be forgotten.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 25, 1, 2, 3, 456, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), text+v.Type().Field(i).Name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-1234567890123)
	case reflect.Uint64:
		v.SetUint(1<<64 - 1)
	default:
		panic(v.Kind())
	}
}

var awkward = []string{"", "plain ", "\"\\/\b\f\n\r\t<&> é \u2028 \U0001F600 \x00\x1f\x7f", "null", "}]{[,:"}

// What is read by hand is what package encoding/json writes.
func TestReadsJSON(t *testing.T) {
	for _, text := range awkward {
		compareRead(t, text, func(s *Spec, p *parser) { s.parse(p) })
		compareRead(t, text, func(c *Command, p *parser) { c.parse(p) })
		compareRead(t, text, func(r *[]Run, p *parser) { *r = parseRuns(p) })
	}
}

func compareRead[T any](t *testing.T, text string, read func(*T, *parser)) {
	t.Helper()
	var empty, full T
	fill(reflect.ValueOf(&full).Elem(), text)
	for _, want := range []T{empty, full} {
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return json.MarshalIndent(v, " ", "\t") }} {
			b, err := marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got T
			if err := parse(b, func(p *parser) { read(&got, p) }); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s\nread as %+v, %v\nwant %+v", b, got, err, want)
			}
		}
	}
}

// What is written by hand is what package encoding/json reads.
func TestWritesJSON(t *testing.T) {
	for _, text := range awkward {
		compareWritten(t, text, Claim.line)
		compareWritten(t, text, Done.line)
		compareWritten(t, text, Started.line)
		compareWritten(t, text, Exited.line)
		compareWritten(t, text, Fetched.line)
	}
}

func compareWritten[T any](t *testing.T, text string, line func(T) []byte) {
	t.Helper()
	var empty, full, got T
	fill(reflect.ValueOf(&full).Elem(), text)
	if err := json.Unmarshal(line(full), &got); err != nil || !reflect.DeepEqual(got, full) {
		t.Errorf("%s\nread as %+v, %v\nwant %+v", line(full), got, err, full)
	}
	if want, err := json.Marshal(empty); err != nil || strings.ReplaceAll(string(want), `"answer":null`, `"answer":""`)+"\n" != string(line(empty)) {
		t.Errorf("%s\nwant %s, %v", line(empty), want, err)
	}
}

// FuzzReadsJSON: nothing makes the parser panic or take for JSON what is none.
func FuzzReadsJSON(f *testing.F) {
	for _, text := range awkward {
		var s Spec
		fill(reflect.ValueOf(&s).Elem(), text)
		b, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range []string{`{"start":[{"pod":"a"},null,{}],"x":{"y":[1,2.5e3,true,{}]}}`, `{"marker":"\ud83d\ude00\ud83d"}`, `[[[`, `{"a":}`, `{,}`, `nul`, `{"tasks":1.5}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Spec
		if parse(text, s.parse) != nil {
			return
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Spec
		if err := parse(b, again.parse); err != nil {
			t.Errorf("%q was read as %s, which cannot be read: %v", text, b, err)
		}
	})
}
