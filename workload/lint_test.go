package workload

import (
	"slices"
	"strings"
	"testing"
)

// edited replaces parts of a job's text, in turn.
func edited(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			panic("no " + pairs[i] + " in " + text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// TestLint has for each rule a job that it warns of and one, as near to it as can be, that it does not.
func TestLint(t *testing.T) {
	const (
		command = `"command": ["c"]`
		torch   = `"command": ["torchrun", "t.py"]`
		spec    = `"spec": {"containers"`
	)
	two := pytorchJob("", "Master 1", "Worker 1")
	nproc := pytorchJob(`"nprocPerNode": "2"`, "Master 1")
	nodes := edited(trainJob2("torch-distributed", `{"numNodes": 2, "command": ["python3", "t.py"]}`))
	mpi := job("kubeflow.org/v1", "MPIJob", group("mpiReplicaSpecs", "m", "", "Launcher 1", "Worker 1"))
	jax := job("kubeflow.org/v1", "JAXJob", group("jaxReplicaSpecs", "jax", "", "Worker 1"))
	gpu := func(requests, limits string) string {
		return edited(two, command, `"resources": {"requests": {`+requests+`}, "limits": {`+limits+`}}`)
	}
	label := `"template": {"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}, "spec"`
	volume := `"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}], "containers"`
	long := strings.Repeat("j", 54)
	tests := []struct {
		id        string
		bad, good string
		l         LintOptions
		goodL     *LintOptions // nil means l
	}{
		{id: "L1", bad: nproc, good: edited(nproc, command, torch)},
		{id: "L1", bad: edited(nproc, command, `"command": ["sh", "-c", "python3 t.py"]`), good: edited(nproc, command, `"command": ["sh", "run.sh"]`)},
		{id: "L2", bad: edited(two, command, torch), good: edited(pytorchJob(`"nprocPerNode": "1"`, "Master 1"), command, torch)},
		{id: "L3", bad: pytorchJob("", "Worker 2"), good: pytorchJob(`"elasticPolicy": {}`, "Worker 2")},
		{id: "L4", bad: nodes, good: edited(nodes, `"python3"`, `"torchrun"`)},
		{id: "L5", bad: pytorchJob(`"elasticPolicy": {"standalone": true}`, "Worker 1"), good: pytorchJob(`"elasticPolicy": {}`, "Worker 1")},
		{id: "L6", bad: edited(two, `"Master": {"replicas": 1, `, `"Master": {`), good: two},
		{id: "L6", bad: edited(two, `"Worker"`, `"worker"`), good: two},
		{id: "L6", bad: edited(two, `"name": "pytorch"`, `"name": "main"`), good: two},
		{id: "L7", bad: edited(two, `"name": "j"`, `"name": "j`+long+`"`), good: edited(two, `"name": "j"`, `"name": "`+long+`"`)},
		{id: "L7", bad: edited(two, `"name": "j"`, `"name": "1j"`), good: two},
		{id: "L8", bad: two, good: two, l: LintOptions{PrimaryContainer: "main"}, goodL: &LintOptions{PrimaryContainer: "pytorch"}},
		{id: "L8", bad: edited(mpi, `"Worker": {"replicas": 1, "template": {"spec": {"containers": [{"name": "m"`, `"Worker": {"replicas": 1, "template": {"spec": {"containers": [{"name": "w"`), good: mpi, l: LintOptions{PrimaryContainer: "m"}},
		{id: "L9", bad: two, good: two, l: LintOptions{PrimaryPodLabels: map[string]string{"job-role": "master"}}, goodL: &LintOptions{PrimaryPodLabels: map[string]string{labelRole: "master"}}},
		{id: "L9", bad: two, good: two, l: LintOptions{PrimaryPodLabels: map[string]string{"a": "b"}}, goodL: &LintOptions{}},
		{id: "L10", bad: jax, good: jax, goodL: &LintOptions{ExplicitConditions: true, ExplicitLabels: true}},
		{id: "L11", bad: withPolicy(pytorchJob(`"runPolicy": {"backoffLimit": 2}`, "Master 1"), "ExitCode"), good: withPolicy(pytorchJob(`"runPolicy": {"backoffLimit": 0}`, "Master 1"), "ExitCode")},
		{id: "L11", bad: withPolicy(two, "Always"), good: withPolicy(two, "Never")},
		{id: "L11", bad: pytorchJob(`"runPolicy": {"activeDeadlineSeconds": 2}`, "Master 1"), good: batchJob("Never", `"activeDeadlineSeconds": 2, `)},
		{id: "L12", bad: two, good: pytorchJob(`"runPolicy": {"backoffLimit": 2}`, "Master 1")},
		{id: "L13", bad: edited(two, `"namespace": "n"`, `"annotations": {"sidecar.istio.io/inject": "false"}`), good: edited(two, `"template": {"spec"`, label)},
		{id: "L13", bad: edited(two, `"template": {"spec"`, strings.Replace(label, `"false"`, `false`, 1)), good: two},
		{id: "L13", bad: edited(two, `"Worker": {"replicas": 1, "template": {"spec"`, `"Worker": {"replicas": 1, `+label), good: two},
		{id: "L17", bad: gpu("", `"nvidia.com/gpu": 1`), good: gpu("", `"nvidia.com/gpu": 1`), l: LintOptions{Capacity: map[string]Quantity{"nvidia.com/gpu": "1"}}, goodL: &LintOptions{Capacity: map[string]Quantity{"nvidia.com/gpu": "2"}}},
		{id: "L17", bad: gpu("", `"cpu": "500m"`), good: gpu("", `"cpu": "500m"`), l: LintOptions{Capacity: map[string]Quantity{"cpu": "2"}, Parallel: 3}, goodL: &LintOptions{Capacity: map[string]Quantity{"cpu": "2"}, Parallel: 2}},
		{id: "L18", bad: gpu(`"nvidia.com/gpu": 1`, ""), good: gpu(`"nvidia.com/gpu": 1`, `"nvidia.com/gpu": 1`)},
		{id: "L18", bad: gpu(`"nvidia.com/gpu": 1`, `"nvidia.com/gpu": 2`), good: gpu(`"cpu": 1`, `"cpu": 2`)},
		{id: "L19", bad: two, good: gpu("", `"memory": "1Gi"`)},
		{id: "L19", bad: edited(gpu("", `"memory": "512Mi"`), `"image": "i"`, `"image": "pytorch"`), good: gpu("", `"memory": "512Mi"`)},
		{id: "L20", bad: edited(two, command, `"command": ["p", "--backend=nccl"]`), good: edited(two, command, `"command": ["p", "--backend=nccl"], "volumeMounts": [{"name": "v", "mountPath": "/dev/shm"}]`)},
		{id: "L20", bad: edited(two, command, `"command": ["p", "--num-workers=4"]`), good: edited(two, command, `"command": ["p", "--num-workers=0"]`)},
		{id: "L21", bad: mpi, good: mpi, l: LintOptions{Retain: true}, goodL: &LintOptions{}},
		{id: "L21", bad: tfJob("", "PS 1", "Worker 1"), good: tfJob(`"runPolicy": {"cleanPodPolicy": "Running"}`, "PS 1", "Worker 1"), l: LintOptions{Retain: true}},
		{id: "L22", bad: edited(two, command, `"readinessProbe": {}`), good: edited(pytorchJob("", "Master 1"), command, `"readinessProbe": {}`)},
		{id: "L23", bad: edited(pytorchJob("", "Master 1"), spec, `"spec": {"hostNetwork": true, "containers"`), good: edited(pytorchJob("", "Master 1"), spec, `"spec": {"hostNetwork": true, "dnsPolicy": "ClusterFirstWithHostNet", "containers"`)},
		{id: "L24b", bad: edited(two, command, `"command": ["/bin/bash", "-c", "python3 a.py"]`), good: edited(two, command, `"command": ["bash", "-c", "python3 a.py"]`)},
		{id: "L24b", bad: edited(two, command, `"command": ["/usr/bin/env", "bash", "-c", "python3 a.py"]`), good: edited(two, command, `"command": ["/usr/bin/env", "python3", "-c", "1"]`)},
		{id: "L25", bad: edited(two, spec, volume), good: edited(pytorchJob("", "Master 1"), spec, volume)},
		{id: "L25", bad: edited(pytorchJob("", "Master 1"), spec, volume), good: edited(pytorchJob("", "Master 1"), spec, volume, command, `"volumeMounts": [{"name": "v", "mountPath": "/d", "subPathExpr": "$(T)"}]`), l: LintOptions{Parallel: 2}},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		seen[tt.id] = true
		has := func(text string, l LintOptions) bool {
			return slices.ContainsFunc(Lint(decode(t, text), l), func(w Warning) bool {
				if w.Message == "" || w.Fix == "" || w.Path == "" || w.Severity == "" {
					t.Errorf("%+v says too little", w)
				}
				return w.ID == tt.id
			})
		}
		goodL := tt.l
		if tt.goodL != nil {
			goodL = *tt.goodL
		}
		if !has(tt.bad, tt.l) {
			t.Errorf("%s does not warn of %s", tt.id, tt.bad)
		}
		if has(tt.good, goodL) {
			t.Errorf("%s warns of %s: %+v", tt.id, tt.good, Lint(decode(t, tt.good), goodL))
		}
	}
	if len(seen) != 22 {
		t.Errorf("%d rules are tested", len(seen))
	}
	if got := Lint(decode(t, `{"kind": "Workflow"}`), LintOptions{}); got != nil {
		t.Errorf("%v", got)
	}
}
