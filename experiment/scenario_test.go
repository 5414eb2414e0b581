package experiment

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scenarios in testdata")

// TestScenarios runs the scripts in testdata. A script is a sequence of steps: a command line, then "----", what it prints, and
// an empty line. Lines that begin with # are comments. After every step the state must be what all trials add up to.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := perform(t, string(script))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if !bytes.Equal(got, script) {
				t.Errorf("%s printed\n%s\nwhere the file says\n%s", file, got, script)
			}
		})
	}
}

// perform runs a script and returns it with what it really printed.
func perform(t *testing.T, script string) []byte {
	var out bytes.Buffer
	var w *world
	lines := strings.Split(script, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "#") || line == "" && i < len(lines)-1 {
			fmt.Fprintln(&out, line)
			continue
		}
		if line == "" {
			continue
		}
		for i+1 < len(lines) && lines[i+1] != "" { // what was printed last time
			i++
		}
		fields := strings.Fields(line)
		var printed string
		if fields[0] == "spec" {
			w = newWorld(specOf(t, fields[1:]))
		} else {
			var err error
			if printed, err = w.step(fields[0], fields[1:]); err != nil {
				printed = "error: " + err.Error() + "\n"
			}
			if err := w.folds(); err != nil {
				t.Fatalf("after %s: %v", line, err)
			}
		}
		fmt.Fprintf(&out, "%s\n----\n%s", line, printed)
	}
	return out.Bytes()
}

func specOf(t *testing.T, fields []string) Spec {
	s := Spec{Namespace: "default", Name: "tune", ParallelTrialCount: 3, Resume: ResumeNever, Retry: Retry{Lost: 1},
		Objective: Objective{Metric: "loss", Direction: Minimize, Strategies: map[string]Strategy{}}}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		n, err := strconv.Atoi(v)
		switch k {
		case "parallel":
			s.ParallelTrialCount = n
		case "max":
			s.MaxTrialCount = &n
		case "failed":
			s.MaxFailedTrialCount = &n
		case "lost":
			s.Retry.Lost = n
		case "backoff":
			s.Retry.Backoff, err = time.ParseDuration(v)
		case "goal":
			g, e := strconv.ParseFloat(v, 64)
			s.Objective.Goal, err = &g, e
		case "resume":
			s.Resume, err = ResumePolicy(v), nil
		case "direction":
			s.Objective.Direction, err = Direction(v), nil
		case "strategy":
			s.Objective.Strategies["loss"], err = Strategy(v), nil
		case "further": // METRIC:DIRECTION[:GOAL]
			parts := strings.Split(v, ":")
			next := Further{Metric: parts[0], Direction: Direction(parts[1])}
			if err = nil; len(parts) > 2 {
				g, e := strconv.ParseFloat(parts[2], 64)
				next.Goal, err = &g, e
			}
			s.Objective.Further, s.Objective.Additional = append(s.Objective.Further, next), append(s.Objective.Additional, parts[0])
		case "limit": // METRIC:MAX
			metric, text, _ := strings.Cut(v, ":")
			most, e := strconv.ParseFloat(text, 64)
			s.Objective.Constraints, err = append(s.Objective.Constraints, Constraint{Metric: metric, Max: &most}), e
			s.Objective.Additional = append(s.Objective.Additional, metric)
		case "additional":
			s.Objective.Additional, err = strings.Split(v, ","), nil
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			t.Fatalf("spec %s: %v", f, err)
		}
	}
	return s
}

// step performs one command and returns what it prints.
func (w *world) step(command string, args []string) (string, error) {
	switch command {
	case "plan": // says what is to be done, and does nothing
		return w.plan(), nil
	case "do": // does what is to be done until nothing is
		done, wake, err := w.settle()
		return printActions(done) + printWake(wake), err
	case "do-one": // does the first thing that is to be done
		actions, _ := Plan(w.state, w.now)
		return printActions(actions[:1]), w.do(actions[0])
	case "status":
		return w.status(), nil
	case "record":
		data, err := w.state.Record()
		return string(data) + "\n", err
	case "crash":
		return "", w.crash()
	case "tick":
		d, err := time.ParseDuration(args[0])
		w.now = w.now.Add(d)
		return "", err
	case "want-stop":
		w.state.StopRequested = true
		return "", nil
	case "exhausted":
		w.state.Exhausted = true
		return "", nil
	case "broken":
		w.state.Broken = strings.Join(args, " ")
		return "", nil
	case "edit", "resume":
		return "", w.edit(command, args)
	case "restartable":
		return or(Restartable(w.state), "yes") + "\n", nil
	}
	number, err := strconv.Atoi(args[0])
	if err != nil || number < 1 || number > len(w.trials) {
		return "", fmt.Errorf("no such trial: %s", args[0])
	}
	return w.trialStep(command, w.trials[number-1], args[1:])
}

