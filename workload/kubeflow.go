package workload

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Whose success is the job's, where it is not that of a replica type.
const (
	successAny       = "any"
	successWorker0   = "worker-0"
	successAnyWorker = "any worker"
)

// The label keys of the Training Operator.
const (
	labelOperator = "training.kubeflow.org/operator-name"
	labelJob      = "training.kubeflow.org/job-name"
	labelReplica  = "training.kubeflow.org/replica-type"
	labelIndex    = "training.kubeflow.org/replica-index"
	labelRole     = "training.kubeflow.org/job-role"
)

// rules are what sets a kind of the Training Operator apart from the others.
type rules struct {
	field     string   // of spec, that holds the replica types
	types     []string // in start order
	container string   // whose environment and exit code count; "" means the first
	port      string   // name of its port
	number    int      // that port's default
	restart   RestartPolicy
	launcher  RestartPolicy // of the launcher, where it has another default
	required  string        // replica type that there must be one of, exactly
	exact     bool          // a cluster takes replica types in their exact spelling only
	extra     []string
	settle    func(*kubeflowJob) // checks and policy
	env       func(*kubeflowJob, *Pod)
}

var kubeflowKinds = map[string]*rules{
	"PyTorchJob": {field: "pytorchReplicaSpecs", types: []string{"Master", "Worker"}, container: "pytorch", port: "pytorchjob-port",
		number: 23456, restart: RestartOnFailure, exact: true, extra: []string{"elasticPolicy", "nprocPerNode"}, settle: settlePyTorch, env: envPyTorch},
	"TFJob": {field: "tfReplicaSpecs", types: []string{"PS", "Chief", "Master", "Worker", "Evaluator"}, container: "tensorflow", port: "tfjob-port",
		number: 2222, restart: RestartNever, extra: []string{"successPolicy", "enableDynamicWorker"}, settle: settleTF, env: envTF},
	"XGBoostJob": {field: "xgbReplicaSpecs", types: []string{"Master", "Worker"}, container: "xgboost", port: "xgboostjob-port",
		number: 9999, restart: RestartNever, required: "Master", exact: true, settle: settleMaster, env: envXGBoost},
	"PaddleJob": {field: "paddleReplicaSpecs", types: []string{"Master", "Worker"}, container: "paddle", port: "master",
		number: 36543, restart: RestartOnFailure, exact: true, extra: []string{"elasticPolicy"}, settle: settlePaddle, env: envPaddle},
	"JAXJob": {field: "jaxReplicaSpecs", types: []string{"Worker"}, container: "jax", port: "jaxjob-port",
		number: 6666, restart: RestartNever, exact: true, settle: settleJAX, env: envJAX},
	"MPIJob": {field: "mpiReplicaSpecs", types: []string{"Launcher", "Worker"}, restart: RestartNever, required: "Launcher",
		extra: []string{"slotsPerWorker", "cleanPodPolicy", "mainContainer"}, settle: settleMPI, env: envMPI},
}

// replica is one replica type of a job.
type replica struct {
	node
	name     string // as the kind spells it
	lower    string
	count    int
	restart  RestartPolicy
	template template
	def      string // name of the default container
	port     int    // of its rendezvous port
}

// kubeflowJob is a job of the Training Operator while it is laid out.
type kubeflowJob struct {
	*Job
	*rules
	spec     node
	replicas []*replica // in start order
	total    int
	pytorch  pytorch
	mpi      mpi
	tasks    map[string][]string // addresses of a TFJob's tasks
}

func (k *kubeflowJob) replica(name string) *replica {
	for _, r := range k.replicas {
		if r.name == name {
			return r
		}
	}
	return nil
}

// layout lays a job of the Training Operator out.
func (rules *rules) layout(j *Job, spec node, _ Options) error {
	k := &kubeflowJob{Job: j, rules: rules, spec: spec}
	k.runPolicy(spec.get("runPolicy"))
	known := []string{rules.field, "runPolicy"}
	misplaced := []string{"ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit", "suspend", "schedulingPolicy"}
	if !slices.Contains(rules.extra, "cleanPodPolicy") {
		misplaced = append(misplaced, "cleanPodPolicy")
	}
	spec.without("it belongs below spec.runPolicy", misplaced...)
	spec.unknown(slices.Concat(known, rules.extra, misplaced)...)
	if !k.read(spec.get(rules.field)) {
		return nil
	}
	j.Policy.Together = k.total > 1
	rules.settle(k)
	k.pods()
	return nil
}

