package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryFindingIsDocumented compares the codes in this package's source with the headings of the page that explains them.
func TestEveryFindingIsDocumented(t *testing.T) {
	const name = "../docs/reference/doctor.md"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	given := regexp.MustCompile(`\bCode(?::| =) *"(\w+)"`)
	var codes []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range given.FindAllSubmatch(source, -1) {
			codes = append(codes, string(m[1]))
		}
	}
	if len(codes) < 20 {
		t.Fatalf("only %d codes were found in the source: %v", len(codes), codes)
	}
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllSubmatch(page, -1) {
		told = append(told, string(m[1]))
	}
	for _, code := range codes {
		if !slices.Contains(told, code) {
			t.Errorf("%s does not explain %s", name, code)
		}
	}
	for _, code := range told {
		if !slices.Contains(codes, code) {
			t.Errorf("%s explains %s, which is no finding", name, code)
		}
	}
}