// trialStep performs a command on one trial.
func (w *world) trialStep(command string, t Trial, args []string) (string, error) {
	switch command {
	case "running":
		return "", w.put(MarkRunning(t, w.now))
	case "pending":
		return "", w.put(MarkPending(t, args[0], strings.Join(args[1:], " ")))
	case "stop-early":
		return "", w.put(MarkStopping(t, StopEarly, strings.Join(args, " ")))
	case "again": // the same trial is recorded once more
		return "", w.state.Apply(t)
	case "revive":
		t.State = TrialRunning
		return "", w.state.Apply(t)
	case "end":
		e := End{Cause: EndCause(strings.ToUpper(args[0][:1]) + args[0][1:])}
		var printed []string
		for _, f := range args[1:] {
			switch k, v, _ := strings.Cut(f, "="); k {
			case "reason":
				e.Reason = v
			case "message":
				e.Message = strings.ReplaceAll(v, "_", " ")
			default:
				printed = append(printed, f)
			}
		}
		err := w.end(t.Number, e, observed(w.state.Spec.Objective, printed))
		return printTrial(w.trials[t.Number-1]), err
	case "trial":
		return printTrial(t), nil
	case "conditions":
		return printConditions(TrialConditions(t)), nil
	case "observation":
		var b strings.Builder
		for _, m := range t.Observation {
			fmt.Fprintf(&b, "%s min %q max %q latest %q value %v\n", m.Name, m.Min, m.Max, m.Latest, m.Value)
		}
		return b.String(), nil
	case "outcome":
		o := Outcome(t, w.state.Spec.Objective)
		told := fmt.Sprintf("state %d value %v", o.State, o.Value)
		if o.Others != nil || o.Violations != nil {
			told += fmt.Sprintf(" others %v violations %v", o.Others, o.Violations)
		}
		return told + "\n", nil
	}
	return "", fmt.Errorf("unknown command %s", command)
}

func (w *world) edit(command string, args []string) error {
	var e Edit
	for _, f := range args {
		k, v, _ := strings.Cut(f, "=")
		n, err := strconv.Atoi(v)
		if err != nil {
			return err
		}
		switch k {
		case "parallel":
			e.Parallel = &n
		case "max":
			e.Max = &n
		case "failed":
			e.MaxFailed = &n
		}
	}
	change := ApplyEdit
	if command == "resume" {
		change = Resume
	}
	s, err := change(w.state, e, w.now)
	if err == nil {
		w.state = s
	}
	return err
}

// plan prints the plan, and checks that asking twice gives the same.
func (w *world) plan() string {
	actions, wake := Plan(w.state, w.now)
	once := printActions(actions) + printWake(wake)
	actions, wake = Plan(w.state, w.now)
	if twice := printActions(actions) + printWake(wake); once != twice {
		return once + "but asked again\n" + twice
	}
	if once == "" {
		return "nothing\n"
	}
	return once
}

func (w *world) status() string {
	s := Summarize(w.state)
	var b strings.Builder
	c := s.Counts
	fmt.Fprintf(&b, "%s, %d trials: %d pending, %d running, %d succeeded, %d failed, %d killed, %d early stopped, %d metrics unavailable\n",
		s.Phase, s.Trials, c.Pending, c.Running, c.Succeeded, c.Failed, c.Killed, c.EarlyStopped, c.MetricsUnavailable)
	if s.Optimal != nil {
		fmt.Fprintf(&b, "optimal: trial %d, %v, latest %s\n", s.Optimal.Number, s.Optimal.Value, s.Optimal.Observation[0].Latest)
	}
	for _, p := range w.state.Pareto {
		fmt.Fprintf(&b, "pareto: trial %d %v\n", p.Number, p.Costs)
	}
	for _, n := range s.Lists.Pending {
		fmt.Fprintf(&b, "pending %s\n", n)
	}
	for _, n := range s.Lists.Running {
		fmt.Fprintf(&b, "running %s\n", n)
	}
	if !s.Completed.IsZero() {
		fmt.Fprintf(&b, "completed after %s\n", s.Completed.Sub(s.Started))
	}
	return b.String() + printConditions(s.Conditions)
}

func printActions(actions []Action) string {
	var b strings.Builder
	for _, a := range actions {
		fmt.Fprintf(&b, "%s%+v\n", strings.TrimPrefix(fmt.Sprintf("%T", a), "experiment."), a)
	}
	return b.String()
}

func printWake(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf("wake at %s\n", at.Sub(epoch))
}

func printTrial(t Trial) string {
	s := fmt.Sprintf("%d %s attempt %d: %s: %s\n", t.Number, t.State, t.Attempt, t.Reason, t.Message)
	if t.Fix != "" {
		s += "fix: " + t.Fix + "\n"
	}
	return s
}

func printConditions(cs []Condition) string {
	var b strings.Builder
	for _, c := range cs {
		fmt.Fprintf(&b, "%s=%s %s %q updated %s transition %s\n", c.Type, c.Status, c.Reason, c.Message, c.Updated.Sub(epoch), c.Transition.Sub(epoch))
	}
	return b.String()
}
