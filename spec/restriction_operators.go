package spec

import (
	"go/ast"
	"go/token"
	"math"
	"slices"
	"strings"

	"qalam/api/v1beta1"
	"qalam/space"
)

func (c *restrictionCompiler) binary(e *ast.BinaryExpr) expression {
	x, y := c.compile(e.X), c.compile(e.Y)
	if x.kind != y.kind {
		hint := ""
		switch {
		case x.kind == aTruth || y.kind == aTruth:
			hint = "compare two things at a time: 1 < n and n < 5"
		case x.kind == aText || y.kind == aText:
			hint = "a categorical parameter's values are texts, even where they look like numbers: make it discrete, or put the number in quotes"
		}
		c.fail(e, hint, "%s cannot stand between %s and %s", e.Op, kindNames[x.kind], kindNames[y.kind])
	}
	var out expression
	ok := false
	switch x.kind {
	case aNumber:
		out, ok = ofNumbers(e.Op, x.number, y.number)
	case aText:
		switch e.Op {
		case token.EQL:
			out, ok = truth(func(a space.Assignment) bool { return x.text(a) == y.text(a) }), true
		case token.NEQ:
			out, ok = truth(func(a space.Assignment) bool { return x.text(a) != y.text(a) }), true
		}
	case aTruth:
		switch e.Op {
		case token.LAND:
			out, ok = truth(func(a space.Assignment) bool { return x.truth(a) && y.truth(a) }), true
		case token.LOR:
			out, ok = truth(func(a space.Assignment) bool { return x.truth(a) || y.truth(a) }), true
		}
	}
	if !ok {
		hint := ""
		if e.Op == token.XOR {
			hint = "write pow(x, y) for powers"
		}
		c.fail(e, hint, "%s cannot stand between %s and %s", e.Op, kindNames[x.kind], kindNames[y.kind])
	}
	return out
}

// ofNumbers joins two numbers by an operator.
func ofNumbers(op token.Token, x, y func(space.Assignment) float64) (expression, bool) {
	switch op {
	case token.ADD:
		return number(func(a space.Assignment) float64 { return x(a) + y(a) }), true
	case token.SUB:
		return number(func(a space.Assignment) float64 { return x(a) - y(a) }), true
	case token.MUL:
		return number(func(a space.Assignment) float64 { return x(a) * y(a) }), true
	case token.QUO:
		return number(func(a space.Assignment) float64 { return x(a) / y(a) }), true
	case token.REM:
		return number(func(a space.Assignment) float64 { return math.Mod(x(a), y(a)) }), true
	case token.LSS:
		return truth(func(a space.Assignment) bool { return x(a) < y(a) }), true
	case token.LEQ:
		return truth(func(a space.Assignment) bool { return x(a) <= y(a) }), true
	case token.GTR:
		return truth(func(a space.Assignment) bool { return x(a) > y(a) }), true
	case token.GEQ:
		return truth(func(a space.Assignment) bool { return x(a) >= y(a) }), true
	case token.EQL:
		return truth(func(a space.Assignment) bool { return x(a) == y(a) }), true
	case token.NEQ:
		return truth(func(a space.Assignment) bool { return x(a) != y(a) }), true
	}
	return expression{}, false
}

// functions are those of one number and those of two.
var (
	functions = map[string]func(float64) float64{
		"abs": math.Abs, "ceil": math.Ceil, "exp": math.Exp, "floor": math.Floor, "log": math.Log, "log2": math.Log2, "log10": math.Log10,
		"round": math.Round, "sqrt": math.Sqrt,
	}
	functions2    = map[string]func(float64, float64) float64{"max": math.Max, "min": math.Min, "pow": math.Pow}
	functionNames = strings.Fields("abs ceil exp floor log log10 log2 max min oneOf pow round sqrt")
)

func (c *restrictionCompiler) call(e *ast.CallExpr) expression {
	f, ok := e.Fun.(*ast.Ident)
	if !ok || e.Ellipsis.IsValid() {
		c.fail(e, "", "this is not understood in a constraint")
	}
	name := f.Name
	if i, isParameter := c.idents[name]; isParameter { // a parameter may have the name of a function
		name = c.params[i].Name
	}
	args := make([]expression, len(e.Args))
	for i, a := range e.Args {
		args[i] = c.compile(a)
	}
	numbers := !slices.ContainsFunc(args, func(x expression) bool { return x.kind != aNumber })
	switch {
	case name == "oneOf" && len(args) >= 2:
		return c.oneOf(e, args)
	case functions[name] != nil && numbers && len(args) == 1:
		g, x := functions[name], args[0].number
		return number(func(a space.Assignment) float64 { return g(x(a)) })
	case functions2[name] != nil && numbers && len(args) == 2:
		g, x, y := functions2[name], args[0].number, args[1].number
		return number(func(a space.Assignment) float64 { return g(x(a), y(a)) })
	case !slices.Contains(functionNames, name):
		hint := "there are " + strings.Join(functionNames, ", ")
		if near := v1beta1.Nearest(name, functionNames); near != "" {
			hint = "did you mean " + near + "?"
		}
		c.fail(e, hint, "there is no function %q", name)
	}
	want := "one number"
	switch {
	case name == "oneOf":
		want = "a value and those it may be"
	case functions2[name] != nil:
		want = "two numbers"
	}
	c.fail(e, "", "%s takes %s", name, want)
	return expression{}
}

// oneOf compares the first of some expressions with the others.
func (c *restrictionCompiler) oneOf(e *ast.CallExpr, args []expression) expression {
	x, others := args[0], args[1:]
	for i, y := range others {
		if y.kind != x.kind || x.kind == aTruth {
			c.fail(e.Args[i+1], "", "oneOf compares %s with %s", kindNames[x.kind], kindNames[y.kind])
		}
	}
	return truth(func(a space.Assignment) bool {
		for _, y := range others {
			if x.kind == aNumber && x.number(a) == y.number(a) || x.kind == aText && x.text(a) == y.text(a) {
				return true
			}
		}
		return false
	})
}
