package spec

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"qalam/api/v1beta1"
	"qalam/space"
)

// maxRestriction is the length of a parameter constraint in bytes.
const maxRestriction = 2000

// kindOfValue is what a part of a restriction comes to.
type kindOfValue int

const (
	aNumber kindOfValue = iota
	aText
	aTruth
)

var kindNames = [...]string{"a number", "a text", "a condition"}

// expression is a compiled part of a restriction. Of its functions the one of its kind is set.
type expression struct {
	kind   kindOfValue
	number func(space.Assignment) float64
	text   func(space.Assignment) string
	truth  func(space.Assignment) bool
}

// restrictionCompiler turns a parameter constraint into a function. The notation is Go's for expressions, which Go's own parser
// reads; what it may consist of is far less, and nothing of it is ever run but what is built here. Beside Go's, 'quotes' and the
// words and, or and not are understood, and names are those of parameters, whatever characters they have.
type restrictionCompiler struct {
	space  *space.Space
	params []space.Parameter
	source string
	places []int          // of every byte of what is parsed: the character of the source, from 1
	idents map[string]int // names in what is parsed: parameters by index
	used   []int          // parameters, by index
}

// restrictionError is what is wrong with a parameter constraint.
type restrictionError struct {
	message, hint string
}

func (e *restrictionError) Error() string { return e.message }

// compileRestriction compiles a parameter constraint.
func compileRestriction(s *space.Space, source string) (r space.Restriction, fault *restrictionError) {
	c := &restrictionCompiler{space: s, params: s.Parameters(), source: source, idents: map[string]int{}}
	if len(source) > maxRestriction {
		return r, &restrictionError{message: fmt.Sprintf("the constraint is longer than %d characters", maxRestriction)}
	}
	defer func() {
		if e, ok := recover().(*restrictionError); ok {
			fault = e
		} else if e != nil {
			panic(e)
		}
	}()
	text := c.prepare()
	tree, err := parser.ParseExprFrom(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return r, c.syntax(err)
	}
	x := c.compile(tree)
	if x.kind != aTruth {
		c.fail(tree, "compare it with something, as in batch * seq <= 4096", "the constraint is %s, not a condition", kindNames[x.kind])
	}
	if len(c.used) == 0 {
		c.fail(tree, "", "the constraint names no parameter")
	}
	holds := x.truth
	if idle := slices.DeleteFunc(slices.Clone(c.used), func(i int) bool { return s.Parents(i) == nil }); len(idle) > 0 {
		holds = func(a space.Assignment) bool {
			var buf [32]bool
			active := s.Active(a, buf[:0])
			for _, i := range idle {
				if !active[i] {
					return true
				}
			}
			return x.truth(a)
		}
	}
	return space.Restriction{Text: source, Holds: holds}, nil
}

