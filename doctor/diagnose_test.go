package doctor

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"qalam/workload"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// two is a PyTorchJob of a master and a worker, both of which run since a minute.
func two(change func(*Snapshot)) Snapshot {
	env := []workload.EnvVar{{Name: "MASTER_PORT", Value: "23456"}, {Name: "WORLD_SIZE", Value: "2"}}
	pod := func(name string) workload.Pod {
		return workload.Pod{Name: name, Spec: workload.PodSpec{Containers: []workload.Container{{
			Name: "pytorch", Command: []string{"python3", "mnist.py"}, Env: env,
			Resources: workload.Resources{Limits: map[string]workload.Quantity{"memory": "1Gi"}},
		}}}}
	}
	status := func(name string) workload.PodStatus {
		return workload.PodStatus{Name: name, Phase: workload.PodRunning, Containers: []workload.ContainerStatus{
			{Name: "pytorch", Running: &workload.Running{StartedAt: ago(time.Minute)}},
		}}
	}
	worker := pod("j-worker-0")
	worker.WaitFor = &workload.WaitFor{Pod: "j-master-0", Port: 23456}
	s := Snapshot{
		Now: now, Created: ago(time.Minute),
		Job:     &workload.Job{Kind: "PyTorchJob", Name: "j", Pods: []workload.Pod{pod("j-master-0"), worker}},
		Pods:    []workload.PodStatus{status("j-master-0"), status("j-worker-0")},
		Primary: Primary{Pods: []string{"j-master-0"}, Container: "pytorch"},
		Metric:  Metric{Name: "loss", Kind: "StdOut", Points: 1, Lines: 1},
		Params:  []Param{{"lr", "0.1"}, {"batch_size", "64"}},
		Logs:    []Log{{Pod: "j-master-0", Container: "pytorch"}, {Pod: "j-worker-0", Container: "pytorch"}},
		Vitals:  &Vitals{Listening: []int{23456}, Processes: 2, LastOutput: ago(time.Second)},
	}
	change(&s)
	return s
}

func ended(s *Snapshot, pod int, e workload.Terminated) {
	s.Pods[pod].Containers[0] = workload.ContainerStatus{Name: "pytorch", Terminated: &e}
}

