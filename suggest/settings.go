package suggest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// GivenSetting is one setting as a user wrote it, in the order of the file.
type GivenSetting struct {
	Name, Value string
}

// SettingError is one thing wrong with one setting.
type SettingError struct {
	Setting string // the name as the user wrote it
	Index   int    // position among the settings given to ReadSettings, from 0; -1 when they came without an order
	Value   string
	Unknown bool   // no setting has that name; Katib ignores such a setting for some algorithms
	Problem string // what is wrong and what to do, without the setting's name
}

func (e *SettingError) Error() string { return fmt.Sprintf("setting %q: %s", e.Setting, e.Problem) }

// SettingErrors is everything wrong with the settings of one algorithm or early-stopping rule. errors.As finds both it and its
// first *SettingError.
type SettingErrors []*SettingError

func (e SettingErrors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single faults to errors.Is and errors.As.
func (e SettingErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// ReadSettings checks the settings that a user gave against those that are known, and returns them without the faulty ones,
// complete with the defaults of the others. Its error is SettingErrors, in the order given.
func ReadSettings(known []Setting, given []GivenSetting) (Settings, error) {
	settings := make(Settings, len(known))
	for _, k := range known {
		if k.Default != "" {
			settings[k.Name] = k.Default
		}
	}
	var faults SettingErrors
	first := make(map[string]int, len(given))
	for i, g := range given {
		fault := &SettingError{Setting: g.Name, Index: i, Value: g.Value}
		k := slices.IndexFunc(known, func(s Setting) bool { return s.Name == g.Name })
		if k < 0 {
			fault.Unknown, fault.Problem = true, unknownSetting(known, g.Name)
		} else if earlier, ok := first[g.Name]; ok {
			fault.Problem = fmt.Sprintf("it was given before, as setting %d: remove one", earlier+1)
		} else {
			first[g.Name] = i
			fault.Problem = known[k].problem(g.Value)
		}
		if fault.Problem != "" {
			faults = append(faults, fault)
			continue
		}
		settings[g.Name] = strings.TrimSpace(g.Value)
	}
	if len(faults) > 0 {
		return settings, faults
	}
	return settings, nil
}

// Complete checks settings that come without an order and fills in the defaults. Its error is SettingErrors.
func Complete(known []Setting, given Settings) (Settings, error) {
	list := make([]GivenSetting, 0, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		list = append(list, GivenSetting{name, given[name]})
	}
	settings, err := ReadSettings(known, list)
	if faults, ok := err.(SettingErrors); ok { //nolint:errorlint // ReadSettings wraps nothing
		for _, fault := range faults {
			fault.Index = -1
		}
	}
	return settings, err
}

func unknownSetting(known []Setting, name string) string {
	if len(known) == 0 {
		return "there is no such setting, nor any other: remove it"
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Name
	}
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("there is no such setting; did you mean %q?", near)
	}
	return fmt.Sprintf("there is no such setting: remove it or use one of %s", strings.Join(names, ", "))
}

// problem says what is wrong with a value, or "".
func (s *Setting) problem(value string) string {
	value = strings.TrimSpace(value)
	var err error
	var want string
	switch s.Kind {
	case KindInt:
		_, err = strconv.ParseInt(value, 10, 64)
		want = "a whole number"
	case KindFloat:
		var f float64
		f, err = strconv.ParseFloat(value, 64)
		if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
			err = strconv.ErrRange
		}
		want = "a finite number"
	case KindBool:
		_, err = strconv.ParseBool(value)
		want = "true or false"
	}
	if err != nil {
		return fmt.Sprintf("%q is not %s", value, want)
	}
	if s.Check != nil {
		return s.Check(value)
	}
	return ""
}

// Int is the value of a KindInt setting that was checked, 0 when there is none.
func (s Settings) Int(name string) int64 {
	v, _ := strconv.ParseInt(s[name], 10, 64) // checked before
	return v
}

// Float is the value of a KindFloat setting that was checked, 0 when there is none.
func (s Settings) Float(name string) float64 {
	v, _ := strconv.ParseFloat(s[name], 64) // checked before
	return v
}

// Bool is the value of a KindBool setting that was checked, false when there is none.
func (s Settings) Bool(name string) bool {
	v, _ := strconv.ParseBool(s[name]) // checked before
	return v
}

// AtLeast is a Check of whole numbers.
func AtLeast(low int64) func(string) string {
	return func(value string) string {
		if v, _ := strconv.ParseInt(value, 10, 64); v < low { // its kind was checked before
			return fmt.Sprintf("%s is less than %d, the smallest that makes sense", value, low)
		}
		return ""
	}
}

// Between is a Check of numbers, both ends being allowed.
func Between(low, high float64) func(string) string {
	return func(value string) string {
		if v, _ := strconv.ParseFloat(value, 64); !(v >= low && v <= high) { // its kind was checked before
			return fmt.Sprintf("%s is not between %g and %g", value, low, high)
		}
		return ""
	}
}

// OneOf is a Check of texts.
func OneOf(texts ...string) func(string) string {
	return func(value string) string {
		if !slices.Contains(texts, value) {
			return fmt.Sprintf("%q is not known: use %s", value, strings.Join(texts, " or "))
		}
		return ""
	}
}
