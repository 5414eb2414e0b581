package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/resources"
	"qalam/runner/shim"
	"qalam/workload"
)

// playEngine is an engine in a process of its own: it starts TRIALS trials of SCRIPT and says when each runs, until it is killed.
func playEngine() {
	n, _ := strconv.Atoi(os.Getenv("TRIALS"))
	iso := Isolation{Tier: provision.Tier(os.Getenv("TIER")), PIDs: true, User: os.Geteuid() != 0}
	var p Pool = &pool{held: map[runner.ID]bool{}}
	if locks := os.Getenv("LOCKS"); locks != "" {
		var err error
		p, err = resources.New(resources.Options{Capacity: capacityOfTests, Locks: locks})
		exitOn(err)
	}
	r, err := New(Options{Home: os.Getenv("HOME"), Isolation: iso, Pool: p, Provisioner: literal{}, Judge: judge(0)})
	exitOn(err)
	for i := range n {
		exitOn(r.Start(context.Background(), listening(fmt.Sprint("t", i), os.Getenv("SCRIPT"))))
	}
	told := map[string]bool{}
	for report := range r.Reports() {
		if report.Verdict.Phase == workload.Active && !told[report.ID.Trial] {
			told[report.ID.Trial] = true
			fmt.Println("runs", report.ID.Trial)
		}
	}
}

