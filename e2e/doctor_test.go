package e2e

import (
	"encoding/json"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// aMinute is within which a finding is to be told, after the fact, where a trial gets the processors that it wants: the log says when it was.
const aMinute = time.Minute

// symptom is one way to have a trial not done, or failed, and what is to be said of it.
type symptom struct {
	args  []string
	study study
	live  bool     // it is said while the trial is not over
	codes []string // any of these
	words []string // all of these, in the message
	fix   string   // a part of the fix
	needs func(testing.TB)
}

// script makes a pod of a PyTorchJob: the example's program with what comes before and after it in the command line.
func mnist(before string, args string) []any {
	path, err := filepath.Abs("../examples/pytorch-mnist/mnist.py")
	if err != nil {
		panic(err)
	}
	return []any{"/bin/sh", "-c", before + ` exec ` + python + ` ` + path + ` --epochs=1 --lr=0.01 ` + args, "sh", "${trialParameters.x}"}
}

func shell(script string) []any { return []any{"/bin/sh", "-c", script, "sh", "${trialParameters.x}"} }

// torchStudy is a study whose trials are PyTorchJobs.
func torchStudy(master, worker []any, more ...func(job object)) study {
	s := study{max: 1}
	s.job = pytorchJob(s.podWith(master...), s.podWith(worker...))
	for _, change := range more {
		change(s.job)
	}
	s.change = primary("pytorch")
	return s
}

// resets accepts connections and resets them, as the sidecar of a service mesh does.
const resets = `exec ` + python + ` -c '
import os, socket, struct
s = socket.create_server(("0.0.0.0", int(os.environ["MASTER_PORT"])))
while True:
    c = s.accept()[0]
    c.recv(1)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
'`

func symptoms(port int) map[string]symptom {
	onFailure := func(job object) {
		for _, r := range job["spec"].(object)["pytorchReplicaSpecs"].(object) {
			r.(object)["restartPolicy"] = "OnFailure"
		}
	}
	nproc := func(job object) { job["spec"].(object)["nprocPerNode"] = "2" }
	resources := func(kind, name, amount string) object { return object{"resources": object{kind: object{name: amount}}} }
	return map[string]symptom{
		"waits for resources": {
			args:  []string{"--cpus", "1"},
			study: study{max: 2, parallel: 2, script: `echo loss=1; sleep 300`, container: resources("requests", "cpu", "1")},
			live:  true, codes: []string{"WaitingForResources"}, words: []string{"1 CPU"}, fix: "parallelTrialCount",
		},
		"never fits": {
			args:  []string{"--cpus", "1"},
			study: study{max: 1, script: `echo loss=1`, container: resources("requests", "cpu", "3")},
			codes: []string{"refused"}, words: []string{"cpu"},
		},
		"worker fails": {
			study: torchStudy(mnist("", ""), shell(`echo "OSError: no data in /data" >&2; sleep 2; exit 1`), onFailure), needs: torch,
			live: true, codes: []string{"ExitCode", "CrashLoop", "RendezvousIncomplete"}, words: []string{"worker-0", "OSError: no data in /data"},
		},
		"worker is missing": {
			study: torchStudy(mnist("", "--timeout 8"), shell(`sleep 300`)), needs: torch,
			codes: []string{"RendezvousFailed"}, words: []string{"waiting for its peers", "worker-0 was running"},
		},
		"master uses another port": {
			study: torchStudy(mnist("MASTER_PORT=23999", ""), mnist("", "")), needs: torch,
			live: true, codes: []string{"RendezvousNotListening"}, words: []string{"master-0", "23456", "23999"},
		},
		"no torchrun": {
			study: torchStudy(mnist("", ""), mnist("", ""), nproc), needs: torch,
			live: true, codes: []string{"RanksMissing"}, words: []string{"4 ranks", "2 processes"}, fix: "torchrun",
		},
		"connection reset": {
			study: torchStudy(shell(resets), mnist("", "")), needs: torch,
			codes: []string{"ConnectionReset"}, words: []string{"worker-0", "reset"}, fix: "sidecar.istio.io/inject",
		},
		"traceback": {
			study: study{script: python + ` -c 'import sys
def f(): raise ValueError("lr must be below 1")
f()'`},
			codes: []string{"ExitCode"}, words: []string{"code 1", "ValueError: lr must be below 1"}, fix: "qalam logs",
		},
		"module": {
			study: study{script: python + ` -c 'import no_such_module'`},
			codes: []string{"ProgramIncomplete"}, words: []string{"no_such_module"}, fix: "image",
		},
		"out of memory": {
			study: study{script: `exec ` + python + ` -c 'x = bytearray(400 << 20)'`, container: resources("limits", "memory", "64Mi")},
			needs: root, codes: []string{"OOMKilled"}, words: []string{"out of memory", "64Mi"}, fix: "resources.limits.memory",
		},
		"download": {
			study: study{script: python + ` -c 'import urllib.request; urllib.request.urlopen("http://yann.lecun.com/exdb/mnist/", timeout=20)'`},
			needs: root, codes: []string{"DownloadRefused"}, words: []string{"could not download", "name resolution"}, fix: "--network host",
		},
		"idle": {
			study: study{script: `echo loss=1; sleep 300`},
			live:  true, codes: []string{"Idle"}, words: []string{"no output for"}, fix: "py-spy",
		},
		"silent": {
			study: study{script: `sleep 300`},
			live:  true, codes: []string{"NoMetric"}, words: []string{"printed nothing"}, fix: "PYTHONUNBUFFERED",
		},
		"other words": {
			study: study{script: `while :; do echo "epoch 3: training loss is 0.25"; sleep 1; done`},
			live:  true, codes: []string{"NoMetric"}, words: []string{"epoch 3: training loss is 0.25"}, fix: "metricsFormat",
		},
		"other words at the end": {
			study: study{script: `echo "epoch 3: training loss is 0.25"`},
			codes: []string{"MetricsUnavailable"}, words: []string{"epoch 3: training loss is 0.25"}, fix: "metricsFormat",
		},
		"no words": {
			study: study{script: `while :; do echo working; sleep 1; done`},
			live:  true, codes: []string{"NoMetric"}, words: []string{"lines names it"}, fix: "objectiveMetricName",
		},
		"SIGKILL": {
			study: study{script: `kill -KILL $$$$; sleep 1`}, codes: []string{"KilledBySignal"}, words: []string{"signal 9", "SIGKILL"}, fix: "dmesg",
		},
		"SIGSEGV": {
			study: study{script: `kill -SEGV $$$$; sleep 1`}, codes: []string{"KilledBySignal"}, words: []string{"signal 11", "SIGSEGV"},
		},
		"port taken": {
			args:  []string{"--tier", "plain"},
			study: study{script: python + ` -c 'import socket; socket.create_server(("127.0.0.1", ` + itoa(port) + `))'`},
			codes: []string{"PortTaken"}, words: []string{"Address already in use"}, fix: "namespaces",
		},
		"crash loop": {
			study: study{pod: object{"restartPolicy": "OnFailure"}, script: `echo "RuntimeError: loss is nan" >&2; exit 1`,
				job: nil},
			live: true, codes: []string{"CrashLoop"}, words: []string{"RuntimeError: loss is nan"}, fix: "restartPolicy",
		},
		"no secret": {
			study: study{script: `echo loss=1`, container: object{"env": []any{object{"name": "TOKEN", "valueFrom": object{
				"secretKeyRef": object{"name": "tokens", "key": "hub"}}}}}},
			codes: []string{"refused", "ConfigError"}, words: []string{"tokens", "Secret"},
		},
		"no config map": {
			study: study{script: `echo loss=1`, container: object{"envFrom": []any{object{"configMapRef": object{"name": "settings"}}}}},
			codes: []string{"refused", "ConfigError"}, words: []string{"settings", "ConfigMap"},
		},
	}
}

// Every finding that can come about here is provoked for real, and is told by qalam doctor and qalam trials.
func TestFindings(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	for name, s := range symptoms(taken.Addr().(*net.TCPAddr).Port) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			programs(t, python)
			if s.needs != nil {
				s.needs(t)
			}
			found(t, s)
		})
	}
}

