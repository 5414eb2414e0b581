// Package qalam_test checks the shape of the repository: which package may import which, and how large files and functions are.
package qalam_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport is the table of docs/design.md: a package (with everything below it, unless that has a row of its own) and the
// packages of ours it may import besides those below itself.
var mayImport = map[string][]string{
	"typo":             {},
	"space":            {},
	"metrics":          {},
	"suggest":          {"space", "typo"},
	"experiment":       {"space", "metrics", "suggest", "suggest/pareto"},
	"workload":         {},
	"doctor":           {"workload"},
	"api/v1beta1":      {"typo"},
	"spec":             {"api/v1beta1", "experiment", "space", "suggest", "suggest/nas"},
	"store":            {"experiment", "metrics", "space", "suggest"},
	"runner":           {"workload", "metrics"},
	"runner/shim":      {},
	"runner/provision": {"runner", "workload", "typo"},
	"runner/resources": {"runner", "runner/provision", "workload"},
	"runner/process":   {"runner", "runner/shim", "runner/provision", "workload", "metrics"},
	"engine":           {"space", "metrics", "suggest", "experiment", "workload", "doctor", "spec", "store", "runner"},
}

// pure packages reach nothing outside the standard library (gonum below suggest aside), and of that nothing that does I/O.
var pure = []string{"typo", "space", "metrics", "suggest", "experiment", "workload", "doctor"}

// impure standard packages: the core gets time, randomness and bytes as arguments.
var impure = []string{"os", "net", "net/http", "log", "log/slog", "os/exec", "syscall", "context", "database/sql"}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// row finds the longest row of mayImport that covers a package, "" when none does.
func row(path string) string {
	for ; path != "."; path = filepath.Dir(path) {
		if _, ok := mayImport[path]; ok {
			return path
		}
	}
	return ""
}

func TestImportDirections(t *testing.T) {
	for _, p := range list(t, "./...") {
		path, ok := strings.CutPrefix(p.ImportPath, "qalam/")
		if !ok || strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "examples/") || path == "bench" || strings.HasPrefix(path, "bench/") || path == "e2e" || path == "docs" || strings.HasPrefix(path, "docs/") {
			continue // wiring may import everything; examples, benchmarks, end-to-end tests and documentation stand outside
		}
		own := row(path)
		if own == "" {
			t.Errorf("%s has no row in the table: say in docs/design.md and here what it may import", path)
			continue
		}
		for _, imp := range p.Imports {
			target, ours := strings.CutPrefix(imp, "qalam/")
			if !ours || target == own || strings.HasPrefix(target, own+"/") || strings.HasPrefix(path, target+"/") && row(target) == own {
				continue
			}
			if !slices.ContainsFunc(mayImport[own], func(a string) bool { return target == a }) {
				t.Errorf("%s imports %s, which its row does not allow", path, target)
			}
		}
	}
}

func TestCoreReachesNothing(t *testing.T) {
	standard := map[string]bool{}
	for _, p := range list(t, "std") {
		standard[p.ImportPath] = true
	}
	for _, name := range pure {
		for _, p := range list(t, "./"+name+"/...") {
			if strings.HasSuffix(p.ImportPath, "test") { // conformance suites
				continue
			}
			for _, dep := range p.Deps {
				own := strings.HasPrefix(dep, "qalam/")
				gonum := name == "suggest" && strings.HasPrefix(dep, "gonum.org/v1/gonum")
				if !own && !gonum && !standard[dep] {
					t.Errorf("%s reaches %s: the core has no third-party package", p.ImportPath, dep)
				}
			}
			for _, imp := range p.Imports {
				if slices.Contains(impure, imp) {
					t.Errorf("%s imports %s: the core does no I/O and reads no clock", p.ImportPath, imp)
				}
			}
		}
	}
}

// TestCoreStartsNoGoroutine also says why the search is tested without the race detector: there is nothing to race.
func TestCoreStartsNoGoroutine(t *testing.T) {
	for _, dir := range pure {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if _, starts := n.(*ast.GoStmt); starts {
					t.Errorf("%s starts a goroutine: the core is used by one at a time", path)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestKubernetesStaysOutside(t *testing.T) {
	allowed := []string{"api/", "spec", "operator", "runner/kube", "cmd/", "bench", "engine", "docs/", "e2e"}
	for _, p := range list(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, "qalam/")
		if slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(path, a) }) {
			continue
		}
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, "k8s.io/") || strings.HasPrefix(dep, "sigs.k8s.io/") {
				t.Errorf("%s reaches %s", path, dep)
				break
			}
		}
	}
}

// A shim is started for every attempt: what its program does not hold need not be loaded.
func TestShimProgramIsSmall(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/qalam-shim") {
		third := !p.Standard && !strings.HasPrefix(p.ImportPath, "qalam/") && p.ImportPath != "golang.org/x/sys/unix"
		ours := strings.HasPrefix(p.ImportPath, "qalam/") && p.ImportPath != "qalam/cmd/qalam-shim" && p.ImportPath != "qalam/runner/shim"
		if third || ours || p.ImportPath == "net" || strings.HasPrefix(p.ImportPath, "crypto/") || p.ImportPath == "os/exec" {
			t.Errorf("cmd/qalam-shim holds %s", p.ImportPath)
		}
	}
}

const (
	maxFileLines = 500
	maxFuncLines = 80
)

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	forbidden := []string{"util", "utils", "common", "helpers", "types"}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() && slices.Contains(forbidden, d.Name()) {
			t.Errorf("%s: a package is named after what it does", path)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(d.Name(), "zz_generated") {
			return nil
		}
		return checkSize(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkSize(t *testing.T, path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := bytes.Count(src, []byte("\n")); n > maxFileLines {
		t.Errorf("%s has %d lines, more than %d", path, n, maxFileLines)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, src, 0)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		if n := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; n > maxFuncLines {
			t.Errorf("%s: %s has %d lines, more than %d", path, f.Name.Name, n, maxFuncLines)
		}
	}
	return nil
}
