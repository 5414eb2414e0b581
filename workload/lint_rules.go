package workload

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// processes are rules L1 and L2: how many processes a pod of a PyTorchJob starts, and how many its environment speaks of.
func (c *check) processes() {
	if c.kind != "PyTorchJob" {
		return
	}
	nproc := c.spec.get("nprocPerNode")
	n, err := strconv.Atoi(scalarOrText(nproc.value))
	for _, r := range c.templates {
		main := c.trains(r)
		yes, known := launcher(words(main))
		switch {
		case err == nil && n > 1 && known && !yes:
			c.warn("L1", SeverityError, nproc.path, fmt.Sprintf("nprocPerNode is %d, but the command of %s starts one process: WORLD_SIZE counts ranks that will never come, and the rendezvous hangs", n, r.name),
				`start the script with torchrun, or set nprocPerNode: "1"`)
		case err != nil && yes && !strings.Contains(strings.Join(words(main), " "), "nproc") && len(r.pods) > 0 && r.pods[0].Spec.gpus() == 0 &&
			!c.spec.get("elasticPolicy").get("nProcPerNode").has():
			c.warn("L2", SeverityWarning, nproc.path, "torchrun without GPUs and with nprocPerNode auto starts one process for each CPU of the machine, whatever the limits of "+r.name+" are",
				`set spec.nprocPerNode: "1"`)
		}
	}
}

func scalarOrText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return scalar(v)
}

// masterless is rule L3.
func (c *check) masterless() {
	if c.kind != "PyTorchJob" || c.spec.get("elasticPolicy").has() || !c.sound {
		return
	}
	for _, r := range c.templates {
		if strings.EqualFold(r.name, "Master") {
			return
		}
	}
	if len(c.job.Pods) > 1 {
		c.warn("L3", SeverityError, "spec.pytorchReplicaSpecs", fmt.Sprintf("there are %d workers and no Master: nothing tells them where to meet (no MASTER_ADDR, RANK or WORLD_SIZE)", len(c.job.Pods)),
			"add a Master with replicas: 1, or an elasticPolicy")
	}
}

// trainNodes is rule L4.
func (c *check) trainNodes() {
	if c.kind != "TrainJob" || !c.sound {
		return
	}
	var nodes []*Pod
	for i := range c.job.Pods {
		if p := &c.job.Pods[i]; p.Replica == c.job.speaks {
			nodes = append(nodes, p)
		}
	}
	if len(nodes) < 2 {
		return
	}
	main := nodes[0].Spec.container("node")
	if main == nil || !main.defines("PET_NNODES") {
		return
	}
	if yes, known := launcher(slices.Concat(main.Command, main.Args)); known && !yes {
		c.warn("L4", SeverityWarning, "spec.trainer.command", fmt.Sprintf("a TrainJob sets only variables that torchrun reads (PET_*), and the command does not start torchrun: %d nodes train %d models that know nothing of each other", len(nodes), len(nodes)),
			"start the script with torchrun, or set numNodes: 1")
	}
}

// standalone is rule L5.
func (c *check) standalone() {
	if s := c.spec.get("elasticPolicy").get("standalone"); c.kind == "PyTorchJob" && s.value == true {
		c.warn("L5", SeverityError, s.path, "the operator sets PET_STANDALONE to nothing, at which torchrun breaks (invalid literal for int())", "leave it out, and give torchrun the argument --standalone")
	}
}

// masters is rule L6: what the webhooks of the operator refuse although it is plainly meant.
func (c *check) masters() {
	if c.kubeflow == nil {
		return
	}
	specs := c.spec.get(c.kubeflow.field)
	for _, r := range c.templates {
		n := specs.get(r.name)
		i := slices.IndexFunc(c.kubeflow.types, func(t string) bool { return strings.EqualFold(t, r.name) })
		if i >= 0 && c.kubeflow.exact && c.kubeflow.types[i] != r.name {
			c.warn("L6", SeverityError, n.path, "a cluster refuses the replica type "+r.name, "spell it "+c.kubeflow.types[i])
		}
		if count := n.get("replicas"); strings.EqualFold(r.name, "Master") && (c.kind == "PyTorchJob" || c.kind == "XGBoostJob") && fmt.Sprint(count.value) != "1" {
			c.warn("L6", SeverityError, count.path, "a cluster refuses a Master without replicas: 1", "set replicas: 1")
		}
		if want := c.kubeflow.container; want != "" && !slices.ContainsFunc(r.containers(), func(n node) bool { return n.get("name").value == want }) {
			c.warn("L6", SeverityError, r.get("spec").at("containers"), "a cluster refuses a "+c.kind+" without a container named "+want+" in each replica type", "name the container that trains "+want)
		}
	}
}