// engine starts such a process.
func engine(tb testing.TB, home string, tier provision.Tier, trials int, script string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(env, "ROLE=engine", "HOME="+home, "TIER="+string(tier), "SCRIPT="+script, "TRIALS="+strconv.Itoa(trials))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// F-01, F-02: trials go on when the engine is killed, and the next engine takes them over, whether they still run or have ended.
func TestEngineKilled(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		home := t.TempDir()
		b := newBench(t, home, tier, nil)
		const script = `echo begin; while [ ! -e ../go ]; do sleep 0.05; done; echo end`
		cmd, out := engine(t, home, tier, 3, script)
		for range 3 {
			if !out.Scan() || !strings.HasPrefix(out.Text(), "runs ") {
				t.Fatalf("the engine says %q", out.Text())
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		early := Folder(home, runner.ID{Experiment: "uid", Trial: "t0", Attempt: 1})
		if err := os.WriteFile(filepath.Join(early, "pods", "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if claim, _, err := shim.ReadClaim(early); err == nil && claim.Done != nil {
				break // it has ended while no engine was there
			}
		}
		for i := range 3 {
			one := task(fmt.Sprint("t", i), pods(onePod("pod", box("main", script))))
			b.start(one)
			if i > 0 {
				b.untilRunning(one.ID)
				if err := os.WriteFile(filepath.Join(Folder(home, one.ID), "pods", "go"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := b.untilEnded(one.ID)
			if r.Verdict.Phase != workload.Succeeded || r.Lost || r.Stopped {
				t.Errorf("got %+v", r)
			}
			if log := b.log(one.ID, "pod/main/0.log"); log != "begin\nend\n" {
				t.Errorf("log %q", log)
			}
		}
		if b.pool.restored != 3 {
			t.Errorf("%d grants restored", b.pool.restored)
		}
	})
}

// A Runner that leaves its trials alone hands them to the next, which can stop them and start what is due.
func TestLeaveAndAdopt(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		home := t.TempDir()
		first := newBench(t, home, tier, nil)
		p := onePod("pod", box("main", `echo run; while [ ! -e ../go ]; do sleep 0.02; done; echo x >> ../n; test $(wc -l < ../n) -ge 2`))
		p.Restart = workload.RestartOnFailure
		again, endless := task("again", pods(p)), script("endless", "sleep 300")
		for _, one := range []runner.Task{again, endless} {
			first.start(one)
			first.untilRunning(one.ID)
		}
		first.close(true)
		second := newBench(t, home, tier, nil)
		for _, one := range []runner.Task{again, endless} {
			second.start(one)
			second.untilRunning(one.ID)
		}
		second.Stop(endless.ID, time.Second)
		if r := second.untilEnded(endless.ID); !r.Stopped {
			t.Errorf("got %+v", r)
		}
		if err := os.WriteFile(filepath.Join(Folder(home, again.ID), "pods", "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := second.untilEnded(again.ID); r.Verdict.Phase != workload.Succeeded || r.Pods[0].Containers[0].RestartCount != 1 {
			t.Errorf("got %+v", r)
		}
		second.close(true)
		third := newBench(t, home, tier, nil)
		third.start(again)
		if r := third.untilEnded(again.ID); r.Verdict.Phase != workload.Succeeded || r.Lost || r.Pods[0].Containers[0].RestartCount != 1 {
			t.Errorf("once more: %+v", r)
		}
		third.start(endless)
		if r := third.untilEnded(endless.ID); !r.Stopped || r.Lost {
			t.Errorf("once more: %+v", r)
		}
	})
}

// F-04, F-05, F-06: shims that are gone, of this boot of the machine or an earlier one, mean that the attempt is lost; and the
// stranger that has their number now is left alone.
func TestLostWhileAway(t *testing.T) {
	for _, why := range []string{"killed", "reboot", "stranger", "torn claim", "torn spec"} {
		t.Run(why, func(t *testing.T) {
			home := t.TempDir()
			first := newBench(t, home, provision.Plain, nil)
			one := script("one", "sleep 300")
			first.start(one)
			first.untilRunning(one.ID)
			s := first.attempt(one.ID).shim
			first.close(true)
			dir := Folder(home, one.ID)
			s.kill()
			for !s.gone() {
				time.Sleep(time.Millisecond)
			}
			stranger := exec.Command("sleep", "300")
			if err := stranger.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { stranger.Process.Kill(); stranger.Wait() }()
			var claim shim.Claim
			if err := shim.ReadFile(filepath.Join(dir, shim.ClaimFile), &claim); err != nil {
				t.Fatal(err)
			}
			switch why {
			case "reboot":
				killLeftovers(dir, provision.Grant{})
				claim.BootID = "another"
			case "stranger":
				claim.PID = stranger.Process.Pid
			}
			if err := shim.WriteFile(dir, shim.ClaimFile, claim, false); err != nil {
				t.Fatal(err)
			}
			if why == "torn spec" { // as a power cut leaves it
				if err := os.Truncate(filepath.Join(dir, shim.SpecFile), 0); err != nil {
					t.Fatal(err)
				}
			}
			if why == "torn claim" {
				if err := os.Truncate(filepath.Join(dir, shim.ClaimFile), 5); err != nil {
					t.Fatal(err)
				}
			}
			second := newBench(t, home, provision.Plain, nil)
			second.start(one)
			r := second.untilEnded(one.ID)
			if !r.Lost || r.Stopped || (why == "reboot") != strings.Contains(r.Verdict.Message, "started anew") {
				t.Errorf("got %+v", r)
			}
			if n := killMarked(dir); n > 0 {
				t.Errorf("%d processes were left", n)
			}
			if _, _, err := shim.StartTime(stranger.Process.Pid); err != nil {
				t.Error("the stranger was killed")
			}
		})
	}
}

// F-06: a stranger that has the number of a shim whose lock is held by somebody is not taken for it either.
func TestStrangerIsNotAdopted(t *testing.T) {
	start, pid, err := shim.StartTime(os.Getpid())
	if err != nil || pid != os.Getpid() {
		t.Fatal(start, pid, err)
	}
	if _, err := adopt(shim.Claim{PID: pid, StartTime: start + 1}, func() {}); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v", err)
	}
}

// An engine that is killed between starting a shim and knowing of it starts a second one at its next try: only one of them wins.
func TestTwoShimsForOneAttempt(t *testing.T) {
	home := t.TempDir()
	first := newBench(t, home, provision.Plain, nil)
	one := script("one", "echo once; sleep 300")
	first.start(one)
	first.untilRunning(one.ID)
	first.close(true)
	dir := Folder(home, one.ID)
	claim, err := os.ReadFile(filepath.Join(dir, shim.ClaimFile))
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, home, provision.Plain, nil)
	ended := make(chan struct{}, 1)
	p, err := b.options.Program.start(dir, Isolation{Tier: provision.Plain}, false, b.trouble, nil, func() { ended <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	if p.code != shim.ExitTaken {
		t.Errorf("the second shim ended with %d", p.code)
	}
	a := newAttempt(b.Runner, one)
	a.shim = p
	if !a.takeOver() || a.shim.pid == p.pid {
		t.Error("the first shim was not taken over")
	}
	if now, _ := os.ReadFile(filepath.Join(dir, shim.ClaimFile)); string(now) != string(claim) {
		t.Error("the claim has changed")
	}
	b.start(one)
	b.untilRunning(one.ID)
	b.Stop(one.ID, 0)
	b.untilEnded(one.ID)
	if log := b.log(one.ID, "pod/main/0.log"); log != "once\n" {
		t.Errorf("log %q", log)
	}
	for !a.shim.gone() {
		time.Sleep(time.Millisecond)
	}
}
