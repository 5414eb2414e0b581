package workload

import (
	"slices"
	"strconv"
	"strings"
)

// The label keys of JobSet.
const (
	labelJobSet        = "jobset.sigs.k8s.io/jobset-name"
	labelReplicatedJob = "jobset.sigs.k8s.io/replicatedjob-name"
	labelJobReplicas   = "jobset.sigs.k8s.io/replicatedjob-replicas"
	labelJobIndex      = "jobset.sigs.k8s.io/job-index"
)

// trainPort is the port of the rendezvous of all TrainJobs.
const trainPort = 29500

// trainJob is a TrainJob while it is laid out.
type trainJob struct {
	*Job
	spec, trainer node
	runtime       node // spec of the runtime, patched
	policy        node // of its mlPolicy
	framework     string
	nodes         int64
	options       Options
}

// layoutTrainJob lays out a TrainJob: its runtime, patched, is a set of Jobs, each of pods that know their index.
func layoutTrainJob(j *Job, spec node, o Options) error {
	rt, ok := findRuntime(spec, o)
	if !ok {
		return nil
	}
	t := &trainJob{Job: j, spec: spec, trainer: spec.get("trainer"), runtime: rt, policy: rt.get("mlPolicy"), options: o}
	t.patch()
	j.Policy.ActiveDeadline = duration(spec.get("activeDeadlineSeconds").seconds(1))
	j.Policy.Suspended = spec.get("suspend").boolean()
	j.Policy.CleanPods = "None"
	for _, f := range t.policy.others("numNodes") {
		t.framework = f
		if !slices.Contains([]string{"torch", "mpi", "jax", "xgboost"}, f) {
			t.policy.r.fault(t.policy.at(f), "use --runner kubernetes", "is a policy that only a cluster's trainer knows")
		}
	}
	t.nodes = t.trainer.get("numNodes").within(0, 1<<31-1, t.policy.get("numNodes").within(0, 1<<31-1, 1))
	t.initializers()
	jobs := t.runtime.get("template").get("spec")
	all := jobs.get("replicatedJobs").list()
	if len(all) == 0 {
		jobs.r.fault(jobs.at("replicatedJobs"), "give the runtime a replicated job named node", "is empty")
	}
	for _, rj := range all {
		if !t.replicatedJob(rj) {
			return nil
		}
	}
	if t.speaks == "" && len(spec.r.faults) == 0 {
		spec.r.note("spec.runtimeRef", "no replicated job of the runtime has the label %s: trainer, so spec.trainer has no effect", stepLabel)
	}
	t.depend(all)
	t.settle(jobs)
	if t.framework == "mpi" {
		t.mpiFiles()
	}
	spec.unknown("runtimeRef", "initializer", "trainer", "runtimePatches", "podTemplateOverrides", "suspend", "activeDeadlineSeconds",
		"managedBy", "labels", "annotations")
	t.trainer.unknown("image", "command", "args", "env", "numNodes", "resourcesPerNode", "numProcPerNode")
	return nil
}

// patch applies what the TrainJob changes of its runtime's template.
func (t *trainJob) patch() {
	base, ok := t.runtime.get("template").value.(object)
	if !ok {
		return
	}
	for _, p := range t.spec.get("runtimePatches").list() {
		spec := p.get("trainingRuntimeSpec").get("template").get("spec")
		if spec.has() && spec.object() != nil {
			base["spec"] = merge(base["spec"], spec.value, "spec")
		}
	}
	for _, p := range t.spec.get("podTemplateOverrides").list() { // until version 2.1
		var names []string
		for _, target := range p.get("targetJobs").list() {
			names = append(names, target.get("name").text())
		}
		for _, rj := range t.runtime.get("template").get("spec").get("replicatedJobs").list() {
			if slices.Contains(names, rj.get("name").text()) {
				if pod, ok := rj.get("template").get("spec").get("template").value.(object); ok && p.get("spec").has() {
					pod["spec"] = merge(pod["spec"], p.get("spec").value, "spec")
				}
			}
		}
	}
}

// step is the part that a replicated job plays: trainer, dataset-initializer, model-initializer or none.
func step(rj node) string {
	if s := rj.get("template").get("metadata").get("labels").get(stepLabel); s.has() {
		return s.text()
	}
	return rj.get("template").get("spec").get("template").get("metadata").get("labels").get(stepLabel).text()
}

