package metrics

import (
	"bytes"
	"regexp"
	"strings"
)

const (
	nearLines = 5    // near misses kept
	nearBytes = 200  // of each
	nearLook  = 1024 // bytes of a line that are looked at
	nearGap   = 32   // bytes between a name and its number
)

// nearMisses keeps the last lines that look as if they held a metric of which no point has come yet. Once every metric has
// had a point it costs nothing.
type nearMisses struct {
	missing []string
	kept    [nearLines][]byte
	count   int
}

// seen takes note of metrics that have had a point.
func (n *nearMisses) seen(points []Point) {
	if len(n.missing) == 0 {
		return
	}
	for _, p := range points {
		for i, m := range n.missing {
			if m == p.Name {
				n.missing = append(n.missing[:i], n.missing[i+1:]...)
				break
			}
		}
	}
}

func (n *nearMisses) look(line []byte) {
	if len(n.missing) == 0 || !looksLike(line, n.missing) {
		return
	}
	slot := &n.kept[n.count%nearLines]
	*slot = append((*slot)[:0], line[:min(len(line), nearBytes+1)]...)
	n.count++
}

// into completes the statistics with the lines kept, the earliest first.
func (n *nearMisses) into(s Stats) Stats {
	s.NearMiss = nil
	for i := max(0, n.count-nearLines); i < n.count; i++ {
		text := clip(n.kept[i%nearLines], nearBytes)
		for len(text) > nearBytes { // replacement characters are wider than what they replace
			text = clip([]byte(text), nearBytes)
		}
		s.NearMiss = append(s.NearMiss, text)
	}
	return s
}

// LooksLike reports whether a line looks as if it told one of the metrics: the name, in any case and however its words are
// joined, and a number (or nan, inf) at most 32 bytes behind it. Only the first KiB of the line is looked at.
func LooksLike(line string, names []string) bool { return looksLike([]byte(line), names) }

func looksLike(line []byte, names []string) bool {
	line = line[:min(len(line), nearLook)]
	for _, name := range names {
		for from := 0; ; {
			at := indexFold(line, from, name)
			if at < 0 {
				break
			}
			from = at + len(name)
			if from < len(line) && (letter(line[from]) || digit(line[from])) {
				continue
			}
			if numberBehind(line, from) > 0 {
				return true
			}
		}
	}
	return false
}

// indexFold finds a name in a line as fold compares; -1 when it is not there.
func indexFold(line []byte, from int, name string) int {
	first := fold(name[0])
	for i := from; i+len(name) <= len(line); i++ {
		if fold(line[i]) == first && sameFold(line[i:i+len(name)], name) {
			return i
		}
	}
	return -1
}

func sameFold(b []byte, name string) bool {
	for i := range len(name) {
		if fold(b[i]) != fold(name[i]) {
			return false
		}
	}
	return true
}

// numberBehind is where the first number (or nan, inf) begins that stands at most nearGap bytes behind i as a word of its own; 0 where
// there is none.
func numberBehind(line []byte, i int) int {
	for at := i; at < len(line) && at <= i+nearGap; at++ {
		if at > i && wordByte(line[at-1]) {
			continue
		}
		if decimalEnd(line[at:]) > 0 {
			return at
		}
		if at > i && (sameStart(line[at:], "nan") || sameStart(line[at:], "inf")) {
			return at
		}
	}
	return 0
}

func sameStart(b []byte, word string) bool {
	return len(b) >= len(word) && sameFold(b[:len(word)], word)
}

// filterNumber is the second group of the filters that are proposed.
const filterNumber = `([+-]?\d*\.?\d+([Ee][+-]?\d+)?)`

// SuggestFilter proposes a filter that finds the metric in lines where the present one does not (Stats.NearMiss), for
// instance ([\w|-]+)\s*:\s*… for "loss: 0.3". It has been tried: it finds a finite number for the name in at least one of
// the lines, and no other proposal does in more. There is none when the lines spell the name otherwise, as a filter cannot
// change what it matches; see SuggestName.
func SuggestFilter(lines []string, name string) (filter string, ok bool) {
	if checkNames([]string{name}) != nil {
		return "", false
	}
	most := 0
	for _, line := range lines[:min(len(lines), 4*nearLines)] {
		candidate := propose([]byte(line[:min(len(line), nearLook)]), name)
		if candidate == "" || candidate == filter {
			continue
		}
		if n := found(lines, name, candidate); n > most {
			filter, most = candidate, n
		}
	}
	return filter, most > 0
}

// propose makes a filter of how a line joins a name and its number.
func propose(line []byte, name string) string {
	for from := 0; ; {
		at := bytes.Index(line[from:], []byte(name))
		if at < 0 {
			return ""
		}
		at += from
		from = at + len(name)
		if at > 0 && nameByte(line[at-1]) || from < len(line) && nameByte(line[from]) && line[from] != '-' && line[from] != '|' {
			continue
		}
		start := numberBehind(line, from)
		if start == 0 {
			continue
		}
		group := `([\w|-]+)`
		if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f || !nameByte(byte(r)) }) {
			group = `(` + regexp.QuoteMeta(name) + `)`
		}
		return group + joint(line[from:start]) + filterNumber
	}
}

// joint is the pattern for what stands between a name and its number: blanks may be there or not, unless they are all.
func joint(between []byte) string {
	words := strings.Fields(strings.ToValidUTF8(string(between), ""))
	if len(words) == 0 {
		return `\s+`
	}
	var b strings.Builder
	last := byte(0)
	for i, w := range words {
		switch {
		case wordByte(w[0]) && (i == 0 || wordByte(last)):
			b.WriteString(`\s+`)
		case i > 0 || space(between[0]) || strings.IndexByte("=:-", w[0]) >= 0:
			b.WriteString(`\s*`)
		}
		b.WriteString(regexp.QuoteMeta(w))
		last = w[len(w)-1]
	}
	if wordByte(last) {
		b.WriteString(`\s+`)
	} else {
		b.WriteString(`\s*`)
	}
	return b.String()
}

// found counts the lines in which a filter finds a finite number for a name.
func found(lines []string, name, filter string) int {
	s, err := NewText([]string{name}, []string{filter})
	if err != nil {
		return 0
	}
	n := 0
	for _, line := range lines[:min(len(lines), 4*nearLines)] {
		points, _ := s.Scan([]byte(line[:min(len(line), nearLook)]), 0, true)
		for _, p := range points {
			if p.Finite() {
				n++
				break
			}
		}
	}
	return n
}

// SuggestName proposes the name under which the lines tell a metric that they do not spell as asked: "Loss" or "train_loss"
// for loss. The objective's metric named so would be found by DefaultFilter, or by what SuggestFilter says for that name.
func SuggestName(lines []string, name string) (printed string, ok bool) {
	if checkNames([]string{name}) != nil {
		return "", false
	}
	for _, l := range lines[:min(len(lines), 4*nearLines)] {
		line := []byte(l[:min(len(l), nearLook)])
		for from := 0; ; {
			at := indexFold(line, from, name)
			if at < 0 {
				break
			}
			start, end := at, at+len(name)
			from = end
			for start > 0 && nameByte(line[start-1]) {
				start--
			}
			for end < len(line) && wordByte(line[end]) {
				end++
			}
			if value := numberBehind(line, end); value > 0 && string(line[start:end]) != name {
				return clip(line[start:end], nearBytes), true
			}
		}
	}
	return "", false
}