// prepare rewrites the source for Go's parser: names of parameters become identifiers, 'texts' become "texts", and, or and not
// become operators.
func (c *restrictionCompiler) prepare() string {
	byLength := make([]int, len(c.params))
	for i := range byLength {
		byLength[i] = i
	}
	slices.SortStableFunc(byLength, func(a, b int) int { return len(c.params[b].Name) - len(c.params[a].Name) })
	var out strings.Builder
	emit := func(text string, at int) {
		out.WriteString(text)
		for range len(text) {
			c.places = append(c.places, 1+utf8.RuneCountInString(c.source[:at]))
		}
	}
	words := map[string]string{"and": "&&", "or": "||", "not": "!"}
	for at := 0; at < len(c.source); {
		rest := c.source[at:]
		first, size := utf8.DecodeRuneInString(rest)
		before, _ := utf8.DecodeLastRuneInString(c.source[:at])
		switch {
		case first == '"' || first == '\'':
			end := strings.IndexRune(rest[1:], first)
			if end < 0 {
				panic(&restrictionError{message: fmt.Sprintf("the text that begins at character %d does not end", 1+utf8.RuneCountInString(c.source[:at]))})
			}
			emit(strconv.Quote(rest[1:1+end]), at)
			at += end + 2
			continue
		case first == '`' || first == '/' && len(rest) > 1 && (rest[1] == '/' || rest[1] == '*') || first == '\n':
			panic(&restrictionError{message: fmt.Sprintf("%q at character %d is not understood", first, 1+utf8.RuneCountInString(c.source[:at]))})
		case !wordRune(before) || at == 0:
			if i := slices.IndexFunc(byLength, func(i int) bool { return startsWith(rest, c.params[i].Name) }); i >= 0 {
				i = byLength[i]
				ident := fmt.Sprintf("ĸ%d", i)
				c.idents[ident] = i
				emit(ident, at)
				at += len(c.params[i].Name)
				continue
			}
			if word := leadingWord(rest); words[word] != "" {
				emit(" "+words[word]+" ", at)
				at += len(word)
				continue
			}
		}
		emit(rest[:size], at)
		at += size
	}
	return out.String()
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// startsWith reports whether a text starts with a whole name.
func startsWith(text, name string) bool {
	rest, ok := strings.CutPrefix(text, name)
	next, _ := utf8.DecodeRuneInString(rest)
	return ok && name != "" && (rest == "" || !wordRune(next))
}

func leadingWord(text string) string {
	return text[:len(text)-len(strings.TrimLeftFunc(text, wordRune))]
}

func (c *restrictionCompiler) place(offset int) int {
	if offset >= 0 && offset < len(c.places) {
		return c.places[offset]
	}
	return 1 + utf8.RuneCountInString(c.source)
}

// syntax says in which place Go's parser could not go on.
func (c *restrictionCompiler) syntax(err error) *restrictionError {
	e := &restrictionError{message: "the constraint is not a condition", hint: "write it like batch * seq <= 4096, or opt != \"sgd\" or lr < 0.1"}
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 { //nolint:errorlint // the parser returns nothing else
		e.message = fmt.Sprintf("the constraint cannot be read from character %d on", c.place(list[0].Pos.Offset))
	}
	if strings.Contains(c.source, " in ") {
		e.hint = `write oneOf(NAME, "a", "b") for one of several values`
	} else if i := strings.IndexByte(c.source, '='); i > 0 && !strings.Contains("=<>!", c.source[i-1:i]) && !strings.HasPrefix(c.source[i+1:], "=") {
		e.hint = "write == for equality"
	}
	return e
}

// fail ends the compilation.
func (c *restrictionCompiler) fail(at ast.Expr, hint, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if n := c.place(int(at.Pos()) - 1); n > 1 {
		message += fmt.Sprintf(" (at character %d)", n)
	}
	panic(&restrictionError{message, hint})
}

func (c *restrictionCompiler) compile(e ast.Expr) expression {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return c.compile(e.X)
	case *ast.BasicLit:
		return c.literal(e)
	case *ast.Ident:
		return c.name(e)
	case *ast.UnaryExpr:
		return c.unary(e)
	case *ast.BinaryExpr:
		return c.binary(e)
	case *ast.CallExpr:
		return c.call(e)
	}
	c.fail(e, "", "this is not understood in a constraint")
	return expression{}
}

func number(f func(space.Assignment) float64) expression { return expression{kind: aNumber, number: f} }
func truth(f func(space.Assignment) bool) expression     { return expression{kind: aTruth, truth: f} }
func text(f func(space.Assignment) string) expression    { return expression{kind: aText, text: f} }

func (c *restrictionCompiler) literal(e *ast.BasicLit) expression {
	switch e.Kind {
	case token.INT, token.FLOAT:
		v, err := strconv.ParseFloat(e.Value, 64)
		if err != nil || math.IsInf(v, 0) {
			c.fail(e, "", "%q is not a decimal number", e.Value)
		}
		return number(func(space.Assignment) float64 { return v })
	case token.STRING:
		if v, err := strconv.Unquote(e.Value); err == nil {
			return text(func(space.Assignment) string { return v })
		}
	}
	c.fail(e, "", "this is not understood in a constraint")
	return expression{}
}

func (c *restrictionCompiler) name(e *ast.Ident) expression {
	i, ok := c.idents[e.Name]
	if !ok {
		names := make([]string, len(c.params))
		for k, p := range c.params {
			names[k] = p.Name
		}
		hint := "write texts in quotes; there are the parameters " + strings.Join(names, ", ")
		if near := v1beta1.Nearest(e.Name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		c.fail(e, hint, "there is no parameter %q", e.Name)
	}
	if !slices.Contains(c.used, i) {
		c.used = append(c.used, i)
	}
	switch c.params[i].Type {
	case space.Categorical:
		values := c.space.Values(i)
		return text(func(a space.Assignment) string { return values[int(a[i])] })
	case space.Discrete:
		numbers := c.space.Numbers(i)
		return number(func(a space.Assignment) float64 { return numbers[int(a[i])] })
	}
	return number(func(a space.Assignment) float64 { return a[i] })
}

func (c *restrictionCompiler) unary(e *ast.UnaryExpr) expression {
	x := c.compile(e.X)
	switch {
	case e.Op == token.SUB && x.kind == aNumber:
		return number(func(a space.Assignment) float64 { return -x.number(a) })
	case e.Op == token.ADD && x.kind == aNumber:
		return x
	case e.Op == token.NOT && x.kind == aTruth:
		return truth(func(a space.Assignment) bool { return !x.truth(a) })
	}
	c.fail(e, "", "%s does not go before %s", e.Op, kindNames[x.kind])
	return x
}
