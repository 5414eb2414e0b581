package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qalam/bench/search/problem"
	"qalam/space"
	"qalam/suggest/suggesttest/curves"
)

// search runs the command and returns what it prints.
func runCommand(t *testing.T, args ...string) string {
	t.Helper()
	var out, log bytes.Buffer
	if err := command(context.Background(), append(args, "-data", "nowhere"), &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return out.String()
}

func TestCommandComparesAndContinues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runs.csv")
	args := []string{"-methods", "random,sobol", "-problems", "branin,hart6n,fc_slice", "-seeds", "3", "-trials", "30", "-at", "10,30", "-out", file}
	out := runCommand(t, args...)
	for _, want := range []string{
		"### Median regret after 10 trials", "| branin |", "qalam-random", "qalam-sobol", "Wilcoxon", "absent: fc_slice:", "-data",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output says nothing of %q:\n%s", want, out)
		}
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(before, []byte("\n")); n != 1+2*2*3 {
		t.Errorf("%d lines in the file", n)
	}
	if again := runCommand(t, args...); again != out {
		t.Errorf("the same from the file is another table:\n%s\nthan\n%s", again, out)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(after, before) {
		t.Error("searches that the file holds were made again")
	}
	more := runCommand(t, "-methods", "random", "-problems", "branin", "-seeds", "3-3", "-with", file, "-trials", "10", "-at", "10")
	if !strings.Contains(more, "(4)") {
		t.Errorf("stored and new seeds are not joined:\n%s", more)
	}
}

func TestCommandRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		`there is no problem or group "nope"`:        {"-methods", "random", "-problems", "nope"},
		`there is no algorithm "rondom"`:             {"-methods", "rondom"},
		`"gamma" is no setting`:                      {"-methods", "random/gamma"},
		`setting "gamma": there is no such setting`:  {"-methods", "random/gamma=1"},
		`seeds "x": give a number`:                   {"-methods", "random", "-seeds", "x"},
		`run make peers`:                             {"-peers", "tpe5", "-environments", "nowhere"},
		`lists are written with commas`:              {"-methods", "random", "sobol"},
		`name the methods whose latency to measure`:  {"-latency"},
		`there are no learning curves in nowhere`:    {"-curves", "-data", "nowhere"},
		`the folder that holds lcbench`:              {"-curves", "-family", "lcbench", "-data", "nowhere"},
		`method "random/repetition=x"`:               {"-methods", "random/repetition=x"},
		`"0" in the list "0" is no number of trials`: {"-methods", "random", "-at", "0"},
	} {
		err := command(context.Background(), args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

// fake makes a peer of the script below testdata.
func fake(t *testing.T, how string, limit time.Duration) *peer {
	t.Helper()
	p := &peer{id: "fake", command: []string{"python3", filepath.Join("testdata", "fakepeer.py"), how}, limit: limit}
	t.Cleanup(p.stop)
	return p
}

func taskOf(t *testing.T, name string, seed, trials, workers int) task {
	t.Helper()
	chosen, err := problem.Select(problem.All(problem.Sources{}), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	s, err := chosen[0].Space()
	if err != nil {
		t.Fatal(err)
	}
	return task{problem: &chosen[0], space: s, seed: seed, trials: trials, workers: workers}
}

func TestPeer(t *testing.T) {
	p := fake(t, "", time.Minute)
	first, err := run(p, taskOf(t, "mixed7", 1, 12, 1))
	if err != nil {
		t.Fatal(err)
	}
	if first.trials != 12 || first.ask != 12*250*time.Millisecond || first.tell != 12*500*time.Millisecond || p.version != "fake 1.0" {
		t.Errorf("%+v, version %q", first, p.version)
	}
	if len(p.idle) != 1 {
		t.Errorf("%d processes are idle", len(p.idle))
	}
	again, err := run(p, taskOf(t, "mixed7", 1, 12, 1)) // in the same process
	if err != nil || again.row() != first.row() {
		t.Errorf("the same search gives %s, %v, want %s", again.row(), err, first.row())
	}
	parallel, err := run(p, taskOf(t, "mixed7", 1, 12, 4))
	if err != nil || parallel.trials != 12 || !(parallel.time < 0.6*first.time) {
		t.Errorf("four workers take %v, one %v: %v", parallel.time, first.time, err)
	}
	// Without the parameter's condition fulfilled, its value does not matter.
	if _, err := run(p, taskOf(t, "cond3", 1, 12, 1)); err != nil {
		t.Error(err)
	}
}

func TestPeersThatMisbehave(t *testing.T) {
	for how, want := range map[string]string{
		"crash":     "something is wrong",
		"error":     "it does not like this",
		"hang":      "it did not answer within",
		"misnumber": "it proposes trial 2 instead of 1",
		"foreign":   `"nothing of the list" of parameter "sched" is not in the list`,
		"unsuited":  "it is not in the mood",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			limit := time.Minute
			if how == "hang" {
				limit = time.Second
			}
			_, err := run(fake(t, how, limit), taskOf(t, "mixed7", 1, 12, 1))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// TestRepetitions: what a search tries again is told apart from the rest of its trials.
func TestRepetitions(t *testing.T) {
	m, err := newOurs("random/repetition=0.5")
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for seed := range 5 {
		r, err := run(m, taskOf(t, "hart6n3", seed, 60, 1))
		plain, plainErr := run(ours{algorithm: "random", text: "random"}, taskOf(t, "hart6n3", seed, 60, 1))
		if err != nil || plainErr != nil || r.trials != 60 {
			t.Fatal(r, err, plainErr)
		}
		if !slices.Equal(r.path, plain.path) {
			differ++
		}
	}
	if differ == 0 {
		t.Error("no search goes another way with repetitions")
	}
}

// TestFailuresAreReported: a search that breaks is said below the tables, and the file keeps it.
func TestFailuresAreReported(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runs.csv")
	known := newRecords()
	output, err := openOutput(file, known)
	if err != nil {
		t.Fatal(err)
	}
	b := &batch{known: known, file: output, log: io.Discard}
	tasks := []search{{fake(t, "crash", time.Minute), taskOf(t, "branin", 0, 9, 1)}, {fake(t, "unsuited", time.Minute), taskOf(t, "hart6", 0, 9, 1)}}
	if err := b.run(context.Background(), tasks, 1); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	b.print(&out, nil)
	for _, want := range []string{"FAILED: fake on branin, seed 0: after trial 3: its process ended", "not run: fake on hart6: it is not in the mood"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %q", out.String(), want)
		}
	}
	later := newRecords()
	if err := later.read(file); err != nil || len(later.failures) != 1 {
		t.Errorf("the file holds %v: %v", later.failures, err)
	}
}

// TestWorkersEndInOrder: all trials end, not in the order of their numbers, and one worker takes as long as all of them together.
func TestWorkersEndInOrder(t *testing.T) {
	m, err := newOurs("random")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for number := 1; number <= 50; number++ {
		sum += duration(3, number)
	}
	for _, workers := range []int{1, 4, 64} {
		r, err := run(m, taskOf(t, "hart6", 3, 50, workers))
		if err != nil {
			t.Fatal(err)
		}
		if r.trials != 50 || workers == 1 && math.Abs(r.time-sum) > 1e-9 || workers > 1 && r.time > 1.5*sum/float64(min(workers, 10)) {
			t.Errorf("%d workers: %d trials in %v of %v", workers, r.trials, r.time, sum)
		}
	}
}

// TestRegret follows the best observed, the feasible and the front.
func TestRegret(t *testing.T) {
	in := &problem.Instance{Best: 1, True: func(x space.Assignment) problem.Result { return problem.Result{Values: []float64{x[0]}} }}
	i := newIncumbent(in)
	end := func(x, seen float64, violation float64) trial {
		return trial{assignment: []float64{x}, result: problem.Result{Values: []float64{seen}, Constraints: []float64{violation}}}
	}
	for k, c := range []struct {
		trial trial
		want  float64
	}{
		{end(2, 2, 1), math.Inf(1)}, {end(5, 5, 0), 4}, {end(7, 4, 0), 6}, {end(3, 4.5, -1), 6}, {end(2, 2, 0), 1},
		{trial{result: problem.Result{Failed: true, Values: []float64{math.NaN()}}}, 1},
	} {
		if got := i.after(c.trial, in); got != c.want {
			t.Errorf("after trial %d regret is %v, want %v", k+1, got, c.want)
		}
	}
	r := newIncumbent(in)
	for k, c := range []struct {
		x, seen float64
		repeats int
		want    float64
	}{{3, 1, 0, 2}, {2, 1.5, 0, 2}, {3, 3.5, 1, 2}, {2, 2.5, 2, 1}, {9, 0, 0, 1}, {3, 0.5, 1, 2}} {
		if got := r.after(trial{assignment: []float64{c.x}, result: problem.Result{Values: []float64{c.seen}}, repeats: c.repeats}, in); got != c.want {
			t.Errorf("with repetitions regret is %v after trial %d, want %v", got, k+1, c.want)
		}
	}
	front := &problem.Instance{Best: 10, Reference: []float64{3, 3}, True: func(x space.Assignment) problem.Result { return problem.Result{Values: x} }}
	j := newIncumbent(front)
	for k, want := range []float64{9, 9, 6} {
		x := [][]float64{{2, 2}, {4, 0}, {1, 1}}[k]
		if got := j.after(trial{assignment: x, result: problem.Result{Values: x}}, front); got != want {
			t.Errorf("after point %d hypervolume %v is missing, want %v", k+1, got, want)
		}
	}
}

func TestRecords(t *testing.T) {
	r := record{method: "m", problem: "p", seed: 4, workers: 2, trials: 60, path: []step{{1, math.Inf(1)}, {5, 3}, {50, 0.25}}, ask: time.Second, time: 9.5}
	file := filepath.Join(t.TempDir(), "runs.csv")
	text := "method,problem,seed,trials,regret_20,regret_50,ask_s\nold,p,1,30,2,1,0.5\n\n" + strings.Join(columns, ",") + "\n" + r.row() + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rs := newRecords()
	if err := rs.read(file); err != nil || len(rs.list) != 2 {
		t.Fatalf("%d records: %v", len(rs.list), err)
	}
	if got := rs.list[1].row(); got != r.row() {
		t.Errorf("a line is read as\n%s\nwant\n%s", got, r.row())
	}
	for _, c := range []struct {
		record, trials int
		want           float64
		ok             bool
	}{{0, 20, 2, true}, {0, 50, 1, false}, {0, 10, 0, false}, {1, 4, math.Inf(1), true}, {1, 49, 3, true}, {1, 60, 0.25, true}, {1, 61, 0, false}} {
		if v, ok := rs.list[c.record].at(c.trials); ok != c.ok || ok && v != c.want {
			t.Errorf("record %d after %d trials: %v %v, want %v %v", c.record, c.trials, v, ok, c.want, c.ok)
		}
	}
	if err := os.WriteFile(file, []byte("m,p,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rs.read(file); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a file without names of columns: %v", err)
	}
}

// TestVerdicts compares made-up searches: one method twice as good everywhere, and another just as good.
func TestVerdicts(t *testing.T) {
	rs := newRecords()
	chosen, err := problem.Select(problem.All(problem.Sources{}), []string{"bbob-odd"})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range chosen {
		for seed := range 12 {
			luck := math.Exp(math.Sin(float64(100*i + seed)))
			for name, factor := range map[string]float64{"qalam-good": 0.4, "qalam-same": 1 + 0.01*math.Sin(float64(7*i+3*seed)), "random": 1} {
				rs.add(&record{method: name, problem: p.Name, seed: seed, workers: 1, trials: 100, path: []step{{1, 50 * luck}, {40, factor * luck}}})
			}
		}
	}
	var out bytes.Buffer
	tb := &tables{records: rs, problems: chosen, at: []int{20, 100}, floor: 1e-6}
	tb.print(&out)
	good, same := contender{"qalam-good", 1}, contender{"qalam-same", 1}
	random := contender{"random", 1}
	if row := tb.test(good, random, 100); row[6] != "better" || !strings.HasPrefix(row[2], "0.4 [0.4") || !strings.HasPrefix(row[4], "12:") {
		t.Errorf("twice as good is %v", row)
	}
	if row := tb.test(same, random, 100); row[6] != "not shown" {
		t.Errorf("just as good is %v", row)
	}
	if ranks := tb.ranks(good, []contender{good, random}, 100); len(ranks) != 12 || ranks[0] != 1 {
		t.Errorf("ranks %v", ranks)
	}
	if n := tb.firstBelow(good, random, chosen[0].Name); n != 40 {
		t.Errorf("reached after %v trials", n)
	}
	tb.against = []string{"hyperopt"}
	if all := tb.contenders(); len(all) != 2 {
		t.Errorf("against others than were run there are %v", all)
	}
	tb.against = []string{"random", "qalam-same"}
	if all := tb.contenders(); len(all) != 2 || all[0] != same {
		t.Errorf("where only two are to be shown there are %v", all)
	}
	rs.add(&record{method: "qalam-good", problem: chosen[0].Name, workers: 4, trials: 100, path: []step{{1, 50}}})
	tb.against = nil
	if all := tb.contenders(); len(all) != 3 {
		t.Errorf("where one worker is compared there are %v", all)
	}
	tb.workers = 4
	if all := tb.contenders(); len(all) != 4 {
		t.Errorf("where four workers are compared there are %v", all)
	}
	if text := out.String(); !strings.Contains(text, "12 of 12") || !strings.Contains(text, "better (0.4×, p 0.0017, 12)") || !strings.Contains(text, "better") {
		t.Errorf("the tables say:\n%s", text)
	}
}

// TestScores: of two problems whose best nobody knows, on one all that there was to be gained is gained and on the other a half, or
// less than nothing; the peer has one instance less, and only what both have is compared.
func TestScores(t *testing.T) {
	rs := newRecords()
	add := func(method, name string, seed int, first, last float64) {
		rs.add(&record{method: method, problem: name, seed: seed, workers: 1, trials: 30, path: []step{{1, first}, {25, last}}})
	}
	for seed, best := range []float64{-3, 7} { // first trials of peers are 4 worse than these; ours do not count
		add("qalam-good", "all", seed, best+9, best)
		add("random", "all", seed, best+4, best+4)
		add("qalam-good", "half", seed, best+9, best+2)
		add("qalam-other", "half", seed, best+9, best)
	}
	add("random", "half", 1, 11, 8)
	add("random", "known", 1, 5, 3) // is not relative, and counts for nothing
	tb := &tables{
		records: rs, at: []int{20, 30},
		problems: []problem.Problem{{Name: "all", Relative: true}, {Name: "half", Relative: true}, {Name: "known"}},
	}
	tb.prepare()
	good, random := contender{"qalam-good", 1}, contender{"random", 1}
	for _, c := range []struct {
		what string
		got  []float64
		want []float64
	}{
		{"good", tb.score(good, good, 30), []float64{100, 50}},
		{"good, before it was good", tb.score(good, good, 20), []float64{0, 0}},
		{"random", tb.score(random, random, 30), []float64{0, 75}},
		{"good beside random", tb.ahead(good, random, 30), []float64{100, -25}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: scores %v, want %v", c.what, c.got, c.want)
		}
	}
	var out bytes.Buffer
	tb.scores(&out, []contender{good, random}, []contender{good}, []contender{random})
	if text := out.String(); !strings.Contains(text, "| random | 0.0 [0.0, 0.0] (2) | 37.5 [0.0, 75.0] (2) |") || !strings.Contains(text, "| qalam-good | random | 0.0 [0.0, 0.0] (2) | 37.5 [-25.0, 100.0] (2) |") {
		t.Errorf("the tables say:\n%s", text)
	}
	out.Reset()
	tb.problems = tb.problems[2:]
	if tb.scores(&out, []contender{good, random}, []contender{good}, []contender{random}); out.Len() > 0 {
		t.Errorf("where the best is known the tables say:\n%s", out.String())
	}
}

// TestGoals: goals are read off paired searches, those without any are left out.
func TestGoals(t *testing.T) {
	all := problem.All(problem.Sources{})
	rs := newRecords()
	for _, p := range []string{"gardner1", "gardner2", "cbranin", "branin"} {
		for seed := range 6 {
			for name, regret := range map[string]float64{"qalam-gp": 0.5, "tpe5": 1, "gp": 0.6, "qalam-auto": 0.1} {
				if name != "gp" || seed < 4 {
					rs.add(&record{method: name, problem: p, seed: seed, workers: 1, trials: 100, path: []step{{1, math.Inf(1)}, {5, regret}}})
				}
			}
		}
	}
	for workers, path := range map[int][]step{1: {{1, 4}, {48, 1}}, 4: {{1, 2}}} {
		rs.add(&record{method: "qalam-gp", problem: "hart6", workers: workers, trials: 100, path: path})
	}
	for seed := 50; seed < 70; seed++ { // an easier instance each, which others were not given
		rs.add(&record{method: "tpe5", problem: "branin", seed: seed, workers: 1, trials: 100, path: []step{{1, 0.01}}})
	}
	for name, last := range map[string]float64{"qalam-auto": 3, "tpe5": 3, "gp": 2} { // the best that is known is 2, and 6 is no gain
		rs.add(&record{method: name, problem: "svm-iris", workers: 1, trials: 50, path: []step{{1, 6}, {25, last}}})
	}
	var out bytes.Buffer
	if err := printGoals(&out, &tables{records: rs, floor: 1e-6, workers: 1}, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| qalam-gp | tpe5 | gardner1,gardner2,cbranin (3) | 100 | ≤ 0.8 | 0.5 [0.5, 0.5] | 6 | yes |",
		"| qalam-gp | gp | gardner1,gardner2,cbranin (3) | 100 | ≤ 0.8 | 0.833 [0.833, 0.833] | 4 | **no** |",
		"| qalam-gp@4 | qalam-gp | hart6,ackley5,rosen5,mixed7,fc_slice,nb_c100 | 50 | ≤ 1.3 | 2 [2, 2] | 1 | **no** |",
		"| qalam-gp, every result 3 trials late | qalam-gp | hart6,ackley5,rosen5,mixed7,fc_slice,nb_c100 | 50 | – | 4 [4, 4] | 1 | for comparison |",
		"mean rank among seven peers ≤ 1.5 | 1.00 yes |", "is reached within 50 on 1 of 14 problems; at least 10 are the goal: **no**.",
		"| tpe5 | 0.0 [0.0, 0.0] (1) yes | 0.0 [0.0, 0.0] (1) yes | 0.0 [0.0, 0.0] (1) yes |",
		"| gp | 0.0 [0.0, 0.0] (1) yes | -25.0 [-25.0, -25.0] (1) **no** | -25.0 [-25.0, -25.0] (1) **no** |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the goals do not say %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "hebo") {
		t.Errorf("a goal without searches is there:\n%s", out.String())
	}
}

func TestLatency(t *testing.T) {
	m, err := newOurs("random")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := options{sizes: "10,50", rounds: 2}
	if err := measureLatency(context.Background(), o, []method{m, fake(t, "", time.Minute)}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"float10", "mixed10", "| fake | 125 [125, 125]; 125; 250 |", "| qalam-random | fake |", fmt.Sprintf("n = %d", 50)} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output says nothing of %q:\n%s", want, out.String())
		}
	}
}

// TestCurveGoals: of two tasks with two seeds each the ratio of the means counts, and policies that were not run have no row.
func TestCurveGoals(t *testing.T) {
	policies := []policy{{name: "asha3"}, {name: "qalam search bohb"}, {name: "qalam search dehb"}}
	same := func(values ...float64) [][]float64 {
		return slices.Repeat([][]float64{values}, len(fullRuns))
	}
	var out strings.Builder
	printCurveGoals(&out, curveGoals[curves.TaskSet], policies, [][][]float64{same(1, 3, 5, 7), same(0.5, 1.5, 2.5, 3.5), same(1, 1, 5, 5)}, 2)
	for _, want := range []string{
		"| qalam search bohb | asha3 | 20 | ≤ 0.6 | 0.5 [0.5, 0.5] | yes |",
		"| qalam search dehb | asha3 | 20 | ≤ 0.6 | 0.75 [0.5, 0.833] | **no** |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no row %s in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "freezethaw") {
		t.Errorf("a policy that was not run has a row:\n%s", &out)
	}
}
