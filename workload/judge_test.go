package workload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }

// observe makes the statuses of a job's pods of one word each: "run", "pend", "ok@5" (ended well after 5 s), "exit1@5", and after a
// "+" how often it has been restarted. The pod's phase follows its policy.
func observe(t testing.TB, j *Job, words ...string) Status {
	t.Helper()
	var s Status
	live := slices.DeleteFunc(slices.Clone(j.Pods), func(p Pod) bool { return p.Idle })
	if len(words) != len(live) {
		t.Fatalf("%d words for %d pods", len(words), len(live))
	}
	for i, w := range words {
		p := live[i]
		w, restarts, _ := strings.Cut(w, "+")
		var n int32
		fmt.Sscan(restarts, &n)
		c := ContainerStatus{Name: p.Default, RestartCount: n}
		ps := PodStatus{Name: p.Name, Phase: PodRunning, StartTime: epoch}
		state, when, _ := strings.Cut(w, "@")
		var end float64
		fmt.Sscan(when, &end)
		code := 0
		switch {
		case state == "pend":
			ps = PodStatus{Name: p.Name, Phase: PodPending}
			c.Waiting = &Waiting{Reason: "PodInitializing"}
		case state == "run":
			c.Running = &Running{StartedAt: epoch}
		default:
			if state != "ok" {
				fmt.Sscanf(state, "exit%d", &code)
			}
			c.Terminated = &Terminated{ExitCode: code, Reason: "Error", StartedAt: epoch, FinishedAt: at(end)}
			switch {
			case code == 0 && p.Restart != RestartAlways:
				ps.Phase = PodSucceeded
			case p.Restart == RestartNever || p.Restart == RestartExitCode:
				ps.Phase = PodFailed
			}
		}
		ps.Containers = []ContainerStatus{c}
		s.Pods = append(s.Pods, ps)
	}
	return s
}

// verdict writes what matters of a verdict in one line.
func verdict(v Verdict) string {
	words := []string{string(v.Phase)}
	if v.Phase == Failed {
		words = append(words, v.Reason)
	}
	for _, r := range v.Start {
		w := "start " + r.Pod
		if r.Container != "" {
			w += "/" + r.Container
		}
		if !r.NotBefore.IsZero() {
			w += fmt.Sprintf("@%g", r.NotBefore.Sub(epoch).Seconds())
		}
		words = append(words, w)
	}
	for _, p := range v.Stop {
		words = append(words, "stop "+p)
	}
	if !v.Wake.IsZero() {
		words = append(words, fmt.Sprintf("wake@%g", v.Wake.Sub(epoch).Seconds()))
	}
	return strings.Join(words, ", ")
}

func withPolicy(text, policy string) string {
	return strings.ReplaceAll(text, `"template": {"spec": {"containers": [{"name": "`, `"restartPolicy": "`+policy+`", "template": {"spec": {"containers": [{"name": "`)
}

func batchJob(policy, extra string) string {
	return job("batch/v1", "Job", extra+`"template": {"spec": {"restartPolicy": "`+policy+`", "containers": [{"name": "c"}]}}`)
}

