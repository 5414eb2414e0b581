package workload

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// node is a place in a rendered job: a value as JSON decodes it, its field path, and where to complain. An absent field is a node
// whose value is nil, like an explicit null.
type node struct {
	r     *reader
	path  string
	value any
}

func (n node) has() bool { return n.value != nil }

func (n node) at(key string) string {
	if n.path == "" {
		return key
	}
	return n.path + "." + key
}

// get returns a field. It complains when n is there and no object.
func (n node) get(key string) node {
	return node{n.r, n.at(key), n.object()[key]}
}

func (n node) object() map[string]any {
	switch v := n.value.(type) {
	case nil:
		return nil
	case map[string]any:
		return v
	}
	n.wrong("an object")
	return nil
}

func (n node) wrong(want string) {
	n.r.fault(n.path, "give it "+want, "is %s where %s belongs", kindOf(n.value), want)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// keys returns the names of the fields, sorted.
func (n node) keys() []string { return slices.Sorted(maps.Keys(n.object())) }

// others returns the names of the fields that are not among known and not null, sorted.
func (n node) others(known ...string) []string {
	return slices.DeleteFunc(n.keys(), func(k string) bool { return slices.Contains(known, k) || n.object()[k] == nil })
}

func (n node) list() []node {
	switch v := n.value.(type) {
	case nil:
		return nil
	case []any:
		nodes := make([]node, len(v))
		for i := range v {
			nodes[i] = node{n.r, n.path + "[" + strconv.Itoa(i) + "]", v[i]}
		}
		return nodes
	}
	n.wrong("a list")
	return nil
}

// text returns a string. Numbers and booleans are taken as they would be written: YAML without quotes is plainly meant so.
func (n node) text() string {
	switch v := n.value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool, float64, int, int64, json.Number:
		s := scalar(v)
		n.r.note(n.path, "is the %s %s, which a cluster refuses; it is taken as the string %q", strings.TrimPrefix(kindOf(v), "a "), s, s)
		return s
	}
	n.wrong("a string")
	return ""
}

// scalar writes a number or a boolean.
func scalar(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case json.Number:
		return v.String()
	}
	return ""
}

func (n node) texts() []string {
	nodes := n.list()
	if nodes == nil {
		return nil
	}
	list := make([]string, len(nodes))
	for i, e := range nodes {
		list[i] = e.text()
	}
	return list
}

func (n node) textMap() map[string]string {
	object := n.object()
	if len(object) == 0 {
		return nil
	}
	m := make(map[string]string, len(object))
	for _, k := range n.keys() {
		m[k] = n.get(k).text()
	}
	return m
}

// integer returns a whole number, and whether there is one. A string of digits is taken as one.
func (n node) integer() (int64, bool) {
	var i int64
	ok := true
	switch v := n.value.(type) {
	case nil:
		return 0, false
	case int:
		i = int64(v)
	case int64:
		i = v
	case float64:
		i, ok = int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case json.Number:
		var err error
		if i, err = v.Int64(); err != nil {
			f, ferr := v.Float64()
			i, ok = int64(f), ferr == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53
		}
	case string:
		var err error
		i, err = strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if ok = err == nil; ok {
			n.r.note(n.path, "is the string %q, which a cluster refuses; it is taken as the number", v)
		}
	default:
		ok = false
	}
	if !ok {
		n.wrong("a whole number")
	}
	return i, ok
}

// within returns a whole number between low and high, or fallback where there is none.
func (n node) within(low, high, fallback int64) int64 {
	i, ok := n.integer()
	if !ok {
		return fallback
	}
	if i < low || i > high {
		fix := "give it a whole number from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10)
		n.r.fault(n.path, fix, "is %d", i)
		return fallback
	}
	return i
}

func (n node) boolean() bool {
	switch v := n.value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			n.r.note(n.path, "is the string %q, which a cluster refuses; it is taken as the boolean", v)
			return b
		}
	}
	n.wrong("true or false")
	return false
}

// clone copies a value as JSON decodes it.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = clone(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = clone(e)
		}
		return l
	}
	return v
}
