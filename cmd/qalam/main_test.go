package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"qalam/runner/shim"
	"qalam/store"
)

func TestMain(m *testing.M) {
	shim.Main()
	testscript.Main(m, map[string]func(){
		"qalam": func() { os.Exit(execute(context.Background(), standard(), os.Args[1:])) },
	})
}

// TestScripts runs the stories in testdata: every command, with real trials.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("QALAM_HOME", filepath.Join(e.WorkDir, "qalam-home"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("LANG", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"until":    until,
			"replaced": replaced,
			"noted":    noted,
		},
	})
}

// exits CODE COMMAND… runs a command that is to end with an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, _ := strconv.Atoi(args[0]); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// until PATTERN COMMAND… runs a command again and again until its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND [ARG…]")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...) // what counts is the output
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%q did not come", args[0])
}

// replaced FILE PATTERN TEXT… rewrites a file (stdout, stderr), so that what differs from run to run can be compared.
func replaced(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args)%2 != 1 {
		ts.Fatalf("usage: replaced FILE PATTERN TEXT [PATTERN TEXT]…")
	}
	text := ts.ReadFile(args[0])
	for i := 1; i < len(args); i += 2 {
		text = regexp.MustCompile("(?m)"+args[i]).ReplaceAllString(text, args[i+1])
	}
	if err := os.WriteFile(ts.MkAbs(args[0]+".replaced"), []byte(text), 0o600); err != nil {
		ts.Fatalf("%v", err)
	}
}

// noted EXPERIMENT TRIAL KIND MESSAGE notes in the home what an engine would.
func noted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: noted EXPERIMENT TRIAL KIND MESSAGE")
	}
	ctx := context.Background()
	st, err := store.Open(ctx, ts.Getenv("QALAM_HOME"), store.Options{})
	ts.Check(err)
	defer func() { ts.Check(st.Close()) }()
	release, err := st.Own(ctx, "test")
	ts.Check(err)
	defer func() { ts.Check(release()) }()
	x, err := st.Find(ctx, "default", args[0])
	ts.Check(err)
	trial, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(st.Write(ctx, store.Batch{Experiment: x.UID, Events: []store.Event{{Time: time.Now(), Trial: trial, Kind: args[2], Message: args[3]}}}))
}

func TestStartsFast(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Figures are for the benchmark; this only shows that nothing is opened to print a version.
	dir := t.TempDir()
	link := filepath.Join(dir, "qalam")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, "version")
	cmd.Args[0] = "qalam"
	cmd.Env = append(os.Environ(), "QALAM_HOME="+filepath.Join(dir, "home"))
	out, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(out), "qalam ") {
		t.Fatalf("%q, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "home")); !os.IsNotExist(err) {
		t.Error("printing the version made a home")
	}
}

func BenchmarkVersion(b *testing.B) {
	exe := filepath.Join(b.TempDir(), "qalam")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for b.Loop() {
		if err := exec.Command(exe, "version").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEveryCommandIsExplained holds the help of every command to the least a person needs.
func TestEveryCommandIsExplained(t *testing.T) {
	root := newRoot(&app{console: standard()})
	for _, c := range documented(root) {
		if strings.Contains(c.CommandPath(), "completion") {
			continue // cobra's own
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short help is %q", c.CommandPath(), c.Short)
		}
		for _, line := range strings.Split(describe(c), "\n") {
			if len([]rune(line)) > 132 {
				t.Errorf("%s: a line of its help has %d characters", c.CommandPath(), len(line))
			}
		}
		eachFlag(c.NonInheritedFlags(), func(name, text string) {
			if text == "" {
				t.Errorf("%s %s is not explained", c.CommandPath(), name)
			}
		})
	}
	if page := roff(root); !strings.Contains(page, ".SH EXIT STATUS") || strings.Contains(page, "\n'") {
		t.Errorf("the manual page:\n%s", page)
	}
	reference, err := os.ReadFile("../../docs/reference/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(reference) != markdown(newRoot(&app{console: standard()})) {
		t.Error("docs/reference/cli.md is out of date: go generate ./cmd/qalam")
	}
}

func TestExitCodes(t *testing.T) {
	for code := range map[int]string{exitFailed: "", exitNoMetric: "", exitTimeout: "", exitConflict: "", exitInterrupted: "", exitTerminated: ""} {
		if !strings.Contains(exitCodesText, fmt.Sprintf("%5d  ", code)) {
			t.Errorf("exit code %d is not documented", code)
		}
		if got := exitCode(fmt.Errorf("wrapped: %w", silent(code))); got != code {
			t.Errorf("exit code %d became %d", code, got)
		}
	}
}
