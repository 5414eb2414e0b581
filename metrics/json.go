package metrics

import (
	"bytes"
	"encoding/json"
	"slices"
)

// jsonLines scans lines of which each is one JSON object.
type jsonLines struct {
	lines
	names  []string
	found  []jsonValue // by name: the value in the present line
	stamp  jsonValue
	steps  [len(stepWords)]jsonValue
	near   nearMisses
	stats  Stats
	points []Point
}

// NewJSON returns a Scanner (a Resumer) of lines that hold one JSON object each. A member of the object whose key is one of
// names is a point, if it is a number or a string; booleans, null, arrays and nested objects are not. Of equal keys the last
// counts. The literals NaN, Infinity and -Infinity are taken as Python writes them. The member timestamp is the time: RFC
// 3339 in a string, or seconds since 1970 as a number or string. The step is the first whole number among the members
// global_step, epoch, step, iteration and iter. What is no object is counted as broken and skipped, as is a line longer
// than MaxLine. Points come in the order of names.
func NewJSON(names []string) (Scanner, error) {
	if err := checkNames(names); err != nil {
		return nil, err
	}
	return &jsonLines{
		names: names, found: make([]jsonValue, len(names)), near: nearMisses{missing: slices.Clone(names)},
	}, nil
}

// Scan implements Scanner.
func (j *jsonLines) Scan(data []byte, offset int64, final bool) ([]Point, int) {
	j.points = j.points[:0]
	consumed := j.each(data, offset, final, j.line)
	return j.points, consumed
}

// Stats implements Scanner.
func (j *jsonLines) Stats() Stats { return j.near.into(j.stats) }

func (j *jsonLines) line(line []byte, offset int64, cut bool) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	j.stats.Lines++
	if cut {
		j.stats.Truncated++
	}
	clear(j.found)
	j.stamp, j.steps = jsonValue{}, [len(stepWords)]jsonValue{}
	before := len(j.points)
	if c := (jsonCursor{b: line}); cut || !c.object(j.member) {
		j.stats.Broken++
	} else {
		for i, v := range j.found {
			if printed, ok := v.text(); ok {
				j.points = append(j.points, newPoint(j.names[i], bytes.TrimSpace(printed)))
			}
		}
	}
	if found := j.points[before:]; len(found) > 0 {
		at, _ := j.stamp.text()
		t := stamp(at, nil)
		if t.IsZero() {
			t = unix(bytes.TrimSpace(at))
		}
		place(found, offset, j.step(), t)
		j.stats.count(found)
		j.near.seen(found)
	}
	j.near.look(line)
}

// member takes note of one member of the present object.
func (j *jsonLines) member(key []byte, v jsonValue) {
	for i, n := range j.names {
		if string(key) == n {
			j.found[i] = v
		}
	}
	if string(key) == "timestamp" {
		j.stamp = v
	}
	for i, w := range stepWords {
		if string(key) == w {
			j.steps[i] = v
		}
	}
}

func (j *jsonLines) step() int64 {
	for _, v := range j.steps {
		printed, ok := v.text()
		printed = bytes.TrimSpace(printed)
		if whole := bytes.TrimSuffix(printed, []byte(".0")); ok && len(whole) > 0 && len(whole) <= 18 && digitsEnd(whole, 0) == len(whole) {
			return int64(number(whole))
		}
	}
	return NoStep
}

// jsonValue is a value as it stands in a line.
type jsonValue struct {
	kind byte // 'n' number, 's' string, 'o' anything else, 0 none
	raw  []byte
}

// text is what a number or string says.
func (v jsonValue) text() ([]byte, bool) {
	switch v.kind {
	case 'n':
		return v.raw, true
	case 's':
		return unquote(v.raw), true
	}
	return nil, false
}

// unquote removes the quotes of a string that is known to be well-formed.
func unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return inner
	}
	return []byte(s)
}

// maxDepth is how deeply arrays and objects may lie in each other.
const maxDepth = 1000

// jsonCursor reads one line of JSON.
type jsonCursor struct {
	b []byte
	i int
}

// object reads the whole line as one object and hands over its members; false when it is anything else.
func (c *jsonCursor) object(member func(key []byte, v jsonValue)) bool {
	c.space()
	if !c.members(0, member) {
		return false
	}
	c.space()
	return c.i == len(c.b)
}