// initializers hands what the TrainJob says of its data and model to the pods that fetch them.
func (t *trainJob) initializers() {
	for _, what := range []string{"dataset", "model"} {
		from := t.spec.get("initializer").get(what)
		if !from.has() {
			continue
		}
		found := false
		for _, rj := range t.runtime.get("template").get("spec").get("replicatedJobs").list() {
			if step(rj) != what+"-initializer" {
				continue
			}
			for _, c := range rj.get("template").get("spec").get("template").get("spec").get("containers").list() {
				if o := c.object(); o != nil && c.get("name").text() == what+"-initializer" {
					found = true
					patch := object{}
					if uri := from.get("storageUri"); uri.has() {
						patch["env"] = list{object{"name": "STORAGE_URI", "value": uri.text()}}
					}
					if vars, ok := from.get("env").value.(list); ok {
						old, _ := patch["env"].(list)
						patch["env"] = append(old, vars...)
					}
					if secret := from.get("secretRef").get("name"); secret.has() {
						old, _ := o["envFrom"].(list)
						o["envFrom"] = append(old, object{"secretRef": object{"name": secret.text()}})
					}
					merge(o, patch, "")
				}
			}
		}
		if !found {
			from.r.fault(from.path, "leave it out, or use a runtime that fetches a "+what,
				"the runtime has no replicated job with the step and a container named %s-initializer", what)
		}
	}
}

// replicatedJob lays out one of the runtime's replicated jobs, and says whether to go on.
func (t *trainJob) replicatedJob(rj node) bool {
	name, job := rj.get("name").text(), rj.get("template").get("spec")
	trains := step(rj) == "trainer"
	if name == "" {
		rj.r.fault(rj.at("name"), "give the replicated job a name", "is missing")
	}
	if trains {
		t.speaks = name
		t.override(job.get("template").get("spec"))
	}
	replicas, count := t.size(rj, name, trains)
	if t.spec.get("trainer").get("numNodes").crowd(int64(len(t.Pods)) + count*replicas) {
		return false
	}
	tmpl := job.get("template").template()
	policy := RestartPolicy(tmpl.spec.RestartPolicy)
	if policy == "" {
		policy = RestartOnFailure
	}
	tmpl.spec.RestartPolicy = string(policy)
	if trains || t.Policy.BackoffLimit == nil {
		limit := int32(jobBackoffLimit)
		if l := job.get("backoffLimit").limit(); l != nil {
			limit = *l
		}
		t.Policy.BackoffLimit = &limit
	}
	for r := range int(replicas) {
		for i := range int(count) {
			t.pod(&tmpl, name, r, i, int(count), int(replicas))
		}
	}
	return true
}

// size is how many Jobs a replicated job makes, and how many pods each has.
func (t *trainJob) size(rj node, name string, trains bool) (replicas, count int64) {
	replicas = rj.get("replicas").within(0, maxPods, 1)
	count = rj.get("template").get("spec").get("parallelism").within(0, 1<<31-1, 1)
	switch {
	case t.framework == "mpi" && name == "node" && !trains:
		count = t.nodes
		if t.policy.get("mpi").get("runLauncherAsNode").boolean() {
			count = max(t.nodes-1, 1)
		}
		return 1, count
	case t.framework == "mpi" && trains:
		return 1, 1
	case trains:
		return 1, t.nodes
	}
	return replicas, count
}

// pod adds one pod of a Job of a replicated job.
func (t *trainJob) pod(tmpl *template, name string, jobIndex, index, count, replicas int) {
	trains, subdomain := name == t.speaks, t.subdomain()
	jobName := t.Name + "-" + name + "-" + strconv.Itoa(jobIndex)
	p := tmpl.pod(jobName+"-"+strconv.Itoa(index), map[string]string{
		"batch.kubernetes.io/job-name": jobName, "job-name": jobName, labelJobSet: t.Name, labelReplicatedJob: name,
		labelJobReplicas: strconv.Itoa(replicas), labelJobIndex: strconv.Itoa(jobIndex),
	})
	p.Replica, p.Index, p.Rank, p.Restart = name, count*jobIndex+index, count*jobIndex+index, RestartPolicy(tmpl.spec.RestartPolicy)
	p.Hostname, p.Subdomain, p.Names = p.Name, subdomain, hostNames(p.Name, subdomain, t.Namespace)
	if c := p.Spec.container("node"); c != nil {
		p.Default = "node"
		if trains && t.trainer.has() {
			t.env(c, index, count)
		}
	} else {
		p.primary(t.options)
	}
	p.complete(index)
	if t.framework == "mpi" && !trains && name == "node" && len(p.Spec.Containers) > 0 {
		p.sleeps([]string{"/usr/sbin/sshd", "-De"})
	}
	t.Pods = append(t.Pods, p)
}

