package metrics

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Limits of a user's filter. Go's regular expressions take time linear in the line, but with a factor that grows with the
// program: some patterns need a minute per MiB.
const (
	maxFilterBytes  = 1 << 10
	maxInstructions = 2000
	maxFilters      = 32
	// lineWork bounds what one line costs: a filter of n instructions sees the first lineWork/n bytes of it. Up to 32
	// instructions that is all of MaxLine; Katib's own filter has 31.
	lineWork = 32 * MaxLine
)

// filter is one way of finding names and values in a line.
type filter struct {
	re    *regexp.Regexp // nil for DefaultFilter, which is matched by hand
	limit int            // bytes of a line that it sees
}

// newFilter checks and compiles what a user wrote.
func newFilter(pattern string) (filter, error) {
	if pattern == DefaultFilter {
		return filter{limit: MaxLine}, nil
	}
	if len(pattern) > maxFilterBytes {
		return filter{}, fmt.Errorf("it has %d bytes, more than %d: split it into several filters", len(pattern), maxFilterBytes)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return filter{}, fmt.Errorf("%s: write it in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax)", reason(err))
	}
	if n := parsed.MaxCap(); n < 2 {
		return filter{}, fmt.Errorf("it has %d groups in parentheses and needs two: the first for the metric's name, "+
			"the second for its value, as in ([\\w|-]+)\\s*:\\s*([0-9.]+)", n)
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return filter{}, fmt.Errorf("compile: %w", err)
	}
	n := len(prog.Inst)
	if n > maxInstructions {
		return filter{}, fmt.Errorf("it compiles to %d steps, more than %d: use + or * in place of large counts such as {1,500}",
			n, maxInstructions)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return filter{}, fmt.Errorf("compile: %w", err)
	}
	return filter{re: re, limit: min(MaxLine, lineWork/n)}, nil
}

// reason is what a syntax error says, without the words that go with every one.
func reason(err error) string {
	var s *syntax.Error
	if errors.As(err, &s) {
		return fmt.Sprintf("%s: %q", s.Code, s.Expr)
	}
	return err.Error()
}

// newFilters compiles a user's filters; without any there is the default one. All faults are in the error.
func newFilters(patterns []string) ([]filter, error) {
	if len(patterns) == 0 {
		return []filter{{limit: MaxLine}}, nil
	}
	if len(patterns) > maxFilters {
		return nil, fmt.Errorf("%d metric filters, more than %d: join some of them with |", len(patterns), maxFilters)
	}
	var filters []filter
	var faults []error
	for i, p := range patterns {
		f, err := newFilter(p)
		if err != nil {
			faults = append(faults, fmt.Errorf("metric filter %d (%s): %w", i+1, clip([]byte(p), 80), err))
		}
		filters = append(filters, f)
	}
	return filters, errors.Join(faults...)
}
