package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"qalam/experiment"
)

// cutPower makes ext4 forget what it has not written, as a power cut does: EXT4_IOC_SHUTDOWN with NOLOGFLUSH.
func cutPower(mnt string) error {
	d, err := os.Open(mnt)
	if err != nil {
		return err
	}
	defer d.Close()
	flags := uint32(2)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, d.Fd(), 0x8004587d, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		return errno
	}
	return nil
}

// F-07, F-08: the power is cut while trials run and end. What was told of a trial stays, a trial never has an end that was not its
// own, and no value of one that succeeded is missing. QALAM_POWERCUT_ROUNDS says how often (3).
func TestPowerCut(t *testing.T) {
	programs(t, "mkfs.ext4")
	if !ownMounts(t) {
		return
	}
	base := t.TempDir()
	image, mnt := filepath.Join(base, "disk"), filepath.Join(base, "mnt")
	check(t, os.Mkdir(mnt, 0o700))
	check(t, os.WriteFile(image, nil, 0o600))
	check(t, os.Truncate(image, 128<<20))
	check(t, sh("mkfs.ext4", "-q", image))
	if err := sh("mount", "-o", "loop", image, mnt); err != nil {
		t.Skipf("cannot mount a loop device here: %v", err)
	}
	t.Cleanup(func() { _ = sh("umount", mnt) })
	rounds := count("QALAM_POWERCUT_ROUNDS", 3)
	h := homeIn(t, base)
	h.dir = filepath.Join(mnt, "home")
	s := study{name: "power", parallel: 4, max: 40 * (rounds + 1),
		env:    map[string]string{"SHARED": h.shared()}, // it lies elsewhere
		script: `echo "$KATIB_TRIAL_NAME $1" >> "$SHARED"; for i in 1 2 3 4 5; do echo loss=$1$i; sleep 0.03; done; case $1 in *[02468]) exit 3;; esac`,
		change: func(spec object) {
			spec["maxFailedTrialCount"] = 40 * (rounds + 1)
		},
	}
	file := h.file("power.json", s.json(t))
	a := h.audit(s)
	a.unread = true // the logs of attempts that a cut ended need not be whole
	rng := rand.New(rand.NewPCG(uint64(count("QALAM_SEED", 1)), 8))
	acknowledged := map[string]string{}
	cuts := 0
	for range rounds {
		p := h.start("run", file, "--resume", "-o", "jsonl")
		select {
		case <-p.done:
		case <-time.After(time.Duration(700+rng.IntN(900)) * time.Millisecond):
		}
		if p.ended() {
			t.Logf("it ended: %s", &p.out)
			break
		}
		if err := cutPower(mnt); err != nil {
			t.Skipf("cannot shut the file system down: %v", err)
		}
		cuts++
		p.kill()
		for _, pid := range h.alive() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		h.nothingAlive()
		h.until("the file system can be unmounted", 10*time.Second, func() bool { return sh("umount", mnt) == nil })
		check(t, sh("mount", "-o", "loop", image, mnt))
		for line := range strings.Lines(p.out.String()) {
			var e struct{ Kind, Name, State string }
			if json.Unmarshal([]byte(line), &e) == nil && e.Kind == "trial" && e.Name != "" {
				acknowledged[e.Name] = e.State
			}
		}
		a.glance()
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged before a cut")
	}
	p := h.start("run", file, "--resume", "--progress", "plain")
	p.wait(h, patience)
	trials := a.finished()
	odd := map[string]bool{} // trials that end with code 3
	for _, line := range lines(h.shared()) {
		name, x, _ := strings.Cut(line, " ")
		odd[name] = strings.ContainsAny(x[len(x)-1:], "02468")
	}
	lost, byName := 0, map[string]experiment.Trial{}
	for _, one := range trials {
		byName[one.Name] = one
		lost += one.Lost
		fails := odd[one.Name]
		switch {
		case one.State == experiment.TrialSucceeded && !fails:
			a.counts(s, one, 5)
		case one.State == experiment.TrialFailed && fails && strings.Contains(one.Message, "code 3"):
		case one.State == experiment.TrialFailed && one.Reason == "Lost":
		default:
			t.Errorf("trial %d (code 3: %t) is %s, %s: %s (attempt %d, lost %d)", one.Number, fails, one.State, one.Reason, one.Message, one.Attempt, one.Lost)
		}
	}
	for name, state := range acknowledged {
		if st := experiment.TrialState(state); st.Terminal() && byName[name].State != st {
			t.Errorf("trial %s was told to be %s and is %s", name, state, byName[name].State)
		}
	}
	t.Logf("%d cuts, %d trials told of before them, %d attempts lost", cuts, len(acknowledged), lost)
}