// runPolicy reads the rules by which the job ends.
func (j *Job) runPolicy(n node) {
	j.Policy.BackoffLimit = n.get("backoffLimit").limit()
	j.Policy.ActiveDeadline = duration(n.get("activeDeadlineSeconds").seconds(1))
	j.Policy.Suspended = n.get("suspend").boolean()
	j.Policy.CleanPods = n.get("cleanPodPolicy").cleanPods("None")
	n.without("there is one machine to run on", "schedulingPolicy")
	n.unknown("backoffLimit", "activeDeadlineSeconds", "suspend", "cleanPodPolicy", "schedulingPolicy", "ttlSecondsAfterFinished", "managedBy")
}

func (n node) cleanPods(fallback string) string {
	switch s := n.text(); s {
	case "":
		return fallback
	case "All", "Running", "None":
		return s
	default:
		n.r.fault(n.path, "use All, Running or None", "%q is no way to clean up", s)
		return fallback
	}
}

// read reads the replica types, and says whether pods can be made of them.
func (k *kubeflowJob) read(specs node) bool {
	found := map[string]*replica{}
	for _, key := range specs.others() {
		n := specs.get(key)
		i := slices.IndexFunc(k.types, func(t string) bool { return strings.EqualFold(t, key) })
		if i < 0 {
			n.r.fault(n.path, "use "+strings.Join(k.types, " or "), "a %s has no replica type %s", k.Kind, key)
			continue
		}
		name := k.types[i]
		if name != key && k.exact {
			n.r.note(n.path, "a cluster refuses this spelling; it is taken as %s", name)
		}
		if found[name] != nil {
			n.r.fault(n.path, "keep one of them", "%s is there twice", name)
			continue
		}
		found[name] = k.readReplica(n, name)
	}
	total := int64(0)
	for _, t := range k.types {
		if r := found[t]; r != nil && r.count > 0 {
			k.replicas = append(k.replicas, r)
			total += int64(r.count)
		}
	}
	k.total = int(total)
	switch {
	case specs.crowd(total):
		return false
	case k.required != "" && found[k.required] == nil && len(specs.r.faults) == 0:
		specs.r.fault(specs.at(k.required), "add one "+k.required, "is missing: a %s needs it", k.Kind)
	case total == 0 && len(specs.r.faults) == 0:
		specs.r.fault(specs.path, "add a "+k.types[len(k.types)-1]+" or "+k.types[0], "has no replicas, so the job would never do anything")
	}
	return len(specs.r.faults) == 0
}

func (k *kubeflowJob) readReplica(n node, name string) *replica {
	r := &replica{node: n, name: name, lower: strings.ToLower(name)}
	fallback := int64(1)
	if k.Kind == "MPIJob" && name == "Worker" {
		fallback = 0
	}
	count := n.get("replicas")
	r.count = int(count.within(0, 1<<31-1, fallback))
	if name == "Master" && (k.Kind == "PyTorchJob" || k.Kind == "XGBoostJob") || name == "Launcher" {
		k.one(count, name)
		r.count = 1
	} else if r.count == 0 && count.has() && k.Kind == "PyTorchJob" {
		n.r.fault(count.path, "ask for 1 or more, or leave "+name+" out", "is 0")
	}
	policy := k.restart
	if name == "Launcher" && k.launcher != "" {
		policy = k.launcher
	}
	r.restart = n.get("restartPolicy").restartPolicy(policy, RestartAlways, RestartOnFailure, RestartNever, RestartExitCode)
	r.template = n.get("template").template()
	if own := r.template.spec.RestartPolicy; own != "" && own != string(r.restart) {
		n.r.note(n.get("template").get("spec").at("restartPolicy"), "has no effect: %s.restartPolicy (%s) goes before it", name, r.restart)
	}
	r.template.spec.RestartPolicy = string(r.restart)
	if r.restart == RestartExitCode {
		r.template.spec.RestartPolicy = string(RestartNever)
	}
	n.unknown("replicas", "restartPolicy", "template")
	k.defaultContainer(r)
	return r
}

// one checks the number of replicas of a type that there must be one of.
func (k *kubeflowJob) one(count node, name string) {
	n, ok := count.integer()
	if !ok {
		if name == "Master" {
			count.r.note(count.path, "is not set, which a cluster refuses (must be 1); it is taken as 1")
		}
		return
	}
	if n != 1 {
		count.r.fault(count.path, "set it to 1, and ask for more with Worker.replicas", "must be 1, and is %d", n)
	}
}

