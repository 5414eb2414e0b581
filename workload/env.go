package workload

import (
	"encoding/json"
	"strconv"
	"strings"
)

// pytorch holds what a PyTorchJob says beyond its replicas.
type pytorch struct {
	nproc   string   // PET_NPROC_PER_NODE, "" when it is not set
	perNode int      // processes per pod as WORLD_SIZE counts them
	nodes   []EnvVar // PET_NNODES, or what an elastic job has in its place
}

func settlePyTorch(k *kubeflowJob) {
	settleMaster(k)
	elastic := k.spec.get("elasticPolicy")
	nproc := k.spec.get("nprocPerNode")
	t := &k.pytorch
	t.nproc, t.perNode = nproc.text(), 1
	if t.nproc == "" && !elastic.get("nProcPerNode").has() {
		t.nproc = "auto"
	}
	if n, err := strconv.Atoi(t.nproc); err == nil {
		if n < 1 {
			nproc.r.fault(nproc.path, "give it a number of processes from 1, or auto, gpu or cpu", "is %d", n)
		}
		t.perNode = n
	} else if t.nproc != "" && t.nproc != "auto" && t.nproc != "gpu" && t.nproc != "cpu" {
		nproc.r.fault(nproc.path, "give it a number of processes, or auto, gpu or cpu", "%q is no number of processes", t.nproc)
	}
	if !elastic.has() {
		t.nodes = env("PET_NNODES", strconv.Itoa(k.total))
		return
	}
	if nproc.has() && elastic.get("nProcPerNode").has() {
		nproc.r.fault(elastic.at("nProcPerNode"), "keep nprocPerNode", "nprocPerNode and elasticPolicy.nProcPerNode are both set")
	}
	worker := k.replica("Worker")
	if worker == nil {
		elastic.r.fault(elastic.path, "add Worker to pytorchReplicaSpecs, or leave elasticPolicy out", "needs workers, and there are none")
		return
	}
	t.nodes = elasticEnv(k, elastic, worker)
	k.Policy.Together = false // torchrun gathers who is there anew by itself
	if k.replica("Master") == nil {
		k.Policy.Success = successAnyWorker
	}
}

// elasticEnv returns the variables by which torchrun finds an elastic job's rendezvous.
func elasticEnv(k *kubeflowJob, n node, worker *replica) []EnvVar {
	most := int64(1 << 30)
	low, high := n.get("minReplicas").within(0, most, -1), n.get("maxReplicas").within(0, most, -1)
	switch {
	case low < 0 && high < 0:
		low, high = int64(worker.count), int64(worker.count)
	case low < 0:
		low = high
	case high < 0:
		high = low
	}
	if low > high {
		n.r.fault(n.at("minReplicas"), "make it maxReplicas or less", "is %d, more than maxReplicas (%d)", low, high)
	}
	host, backend := n.get("rdzvHost").text(), n.get("rdzvBackend").text()
	if host == "" {
		host = podName(k.Name, "worker", 0)
	}
	if backend == "" {
		backend = "c10d"
	}
	port := n.get("rdzvPort").within(1, 65535, int64(worker.port))
	vars := env("PET_RDZV_ENDPOINT", host+":"+strconv.FormatInt(port, 10), "PET_RDZV_BACKEND", backend,
		"PET_NNODES", strconv.FormatInt(low, 10)+":"+strconv.FormatInt(high, 10))
	for _, e := range [][2]string{{"maxRestarts", "PET_MAX_RESTARTS"}, {"nProcPerNode", "PET_NPROC_PER_NODE"}} {
		if v := n.get(e[0]); v.has() {
			vars = append(vars, EnvVar{Name: e[1], Value: strconv.FormatInt(v.within(0, most, 0), 10)})
		}
	}
	if id := n.get("rdzvId").text(); id != "" {
		vars = append(vars, EnvVar{Name: "PET_RDZV_ID", Value: id})
	}
	var conf []string
	for _, c := range n.get("rdzvConf").list() {
		conf = append(conf, c.get("key").text()+"="+c.get("value").text())
	}
	if conf != nil {
		vars = append(vars, EnvVar{Name: "PET_RDZV_CONF", Value: strings.Join(conf, ",")})
	}
	if n.get("standalone").boolean() {
		n.r.note(n.at("standalone"), `a cluster sets PET_STANDALONE to nothing, at which torchrun breaks; here it is 1`)
		vars = append(vars, EnvVar{Name: "PET_STANDALONE", Value: "1"})
	}
	n.without("the number of workers is fixed", "metrics")
	return vars
}

func envPyTorch(k *kubeflowJob, p *Pod) {
	vars := env("PYTHONUNBUFFERED", "1")
	if master := k.replica("Master"); master != nil {
		p.Rank = p.Index
		addr := podName(k.Name, "master", 0)
		if p.Replica == "worker" {
			p.Rank++
			p.WaitFor = &WaitFor{Pod: addr, Port: master.port, For: peerPatience}
		}
		port, rank := strconv.Itoa(master.port), strconv.Itoa(p.Rank)
		vars = append(vars, env("MASTER_PORT", port, "PET_MASTER_PORT", port, "MASTER_ADDR", addr, "PET_MASTER_ADDR", addr,
			"WORLD_SIZE", strconv.Itoa(k.total*k.pytorch.perNode), "RANK", rank, "PET_NODE_RANK", rank)...)
	}
	if k.pytorch.nproc != "" {
		vars = append(vars, EnvVar{Name: "PET_NPROC_PER_NODE", Value: k.pytorch.nproc})
	}
	p.addEnv(append(vars, k.pytorch.nodes...))
}

