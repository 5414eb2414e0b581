// Package view turns what is known of an experiment into text for people: lines of progress, a drawing that is renewed in
// place, tables. It knows no terminal, no store and no clock.
package view

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qalam/space"
)

// Number writes a value for a glance: four significant digits, exponents only where they are shorter.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "-"
	case math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'g', -1, 64)
	case a >= 1e4 && a < 1e15 && v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 1000 && a < 1e6:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// Short writes a parameter's value for a glance: long numbers are rounded, long texts cut.
func Short(text string) string {
	const digits, letters = 7, 24
	if len(text) > digits {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return Number(v)
		}
	}
	return Clip(Clean(text), letters)
}

// Clock writes a duration as 06:12, 1:06:12 or 2d03h.
func Clock(d time.Duration) string {
	s := int64(max(0, d).Round(time.Second) / time.Second)
	switch {
	case s < 3600:
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

// Span writes a duration as 0.2s, 5s, 2m05s or 1h02m.
func Span(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute-time.Second/2:
		return fmt.Sprintf("%ds", d.Round(time.Second)/time.Second)
	case d < time.Hour-time.Second/2:
		s := d.Round(time.Second) / time.Second
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case d < 48*time.Hour:
		m := d.Round(time.Minute) / time.Minute
		return fmt.Sprintf("%dh%02dm", m/60, m%60)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d/time.Hour%24)
}

// about writes a duration as one round figure, for what is only an estimate.
func about(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", max(1, int(math.Ceil(d.Seconds()))))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute)/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// escapes are the sequences by which a program colours what it prints, moves the cursor or names a window.
var escapes = regexp.MustCompile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?)")

// Clean takes out of a text what would disturb a terminal: control characters and sequences, of which line breaks and tabs become
// spaces, and marks that change the direction of writing. What trials print must not reach a terminal otherwise.
func Clean(text string) string {
	if strings.ContainsRune(text, '\x1b') {
		text = escapes.ReplaceAllString(text, "")
	}
	clean := func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError:
			return '?'
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			return -1
		}
		return r
	}
	return strings.Map(clean, text)
}

// Width is the number of columns that a clean text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += columns(r)
	}
	return n
}

// columns is the number of columns of a character: marks that combine with the one before take none, East Asian wide ones and
// pictures two.
func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// Clip cuts a clean text to a number of columns; an ellipsis at its end shows that something is missing.
func Clip(text string, width int) string {
	if Width(text) <= width {
		return text
	}
	if width <= 0 {
		return ""
	}
	n := 0
	for i, r := range text {
		if n += columns(r); n > width-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// pad fills a text with spaces up to a number of columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-Width(text)))
}

// Pairs writes an assignment as lr=0.1 opt=adam; with short for a glance, otherwise exactly.
func Pairs(named []space.Named, short bool) string {
	parts := make([]string, len(named))
	for i, n := range named {
		value := n.Value
		if short {
			value = Short(value)
		}
		parts[i] = Clean(n.Name) + "=" + quoted(value)
	}
	return strings.Join(parts, " ")
}

// quoted writes a value so that it stays one word of a line.
func quoted(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '=' || r == 0x7f || !unicode.IsPrint(r)
	}) {
		return strconv.Quote(value)
	}
	return value
}

// The characters of sparklines, from low to high.
var (
	blocks = []rune("▁▂▃▄▅▆▇█")
	plain  = []rune("_.-~=*^'")
)

// Sparkline draws values over a number of columns, each the last of its share of the values, from the lowest to the highest of
// them. Values that are not finite are gaps.
func Sparkline(values []float64, width int, unicode bool) string {
	if len(values) == 0 || width <= 0 {
		return ""
	}
	marks := plain
	if unicode {
		marks = blocks
	}
	low, high := extent(values)
	n := min(width, len(values))
	line := make([]rune, n)
	for i := range n {
		v := values[(i+1)*len(values)/n-1]
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			line[i] = ' '
		case high == low:
			line[i] = marks[0]
		default:
			line[i] = marks[min(len(marks)-1, int((v-low)/(high-low)*float64(len(marks))))]
		}
	}
	return string(line)
}

// extent is the lowest and the highest of the finite values; zeros when there are none.
func extent(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return 0, 0
	}
	return low, high
}

func itoa(n int) string { return strconv.Itoa(n) }

// exact writes a number with as many digits as it needs to be read back.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
