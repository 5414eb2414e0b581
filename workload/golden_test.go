package workload

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

func mustExpand(t testing.TB, text string, o Options) *Job {
	t.Helper()
	job, err := Expand(decode(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// group writes the replicas of a job: "Master 1" becomes one replica with a container of the given name.
func group(field, container string, extra string, replicas ...string) string {
	var parts []string
	for _, r := range replicas {
		name, n, _ := strings.Cut(r, " ")
		parts = append(parts, fmt.Sprintf(`%q: {"replicas": %s, "template": {"spec": {"containers": [{"name": %q, "image": "i", "command": ["c"]}]}}}`, name, n, container))
	}
	s := fmt.Sprintf("%q: {%s}", field, strings.Join(parts, ", "))
	if extra != "" {
		s += ", " + extra
	}
	return s
}

func job(apiVersion, kind, spec string) string {
	return fmt.Sprintf(`{"apiVersion": %q, "kind": %q, "metadata": {"name": "j", "namespace": "n"}, "spec": {%s}}`, apiVersion, kind, spec)
}

func pytorchJob(extra string, replicas ...string) string {
	return job("kubeflow.org/v1", "PyTorchJob", group("pytorchReplicaSpecs", "pytorch", extra, replicas...))
}

func tfJob(extra string, replicas ...string) string {
	return job("kubeflow.org/v1", "TFJob", group("tfReplicaSpecs", "tensorflow", extra, replicas...))
}

func trainJob2(runtime, trainer string) string {
	return fmt.Sprintf(`{"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "t", "namespace": "n"},
		"spec": {"runtimeRef": {"name": %q}, "trainer": %s}}`, runtime, trainer)
}

// environment writes the variables of a container, one word each.
func environment(c *Container) string {
	var words []string
	for _, e := range c.Env {
		v := e.Value
		if e.ValueFrom != nil {
			v = "<" + e.ValueFrom.FieldRef.FieldPath + ">"
		}
		words = append(words, e.Name+"="+v)
	}
	return strings.Join(words, " ")
}

// TestGolden holds the environment to what the operators' own functions gave.
func TestGolden(t *testing.T) {
	const xgb = `"template": {"spec": {"containers": [{"name": "xgboost", "image": "i", "ports": [{"name": "xgboostjob-port", "containerPort": 9991}]}]}}`
	const paddle = `"template": {"spec": {"containers": [{"name": "paddle", "image": "i", "ports": [{"name": "master", "containerPort": 37777}]}]}}`
	elastic := `"elasticPolicy": {"rdzvBackend": "c10d", "minReplicas": 1, "maxReplicas": 2, "maxRestarts": 100%s}`
	tests := map[string]struct {
		job  string
		want map[string]string
	}{
		"PyTorchJob": {pytorchJob("", "Worker 2", "Master 1"), map[string]string{
			"j-master-0": "PYTHONUNBUFFERED=1 MASTER_PORT=23456 PET_MASTER_PORT=23456 MASTER_ADDR=j-master-0 PET_MASTER_ADDR=j-master-0 WORLD_SIZE=3 RANK=0 PET_NODE_RANK=0 PET_NPROC_PER_NODE=auto PET_NNODES=3",
			"j-worker-0": "PYTHONUNBUFFERED=1 MASTER_PORT=23456 PET_MASTER_PORT=23456 MASTER_ADDR=j-master-0 PET_MASTER_ADDR=j-master-0 WORLD_SIZE=3 RANK=1 PET_NODE_RANK=1 PET_NPROC_PER_NODE=auto PET_NNODES=3",
			"j-worker-1": "PYTHONUNBUFFERED=1 MASTER_PORT=23456 PET_MASTER_PORT=23456 MASTER_ADDR=j-master-0 PET_MASTER_ADDR=j-master-0 WORLD_SIZE=3 RANK=2 PET_NODE_RANK=2 PET_NPROC_PER_NODE=auto PET_NNODES=3",
		}},
		"PyTorchJob nprocPerNode": {pytorchJob(`"nprocPerNode": "4"`, "Master 1", "Worker 2"), map[string]string{
			"j-worker-1": "PYTHONUNBUFFERED=1 MASTER_PORT=23456 PET_MASTER_PORT=23456 MASTER_ADDR=j-master-0 PET_MASTER_ADDR=j-master-0 WORLD_SIZE=12 RANK=2 PET_NODE_RANK=2 PET_NPROC_PER_NODE=4 PET_NNODES=3",
		}},
		"PyTorchJob elastic": {pytorchJob(fmt.Sprintf(elastic, ""), "Worker 2"), map[string]string{
			"j-worker-0": "PYTHONUNBUFFERED=1 PET_NPROC_PER_NODE=auto PET_RDZV_ENDPOINT=j-worker-0:23456 PET_RDZV_BACKEND=c10d PET_NNODES=1:2 PET_MAX_RESTARTS=100",
			"j-worker-1": "PYTHONUNBUFFERED=1 PET_NPROC_PER_NODE=auto PET_RDZV_ENDPOINT=j-worker-0:23456 PET_RDZV_BACKEND=c10d PET_NNODES=1:2 PET_MAX_RESTARTS=100",
		}},
		"PyTorchJob elastic, standalone (upstream sets it to nothing)": {pytorchJob(fmt.Sprintf(elastic, `, "standalone": true, "rdzvId": "x", "rdzvConf": [{"key": "a", "value": "b"}, {"key": "c", "value": "d"}], "nProcPerNode": 2, "rdzvPort": 1, "rdzvHost": "h"`), "Worker 1"), map[string]string{
			"j-worker-0": "PYTHONUNBUFFERED=1 PET_RDZV_ENDPOINT=h:1 PET_RDZV_BACKEND=c10d PET_NNODES=1:2 PET_MAX_RESTARTS=100 PET_NPROC_PER_NODE=2 PET_RDZV_ID=x PET_RDZV_CONF=a=b,c=d PET_STANDALONE=1",
		}},
		"PyTorchJob without master": {pytorchJob("", "Worker 2"), map[string]string{
			"j-worker-1": "PYTHONUNBUFFERED=1 PET_NPROC_PER_NODE=auto PET_NNODES=2",
		}},
		"PyTorchJob master only": {pytorchJob("", "Master 1"), map[string]string{
			"j-master-0": "PYTHONUNBUFFERED=1 MASTER_PORT=23456 PET_MASTER_PORT=23456 MASTER_ADDR=j-master-0 PET_MASTER_ADDR=j-master-0 WORLD_SIZE=1 RANK=0 PET_NODE_RANK=0 PET_NPROC_PER_NODE=auto PET_NNODES=1",
		}},
		"TFJob": {tfJob("", "Worker 2", "Chief 1", "PS 1"), map[string]string{
			"j-worker-1": `TF_CONFIG={"cluster":{"chief":["j-chief-0.n.svc:2222"],"ps":["j-ps-0.n.svc:2222"],"worker":["j-worker-0.n.svc:2222","j-worker-1.n.svc:2222"]},"task":{"type":"worker","index":1},"environment":"cloud"}`,
		}},
		"TFJob evaluator": {tfJob("", "Worker 1", "Evaluator 1"), map[string]string{
			"j-evaluator-0": `TF_CONFIG={"cluster":{"evaluator":["j-evaluator-0.n.svc:2222"],"worker":["j-worker-0.n.svc:2222"]},"task":{"type":"evaluator","index":0},"environment":"cloud"}`,
		}},
		"TFJob dynamic": {tfJob(`"enableDynamicWorker": true`, "PS 1", "Worker 2"), map[string]string{
			"j-worker-1": `TF_CONFIG={"cluster":{"worker":{"1":"j-worker-1.n.svc:2222"},"ps":["j-ps-0.n.svc:2222"]},"task":{"type":"worker","index":1}}`,
			"j-ps-0":     `TF_CONFIG={"cluster":{"worker":{},"ps":["j-ps-0.n.svc:2222"]},"task":{"type":"ps","index":0}}`,
		}},
		"TFJob one worker": {tfJob("", "Worker 1"), map[string]string{"j-worker-0": ""}},
		"XGBoostJob": {job("kubeflow.org/v1", "XGBoostJob", `"xgbReplicaSpecs": {"Master": {"replicas": 1, `+xgb+`}, "Worker": {"replicas": 2, `+xgb+`}}`), map[string]string{
			"j-worker-1": "MASTER_PORT=9991 MASTER_ADDR=j-master-0 WORLD_SIZE=3 RANK=2 PYTHONUNBUFFERED=1 WORKER_PORT=9991 WORKER_ADDRS=j-worker-0,j-worker-1",
			"j-master-0": "MASTER_PORT=9991 MASTER_ADDR=j-master-0 WORLD_SIZE=3 RANK=0 PYTHONUNBUFFERED=1 WORKER_PORT=9991 WORKER_ADDRS=j-worker-0,j-worker-1",
		}},
		"JAXJob": {job("kubeflow.org/v1", "JAXJob", group("jaxReplicaSpecs", "jax", "", "Worker 3")), map[string]string{
			"j-worker-2": "PYTHONUNBUFFERED=1 COORDINATOR_PORT=6666 COORDINATOR_ADDRESS=j-worker-0 NUM_PROCESSES=3 PROCESS_ID=2",
		}},
		"PaddleJob": {job("kubeflow.org/v1", "PaddleJob", `"paddleReplicaSpecs": {"Worker": {"replicas": 2, `+paddle+`}}`), map[string]string{
			"j-worker-0": "PYTHONUNBUFFERED=1 PADDLE_JOB_ID=j PADDLE_NNODES=2 POD_IP_DUMMY=<status.podIP> PADDLE_MASTER=$(POD_IP_DUMMY):37777",
			"j-worker-1": "PYTHONUNBUFFERED=1 PADDLE_JOB_ID=j PADDLE_NNODES=2 PADDLE_MASTER=j-worker-0:37777",
		}},
		"PaddleJob servers": {job("kubeflow.org/v1", "PaddleJob", group("paddleReplicaSpecs", "paddle", "", "Master 1", "Worker 1")), map[string]string{
			"j-master-0": "PYTHONUNBUFFERED=1 PADDLE_JOB_ID=j PADDLE_NNODES=2 POD_IP_DUMMY=<status.podIP> PADDLE_MASTER=$(POD_IP_DUMMY):36543 PADDLE_SERVER_NUM=1",
			"j-worker-0": "PYTHONUNBUFFERED=1 PADDLE_JOB_ID=j PADDLE_NNODES=2 PADDLE_MASTER=j-master-0:36543 PADDLE_TRAINER_NUM=1",
		}},
		"MPIJob": {job("kubeflow.org/v1", "MPIJob", group("mpiReplicaSpecs", "m", `"slotsPerWorker": 4`, "Launcher 1", "Worker 2")), map[string]string{
			"j-launcher": "OMPI_MCA_plm_rsh_agent=/etc/mpi/kubexec.sh OMPI_MCA_orte_default_hostfile=/etc/mpi/hostfile I_MPI_HYDRA_BOOTSTRAP=rsh I_MPI_HYDRA_BOOTSTRAP_EXEC=/etc/mpi/kubexec.sh NVIDIA_VISIBLE_DEVICES= NVIDIA_DRIVER_CAPABILITIES=",
			"j-worker-0": "",
		}},
		"MPIJob v2beta1": {job("kubeflow.org/v2beta1", "MPIJob", group("mpiReplicaSpecs", "m", `"slotsPerWorker": 2`, "Launcher 1", "Worker 1")), map[string]string{
			"j-launcher": "K_MPI_JOB_ROLE=launcher OMPI_MCA_orte_keep_fqdn_hostnames=true OMPI_MCA_orte_default_hostfile=/etc/mpi/hostfile OMPI_MCA_plm_rsh_agent=/etc/mpi/kubexec.sh OMPI_MCA_orte_set_default_slots=2 NVIDIA_VISIBLE_DEVICES= NVIDIA_DRIVER_CAPABILITIES=",
			"j-worker-0": "K_MPI_JOB_ROLE=worker",
		}},
		"TrainJob": {trainJob2("torch-distributed", `{"numNodes": 2}`), map[string]string{
			"t-node-0-1": "PET_NNODES=2 PET_NPROC_PER_NODE=1 PET_NODE_RANK=1 PET_MASTER_ADDR=t-node-0-0.t PET_MASTER_PORT=29500 JOB_COMPLETION_INDEX=1",
		}},
		"TrainJob GPUs": {trainJob2("torch-distributed", `{"numNodes": 1, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 4}}}`), map[string]string{
			"t-node-0-0": "PET_NNODES=1 PET_NPROC_PER_NODE=auto PET_NODE_RANK=0 PET_MASTER_ADDR=t-node-0-0.t PET_MASTER_PORT=29500 JOB_COMPLETION_INDEX=0",
		}},
		"TrainJob CPUs": {trainJob2("torch-distributed", `{"resourcesPerNode": {"requests": {"cpu": 8}}, "env": [{"name": "A", "value": "b"}]}`), map[string]string{
			"t-node-0-0": "A=b PET_NNODES=1 PET_NPROC_PER_NODE=8 PET_NODE_RANK=0 PET_MASTER_ADDR=t-node-0-0.t PET_MASTER_PORT=29500 JOB_COMPLETION_INDEX=0",
		}},
		"TrainJob JAX": {trainJob2("jax-distributed", `{"numNodes": 2}`), map[string]string{
			"t-node-0-1": "JAX_NUM_PROCESSES=2 JAX_PROCESS_ID=1 JAX_COORDINATOR_ADDRESS=t-node-0-0.t:29500 JOB_COMPLETION_INDEX=1",
		}},
		"TrainJob XGBoost": {trainJob2("xgboost-distributed", `{"numNodes": 2, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 2}}}`), map[string]string{
			"t-node-0-1": "DMLC_TRACKER_URI=t-node-0-0.t DMLC_TRACKER_PORT=29500 DMLC_TASK_ID=1 DMLC_NUM_WORKER=4 JOB_COMPLETION_INDEX=1",
		}},
		"TrainJob MPI": {trainJob2("deepspeed-distributed", `{"numNodes": 3, "numProcPerNode": 2}`), map[string]string{
			"t-launcher-0-0": "OMPI_MCA_orte_default_hostfile=/etc/mpi/hostfile OMPI_MCA_orte_keep_fqdn_hostnames=true OMPI_MCA_orte_set_default_slots=2 OMPI_MCA_plm_rsh_agent=/etc/mpi/kubexec.sh JOB_COMPLETION_INDEX=0",
			"t-node-0-1":     "JOB_COMPLETION_INDEX=1",
		}},
		"TrainJob without trainer": {`{"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "t"}, "spec": {"runtimeRef": {"name": "torch-distributed"}}}`, map[string]string{
			"t-node-0-0": "JOB_COMPLETION_INDEX=0",
		}},
		"Job": {job("batch/v1", "Job", `"completions": 2, "parallelism": 2, "completionMode": "Indexed", "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}}`), map[string]string{
			"j-1": "A=1 JOB_COMPLETION_INDEX=1",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := mustExpand(t, tt.job, Options{})
			got := map[string]string{}
			for i := range j.Pods {
				p := &j.Pods[i]
				if _, ok := tt.want[p.Name]; ok {
					got[p.Name] = environment(p.Spec.container(p.Default))
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMPIFiles(t *testing.T) {
	files := func(j *Job) map[string]string {
		m := map[string]string{}
		for _, f := range j.Files {
			m[f.Path] = f.Content
		}
		return m
	}
	one := files(mustExpand(t, job("kubeflow.org/v1", "MPIJob", group("mpiReplicaSpecs", "m", `"slotsPerWorker": 4`, "Launcher 1", "Worker 2")), Options{}))
	two := files(mustExpand(t, job("kubeflow.org/v2beta1", "MPIJob", group("mpiReplicaSpecs", "m", `"mpiImplementation": "Intel", "runLauncherAsWorker": true`, "Launcher 1", "Worker 1")), Options{}))
	train := files(mustExpand(t, trainJob2("mlx-distributed", `{"numNodes": 3}`), Options{}))
	for _, c := range []struct{ got, want string }{
		{one["/etc/mpi/hostfile"], "j-worker-0 slots=4\nj-worker-1 slots=4\n"},
		{one["/etc/mpi/discover_hosts.sh"], "#!/bin/sh\necho j-worker-0:4\necho j-worker-1:4"},
		{two["/etc/mpi/hostfile"], "j-launcher.j.n.svc:1\nj-worker-0.j.n.svc:1\n"},
		{train["/etc/mpi/hostfile"], "t-node-0-0.t slots=1\nt-node-0-1.t slots=1\nt-launcher-0-0.t slots=1\n"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if agent := one["/etc/mpi/kubexec.sh"]; !strings.Contains(agent, "kubectl exec ${POD_NAME} -- /bin/sh -c") {
		t.Errorf("agent %q", agent)
	}
}
