// Command reference writes those parts of docs/reference that are facts of the code: the fields of an Experiment, the algorithms with
// their settings, the variables that trials get. It knows the code's tables and must not know anything that is not in them.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qalam/runner/provision"
	"qalam/suggest"
	all "qalam/suggest/algorithms"
)

//go:generate go run . ../../reference

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reference FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

// write brings the pages in a folder up to date.
func write(dir string) error {
	pages, err := pages(dir)
	if err != nil {
		return err
	}
	for name, content := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages returns the content of every page that is generated, whole or in part, by its name.
func pages(dir string) (map[string]string, error) {
	fields, err := experimentPage()
	if err != nil {
		return nil, err
	}
	out := map[string]string{"experiment.md": fields}
	registry := all.All()
	for page, part := range map[string]struct{ mark, text string }{
		"algorithms.md":  {"algorithms", algorithms(registry)},
		"environment.md": {"passed", passed()},
	} {
		b, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			return nil, err
		}
		if out[page], err = replace(string(b), part.mark, part.text); err != nil {
			return nil, fmt.Errorf("%s: %w", page, err)
		}
	}
	return out, nil
}

// replace puts text between the marks of a generated part.
func replace(page, mark, text string) (string, error) {
	begin, end := "<!-- generated: "+mark+" -->\n", "<!-- end of generated -->"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("the marks %q and %q are not there", strings.TrimSpace(begin), end)
	}
	return head + begin + "\n" + text + "\n" + end + tail, nil
}

// algorithms is a section for each algorithm and each rule.
func algorithms(r suggest.Registry) string {
	var b strings.Builder
	for _, a := range r.Algorithms {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s", a.Name, a.Doc, settings(a.Settings))
	}
	for _, s := range r.StopRules {
		fmt.Fprintf(&b, "### %s\n\nRule for early stopping. %s\n\n%s", s.Name, s.Doc, settings(s.Settings))
	}
	return b.String()
}

func settings(list []suggest.Setting) string {
	if len(list) == 0 {
		return "No settings.\n\n"
	}
	var b strings.Builder
	b.WriteString("| setting | type | default | meaning |\n|---|---|---|---|\n")
	for _, s := range list {
		def := "–"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.Kind, def, cell(s.Doc))
	}
	return b.String() + "\n"
}

// passed lists the user's variables that trials get.
func passed() string {
	return "`" + strings.Join(provision.PassedEnv, "`, `") + "`\n"
}

// cell makes text fit into a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