func TestJudge(t *testing.T) {
	run := func(extra, policy string) string {
		return withPolicy(pytorchJob(extra, "Master 1", "Worker 2"), policy)
	}
	tests := []struct {
		name  string
		job   string
		pods  []string
		now   float64
		want  string
		words string // in the message
	}{
		{"nothing yet", run("", "Never"), []string{"pend", "pend", "pend"}, 1, "Pending", ""},
		{"a worker alone does not make it run", run("", "Never"), []string{"pend", "run", "run"}, 1, "Pending", ""},
		{"master runs", run("", "Never"), []string{"run", "pend", "pend"}, 1, "Running", ""},
		{"master succeeds, workers do not matter", run("", "Never"), []string{"ok@5", "run", "run"}, 6, "Succeeded, stop j-worker-0, stop j-worker-1", ""},
		{"success wins over a failure in the same look", run("", "Never"), []string{"ok@5", "exit1@4.5", "run"}, 6, "Succeeded, stop j-worker-1", ""},
		{"not over one long before", run("", "Never"), []string{"ok@5", "exit1@3", "run"}, 6, "Failed, PyTorchJobFailed, stop j-worker-1", "j-worker-0 exited with code 1"},
		{"a failure waits for the master a moment", run("", "Never"), []string{"run", "exit1@3", "run"}, 3.5, "Running, wake@4", ""},
		{"and stops the whole job then", run("", "Never"), []string{"run", "exit1@3", "run"}, 4, "Failed, PyTorchJobFailed, stop j-master-0, stop j-worker-1", ""},
		{"the master's own failure does not wait", run("", "Never"), []string{"exit1@3", "run", "run"}, 3, "Failed, PyTorchJobFailed, stop j-worker-0, stop j-worker-1", ""},
		{"OnFailure: peers are stopped first", run("", "OnFailure"), []string{"run", "exit1@3", "run"}, 5, "Restarting, stop j-master-0, stop j-worker-1", "restart 1"},
		{"OnFailure: then all start again", run("", "OnFailure"), []string{"exit143@6", "exit1@3", "exit143@6"}, 7, "Restarting, start j-master-0@13, start j-worker-0@13, start j-worker-1@13, wake@13", "j-worker-0 exited with code 1; restart 1"},
		{"a master that was stopped has not succeeded", run("", "OnFailure"), []string{"ok@6", "exit1@3", "exit143@6"}, 7, "Restarting, start j-master-0@13, start j-worker-0@13, start j-worker-1@13, wake@13", ""},
		{"back-off doubles", run("", "OnFailure"), []string{"exit143@6+2", "exit1@3+2", "exit143@6+1"}, 7, "Restarting, start j-master-0@43, start j-worker-0@43, start j-worker-1@43, wake@43", "restart 3"},
		{"back-off is at most 5 min", run("", "OnFailure"), []string{"exit143@6+99", "exit1@3+99", "exit143@6+99"}, 7, "Restarting, start j-master-0@303, start j-worker-0@303, start j-worker-1@303, wake@303", ""},
		{"back-off starts anew after a long run", run("", "OnFailure"), []string{"exit143@706+5", "exit1@700+5", "exit143@706+5"}, 707, "Restarting, start j-master-0@710, start j-worker-0@710, start j-worker-1@710, wake@710", ""},
		{"backoffLimit", run(`"runPolicy": {"backoffLimit": 2}`, "OnFailure"), []string{"exit143@6+2", "exit1@3+2", "exit143@6+2"}, 7, "Failed, BackoffLimitExceeded", "backoff limit of 2"},
		{"backoffLimit not yet", run(`"runPolicy": {"backoffLimit": 2}`, "OnFailure"), []string{"run+2", "run+2", "run+2"}, 7, "Running", ""},
		{"backoffLimit 0", run(`"runPolicy": {"backoffLimit": 0}`, "OnFailure"), []string{"exit1@3", "run", "run"}, 3, "Failed, BackoffLimitExceeded, stop j-worker-0, stop j-worker-1", "code 1"},
		{"ExitCode: below 128 is final", run("", "ExitCode"), []string{"exit127@3", "run", "run"}, 4, "Failed, PyTorchJobFailed, stop j-worker-0, stop j-worker-1", ""},
		{"ExitCode: from 128 it starts again", run("", "ExitCode"), []string{"exit128@3", "exit1@4", "exit1@4"}, 5, "Restarting, start j-master-0@13, start j-worker-0@13, start j-worker-1@13, wake@13", ""},
		{"ExitCode: SIGSEGV too, and it is counted", run(`"runPolicy": {"backoffLimit": 1}`, "ExitCode"), []string{"exit139@3+1", "exit1@4", "exit1@4"}, 5, "Failed, BackoffLimitExceeded", ""},
		{"deadline ahead", run(`"runPolicy": {"activeDeadlineSeconds": 60}`, "Never"), []string{"run", "run", "run"}, 59, "Running, wake@60", ""},
		{"deadline on time", run(`"runPolicy": {"activeDeadlineSeconds": 60}`, "Never"), []string{"run", "run", "run"}, 60, "Failed, DeadlineExceeded, stop j-master-0, stop j-worker-0, stop j-worker-1", "1m0s"},
		{"success before the deadline counts", run(`"runPolicy": {"activeDeadlineSeconds": 60}`, "Never"), []string{"ok@60", "ok@50", "ok@50"}, 70, "Succeeded", ""},
		{"success after it does not", run(`"runPolicy": {"activeDeadlineSeconds": 60}`, "Never"), []string{"ok@60.5", "ok@50", "ok@50"}, 70, "Failed, DeadlineExceeded", ""},
		{"Always starts again after success", withPolicy(pytorchJob("", "Master 1"), "Always"), []string{"ok@3"}, 4, "Restarting, start j-master-0/pytorch@13, wake@13", ""},
		{"one pod restarts in place", withPolicy(pytorchJob("", "Master 1"), "OnFailure"), []string{"exit1@3+1"}, 4, "Restarting, start j-master-0/pytorch@23, wake@23", "restart 2"},
		{"workers alone: all must succeed", pytorchJob("", "Worker 2"), []string{"ok@3", "run"}, 4, "Running", ""},
		{"workers alone: all have", pytorchJob("", "Worker 2"), []string{"ok@3", "ok@5"}, 5, "Succeeded", ""},
		{"elastic: one is enough", pytorchJob(`"elasticPolicy": {}`, "Worker 2"), []string{"ok@3", "run"}, 4, "Succeeded, stop j-worker-1", ""},
		{"elastic: one restarts alone", pytorchJob(`"elasticPolicy": {}`, "Worker 2"), []string{"exit1@3", "run"}, 4, "Running, start j-worker-0/pytorch@13, wake@13", ""},
		{"TFJob: worker 0 is enough", tfJob("", "Worker 2"), []string{"ok@3", "run"}, 4, "Succeeded, stop j-worker-1", ""},
		{"TFJob: another worker is not", tfJob("", "Worker 2"), []string{"run", "ok@3"}, 4, "Running", ""},
		{"TFJob AllWorkers", tfJob(`"successPolicy": "AllWorkers"`, "Worker 2"), []string{"ok@3", "run"}, 4, "Running", ""},
		{"TFJob: the chief decides", tfJob("", "Chief 1", "Worker 1"), []string{"run", "ok@3"}, 4, "Running", ""},
		{"TFJob: a failed ps fails it", tfJob("", "PS 1", "Worker 2"), []string{"exit1@3", "run", "run"}, 4, "Failed, TFJobFailed, stop j-worker-0, stop j-worker-1", ""},
		{"TFJob: workers that come and go may fail", tfJob(`"enableDynamicWorker": true`, "PS 1", "Worker 2"), []string{"run", "run", "exit1@3"}, 5, "Running", ""},
		{"MPIJob: sleeping workers do not matter", job("kubeflow.org/v1", "MPIJob", strings.ReplaceAll(group("mpiReplicaSpecs", "m", "", "Launcher 1", "Worker 2"), `, "command": ["c"]`, "")), []string{"ok@3"}, 4, "Succeeded", ""},
		{"Job", batchJob("Never", ""), []string{"ok@3"}, 4, "Succeeded", ""},
		{"Job: a failed pod is made anew", batchJob("Never", ""), []string{"exit1@3+1"}, 4, "Restarting, start j-0@23, wake@23", "restart 2 of at most 6"},
		{"Job: six times", batchJob("Never", ""), []string{"exit1@3+6"}, 4, "Failed, BackoffLimitExceeded", ""},
		{"Job: OnFailure in place", batchJob("OnFailure", `"backoffLimit": 1, `), []string{"exit1@3"}, 4, "Restarting, start j-0/c@13, wake@13", ""},
		{"Job: completions", batchJob("Never", `"completions": 3, "parallelism": 2, `), []string{"ok@3", "run", "pend"}, 4, "Running, start j-2", ""},
		{"Job: parallelism", batchJob("Never", `"completions": 3, "parallelism": 2, `), []string{"run", "run", "pend"}, 4, "Running", ""},
		{"Job: a failed pod holds its place", batchJob("Never", `"completions": 3, "parallelism": 2, `), []string{"exit1@3", "run", "pend"}, 4, "Running, start j-0@13, wake@13", ""},
		{"Job: queue", batchJob("Never", `"parallelism": 2, `), []string{"ok@3", "run"}, 4, "Running", ""},
		{"Job: queue done", batchJob("Never", `"parallelism": 2, `), []string{"ok@3", "ok@4"}, 4, "Succeeded", ""},
		{"TrainJob: all nodes", trainJob2("torch-distributed", `{"numNodes": 2}`), []string{"ok@3", "run"}, 4, "Running", ""},
		{"TrainJob: restarts as a whole", trainJob2("torch-distributed", `{"numNodes": 2}`), []string{"ok@3", "exit1@3"}, 4, "Restarting, start t-node-0-0@13, start t-node-0-1@13, wake@13", ""},
		{"TrainJob: initializers go first", trainJob2("torchtune-llama3.2-1b", `{}`), []string{"ok@3", "run", "pend"}, 4, "Pending", ""},
		{"TrainJob: initializers are done", trainJob2("torchtune-llama3.2-1b", `{}`), []string{"ok@3", "ok@4", "pend"}, 5, "Pending, start t-node-0-0", ""},
		{"Pod", `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j"}, "spec": {"containers": [{"name": "c"}]}}`, []string{"exit3@3"}, 5, "Failed, PodFailed", "code 3"},
		{"Pod deadline", `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j"}, "spec": {"activeDeadlineSeconds": 5, "containers": [{"name": "c"}]}}`, []string{"run"}, 5, "Failed, DeadlineExceeded, stop j", "5 s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := mustExpand(t, tt.job, Options{})
			v := j.Judge(observe(t, j, tt.pods...), at(tt.now))
			if got := verdict(v); got != tt.want {
				t.Errorf("got  %s\nwant %s (%s)", got, tt.want, v.Message)
			}
			if !strings.Contains(v.Message, tt.words) {
				t.Errorf("message %q lacks %q", v.Message, tt.words)
			}
		})
	}
}

