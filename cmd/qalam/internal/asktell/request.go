package asktell

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"qalam/api/v1beta1"
)

// request is one line of the caller: exactly one of ask, tell, report and best.
type request struct {
	Ask     *int          `json:"ask"`
	Tell    *[]result     `json:"tell"`
	Report  *intermediate `json:"report"`
	Best    *bool         `json:"best"`
	Numbers bool          `json:"numbers"` // values as numbers where they are; otherwise all are texts
}

// result is what became of a trial: one that was handed out, by its number, or one of the caller's own, by its assignments.
type result struct {
	Number      *int             `json:"number"`
	Assignments map[string]field `json:"assignments"`
	State       string           `json:"state"`
	Value       field            `json:"value"`
	Values      map[string]field `json:"values"`
	Step        int64            `json:"step"`
}

// intermediate is the objective's value of a running trial at a step.
type intermediate struct {
	Number *int   `json:"number"`
	Step   *int64 `json:"step"`
	Value  field  `json:"value"`
}

// field is a value as a text, whether it was written as a text or as a number; "" where it was null.
type field struct {
	text  string
	given bool
}

// UnmarshalJSON takes texts, numbers and null.
func (f *field) UnmarshalJSON(data []byte) error {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return err
	}
	f.text, f.given = "", true
	switch v := v.(type) {
	case nil:
	case string:
		f.text = v
	case json.Number:
		f.text = v.String()
	case bool:
		f.text = fmt.Sprint(v)
	default:
		return errors.New("a value is a number or a text, not " + shorten(string(data)))
	}
	return nil
}

// fields are the names that each part of a request knows.
var fields = map[string][]string{
	"":       {"ask", "tell", "report", "best", "numbers"},
	"tell":   {"number", "assignments", "state", "value", "values", "step"},
	"report": {"number", "step", "value"},
}

// parse reads one line. Its error is meant for the caller.
func parse(line []byte) (request, error) {
	var r request
	line = finite(line)
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil {
		return r, fmt.Errorf("the line is not a JSON object: %s", reason(err))
	}
	if err := known(parts, ""); err != nil {
		return r, err
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, errors.New(reason(err))
	}
	verbs := 0
	for _, is := range []bool{r.Ask != nil, r.Tell != nil, r.Report != nil, r.Best != nil} {
		if is {
			verbs++
		}
	}
	if verbs != 1 {
		return r, errors.New(`a line holds exactly one of "ask", "tell", "report" and "best"`)
	}
	var entries []map[string]json.RawMessage
	switch {
	case r.Tell != nil:
		if err := json.Unmarshal(parts["tell"], &entries); err != nil {
			return r, errors.New(reason(err))
		}
		for i, e := range entries {
			if err := known(e, "tell"); err != nil {
				return r, fmt.Errorf("result %d: %w", i+1, err)
			}
		}
	case r.Report != nil:
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(parts["report"], &entry); err != nil {
			return r, errors.New(reason(err))
		}
		return r, known(entry, "report")
	}
	return r, nil
}

// known says which name of an object means nothing.
func known(parts map[string]json.RawMessage, of string) error {
	for name := range parts {
		if slices.Contains(fields[of], name) {
			continue
		}
		if near := v1beta1.Nearest(name, fields[of]); near != "" {
			return fmt.Errorf("%q means nothing here: did you mean %q?", shorten(name), near)
		}
		return fmt.Errorf("%q means nothing here: there are %s", shorten(name), strings.Join(fields[of], ", "))
	}
	return nil
}

// reason says what is wrong with a line in words that need no knowledge of Go.
func reason(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%v (at byte %d)", syntax, syntax.Offset)
	case errors.As(err, &typ) && typ.Field != "":
		return fmt.Sprintf("%q cannot be a %s", typ.Field, typ.Value)
	case errors.As(err, &typ):
		return "it is a " + typ.Value
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return err.Error()
}

// finite writes null for NaN and the infinities, which Python's json writes although JSON has none.
func finite(line []byte) []byte {
	if !bytes.Contains(line, []byte("NaN")) && !bytes.Contains(line, []byte("Infinity")) {
		return line
	}
	out := make([]byte, 0, len(line))
	for i, quoted := 0, false; i < len(line); {
		rest := line[i:]
		switch {
		case quoted && rest[0] == '\\' && len(rest) > 1:
			out, i = append(out, rest[:2]...), i+2
			continue
		case rest[0] == '"':
			quoted = !quoted
		case quoted:
		default:
			n := 0
			for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(rest, []byte(word)) {
					n = len(word)
				}
			}
			if n > 0 {
				out, i = append(out, "null"...), i+n
				continue
			}
		}
		out, i = append(out, rest[0]), i+1
	}
	return out
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}