func TestDiagnose(t *testing.T) {
	failed := workload.Terminated{ExitCode: 1, Reason: "Error", FinishedAt: ago(time.Second)}
	cases := map[string]struct {
		change  func(*Snapshot)
		code    string // of the first finding; "" means that nothing is wrong
		message string // part of its message
		rest    string // part of its evidence or fix
	}{
		"all is well": {func(*Snapshot) {}, "", "", ""},
		"resources": {func(s *Snapshot) { s.Wait = "waiting for 2 CPUs: 2 of 2 are taken by a" },
			"WaitingForResources", "waiting for 2 CPUs", "parallelTrialCount"},
		"not found": {func(s *Snapshot) {
			ended(s, 0, workload.Terminated{ExitCode: 127, Reason: "StartError", Message: "pyhton3: not found"})
		}, "StartError", "pyhton3: not found", "image map"},
		"missing secret": {func(s *Snapshot) {
			s.Pods[0].Containers[0] = workload.ContainerStatus{Name: "pytorch", Waiting: &workload.Waiting{Reason: "CreateContainerConfigError", Message: `secret "db" not found`}}
		}, "ConfigError", `secret "db" not found`, "another document"},
		"suspended": {func(s *Snapshot) { s.Job.Policy.Suspended = true }, "Suspended", "nothing starts", "runPolicy.suspend"},
		"out of memory": {func(s *Snapshot) {
			ended(s, 1, workload.Terminated{ExitCode: 137, Signal: 9, Reason: "OOMKilled"})
		}, "OOMKilled", "j-worker-0 ran out of memory: its limit is 1Gi", "batch_size=64"},
		"gpu out of memory": {func(s *Snapshot) {
			ended(s, 0, failed)
			s.Logs[0].Tail = []string{"x", "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"}
		}, "AcceleratorOutOfMemory", "accelerator", "Tried to allocate"},
		"reset": {func(s *Snapshot) {
			ended(s, 1, failed)
			s.Logs[1].Tail = []string{"RuntimeError: Connection reset by peer"}
		}, "ConnectionReset", "j-worker-0 reached", "sidecar.istio.io/inject"},
		"port": {func(s *Snapshot) {
			ended(s, 0, failed)
			s.Logs[0].Tail = []string{"RuntimeError: The server socket has failed to listen … (errno: 98 - Address already in use)"}
		}, "PortTaken", "port", "namespaces"},
		"download": {func(s *Snapshot) {
			ended(s, 0, failed)
			s.Logs[0].Tail = []string{"urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>"}
		}, "DownloadRefused", "download", "--network host"},
		"rendezvous gave up": {func(s *Snapshot) {
			ended(s, 0, failed)
			s.Logs[0].Tail = []string{"RuntimeError: Timed out after 31 seconds waiting for clients. 1/2 clients joined."}
		}, "RendezvousFailed", "only 1 of 2 ranks joined", "j-worker-0 is running"},
		"unknown master is no download": {func(s *Snapshot) {
			ended(s, 1, failed)
			s.Logs[1].Tail = []string{"gai error: -3 - Temporary failure in name resolution j-master-0"}
		}, "RendezvousFailed", "gave up", "MASTER_ADDR"},
		"module": {func(s *Snapshot) {
			ended(s, 0, failed)
			s.Logs[0].Tail = []string{"ModuleNotFoundError: No module named 'torch'"}
		}, "ProgramIncomplete", "No module named 'torch'", "map the image"},
		"exit code": {func(s *Snapshot) {
			ended(s, 0, workload.Terminated{ExitCode: 3, Reason: "Error"})
			s.Logs[0].Tail = []string{"ValueError: lr must be positive", "bye"}
		}, "ExitCode", "exited with code 3: ValueError: lr must be positive", "qalam logs"},
		"killed": {func(s *Snapshot) {
			ended(s, 0, workload.Terminated{ExitCode: 137, Signal: 9, Reason: "Error"})
		}, "KilledBySignal", "signal 9 SIGKILL", "dmesg"},
		"the first failure is the cause": {func(s *Snapshot) {
			ended(s, 0, workload.Terminated{ExitCode: 1, Reason: "Error", FinishedAt: ago(time.Second)})
			ended(s, 1, workload.Terminated{ExitCode: 2, Reason: "Error", FinishedAt: ago(2 * time.Second)})
		}, "ExitCode", "j-worker-0 exited with code 2", ""},
		"deadline": {func(s *Snapshot) {
			s.Verdict = workload.Verdict{Reason: "DeadlineExceeded", Message: "active longer than 60 s"}
			s.Logs[0].Tail = []string{"epoch 3"}
		}, "DeadlineExceeded", "activeDeadlineSeconds", "last line: epoch 3"},
		"crash loop": {func(s *Snapshot) {
			s.Pods[1].Containers[0] = workload.ContainerStatus{
				Name: "pytorch", RestartCount: 4, LastTerminated: &workload.Terminated{ExitCode: 1, Reason: "Error"},
				Waiting: &workload.Waiting{Reason: "CrashLoopBackOff"},
			}
		}, "CrashLoop", "j-worker-0 fails again and again: 4 restarts, exit code 1", "backoffLimit"},
		"past failure": {func(s *Snapshot) {
			s.Pods[1].Containers[0] = workload.ContainerStatus{
				Name: "pytorch", RestartCount: 2, LastTerminated: &workload.Terminated{ExitCode: 1, Reason: "Error"},
				Running: &workload.Running{StartedAt: ago(time.Minute)},
			}
		}, "", "", ""},
		"nproc": {func(s *Snapshot) {
			s.Metric.Points = 0
			for i := range s.Job.Pods {
				s.Job.Pods[i].Spec.Containers[0].Env[1].Value = "4"
			}
		}, "RanksMissing", "rank 0 waits for 4 ranks, but only 2 processes exist", "torchrun"},
		"worker missing": {func(s *Snapshot) {
			s.Metric.Points = 0
			s.Pods[1].Containers[0] = workload.ContainerStatus{Name: "pytorch", Waiting: &workload.Waiting{Reason: "ContainerCreating"}}
		}, "RendezvousIncomplete", "1 of 2 pods run", "j-worker-0 is waiting (ContainerCreating)"},
		"nobody listens": {func(s *Snapshot) {
			s.Metric.Points = 0
			s.Vitals.Listening = []int{9999}
		}, "RendezvousNotListening", "not listening on port 23456", "9999"},
		"worker elsewhere": {func(s *Snapshot) {
			s.Metric.Points = 0
			s.Vitals.Before, s.Vitals.CPUBefore, s.Vitals.CPU = ago(40*time.Second), 9*time.Second, 9*time.Second
			s.Job.Pods[1].Spec.Containers[0].Command = []string{"env", "MASTER_PORT=23457", "python3", "mnist.py"}
			s.Logs[1].Tail = []string{"connecting"}
		}, "RendezvousIncomplete", "j-master-0 listens on port 23456 and waits: not all of the 2 ranks", "j-worker-0 sets MASTER_PORT=23457"},
		"wrong name of the master": {func(s *Snapshot) {
			ended(s, 1, failed)
			s.Logs[1].Tail = []string{"[W socket.cpp:601] [c10d] The IPv4 network addresses of (mnist-master, 23456) cannot be retrieved (gai error: -3 - Temporary failure in name resolution)."}
		}, "RendezvousFailed", "gave up", "mnist-master"},
		"waits for master": {func(s *Snapshot) {
			s.Metric.Points = 0
			s.Pods[1].Containers[0] = workload.ContainerStatus{Name: "pytorch", Waiting: &workload.Waiting{Reason: "PodInitializing"}}
			s.Pods[1].WaitingForPeers = true
			s.Pods[0].Containers[0].Running.StartedAt = ago(5 * time.Second)
			s.Created = ago(11 * time.Second)
		}, "WaitingForPeer", "j-worker-0 waits until j-master-0 listens on port 23456", ""},
		"no metric at the end": {func(s *Snapshot) {
			s.Ended, s.Metric.Points, s.Metric.Lines = true, 0, 7
			s.Metric.NearMiss, s.Metric.Suggestion = []string{"Loss: 0.3"}, `(Loss):\s*([0-9.]+)`
			ended(s, 0, workload.Terminated{Reason: "Completed"})
			ended(s, 1, workload.Terminated{Reason: "Completed"})
		}, "NoMetric", "printed no value of loss", "metricsFormat"},
		"prints nothing": {func(s *Snapshot) {
			s.Metric.Points, s.Metric.Lines = 0, 0
			s.Vitals = nil
		}, "NoMetric", "without a value of loss", "flush"},
		"siblings are slow too": {func(s *Snapshot) {
			s.Metric.Points = 0
			s.Peers.MedianFirstPoint = 10 * time.Minute
		}, "", "", ""},
		"idle": {func(s *Snapshot) {
			s.Vitals.Before, s.Vitals.CPUBefore, s.Vitals.CPU = ago(time.Minute), 9*time.Second, 9*time.Second
			s.Vitals.LastOutput = ago(11 * time.Minute)
			s.Logs[0].Tail = []string{"waiting for the data"}
		}, "Idle", "no output for 11m", "waiting for the data"},
		"busy without output": {func(s *Snapshot) {
			s.Vitals.Before, s.Vitals.CPUBefore, s.Vitals.CPU = ago(time.Minute), 0, time.Minute
			s.Vitals.LastOutput = ago(11 * time.Minute)
		}, "", "", ""},
		"slow": {func(s *Snapshot) {
			s.Peers.MedianDuration = 5 * time.Second
		}, "Slow", "its siblings took 5s", "parallelTrialCount"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Diagnose(two(c.change))
			if c.code == "" {
				if len(got) > 0 {
					t.Fatalf("found %+v where nothing is wrong", got)
				}
				return
			}
			if len(got) == 0 {
				t.Fatalf("found nothing, want %s", c.code)
			}
			f := got[0]
			rest := strings.Join(append(f.Evidence, f.Fix), "\n")
			if f.Code != c.code || !strings.Contains(f.Message, c.message) || !strings.Contains(rest, c.rest) {
				t.Errorf("found %s: %s\n%s\nwant %s: …%s…\n…%s…", f.Code, f.Message, rest, c.code, c.message, c.rest)
			}
		})
	}
}

