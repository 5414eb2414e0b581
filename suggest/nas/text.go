package nas

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"

	"qalam/space"
	"qalam/suggest"
)

// The texts are those that Python's json.dumps makes (a space behind every comma and colon, nothing but ASCII), with Katib's
// single quotes in the place of the double ones: its trial images turn them back before they read JSON.

// writer writes networks as Katib's trials read them.
type writer struct {
	layers int
	head   string   // of nn_config, up to the embedding
	ops    []string // the embedding of each concrete operation
}

func newWriter(a *suggest.Architecture, ops []operation) *writer {
	w := &writer{layers: a.Layers, ops: make([]string, len(ops))}
	w.head = fmt.Sprintf(`"num_layers": %d, "input_sizes": %s, "output_sizes": %s, "embedding": `, a.Layers, pythonList(a.InputSizes), pythonList(a.OutputSizes))
	for i, o := range ops {
		params := make([]string, len(o.values))
		for j, v := range o.values {
			params[j] = pythonText(v.name) + ": " + v.literal
		}
		w.ops[i] = fmt.Sprintf(`"%d": {"opt_id": %d, "opt_type": %s, "opt_params": {%s}}`, i, i, pythonText(o.kind), strings.Join(params, ", "))
	}
	return w
}

// named writes one network: for each layer the number of its operation and its skip bits, and what those numbers mean.
func (w *writer) named(a space.Assignment) []space.Named {
	var layers, embedding []string
	known := map[int]bool{}
	at := 0
	for layer := range w.layers {
		op := int(a[at])
		if !known[op] {
			known[op] = true
			embedding = append(embedding, w.ops[op])
		}
		numbers := make([]int, layer+1)
		for i := range numbers {
			numbers[i] = int(a[at+i])
		}
		layers = append(layers, pythonList(numbers))
		at += layer + 1
	}
	return []space.Named{
		{Name: "architecture", Value: "[" + strings.Join(layers, ", ") + "]"},
		{Name: "nn_config", Value: singleQuotes("{" + w.head + "{" + strings.Join(embedding, ", ") + "}}")},
	}
}

func singleQuotes(text string) string { return strings.ReplaceAll(text, `"`, `'`) }

func pythonList(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// pythonFloat writes a number as Python's repr does: always with a point or an exponent, which begins below 1e-4 and at 1e16.
func pythonFloat(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// pythonText writes a text as json.dumps does.
func pythonText(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
