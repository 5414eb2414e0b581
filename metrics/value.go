package metrics

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText bounds the Text of a point, in bytes.
const maxText = 8 << 10

// decimal reads a finite decimal number, of which nothing may be left over: an optional sign, digits with at most one
// point, an optional exponent. Hexadecimal, underscores, nan, infinities and what overflows are none.
func decimal(b []byte) (float64, bool) {
	if len(b) == 0 || decimalEnd(b) != len(b) {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// decimalEnd measures the decimal number at the start of b; 0 when there is none.
func decimalEnd(b []byte) int {
	i := signEnd(b, 0)
	whole := digitsEnd(b, i)
	end := whole
	if end < len(b) && b[end] == '.' {
		end = digitsEnd(b, end+1)
		if end == whole+1 && whole == i { // a point alone
			return 0
		}
	}
	if end == i {
		return 0
	}
	return exponentEnd(b, end)
}

func signEnd(b []byte, i int) int {
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	return i
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && digit(b[i]) {
		i++
	}
	return i
}

// exponentEnd passes over an exponent at i; without one it returns i.
func exponentEnd(b []byte, i int) int {
	if i < len(b) && b[i]|0x20 == 'e' {
		if from := signEnd(b, i+1); digitsEnd(b, from) > from {
			return digitsEnd(b, from)
		}
	}
	return i
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func wordByte(c byte) bool { return letter(c) || digit(c) || c == '_' }

// space is what \s means to a regular expression.
func space(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' && c != '\v' }

// newPoint makes the point for what was printed as the value of a metric.
func newPoint(name string, printed []byte) Point {
	if v, ok := decimal(printed); ok {
		return Point{Name: name, Value: v, Step: NoStep}
	}
	return Point{Name: name, Value: math.NaN(), Text: clip(printed, maxText), Step: NoStep}
}

// floatPoint makes the point for a value that came as a number.
func floatPoint(name string, v float64) Point {
	p := Point{Name: name, Value: v, Step: NoStep}
	if !p.Finite() {
		p.Value, p.Text = math.NaN(), strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
	}
	return p
}

// clip makes text of at most limit bytes, valid UTF-8, of what may be neither.
func clip(b []byte, limit int) string {
	if len(b) > limit {
		b = b[:limit]
		for i := len(b) - 1; i >= 0 && i > len(b)-utf8.UTFMax; i-- { // not half a character at the end
			if utf8.RuneStart(b[i]) {
				if !utf8.FullRune(b[i:]) {
					b = b[:i]
				}
				break
			}
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	return string(b[:min(len(b), 3*limit)])
}
