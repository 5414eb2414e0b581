package e2e

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"qalam/experiment"
	"qalam/runner/process"
	"qalam/store"
	"qalam/suggest"
)

// A population trains on while the engine is killed again and again, also while it removes and copies checkpoints: every trial finds what its parent left, however far that was
// trained, and in the end a few checkpoints are left, with the optimal trial's.
func TestPopulationIsKilled(t *testing.T) {
	t.Parallel()
	program, err := breakable()
	check(t, err)
	h := newHome(t)
	h.program = program
	const trials = 60
	s := study{name: "population", parallel: 4, max: trials, env: map[string]string{"SHARED": h.shared()},
		script: `n=0; test -s /ckpt/n && read n < /ckpt/n; echo "$KATIB_TRIAL_NAME $n" >> "$SHARED"; sleep 0.1; echo $((n + 1)) > /ckpt/n; echo "loss=$1"`}
	s.change = func(spec object) {
		spec["algorithm"] = object{"algorithmName": "pbt", "algorithmSettings": []any{
			object{"name": "suggestion_trial_dir", "value": "/ckpt"}, object{"name": "n_population", "value": "5"}}}
	}
	args := []string{"run", h.file("population.json", s.json(t)), "--progress", "plain"}
	for n := 8; n < trials-10; n += 8 { // trials begun at each kill
		p := h.start(args...)
		h.until("trials begin", patience, func() bool { return len(lines(h.shared())) >= n })
		check(t, p.Process.Kill())
		<-p.done
		if n == 8 {
			args = append(args, "--resume")
		}
		for _, step := range []string{"discarded", "copied-checkpoint"}[:n%3] {
			p := h.startWith([]string{"QALAM_FAILPOINT=" + step}, args...)
			if code := p.wait(h, patience); code != -1 {
				t.Fatalf("nothing was killed at %s: exit code %d\n%s", step, code, &p.out)
			}
		}
	}
	h.run(0, args...)
	ctx := context.Background()
	st, err := store.Open(ctx, h.dir, store.Options{})
	check(t, err)
	defer st.Close()
	x, err := st.Find(ctx, "default", s.name)
	check(t, err)
	trained := map[string]string{}
	for _, line := range lines(h.shared()) {
		name, n, _ := strings.Cut(line, " ")
		trained[name] = n
	}
	kept, err := os.ReadDir(process.CheckpointFolder(h.dir, x.UID, ""))
	check(t, err)
	var names []string
	for _, e := range kept {
		names = append(names, e.Name())
	}
	var best experiment.Trial
	left := map[int]int{} // how often the model that a trial left was trained
	for tr, err := range st.Trials(ctx, x.UID, store.Query{}) {
		check(t, err)
		parent, err := strconv.Atoi(tr.Labels[suggest.ParentLabel])
		if err != nil {
			parent = 0
		}
		if trained[tr.Name] != itoa(left[parent]) || tr.State != experiment.TrialSucceeded {
			t.Errorf("trial %d, %s, found a model that was trained %q times, not that of trial %d", tr.Number, tr.State, trained[tr.Name], parent)
		}
		left[tr.Number] = left[parent] + 1
		if best.Number == 0 || value(tr) < value(best) {
			best = tr
		}
	}
	if len(names) > 25 || !slices.Contains(names, best.Name) {
		t.Errorf("kept are %v of %d trials; the best is %s", names, trials, best.Name)
	}
	if n := lines(filepath.Join(process.CheckpointFolder(h.dir, x.UID, best.Name), "n")); len(n) != 1 || n[0] != itoa(left[best.Number]) {
		t.Errorf("the best trial left %q", n)
	}
	t.Logf("%d of %d checkpoints are kept, the deepest of a model trained %d times", len(names), trials, slices.Max(slices.Collect(maps.Values(left))))
	h.nothingAlive()
}

func value(t experiment.Trial) float64 {
	v, err := strconv.ParseFloat(t.Observation[0].Latest, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// A trial that prints nothing but NaN, and would do so for ever, is ended by patience, and its status says why.
func TestDivergedTrial(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := study{name: "diverged", max: 1, script: `while :; do echo loss=nan; sleep 0.05; done`}
	s.change = func(spec object) {
		spec["earlyStopping"] = object{"algorithmName": "patience", "algorithmSettings": []any{object{"name": "max_nonfinite", "value": "5"}}}
	}
	h.run(4, "run", h.file("diverged.json", s.json(t)), "--progress", "plain")
	out := h.run(0, "trials", "diverged", "-o", "jsonl")
	if !strings.Contains(out, `"EarlyStopped"`) || !strings.Contains(out, "values are no finite numbers") {
		t.Errorf("%s", out)
	}
	h.nothingAlive()
}
