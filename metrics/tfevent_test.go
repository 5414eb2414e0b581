package metrics

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func events(t testing.TB, tag string, names ...string) Scanner {
	t.Helper()
	s, err := NewTFEvent(names, tag)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTensorBoardX(t *testing.T) {
	s := events(t, "", "loss", "accuracy/test", "weights", "note")
	points := scanAll(t, s, string(fixture(t, "tensorboardx.tfevents")))
	start := time.Date(2026, 1, 1, 0, 0, 0, 250e6, time.UTC)
	var want []Point
	for step := range int64(5) {
		at := start.Add(time.Duration(step) * time.Second)
		want = append(want,
			Point{Name: "loss", Value: widen(1 / float32(step+1)), Step: step, Time: at},
			Point{Name: "accuracy/test", Value: []float64{0, 0.1, 0.2, 0.3, 0.4}[step], Step: step, Time: at})
	}
	want = append(want,
		Point{Name: "loss", Value: math.NaN(), Text: "nan", Step: 5, Time: start.Add(5 * time.Second)},
		Point{Name: "loss", Value: math.NaN(), Text: "-inf", Step: 6, Time: start.Add(6 * time.Second)})
	for i := range points {
		points[i].Offset = 0
	}
	if diff := cmp.Diff(want, points, nanEqual); diff != "" {
		t.Error(diff)
	}
	if got, want := s.Stats(), (Stats{Lines: 19, Matched: 12, Points: 12, NonFinite: 2}); !cmp.Equal(got, want) {
		t.Errorf("statistics %+v, want %+v", got, want)
	}
}

func TestTensors(t *testing.T) {
	kinds := []string{"float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}
	var names []string
	for _, k := range kinds {
		names = append(names, "own/"+k, "content/"+k)
	}
	got := map[string]Point{}
	for _, p := range scanAll(t, events(t, "", append(names, "vector", "text")...), string(fixture(t, "tensors.tfevents"))) {
		got[p.Name] = p
	}
	if len(got) != len(names) {
		t.Errorf("%d metrics, want %d: a vector and a text are no scalars", len(got), len(names))
	}
	for step, k := range kinds {
		want := float64(100 + step)
		switch k {
		case "float16":
			want = 0.0999755859375
		case "float32", "float64":
			want = 0.1
		case "int8", "int16", "int32", "int64":
			want = -want
		}
		for _, name := range []string{"own/" + k, "content/" + k} {
			if p := got[name]; p.Value != want || p.Step != int64(step) {
				t.Errorf("%s: %v at step %d, want %v", name, p.Value, p.Step, want)
			}
		}
	}
	if points := scanAll(t, events(t, "", "one"), string(fixture(t, "tensors.tfevents"))); len(points) != len(kinds) || points[0].Value != 2.5 {
		t.Errorf("a vector of one element: %v", points)
	}
}

func TestHalfPrecision(t *testing.T) {
	for bits, want := range map[uint16]float64{0: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 1: math.Ldexp(1, -24), 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)} {
		if got := half(bits); got != want {
			t.Errorf("half(%#x) = %v, want %v", bits, got, want)
		}
	}
	if !math.IsNaN(half(0x7e00)) {
		t.Error("half(0x7e00) is a number")
	}
}

// record frames a payload, and scalarEvent makes one with a simple value.
func record(payload []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b))
	b = append(b, payload...)
	return binary.LittleEndian.AppendUint32(b, maskedCRC(payload))
}

func scalarEvent(tag string, step int64, v float32) []byte {
	value := append([]byte{1<<3 | 2, byte(len(tag))}, tag...)
	value = append(value, 2<<3|5)
	value = binary.LittleEndian.AppendUint32(value, math.Float32bits(v))
	summary := append([]byte{1<<3 | 2, byte(len(value))}, value...)
	e := binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, math.Float64bits(1767225600))
	e = binary.AppendUvarint(append(e, 2<<3), uint64(step))
	return append(append(e, 5<<3|2, byte(len(summary))), summary...)
}

func TestEventTags(t *testing.T) {
	for _, c := range []struct {
		folder, tag, name string
		want              bool
	}{
		{"", "accuracy", "accuracy", true},
		{"/logs/test/", "accuracy", "accuracy", true},
		{"/logs/test", "accuracy", "test/accuracy", true},
		{"test", "accuracy", "test/accuracy", true},
		{"/logs/test", "accuracy", "logs/test/accuracy", true},
		{"/logs/mytest", "accuracy", "test/accuracy", false},
		{"/logs/train", "accuracy", "test/accuracy", false},
		{"", "test/accuracy", "test/accuracy", true},
		{"", "test/accuracy", "accuracy", false},
		{"", "accuracy_1", "accuracy", true},
		{"test", "accuracy_1", "test/accuracy", true},
		{"", "accuracy_x", "accuracy", false},
		{"", "accuracy_", "accuracy", false},
		{"", "epoch_loss", "loss", false},
	} {
		points := scanAll(t, events(t, c.folder, c.name), string(record(scalarEvent(c.tag, 1, 2))))
		if got := len(points) == 1; got != c.want {
			t.Errorf("%+v: found %v", c, got)
		}
	}
	if p := scanAll(t, events(t, "", "a", "a_1"), string(record(scalarEvent("a_1", 1, 2)))); len(p) != 1 || p[0].Name != "a_1" {
		t.Errorf("an exact name gives way to a shorter one: %v", p)
	}
}

