package metrics

import (
	"encoding/binary"
	"math"
	"strconv"
)

// The wire types of protocol buffers that occur.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// message reads the fields of one protocol buffers message in turn.
type message struct {
	b      []byte
	bad    bool // it is not well-formed; next returned false for that
	field  uint64
	wire   uint64
	number uint64 // varint, or the bits of a fixed number
	bytes  []byte
}

// next reads one field; false at the end and where the message is not well-formed.
func (m *message) next() bool {
	if len(m.b) == 0 {
		return false
	}
	key, ok := m.varint()
	if !ok {
		return false
	}
	m.field, m.wire, m.bytes = key>>3, key&7, nil
	switch m.wire {
	case wireVarint:
		m.number, ok = m.varint()
		return ok
	case wire64:
		if b, ok := m.take(8); ok {
			m.number = binary.LittleEndian.Uint64(b)
			return true
		}
	case wire32:
		if b, ok := m.take(4); ok {
			m.number = uint64(binary.LittleEndian.Uint32(b))
			return true
		}
	case wireBytes:
		if n, ok := m.varint(); ok {
			m.bytes, ok = m.take(n)
			return ok
		}
	}
	m.bad = true // groups have not been used for many years
	return false
}

func (m *message) varint() (uint64, bool) {
	v, n := binary.Uvarint(m.b)
	if n <= 0 {
		m.bad = true
		return 0, false
	}
	m.b = m.b[n:]
	return v, true
}

func (m *message) take(n uint64) ([]byte, bool) {
	if n > uint64(len(m.b)) {
		m.bad = true
		return nil, false
	}
	b := m.b[:n]
	m.b = m.b[n:]
	return b, true
}

func (m *message) double() float64 { return math.Float64frombits(m.number) }

func (m *message) float() float64 { return widen(math.Float32frombits(uint32(m.number))) }

// widen makes a float64 of a float32 by way of the shortest decimal that tells it: 0.1 stays 0.1, as Katib's collector
// prints it. The order of values is kept.
func widen(f float32) float64 {
	var buf [32]byte
	v, err := strconv.ParseFloat(string(strconv.AppendFloat(buf[:0], float64(f), 'g', -1, 32)), 64)
	if err != nil {
		return float64(f)
	}
	return v
}

// dtype is an element type (tensorflow/core/framework/types.proto): how wide one is in tensor_content, in which field of
// TensorProto single ones stand, and how to read both.
type dtype struct {
	width int
	field uint64
	read  func(bits uint64) float64
}

var dtypes = map[uint64]dtype{
	1:  {4, 5, func(b uint64) float64 { return widen(math.Float32frombits(uint32(b))) }},
	2:  {8, 6, math.Float64frombits},
	3:  {4, 7, func(b uint64) float64 { return float64(int32(b)) }},
	4:  {1, 7, func(b uint64) float64 { return float64(uint8(b)) }},
	5:  {2, 7, func(b uint64) float64 { return float64(int16(b)) }},
	6:  {1, 7, func(b uint64) float64 { return float64(int8(b)) }},
	9:  {8, 10, func(b uint64) float64 { return float64(int64(b)) }},
	14: {2, 13, func(b uint64) float64 { return widen(math.Float32frombits(uint32(b) << 16)) }}, // bfloat16
	17: {2, 7, func(b uint64) float64 { return float64(uint16(b)) }},
	19: {2, 13, func(b uint64) float64 { return half(uint16(b)) }},
	22: {4, 16, func(b uint64) float64 { return float64(uint32(b)) }},
	23: {8, 17, func(b uint64) float64 { return float64(b) }},
}

// half reads an IEEE 754 half-precision number.
func half(b uint16) float64 {
	sign, exponent, fraction := 1-2*float64(b>>15), int(b>>10&0x1f), float64(b&0x3ff)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 0x1f:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// tensor reads the message TensorProto (tensorflow/core/framework/tensor.proto): dtype 1, tensor_shape 2, tensor_content 4,
// and one field per type for single elements. one says that it holds exactly one number.
func tensor(b []byte) (v float64, one, ok bool) {
	var kind uint64
	var content []byte
	single := true
	m := message{b: b}
	for m.next() {
		switch {
		case m.field == 1 && m.wire == wireVarint:
			kind = m.number
		case m.field == 2 && m.wire == wireBytes:
			if single, ok = singleElement(m.bytes); !ok {
				return 0, false, false
			}
		case m.field == 4 && m.wire == wireBytes:
			content = m.bytes
		}
	}
	d, known := dtypes[kind]
	if m.bad || !known || !single {
		return 0, false, !m.bad
	}
	if len(content) > 0 {
		if len(content) != d.width {
			return 0, false, false
		}
		var bits [8]byte
		copy(bits[:], content)
		return d.read(binary.LittleEndian.Uint64(bits[:])), true, true
	}
	bits, one := d.first(b)
	if !one {
		return 0, false, true
	}
	return d.read(bits), true, true
}

// first finds the first element of a type's own field, packed or not.
func (d dtype) first(b []byte) (bits uint64, ok bool) {
	m := message{b: b}
	for m.next() {
		if m.field != d.field {
			continue
		}
		if m.wire != wireBytes {
			return m.number, true
		}
		p := message{b: m.bytes}
		switch d.field {
		case 5:
			if raw, ok := p.take(4); ok {
				return uint64(binary.LittleEndian.Uint32(raw)), true
			}
		case 6:
			if raw, ok := p.take(8); ok {
				return binary.LittleEndian.Uint64(raw), true
			}
		default:
			if n, ok := p.varint(); ok {
				return n, true
			}
		}
	}
	return 0, false
}

// singleElement reports whether a TensorShapeProto (dimensions in field 2, the size of each in its field 1) is that of one
// element.
func singleElement(b []byte) (single, ok bool) {
	single = true
	m := message{b: b}
	for m.next() {
		if m.field != 2 || m.wire != wireBytes {
			continue
		}
		size := uint64(0)
		d := message{b: m.bytes}
		for d.next() {
			if d.field == 1 && d.wire == wireVarint {
				size = d.number
			}
		}
		if d.bad {
			return false, false
		}
		single = single && size == 1
	}
	return single, !m.bad
}