func TestBackoffIsAnOption(t *testing.T) {
	limit := int32(1)
	j := mustExpand(t, pytorchJob("", "Master 1"), Options{Backoff: time.Second, BackoffLimit: &limit})
	if got := verdict(j.Judge(observe(t, j, "exit1@3"), at(3))); got != "Restarting, start j-master-0/pytorch@4, wake@4" {
		t.Error(got)
	}
	if got := verdict(j.Judge(observe(t, j, "exit1@3+1"), at(3))); got != "Failed, BackoffLimitExceeded" {
		t.Error(got)
	}
}

// TestInitContainers restart alone, and sidecars start again without being counted.
func TestInitContainers(t *testing.T) {
	j := mustExpand(t, withPolicy(strings.ReplaceAll(pytorchJob(`"runPolicy": {"backoffLimit": 3}`, "Master 1", "Worker 1"), `{"spec": {`,
		`{"spec": {"initContainers": [{"name": "init"}, {"name": "side", "restartPolicy": "Always"}], `), "OnFailure"), Options{})
	s := observe(t, j, "run", "pend")
	s.Pods[1].InitContainers = []ContainerStatus{{Name: "init", RestartCount: 1, Terminated: &Terminated{ExitCode: 1, FinishedAt: at(3)}}}
	if got := verdict(j.Judge(s, at(3))); got != "Running, start j-worker-0/init@23, wake@23" {
		t.Error(got)
	}
	s = observe(t, j, "run", "run")
	s.Pods[0].InitContainers = []ContainerStatus{{Name: "side", RestartCount: 9, Terminated: &Terminated{ExitCode: 1, StartedAt: at(1), FinishedAt: at(2)}}}
	if got := verdict(j.Judge(s, at(3))); got != "Running, start j-master-0/side@302, wake@302" {
		t.Error(got)
	}
}

