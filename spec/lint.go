package spec

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"qalam/api/v1beta1"
)

// replicated describes the kinds of jobs that start pods by replica type.
type replicated struct {
	field     string // that holds the replicas by type
	container string // that the operator looks for; "" when any will do
	types     []string
}

var replicatedKinds = map[string]replicated{
	"PyTorchJob": {"pytorchReplicaSpecs", "pytorch", []string{"Master", "Worker"}},
	"TFJob":      {"tfReplicaSpecs", "tensorflow", []string{"Chief", "Master", "PS", "Worker", "Evaluator"}},
	"XGBoostJob": {"xgbReplicaSpecs", "xgboost", []string{"Master", "Worker"}},
	"MPIJob":     {"mpiReplicaSpecs", "", []string{"Launcher", "Worker"}},
	"PaddleJob":  {"paddleReplicaSpecs", "paddle", []string{"Master", "Worker"}},
	"JAXJob":     {"jaxReplicaSpecs", "jax", []string{"Worker"}},
}

// pod is the template of pods within a job.
type pod struct {
	path     string // of the replica, or of what holds the pod's template
	replica  string
	count    int64
	metadata map[string]any
	spec     map[string]any
	specPath string
}

func object(v any, keys ...string) map[string]any {
	m, _ := v.(map[string]any)
	for _, k := range keys {
		m, _ = m[k].(map[string]any)
	}
	return m
}

func objects(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		m, _ := e.(map[string]any)
		out = append(out, m)
	}
	return out
}

// lint looks for what goes wrong on every run of the job, though Katib accepts it.
func (b *builder) lint() {
	kind, _ := b.template["kind"].(string)
	b.misspeltFields(kind)
	pods := b.pods(kind)
	if r, ok := replicatedKinds[kind]; ok {
		b.replicas(kind, r, pods)
	}
	if kind == "PyTorchJob" {
		b.pytorch(pods)
	}
	b.injection(pods)
	b.podNames(kind, pods)
	b.primaryContainer(pods)
	b.primaryLabels(kind)
}

// pods lists the pod templates of the kinds that are known; nil for any other.
func (b *builder) pods(kind string) []pod {
	spec := object(b.template, "spec")
	switch kind {
	case "Pod":
		return []pod{{metadata: object(b.template, "metadata"), spec: spec, specPath: "spec", count: 1}}
	case "Job":
		t := object(spec, "template")
		return []pod{{path: "spec.template", metadata: object(t, "metadata"), spec: object(t, "spec"), specPath: "spec.template.spec", count: 1}}
	}
	r, ok := replicatedKinds[kind]
	if !ok {
		return nil
	}
	replicas := object(spec, r.field)
	var pods []pod
	for _, name := range slices.Sorted(maps.Keys(replicas)) {
		at := field("spec."+r.field, name)
		t := object(replicas[name], "template")
		p := pod{path: at, replica: name, count: 1, metadata: object(t, "metadata"), spec: object(t, "spec"), specPath: at + ".template.spec"}
		if n, ok := object(replicas[name])["replicas"].(int64); ok {
			p.count = n
		}
		pods = append(pods, p)
	}
	return pods
}

// replicas checks the replica types of a distributed job.
func (b *builder) replicas(kind string, r replicated, pods []pod) {
	if len(pods) == 0 {
		b.templateFault(SeverityError, "spec", "", "a %s needs spec.%s", kind, r.field)
	}
	for _, p := range pods {
		if !slices.Contains(r.types, p.replica) {
			near := v1beta1.Nearest(p.replica, r.types)
			if strings.EqualFold(near, p.replica) {
				b.templateFault(SeverityWarning, p.path, "write "+near, "the training operator refuses the replica type %q", p.replica)
			} else {
				b.templateFault(SeverityError, p.path, oneOf(p.replica, r.types...), "a %s has no replica type %q", kind, p.replica)
			}
		}
		if p.replica == "Master" && p.count != 1 && kind != "TFJob" {
			b.templateFault(SeverityError, p.path+".replicas", "write 1", "a %s has one Master, not %d", kind, p.count)
		}
		if names := containerNames(p.spec); r.container != "" && len(names) > 0 && !slices.Contains(names, r.container) {
			b.templateFault(SeverityWarning, p.specPath+".containers", "name the container "+r.container,
				"the training operator refuses a %s without a container of that name", kind)
		}
	}
}

func containerNames(spec map[string]any) []string {
	var names []string
	for _, c := range objects(spec["containers"]) {
		name, _ := c["name"].(string)
		names = append(names, name)
	}
	return names
}

