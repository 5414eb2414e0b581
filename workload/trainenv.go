package workload

import (
	"slices"
	"strconv"
	"strings"
)

// set gives a variable a value, in the place of one of the same name where there is one, as the trainer does.
func (c *Container) set(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		e := EnvVar{Name: pairs[i], Value: pairs[i+1]}
		if k := slices.IndexFunc(c.Env, func(old EnvVar) bool { return old.Name == e.Name }); k >= 0 {
			c.Env[k] = e
		} else {
			c.Env = append(c.Env, e)
		}
	}
}

func (c *Container) listen(port int) {
	if !slices.ContainsFunc(c.Ports, func(p ContainerPort) bool { return p.ContainerPort == port }) {
		c.Ports = append(c.Ports, ContainerPort{ContainerPort: port})
	}
}

// reserved are the variables that are the trainer's to set, by framework.
var reserved = map[string][]string{
	"torch":   {"PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT"},
	"xgboost": {"DMLC_TRACKER_URI", "DMLC_TRACKER_PORT", "DMLC_TASK_ID", "DMLC_NUM_WORKER"},
	"mpi": {"OMPI_MCA_orte_default_hostfile", "OMPI_MCA_orte_keep_fqdn_hostnames", "OMPI_MCA_orte_set_default_slots",
		"OMPI_MCA_plm_rsh_args"},
}

// env sets what the trainer sets in the container of one node.
func (t *trainJob) env(c *Container, index, count int) {
	for i, e := range t.trainer.get("env").list() {
		if name := e.get("name").text(); slices.Contains(reserved[t.framework], name) && index == 0 {
			e.r.fault("spec.trainer.env["+strconv.Itoa(i)+"]", "leave it out", "%s is the trainer's to set", name)
		}
	}
	port := strconv.Itoa(trainPort)
	switch t.framework {
	case "torch":
		if !isTune(c.Command) {
			c.set("PET_NNODES", strconv.Itoa(count), "PET_NPROC_PER_NODE", t.perNode(c), "PET_NODE_RANK", strconv.Itoa(index),
				"PET_MASTER_ADDR", t.endpoint(t.speaks, 0), "PET_MASTER_PORT", port)
		}
		c.listen(trainPort)
	case "jax":
		c.set("JAX_NUM_PROCESSES", strconv.Itoa(count), "JAX_PROCESS_ID", strconv.Itoa(index),
			"JAX_COORDINATOR_ADDRESS", t.endpoint(t.speaks, 0)+":"+port)
		c.listen(trainPort)
	case "xgboost":
		workers := int64(count) * max(1, c.Resources.gpus())
		c.set("DMLC_TRACKER_URI", t.endpoint(t.speaks, 0), "DMLC_TRACKER_PORT", port, "DMLC_TASK_ID", strconv.Itoa(index),
			"DMLC_NUM_WORKER", strconv.FormatInt(workers, 10))
		c.listen(trainPort)
	case "mpi":
		c.set("OMPI_MCA_orte_default_hostfile", mpiHostfile, "OMPI_MCA_orte_keep_fqdn_hostnames", "true",
			"OMPI_MCA_orte_set_default_slots", strconv.Itoa(t.slots()), "OMPI_MCA_plm_rsh_agent", mpiAgent)
	}
}

