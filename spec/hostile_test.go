package spec

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"qalam/api/v1beta1"
	"qalam/suggest"
)

// hostile are inputs made to cost time or memory, to be read differently by different readers, or to look like what they are
// not. Those that end in ok are merely odd.
func hostile() map[string]string {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	merges := "m0: &m0 {k: v}\n"
	for i := 1; i < 200; i++ {
		merges += fmt.Sprintf("m%d: &m%d {<<: [*m%d, *m%d], k%d: v}\n", i, i, i-1, i-1, i)
	}
	var keys strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&keys, "key%d: 1\n", i)
	}
	utf16le := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("kind: Experiment\n")) {
		utf16le = binary.LittleEndian.AppendUint16(utf16le, u)
	}
	name := func(s string) string {
		return strings.Replace(tutorial, "name: pytorchjob-mnist", "name: "+s, 1)
	}
	return map[string]string{
		"alias bomb":              bomb,
		"alias bomb in blocks":    "a: &a\n- x\n- x\nb: &b\n- *a\n- *a\n" + strings.Repeat("c: [*b, *b, *b, *b]\n", 20_000),
		"alias of itself":         "a: &a [*a]\n",
		"merge of itself":         "a: &a\n  <<: *a\n",
		"merge chains":            merges,
		"merge of a text":         "a: &a x\nb: {<<: *a}\n",
		"deep flow":               strings.Repeat("[", 1_000_000),
		"deep flow, closed":       strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"deep maps":               strings.Repeat("{a: ", 9_000),
		"deep blocks":             strings.Repeat("- ", 9_000) + "a",
		"deep questions":          strings.Repeat("? ", 9_000) + "a",
		"many keys":               keys.String(),
		"many keys in flow":       "{" + strings.ReplaceAll(keys.String(), "\n", ",") + "}",
		"a million entries":       "a: [" + strings.Repeat("1,", 450_000) + "]",
		"long list of blocks":     strings.Repeat("- a\n", 250_000),
		"many anchors":            strings.Repeat("- &a a\n- *a\n", 80_000),
		"a long text":             "a: " + strings.Repeat("x", 10<<20),
		"a text of 300 KiB":       "a: " + strings.Repeat("x", 300<<10),
		"a long key":              strings.Repeat("k", 900<<10) + ": 1",
		"many documents":          strings.Repeat("---\na: 1\n", 10_000),
		"only separators":         strings.Repeat("---\n", 250_000),
		"duplicate key":           "kind: Experiment\nkind: Job\n",
		"key as a list":           "? [a]\n: b\n",
		"anchor in a key":         "&a a: 1\n*a : 2\n",
		"binary":                  "a: !!binary aGVsbG8=\n",
		"python":                  "a: !!python/object/apply:os.system [id]\n",
		"own tag":                 "a: !x 1\n",
		"NUL":                     "a: \x00\n",
		"escape":                  "a: \"\\0\"\n",
		"control character":       "a: \x1b[31m\n",
		"C1":                      "a: \u0085b\n",
		"bidi":                    "a: \u202ereversed\n",
		"bidi isolate":            "a: \"\\u2066x\"\n",
		"invalid UTF-8":           "a: \xff\xfe\n",
		"lone surrogate":          "a: \xed\xa0\x80\n",
		"UTF-16":                  string(utf16le),
		"tabs":                    "a:\n\tb: 1\n",
		"garbage":                 "\x7fELF\x02\x01\x01",
		"HTML":                    "<!DOCTYPE html><html></html>",
		"empty":                   "",
		"comment":                 "# nothing\n",
		"null":                    "null\n",
		"number":                  "42\n",
		"list":                    "- a\n- b\n",
		"trailing garbage":        tutorial + "}\n",
		"proto":                   "__proto__: {kind: Experiment}\n",
		"name of 253 characters":  name(strings.Repeat("a", 253)),
		"name with dots":          name("a.b"),
		"name that begins with 1": name("1a"),
		"name from elsewhere":     name("../../etc/passwd"),
		"name in Arabic":          name("قلم"),
		"name of full width":      name("ａｂｃ"),
		"list of a million":       strings.Replace(tutorial, `["0.5", "0.6", "0.7"]`, "["+strings.Repeat("1,", 100_000)+"]", 1),
		"list of 10,001":          strings.Replace(tutorial, `["0.5", "0.6", "0.7"]`, numbers(10_001), 1),
		"BOM ok":                  "\ufeff" + tutorial,
		"surrogates ok":           emoji,
		"CRLF ok":                 strings.ReplaceAll(tutorial, "\n", "\r\n"),
		"list of 9,000 ok":        strings.Replace(tutorial, `["0.5", "0.6", "0.7"]`, numbers(9_000), 1),
		"a script of 200 KiB ok": tutorial + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  train.py: |\n" +
			strings.Repeat("    x = {'a': [1, 2, 3], 'b': (4, 5), 'c': f(x, y)}\n", 4000),
	}
}

// emoji is an Experiment as JSON that holds a character beyond U+FFFF.
const emoji = `{"apiVersion":"kubeflow.org/v1beta1","kind":"Experiment","metadata":{"name":"json","annotations":{"a":"\ud83d\ude00"}},
 "spec":{"objective":{"type":"minimize","objectiveMetricName":"loss"},"algorithm":{"algorithmName":"random"},"maxTrialCount":2,
 "parameters":[{"name":"lr","parameterType":"double","feasibleSpace":{"min":"0.01","max":"0.03"}}],
 "trialTemplate":{"primaryContainerName":"training","trialParameters":[{"name":"lr","reference":"lr"}],
 "trialSpec":{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"training","command":["train","${trialParameters.lr}"]}]}}}}}`

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",%d", i)
	}
	return "[" + b.String()[1:] + "]"
}