// machine runs a job as a runner would, with ends drawn at random.
type machine struct {
	*Job
	r    *rand.Rand
	pods []PodStatus
	held []bool
	stop []bool
	now  time.Time
}

func newMachine(j *Job, r *rand.Rand) *machine {
	m := &machine{Job: j, r: r, now: epoch}
	for _, p := range j.Pods {
		s := PodStatus{Name: p.Name, Phase: PodPending}
		for _, c := range p.Spec.Containers {
			s.Containers = append(s.Containers, ContainerStatus{Name: c.Name, Waiting: &Waiting{Reason: "PodInitializing"}})
		}
		m.pods = append(m.pods, s)
		m.held, m.stop = append(m.held, p.Held), append(m.stop, false)
	}
	return m
}

// step lets something happen, and carries out a verdict.
func (m *machine) step(v Verdict) {
	for _, name := range v.Stop {
		m.stop[slices.IndexFunc(m.pods, func(p PodStatus) bool { return p.Name == name })] = true
	}
	for _, again := range v.Start {
		i := slices.IndexFunc(m.pods, func(p PodStatus) bool { return p.Name == again.Pod })
		if !again.NotBefore.After(m.now) && !v.final() {
			m.begin(i, again.Container)
		}
	}
	m.now = m.now.Add(time.Duration(m.r.IntN(4000)) * time.Millisecond)
	for i := range m.pods {
		p := &m.pods[i]
		for k := range p.Containers {
			c := &p.Containers[k]
			switch {
			case c.Waiting != nil && !m.stop[i] && !m.held[i] && !v.final() && m.r.IntN(2) == 0:
				c.Waiting, c.Running, p.Phase = nil, &Running{m.now}, PodRunning
				if p.StartTime.IsZero() {
					p.StartTime = m.now
				}
			case c.Running != nil && (m.stop[i] || m.r.IntN(8) == 0):
				code := []int{0, 0, 1, 137, 143}[m.r.IntN(5)]
				c.Terminated = &Terminated{ExitCode: code, StartedAt: c.Running.StartedAt, FinishedAt: m.now}
				c.Running = nil
			}
		}
		m.settle(i)
	}
}

