package workload

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLayout(t *testing.T) {
	type pod struct {
		Name, Host, Last string // Last is its longest name
		Rank             int
		Restart          RestartPolicy
		Role             string
		Idle, Held       bool
	}
	tests := map[string]struct {
		job    string
		want   []pod
		policy Policy
	}{
		"PyTorchJob": {pytorchJob(`"runPolicy": {"backoffLimit": 3, "activeDeadlineSeconds": 60, "cleanPodPolicy": "Running"}`, "Worker 1", "Master 1"), []pod{
			{"j-master-0", "j-master-0", "j-master-0.n.svc.cluster.local", 0, RestartOnFailure, "master", false, false},
			{"j-worker-0", "j-worker-0", "j-worker-0.n.svc.cluster.local", 1, RestartOnFailure, "", false, false},
		}, Policy{BackoffLimit: ptr(3), Together: true, ActiveDeadline: time.Minute, CleanPods: "Running", Success: "master"}},
		"TFJob": {tfJob("", "Worker 1", "PS 1"), []pod{
			{"j-ps-0", "j-ps-0", "j-ps-0.n.svc.cluster.local", 0, RestartNever, "", false, false},
			{"j-worker-0", "j-worker-0", "j-worker-0.n.svc.cluster.local", 1, RestartNever, "master", false, false},
		}, Policy{CleanPods: "None", Success: "worker-0"}},
		"MPIJob": {job("kubeflow.org/v1", "MPIJob", strings.ReplaceAll(group("mpiReplicaSpecs", "m", `"cleanPodPolicy": "Running"`, "Launcher 1", "Worker 1"), `, "command": ["c"]`, "")), []pod{
			{"j-launcher", "j-launcher", "j-launcher", 0, RestartNever, "master", false, false},
			{"j-worker-0", "j-worker-0", "j-worker-0", 1, RestartNever, "", true, false},
		}, Policy{CleanPods: "Running", Success: "launcher", Together: true}},
		"MPIJob v2beta1": {job("kubeflow.org/v2beta1", "MPIJob", strings.ReplaceAll(group("mpiReplicaSpecs", "m", "", "Launcher 1", "Worker 1"), `, "command": ["c"]`, "")), []pod{
			{"j-launcher", "j-launcher", "j-launcher.j.n.svc.cluster.local", 0, RestartOnFailure, "launcher", false, false},
			{"j-worker-0", "j-worker-0", "j-worker-0.j.n.svc.cluster.local", 1, RestartNever, "worker", true, false},
		}, Policy{CleanPods: "None", Success: "launcher", Together: true, Recreate: true, BackoffLimit: ptr(6)}},
		"Job": {batchJob("Never", `"completions": 2, "completionMode": "Indexed", "backoffLimit": 0, `), []pod{
			{"j-0", "j-0", "j-0", 0, RestartNever, "", false, false},
			{"j-1", "j-1", "j-1", 1, RestartNever, "", false, true},
		}, Policy{BackoffLimit: ptr(0), Recreate: true, CleanPods: "None", Completions: 2, Parallelism: 1, Indexed: true}},
		"TrainJob": {trainJob2("deepspeed-distributed", `{"numNodes": 2}`), []pod{
			{"t-node-0-0", "t-node-0-0", "t-node-0-0.t.n.svc.cluster.local", 0, RestartOnFailure, "", true, false},
			{"t-launcher-0-0", "t-launcher-0-0", "t-launcher-0-0.t.n.svc.cluster.local", 0, RestartOnFailure, "", false, false},
		}, Policy{BackoffLimit: ptr(6), Recreate: true, CleanPods: "None", Success: "launcher"}},
		"Pod": {`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"hostname": "h", "subdomain": "s", "containers": [{"name": "c"}]}}`, []pod{
			{"p", "h", "h.s.default.svc.cluster.local", 0, RestartNever, "", false, false},
		}, Policy{Completions: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := mustExpand(t, tt.job, Options{})
			var got []pod
			for _, p := range j.Pods {
				got = append(got, pod{p.Name, p.Hostname, p.Names[len(p.Names)-1], p.Rank, p.Restart, p.Labels[labelRole], p.Idle, p.Held})
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.policy, j.Policy); d != "" {
				t.Error(d)
			}
		})
	}
}

