package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a fault keeps an experiment from running.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Fault is one thing wrong with what a user wrote.
type Fault struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`              // from 1; 0 when the whole file is meant
	Column   int      `json:"column"`            // from 1, in characters
	Path     string   `json:"path,omitempty"`    // field, such as spec.parameters[2].feasibleSpace.max
	Message  string   `json:"message"`           // what is wrong, in Katib's words where it has some
	Excerpt  string   `json:"excerpt,omitempty"` // the line, and below it a mark at the column
	Hint     string   `json:"hint,omitempty"`    // what to do
}

// Error writes the fault over several lines: its place and message, the excerpt, the hint.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	fmt.Fprintf(&b, ": %s: ", f.Severity)
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if line, mark, ok := strings.Cut(f.Excerpt, "\n"); ok {
		number := fmt.Sprintf("%5d", f.Line)
		fmt.Fprintf(&b, "\n%s | %s\n%s | %s", number, line, strings.Repeat(" ", len(number)), mark)
	}
	if f.Hint != "" {
		b.WriteString("\n        " + f.Hint)
	}
	return b.String()
}

// Faults is everything wrong with what a user wrote, by file, line and column.
type Faults []Fault

// Error writes all faults, one after the other.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, fault := range f {
		texts[i] = fault.Error()
	}
	return strings.Join(texts, "\n")
}

// Errors returns the faults that keep the experiment from running.
func (f Faults) Errors() Faults { return f.only(SeverityError) }

// Warnings returns the faults that do not.
func (f Faults) Warnings() Faults { return f.only(SeverityWarning) }

func (f Faults) only(s Severity) Faults {
	var some Faults
	for _, fault := range f {
		if fault.Severity == s {
			some = append(some, fault)
		}
	}
	return some
}

// Err returns the errors among the faults as an error, nil when there are none.
func (f Faults) Err() error {
	if errs := f.Errors(); len(errs) > 0 {
		return errs
	}
	return nil
}

// maxFaults is the number of faults that are told; nobody reads more.
const maxFaults = 100

// reporter collects faults.
type reporter struct {
	faults Faults
	more   int
	strict bool // unknown fields are errors
}

// place is where a fault is.
type place struct {
	src          *source
	line, column int
	path         string
}

func (r *reporter) report(s Severity, p place, hint, format string, args ...any) {
	if len(r.faults) >= maxFaults {
		r.more++
		return
	}
	f := Fault{Severity: s, Line: p.line, Column: p.column, Path: p.path, Message: fmt.Sprintf(format, args...), Hint: hint}
	if p.src != nil {
		f.File = p.src.name
		f.Excerpt = p.src.excerpt(p.line, p.column)
	}
	r.faults = append(r.faults, f)
}

// sorted returns the faults in the order of the files, without repetitions.
func (r *reporter) sorted(order []*source) Faults {
	rank := map[string]int{}
	for i, s := range order {
		if _, ok := rank[s.name]; !ok {
			rank[s.name] = i
		}
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		for _, d := range []int{rank[a.File] - rank[b.File], a.Line - b.Line, a.Column - b.Column} {
			if d != 0 {
				return d
			}
		}
		return 0
	})
	faults := slices.Compact(r.faults)
	if r.more > 0 {
		last := faults[len(faults)-1]
		faults = append(faults, Fault{
			Severity: SeverityError, File: last.File,
			Message: fmt.Sprintf("and %d more; put these right first", r.more),
		})
	}
	return faults
}

// excerptWidth is the number of characters of a line that an excerpt shows at most.
const excerptWidth = 100

// excerpt is a line and a mark below it. What is hidden (a Secret) has none.
func (s *source) excerpt(line, column int) string {
	if line < 1 || line > len(s.lines) || s.secret(line) {
		return ""
	}
	text := s.line(line)
	if len(text) > 8*excerptWidth { // no need to look through a megabyte
		start := min(max(0, column-excerptWidth), len(text))
		text = strings.ToValidUTF8(text[start:min(len(text), start+8*excerptWidth)], "")
		column -= start
	}
	runes := []rune(strings.ReplaceAll(text, "\t", " "))
	column = min(max(column, 1), len(runes)+1)
	start := 0
	if len(runes) > excerptWidth && column > excerptWidth/2 {
		start = min(column-excerptWidth/2, len(runes)-1)
	}
	end := min(len(runes), start+excerptWidth)
	cut := strings.TrimRight(string(runes[start:end]), " ")
	prefix := ""
	if start > 0 {
		prefix = "…"
	}
	if end < len(runes) {
		cut += "…"
	}
	mark := strings.Repeat(" ", max(0, column-1-start)+utf8.RuneCountInString(prefix)) + "^"
	return prefix + cut + "\n" + mark
}
