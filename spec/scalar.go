package spec

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decimal reads a finite decimal number. It takes no other spelling (hexadecimal, octal, underscores, infinities, NaN): readers
// of YAML do not agree on them. problem is "" when it could be read.
func decimal(text string) (v float64, problem string) {
	text = strings.TrimSpace(text)
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" || digits[0] == 'e' || digits[0] == 'E' {
		if v, err := strconv.ParseFloat(text, 64); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) ||
			strings.EqualFold(digits, ".nan") || strings.EqualFold(digits, ".inf") {
			return 0, "must be a finite number"
		}
		return 0, "must be a decimal number"
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(v, 0):
		return 0, "must be a finite number"
	case err != nil:
		return 0, "must be a decimal number"
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return 0, "must not begin with a zero, which some readers of YAML take for octal"
	}
	return v, ""
}

// integer reads a whole number of at most the given bits.
func integer(text string, bits int) (v int64, problem string) {
	text = strings.TrimSpace(text)
	if strings.Trim(strings.TrimLeft(text, "+-"), "0123456789") != "" || text == "" {
		if f, problem := decimal(text); problem == "" && f != math.Trunc(f) {
			return 0, "must be a whole number"
		}
		return 0, "must be a whole number, written with digits only"
	}
	if _, problem := decimal(text); problem != "" {
		return 0, problem
	}
	v, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, "is too large a number"
	}
	return v, ""
}

// boolean reads what a reader of YAML 1.1, such as Kubernetes, takes for a boolean.
func boolean(text string) (v, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off":
		return false, true
	}
	return false, false
}

// plain is the value of a scalar in a document of any kind: as Kubernetes would decode it, but that whole numbers stay exact.
func plain(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		v, _ := boolean(n.Value)
		return v
	case "!!int":
		if v, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64); err == nil {
			return v
		}
		var f float64
		if n.Decode(&f) == nil {
			return f
		}
	case "!!float":
		if v, problem := decimal(n.Value); problem == "" {
			return v
		}
	}
	return n.Value
}

// tree decodes a document of any kind. It keeps to the shape of JSON.
func tree(n *yaml.Node) any {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		list := entries(n)
		m := make(map[string]any, len(list))
		for _, e := range list {
			m[e.key.Value] = tree(e.value)
		}
		return m
	case yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, c := range n.Content {
			l[i] = tree(c)
		}
		return l
	}
	return plain(n)
}
