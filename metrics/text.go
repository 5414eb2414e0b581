package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// text scans lines of free text by Katib's rules for the format TEXT.
type text struct {
	lines
	names   []string
	filters []filter
	custom  bool // filters are not the default one alone
	loc     *time.Location
	near    nearMisses
	stats   Stats
	points  []Point
}

// NewText returns a Scanner (a Resumer) of log lines. Every match of every filter is a point when its first group is exactly
// one of names; the second group is the value. Filters replace DefaultFilter, which holds where there are none. A value that
// is no finite decimal number makes a point with its Text. With a filter of the user's own the value is what the second
// group matched; with the default it is what was printed: "1,234.5" is the text, not the number 1.
//
// A time at the start of the line is the point's (RFC 3339, or 2006-01-02 15:04:05,000 in UTC), unless it lies outside the
// years 2000 to 2099. The step is the number behind one of the words global_step, epoch, step, iteration and iter in the
// same line, the first of these that is there.
func NewText(names, filters []string) (Scanner, error) { return newText(names, filters, time.UTC) }

func newText(names, patterns []string, loc *time.Location) (*text, error) {
	if err := checkNames(names); err != nil {
		return nil, err
	}
	filters, err := newFilters(patterns)
	if err != nil {
		return nil, err
	}
	return &text{
		names: names, filters: filters, custom: len(filters) != 1 || filters[0].re != nil, loc: loc,
		near: nearMisses{missing: slices.Clone(names)},
	}, nil
}

// checkNames refuses names that no line can hold.
func checkNames(names []string) error {
	if len(names) == 0 {
		return errors.New("no metric to collect: name the objective's metric")
	}
	for _, n := range names {
		if n == "" || strings.ContainsAny(n, "\r\n") {
			return fmt.Errorf("metric name %q: it must have at least one character and no line break", n)
		}
	}
	return nil
}

// Scan implements Scanner.
func (t *text) Scan(data []byte, offset int64, final bool) ([]Point, int) {
	t.points = t.points[:0]
	consumed := t.each(data, offset, final, t.line)
	return t.points, consumed
}

// Stats implements Scanner.
func (t *text) Stats() Stats { return t.near.into(t.stats) }

func (t *text) line(line []byte, offset int64, cut bool) {
	t.stats.Lines++
	before, truncated := len(t.points), cut
	if t.custom && t.holdsName(line) { // a regular expression is dear, and a name is needed for a match
		for _, f := range t.filters {
			seen := line[:min(len(line), f.limit)]
			half := cut || len(seen) < len(line)
			truncated = truncated || half
			if f.re == nil {
				t.matchDefault(seen, half)
			} else {
				t.matchUser(f, seen, half)
			}
		}
	} else if !t.custom {
		t.matchDefault(line, cut)
	}
	if truncated {
		t.stats.Truncated++
	}
	if found := t.points[before:]; len(found) > 0 {
		place(found, offset, findStep(line), stamp(line, t.loc))
		t.stats.count(found)
		t.near.seen(found)
	}
	t.near.look(line)
}

// place says where and when the points of one line or record were found.
func place(points []Point, offset, step int64, at time.Time) {
	for i := range points {
		p := &points[i]
		p.Offset, p.Index, p.Step, p.Time = offset, i, step, at
	}
}

// count adds the points of one line or record.
func (s *Stats) count(points []Point) {
	s.Matched++
	s.Points += int64(len(points))
	for i := range points {
		if !points[i].Finite() {
			s.NonFinite++
		}
	}
}

func (t *text) holdsName(line []byte) bool {
	for _, n := range t.names {
		if len(n) <= len(line) && bytes.Contains(line, []byte(n)) {
			return true
		}
	}
	return false
}

// wanted finds a name among those to collect.
func wanted(names []string, name []byte) (string, bool) {
	for _, n := range names {
		if string(name) == n {
			return n, true
		}
	}
	return "", false
}

// matchDefault adds the points that DefaultFilter finds. In a line that was cut, what touches the cut may be half of
// something and is left out.
func (t *text) matchDefault(line []byte, cut bool) {
	for from := 0; ; {
		name, value, ok := nextDefault(line, from)
		if !ok {
			return
		}
		from = value.end
		n, ok := wanted(t.names, name.of(line))
		if !ok {
			continue
		}
		value = printed(line, value)
		if cut && value.end == len(line) {
			return
		}
		t.points = append(t.points, newPoint(n, value.of(line)))
	}
}

// matchUser adds the points that a filter of the user's finds.
func (t *text) matchUser(f filter, line []byte, cut bool) {
	for _, m := range f.re.FindAllSubmatchIndex(line, -1) {
		if m[2] < 0 || cut && m[1] == len(line) {
			continue
		}
		n, ok := wanted(t.names, bytes.TrimSpace(line[m[2]:m[3]]))
		if !ok {
			continue
		}
		value := span{}
		if m[4] >= 0 {
			value = span{m[4], m[5]}
			if value.start == value.end { // as Katib's own filter does at nan
				value.end = wordEnd(line, value.start)
			}
		}
		t.points = append(t.points, newPoint(n, bytes.TrimSpace(value.of(line))))
	}
}
