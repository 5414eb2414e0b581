package shim

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// F-27: a container that takes every task there is, and each that another gives back, does not hinder the shim in anything: it goes on
// starting, telling, asking and ending.
func TestNoTaskIsLeft(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	const tasks = 40
	spec := Spec{Namespaces: true, PIDs: true, Network: true, Tasks: tasks}
	if !numbersAreBounded(t) {
		t.Skip("this kernel has no limit for each PID namespace")
	}
	spec.Start = []Run{sh("yes 600 | xargs -n 1 -P 10000 sleep")} // xargs waits when it cannot fork, and tries again
	a := launch(t, t.TempDir(), spec)
	const full = 300 + tasks - 20 // numbers below 300 are given out once
	for len(marked(t, a.dir)) < full {
		time.Sleep(5 * time.Millisecond)
	}
	const more = 60
	padding := strings.Repeat("x", 100_000) // so that garbage is collected several times
	for i := range more {
		r := sh("true")
		r.Pod, r.Number, r.Hostname, r.Log = "q", i, "other", "more"
		r.Env = append(r.Env, "PADDING="+padding)
		file := fmt.Sprintf("more.%d.json", i)
		if err := WriteFile(a.dir, file, []Run{r}, false); err != nil {
			t.Fatal(err)
		}
		a.send(Command{Start: file})
	}
	refused := 0
	for i := range more {
		var e Exited
		a.await(fmt.Sprintf("q.c.%d.exit.json", i), &e)
		if e.Code == 126 && strings.Contains(e.Error, "all the processes and threads it may have (40)") {
			refused++
		} else if e.Code != 0 {
			t.Errorf("start %d: %+v", i, e)
		}
	}
	if refused == 0 {
		t.Error("there were tasks left")
	}
	a.send(Command{Fetch: &Fetch{Port: 1, Request: "hello", File: "answer", Max: 10}})
	var f Fetched
	a.await("answer", &f)
	if !strings.Contains(f.Error, "refused") {
		t.Errorf("answer %+v", f)
	}
	a.send(Command{Exit: "over"})
	a.wait()
	if left := marked(t, a.dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if c, lives, err := ReadClaim(a.dir); err != nil || lives || c.Done == nil || c.Done.Why != "over" {
		t.Errorf("claim: %+v, %v, %v", c, lives, err)
	}
}

// numbersAreBounded says whether this kernel bounds the numbers of a PID namespace of its own.
func numbersAreBounded(t *testing.T) bool {
	t.Helper()
	a := launch(t, t.TempDir(), Spec{Namespaces: true, PIDs: true, Tasks: 77, Final: true, Start: []Run{sh("cat /proc/sys/kernel/pid_max")}})
	a.wait()
	return a.log() == "377\n"
}

// Threads that containers were started from are back where they were: the shim neither makes one for each nor loses sight of what it had.
func TestThreadsReturn(t *testing.T) {
	tiers(t, func(t *testing.T, spec Spec) {
		one := sh("exec sleep 60")
		one.Hostname = "one"
		spec.Start = []Run{one}
		a := launch(t, t.TempDir(), spec)
		var s Started
		a.await("p.c.0.run.json", &s)
		before, shown := a.threads(), a.seen()
		for i := range 20 {
			r := sh("true")
			r.Number, r.Hostname, r.Mounts = i+1, "other", []Mount{{Source: "tmpfs", Target: "/mnt"}}
			file := fmt.Sprintf("more.%d.json", i)
			if err := WriteFile(a.dir, file, []Run{r}, false); err != nil {
				t.Fatal(err)
			}
			a.send(Command{Start: file})
			var e Exited
			a.await(r.Base()+ExitedTail, &e)
			if e.Code != 0 {
				t.Fatalf("%+v", e)
			}
		}
		after := a.threads()
		for id := range before {
			if !after[id] {
				t.Errorf("thread %s is gone", id)
			}
		}
		if now := a.seen(); now != shown {
			t.Errorf("its threads are in %s, were in %s", now, shown)
		}
		a.send(Command{Exit: "over"})
		a.wait()
	})
}

// threads are the shim's.
func (a *attempt) threads() map[string]bool {
	a.tb.Helper()
	all := map[string]bool{}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", a.cmd.Process.Pid))
	if err != nil {
		a.tb.Fatal(err)
	}
	for _, e := range entries {
		all[e.Name()] = true
	}
	return all
}

// seen are the namespaces and working directories of the shim's threads, each once.
func (a *attempt) seen() string {
	var all []string
	for _, what := range []string{"ns/mnt", "ns/uts", "cwd"} {
		found := map[string]bool{}
		for id := range a.threads() {
			if link, err := os.Readlink(fmt.Sprintf("/proc/%d/task/%s/%s", a.cmd.Process.Pid, id, what)); err == nil && !found[link] {
				found[link] = true
				all = append(all, link)
			}
		}
	}
	return strings.Join(all, " ")
}

// A container cannot end its shim, which is the first process of its PID namespace, by any signal.
func TestSignalsFromWithin(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	spec := Spec{Namespaces: true, PIDs: true, Network: true, Final: true}
	spec.Start = []Run{sh(`for s in $(seq 1 64); do kill -$s 1; done 2>/dev/null; sleep 0.1; grep SigIgn /proc/self/status; echo alive`)}
	a := launch(t, t.TempDir(), spec)
	a.wait()
	if a.log() != "SigIgn:\t0000000000000000\nalive\n" { // nor does it inherit that signals are ignored
		t.Errorf("log %q", a.log())
	}
	if c, _, err := ReadClaim(a.dir); err != nil || c.Done == nil || c.Done.Why != "final" {
		t.Errorf("claim: %+v, %v", c, err)
	}
}
