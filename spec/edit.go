package spec

import (
	"fmt"
	"reflect"

	"qalam/api/v1beta1"
	"qalam/experiment"
)

// CheckEdit says what is wrong with changing one Experiment into another: only the three budgets can be changed. The second is
// the old Experiment as edited, read by Load, so that each budget is right by itself. Other than Katib, it allows a maxTrialCount
// below the number of trials there are, which ends the experiment early; whether a finished experiment can go on is for
// experiment.ApplyEdit to say, which knows how it ended.
func CheckEdit(before, after *Experiment) error {
	a, b := before.Wire.DeepCopy(), after.Wire.DeepCopy()
	if a.Name != b.Name || a.Namespace != b.Namespace {
		return fmt.Errorf("metadata: the experiment is %s/%s, not %s/%s: a name cannot be changed", a.Namespace, a.Name, b.Namespace, b.Name)
	}
	for _, e := range []*v1beta1.Experiment{a, b} {
		e.Spec.ParallelTrialCount, e.Spec.MaxTrialCount, e.Spec.MaxFailedTrialCount = nil, nil, nil
	}
	if b.Spec.Seed == nil {
		b.Spec.Seed = a.Spec.Seed // drawn and recorded since
	}
	if changed := difference(reflect.ValueOf(a.Spec), reflect.ValueOf(b.Spec), "spec"); changed != "" {
		return fmt.Errorf("%s: only spec.parallelTrialCount, spec.maxTrialCount and spec.maxFailedTrialCount are editable: "+
			"give the changed experiment another name", changed)
	}
	return nil
}

// Edited returns the budgets that differ.
func Edited(before, after *Experiment) experiment.Edit {
	changed := func(a, b *int) *int {
		if b == nil || a != nil && *a == *b {
			return nil
		}
		return b
	}
	a, b := &before.Spec, &after.Spec
	return experiment.Edit{
		Parallel:  changed(&a.ParallelTrialCount, &b.ParallelTrialCount),
		Max:       changed(a.MaxTrialCount, b.MaxTrialCount),
		MaxFailed: changed(a.MaxFailedTrialCount, b.MaxFailedTrialCount),
	}
}

// difference finds the field in which two values of the same type differ, "" when they are equal.
func difference(a, b reflect.Value, path string) string {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return ""
	}
	switch a.Kind() {
	case reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			return difference(a.Elem(), b.Elem(), path)
		}
	case reflect.Struct:
		fields := fieldsOf(a.Type())
		for _, name := range fields.names {
			index := fields.index[name]
			if d := difference(a.FieldByIndex(index), b.FieldByIndex(index), field(path, name)); d != "" {
				return d
			}
		}
	case reflect.Slice:
		for i := range min(a.Len(), b.Len()) {
			if d := difference(a.Index(i), b.Index(i), item(path, i)); d != "" {
				return d
			}
		}
	}
	return path
}