var tutorial = func() string {
	data, err := os.ReadFile(filepath.Join("..", "examples", "pytorchjob-mnist.yaml"))
	if err != nil {
		panic(err)
	}
	return string(data)
}()

func load(text string) (*Experiment, Faults) {
	return Load([]File{{Name: "x.yaml", Data: []byte(text)}}, Options{Registry: suggest.Builtin()})
}

func TestTheTutorialIsClean(t *testing.T) {
	if x, faults := load(tutorial); x == nil || len(faults) > 0 {
		t.Fatal(faults)
	}
}

func TestHostileInputIsRefused(t *testing.T) {
	for name, text := range hostile() {
		x, faults := load(text)
		if ok := strings.HasSuffix(name, " ok"); ok != (x != nil) {
			t.Errorf("%s: accepted: %v\n%v", name, x != nil, faults)
		} else if ok && len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		for _, f := range faults {
			if len(f.Error()) > 2000 {
				t.Errorf("%s: a fault of %d bytes", name, len(f.Error()))
			}
		}
	}
}

// TestHostileInputIsCheap reads every input in a process that may not have more than 64 MiB of memory for its heap: the limit of
// the address space is far above that, since Go reserves much that it does not use.
func TestHostileInputIsCheap(t *testing.T) {
	if os.Getenv("QALAM_HOSTILE") != "" {
		var before, after runtime.MemStats
		for name, text := range hostile() {
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			load(text)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			fmt.Printf("%-26s %8.1f ms %6.1f MiB\n", name, float64(took.Microseconds())/1000, float64(after.TotalAlloc-before.TotalAlloc)/(1<<20))
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 64<<20 {
				t.Errorf("%s: allocated %d MiB", name, allocated>>20)
			}
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `ulimit -v 4000000; exec "$0" -test.run '^TestHostileInputIsCheap$' -test.timeout 60s`, exe)
	if raceEnabled {
		cmd = exec.Command(exe, "-test.run", "^TestHostileInputIsCheap$", "-test.timeout", "120s") // it needs the address space itself
	}
	cmd.Env = append(os.Environ(), "QALAM_HOSTILE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestEveryFieldRefusesWhatItIsNot puts a null, a list, a map and numbers that readers disagree on into every field.
func TestEveryFieldRefusesWhatItIsNot(t *testing.T) {
	count := 0
	var walk func(typ reflect.Type, path []string)
	walk = func(typ reflect.Type, path []string) {
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if len(path) > 0 {
			numeric := typ.Kind() == reflect.Int32 || typ.Kind() == reflect.Int64 || typ.Kind() == reflect.Float64
			for _, value := range []string{"null", "[[1]]", "{a: {b: 1}}", ".nan", ".inf", "-.inf", "1e999", "0x10", "010", "1_0", "x", "''", "!!int x"} {
				text := "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\nmetadata: {name: a}\n" + strings.Join(path, "") + value
				text += closings(path)
				x, faults := load(text)
				if x != nil {
					t.Errorf("%s was accepted", text)
				}
				if at := pathOf(path); numeric && value != "null" && !hasError(faults, at) {
					t.Errorf("%s: no error at %s:\n%v", text, at, faults)
				}
				count++
			}
		}
		switch typ.Kind() {
		case reflect.Slice:
			if typ.Elem().Kind() != reflect.Uint8 {
				walk(typ.Elem(), append(path[:len(path):len(path)], "["))
			}
		case reflect.Struct:
			f := fieldsOf(typ)
			for _, name := range f.names {
				walk(typ.FieldByIndex(f.index[name]).Type, append(path[:len(path):len(path)], "{"+name+": "))
			}
		}
	}
	f := fieldsOf(reflect.TypeFor[v1beta1.ExperimentSpec]())
	for _, name := range f.names {
		walk(reflect.TypeFor[v1beta1.ExperimentSpec]().FieldByIndex(f.index[name]).Type, []string{"spec: {" + name + ": "})
	}
	if count < 500 {
		t.Errorf("only %d were tried", count)
	}
}

func closings(path []string) string {
	var b strings.Builder
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == "[" {
			b.WriteString("]")
		} else {
			b.WriteString("}")
		}
	}
	return b.String()
}

func pathOf(path []string) string {
	out := "spec"
	for _, p := range path {
		if p == "[" {
			out += "[0]"
			continue
		}
		out += "." + strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(p, "spec: "), "{"), ": ")
	}
	return out
}

func hasError(faults Faults, path string) bool {
	for _, f := range faults.Errors() {
		if f.Path == path || f.Path == "" {
			return true
		}
	}
	return false
}

func FuzzParse(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 64<<10 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(tutorial))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, faults := load(string(data))
		if (x == nil) != (len(faults.Errors()) > 0) {
			t.Fatalf("result %v with %v", x != nil, faults)
		}
		if x == nil {
			return
		}
		again, faults := load(string(x.Source))
		if again == nil {
			t.Fatalf("what is stored cannot be read again: %v", faults)
		}
		if d := difference(reflect.ValueOf(x.Wire.Spec), reflect.ValueOf(again.Wire.Spec), "spec"); d != "" {
			t.Fatalf("what is stored differs at %s", d)
		}
	})
}
