package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"qalam/cmd/qalam/internal/view"
)

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
}

func standard() *console {
	return &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv}
}

// terminal returns the terminal behind a writer, nil when there is none.
func terminal(w io.Writer) *os.File {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// style says what may be shown on a writer: nothing but text where it is no terminal.
func (c *console) style(w io.Writer, noColor bool) view.Style {
	f := terminal(w)
	if f == nil {
		return view.Style{Unicode: true}
	}
	s := view.Style{Unicode: c.unicode()}
	s.Width, s.Height, _ = term.GetSize(int(f.Fd())) // zeros where it does not say, which means the usual size
	s.Color = !noColor && c.env("NO_COLOR") == "" && c.env("TERM") != "dumb"
	return s
}

// unicode reports whether the user's locale can show more than ASCII.
func (c *console) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := c.env(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// width is the number of columns of a table on a writer, 0 where it is not to be cut.
func width(w io.Writer) int {
	f := terminal(w)
	if f == nil {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