// names is rule L7.
func (c *check) names() {
	name, longest := c.job.Name, ""
	for _, p := range c.job.Pods {
		if len(p.Name) > len(longest) {
			longest = p.Name
		}
	}
	if c.kubeflow != nil && c.kind != "MPIJob" && name != "" && (name[0] < 'a' || name[0] > 'z' || strings.Contains(name, ".")) {
		c.warn("L7", SeverityError, "metadata.name", "a cluster refuses the name "+name+" for a "+c.kind, "begin it with a letter, and use letters, digits and dashes")
	}
	if len(longest) > longestName {
		c.warn("L7", SeverityError, "metadata.name", fmt.Sprintf("the pod %s would have a name of %d characters, and a cluster allows %d: it would never be made", longest, len(longest), longestName),
			fmt.Sprintf("shorten the experiment's name by %d characters", len(longest)-longestName))
	}
}

// primaryContainer is rule L8.
func (c *check) primaryContainer() {
	if c.PrimaryContainer == "" || !c.sound {
		return
	}
	missing := map[string]bool{}
	found := false
	var names []string
	for i := range c.job.Pods {
		p := &c.job.Pods[i]
		if p.Spec.container(c.PrimaryContainer) != nil {
			found = true
		} else if !missing[p.Replica] {
			missing[p.Replica] = true
			names = append(names, p.Replica)
		}
	}
	switch {
	case !found:
		c.warn("L8", SeverityError, "trialTemplate.primaryContainerName", "no pod of the job has a container named "+c.PrimaryContainer, "name the container that prints the metrics")
	case len(names) > 0:
		c.warn("L8", SeverityError, "trialTemplate.primaryContainerName", fmt.Sprintf("the pods of %s have no container named %s: Katib refuses to let them start", strings.Join(names, ", "), c.PrimaryContainer),
			"give the container that trains the same name in every replica type")
	}
}

// primaryLabels is rule L9.
func (c *check) primaryLabels() {
	if len(c.PrimaryPodLabels) == 0 || !c.sound {
		return
	}
	if c.job.labelled(c.PrimaryPodLabels) != nil {
		return
	}
	copied := *c.job
	if PrimaryPods(&copied, c.PrimaryPodLabels) != nil {
		c.warn("L9", SeverityError, "trialTemplate.primaryPodLabels", "in a cluster no pod that trains has the labels "+labelText(c.PrimaryPodLabels)+": operators set others now, and no metric would ever be seen",
			"use "+labelRole+": master, or labels that the pods have")
		return
	}
	c.warn("L9", SeverityError, "trialTemplate.primaryPodLabels", "no pod of the job has the labels "+labelText(c.PrimaryPodLabels)+": no metric would ever be seen", "use labels that the pods have: "+labelText(c.job.Pods[0].Labels))
}

// conditions is rule L10.
func (c *check) conditions() {
	if (c.kind == "PaddleJob" || c.kind == "JAXJob") && (!c.ExplicitConditions || !c.ExplicitLabels) {
		c.warn("L10", SeverityError, "trialTemplate", "Katib has no defaults for a "+c.kind+": it refuses an experiment without conditions, and without labels collects metrics of every pod",
			"set successCondition, failureCondition and primaryPodLabels")
	}
}

// limits are rules L11 and L12: what ends a job.
func (c *check) limits() {
	if c.kubeflow == nil || c.kubeflow == mpi2Rules {
		return
	}
	policy, specs := c.spec.get("runPolicy"), c.spec.get(c.kubeflow.field)
	if d := policy.get("activeDeadlineSeconds"); d.has() {
		c.warn("L11", SeverityWarning, d.path, "the operator notices the deadline only when something else happens to the job; Qalam holds to it", "expect it to be late in a cluster")
	}
	limit := policy.get("backoffLimit")
	for _, r := range c.templates {
		own := specs.get(r.name).get("restartPolicy")
		restart := RestartPolicy(scalarOrText(own.value))
		if restart == "" {
			restart = c.kubeflow.restart
		}
		switch {
		case restart == RestartExitCode && limit.has() && scalarOrText(limit.value) != "0":
			c.warn("L11", SeverityWarning, limit.path, "the operator does not count restarts by exit code, and restarts "+r.name+" for ever; Qalam counts them", "set backoffLimit: 0, or restartPolicy: Never")
		case restart == RestartAlways:
			c.warn("L11", SeverityWarning, own.path, r.name+" starts again also when it has succeeded, so the job may never end", "use OnFailure or Never")
		case restart == RestartOnFailure && !limit.has():
			c.warn("L12", SeverityWarning, own.path, "a trial whose "+r.name+" fails at a bad point is started again for ever", "set restartPolicy: Never, or spec.runPolicy.backoffLimit")
		}
	}
}