// clusterOfTF is the part of TF_CONFIG that is the same everywhere; the order of fields is that of the operator's.
type clusterOfTF struct {
	Cluster     map[string][]string `json:"cluster"`
	Task        taskOfTF            `json:"task"`
	Environment string              `json:"environment"`
}

type taskOfTF struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
}

// sparseOfTF is TF_CONFIG where workers come and go: a task knows itself and the parameter servers.
type sparseOfTF struct {
	Cluster struct {
		Worker map[int]string `json:"worker"`
		PS     []string       `json:"ps"`
	} `json:"cluster"`
	Task taskOfTF `json:"task"`
}

// cluster lists the addresses of all tasks of a TFJob.
func (k *kubeflowJob) cluster() map[string][]string {
	if k.tasks == nil {
		k.tasks = map[string][]string{}
		for _, r := range k.replicas {
			for i := range r.count {
				k.tasks[r.lower] = append(k.tasks[r.lower], podName(k.Name, r.lower, i)+"."+k.Namespace+".svc:"+strconv.Itoa(r.port))
			}
		}
	}
	return k.tasks
}

func envTF(k *kubeflowJob, p *Pod) {
	dynamic := k.spec.get("enableDynamicWorker").boolean()
	p.spare = dynamic && p.Replica == "worker"
	if k.total == 1 {
		return
	}
	cluster := k.cluster()
	task := taskOfTF{p.Replica, p.Index}
	var config any = clusterOfTF{cluster, task, "cloud"}
	if dynamic {
		s := sparseOfTF{Task: task}
		s.Cluster.Worker, s.Cluster.PS = map[int]string{}, []string{}
		switch p.Replica {
		case "worker":
			s.Cluster.Worker[p.Index] = cluster["worker"][p.Index]
			s.Cluster.PS = append(s.Cluster.PS, cluster["ps"]...)
		case "ps":
			s.Cluster.PS = append(s.Cluster.PS, cluster["ps"][p.Index])
		}
		config = s
	}
	text, err := json.Marshal(config)
	if err != nil {
		k.spec.r.fault("", "", "TF_CONFIG: %v", err)
		return
	}
	if c := p.Spec.container(p.Default); c != nil {
		c.Env = append(c.Env, EnvVar{Name: "TF_CONFIG", Value: string(text)})
	}
}

func envXGBoost(k *kubeflowJob, p *Pod) {
	master := k.replica("Master")
	p.Rank = p.Index
	if p.Replica == "worker" {
		p.Rank += master.count
	}
	vars := env("MASTER_PORT", strconv.Itoa(master.port), "MASTER_ADDR", podName(k.Name, "master", 0),
		"WORLD_SIZE", strconv.Itoa(k.total), "RANK", strconv.Itoa(p.Rank), "PYTHONUNBUFFERED", "1")
	if worker := k.replica("Worker"); worker != nil && k.total > 1 {
		addrs := make([]string, worker.count)
		for i := range addrs {
			addrs[i] = podName(k.Name, "worker", i)
		}
		vars = append(vars, env("WORKER_PORT", strconv.Itoa(worker.port), "WORKER_ADDRS", strings.Join(addrs, ","))...)
	}
	p.addEnv(vars)
}

func envPaddle(k *kubeflowJob, p *Pod) {
	vars := env("PYTHONUNBUFFERED", "1", "PADDLE_JOB_ID", k.Name, "PADDLE_NNODES", strconv.Itoa(k.total))
	first := k.replica("Master")
	servers := first != nil
	if !servers {
		first = k.replica("Worker")
	}
	port := strconv.Itoa(first.port)
	if p.Replica == first.lower && p.Index == 0 {
		vars = append(vars, EnvVar{Name: "POD_IP_DUMMY", ValueFrom: &ValueSource{FieldRef: &FieldRef{FieldPath: "status.podIP"}}},
			EnvVar{Name: "PADDLE_MASTER", Value: "$(POD_IP_DUMMY):" + port})
	} else {
		vars = append(vars, EnvVar{Name: "PADDLE_MASTER", Value: podName(k.Name, first.lower, 0) + ":" + port})
	}
	switch {
	case servers && p.Replica == "master":
		vars = append(vars, EnvVar{Name: "PADDLE_SERVER_NUM", Value: "1"})
	case servers:
		vars = append(vars, EnvVar{Name: "PADDLE_TRAINER_NUM", Value: "1"})
	}
	p.addEnv(vars)
}

func envJAX(k *kubeflowJob, p *Pod) {
	p.Rank = p.Index
	p.addEnv(env("PYTHONUNBUFFERED", "1", "COORDINATOR_PORT", strconv.Itoa(k.replica("Worker").port),
		"COORDINATOR_ADDRESS", podName(k.Name, "worker", 0), "NUM_PROCESSES", strconv.Itoa(k.total), "PROCESS_ID", strconv.Itoa(p.Rank)))
}
