package metrics

import (
	"math"
	"time"
)

// The years of which a source is believed. What lies outside comes from a clock that was never set or from a number that is
// no time; such a point is left to its time of arrival.
const (
	firstYear = 2000
	lastYear  = 2099
)

// believable returns t, or no time at all when its year cannot be true.
func believable(t time.Time) time.Time {
	if y := t.UTC().Year(); y < firstYear || y > lastYear {
		return time.Time{}
	}
	return t.UTC()
}

// stamp reads the time at the start of a line: RFC 3339 with or without a fraction, or the same with a space for the T and
// without a zone, as Python's logging writes it (2006-01-02 15:04:05,000), in loc. An opening bracket before it is allowed.
// It returns no time when there is none that can be believed.
func stamp(b []byte, loc *time.Location) time.Time {
	if len(b) > 0 && b[0] == '[' {
		b = b[1:]
	}
	d, rest, ok := dateTime(b)
	if !ok {
		return time.Time{}
	}
	offset, zoned, rest, ok := zone(rest)
	if !ok || !stampEnds(rest, zoned) {
		return time.Time{}
	}
	if zoned || loc == nil {
		loc = time.UTC
	}
	return believable(time.Date(d[0], time.Month(d[1]), d[2], d[3], d[4], d[5], d[6], loc).Add(-offset))
}

// stampEnds reports whether the token of the time is over.
func stampEnds(rest []byte, zoned bool) bool {
	return len(rest) == 0 || space(rest[0]) || rest[0] == ']' || rest[0] == ':' && !zoned
}

// dateTime reads 2006-01-02T15:04:05 or the same with a space, and a fraction: year, month, day, hour, minute, second (60 in
// a leap second) and nanoseconds.
func dateTime(b []byte) (d [7]int, rest []byte, ok bool) {
	const shape = "0000-00-00T00:00:00"
	if len(b) < len(shape) {
		return d, nil, false
	}
	part := 0
	for i := range len(shape) {
		switch c := b[i]; {
		case shape[i] == '0' && digit(c):
			d[part] = 10*d[part] + int(c-'0')
		case shape[i] == c && c != '0' || i == 10 && c == ' ':
			part++
		default:
			return d, nil, false
		}
	}
	if d[2] < 1 || d[2] > days(d[0], d[1]) || d[3] > 23 || d[4] > 59 || d[5] > 60 {
		return d, nil, false
	}
	d[6], rest, ok = fraction(b[len(shape):])
	return d, rest, ok
}

// days is the number of days of a month; 0 when there is no such month.
func days(year, month int) int {
	if month < 1 || month > 12 {
		return 0
	}
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// number reads digits only; -1 when there is anything else.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if !digit(c) {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// fraction reads a fraction of a second behind a point or comma, in nanoseconds; further digits are passed over.
func fraction(b []byte) (nanos int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' && b[0] != ',' {
		return 0, b, true
	}
	end := digitsEnd(b, 1)
	if end == 1 {
		return 0, b, false
	}
	for i := 1; i <= 9; i++ {
		nanos *= 10
		if i < end {
			nanos += int(b[i] - '0')
		}
	}
	return nanos, b[end:], true
}

// zone reads Z or ±hh:mm.
func zone(b []byte) (offset time.Duration, zoned bool, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != 'Z' && b[0] != '+' && b[0] != '-' {
		return 0, false, b, true
	}
	if b[0] == 'Z' {
		return 0, true, b[1:], true
	}
	if len(b) < 6 || b[3] != ':' {
		return 0, false, b, false
	}
	h, m := number(b[1:3]), number(b[4:6])
	if h < 0 || h > 23 || m < 0 || m > 59 {
		return 0, false, b, false
	}
	offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true, b[6:], true
}

// unix turns seconds since 1970, as a decimal number with any fraction, into a time: exactly, unless it has an exponent.
func unix(b []byte) time.Time {
	if len(b) == 0 || decimalEnd(b) != len(b) {
		return time.Time{}
	}
	whole := digitsEnd(b, 0)
	if whole == 0 || whole > 12 {
		return time.Time{}
	}
	nanos, rest, ok := fraction(b[whole:])
	if !ok || len(rest) > 0 {
		v, ok := decimal(b)
		if !ok {
			return time.Time{}
		}
		return unixFloat(v)
	}
	return believable(time.Unix(int64(number(b[:whole])), int64(nanos)))
}

// unixFloat turns seconds since 1970 into a time to the microsecond, which is what a float64 holds of them.
func unixFloat(seconds float64) time.Time {
	if !(math.Abs(seconds) < 1e10) { // NaN too
		return time.Time{}
	}
	return believable(time.UnixMicro(int64(math.Round(seconds * 1e6))))
}
