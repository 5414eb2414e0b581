// Package tune makes a Katib Experiment of a command line: parameters in a short notation, and a command with placeholders. It
// runs nothing and reads no file.
package tune

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"qalam/api/v1beta1"
	"qalam/space"
)

// Form is how a parameter is written, for messages and help.
const Form = `a parameter is NAME=VALUES, where VALUES is
  0.1..0.9          real numbers between two bounds
  0.1..0.9:0.1      in steps
  int:1..8          whole numbers, in steps of 1 (int:16..128:16 in steps of 16)
  log:1e-5..1e-1    evenly on a logarithmic scale (log:int:1..1024 for whole numbers)
  normal:0..1       around the middle (lognormal: around the middle of the logarithm)
  adam,sgd          one of a list; where all are numbers, they are ordered (\, is a comma)
  list:a..b,c       a list in any case`

var paramName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// Param reads one parameter. What it accepts is feasible: space.New has nothing against it.
func Param(text string) (v1beta1.ParameterSpec, error) {
	p, err := param(text)
	if err != nil {
		return p, fmt.Errorf("--param %s: %w", text, err)
	}
	return p, nil
}

// modes are the words that may stand before the values.
type modes struct {
	whole, list  bool
	distribution v1beta1.Distribution
}

func param(text string) (p v1beta1.ParameterSpec, err error) {
	name, values, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	switch {
	case !ok:
		return p, errors.New(Form)
	case len(name) > 128 || !paramName.MatchString(name):
		return p, fmt.Errorf("%q is no name: a name begins with a letter, followed by letters, digits, _ - and .", name)
	}
	m, rest, err := readModes(strings.TrimSpace(values))
	if err != nil {
		return p, err
	}
	low, high, isRange := strings.Cut(rest, "..")
	switch {
	case rest == "":
		return p, errors.New(Form)
	case m.list || !isRange:
		if m.distribution != "" {
			return p, fmt.Errorf("%q is a list, which has no scale: write MIN..MAX, or leave out the word before it", rest)
		}
		p, err = listed(name, rest, m)
	default:
		p, err = bounded(name, low, high, m)
	}
	if err != nil {
		return v1beta1.ParameterSpec{}, err
	}
	return p, feasible(p)
}

// readModes takes the words off that stand before the values.
func readModes(text string) (m modes, rest string, err error) {
	for {
		word, after, ok := strings.Cut(text, ":")
		if !ok {
			return m, text, nil
		}
		set := func(d v1beta1.Distribution) {
			if m.distribution != "" {
				err = fmt.Errorf("%s and %s exclude each other", m.distribution, d)
			}
			m.distribution = d
		}
		switch strings.ToLower(strings.TrimSpace(word)) {
		case "int":
			m.whole = true
		case "list":
			m.list = true
			return m, after, err // colons behind are part of the values
		case "log", "loguniform":
			set(v1beta1.DistributionLogUniform)
		case "normal":
			set(v1beta1.DistributionNormal)
		case "lognormal":
			set(v1beta1.DistributionLogNormal)
		case "uniform":
			set(v1beta1.DistributionUniform)
		default:
			return m, text, err
		}
		if text = strings.TrimSpace(after); err != nil {
			return m, text, err
		}
	}
}

// listed makes a parameter of a list: discrete when all its values are numbers.
func listed(name, text string, m modes) (v1beta1.ParameterSpec, error) {
	values := splitList(text)
	numbers := true
	for i, v := range values {
		switch {
		case v == "" && len(values) > 1:
			return v1beta1.ParameterSpec{}, fmt.Errorf("value %d of the list is empty: remove a comma", i+1)
		case slices.Contains(values[:i], v):
			return v1beta1.ParameterSpec{}, fmt.Errorf("%q is in the list twice: remove one", v)
		}
		numbers = numbers && isNumber(v)
	}
	p := v1beta1.ParameterSpec{Name: name, ParameterType: v1beta1.ParameterTypeCategorical, FeasibleSpace: v1beta1.FeasibleSpace{List: values}}
	switch {
	case numbers:
		p.ParameterType = v1beta1.ParameterTypeDiscrete
	case m.whole:
		return p, fmt.Errorf("%q is no list of numbers", text)
	}
	return p, nil
}

// splitList splits at commas that no backslash stands before.
func splitList(text string) []string {
	var list []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == ',':
			list = append(list, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(text[i])
		}
	}
	return append(list, strings.TrimSpace(b.String()))
}

// bounded makes a parameter of two bounds and perhaps a step.
func bounded(name, low, high string, m modes) (v1beta1.ParameterSpec, error) {
	high, step, stepped := strings.Cut(high, ":")
	p := v1beta1.ParameterSpec{Name: name, ParameterType: v1beta1.ParameterTypeDouble}
	if m.whole {
		p.ParameterType = v1beta1.ParameterTypeInt
	}
	f := &p.FeasibleSpace
	f.Distribution = m.distribution
	for _, part := range []struct {
		what, text string
		to         *string
		given      bool
	}{{"the lower bound", low, &f.Min, true}, {"the upper bound", high, &f.Max, true}, {"the step", step, &f.Step, stepped}} {
		text := strings.TrimSpace(part.text)
		switch {
		case !part.given:
			continue
		case !isNumber(text):
			return p, fmt.Errorf("%s %q is not a number", part.what, text)
		}
		*part.to = text
	}
	return p, nil
}

// feasible asks package space what is wrong with a parameter.
func feasible(p v1beta1.ParameterSpec) error {
	f := p.FeasibleSpace
	out := space.Parameter{Name: p.Name, Type: space.Type(p.ParameterType), List: f.List, Distribution: space.Distribution(f.Distribution)}
	for _, part := range []struct {
		text string
		to   *float64
	}{{f.Min, &out.Min}, {f.Max, &out.Max}, {f.Step, &out.Step}} {
		if part.text == "" {
			continue
		}
		v, err := number(part.text)
		if err != nil {
			return err
		}
		*part.to = v
	}
	if f.Step != "" && out.Step <= 0 {
		return errors.New("the step must be above 0")
	}
	_, err := space.New([]space.Parameter{out})
	var faults space.Faults
	if errors.As(err, &faults) && len(faults) > 0 {
		return errors.New(faults[0].Problem)
	}
	return err
}

// number reads a finite decimal number, in no other spelling.
func number(text string) (float64, error) {
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number that fits", text)
	}
	return v, nil
}

func isNumber(text string) bool {
	_, err := number(text)
	return err == nil
}
