//go:build failpoints

package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/workload"
)

// F-01: the engine or the shim is killed at every step of a launch. Whatever the step, the next engine ends with a success that ran
// exactly once, or with an attempt that is lost, of which nothing is left and which ran at most once.
func TestKilledAtEveryStep(t *testing.T) {
	steps := map[string][]string{
		"QALAM_FAILPOINT":           {"prepared", "launched"},
		shim.FailpointVariable:      {"begin", "locked", "claimed", "started", "told", "ended", "written:exit.json", "recorded", "killed"},
		"QALAM_NO_FAILPOINT_AT_ALL": {"none"},
	}
	const script = `echo x >> ../n; sleep 0.1; echo loss=1`
	for variable, names := range steps {
		for _, step := range names {
			t.Run(step, func(t *testing.T) {
				tiers(t, func(t *testing.T, tier provision.Tier) {
					home := t.TempDir()
					b := newBench(t, home, tier, nil)
					cmd, _ := engine(t, home, tier, 1, script, variable+"="+step)
					id := runner.ID{Experiment: "uid", Trial: "t0", Attempt: 1}
					dir := Folder(home, id)
					for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
						if _, lives, err := shim.ReadClaim(dir); err == nil && !lives {
							break
						}
					}
					cmd.Process.Kill()
					cmd.Wait()
					one := task("t0", pods(onePod("pod", box("main", script))))
					b.start(one)
					r := b.untilEnded(id)
					n, _ := os.ReadFile(filepath.Join(dir, "pods", "n"))
					runs := strings.Count(string(n), "x")
					switch {
					case r.Verdict.Phase == workload.Succeeded && !r.Lost && runs == 1 && b.log(id, "pod/main/0.log") == "loss=1\n":
					case r.Lost && runs <= 1 && killMarked(dir) == 0:
					default:
						t.Errorf("%d runs; %+v; log %q", runs, r, b.log(id, "pod/main/0.log"))
					}
					t.Logf("lost: %v", r.Lost)
				})
			})
		}
	}
}
