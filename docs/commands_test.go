package docs_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var bin string // folder of the program under test

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "qalam-docs")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		bin = dir
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "qalam"), "../cmd/qalam")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}())
}

// commands are the invocations of qalam in a shell line: its words behind "qalam", up to what ends a command.
func commands(line string) [][]string {
	var out [][]string
	var now []string
	in, fresh := false, true
	for _, w := range append(words(line), ";") {
		switch {
		case strings.ContainsAny(w, "|;&<>()") && len(w) == 1:
			if in {
				out = append(out, now)
			}
			in, now, fresh = false, nil, true
		case in:
			now = append(now, w)
		case w == "qalam" && fresh, w == "bin/qalam" && fresh:
			in = true
		default:
			fresh = strings.Contains(w, "=") || w == "sudo" || w == "$" || w == "timeout" || w == "time"
		}
	}
	return out
}

var longFlag = regexp.MustCompile(`--([a-z][-a-z]*)`)
var shortFlag = regexp.MustCompile(`(?m)^\s+-([a-zA-Z]), --`)

// flags of a command, as its help names them.
func flags(t *testing.T, command string, cache map[string][]string) []string {
	t.Helper()
	if known, ok := cache[command]; ok {
		return known
	}
	out, err := exec.Command(filepath.Join(bin, "qalam"), command, "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("qalam %s --help: %v\n%s", command, err, out)
	}
	var known []string
	_, list, _ := strings.Cut(string(out), "\nFlags:")
	for _, m := range longFlag.FindAllStringSubmatch(list, -1) {
		known = append(known, "--"+m[1])
	}
	for _, m := range shortFlag.FindAllStringSubmatch(list, -1) {
		known = append(known, "-"+m[1])
	}
	cache[command] = known
	return known
}

var knownCommand = regexp.MustCompile(`(?m)^  ([a-z][-a-z]*) +[A-Z]`)

// TestCommandsExist checks that every command that a page shows exists, with every flag.
func TestCommandsExist(t *testing.T) {
	help, err := exec.Command(filepath.Join(bin, "qalam"), "help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"exit-codes", "man"}
	for _, m := range knownCommand.FindAllStringSubmatch(string(help), -1) {
		names = append(names, m[1])
	}
	cache := map[string][]string{}
	seen := 0
	for _, page := range pages(t) {
		for _, b := range blocks(page, read(t, page)) {
			var lines []string
			switch b.lang {
			case "console":
				for _, s := range steps(b.text) {
					lines = append(lines, s.command)
				}
			case "sh", "shell", "bash":
				lines = strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n")
			}
			for _, line := range lines {
				for _, words := range commands(line) {
					seen++
					checkCommand(t, b.at(), line, words, names, cache)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands were found", seen)
	}
}

func checkCommand(t *testing.T, at, line string, words, names []string, cache map[string][]string) {
	t.Helper()
	if len(words) == 0 {
		return
	}
	if strings.HasPrefix(words[0], "-") {
		t.Errorf("%s: %s: a command is expected behind qalam", at, line)
		return
	}
	if !slices.Contains(names, words[0]) {
		t.Errorf("%s: %s: there is no command %q", at, line, words[0])
		return
	}
	if words[0] == "help" || words[0] == "exit-codes" {
		return
	}
	known := flags(t, words[0], cache)
	for _, w := range words[1:] {
		if w == "--" {
			break
		}
		if name, _, _ := strings.Cut(w, "="); len(name) > 1 && name[0] == '-' && !slices.Contains(known, name) {
			t.Errorf("%s: %s: qalam %s has no flag %s", at, line, words[0], name)
		}
	}
}

// TestExamplesRun writes the files of every page and runs its blocks marked "run", each page in a folder of its own in which
// the repository's examples are at hand. What is printed must be what the page shows; … stands for anything.
func TestExamplesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("runs trials")
	}
	ran := 0
	for _, page := range pages(t) {
		all := blocks(page, read(t, page))
		if !slices.ContainsFunc(all, func(b block) bool { _, ok := b.words["run"]; return ok }) {
			continue
		}
		ran++
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			runPage(t, all)
		})
	}
	if ran == 0 {
		t.Error("no page has an example")
	}
}

func runPage(t *testing.T, all []block) {
	dir := t.TempDir()
	examples, err := filepath.Abs(filepath.Join(root, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(examples, filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		if name, ok := b.words["file"]; ok {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(b.text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := b.words["run"]; !ok {
			continue
		}
		for _, s := range steps(b.text) {
			runStep(t, dir, b, s)
		}
	}
}

func runStep(t *testing.T, dir string, b block, s step) {
	t.Helper()
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", s.command)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "QALAM_HOME="+filepath.Join(dir, ".qalam"), "PATH="+bin+":"+os.Getenv("PATH"), "LANG=C.UTF-8",
		"XDG_CONFIG_HOME="+filepath.Join(dir, ".config"))
	out, err := cmd.CombinedOutput()
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if want := max(b.words["exit"], "0"); code != want {
		t.Errorf("%s: $ %s: exit code %s, want %s\n%s", b.at(), s.command, code, want, out)
		return
	}
	if !shown(s.output).Match(out) {
		t.Errorf("%s: $ %s printed\n%s\nbut the page shows\n%s", b.at(), s.command, out, s.output)
	}
}

var blanks = regexp.MustCompile(` {2,}`)

// shown is a pattern for what a page shows: … is anything on a line, a line of … alone is any number of lines, and several
// blanks are as good as any number.
func shown(text string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`^(?:`)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if line == "…" {
			b.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		q := regexp.QuoteMeta(line)
		q = strings.ReplaceAll(q, "…", `[^\n]*`)
		b.WriteString(blanks.ReplaceAllString(q, ` +`) + `[ ]*\n`)
	}
	b.WriteString(`)$`)
	return regexp.MustCompile(b.String())
}

func TestShown(t *testing.T) {
	for _, c := range []struct {
		shown, printed string
		fits           bool
	}{
		{"a  b\n", "a      b\n", true},
		{"took …\n", "took 4.2s\n", true},
		{"took …\n", "took 4.2s\nmore\n", false},
		{"a\n…\nz\n", "a\nb\nc\nz\n", true},
		{"a\n…\nz\n", "a\nz\n", true},
		{"a.b\n", "axb\n", false},
		{"", "a\n", false},
	} {
		if shown(c.shown).MatchString(c.printed) != c.fits {
			t.Errorf("%q for %q: want %v", c.shown, c.printed, c.fits)
		}
	}
}

func TestCommands(t *testing.T) {
	for line, want := range map[string]string{
		`qalam run x.yaml --seed 7`:                               "run x.yaml --seed 7",
		`cat x | qalam run -`:                                     "run -",
		`python3 train.py $(qalam best mnist -o args)`:            "best mnist -o args",
		`QALAM_HOME=/x qalam list; echo qalam is done`:            "list",
		"qalam tune \\\n  --param 'lr=log:1e-5..1' -- ./t '{lr}'": "tune --param lr=log:1e-5..1 -- ./t {lr}",
		`grep qalam x`: "",
	} {
		got := ""
		if all := commands(line); len(all) > 0 {
			got = strings.Join(all[0], " ")
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
