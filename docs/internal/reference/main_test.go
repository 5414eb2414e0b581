package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPagesAreUpToDate fails when the code's tables have changed and the pages have not.
func TestPagesAreUpToDate(t *testing.T) {
	dir := filepath.Join("..", "..", "reference")
	all, err := pages(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is out of date: run go generate ./docs/...", name)
		}
	}
}

func TestEveryFieldIsThere(t *testing.T) {
	got, err := experimentPage()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"## spec.parameters[].feasibleSpace\n", "## spec.trialTemplate\n", "[`objective`](#specobjective)",
		"| `maxTrialCount` | integer | no limit", "## Trial.status\n", "| `objectiveMetricName` | text | required |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

func TestReplace(t *testing.T) {
	page := "a\n<!-- generated: x -->\nold\n<!-- end of generated -->\nb\n"
	got, err := replace(page, "x", "new\n")
	if want := "a\n<!-- generated: x -->\n\nnew\n\n<!-- end of generated -->\nb\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if again, err := replace(got, "x", "new\n"); err != nil || again != got {
		t.Errorf("twice is not the same as once: %q, %v", again, err)
	}
	if _, err := replace(page, "y", "new"); err == nil {
		t.Error("marks that are missing were not noticed")
	}
}