func (c *jsonCursor) members(depth int, member func(key []byte, v jsonValue)) bool {
	if depth > maxDepth || !c.take('{') {
		return false
	}
	c.space()
	if c.take('}') {
		return true
	}
	for {
		c.space()
		key, ok := c.str()
		if !ok {
			return false
		}
		c.space()
		if !c.take(':') {
			return false
		}
		v, ok := c.value(depth)
		if !ok {
			return false
		}
		if member != nil {
			member(unquote(key), v)
		}
		c.space()
		if c.take('}') {
			return true
		}
		if !c.take(',') {
			return false
		}
	}
}

func (c *jsonCursor) elements(depth int) bool {
	if depth > maxDepth || !c.take('[') {
		return false
	}
	c.space()
	if c.take(']') {
		return true
	}
	for {
		if _, ok := c.value(depth); !ok {
			return false
		}
		c.space()
		if c.take(']') {
			return true
		}
		if !c.take(',') {
			return false
		}
	}
}

// value reads any value. The inside of arrays and objects is checked but not kept.
func (c *jsonCursor) value(depth int) (jsonValue, bool) {
	c.space()
	start := c.i
	if start == len(c.b) {
		return jsonValue{}, false
	}
	switch c.b[start] {
	case '{':
		return jsonValue{kind: 'o'}, c.members(depth+1, nil)
	case '[':
		return jsonValue{kind: 'o'}, c.elements(depth + 1)
	case '"':
		raw, ok := c.str()
		return jsonValue{'s', raw}, ok
	case 't':
		return jsonValue{kind: 'o'}, c.word("true")
	case 'f':
		return jsonValue{kind: 'o'}, c.word("false")
	case 'n':
		return jsonValue{kind: 'o'}, c.word("null")
	}
	ok := c.word("NaN") || c.word("Infinity") || c.word("-Infinity") || c.number()
	return jsonValue{'n', c.b[start:c.i]}, ok
}

func (c *jsonCursor) space() {
	for c.i < len(c.b) && (c.b[c.i] == ' ' || c.b[c.i] == '\t') {
		c.i++
	}
}

func (c *jsonCursor) take(b byte) bool {
	if c.i < len(c.b) && c.b[c.i] == b {
		c.i++
		return true
	}
	return false
}

func (c *jsonCursor) word(w string) bool {
	if len(c.b)-c.i >= len(w) && string(c.b[c.i:c.i+len(w)]) == w {
		c.i += len(w)
		return true
	}
	return false
}

// number reads a number as JSON writes it: no plus sign, no leading zero, digits on both sides of the point.
func (c *jsonCursor) number() bool {
	c.take('-')
	whole := digitsEnd(c.b, c.i)
	if whole == c.i || whole > c.i+1 && c.b[c.i] == '0' {
		return false
	}
	c.i = whole
	if c.take('.') {
		end := digitsEnd(c.b, c.i)
		if end == c.i {
			return false
		}
		c.i = end
	}
	if end := exponentEnd(c.b, c.i); end > c.i {
		c.i = end
	} else if c.i < len(c.b) && c.b[c.i]|0x20 == 'e' {
		return false
	}
	return true
}

// str reads a string with its quotes.
func (c *jsonCursor) str() ([]byte, bool) {
	start := c.i
	if !c.take('"') {
		return nil, false
	}
	for ; c.i < len(c.b); c.i++ {
		switch b := c.b[c.i]; {
		case b == '"':
			c.i++
			return c.b[start:c.i], true
		case b < 0x20:
			return nil, false
		case b == '\\':
			c.i++
			if !c.escape() {
				return nil, false
			}
		}
	}
	return nil, false
}

// escape checks what stands behind a backslash and leaves the cursor on its last byte.
func (c *jsonCursor) escape() bool {
	if c.i == len(c.b) {
		return false
	}
	switch c.b[c.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		if c.i+4 >= len(c.b) {
			return false
		}
		for _, h := range c.b[c.i+1 : c.i+5] {
			if !digit(h) && (h|0x20 < 'a' || h|0x20 > 'f') {
				return false
			}
		}
		c.i += 4
		return true
	}
	return false
}
