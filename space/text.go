package space

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// number is the shortest decimal text that reads back as v: positional from 1e-15 to 1e21, where every reader of numbers
// understands it (YAML 1.1 takes 1e-05 for a string), with an exponent beyond.
func number(v float64) string {
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0"
	case a < 1e-15 || a >= 1e21:
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// parseNumber reads a finite decimal number. It takes none of the other spellings that package strconv knows: hexadecimal,
// underscores, infinities, NaN.
func parseNumber(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, errors.New("is not a number")
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("is too large a number")
	case err != nil:
		return 0, errors.New("is not a number")
	}
	return v, nil
}

// text is the value as it is written into a template.
func (a *axis) text(v float64) string {
	v = a.nearest(v)
	if a.texts != nil {
		return a.texts[int(v)]
	}
	return number(v)
}

// parse reads a value as text writes it, or as a person may: any decimal number that is feasible.
func (a *axis) parse(text string) (float64, error) {
	if a.texts != nil {
		return a.parseEntry(text)
	}
	v, err := parseNumber(text)
	if err != nil {
		return 0, err
	}
	nearest := a.nearest(v)
	switch {
	case v < a.min || v > a.max:
		return 0, fmt.Errorf("is not between min %s and max %s", number(a.min), number(a.max))
	case math.Abs(v-nearest) > 1e-9*a.step:
		return 0, fmt.Errorf("is not a multiple of step %s from min %s; the nearest value is %s", number(a.step), number(a.min), number(nearest))
	}
	return nearest, nil
}

// fit is the feasible value nearest to what a text says, unless that is beyond the bounds or not in the list.
func (a *axis) fit(text string) (float64, bool) {
	if a.texts != nil {
		v, err := a.parseEntry(text)
		return v, err == nil
	}
	v, err := parseNumber(text)
	return a.nearest(v), err == nil && v >= a.min && v <= a.max
}

func (a *axis) parseEntry(text string) (float64, error) {
	if rank, ok := a.ranks[text]; ok {
		return float64(rank), nil
	}
	if a.numbers != nil {
		v, err := parseNumber(text)
		if err != nil {
			return 0, err
		}
		for rank, n := range a.numbers {
			if n == v {
				return float64(rank), nil
			}
		}
	}
	return 0, fmt.Errorf("is not in the list %s", excerpt(a.texts))
}

// excerpt writes the first few of many texts.
func excerpt(texts []string) string {
	const most = 8
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s, … (%d values)", strings.Join(texts[:most], ", "), len(texts))
}

// Text writes value v of parameter i: whole numbers without an exponent, reals and stepped values as the shortest decimal that
// reads back as the same number (0.03, not 0.030000000000000002), entries of a list as the user wrote them. A value that is
// not feasible is written as the nearest one that is.
func (s *Space) Text(i int, v float64) string { return s.axes[i].text(v) }

// Fit is the feasible value of parameter i nearest to what a text says; ok is false where that is beyond the bounds or not in the
// list.
func (s *Space) Fit(i int, text string) (v float64, ok bool) { return s.axes[i].fit(text) }

// Check says what is wrong with a text as a value of parameter i, without its name; "" when it is one of the feasible values.
func (s *Space) Check(i int, text string) string {
	if _, err := s.axes[i].parse(text); err != nil {
		return err.Error()
	}
	return ""
}

// Named writes the values of an assignment beside their names, in the order of the parameters, or as Encode has it.
func (s *Space) Named(a Assignment) []Named {
	if s.encode != nil {
		return s.encode(a)
	}
	named := make([]Named, len(s.axes))
	for i := range s.axes {
		named[i] = Named{Name: s.params[i].Name, Value: s.axes[i].text(a[i])}
	}
	return named
}

// NamedActive is Named without the parameters that do not matter in the assignment.
func (s *Space) NamedActive(a Assignment) []Named {
	named := s.Named(a)
	if !s.conditional || s.encode != nil {
		return named
	}
	active := named[:0]
	for i, on := range s.Active(a, nil) {
		if on {
			active = append(active, named[i])
		}
	}
	return active
}

// Names lists the names that Named writes, in order.
func (s *Space) Names() []string {
	var names []string
	for _, n := range s.Named(s.FromUnit(make([]float64, len(s.axes)))) {
		names = append(names, n.Name)
	}
	return names
}

// Parse reads values by name, in any order. Parameters that do not matter beside the others need no value. Its error joins one
// sentence for every name that is unknown, missing or given twice and every value that is not feasible by itself; whether the
// restrictions hold is for Contains to say.
func (s *Space) Parse(named []Named) (Assignment, error) {
	a := make(Assignment, len(s.axes))
	given := make([]bool, len(s.axes))
	var errs []error
	for _, n := range named {
		i, ok := s.index[n.Name]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%q is not a parameter", n.Name))
			continue
		case given[i]:
			errs = append(errs, fmt.Errorf("parameter %q has two values: remove one", n.Name))
			continue
		}
		given[i] = true
		v, err := s.axes[i].parse(n.Value)
		if err != nil {
			errs = append(errs, fmt.Errorf("parameter %q: value %q %w", n.Name, n.Value, err))
		}
		a[i] = v
	}
	for i, ok := range given {
		switch {
		case ok:
		case !s.active(a, i): // what it depends on comes before it
			a[i] = s.axes[i].idle()
		default:
			errs = append(errs, fmt.Errorf("parameter %q has no value: add one", s.params[i].Name))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s.Canonical(a), nil
}