func ptr(n int32) *int32 { return &n }

func TestTutorial(t *testing.T) {
	text, err := os.ReadFile("testdata/tutorial.json")
	if err != nil {
		t.Fatal(err)
	}
	j := mustExpand(t, string(text), Options{})
	worker := j.Pods[1]
	if d := cmp.Diff(&WaitFor{Pod: "pytorchjob-mnist-0-master-0", Port: 23456, For: 200 * time.Second}, worker.WaitFor); d != "" {
		t.Error(d)
	}
	want := map[string]string{
		labelOperator: "pytorchjob-controller", labelJob: "pytorchjob-mnist-0", labelReplica: "worker", labelIndex: "0",
	}
	if d := cmp.Diff(want, worker.Labels); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"pytorchjob-mnist-0-master-0"}, PrimaryPods(j, map[string]string{labelRole: "master"})); d != "" {
		t.Error(d)
	}
	if len(j.Notes) > 0 {
		t.Errorf("notes %q", j.Notes)
	}
	j.AddEnv("KATIB_TRIAL_NAME", "x")
	for _, p := range j.Pods {
		if env := p.Spec.Containers[0].Env; env[len(env)-1].Value != "x" {
			t.Errorf("%s: %v", p.Name, env)
		}
	}
}

func TestSpecErrors(t *testing.T) {
	tests := map[string]struct {
		job  string
		want string
	}{
		"other kind":       {`{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}`, "jobs of kind argoproj.io/v1alpha1 Workflow cannot run on this machine"},
		"no kind":          {`{}`, "kind: is missing"},
		"master twice":     {pytorchJob("", "Master 2"), "spec.pytorchReplicaSpecs.Master.replicas: must be 1, and is 2: set it to 1"},
		"no worker":        {pytorchJob("", "Master 1", "Worker 0"), "spec.pytorchReplicaSpecs.Worker.replicas: is 0"},
		"wrong type":       {pytorchJob("", "Chief 1"), "spec.pytorchReplicaSpecs.Chief: a PyTorchJob has no replica type Chief: use Master or Worker"},
		"same type twice":  {pytorchJob("", "Worker 1", "worker 1"), "Worker is there twice"},
		"nothing to run":   {job("kubeflow.org/v1", "PyTorchJob", `"pytorchReplicaSpecs": {}`), "spec.pytorchReplicaSpecs: has no replicas"},
		"no containers":    {job("kubeflow.org/v1", "JAXJob", `"jaxReplicaSpecs": {"Worker": {"template": {"spec": {}}}}`), "spec.jaxReplicaSpecs.Worker.template.spec.containers: is empty"},
		"no default":       {job("kubeflow.org/v1", "JAXJob", `"jaxReplicaSpecs": {"Worker": {"template": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}}}`), "has no container named jax: name the one that trains jax"},
		"nproc":            {pytorchJob(`"nprocPerNode": "many"`, "Master 1"), `spec.nprocPerNode: "many" is no number of processes`},
		"elastic":          {pytorchJob(`"elasticPolicy": {"minReplicas": 3, "maxReplicas": 2}`, "Worker 1"), "spec.elasticPolicy.minReplicas: is 3, more than maxReplicas (2)"},
		"elastic master":   {pytorchJob(`"elasticPolicy": {}`, "Master 1"), "spec.elasticPolicy: needs workers"},
		"nproc twice":      {pytorchJob(`"nprocPerNode": "1", "elasticPolicy": {"nProcPerNode": 1}`, "Worker 1"), "are both set"},
		"two chiefs":       {tfJob("", "Chief 1", "Master 1"), "cannot have both Chief and Master"},
		"success policy":   {tfJob(`"successPolicy": "Some"`, "Worker 1"), `spec.successPolicy: "Some" is no success policy`},
		"no launcher":      {job("kubeflow.org/v1", "MPIJob", group("mpiReplicaSpecs", "m", "", "Worker 1")), "spec.mpiReplicaSpecs.Launcher: is missing"},
		"restart policy":   {withPolicy(pytorchJob("", "Master 1"), "Sometimes"), `spec.pytorchReplicaSpecs.Master.restartPolicy: "Sometimes" is no restart policy here`},
		"clean policy":     {pytorchJob(`"runPolicy": {"cleanPodPolicy": "x"}`, "Master 1"), "spec.runPolicy.cleanPodPolicy"},
		"job always":       {batchJob("Always", ""), "spec.template.spec.restartPolicy"},
		"job parallelism":  {batchJob("Never", `"parallelism": 0, `), "spec.parallelism: is 0"},
		"too many":         {batchJob("Never", `"completions": 100000000, `), "spec.completions: the job has 100000000 pods"},
		"runtime":          {trainJob2("torch", `{}`), `spec.runtimeRef.name: there is no ClusterTrainingRuntime named "torch"`},
		"reserved":         {trainJob2("torch-distributed", `{"env": [{"name": "PET_NNODES", "value": "1"}]}`), "spec.trainer.env[0]: PET_NNODES is the trainer's to set"},
		"wrong shape":      {batchJob("Never", `"completions": [1], `), "spec.completions: is a list where a whole number belongs"},
		"quantity":         {strings.Replace(batchJob("Never", ""), `{"name": "c"}`, `{"name": "c", "resources": {"limits": {"memory": "1 GB"}}}`, 1), `spec.template.spec.containers[0].resources.limits.memory: "1 GB" is no quantity`},
		"two sources":      {strings.Replace(batchJob("Never", ""), `{"name": "c"}`, `{"name": "c", "env": [{"name": "A", "valueFrom": {}}]}`, 1), "names 0 sources"},
		"no name":          {`{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c"}]}}`, "metadata.name: is missing"},
		"container twice":  {strings.Replace(batchJob("Never", ""), `{"name": "c"}`, `{"name": "c"}, {"name": "c"}`, 1), "is the name of another container"},
		"flux":             {trainJob2("flux", `{}`), "spec.runtimeRef.name"},
		"job backoff < 0":  {batchJob("Never", `"backoffLimit": -1, `), "spec.backoffLimit: is -1"},
		"initializer":      {strings.Replace(trainJob2("torch-distributed", `{}`), `"trainer"`, `"initializer": {"dataset": {"storageUri": "x"}}, "trainer"`, 1), "spec.initializer.dataset"},
		"unknown mpi kind": {job("kubeflow.org/v2beta1", "MPIJob", group("mpiReplicaSpecs", "m", `"mpiImplementation": "x"`, "Launcher 1")), "is no implementation of MPI"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Expand(decode(t, tt.job), Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
	_, err := Expand(decode(t, tests["other kind"].job), Options{})
	if kind := new(KindError); !errors.As(err, &kind) || kind.Kind != "Workflow" || !strings.Contains(err.Error(), "--runner kubernetes") {
		t.Errorf("%v", err)
	}
	_, err = Expand(decode(t, pytorchJob(`"nprocPerNode": "x", "runPolicy": {"backoffLimit": "y", "cleanPodPolicy": "z"}`, "Master 2")), Options{})
	if n := strings.Count(err.Error(), "\n") + 1; n < 3 {
		t.Errorf("only %d faults at once: %v", n, err)
	}
}

// TestNotes holds that what a cluster refuses though it is plainly meant is accepted, and that nothing is ignored in silence.
func TestNotes(t *testing.T) {
	tests := map[string]struct {
		job  string
		want []string
	}{
		"master without replicas": {strings.Replace(pytorchJob("", "Master 1"), `"replicas": 1, `, "", 1), []string{"Master.replicas: is not set, which a cluster refuses"}},
		"lower case":              {pytorchJob("", "master 1"), []string{"spec.pytorchReplicaSpecs.master: a cluster refuses this spelling; it is taken as Master"}},
		"one container":           {job("kubeflow.org/v1", "JAXJob", group("jaxReplicaSpecs", "main", "", "Worker 1")), []string{"no container is named jax; main, the only one, is taken for it"}},
		"numbers as text":         {pytorchJob(`"runPolicy": {"backoffLimit": "3"}, "nprocPerNode": 2`, "Master 1"), []string{`spec.runPolicy.backoffLimit: is the string "3"`, "spec.nprocPerNode: is the number 2"}},
		"misplaced":               {pytorchJob(`"ttlSecondsAfterFinished": 1, "bogus": 1`, "Master 1"), []string{"spec.ttlSecondsAfterFinished: has no effect here: it belongs below spec.runPolicy", "spec.bogus: has no effect"}},
		"suspended":               {batchJob("Never", `"suspend": true, `), []string{"asks to be suspended"}},
		"standalone":              {pytorchJob(`"elasticPolicy": {"standalone": true}`, "Worker 1"), []string{"PET_STANDALONE"}},
		"long name":               {strings.Replace(pytorchJob("", "Master 1"), `"name": "j"`, `"name": "`+strings.Repeat("j", 60)+`"`, 1), []string{"a cluster refuses"}},
		"ssh":                     {job("kubeflow.org/v2beta1", "MPIJob", group("mpiReplicaSpecs", "m", "", "Launcher 1")), []string{"in place of ssh"}},
		"failure policy":          {batchJob("Never", `"podFailurePolicy": {"rules": []}, `), []string{"spec.podFailurePolicy: has no effect here"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := mustExpand(t, tt.job, Options{})
			for _, w := range tt.want {
				if !slices.ContainsFunc(j.Notes, func(n string) bool { return strings.Contains(n, w) }) {
					t.Errorf("no note says %q: %q", w, j.Notes)
				}
			}
		})
	}
}

func TestUnsupported(t *testing.T) {
	j := mustExpand(t, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"nodeSelector": {"a": "b"}, "tolerations": [],
		"securityContext": {}, "dnsPolicy": "None", "restartPolicy": "Never", "bogus": 1, "activeDeadlineSeconds": 5, "volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}],
		"containers": [{"name": "c", "livenessProbe": {}, "imagePullPolicy": "Always", "env": [{"name": "A", "value": 1}], "resources": {"limits": {"cpu": 0.5}}}]}}`, Options{})
	want := []string{"nodeSelector, tolerations", "bogus", "containers[c].imagePullPolicy", "containers[c].livenessProbe", "dnsPolicy", "securityContext"}
	s := j.Pods[0].Spec
	got := slices.Sorted(slices.Values(s.Unsupported))
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, f := range got {
		if s.Extra[f] == "" {
			t.Errorf("%s: no reason", f)
		}
	}
	if string(s.Volumes[0].Source["emptyDir"]) != `{"medium":"Memory"}` || s.Containers[0].Env[0].Value != "1" || s.Containers[0].Resources.Limits["cpu"] != "0.5" {
		t.Errorf("%+v", s)
	}
}

func TestRuntimes(t *testing.T) {
	own := decode(t, `{"kind": "TrainingRuntime", "metadata": {"name": "mine"}, "spec": {"mlPolicy": {"numNodes": 2, "torch": {"numProcPerNode": 3}}, "template": {"spec": {
		"failurePolicy": {"maxRestarts": 2}, "replicatedJobs": [{"name": "node", "template": {"metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
		"spec": {"backoffLimit": 1, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "node", "image": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}]}}}}}]}}}}`)
	before, _ := json.Marshal(own)
	j := mustExpand(t, `{"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "t"}, "spec": {"runtimeRef": {"name": "mine", "kind": "TrainingRuntime"},
		"trainer": {"command": ["torchrun", "x.py"], "env": [{"name": "X", "value": "9"}]},
		"runtimePatches": [{"manager": "a.b/c", "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [{"name": "node", "template": {"spec": {"template": {
			"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}, "spec": {"volumes": [{"name": "v", "emptyDir": {}}], "containers": [{"name": "node", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}}}}}]}}}}]}}`,
		Options{Runtimes: []map[string]any{own}})
	if len(j.Pods) != 2 || *j.Policy.BackoffLimit != 3 || !j.Policy.Together {
		t.Fatalf("%+v", j.Policy)
	}
	p := j.Pods[1]
	c := p.Spec.Containers[0]
	if got := environment(&c); got != "X=9 Y=2 PET_NNODES=2 PET_NPROC_PER_NODE=3 PET_NODE_RANK=1 PET_MASTER_ADDR=t-node-0-0.t PET_MASTER_PORT=29500 JOB_COMPLETION_INDEX=1" {
		t.Error(got)
	}
	if p.Labels["sidecar.istio.io/inject"] != "false" || len(p.Spec.Volumes) != 1 || len(c.VolumeMounts) != 1 || c.Image != "a" || c.Command[0] != "torchrun" {
		t.Errorf("%+v", p)
	}
	if after, _ := json.Marshal(own); string(before) != string(after) {
		t.Error("the runtime was changed")
	}
	for _, name := range runtimeNames() {
		j := mustExpand(t, trainJob2(name, `{}`), Options{})
		if j.speaks == "" || len(j.Pods) == 0 {
			t.Errorf("%s: %+v", name, j)
		}
	}
	j = mustExpand(t, trainJob2("torchtune-qwen2.5-1.5b", `{"command": ["tune", "run"], "args": ["model.lora_attn_modules=[q_proj]"], "resourcesPerNode": {"limits": {"nvidia.com/gpu": 1}}}`), Options{})
	command := strings.Join(j.Pods[2].Spec.Containers[0].Command, " ")
	if !strings.HasPrefix(command, "tune run --nnodes=1 --nproc_per_node=auto --rdzv_endpoint=t-node-0-0.t:29500 lora_finetune_single_device --config qwen2_5/1.5B_lora_single_device dataset=") {
		t.Error(command)
	}
}

func TestPrimaryPods(t *testing.T) {
	tests := map[string]struct {
		job    string
		labels map[string]string
		want   []string
		note   string
	}{
		"all":           {pytorchJob("", "Master 1", "Worker 1"), nil, []string{"j-master-0", "j-worker-0"}, ""},
		"master":        {pytorchJob("", "Master 1", "Worker 1"), map[string]string{labelRole: "master"}, []string{"j-master-0"}, ""},
		"old":           {pytorchJob("", "Master 1", "Worker 1"), map[string]string{"job-role": "master"}, []string{"j-master-0"}, "job-role"},
		"old MPI":       {job("kubeflow.org/v1", "MPIJob", group("mpiReplicaSpecs", "m", "", "Launcher 1", "Worker 1")), map[string]string{"mpi-job-role": "launcher"}, []string{"j-launcher"}, "mpi-job-role"},
		"MPI v2":        {job("kubeflow.org/v2beta1", "MPIJob", group("mpiReplicaSpecs", "m", "", "Launcher 1", "Worker 1")), map[string]string{labelRole: "master"}, []string{"j-launcher"}, "launcher"},
		"TrainJob":      {trainJob2("torch-distributed", `{"numNodes": 2}`), map[string]string{labelReplicatedJob: "node", indexKey: "0"}, []string{"t-node-0-0"}, ""},
		"TrainJob MPI":  {trainJob2("mlx-distributed", `{}`), map[string]string{labelReplicatedJob: "node", indexKey: "0"}, []string{"t-launcher-0-0"}, "launcher"},
		"none":          {pytorchJob("", "Master 1"), map[string]string{"a": "b"}, nil, ""},
		"Job's own key": {batchJob("Never", ""), map[string]string{"job-name": "j"}, []string{"j-0"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := mustExpand(t, tt.job, Options{})
			n := len(j.Notes)
			if d := cmp.Diff(tt.want, PrimaryPods(j, tt.labels)); d != "" {
				t.Error(d)
			}
			if notes := strings.Join(j.Notes[n:], "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestObject(t *testing.T) {
	types := func(o map[string]any) string {
		var words []string
		conditions, _ := o["status"].(map[string]any)["conditions"].([]any)
		for _, c := range conditions {
			m := c.(map[string]any)
			words = append(words, m["type"].(string)+"="+m["status"].(string)+"("+m["reason"].(string)+")")
		}
		return strings.Join(words, " ")
	}
	tests := map[string]struct {
		job        string
		pods       []string
		conditions string
		status     string // part of the rest, as JSON
	}{
		"created":    {pytorchJob("", "Master 1"), []string{"pend"}, "Created=True(PyTorchJobCreated)", `"replicaStatuses":{"Master":{}}`},
		"running":    {pytorchJob("", "Master 1"), []string{"run"}, "Created=True(PyTorchJobCreated) Running=True(PyTorchJobRunning)", `"replicaStatuses":{"Master":{"active":1}},"startTime":"2026-01-01T00:00:00Z"`},
		"restarting": {pytorchJob("", "Master 1"), []string{"exit1@3"}, "Created=True(PyTorchJobCreated) Restarting=True(PyTorchJobRestarting)", ""},
		"succeeded":  {pytorchJob("", "Master 1", "Worker 1"), []string{"ok@3", "ok@4"}, "Created=True(PyTorchJobCreated) Running=False(PyTorchJobRunning) Succeeded=True(PyTorchJobSucceeded)", `"completionTime":"2026-01-01T00:00:03Z"`},
		"failed":     {withPolicy(pytorchJob("", "Master 1"), "Never"), []string{"exit1@3"}, "Created=True(PyTorchJobCreated) Running=False(PyTorchJobRunning) Failed=True(PyTorchJobFailed)", `"replicaStatuses":{"Master":{"failed":1}}`},
		"Job":        {batchJob("Never", ""), []string{"ok@3+2"}, "SuccessCriteriaMet=True(CompletionsReached) Complete=True(CompletionsReached)", `"failed":2,"startTime":"2026-01-01T00:00:00Z","succeeded":1`},
		"Job failed": {batchJob("Never", `"backoffLimit": 0, `), []string{"exit1@3"}, "FailureTarget=True(BackoffLimitExceeded) Failed=True(BackoffLimitExceeded)", `"failed":1`},
		"TrainJob":   {trainJob2("torch-distributed", `{}`), []string{"ok@3"}, "Complete=True(AllJobsCompleted)", `"jobsStatus":[{"active":0,"failed":0,"name":"node","ready":0,"succeeded":1,"suspended":0}]`},
		"Pod":        {`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}`, []string{"exit2@3"}, "PodScheduled=True() Ready=False()", `"phase":"Failed"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := mustExpand(t, tt.job, Options{})
			s := observe(t, j, tt.pods...)
			o := j.Object(j.Judge(s, at(10)), s)
			if got := types(o); got != tt.conditions {
				t.Errorf("conditions %s\nwant       %s", got, tt.conditions)
			}
			text, err := json.Marshal(o["status"])
			if err != nil || !strings.Contains(string(text), tt.status) {
				t.Errorf("%v: status %s lacks %s", err, text, tt.status)
			}
			if o["spec"] == nil || o["metadata"].(map[string]any)["name"] != j.Name {
				t.Errorf("%v", o)
			}
		})
	}
}

func TestQuantity(t *testing.T) {
	tests := []struct {
		q            Quantity
		value, milli int64
	}{
		{"1", 1, 1000}, {"500m", 1, 500}, {"0.5", 1, 500}, {"1.5Gi", 3 << 29, 3 << 29 * 1000}, {"1Ki", 1024, 1024000}, {"2k", 2000, 2000000},
		{"1e3", 1000, 1000000}, {"1E3", 1000, 1000000}, {"1E", 1e18, 1<<63 - 1}, {"12E-1", 2, 1200}, {"+1", 1, 1000}, {"-1.5", -1, -1500},
		{".5", 1, 500}, {"5.", 5, 5000}, {"1n", 1, 1}, {"100Ei", 1<<63 - 1, 1<<63 - 1}, {"0", 0, 0},
	}
	for _, tt := range tests {
		v, err := tt.q.Value()
		m, err2 := tt.q.MilliValue()
		if err != nil || err2 != nil || v != tt.value || m != tt.milli {
			t.Errorf("%s: %d, %d, %v, %v", tt.q, v, m, err, err2)
		}
	}
	for _, bad := range []Quantity{"", " ", "1 Gi", "1GB", "x", "1e", "1e99", "1e3Ki", "--1", "1-1", "1..2", ".", "1/2", "0x10", "1_0", "NaN", "Inf", "1ki", Quantity(strings.Repeat("1", 65))} {
		if v, err := bad.Value(); err == nil {
			t.Errorf("%q is %d", bad, v)
		}
	}
}
