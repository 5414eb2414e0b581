package metrics

import "bytes"

// MaxLine is how many bytes of a line are read; of a longer line the rest is skipped and the line counts as truncated. A
// caller must be able to hand in one byte more than this at once.
const MaxLine = 64 << 10

// Resumer is a Scanner of lines. A new one that is to go on in the middle of a source must be told the byte before its first
// offset: where that is no line break, the line is one whose beginning was read before, and its rest is not taken for a line.
type Resumer interface {
	Scanner
	Resume(before byte)
}

// lines cuts a source into lines, whatever pieces it comes in. Line feed and carriage return (progress bars) both end a
// line; empty lines are passed over, so that the two together need no rule of their own.
type lines struct {
	next    int64 // the offset at which the next call begins when the source simply goes on
	skip    bool  // the beginning of the line that stands here was read already
	scratch []byte
}

// Resume implements Resumer.
func (l *lines) Resume(before byte) { l.skip = before != '\n' && before != '\r' }

// each calls line for every complete line in data, without its line break and with escape sequences of terminals removed;
// cut says that the line was longer than MaxLine. It returns how many bytes it consumed.
func (l *lines) each(data []byte, offset int64, final bool, line func(line []byte, offset int64, cut bool)) int {
	if offset != l.next && l.next != 0 { // the source was replaced: its first line is a whole one
		l.skip = false
	}
	i, lf, cr := 0, -1, -1
	for i < len(data) {
		lf, cr = following(data, '\n', i, lf), following(data, '\r', i, cr)
		end := min(lf, cr)
		complete := end < len(data)
		switch {
		case l.skip:
			l.skip = !complete
			i = min(end+1, len(data))
		case end-i > MaxLine:
			line(l.plain(data[i:i+MaxLine]), offset+int64(i), true)
			l.skip = true
			i += MaxLine
		case complete || final:
			if end > i {
				line(l.plain(data[i:end]), offset+int64(i), false)
			}
			i = min(end+1, len(data))
		default:
			l.next = offset + int64(i)
			return i
		}
	}
	l.next = offset + int64(i)
	return i
}

// following finds the first c at or behind i, len(data) when there is none; known is the answer for an earlier i, or -1.
func following(data []byte, c byte, i, known int) int {
	if known >= i {
		return known
	}
	if k := bytes.IndexByte(data[i:], c); k >= 0 {
		return i + k
	}
	return len(data)
}

const escape = 0x1b

// plain removes the escape sequences of terminals (ECMA-48: colours, cursor movements, titles) from a line. One that does
// not end within the line loses its introducer only: it may hide nothing.
func (l *lines) plain(line []byte) []byte {
	from := bytes.IndexByte(line, escape)
	if from < 0 {
		return line
	}
	out := append(l.scratch[:0], line[:from]...)
	terminated := true // whether the search for the end of a string sequence may still succeed
	for i := from; i < len(line); {
		if line[i] != escape {
			next := bytes.IndexByte(line[i:], escape)
			if next < 0 {
				next = len(line) - i
			}
			out = append(out, line[i:i+next]...)
			i += next
			continue
		}
		n := 1
		if i+1 < len(line) {
			switch line[i+1] {
			case '[':
				n = controlSequence(line[i:])
			case ']', 'P', 'X', '^', '_':
				n = 2
				if terminated {
					n = controlString(line[i:])
					terminated = n > 2
				}
			default:
				n = shortSequence(line[i:])
			}
		}
		i += n
	}
	l.scratch = out
	return out
}

// controlSequence measures ESC [ parameters intermediates final.
func controlSequence(b []byte) int {
	i := 2
	for i < len(b) && b[i] >= 0x30 && b[i] <= 0x3f {
		i++
	}
	for i < len(b) && b[i] >= 0x20 && b[i] <= 0x2f {
		i++
	}
	if i < len(b) && b[i] >= 0x40 && b[i] <= 0x7e {
		return i + 1
	}
	return 2
}

// controlString measures ESC ] … up to BEL or ESC \, and the other sequences that hold a string.
func controlString(b []byte) int {
	for i := 2; i < len(b); i++ {
		if b[i] == 0x07 {
			return i + 1
		}
		if b[i] == escape && i+1 < len(b) && b[i+1] == '\\' {
			return i + 2
		}
	}
	return 2
}

// shortSequence measures ESC intermediates final, such as ESC ( B.
func shortSequence(b []byte) int {
	i := 1
	for i < len(b) && b[i] >= 0x20 && b[i] <= 0x2f {
		i++
	}
	if i < len(b) && b[i] >= 0x30 && b[i] <= 0x7e {
		return i + 1
	}
	return 1
}