func (m *machine) begin(i int, container string) {
	m.held[i], m.stop[i] = false, false
	p := &m.pods[i]
	for k := range p.Containers {
		if c := &p.Containers[k]; container == "" || c.Name == container {
			if c.Terminated != nil {
				c.RestartCount++
				c.LastTerminated, c.Terminated = c.Terminated, nil
			}
			c.Waiting, p.Phase = &Waiting{Reason: "ContainerCreating"}, PodPending
		}
	}
}

// settle gives a pod the phase that a kubelet would.
func (m *machine) settle(i int) {
	p, policy := &m.pods[i], m.Pods[i].Restart
	bad := false
	for _, c := range p.Containers {
		if c.Terminated == nil {
			return
		}
		bad = bad || c.Terminated.ExitCode != 0
	}
	switch {
	case !bad && policy != RestartAlways:
		p.Phase = PodSucceeded
	case bad && (policy == RestartNever || policy == RestartExitCode):
		p.Phase = PodFailed
	}
}

// TestJudgeIsOfOneMind runs jobs of every kind through random lives: the order of pods changes nothing, the first final verdict
// stays, a job that goes on has a pod that runs or something to wait for, and restarts stay within their limit.
func TestJudgeIsOfOneMind(t *testing.T) {
	kinds := map[string]string{
		"PyTorchJob": pytorchJob(`"runPolicy": {"backoffLimit": 2, "activeDeadlineSeconds": 100}`, "Master 1", "Worker 2"),
		"workers":    pytorchJob(`"runPolicy": {"backoffLimit": 2}`, "Worker 3"), "elastic": pytorchJob(`"elasticPolicy": {}, "runPolicy": {"backoffLimit": 3}`, "Worker 3"),
		"TFJob": tfJob(`"runPolicy": {"backoffLimit": 2}`, "PS 1", "Worker 2"), "chief": tfJob(`"runPolicy": {"backoffLimit": 2}`, "Chief 1", "Worker 2"),
		"JAXJob":    job("kubeflow.org/v1", "JAXJob", group("jaxReplicaSpecs", "jax", `"runPolicy": {"backoffLimit": 1}`, "Worker 2")),
		"Job":       batchJob("Never", `"backoffLimit": 2, "completions": 4, "parallelism": 2, `),
		"OnFailure": batchJob("OnFailure", `"backoffLimit": 2, "completions": 2, "parallelism": 2, "activeDeadlineSeconds": 60, `),
		"TrainJob":  trainJob2("torchtune-llama3.2-1b", `{}`), "nodes": trainJob2("torch-distributed", `{"numNodes": 3}`),
	}
	names := []string{}
	for k := range kinds {
		names = append(names, k)
	}
	slices.Sort(names)
	rapid.Check(t, func(t *rapid.T) {
		text := kinds[rapid.SampledFrom(names).Draw(t, "kind")]
		if policy := rapid.SampledFrom([]string{"", "Never", "OnFailure", "ExitCode"}).Draw(t, "policy"); policy != "" {
			text = withPolicy(text, policy)
		}
		o := map[string]any{}
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		j, err := Expand(o, Options{Backoff: time.Second})
		if err != nil {
			t.Skip(err)
		}
		m := newMachine(j, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		var final Phase
		for range 150 {
			s := Status{Pods: m.pods}
			v := j.Judge(s, m.now)
			shuffled := slices.Clone(m.pods)
			m.r.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
			if d := cmp.Diff(v, j.Judge(Status{Pods: shuffled}, m.now)); d != "" {
				t.Fatalf("the order of pods matters: %s", d)
			}
			if final != "" && v.Phase != final {
				t.Fatalf("it was %s, and is %s: %s", final, v.Phase, v.Message)
			}
			if v.final() {
				final = v.Phase
			}
			l := j.look(s, m.now)
			if limit := j.Policy.BackoffLimit; limit != nil && l.restarts > int(*limit) {
				t.Fatalf("%d restarts of at most %d", l.restarts, *limit)
			}
			speaks := slices.ContainsFunc(l.seats, func(st *seat) bool { return st.serves() })
			if v.Phase == Active && !speaks {
				t.Fatal("Running, and no container runs")
			}
			waits := slices.ContainsFunc(l.seats, func(st *seat) bool { return !st.quiet || !st.begun && !st.Held })
			if !v.final() && !waits && v.Wake.IsZero() && len(v.Start) == 0 {
				t.Fatalf("nothing runs, and nothing is to come: %+v", v)
			}
			j.Object(v, s)
			m.step(v)
		}
	})
}