func TestTornAndDamagedEvents(t *testing.T) {
	one, two, three := record(scalarEvent("loss", 1, 1)), record(scalarEvent("loss", 2, 2)), record(scalarEvent("loss", 3, 3))
	join := func(parts ...[]byte) (all string) {
		for _, p := range parts {
			all += string(p)
		}
		return all
	}
	flip := func(b []byte, i int) []byte { c := append([]byte(nil), b...); c[i] ^= 1; return c }
	huge := binary.LittleEndian.AppendUint64(nil, MaxRecord+1)
	huge = binary.LittleEndian.AppendUint32(huge, maskedCRC(huge))
	huge = append(huge, make([]byte, MaxRecord+1+footerSize)...)
	for _, c := range []struct {
		name, data, want  string
		broken, truncated int64
	}{
		{"data damaged", join(one, flip(two, headerSize+3), three), "loss=1 loss=3", 1, 0},
		{"data checksum damaged", join(one, flip(two, len(two)-1), three), "loss=1 loss=3", 1, 0},
		{"length damaged", join(one, flip(two, 6), three), "loss=1 loss=3", 1, 0},
		{"length checksum damaged", join(one, flip(two, 9), three), "loss=1 loss=3", 1, 0},
		{"torn in the middle", join(one, two[:20], three), "loss=1 loss=3", 1, 0},
		{"torn header", join(one, two[:5], three), "loss=1 loss=3", 1, 0},
		{"torn at the end", join(one, two[:20]), "loss=1", 1, 0},
		{"zeros", join(one, make([]byte, 100), three), "loss=1 loss=3", 1, 0},
		{"too large", join(one, huge, three), "loss=1 loss=3", 0, 1},
		{"no message", join(one, record([]byte{0xff}), three), "loss=1 loss=3", 1, 0},
		{"no summary", join(one, record([]byte{5<<3 | 2, 1, 0xff}), three), "loss=1 loss=3", 1, 0},
		{"empty", join(one, record(nil), three), "loss=1 loss=3", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := events(t, "", "loss")
			if got := show(scanAll(t, s, c.data)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if st := s.Stats(); st.Broken != c.broken || st.Truncated != c.truncated {
				t.Errorf("%d broken, %d truncated; want %d, %d", st.Broken, st.Truncated, c.broken, c.truncated)
			}
		})
	}
	s := events(t, "", "loss")
	if points, n := s.Scan([]byte(join(one, two[:len(two)-1])), 0, false); len(points) != 1 || n != len(one) || s.Stats().Broken != 0 {
		t.Errorf("torn tail: %d points, %d of %d bytes", len(points), n, len(one))
	}
	if points, n := s.Scan(two, int64(len(one)), false); len(points) != 1 || n != len(two) || points[0].Offset != int64(len(one)) {
		t.Errorf("completed tail: %v, %d bytes", points, n)
	}
}

func TestEventsInPieces(t *testing.T) {
	real := fixture(t, "tensorboardx.tfevents")
	rapid.Check(t, func(rt *rapid.T) {
		data := append([]byte(nil), real...)
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(data)-1), 0, 3).Draw(rt, "damage") {
			data[i] ^= 0x10
		}
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(data)), 0, 8).Draw(rt, "cuts")
		checkPieces(t, func() Scanner { return events(t, "", "loss", "accuracy/test") }, data, cuts)
	})
}

func FuzzTFEvent(f *testing.F) {
	f.Add(fixture(f, "tensorboardx.tfevents"), uint16(100))
	f.Add(fixture(f, "tensors.tfevents"), uint16(100))
	f.Add(scalarEvent("loss", 1, 2), uint16(0))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		names := []string{"loss", "one", "text"}
		for _, d := range [][]byte{data, record(data), append(record(data), data...)} { // as it is, and past the checksums
			checkPieces(t, func() Scanner { return events(t, "", names...) }, d, []int{int(cut) % (len(d) + 1)})
		}
	})
}

func ExampleNewTFEvent() {
	s, err := NewTFEvent([]string{"test/accuracy"}, "/logs/test")
	if err != nil {
		panic(err)
	}
	points, consumed := s.Scan(record(scalarEvent("accuracy", 3, 0.9)), 0, false)
	fmt.Println(points[0].Name, points[0].Value, points[0].Step, consumed)
	// Output: test/accuracy 0.9 3 46
}
