package space

import (
	"fmt"
	"strings"
)

// Field names a part of a Parameter as a Katib Experiment spells it.
type Field string

// The fields of a Parameter.
const (
	FieldName         Field = "name"
	FieldType         Field = "parameterType"
	FieldDistribution Field = "distribution"
	FieldMin          Field = "min"
	FieldMax          Field = "max"
	FieldStep         Field = "step"
	FieldList         Field = "list"
	FieldWhen         Field = "when"
)

// Fault is one thing wrong with one parameter, placed so that a reader of YAML can find its line.
type Fault struct {
	Index   int    // position of the parameter in the slice given to New, from 0
	Name    string // the parameter's name, "" when it has none
	Field   Field  // what holds the fault
	Item    int    // position in List or When of a fault in one entry, from 0; otherwise -1
	Problem string // what is wrong and what to do, without the parameter's name
}

func (f *Fault) Error() string {
	if f.Name == "" {
		return fmt.Sprintf("parameter %d: %s", f.Index+1, f.Problem)
	}
	return fmt.Sprintf("parameter %q: %s", f.Name, f.Problem)
}

// Faults is every fault that New found, in the order of the parameters. errors.As finds both it and its first *Fault.
type Faults []*Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single faults to errors.Is and errors.As.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, fault := range f {
		errs[i] = fault
	}
	return errs
}
