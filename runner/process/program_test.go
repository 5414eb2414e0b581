package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

// buildShim builds the program beside which qalam is installed, with the tags of this one.
func buildShim(t *testing.T, folder string) string {
	t.Helper()
	path, tags := filepath.Join(folder, shim.Argv0), ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-tags" {
				tags = s.Value
			}
		}
	}
	if text, err := exec.Command("go", "build", "-tags", tags, "-o", path, "qalam/cmd/qalam-shim").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return path
}

// comm is the name of the file that an attempt's shim was started from.
func (b *bench) comm(a *attempt) string {
	b.tb.Helper()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", a.shim.pid))
	if err != nil {
		b.tb.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}

// Trials started through the program that is only a shim, and through this one, are the same: either engine takes over either's.
func TestShimPrograms(t *testing.T) {
	programs := map[string]Program{"exe": {}}
	folder := t.TempDir()
	path := buildShim(t, folder)
	programs[shim.Argv0] = FindProgram(folder)
	if p := programs[shim.Argv0]; p.File() != path || p.Why != "" {
		t.Fatalf("%s is not taken: %+v", path, p)
	}
	tiers(t, func(t *testing.T, tier provision.Tier) {
		for name, program := range programs {
			for _, next := range programs {
				home := t.TempDir()
				use := func(p Program) *bench { return newBench(t, home, tier, func(o *Options) { o.Program = p }) }
				first := use(program)
				one := script("one", "echo once; while [ ! -e go ]; do sleep 0.05; done; exit 3")
				first.start(one)
				first.untilRunning(one.ID)
				if got := first.comm(first.attempt(one.ID)); got != name {
					t.Errorf("its shim is %q, want %q", got, name)
				}
				first.close(true)
				b := use(next)
				b.start(one)
				b.untilRunning(one.ID)
				if err := os.WriteFile(filepath.Join(Folder(home, one.ID), "pods", "pod", "go"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if r := b.untilEnded(one.ID); r.Verdict.Phase != workload.Failed || r.Lost || r.Pods[0].Containers[0].Terminated.ExitCode != 3 {
					t.Errorf("%+v", r)
				}
				if log := b.log(one.ID, "pod/main/0.log"); log != "once\n" {
					t.Errorf("log %q", log)
				}
				b.close(false)
			}
		}
	})
}

// Whatever lies where the program should be: trials run, through this program where need be.
func TestWrongShimProgram(t *testing.T) {
	good := buildShim(t, t.TempDir())
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, text []byte, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, text, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name          string
		before, after func(path string) // it is looked for
		why           string
		used          bool
	}{
		{name: "missing"},
		{name: "a folder", before: func(path string) { os.Mkdir(path, 0o700) }, why: "permission denied"},
		{name: "not executable", before: func(path string) { write(path, text, 0o644) }, why: "permission denied"},
		{name: "no program", before: func(path string) { write(path, []byte("hello"), 0o755) }, why: "exec format error"},
		{name: "another program", before: func(path string) { write(path, []byte("#!/bin/sh\necho "+shim.Argv0+" 1234"), 0o755) }, why: "other sources"},
		{name: "a failing program", before: func(path string) { write(path, []byte("#!/bin/sh\nexit 1"), 0o755) }, why: "exit status 1"},
		{name: "a link that leads nowhere", before: func(path string) { os.Symlink("nowhere", path) }},
		{name: "good", before: func(path string) { write(path, text, 0o755) }, used: true},
		{name: "removed later", before: func(path string) { write(path, text, 0o755) }, after: func(path string) { os.Remove(path) }},
		{name: "replaced later", before: func(path string) { write(path, text, 0o755) }, after: func(path string) {
			os.Remove(path)
			write(path, []byte("#!/bin/sh\nexit 0"), 0o755)
		}},
		{name: "not executable any more", before: func(path string) { write(path, text, 0o755) }, after: func(path string) { os.Chmod(path, 0o644) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, shim.Argv0)
			if test.before != nil {
				test.before(path)
			}
			program := FindProgram(folder)
			if test.after != nil {
				test.after(path)
			}
			if used := program.File() == path; used != test.used || test.why == "" && program.Why != "" || !strings.Contains(program.Why, test.why) {
				t.Errorf("used %v: %q", used, program.Why)
			}
			b := newBench(t, t.TempDir(), provision.Plain, func(o *Options) { o.Program = program })
			one := script("one", "exit 0")
			b.start(one)
			if r := b.untilEnded(one.ID); r.Verdict.Phase != workload.Succeeded {
				t.Errorf("%+v", r)
			}
			if notes, err := os.ReadFile(filepath.Join(b.options.Home, "shims.log")); err != nil || !strings.Contains(string(notes), test.why) {
				t.Errorf("noted %q, %v", notes, err)
			}
		})
	}
	// One that cannot be executed although it seems the same.
	b := newBench(t, t.TempDir(), provision.Plain, nil)
	stale := filepath.Join(t.TempDir(), shim.Argv0)
	write(stale, text, 0o755)
	b.options.Program = FindProgram(filepath.Dir(stale))
	write(stale, []byte("hello"), 0o644)
	if b.options.Program.look(); b.options.Program.File() != stale {
		t.Fatal("it does not seem the same")
	}
	one := script("one", "exit 0")
	b.start(one)
	if r := b.untilEnded(one.ID); r.Verdict.Phase != workload.Succeeded {
		t.Errorf("%+v", r)
	}
}
