package provision

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qalam/runner"
	"qalam/workload"
)

// peers is a job of pods that have one variable list each.
func peers(env ...[]workload.EnvVar) runner.Task {
	job := &workload.Job{Kind: "J", Name: "j", Namespace: "ns"}
	names := []string{"j-master-0", "j-worker-0", "j-worker-1"}
	for i, e := range env {
		job.Pods = append(job.Pods, workload.Pod{Name: names[i], Names: []string{names[i], names[i] + ".ns.svc"}, Spec: workload.PodSpec{
			Containers: []workload.Container{{Name: "c", Command: []string{"/bin/true", "$(MASTER_PORT)"}, Env: e}}}})
	}
	return runner.Task{Job: job}
}

func env(kv ...string) []workload.EnvVar {
	var out []workload.EnvVar
	for _, s := range kv {
		k, v, _ := strings.Cut(s, "=")
		out = append(out, workload.EnvVar{Name: k, Value: v})
	}
	return out
}

func TestPlainPorts(t *testing.T) {
	const tf = `TF_CONFIG={"cluster":{"ps":["j-worker-0.ns.svc:2222"],"worker":["j-master-0.ns.svc:2222"]},"task":{"type":"ps","index":0},"environment":"cloud"}`
	for _, tc := range []struct {
		name      string
		envs      [][]workload.EnvVar
		listens   map[string][]int
		pod       int
		want, not []string
	}{
		{"pytorch", [][]workload.EnvVar{
			env("MASTER_PORT=23456", "PET_MASTER_PORT=23456", "MASTER_ADDR=j-master-0", "PET_MASTER_ADDR=j-master-0", "RANK=0"),
			env("URL=tcp://$(MASTER_ADDR):$(MASTER_PORT)", "MASTER_PORT=23456", "MASTER_ADDR=j-master-0", "LATE=$(MASTER_ADDR):$(MASTER_PORT)")},
			map[string][]int{"j-master-0": {23456}}, 1,
			[]string{"MASTER_PORT=20000", "MASTER_ADDR=127.0.0.1", "LATE=127.0.0.1:20000", "GLOO_SOCKET_IFNAME=lo"}, nil},
		{"elastic", [][]workload.EnvVar{env("PET_RDZV_ENDPOINT=j-master-0:23456")}, map[string][]int{"j-master-0": {23456}}, 0, []string{"PET_RDZV_ENDPOINT=127.0.0.1:20000"}, nil},
		{"paddle", [][]workload.EnvVar{env("PADDLE_MASTER=$(POD_IP_DUMMY):36543"), env("PADDLE_MASTER=j-master-0:36543")}, map[string][]int{"j-master-0": {36543}}, 0,
			[]string{"PADDLE_MASTER=$(POD_IP_DUMMY):20000"}, nil},
		{"jax", [][]workload.EnvVar{env("COORDINATOR_PORT=6666", "COORDINATOR_ADDRESS=j-master-0", "JAX_COORDINATOR_ADDRESS=j-master-0:29500")}, map[string][]int{"j-master-0": {6666, 29500}}, 0,
			[]string{"COORDINATOR_PORT=20000", "JAX_COORDINATOR_ADDRESS=127.0.0.1:20001", "COORDINATOR_ADDRESS=127.0.0.1"}, nil},
		{"xgboost", [][]workload.EnvVar{env("MASTER_ADDR=j-master-0", "MASTER_PORT=9999"), env("WORKER_PORT=9991", "WORKER_ADDRS=j-worker-0,j-worker-1"), env("WORKER_PORT=9991", "WORKER_ADDRS=j-worker-0,j-worker-1")},
			map[string][]int{"j-master-0": {9999}, "j-worker-0": {9991}, "j-worker-1": {9991}}, 2, []string{"WORKER_PORT=20002", "WORKER_ADDRS=127.0.0.1,127.0.0.1"}, nil},
		{"tensorflow", [][]workload.EnvVar{env(tf), env(tf)}, map[string][]int{"j-master-0": {2222}, "j-worker-0": {2222}}, 1,
			[]string{`TF_CONFIG={"cluster":{"ps":["127.0.0.1:20001"],"worker":["127.0.0.1:20000"]},"task":{"type":"ps","index":0},"environment":"cloud"}`}, nil},
		{"not ours", [][]workload.EnvVar{env("MASTER_ADDR=example.org", "MASTER_PORT=1", "PADDLE_MASTER=nonsense", "TF_CONFIG=nonsense")}, map[string][]int{}, 0,
			[]string{"MASTER_ADDR=example.org", "MASTER_PORT=1", "PADDLE_MASTER=nonsense", "TF_CONFIG=nonsense"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			task := peers(tc.envs...)
			listens := Listens(task.Job)
			if diff := cmp.Diff(tc.listens, listens); diff != "" {
				t.Fatal(diff)
			}
			grant, next := Grant{Ports: map[string]int{}}, 20000
			for i := range task.Job.Pods {
				for _, p := range listens[task.Job.Pods[i].Name] {
					b, _ := json.Marshal(p)
					grant.Ports[task.Job.Pods[i].Name+"/"+string(b)] = next
					next++
				}
			}
			o := options(t)
			o.Tier = Plain
			all, err := New(o).Provision(task, task.Job.Pods[tc.pod], t.TempDir(), grant)
			if err != nil {
				t.Fatal(err)
			}
			got := envOf(all[0])
			for _, kv := range tc.want {
				if k, v, _ := strings.Cut(kv, "="); got[k] != v {
					t.Errorf("%s=%s, want %s", k, got[k], v)
				}
			}
		})
	}
}

// Pods that share one address in a network of their own keep their names; only ports that would meet are changed.
func TestPortsInOneNamespace(t *testing.T) {
	const tf = `TF_CONFIG={"cluster":{"worker":["j-master-0.ns.svc:2222","j-worker-0.ns.svc:2222","j-worker-1.ns.svc:2222"]}}`
	task := peers(env(tf), env(tf), env(tf, "MASTER_ADDR=j-master-0", "MASTER_PORT=2223"))
	for ips, want := range map[[3]string]string{
		{"127.0.0.1", "127.0.0.1", "127.0.0.1"}: `{"cluster":{"worker":["j-master-0.ns.svc:2222","j-worker-0.ns.svc:2224","j-worker-1.ns.svc:2225"]}}`,
		{"10.0.0.1", "10.0.0.2", "10.0.0.3"}:    strings.TrimPrefix(tf, "TF_CONFIG="),
	} {
		grant := Grant{Addresses: map[string]string{}}
		for i := range task.Job.Pods {
			grant.Addresses[task.Job.Pods[i].Name] = ips[i]
		}
		all, err := New(options(t)).Provision(task, task.Job.Pods[2], t.TempDir(), grant)
		if err != nil {
			t.Fatal(err)
		}
		e := envOf(all[0])
		if e["TF_CONFIG"] != want || e["MASTER_PORT"] != "2223" || e["MASTER_ADDR"] != "j-master-0" {
			t.Errorf("%v: %v", ips, e)
		}
		if all[0].Process.Argv[1] != "2223" {
			t.Errorf("argv %q", all[0].Process.Argv)
		}
	}
}
