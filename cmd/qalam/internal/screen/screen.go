// Package screen renews a few lines at the bottom of a terminal in place. It knows escape sequences, not what the lines say.
package screen

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Screen is the part of a terminal that is drawn over and over again. It is not safe for concurrent use.
type Screen struct {
	out    io.Writer
	last   []string // what is on the terminal, escape sequences included
	width  int      // columns when that was drawn
	hidden bool     // the cursor is
}

// New makes a Screen on a terminal. Nothing is written before the first Draw.
func New(out io.Writer) *Screen { return &Screen{out: out} }

// Sequences of the terminal.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	beginSync  = "\x1b[?2026h" // shows nothing until endSync, where the terminal knows it
	endSync    = "\x1b[?2026l"
	clearRight = "\x1b[K"
	clearBelow = "\x1b[J"
)

// Draw replaces the lines that are shown, in one write. Lines must fit the width of the terminal. Lines that are as before are
// not written again.
func (s *Screen) Draw(lines []string, width int) error {
	same := width == s.width && len(lines) == len(s.last)
	var b strings.Builder
	b.WriteString(beginSync)
	if !s.hidden {
		b.WriteString(hideCursor)
		s.hidden = true
	}
	b.WriteString(s.home(width))
	changed := !same
	for i, line := range lines {
		if same && line == s.last[i] {
			b.WriteString("\n")
			continue
		}
		changed = true
		b.WriteString("\r" + line + clearRight + "\n")
	}
	b.WriteString("\r" + clearBelow + endSync)
	if !changed {
		return nil
	}
	s.last, s.width = append(s.last[:0], lines...), width
	_, err := io.WriteString(s.out, b.String())
	return err
}

// home moves the cursor to where the drawing begins. On a terminal that has become narrower, lines may have been broken up.
func (s *Screen) home(width int) string {
	rows := 0
	for _, line := range s.last {
		rows++
		if w := columns(line); width > 0 && width < s.width && w > width {
			rows += (w - 1) / width
		}
	}
	return "\r" + strings.Repeat("\x1b[A", rows)
}

// Print writes text above the drawing, which is then drawn anew below it. The text ends with a line break.
func (s *Screen) Print(text string) error {
	lines := append([]string(nil), s.last...)
	var b strings.Builder
	b.WriteString(beginSync + s.home(s.width) + clearBelow + text)
	for _, line := range lines {
		b.WriteString(line + clearRight + "\n")
	}
	b.WriteString(endSync)
	_, err := io.WriteString(s.out, b.String())
	return err
}

// Close leaves what is shown where it is and gives the cursor back. It may be called more than once.
func (s *Screen) Close() error {
	s.last = nil
	if !s.hidden {
		return nil
	}
	s.hidden = false
	_, err := io.WriteString(s.out, showCursor)
	return err
}

// columns counts the characters of a line without its escape sequences.
func columns(line string) int {
	n := 0
	for i := 0; i < len(line); {
		if line[i] == '\x1b' {
			for i++; i < len(line) && (line[i] < '@' || line[i] > '~' || line[i] == '['); i++ {
			}
			i++
			continue
		}
		_, size := utf8.DecodeRuneInString(line[i:])
		i += size
		n++
	}
	return n
}
