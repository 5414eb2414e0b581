package metrics

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
)

// MaxRecord bounds a record of an events file; longer ones are skipped and counted as truncated. Scan consumes whole records
// only, so a caller must be able to hand in MaxRecord+16 bytes at once: where nothing was consumed and more is there, it
// makes its buffer larger.
const MaxRecord = 16 << 20

// tfEvents scans one TensorFlow events file, a sequence of records: length (8 bytes, little endian), masked CRC-32C of the
// length, data, masked CRC-32C of the data (tensorflow/core/lib/io/record_writer.h).
type tfEvents struct {
	names   []string
	tag     string
	next    int64 // the offset at which the next call begins when the source simply goes on
	passing int64 // bytes that are left of a record that is passed over
	lost    bool  // the framing is lost; the next header with a right checksum is looked for
	stats   Stats
	points  []Point
}

const (
	headerSize = 12
	footerSize = 4
)

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// maskedCRC is the checksum of a record's parts.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli())
	return (c>>15 | c<<17) + 0xa282ead8
}

// NewTFEvent returns a Scanner of one TensorFlow or TensorBoard events file. tag is the path of the file's folder, absolute or
// below the collector's directory. A scalar is a point of the metric that is named by its tag ("accuracy", "loss/train"), or
// by the last parts of the folder's path and its tag ("test/accuracy" in …/test). The suffix _1 that TensorFlow 1 gives to
// repeated tags may be left out. Step and time are the event's. Records whose checksum is wrong are skipped and counted as
// broken; an unfinished one at the end is waited for.
func NewTFEvent(names []string, tag string) (Scanner, error) {
	if err := checkNames(names); err != nil {
		return nil, err
	}
	return &tfEvents{names: names, tag: strings.Trim(tag, "/")}, nil
}

// Stats implements Scanner.
func (t *tfEvents) Stats() Stats { return t.stats }

// Scan implements Scanner.
func (t *tfEvents) Scan(data []byte, offset int64, final bool) ([]Point, int) {
	t.points = t.points[:0]
	if offset != t.next { // the source was replaced, or this is a new scanner of an old one
		t.passing, t.lost = 0, false
	}
	i := 0
	for {
		n := t.record(data[i:], offset+int64(i))
		i += n
		if n == 0 || i == len(data) {
			break
		}
	}
	if final && i < len(data) {
		t.stats.Broken++
		i = len(data)
	}
	t.next = offset + int64(i)
	return t.points, i
}

// record reads what stands at the start of b and returns its size; 0 when it is not all there.
func (t *tfEvents) record(b []byte, offset int64) int {
	if t.passing > 0 {
		n := min(t.passing, int64(len(b)))
		t.passing -= n
		return int(n)
	}
	if t.lost {
		if n := findHeader(b); n > 0 {
			return n
		}
	}
	if len(b) < headerSize {
		return 0
	}
	size, ok := header(b)
	if !ok {
		t.stats.Broken++
		t.lost = true
		return 1
	}
	t.lost = false
	if size > MaxRecord {
		t.stats.Lines++
		t.stats.Truncated++
		t.passing = int64(min(size, 1<<62)) + footerSize
		return headerSize
	}
	end := headerSize + int(size)
	if len(b) < end+footerSize {
		return 0
	}
	t.stats.Lines++
	payload := b[headerSize:end]
	if maskedCRC(payload) != binary.LittleEndian.Uint32(b[end:]) { // perhaps cut short, and the next one stands within
		t.stats.Broken++
		t.lost = true
		return headerSize
	}
	before := len(t.points)
	e, ok := t.event(payload)
	if !ok {
		t.stats.Broken++
		t.points = t.points[:before]
	} else if found := t.points[before:]; len(found) > 0 {
		place(found, offset, e.step, unixFloat(e.wallTime))
		t.stats.count(found)
	}
	return end + footerSize
}

func header(b []byte) (size uint64, ok bool) {
	return binary.LittleEndian.Uint64(b), maskedCRC(b[:8]) == binary.LittleEndian.Uint32(b[8:])
}

// findHeader returns how many bytes stand before the first header of a record in b, or before what may be the beginning of
// one at its end.
func findHeader(b []byte) int {
	for i := 0; i+headerSize <= len(b); i++ {
		if size, ok := header(b[i:]); ok && size <= MaxRecord {
			return i
		}
	}
	return max(0, len(b)-headerSize+1)
}

// event is what is used of the message Event (tensorflow/core/util/event.proto).
type event struct {
	wallTime float64
	step     int64
}

func (t *tfEvents) event(b []byte) (event, bool) {
	var e event
	m := message{b: b}
	for m.next() {
		switch {
		case m.field == 1 && m.wire == wire64:
			e.wallTime = m.double()
		case m.field == 2 && m.wire == wireVarint:
			e.step = max(NoStep, int64(m.number))
		case m.field == 5 && m.wire == wireBytes:
			if !t.summary(m.bytes) {
				return event{}, false
			}
		}
	}
	return e, !m.bad
}

// summary reads the message Summary (tensorflow/core/framework/summary.proto): values in field 1.
func (t *tfEvents) summary(b []byte) bool {
	m := message{b: b}
	for m.next() {
		if m.field == 1 && m.wire == wireBytes && !t.value(m.bytes) {
			return false
		}
	}
	return !m.bad
}

// value reads Summary.Value: tag 1, simple_value 2, tensor 8.
func (t *tfEvents) value(b []byte) bool {
	var tag []byte
	var v float64
	scalar := false
	m := message{b: b}
	for m.next() {
		switch {
		case m.field == 1 && m.wire == wireBytes:
			tag = m.bytes
		case m.field == 2 && m.wire == wire32:
			v, scalar = m.float(), true
		case m.field == 8 && m.wire == wireBytes:
			number, one, ok := tensor(m.bytes)
			if !ok {
				return false
			}
			if one {
				v, scalar = number, true
			}
		}
	}
	if m.bad {
		return false
	}
	if !scalar {
		return true
	}
	if n, ok := t.metric(string(tag)); ok {
		t.points = append(t.points, floatPoint(n, v))
	}
	return true
}

// metric finds the metric that a tag in this file belongs to.
func (t *tfEvents) metric(tag string) (string, bool) {
	for _, n := range t.names {
		if t.means(n, tag) {
			return n, true
		}
	}
	if i := strings.LastIndexByte(tag, '_'); i > 0 && i+1 < len(tag) && strings.Trim(tag[i+1:], "0123456789") == "" {
		if j := slices.IndexFunc(t.names, func(n string) bool { return t.means(n, tag[:i]) }); j >= 0 {
			return t.names[j], true
		}
	}
	return "", false
}

// means reports whether a metric's name means a tag in this file's folder.
func (t *tfEvents) means(name, tag string) bool {
	if name == tag {
		return true
	}
	folder, ok := strings.CutSuffix(name, "/"+tag)
	return ok && folder != "" && (t.tag == folder || strings.HasSuffix(t.tag, "/"+folder))
}
