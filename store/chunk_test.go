package store

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"qalam/metrics"
)

// FuzzSegment reads segments of any bytes: points or an error, and no more points than bytes.
func FuzzSegment(f *testing.F) {
	f.Add([]byte{})
	f.Add(segmentOf(1, 0, []metrics.Point{{Name: "loss", Value: 0.5, Step: 3}})[8:])
	f.Add(segmentOf(9, 2, []metrics.Point{{Name: "a", Text: "nan", Value: math.NaN(), Step: -1}, {Name: "b", Offset: 7, Index: 1}})[8:])
	f.Add([]byte{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		_, err := readSegment(body, func(int, metrics.Point) bool { n++; return true })
		if n > len(body) {
			t.Errorf("%d points in %d bytes (%v)", n, len(body), err)
		}
	})
}

// TestChunk: a chunk gives back the points it was made of, and no chunk that was cut or changed does.
func TestChunk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source, epoch := rapid.Int64Min(1).Draw(t, "source"), rapid.IntRange(0, 1<<30).Draw(t, "epoch")
		var points []metrics.Point
		offset := int64(0)
		for range rapid.IntRange(1, 50).Draw(t, "points") {
			offset += rapid.Int64Range(0, 1<<40).Draw(t, "distance")
			points = append(points, metrics.Point{Name: rapid.String().Draw(t, "name"), Value: rapid.Float64().Draw(t, "value"),
				Text: rapid.String().Draw(t, "text"), Step: rapid.Int64().Draw(t, "step"), Offset: offset, Index: rapid.IntRange(0, 9).Draw(t, "index")})
		}
		var chunk []byte
		for _, s := range segmentsOf(source, epoch, points) {
			chunk = append(chunk, s...)
		}
		var got []metrics.Point
		err := readChunk(source, chunk, func(e int, p metrics.Point) bool {
			if e != epoch {
				t.Fatalf("epoch %d, want %d", e, epoch)
			}
			got = append(got, p)
			return true
		})
		if err != nil || len(got) != len(points) {
			t.Fatalf("%d of %d points: %v", len(got), len(points), err)
		}
		for i := range got {
			if got[i] != points[i] {
				t.Fatalf("point %+v, want %+v", got[i], points[i])
			}
		}
		ignore := func(int, metrics.Point) bool { return true }
		if readChunk(source+1, chunk, ignore) == nil {
			t.Fatal("a chunk of another source was read")
		}
		chunk[rapid.IntRange(0, len(chunk)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if readChunk(source, chunk, ignore) == nil {
			t.Fatal("a flipped bit went unnoticed")
		}
	})
}
