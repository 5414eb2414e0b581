package v1beta1

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Object is a document of any kind as decoded JSON: text, bool, int64, float64, nil, lists and maps of these.
type Object map[string]any

// DeepCopy returns a copy that shares nothing with the original; nil for nil.
func (o Object) DeepCopy() Object {
	if o == nil {
		return nil
	}
	return Object(CopyJSON(map[string]any(o)).(map[string]any)) //nolint:forcetypeassert // CopyJSON keeps the type
}

// DeepCopyInto writes a copy into out.
func (o Object) DeepCopyInto(out *Object) { *out = o.DeepCopy() }

// CopyJSON copies a tree of maps (map[string]any), lists ([]any) and values that never change.
func CopyJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = CopyJSON(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = CopyJSON(e)
		}
		return l
	}
	return v
}

// IntOrString is a number, or the text that was written instead.
type IntOrString string

// UnmarshalJSON reads a number or a text.
func (v *IntOrString) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*v = IntOrString(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return fmt.Errorf("neither a number nor a text: %w", err)
	}
	*v = IntOrString(number)
	return nil
}

// MarshalJSON writes a number where it is one, a text otherwise.
func (v IntOrString) MarshalJSON() ([]byte, error) {
	if n, err := strconv.ParseInt(string(v), 10, 32); err == nil {
		return strconv.AppendInt(nil, n, 10), nil
	}
	return json.Marshal(string(v))
}
