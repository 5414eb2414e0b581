package metrics

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// label is one label of a series.
type label struct{ name, value string }

// series names samples: a metric and some of its labels.
type series struct {
	name   string
	labels []label
}

// ParsePrometheus reads a page in Prometheus' text format (or OpenMetrics) and returns the samples of the metrics that are
// named: by the name alone, or with labels (loss{phase="test"}) of which a series must have all and may have more. A sample
// is of the first of names that fits. The time is the sample's own (milliseconds; OpenMetrics: seconds with a fraction) or
// else at. Lines that cannot be read are passed over; limiting the size of the page is the caller's part.
func ParsePrometheus(page []byte, names []string, at time.Time) []Point {
	wanted := make([]series, 0, len(names))
	for _, n := range names {
		s, rest, ok := parseSeries([]byte(n))
		if !ok || len(bytes.TrimSpace(rest)) > 0 {
			s = series{name: n}
		}
		wanted = append(wanted, s)
	}
	var points []Point
	for offset := 0; offset < len(page); {
		end := following(page, '\n', offset, -1)
		if p, ok := sample(page[offset:end], wanted, names); ok {
			if p.Time.IsZero() {
				p.Time = at
			}
			p.Offset = int64(offset)
			points = append(points, p)
		}
		offset = end + 1
	}
	return points
}

// sample reads one line of a page.
func sample(line []byte, wanted []series, names []string) (Point, bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' || !mayBe(line, wanted) {
		return Point{}, false
	}
	s, rest, ok := parseSeries(line)
	if !ok {
		return Point{}, false
	}
	i := slices.IndexFunc(wanted, s.is)
	value, rest := field(rest)
	if i < 0 || len(value) == 0 {
		return Point{}, false
	}
	p := newPoint(names[i], value)
	if time, rest := field(rest); len(time) > 0 && time[0] != '#' {
		if more, _ := field(rest); len(more) > 0 && more[0] != '#' { // no sample has four parts; an exemplar begins with #
			return Point{}, false
		}
		p.Time = sampleTime(time)
	}
	return p, true
}

// mayBe is a cheap test whether a line can be of a wanted metric.
func mayBe(line []byte, wanted []series) bool {
	for i := range wanted {
		if line[0] == '{' || len(line) > len(wanted[i].name) && string(line[:len(wanted[i].name)]) == wanted[i].name {
			return true
		}
	}
	return false
}

// is reports whether a series of a page is the one that is wanted.
func (s series) is(wanted series) bool {
	if s.name != wanted.name {
		return false
	}
	for _, l := range wanted.labels {
		if !slices.Contains(s.labels, l) {
			return false
		}
	}
	return true
}

// field cuts off the first word.
func field(b []byte) (word, rest []byte) {
	b = bytes.TrimLeft(b, " \t")
	if i := bytes.IndexAny(b, " \t"); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

// sampleTime reads milliseconds since 1970, or seconds where there is a point.
func sampleTime(b []byte) time.Time {
	if bytes.IndexByte(b, '.') >= 0 {
		return unix(b)
	}
	if len(b) == 0 || len(b) > 15 || digitsEnd(b, 0) != len(b) {
		return time.Time{}
	}
	return believable(time.UnixMilli(int64(number(b))))
}

// parseSeries reads name, name{label="value",…} or {"name",label="value"}.
func parseSeries(b []byte) (series, []byte, bool) {
	end := 0
	for end < len(b) && (wordByte(b[end]) || b[end] == ':' || b[end] == '.' || b[end] == '-' || b[end] == '/') {
		end++
	}
	s := series{name: string(b[:end])}
	b = b[end:]
	if trimmed := bytes.TrimLeft(b, " \t"); len(trimmed) > 0 && trimmed[0] == '{' {
		var ok bool
		if b, ok = s.parseLabels(trimmed[1:]); !ok {
			return series{}, nil, false
		}
	}
	return s, b, s.name != ""
}

// parseLabels reads what stands behind an opening brace, up to and with the closing one.
func (s *series) parseLabels(b []byte) ([]byte, bool) {
	for {
		b = bytes.TrimLeft(b, " \t")
		if len(b) > 0 && b[0] == '}' {
			return b[1:], true
		}
		name, rest, ok := labelName(b)
		if !ok {
			return nil, false
		}
		b = bytes.TrimLeft(rest, " \t")
		if len(b) > 0 && b[0] == '=' {
			var value string
			if value, b, ok = quoted(bytes.TrimLeft(b[1:], " \t")); !ok {
				return nil, false
			}
			s.labels = append(s.labels, label{name, value})
		} else if s.name == "" {
			s.name = name
		} else {
			return nil, false
		}
		b = bytes.TrimLeft(b, " \t")
		if len(b) > 0 && b[0] == ',' {
			b = b[1:]
		} else if len(b) == 0 || b[0] != '}' {
			return nil, false
		}
	}
}

func labelName(b []byte) (string, []byte, bool) {
	if len(b) > 0 && b[0] == '"' {
		return quoted(b)
	}
	end := 0
	for end < len(b) && wordByte(b[end]) {
		end++
	}
	return string(b[:end]), b[end:], end > 0
}

// quoted reads a string with the escapes \\, \" and \n.
func quoted(b []byte) (string, []byte, bool) {
	if len(b) == 0 || b[0] != '"' {
		return "", nil, false
	}
	var out strings.Builder
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return out.String(), b[i+1:], true
		case '\\':
			i++
			if i == len(b) {
				return "", nil, false
			}
			if b[i] == 'n' {
				out.WriteByte('\n')
			} else {
				out.WriteByte(b[i])
			}
		default:
			out.WriteByte(b[i])
		}
	}
	return "", nil, false
}