// pytorch checks what makes PyTorch processes wait for each other for ever.
func (b *builder) pytorch(pods []pod) {
	spec := object(b.template, "spec")
	elastic := object(spec, "elasticPolicy")
	master := slices.ContainsFunc(pods, func(p pod) bool { return strings.EqualFold(p.replica, "master") })
	for _, p := range pods {
		if !master && elastic == nil && p.count > 1 {
			b.templateFault(SeverityWarning, p.path, "add a Master, or an elasticPolicy",
				"%d Workers without a Master do not find each other: nothing tells them where to meet", p.count)
		}
		if strings.EqualFold(p.replica, "master") {
			for i, c := range objects(p.spec["containers"]) {
				if c["readinessProbe"] != nil {
					b.templateFault(SeverityWarning, item(p.specPath+".containers", i)+".readinessProbe", "remove it",
						"a Master that is not ready has no name in the network: Workers cannot reach it, and it waits for them")
				}
			}
		}
	}
	if elastic["standalone"] == true {
		b.templateFault(SeverityWarning, "spec.elasticPolicy.standalone", "remove it", "torchrun does not start with standalone set by the operator")
	}
	nproc := fmt.Sprint(spec["nprocPerNode"])
	if n, err := strconv.Atoi(nproc); err != nil || n <= 1 {
		return
	}
	for _, p := range pods {
		for i, c := range objects(p.spec["containers"]) {
			if argv := words(c); len(argv) > 0 && !launches(argv) {
				b.templateFault(SeverityWarning, item(p.specPath+".containers", i), "start it by torchrun, or remove nprocPerNode",
					"nprocPerNode is %s, but the command starts one process: it waits for the others for ever", nproc)
			}
		}
	}
}

// words is the command line of a container.
func words(container map[string]any) []string {
	var argv []string
	for _, name := range []string{"command", "args"} {
		list, _ := container[name].([]any)
		for _, a := range list {
			s, _ := a.(string)
			argv = append(argv, s)
		}
	}
	return argv
}

// launches reports whether a command line starts several processes by itself.
func launches(argv []string) bool {
	for _, a := range argv {
		for _, w := range strings.Fields(a) {
			switch path.Base(w) {
			case "torchrun", "accelerate", "deepspeed", "torch.distributed.run", "torch.distributed.launch", "horovodrun", "mpirun":
				return true
			}
			if strings.HasSuffix(w, ".sh") {
				return true // who knows
			}
		}
	}
	return false
}

const injectKey = "sidecar.istio.io/inject"

// injection checks the annotation that keeps a service mesh away from the pods.
func (b *builder) injection(pods []pod) {
	metadata := object(b.template, "metadata")
	onJob := false
	for _, section := range []string{"annotations", "labels"} {
		_, ok := object(metadata, section)[injectKey]
		onJob = onJob || ok
	}
	with := 0
	for _, p := range pods {
		for _, section := range []string{"annotations", "labels"} {
			v, ok := object(p.metadata, section)[injectKey]
			if !ok {
				continue
			}
			with++
			if _, text := v.(string); !text {
				b.templateFault(SeverityWarning, p.path, `write "false" in quotes`, "%s must be a text: Kubernetes refuses the pod", injectKey)
			}
		}
	}
	if onJob && with == 0 && len(pods) > 0 && pods[0].path != "" {
		b.templateFault(SeverityWarning, "metadata", "move it to the metadata of the pods' template", "%s on the job does not reach its pods", injectKey)
	}
}

// podNames checks that the names of the pods, made from the trial's, are not too long.
func (b *builder) podNames(kind string, pods []pod) {
	if _, ok := replicatedKinds[kind]; !ok || b.wire.Name == "" {
		return
	}
	trial := len(b.wire.Name) + len("-abcdefgh")
	for _, p := range pods {
		name := "-" + strings.ToLower(p.replica) + "-" + strconv.FormatInt(max(0, p.count-1), 10)
		if n := trial + len(name); n > maxLabelLength {
			b.err("metadata.name", fmt.Sprintf("shorten it by %d characters", n-maxLabelLength),
				"the pods would be called %s-abcdefgh%s, which is longer than %d characters", b.wire.Name, name, maxLabelLength)
			return
		}
	}
}

// primaryContainer checks that there is a container of that name.
func (b *builder) primaryContainer(pods []pod) {
	primary := b.wire.Spec.TrialTemplate.PrimaryContainerName
	var names []string
	for _, p := range pods {
		names = append(names, containerNames(p.spec)...)
	}
	if primary == "" || len(names) == 0 || slices.Contains(names, primary) {
		return
	}
	slices.Sort(names)
	names = slices.Compact(names)
	b.err(templatePath+".primaryContainerName", oneOf(primary, names...), "no container of the job is called %q", primary)
}

// primaryLabels reads labels that pods had in years past as those that they have now.
func (b *builder) primaryLabels(kind string) {
	if _, ok := replicatedKinds[kind]; !ok {
		return
	}
	labels := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(b.out.PrimaryPodLabels)) {
		value := b.out.PrimaryPodLabels[key]
		now := key
		switch key {
		case "job-role", "replica-type", "replica-index", "job-name":
			now = v1beta1.Training + key
		case "mpi-job-role":
			now = v1beta1.Training + "job-role"
			if value == "launcher" {
				value = "master"
			} else {
				now = v1beta1.Training + "replica-type"
			}
		}
		labels[now] = value
		if now != key {
			b.warn(field(templatePath+".primaryPodLabels", key), "write "+now+": "+value+", or leave primaryPodLabels out",
				"the training operator no longer sets the label %q; it is taken for %s: %s", key, now, value)
		}
	}
	if len(labels) > 0 {
		b.out.PrimaryPodLabels = labels
	}
}
