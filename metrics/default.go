package metrics

import (
	"bytes"
	"strings"
)

// DefaultFilter is Katib's filter for text, used where an experiment names none: name=value, blanks allowed around the sign.
// What stands before a slash or a point is no part of the name. It is matched by hand, which is some thirty times faster
// than the regular expression; a test holds the two together.
const DefaultFilter = `([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)`

// span is a part of a line.
type span struct{ start, end int }

func (s span) of(line []byte) []byte { return line[s.start:s.end] }

// nextDefault finds the first match of DefaultFilter at or behind from, as the regular expression would.
func nextDefault(line []byte, from int) (name, value span, ok bool) {
	for at := from; ; {
		k := bytes.IndexByte(line[at:], '=')
		if k < 0 {
			return span{}, span{}, false
		}
		at += k + 1
		name.end = at - 1
		for name.end > from && space(line[name.end-1]) {
			name.end--
		}
		name.start = name.end
		for name.start > from && nameByte(line[name.start-1]) {
			name.start--
		}
		if name.start == name.end {
			continue
		}
		value.start = at
		for value.start < len(line) && space(line[value.start]) {
			value.start++
		}
		value.end = filterNumberEnd(line, value.start)
		return name, value, true
	}
}

// nameByte is [\w|-].
func nameByte(c byte) bool { return wordByte(c) || c == '|' || c == '-' }

// filterNumberEnd is [+-]?\d*(\.\d+)?([Ee][+-]?\d+)?, which matches nothing as well.
func filterNumberEnd(line []byte, i int) int {
	i = digitsEnd(line, signEnd(line, i))
	if i < len(line) && line[i] == '.' {
		if end := digitsEnd(line, i+1); end > i+1 {
			i = end
		}
	}
	return exponentEnd(line, i)
}

// printed widens a value that DefaultFilter found to what was really printed there, where the filter's part of it would
// mislead: the 0 of 0x1p3, the 1 of 1,234.5, the nothing of nan. A unit behind a number (12ms, 95%) stays outside, as do
// what follows a comma, a dash or a slash (0.3,0.4 and 0.5/1.0).
func printed(line []byte, value span) span {
	number := value.of(line)
	if decimalEnd(number) != len(number) || len(number) == 0 {
		return span{value.start, wordEnd(line, value.start)}
	}
	rest := line[value.end:]
	if len(rest) < 2 || !continues(number, rest) {
		return value
	}
	end := value.end
	for end < len(line) && (wordByte(line[end]) || line[end] == '.' || (line[end] == '-' || line[end] == '+') && exponentByte(line[end-1]) ||
		line[end] == ',' && end+1 < len(line) && digit(line[end+1])) {
		end++
	}
	return span{value.start, end}
}

// continues reports whether the text behind a number makes it another number, or none.
func continues(number, rest []byte) bool {
	whole := bytes.IndexByte(number, '.') < 0 && digit(number[len(number)-1]) && exponentless(number)
	switch c := rest[0]; {
	case c == '_':
		return digit(rest[1]) // 1_000
	case c == '.': // 1.2.3, 5.e3
		return digit(rest[1]) || exponentEnd(rest, 1) > 1
	case c == ',':
		return whole && digit(rest[1]) // 1,234.5; but 0.3,0.4 is a list
	case letter(c): // 0x1p3
		sign := signEnd(number, 0)
		return len(number) == sign+1 && number[sign] == '0' && strings.IndexByte("xXbBoO", c) >= 0 && hexadecimal(rest[1])
	}
	return false
}

func hexadecimal(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// exponentByte is what a sign may follow within a number.
func exponentByte(c byte) bool { return c|0x20 == 'e' || c|0x20 == 'p' }

func exponentless(number []byte) bool {
	return bytes.IndexByte(number, 'e') < 0 && bytes.IndexByte(number, 'E') < 0
}

// wordEnd finds the end of a value that is no number: a blank, comma, semicolon or bar ends it, and closing brackets and
// quotes that nothing in it opens are left out. Where the next name=value follows at once, the value is empty.
func wordEnd(line []byte, start int) int {
	end, name, open := start, true, 0
	for end < len(line) && line[end] == '=' { // loss==0.3
		end++
	}
	for ; end < len(line) && !space(line[end]); end++ {
		switch c := line[end]; c {
		case ',', ';', '|':
			return end
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			if open--; open < 0 {
				return end
			}
		case '=':
			if name {
				return start
			}
		}
		name = name && nameByte(line[end])
	}
	return end
}