// TestFindingsAreComplete holds of whatever a snapshot says: one line, a code, a fix, and the same answer twice.
func TestFindingsAreComplete(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	lines := []string{"Connection reset by peer", "CUDA out of memory", "Address already in use", "loss: 3", "ImportError: x",
		"Timed out waiting for clients. 1/2 clients joined", strings.Repeat("ä", 4000), "HTTPError", "\x00\xff"}
	for range 5000 {
		s := two(func(s *Snapshot) {
			for i := range s.Pods {
				c := &s.Pods[i].Containers[0]
				switch rng.IntN(4) {
				case 0:
					ended(s, i, workload.Terminated{ExitCode: rng.IntN(256), Signal: rng.IntN(20), Reason: []string{"Error", "OOMKilled", "Completed", "StartError"}[rng.IntN(4)]})
				case 1:
					*c = workload.ContainerStatus{Name: "pytorch", Waiting: &workload.Waiting{Reason: "CrashLoopBackOff"}, RestartCount: 2}
				}
				s.Logs[i].Tail = []string{lines[rng.IntN(len(lines))]}
			}
			s.Metric.Points = int64(rng.IntN(2))
			s.Ended = rng.IntN(2) == 0
			if rng.IntN(3) == 0 {
				s.Job = nil
			}
			if rng.IntN(3) == 0 {
				s.Vitals = nil
			}
		})
		first, second := Diagnose(s), Diagnose(s)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("two answers for one snapshot: %v and %v", first, second)
		}
		for _, f := range first {
			if f.Code == "" || f.Message == "" || f.Severity == "" || f.Fix == "" || strings.ContainsAny(f.Message, "\n\r") {
				t.Fatalf("incomplete finding %+v", f)
			}
		}
	}
}

func ExampleDiagnose() {
	s := Snapshot{
		Now:  now,
		Pods: []workload.PodStatus{{Name: "j-master-0"}, {Name: "j-worker-0"}},
		Logs: []Log{{Pod: "j-worker-0", Container: "pytorch", Tail: []string{"RuntimeError: Connection reset by peer"}}},
	}
	fmt.Println(Diagnose(s)[0].Message)
	// Output: j-worker-0 reached its peers' address but the connection was reset
}
