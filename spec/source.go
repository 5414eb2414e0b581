package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of what is read. Whatever is larger is refused before it costs time or memory.
const (
	maxBytes     = 1 << 20   // of all files together
	maxDocuments = 50        // of all files together
	maxDepth     = 64        // of lists and maps in each other
	maxKeys      = 10_000    // of a document, aliases counted each time they stand for something
	maxNodes     = 50_000    // of a document, likewise
	maxText      = 256 << 10 // bytes of one text
	maxMarks     = 100_000   // characters of structure in a file, a bound of the nodes its parser makes
)

// File is a file as the user gave it; the name is for messages.
type File struct {
	Name string
	Data []byte
}

// source is a file, or a text inside one, that faults can point to.
type source struct {
	name  string
	data  []byte
	lines []int // offsets of the lines' beginnings
}

func newSource(name string, data []byte) *source {
	s := &source{name: name, data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// line returns line n, from 1.
func (s *source) line(n int) string {
	end := len(s.data)
	if n < len(s.lines) {
		end = s.lines[n] - 1
	}
	return strings.TrimSuffix(string(s.data[s.lines[n-1]:end]), "\r")
}

var secretKind = pattern(`kind"?\s*:\s*"?Secret`)

// secret reports whether a line is in a document that seems to hold secrets, which excerpts must not show.
func (s *source) secret(line int) bool {
	from, to := line, line
	for from > 1 && !strings.HasPrefix(s.line(from), "---") {
		from--
	}
	for to < len(s.lines) && !strings.HasPrefix(s.line(to+1), "---") {
		to++
	}
	return secretKind().Match(s.data[s.lines[from-1] : s.lines[to-1]+len(s.line(to))])
}

// at is the place of a byte.
func (s *source) at(offset int) place {
	line := 0
	for line < len(s.lines) && s.lines[line] <= offset {
		line++
	}
	column := 1 + utf8.RuneCount(s.data[s.lines[line-1]:offset])
	return place{src: s, line: line, column: column}
}

// admit looks at the bytes of a file before any parser does. It reports the first reason to refuse it.
func (s *source) admit(r *reporter) bool {
	if bytes.HasPrefix(s.data, []byte("\xff\xfe")) || bytes.HasPrefix(s.data, []byte("\xfe\xff")) {
		r.report(SeverityError, place{src: s}, "save it as UTF-8", "the file is UTF-16")
		return false
	}
	if text, marked := bytes.CutPrefix(s.data, []byte("\ufeff")); marked {
		*s = *newSource(s.name, text)
	}
	if first := bytes.TrimLeft(s.data, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') && surrogates().Match(s.data) {
		*s = *newSource(s.name, surrogates().ReplaceAllFunc(s.data, joinSurrogates))
	}
	if offset, what := badText(s.data); offset >= 0 {
		r.report(SeverityError, s.at(offset), "remove it, or save the file as UTF-8", "%s is not allowed", what)
		return false
	}
	if problem, line := structure(s.data); problem != "" {
		r.report(SeverityError, place{src: s, line: line, column: 1}, "", "%s", problem)
		return false
	}
	return true
}

// surrogates is how JSON writes characters beyond U+FFFF, which a reader of YAML does not know: 😀 is \ud83d\ude00.
var surrogates = pattern(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

func joinSurrogates(pair []byte) []byte {
	high, err1 := strconv.ParseUint(string(pair[2:6]), 16, 32)
	low, err2 := strconv.ParseUint(string(pair[8:12]), 16, 32)
	if err1 != nil || err2 != nil {
		return pair
	}
	return utf8.AppendRune(nil, utf16.DecodeRune(rune(high), rune(low)))
}

// badText finds the first character that has no business in a text: control characters, marks that change the direction of
// writing so that a text is not what it looks like, and bytes that are no UTF-8. The offset is -1 when there is none.
func badText[T string | []byte](text T) (offset int, what string) {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		c4 := text[i:min(len(text), i+utf8.UTFMax)]
		char, size := utf8.DecodeRuneInString(string(c4))
		switch {
		case char == utf8.RuneError && size <= 1:
			return i, fmt.Sprintf("byte 0x%02x, which is no UTF-8,", c)
		case char < ' ' || char >= 0x7f && char <= 0x9f:
			return i, fmt.Sprintf("control character U+%04X", char)
		case char >= 0x202a && char <= 0x202e || char >= 0x2066 && char <= 0x2069:
			return i, fmt.Sprintf("character U+%04X, which changes the direction of writing,", char)
		case char == 0x2028 || char == 0x2029 || char == 0xfeff || char == 0xfffe || char == 0xffff:
			return i, fmt.Sprintf("character U+%04X", char)
		}
		i += size
	}
	return -1, ""
}

// structure bounds the number and depth of the nodes that a YAML parser would make, without making them: it counts the
// characters that give structure, outside of block texts and of quotes on one line. It is no parser: a file made to mislead it
// gets as far as the parser, which a megabyte cannot hurt.
func structure(data []byte) (problem string, line int) {
	marks, depth, documents, block := 0, 0, 1, -1
	for len(data) > 0 {
		line++
		text := data
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			text, data = data[:end], data[end+1:]
		} else {
			data = nil
		}
		indent := len(text) - len(bytes.TrimLeft(text, " "))
		if block >= 0 && (indent > block || len(bytes.TrimSpace(text)) == 0) {
			continue
		}
		block = -1
		text = bytes.TrimRight(text, " \t\r")
		if startsBlock(text) {
			block = indent
		}
		if bytes.HasPrefix(text, []byte("---")) {
			documents++
		}
		nested := leading(text)
		m, d := count(text)
		marks, depth = marks+1+m, max(0, depth+d)
		switch {
		case nested > maxDepth || depth > 16*maxDepth:
			return fmt.Sprintf("lists and maps are nested more than %d deep", maxDepth), line
		case documents > maxDocuments+1:
			return fmt.Sprintf("there are more than %d documents", maxDocuments), line
		case marks > maxMarks:
			return fmt.Sprintf("there are too many entries: a document may have %d, and %d keys", maxNodes, maxKeys), line
		}
	}
	return "", 0
}

// startsBlock reports whether a line ends with the mark of a block text, as in "key: |-".
func startsBlock(line []byte) bool {
	line = bytes.TrimRight(line, "+-0123456789")
	if n := len(line); n == 0 || line[n-1] != '|' && line[n-1] != '>' {
		return false
	}
	rest := bytes.TrimRight(line[:len(line)-1], " ")
	return len(rest) < len(line)-1 || len(rest) == 0
}

// leading counts the list marks a line begins with, as in "- - - a".
func leading(line []byte) int {
	n := 0
	for {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 || line[0] != '-' && line[0] != '?' || len(line) > 1 && line[1] != ' ' && line[1] != '\t' {
			return n
		}
		line = line[1:]
		n++
	}
}

// count counts the marks of structure on a line outside of double quotes, and by how much it opens more brackets than it
// closes.
func count(line []byte) (marks, depth int) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			if end := closing(line[i+1:]); end >= 0 {
				i += end + 1
			}
		case '[', '{':
			marks++
			depth++
		case ']', '}':
			depth--
		case ',', ':', '?', '*', '&':
			marks++
		}
	}
	return marks, depth
}

// closing finds the quote that ends a text, -1 when it is not on the line.
func closing(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// pattern compiles an expression when it is first used: every start of a trial's supervisor would pay for it otherwise.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
