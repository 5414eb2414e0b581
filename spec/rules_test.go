package spec

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"qalam/suggest"
)

var update = flag.Bool("update", false, "write the results into testdata instead of comparing them")

// TestRules reads testdata/rules/*.txtar: each archive has a base.yaml, and cases that change it. A case consists of lines to be
// found in the base ("- …", together once), the lines that take their place ("+ …"), any number of times, and below them the
// faults of the changed document, exactly. A case may set options in a line "strict" or "name …".
func TestRules(t *testing.T) {
	for _, name := range archives(t, "rules") {
		archive := readArchive(t, name)
		base := string(archive.Files[0].Data)
		for i := 1; i < len(archive.Files); i++ {
			f := &archive.Files[i]
			t.Run(strings.ReplaceAll(f.Name, " ", "_"), func(t *testing.T) {
				script, want, _ := strings.Cut(string(f.Data), "=>\n")
				text, options := edit(t, base, script)
				_, faults := Load([]File{{Name: "x.yaml", Data: []byte(text)}}, options)
				got := faults.Error()
				if got != "" {
					got += "\n"
				}
				if *update {
					f.Data = []byte(script + "=>\n" + got)
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
		writeArchive(t, name, archive)
	}
}

// edit applies the lines of a case to a text.
func edit(t *testing.T, text, script string) (string, Options) {
	t.Helper()
	o := Options{Registry: suggest.Builtin()}
	var from, to []string
	flush := func() {
		if from == nil && to == nil {
			return
		}
		old := strings.Join(from, "\n") + "\n"
		if from == nil {
			text += strings.Join(to, "\n") + "\n"
		} else {
			if strings.Count(text, old) != 1 {
				t.Fatalf("%d times in the base: %q", strings.Count(text, old), old)
			}
			replacement := strings.Join(to, "\n")
			if to != nil {
				replacement += "\n"
			}
			text = strings.Replace(text, old, replacement, 1)
		}
		from, to = nil, nil
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "- "):
			if to != nil {
				flush()
			}
			from = append(from, line[2:])
		case strings.HasPrefix(line, "+ "):
			to = append(to, line[2:])
		case line == "strict":
			o.Strict = true
		case strings.HasPrefix(line, "name "):
			o.Name = line[len("name "):]
		}
	}
	flush()
	return text, o
}

// TestAccept reads testdata/accept/*.txtar: documents, and below them what they come to and the warnings.
func TestAccept(t *testing.T) {
	for _, name := range archives(t, "accept") {
		archive := readArchive(t, name)
		for i := 0; i+1 < len(archive.Files); i += 2 {
			in, out := &archive.Files[i], &archive.Files[i+1]
			t.Run(filepath.Base(name)+"/"+in.Name, func(t *testing.T) {
				x, faults := Load([]File{{Name: in.Name, Data: in.Data}}, Options{Registry: suggest.Builtin()})
				got := faults.Error() + "\n"
				if x != nil {
					got = summary(t, x) + got
					again, _ := Load([]File{{Name: in.Name, Data: x.Source}}, Options{Registry: suggest.Builtin()})
					if again == nil {
						t.Fatal("what is stored cannot be read again")
					}
					if diff := cmp.Diff(summary(t, x), summary(t, again)); diff != "" {
						t.Errorf("what is stored differs: %s", diff)
					}
				}
				if *update {
					out.Data = []byte(got)
				} else if diff := cmp.Diff(string(out.Data), got); diff != "" {
					t.Error(diff)
				}
			})
		}
		writeArchive(t, name, archive)
	}
}

// summary writes an Experiment as text.
func summary(t *testing.T, x *Experiment) string {
	t.Helper()
	s := x.Spec
	var documents []string
	for name := range x.Documents {
		documents = append(documents, name)
	}
	data, err := json.MarshalIndent(map[string]any{
		"name": s.Namespace + "/" + s.Name, "objective": s.Objective, "algorithm": s.Algorithm, "earlyStopping": s.EarlyStopping,
		"budgets":    []any{s.ParallelTrialCount, s.MaxTrialCount, s.MaxFailedTrialCount},
		"parameters": s.Space.Parameters(), "resume": s.Resume, "seed": s.Seed, "collector": x.Collector, "conditions": x.Conditions,
		"primary": x.PrimaryPodLabels, "container": x.PrimaryContainer, "retain": x.Retain, "documents": len(documents), "runtimes": len(x.Runtimes),
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data) + "\n"
}

func archives(t *testing.T, folder string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives in testdata/%s: %v", folder, err)
	}
	return names
}

func readArchive(t *testing.T, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func writeArchive(t *testing.T, name string, a *txtar.Archive) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
