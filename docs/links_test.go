// Package docs_test holds the documentation to the truth: its links lead somewhere, its commands exist, its examples run.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const root = ".."

// pages lists all Markdown files of the repository, by their path from its root.
func pages(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			rel, _ := filepath.Rel(root, path)
			out = append(out, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	link     = regexp.MustCompile(`!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)`)
	codeSpan = regexp.MustCompile("`[^`]*`")
	heading  = regexp.MustCompile(`^#{1,6} +(.*)$`)
)

// prose is a page without its code blocks.
func prose(text string) []string {
	var out []string
	in := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			in = !in
			line = ""
		}
		if in {
			line = ""
		}
		out = append(out, line)
	}
	return out
}

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, line := range prose(text) {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		title := link.ReplaceAllStringFunc(m[1], func(l string) string { return l[strings.Index(l, "[")+1 : strings.LastIndex(l, "](")] })
		var b strings.Builder
		for _, r := range strings.ToLower(title) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				b.WriteRune(r)
			}
		}
		out[b.String()] = true
	}
	return out
}

// TestLinks follows every relative link, to files and to headings.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for number, line := range prose(read(t, page)) {
			plain := codeSpan.ReplaceAllString(line, "`x`")
			for _, m := range link.FindAllStringSubmatch(plain, -1) {
				if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
					continue
				}
				file, at, _ := strings.Cut(m[1], "#")
				target := page
				if file != "" {
					target = filepath.Join(filepath.Dir(page), file)
				}
				info, err := os.Stat(filepath.Join(root, target))
				if err != nil {
					t.Errorf("%s:%d: %s: there is no such file", page, number+1, m[1])
					continue
				}
				if at != "" && !info.IsDir() && strings.HasSuffix(target, ".md") && !anchors(read(t, target))[at] {
					t.Errorf("%s:%d: %s: there is no such heading", page, number+1, m[1])
				}
			}
		}
	}
}

func TestAnchors(t *testing.T) {
	got := anchors("# Fields of an Experiment\n```\n# no heading\n```\n## `spec.objective[]`, [why](x.md)?\n")
	for _, want := range []string{"fields-of-an-experiment", "specobjective-why"} {
		if !got[want] {
			t.Errorf("%q is missing in %v", want, got)
		}
	}
	if len(got) != 2 {
		t.Errorf("a line of code was taken for a heading: %v", got)
	}
}