// defaultContainer finds the container that the kind's rules speak of, and gives it the port that others reach it by.
func (k *kubeflowJob) defaultContainer(r *replica) {
	containers := r.template.spec.Containers
	path := r.get("template").get("spec").at("containers")
	if len(containers) == 0 {
		return
	}
	r.def = k.container
	switch {
	case r.def == "":
		r.def = containers[0].Name
	case r.template.spec.container(r.def) != nil:
	case len(containers) == 1:
		r.def = containers[0].Name
		r.r.note(path, "a cluster refuses it because no container is named %s; %s, the only one, is taken for it", k.container, r.def)
	default:
		r.r.fault(path, "name the one that trains "+k.container, "has no container named %s", k.container)
		return
	}
	for i, c := range containers {
		if c.Image == "" {
			r.r.note(path+"["+strconv.Itoa(i)+"].image", "is missing, which a cluster refuses; here the command is enough")
		}
	}
	if k.port == "" {
		return
	}
	c := r.template.spec.container(r.def)
	for _, p := range c.Ports {
		if p.Name == k.port {
			r.port = p.ContainerPort
			return
		}
	}
	r.port = k.number
	c.Ports = append(slices.Clone(c.Ports), ContainerPort{Name: k.port, ContainerPort: k.number})
}

// pods makes the pods.
func (k *kubeflowJob) pods() {
	for _, r := range k.replicas {
		for i := range r.count {
			name := podName(k.Name, r.lower, i)
			p := r.template.pod(name, map[string]string{
				labelOperator: strings.ToLower(k.Kind) + "-controller", labelJob: k.Name, labelReplica: r.lower, labelIndex: strconv.Itoa(i),
			})
			if k.leads(r, i) {
				p.Labels[labelRole] = "master"
			}
			p.Replica, p.Index, p.Rank, p.Restart, p.Default = r.lower, i, len(k.Pods), r.restart, r.def
			p.Names = serviceNames(name, k.Namespace)
			k.env(k, &p)
			k.Pods = append(k.Pods, p)
		}
	}
}

// leads says whether a pod is the one that the operator labels as the job's master.
func (k *kubeflowJob) leads(r *replica, index int) bool {
	switch k.Kind {
	case "TFJob", "PyTorchJob":
		if m := k.chief(); m != nil {
			return r == m
		}
		return r.name == "Worker" && index == 0
	case "JAXJob":
		return index == 0
	case "MPIJob":
		return r.name == "Launcher"
	}
	return r.name == "Master"
}

// chief is the replica type that speaks for the others, nil where they are all alike.
func (k *kubeflowJob) chief() *replica {
	for _, name := range []string{"Chief", "Master", "Launcher"} {
		if r := k.replica(name); r != nil && r.count > 0 {
			return r
		}
	}
	return nil
}

// addEnv appends variables to all containers of a pod, but not to its init containers.
func (p *Pod) addEnv(vars []EnvVar) {
	for i := range p.Spec.Containers {
		p.Spec.Containers[i].Env = append(p.Spec.Containers[i].Env, vars...)
	}
}

func settleMaster(k *kubeflowJob) {
	k.speaks = "worker"
	if k.replica("Master") != nil {
		k.speaks = "master"
	}
	k.Policy.Success = k.speaks
}

func settleJAX(k *kubeflowJob) { k.speaks, k.Policy.Success = "worker", "worker" }

func settlePaddle(k *kubeflowJob) {
	settleMaster(k)
	if k.speaks == "master" { // a parameter server waits for workers to come back
		k.Policy.Together = false
	}
	k.spec.without("the number of workers is fixed", "elasticPolicy")
}

func settleTF(k *kubeflowJob) {
	if c, m := k.replica("Chief"), k.replica("Master"); c != nil && m != nil {
		k.spec.r.fault(m.path, "keep one of Chief and Master", "a TFJob cannot have both Chief and Master")
	}
	k.Policy.Together = false // the servers of TensorFlow wait for each other, at any time
	policy := k.spec.get("successPolicy")
	chief := k.chief()
	switch s := policy.text(); {
	case s != "" && s != "AllWorkers":
		policy.r.fault(policy.path, `use AllWorkers, or leave it out`, "%q is no success policy", s)
	case chief != nil:
		k.speaks, k.Policy.Success = chief.lower, chief.lower
	case s == "AllWorkers":
		k.speaks, k.Policy.Success = "worker", "worker"
	default:
		k.speaks, k.Policy.Success = "worker", successWorker0
	}
	if chief == nil && k.replica("Worker") == nil {
		k.speaks, k.Policy.Success = "", ""
	}
}

// peerPatience is how long the operator's init container looks for the master: 100 times, 2 s apart.
const peerPatience = 200 * time.Second
