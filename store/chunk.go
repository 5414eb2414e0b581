package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"qalam/metrics"
)

// Points are kept in chunks, and a chunk is a sequence of segments, one for each Append that had points (large ones are split).
// A segment explains itself:
//
//	uint32 length of all that follows, uint32 CRC-32C of source ID and body, then the body:
//	uvarint epoch, uvarint number of points, uvarint number of names, the names (uvarint length, bytes),
//	varint first offset, and for each point:
//	uvarint name<<4 | flags, uvarint distance of its offset from the one before, uvarint index, varint distances of step and
//	time (ms since 1970) from those before, uvarint length and bytes of the text, float64 value; flags say which are there.
//
// Small segments are joined in one chunk up to chunkSize, which one page of the database holds: adding to it costs no more than
// a row of its own would, and a series is read from few pages.
const (
	chunkSize     = 3000
	segmentPoints = 2000 // at most, so that a chunk stays below 64 KiB or so
	chunkBits     = 24   // of points.id that number the chunk within its source
)

// The flags of a point.
const (
	flagText   = 1 << iota // there is a text
	flagNaN                // the value is NaN and left out
	flagNoStep             // the step is NoStep and left out
	flagNoTime             // there is no time
)

// segmentsOf encodes the points of one source.
func segmentsOf(source int64, epoch int, points []metrics.Point) [][]byte {
	var segments [][]byte
	for len(points) > 0 {
		n := min(len(points), segmentPoints)
		segments = append(segments, segmentOf(source, epoch, points[:n]))
		points = points[n:]
	}
	return segments
}

func segmentOf(source int64, epoch int, points []metrics.Point) []byte {
	names := map[string]uint64{}
	var list []string
	for _, p := range points {
		if _, ok := names[p.Name]; !ok {
			names[p.Name] = uint64(len(list))
			list = append(list, p.Name)
		}
	}
	b := make([]byte, 8, 64+16*len(points))
	b = binary.AppendUvarint(b, uint64(epoch))
	b = binary.AppendUvarint(b, uint64(len(points)))
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, name := range list {
		b = appendText(b, name)
	}
	last := metrics.Point{Offset: points[0].Offset}
	var lastTime int64
	b = binary.AppendVarint(b, last.Offset)
	for _, p := range points {
		b = appendPoint(b, p, &last, &lastTime, names[p.Name])
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	binary.LittleEndian.PutUint32(b[4:], segmentSum(source, b[8:]))
	return b
}

func appendPoint(b []byte, p metrics.Point, last *metrics.Point, lastTime *int64, name uint64) []byte {
	var flags uint64
	if p.Text != "" {
		flags |= flagText
	}
	if math.IsNaN(p.Value) {
		flags |= flagNaN
	}
	if p.Step == metrics.NoStep {
		flags |= flagNoStep
	}
	if p.Time.IsZero() {
		flags |= flagNoTime
	}
	b = binary.AppendUvarint(b, name<<4|flags)
	b = binary.AppendUvarint(b, uint64(p.Offset-last.Offset))
	b = binary.AppendUvarint(b, uint64(p.Index))
	last.Offset = p.Offset
	if flags&flagNoStep == 0 {
		b = binary.AppendVarint(b, p.Step-last.Step)
		last.Step = p.Step
	}
	if flags&flagNoTime == 0 {
		ms := p.Time.UnixMilli()
		b = binary.AppendVarint(b, ms-*lastTime)
		*lastTime = ms
	}
	if flags&flagText != 0 {
		b = appendText(b, p.Text)
	}
	if flags&flagNaN == 0 {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Value))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func segmentSum(source int64, body []byte) uint32 {
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], uint64(source))
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, body)
}

// errChunk says that a chunk cannot be what was written.
var errChunk = errors.New("a chunk of points is cut or not one")

// reader takes values off the front of a segment; the first value that is not there makes it bad for good.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// readChunk decodes the segments of a chunk of one source and hands out their points with their epochs until yield returns false.
func readChunk(source int64, chunk []byte, yield func(epoch int, p metrics.Point) bool) error {
	for len(chunk) > 0 {
		if len(chunk) < 8 {
			return errChunk
		}
		n := binary.LittleEndian.Uint32(chunk)
		if n < 4 || uint64(n) > uint64(len(chunk)-4) {
			return errChunk
		}
		body := chunk[8 : 4+n]
		if segmentSum(source, body) != binary.LittleEndian.Uint32(chunk[4:]) {
			return fmt.Errorf("points: %w", errSum)
		}
		more, err := readSegment(body, yield)
		if err != nil || !more {
			return err
		}
		chunk = chunk[4+n:]
	}
	return nil
}

func readSegment(body []byte, yield func(epoch int, p metrics.Point) bool) (bool, error) {
	r := &reader{b: body}
	epoch, count := int(r.uvarint()), r.uvarint()
	var names []string
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		names = append(names, string(r.take(r.uvarint())))
	}
	offset := r.varint()
	var step, ms int64
	for ; count > 0 && !r.bad; count-- {
		head := r.uvarint()
		flags, name := head&15, head>>4
		if name >= uint64(len(names)) {
			return false, errChunk
		}
		p := metrics.Point{Name: names[name], Step: metrics.NoStep, Value: math.NaN()}
		offset += int64(r.uvarint())
		p.Offset, p.Index = offset, int(r.uvarint())
		if flags&flagNoStep == 0 {
			step += r.varint()
			p.Step = step
		}
		if flags&flagNoTime == 0 {
			ms += r.varint()
			p.Time = time.UnixMilli(ms).UTC()
		}
		if flags&flagText != 0 {
			p.Text = string(r.take(r.uvarint()))
		}
		if flags&flagNaN == 0 {
			p.Value = r.float()
		}
		if r.bad {
			return false, errChunk
		}
		if !yield(epoch, p) {
			return false, nil
		}
	}
	if r.bad || len(r.b) > 0 {
		return false, errChunk
	}
	return true, nil
}
