// Package metrics turns what a trial writes (log lines, JSON lines, TensorBoard events, Prometheus pages) into points, and
// points into a summary per metric. It knows bytes and numbers only: it opens no file, reads no clock and knows no trial.
package metrics

import (
	"math"
	"time"
)

// NoStep is the Step of a point whose position in training is not known.
const NoStep int64 = -1

// Point is one raw value of one metric, as a trial reported it.
type Point struct {
	Name  string
	Value float64 // finite, or NaN when Text says what was printed instead of a finite decimal number
	Text  string  // "nan", "-inf", "Genotype(…)": what was printed where that is no finite number; otherwise ""
	Step  int64   // position in training as the user counts it; NoStep when unknown
	Time  time.Time
	// Time is what the source says (a timestamp in the line); zero when it says nothing, and then the collector
	// fills in the time of arrival.

	Offset int64 // byte offset in the source of the line or record that held the point
	Index  int   // position of the point among those of the same offset, from 0; with Offset it identifies the point
}

// Finite reports whether the point is a number that may enter an observation's minimum and maximum.
func (p Point) Finite() bool { return !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) }

// Scanner parses one source of points piece by piece. It is used by one goroutine.
type Scanner interface {
	// Scan parses the complete lines or records at the start of data, which begins at byte offset of the source, and
	// returns their points and how many bytes it consumed; the rest is handed in again, with more behind it, by the
	// next call. When final is set nothing follows, and an unfinished last line counts as complete. Input that cannot
	// be parsed is skipped and counted in Stats, never an error. The points are only valid until the next call.
	Scan(data []byte, offset int64, final bool) (points []Point, consumed int)
	// Stats returns what was seen so far: material for the doctor, not for decisions.
	Stats() Stats
}

// Stats counts what a Scanner met.
type Stats struct {
	Lines     int64    // lines or records seen
	Matched   int64    // lines or records that held at least one point
	Points    int64    // points returned
	NonFinite int64    // points whose value is no finite number
	Broken    int64    // lines or records that could not be parsed (JSON syntax, checksum)
	Truncated int64    // lines longer than the limit, of which only the beginning was read
	NearMiss  []string // up to 5 last lines that look as if they held a wanted metric but did not match, each cut to 200 bytes
}
