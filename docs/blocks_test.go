package docs_test

import (
	"fmt"
	"strings"
)

// block is a fenced block of a page.
type block struct {
	page  string
	line  int // of the fence, from 1
	lang  string
	words map[string]string // what follows the language: "run", "file=x.yaml", "exit=3"
	text  string
}

func (b block) at() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// blocks lists the fenced blocks of a page.
func blocks(page, text string) []block {
	var out []block
	var now *block
	number := 0
	for line := range strings.Lines(text) {
		number++
		fence, ok := strings.CutPrefix(line, "```")
		switch {
		case ok && now == nil:
			info := strings.Fields(fence)
			now = &block{page: page, line: number, words: map[string]string{}}
			if len(info) > 0 {
				now.lang = info[0]
				for _, w := range info[1:] {
					key, value, _ := strings.Cut(w, "=")
					now.words[key] = value
				}
			}
		case ok:
			out = append(out, *now)
			now = nil
		case now != nil:
			now.text += line
		}
	}
	return out
}

// step is a command of a console block and what it prints.
type step struct {
	command string
	output  string
}

// steps reads a console block: commands begin with "$ ", a backslash at the end or a "> " at the beginning continues them.
func steps(text string) []step {
	var out []step
	more := false
	for line := range strings.Lines(text) {
		bare := strings.TrimSuffix(line, "\n")
		command, ok := strings.CutPrefix(bare, "$ ")
		switch {
		case ok:
			out = append(out, step{command: command})
		case more:
			out[len(out)-1].command += "\n" + strings.TrimPrefix(bare, "> ")
		case len(out) > 0:
			out[len(out)-1].output += line
		}
		more = (ok || more) && strings.HasSuffix(bare, `\`)
	}
	return out
}

// words splits a command line as a shell does, far enough for documentation: quotes, backslashes, and | ; & > < as words of
// their own.
func words(line string) []string {
	var out []string
	var b strings.Builder
	open := false
	end := func() {
		if open || b.Len() > 0 {
			out = append(out, b.String())
		}
		b.Reset()
		open = false
	}
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				b.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == '\\' && i+1 < len(line):
			i++
			if line[i] != '\n' {
				b.WriteByte(line[i])
			}
		case c == ' ' || c == '\n' || c == '\t':
			end()
		case c == '#' && b.Len() == 0:
			return out
		case strings.IndexByte("|;&<>()", c) >= 0:
			end()
			out = append(out, string(c))
		default:
			b.WriteByte(c)
		}
	}
	end()
	return out
}
