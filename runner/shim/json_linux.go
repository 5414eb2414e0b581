package shim

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A shim reads and writes its few kinds of JSON by hand: package encoding/json first finds out what types look like, in every shim
// anew, which takes longer than all that a shim does besides.

// parser reads JSON. After the first fault it reads nothing but zero values.
type parser struct {
	text  []byte
	at    int
	fault error
}

// parse reads a whole text by means of f.
func parse(text []byte, f func(*parser)) error {
	p := parser{text: text}
	f(&p)
	if p.next() != 0 {
		p.fail()
	}
	return p.fault
}

func (p *parser) fail() {
	if p.fault == nil {
		p.fault = errors.New("it is not the JSON that was expected, at byte " + itoa(p.at))
	}
	p.at = len(p.text)
}

// next is the next byte that is no space, 0 at the end.
func (p *parser) next() byte {
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept reads a byte if it is the next.
func (p *parser) accept(c byte) bool {
	if p.next() != c || p.at == len(p.text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(c byte) {
	if !p.accept(c) {
		p.fail()
	}
}

// word reads a word if it is the next.
func (p *parser) word(w string) bool {
	p.next()
	if len(p.text)-p.at < len(w) || string(p.text[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}

// object has each value of an object read by f.
func (p *parser) object(f func(key string)) {
	if p.word("null") {
		return
	}
	p.expect('{')
	for more := !p.accept('}'); more && p.fault == nil; more = p.accept(',') {
		key := p.string()
		p.expect(':')
		f(key)
		if p.next() != ',' {
			p.expect('}')
			return
		}
	}
}

// array has each value of an array read by f.
func (p *parser) array(f func()) {
	if p.word("null") {
		return
	}
	p.expect('[')
	for more := !p.accept(']'); more && p.fault == nil; more = p.accept(',') {
		f()
		if p.next() != ',' {
			p.expect(']')
			return
		}
	}
}

func (p *parser) bool() bool {
	yes := p.word("true")
	if !yes && !p.word("false") && !p.word("null") {
		p.fail()
	}
	return yes
}

func (p *parser) int() int64 {
	if p.word("null") {
		return 0
	}
	begin := p.at // word has passed the spaces
	for p.at < len(p.text) && (p.text[p.at] == '-' || p.text[p.at] >= '0' && p.text[p.at] <= '9') {
		p.at++
	}
	n, err := strconv.ParseInt(string(p.text[begin:p.at]), 10, 64)
	if err != nil {
		p.fail()
	}
	return n
}

func (p *parser) string() string {
	if p.word("null") {
		return ""
	}
	p.expect('"')
	begin := p.at
	for p.at < len(p.text) && p.text[p.at] != '"' && p.text[p.at] != '\\' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] == '"' {
		p.at++
		return string(p.text[begin : p.at-1])
	}
	out := append([]byte(nil), p.text[begin:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch c {
		case '"':
			return string(out)
		case '\\':
			out = p.escape(out)
		default:
			out = append(out, c)
		}
	}
	p.fail()
	return ""
}

// escape appends what follows a backslash.
func (p *parser) escape(out []byte) []byte {
	if p.at == len(p.text) {
		return out
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		r := p.unit()
		if utf16.IsSurrogate(r) {
			if half := p.at; p.word(`\u`) {
				if r = utf16.DecodeRune(r, p.unit()); r == utf8.RuneError {
					p.at = half
				}
			}
		}
		return utf8.AppendRune(out, r)
	}
	p.fail()
	return out
}

// unit reads four hexadecimal digits.
func (p *parser) unit() rune {
	const digits = 4
	if len(p.text)-p.at < digits {
		p.fail()
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+digits]), 16, 16)
	if err != nil {
		p.fail()
		return utf8.RuneError
	}
	p.at += digits
	return rune(n)
}

func (p *parser) strings() []string {
	var all []string
	p.array(func() { all = append(all, p.string()) })
	return all
}

// skip passes a value that nobody wants.
func (p *parser) skip() {
	switch c := p.next(); {
	case c == '{':
		p.object(func(string) { p.skip() })
	case c == '[':
		p.array(p.skip)
	case c == '"':
		p.string()
	default:
		begin := p.at
		for p.at < len(p.text) && p.text[p.at] != ',' && p.text[p.at] != ']' && p.text[p.at] != '}' && p.text[p.at] > ' ' {
			p.at++
		}
		if p.at == begin {
			p.fail()
		}
	}
}