const injectKey = "sidecar.istio.io/inject"

// inject is rule L13: a request for no sidecar that will not be heard.
func (c *check) inject() {
	places := func(meta node) (set bool, where node) {
		for _, kind := range []string{"labels", "annotations"} {
			if v := meta.get(kind).get(injectKey); v.has() {
				set, where = true, v
				if _, text := v.value.(string); !text {
					c.warn("L13", SeverityError, v.path, "the value is not a string: a cluster refuses or ignores it", `write "false" in quotes`)
				}
			}
		}
		return set, where
	}
	with, without := []string{}, []string{}
	for _, r := range c.templates {
		if set, _ := places(r.get("metadata")); set {
			with = append(with, r.name)
		} else {
			without = append(without, r.name)
		}
	}
	if c.kind == "Pod" {
		return
	}
	if set, where := places(c.root.get("metadata")); set && len(with) == 0 {
		c.warn("L13", SeverityError, where.path, "on the job's own metadata it does nothing", "put it on the metadata of every pod template")
	}
	if len(with) > 0 && len(without) > 0 {
		c.warn("L13", SeverityError, c.spec.at(c.kubeflow.field), fmt.Sprintf("only %s go without a sidecar; %s would get one, and could not reach them", strings.Join(with, ", "), strings.Join(without, ", ")),
			"put "+injectKey+`: "false" on every pod template`)
	}
}

// readiness is rule L22.
func (c *check) readiness() {
	if c.kubeflow == nil || len(c.job.Pods) < 2 {
		return
	}
	for _, r := range c.templates {
		if !strings.EqualFold(r.name, "Master") {
			continue
		}
		for _, n := range r.containers() {
			if p := n.get("readinessProbe"); p.has() {
				c.warn("L22", SeverityError, p.path, "workers find the master's name only when it is ready: if it becomes ready only once they have come, neither ever happens", "remove the readiness probe")
			}
		}
	}
}

// hostNetwork is rule L23.
func (c *check) hostNetwork() {
	pods := 0
	var last node
	for _, r := range c.templates {
		spec := r.get("spec")
		if spec.get("hostNetwork").value != true {
			continue
		}
		pods += len(r.pods)
		last = spec.get("hostNetwork")
		if spec.get("dnsPolicy").value != "ClusterFirstWithHostNet" {
			c.warn("L23", SeverityError, last.path, "on the host's network, with the default dnsPolicy, pods do not find each other's names", "set dnsPolicy: ClusterFirstWithHostNet")
		}
	}
	if pods > 1 && c.kubeflow != nil {
		c.warn("L23", SeverityError, last.path, fmt.Sprintf("%d pods on the host's network want the same port when they meet on one machine", pods), "leave hostNetwork out")
	}
}

// shells is rule L24b.
func (c *check) shells() {
	for _, r := range c.templates {
		main := c.trains(r)
		for _, n := range r.containers() {
			if c.PrimaryContainer != "" && n.get("name").value == c.PrimaryContainer {
				main = n
			}
		}
		if flattened(words(main)) {
			c.warn("L24b", SeverityError, main.at("command"), "Katib knows only the exact words sh or bash and -c: it turns this command into one that does nothing and succeeds", `write command: ["sh", "-c", …]`)
		}
	}
}

// flattened says whether a command is that of a shell which Katib does not know for one.
func flattened(w []string) bool {
	if len(w) > 2 && path.Base(w[0]) == "env" && shells[path.Base(w[1])] {
		return strings.HasSuffix(w[2], "c")
	}
	if len(w) < 2 || !shells[path.Base(w[0])] || w[1][:min(len(w[1]), 1)] != "-" || !strings.HasSuffix(w[1], "c") {
		return false
	}
	return w[0] != "sh" && w[0] != "bash" || w[1] != "-c"
}