// gpus is the number of devices of the first resource that is a GPU by its name, in the order of names.
func (r Resources) gpus() int64 {
	for _, side := range []map[string]Quantity{r.Limits, r.Requests} {
		var names []string
		for name := range side {
			if strings.Contains(strings.ToLower(name), "gpu") {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			if n, err := side[slices.Min(names)].Value(); err == nil {
				return max(0, min(n, 1<<20))
			}
		}
	}
	return 0
}

// perNode is the number of processes that torchrun starts on a node: what is asked for, else one for each GPU (auto), else one for
// each CPU that is requested.
func (t *trainJob) perNode(c *Container) string {
	if n, ok := t.procs("torch"); ok {
		return n
	}
	if c.Resources.gpus() > 0 {
		return "auto"
	}
	for _, side := range []map[string]Quantity{c.Resources.Requests, c.Resources.Limits} {
		if q, ok := side["cpu"]; ok {
			if n, err := q.Value(); err == nil {
				return strconv.FormatInt(max(1, n), 10)
			}
		}
	}
	return "1"
}

// procs is the number of processes per node that the TrainJob or its runtime asks for. The words that older runtimes allow (auto,
// cpu, gpu) ask for what is the rule anyway.
func (t *trainJob) procs(framework string) (string, bool) {
	for _, n := range []node{t.trainer.get("numProcPerNode"), t.policy.get(framework).get("numProcPerNode")} {
		if s, ok := n.value.(string); ok && (s == "auto" || s == "cpu" || s == "gpu") || !n.has() {
			continue
		}
		return strconv.FormatInt(n.within(1, mostSlots, 1), 10), true
	}
	return "", false
}

// slots is the number of processes per node of an MPI runtime: what is asked for, and where that is only the runtime's 1, one for
// each GPU.
func (t *trainJob) slots() int {
	s, ok := t.procs("mpi")
	n, err := strconv.Atoi(s)
	if !ok || err != nil {
		n = 1
	}
	if n == 1 && !t.trainer.get("numProcPerNode").has() {
		for _, rj := range t.runtime.get("template").get("spec").get("replicatedJobs").list() {
			for _, c := range rj.get("template").get("spec").get("template").get("spec").get("containers").list() {
				if step(rj) == "trainer" && c.get("name").text() == "node" {
					n = max(n, int(c.get("resources").resources().gpus()))
				}
			}
		}
	}
	return n
}

func isTune(command []string) bool {
	return len(command) >= 2 && command[0] == "tune" && command[1] == "run"
}

// tune completes the command line of torchtune. A runtime's own command gets the job's endpoint; with the bare command "tune run"
// of the TrainJob the recipe and its configuration follow from the model and the size of the job, and what the runtime says
// of paths goes before the arguments.
func (t *trainJob) tune(c object) {
	command := texts(c["command"])
	if !isTune(command) {
		return
	}
	endpoint := "--rdzv_endpoint=" + t.endpoint(t.speaksOr("node"), 0) + ":" + strconv.Itoa(trainPort)
	if !slices.Equal(t.trainer.get("command").texts(), command) || len(command) > 2 {
		for i, word := range command {
			if strings.HasPrefix(word, "--rdzv_endpoint=localhost") {
				command[i] = endpoint
			}
		}
		c["command"] = values(command)
		return
	}
	args := texts(c["args"])
	resources := node{&reader{}, "", c["resources"]}.resources()
	procs, given := t.procs("torch")
	if !given {
		procs = "auto"
	}
	recipe, config := recipeOf(t.nodes, procs == "1" || resources.gpus() == 1, args, t.spec.get("runtimeRef").get("name").text())
	words := append(command, "--nnodes="+strconv.FormatInt(t.nodes, 10), "--nproc_per_node="+procs, endpoint, recipe, "--config", config)
	if built := builtin[t.spec.get("runtimeRef").get("name").text()]; built != nil {
		for _, rj := range (node{&reader{}, "", built()}).get("template").get("spec").get("replicatedJobs").list() {
			if step(rj) == "trainer" {
				own := rj.get("template").get("spec").get("template").get("spec").get("containers").list()[0].get("command").texts()
				words = append(words, own[6:]...)
			}
		}
	}
	c["command"] = values(words)
}

func (t *trainJob) speaksOr(fallback string) string {
	if t.speaks != "" {
		return t.speaks
	}
	return fallback
}

// recipeOf chooses torchtune's recipe and configuration by the size of the job and the arguments that ask for adapters.
func recipeOf(nodes int64, single bool, args []string, runtime string) (recipe, config string) {
	name := ""
	if parts := strings.Split(runtime, "-"); len(parts) == 3 {
		name = strings.ReplaceAll(parts[1], ".", "_") + "/" + strings.ToUpper(parts[2])
	}
	text := strings.Join(args, " ")
	lora := strings.Contains(text, "model.lora_attn_modules")
	quantised := lora && strings.Contains(text, "model.quantize_base") && !strings.Contains(text, "model.use_dora")
	method := "full"
	switch {
	case nodes > 1:
		return "full_finetune_distributed", name + "_full_multinode"
	case quantised:
		method = "qlora"
	case lora:
		method = "lora"
	}
	family := "full_finetune"
	if lora {
		family = "lora_finetune"
	}
	if single {
		return family + "_single_device", name + "_" + method + "_single_device"
	}
	return family + "_distributed", name + "_" + method
}

func texts(v any) []string {
	l, _ := v.(list)
	out := make([]string, 0, len(l))
	for _, e := range l {
		s, _ := e.(string)
		out = append(out, s)
	}
	return out
}

func values(words []string) list {
	l := make(list, len(words))
	for i, w := range words {
		l[i] = w
	}
	return l
}