func found(t *testing.T, s symptom) {
	h := newHome(t)
	s.study.name = "sick"
	if s.study.pod["restartPolicy"] == "OnFailure" {
		s.study.job = object{"apiVersion": "batch/v1", "kind": "Job", "spec": object{"backoffLimit": 6, "template": object{"spec": s.study.podSpec()}}}
	}
	p := h.start(append([]string{"run", h.file("sick.json", s.study.json(t)), "--progress", "plain", "--grace", "1s"}, s.args...)...)
	began, last, trials := time.Now(), []told(nil), ""
	for {
		ended := p.ended() // before looking, for what is said last is seen only then
		list := h.doctor("sick")
		if list != nil {
			last = list
		}
		for _, one := range list {
			over := one.State == "Failed" || one.State == "MetricsUnavailable"
			if !s.matches(one) || over == s.live {
				continue
			}
			var same bool
			if trials, same = h.tells(one); same { // else one more start, say, came between the two
				t.Logf("after %v: %s: %s; fix: %s", time.Since(began).Round(100*time.Millisecond), one.Reason, one.Message, one.Fix)
				_ = p.Process.Signal(syscall.SIGINT)
				p.wait(h, 20*time.Second)
				h.nothingAlive()
				return
			}
		}
		if ended && p.ProcessState.ExitCode() == 2 && contains(s.codes, "refused") {
			out := p.out.String()
			for _, word := range s.words {
				if !strings.Contains(out, word) {
					t.Errorf("%q is missing in %s", word, out)
				}
			}
			t.Logf("%s", out)
			return
		}
		if time.Since(began) > aMinute+patience || ended && time.Since(began) > aMinute/4 { // other tests take the processors, too
			p.kill() // what it printed is read
			t.Fatalf("not said after %v: %q %q; but %+v\n%s\nand by qalam trials: %s", time.Since(began), s.codes, s.words, last, &p.out, trials)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

func (s symptom) matches(one told) bool {
	for _, word := range s.words {
		if !strings.Contains(one.Message, word) {
			return false
		}
	}
	return contains(s.codes, one.Reason) && one.Fix != "" && strings.Contains(one.Fix, s.fix)
}

// tells is what qalam trials says, and whether that is the same.
func (h *home) tells(one told) (string, bool) {
	h.Helper()
	out := h.run(0, "trials", "sick", "-o", "json")
	var list struct{ Items []trial }
	check(h, json.Unmarshal([]byte(out), &list))
	for _, t := range list.Items {
		for _, c := range t.Status.Conditions {
			if strings.Contains(c.Reason, one.Reason) && strings.Contains(c.Message, one.Message) {
				return out, true
			}
		}
	}
	return out, false
}

var proposed = regexp.MustCompile(`metricsFormat to \[("(?:[^"\\]|\\.)*")\]`)

// The filter that is proposed reads the metric.
func TestProposedFilter(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := study{name: "words", max: 1, script: `echo "epoch 3: training loss is 0.25"`}
	h.run(4, "run", h.file("words.json", s.json(t)), "--progress", "plain")
	list := h.doctor("words")
	if len(list) != 1 {
		t.Fatalf("%+v", list)
	}
	m := proposed.FindStringSubmatch(list[0].Fix)
	if m == nil {
		t.Fatalf("no filter in %q", list[0].Fix)
	}
	filter, err := strconv.Unquote(m[1])
	check(t, err)
	s.name = "again"
	s.change = func(spec object) {
		spec["metricsCollectorSpec"] = object{"collector": object{"kind": "StdOut"}, "source": object{"filter": object{"metricsFormat": []any{filter}}}}
	}
	h.run(0, "run", h.file("again.json", s.json(t)), "--progress", "plain")
	if out := h.run(0, "best", "again"); !strings.Contains(out, "0.25") {
		t.Errorf("%s", out)
	}
}