// subdomain is the name of the service that all pods of the job have their names in.
func (t *trainJob) subdomain() string {
	if s := t.runtime.get("template").get("spec").get("network").get("subdomain").text(); s != "" {
		return s
	}
	return t.Name
}

// override puts what the TrainJob says of its trainer in place of what the runtime says.
func (t *trainJob) override(pod node) {
	for _, n := range pod.get("containers").list() {
		c := n.object()
		if c == nil || n.get("name").text() != "node" {
			continue
		}
		for _, f := range []string{"image", "command", "args"} {
			if v := t.trainer.get(f); v.has() {
				c[f] = clone(v.value)
			}
		}
		if v := t.trainer.get("env"); v.has() {
			for _, e := range v.list() {
				e.envVar() // for its faults, which belong to the TrainJob
			}
			c["env"] = merge(c["env"], v.value, "env")
		}
		if v := t.trainer.get("resourcesPerNode"); v.has() {
			v.resources()
			c["resources"] = merge(c["resources"], v.value, "resources")
		}
		if t.framework == "torch" {
			t.tune(c)
		}
		return
	}
	if t.trainer.has() {
		pod.r.note(pod.at("containers"), "no container is named node, so spec.trainer has no effect")
	}
}

// depend makes pods wait for those of the replicated jobs that theirs depends on being complete.
func (t *trainJob) depend(jobs []node) {
	for _, rj := range jobs {
		for _, d := range rj.get("dependsOn").list() {
			if d.get("status").text() != "Complete" {
				continue
			}
			var after []string
			for _, p := range t.Pods {
				if p.Replica == d.get("name").text() {
					after = append(after, p.Name)
				}
			}
			for i := range t.Pods {
				if p := &t.Pods[i]; p.Replica == rj.get("name").text() {
					p.Held, p.After = true, append(slices.Clone(p.After), after...)
				}
			}
		}
	}
}

// settle reads the rules by which the set of Jobs ends.
func (t *trainJob) settle(set node) {
	t.Policy.Recreate = true
	live := 0
	for _, p := range t.Pods {
		if p.Replica == t.speaks && !p.Idle {
			live++
		}
	}
	t.Policy.Together = live > 1
	if n := set.get("failurePolicy").get("maxRestarts").within(0, 1<<20, 0); n > 0 && t.Policy.BackoffLimit != nil {
		*t.Policy.BackoffLimit = int32(min(int64(*t.Policy.BackoffLimit)+n, 1<<30))
	}
	success := set.get("successPolicy")
	targets := success.get("targetReplicatedJobs").texts()
	switch {
	case len(targets) == 1:
		t.Policy.Success = targets[0]
		if !slices.ContainsFunc(t.Pods, func(p Pod) bool { return p.Replica == targets[0] }) {
			success.r.fault(success.at("targetReplicatedJobs"), "name a replicated job of the runtime", "no pod belongs to %s", targets[0])
		}
	case len(targets) > 1 || success.get("operator").text() == "Any":
		success.r.note(success.path, "is taken as: every pod must succeed")
	}
	if len(t.Pods) == 0 && len(set.r.faults) == 0 {
		set.r.fault("spec.trainer.numNodes", "ask for 1 or more", "the job has no pods")
	}
}

// endpoint is the name by which the pods of the job reach one of them.
func (t *trainJob) endpoint(replica string, index int) string {
	return t.Name + "-" + replica + "-0-" + strconv.Itoa(index) + "." + t.subdomain()
}

// mpiFiles provides the file that tells the launcher of its hosts.
func (t *trainJob) mpiFiles() {
	mpi := t.policy.get("mpi")
	if s := mpi.get("mpiImplementation").text(); s != "" && s != implementOpen {
		mpi.r.fault(mpi.at("mpiImplementation"), "use OpenMPI, which is all that the trainer supports", "is %s", s)
	}
	mpi.r.note("spec.runtimeRef", "%s", sshNote)
	var hosts strings.Builder
	var launchers []string
	for i := range t.Pods {
		p := &t.Pods[i]
		if p.Replica == "launcher" {
			launchers = append(launchers, p.Name)
		}
		if p.Replica == "node" || p.Replica == "launcher" && mpi.get("runLauncherAsNode").boolean() {
			slots := 1
			if c := p.Spec.container("node"); c != nil {
				slots = t.slots()
			}
			hosts.WriteString(t.endpoint(p.Replica, p.Index) + " slots=" + strconv.Itoa(slots) + "\n")
		}
	}
	t.Files = []File{
		{Path: mpiHostfile, Mode: 0o444, Content: hosts.String(), Pods: launchers},
		{Path: mpiAgent, Mode: 0o555, Content: agentOnly, Pods: launchers},
	}
}
