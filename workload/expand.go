package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Options say how Expand lays a job out.
type Options struct {
	// Runtimes are the user's own ClusterTrainingRuntimes and TrainingRuntimes, as decoded JSON. They go before built-in ones of
	// the same name.
	Runtimes []map[string]any
	// PrimaryContainer is the trial's primaryContainerName: in kinds that give no container a special name (Job, Pod) it is the
	// container whose end counts. "" means each pod's first container.
	PrimaryContainer string
	// BackoffLimit is the number of restarts before a job fails whose spec sets none and whose kind has no default; nil, as
	// upstream, means that it is restarted for ever.
	BackoffLimit *int32
	// Backoff is the delay before the first restart; 0 means Kubernetes' 10 s.
	Backoff time.Duration
}

// maxPods is how many pods a job may have: more than one machine can bear, fewer than make laying them out slow.
const maxPods = 500

// Expand lays a rendered job out as pods. object is the job as JSON decodes it, and stays as it is. The error is a *KindError for a
// kind that only a cluster can run; otherwise it joins a *SpecError for each fault.
func Expand(object map[string]any, o Options) (*Job, error) {
	r := &reader{}
	job, err := expand(r, object, o)
	if err != nil {
		return nil, err
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	job.Notes = append(r.notes, job.Notes...)
	return job, nil
}

func expand(r *reader, object map[string]any, o Options) (*Job, error) {
	root := node{r: r, value: object}
	job := &Job{APIVersion: root.get("apiVersion").text(), Kind: root.get("kind").text(), source: object}
	layout, err := layoutOf(job.APIVersion, job.Kind)
	if err != nil {
		return nil, err
	}
	job.head(root.get("metadata"))
	job.Policy.Backoff = o.Backoff
	if err := layout(job, root.get("spec"), o); err != nil {
		return nil, err
	}
	if job.Policy.BackoffLimit == nil && o.BackoffLimit != nil {
		limit := *o.BackoffLimit
		job.Policy.BackoffLimit = &limit
	}
	job.finish(r)
	return job, nil
}

// layoutOf finds the rules of a kind.
func layoutOf(apiVersion, kind string) (func(*Job, node, Options) error, error) {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	if kind == "" {
		return nil, &SpecError{Path: "kind", Problem: "is missing", Fix: "say what kind of job the template is, as in kind: PyTorchJob"}
	}
	switch group + "/" + kind {
	case "/Pod":
		return layoutPod, nil
	case "batch/Job":
		return layoutJob, nil
	case "trainer.kubeflow.org/TrainJob":
		return layoutTrainJob, nil
	case "kubeflow.org/MPIJob":
		if version == "v2beta1" {
			return layoutMPI2, nil
		}
	}
	if group == "kubeflow.org" {
		if rules, ok := kubeflowKinds[kind]; ok {
			if version != "v1" {
				return nil, &KindError{apiVersion, kind, "of the group's versions, v1 is the one whose rules Qalam knows"}
			}
			return rules.layout, nil
		}
	}
	return nil, &KindError{APIVersion: apiVersion, Kind: kind}
}

// head reads the job's metadata.
func (j *Job) head(meta node) {
	j.Name = meta.get("name").text()
	j.Namespace = meta.get("namespace").text()
	j.UID = meta.get("uid").text()
	j.Labels = meta.get("labels").textMap()
	j.Annotations = meta.get("annotations").textMap()
	if j.Namespace == "" {
		j.Namespace = "default"
	}
	if j.Name == "" {
		meta.r.fault("metadata.name", "give the job a name", "is missing")
	} else if !dnsName(j.Name) {
		meta.r.fault("metadata.name", "use lower-case letters, digits and dashes, beginning with a letter", "%q is no name for hosts", j.Name)
	}
}

// longestName is how long the name of a host, and so of a pod with a name in DNS, may be.
const longestName = 63

// dnsName says whether a name can be part of a host name. Dots are let through here: plain Jobs may have them.
func dnsName(s string) bool {
	const longest = 253
	if len(s) > longest || strings.Trim(s, "-.") != s {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != ""
}

// finish completes what is the same for all kinds.
func (j *Job) finish(r *reader) {
	seen := map[string]bool{}
	for i := range j.Pods {
		p := &j.Pods[i]
		if len(p.Name) > longestName && !seen[p.Replica] {
			seen[p.Replica] = true
			r.note("metadata.name", "a cluster refuses %s: the pod %s would have a name of %d characters, and %d are allowed", j.Name, p.Name, len(p.Name), longestName)
		}
		if p.Default == "" && len(p.Spec.Containers) > 0 {
			p.Default = p.Spec.Containers[0].Name
		}
		if p.Hostname == "" {
			p.Hostname = p.Name
		}
	}
	if j.Policy.Suspended {
		r.note("spec", "asks to be suspended until a queue admits it; there is none here, so it starts at once")
	}
}

// AddEnv adds a variable to containers of all pods, to all but init containers where none are named. Like what an operator adds it
// goes last, so it wins over one of the same name.
func (j *Job) AddEnv(name, value string, containers ...string) {
	for i := range j.Pods {
		for k := range j.Pods[i].Spec.Containers {
			c := &j.Pods[i].Spec.Containers[k]
			if len(containers) == 0 || slices.Contains(containers, c.Name) {
				c.Env = append(c.Env, EnvVar{Name: name, Value: value})
			}
		}
	}
}

// template is a pod template that has been read once and serves for many pods.
type template struct {
	labels, annotations map[string]string
	hostname, subdomain string
	spec                PodSpec
}

func (n node) template() template {
	meta, spec := n.get("metadata"), n.get("spec")
	if !spec.has() {
		n.r.fault(spec.path, "describe the pod's containers there", "is missing")
	}
	return template{
		labels: meta.get("labels").textMap(), annotations: meta.get("annotations").textMap(),
		hostname: spec.get("hostname").text(), subdomain: spec.get("subdomain").text(),
		spec: spec.podSpec(),
	}
}

// pod makes one pod of a template, which shares nothing with the others that could be written to.
func (t *template) pod(name string, labels map[string]string) Pod {
	p := Pod{Name: name, Hostname: t.hostname, Subdomain: t.subdomain, Labels: map[string]string{}, Annotations: maps.Clone(t.annotations), Spec: t.spec}
	maps.Copy(p.Labels, t.labels)
	maps.Copy(p.Labels, labels)
	p.Spec.Containers = cloneContainers(t.spec.Containers)
	p.Spec.InitContainers = cloneContainers(t.spec.InitContainers)
	return p
}

func cloneContainers(list []Container) []Container {
	list = slices.Clone(list)
	for i := range list {
		list[i].Env = slices.Clone(list[i].Env)
		list[i].Ports = slices.Clone(list[i].Ports)
	}
	return list
}

// container finds a container by name, nil where there is none.
func (s *PodSpec) container(name string) *Container {
	for i := range s.Containers {
		if s.Containers[i].Name == name {
			return &s.Containers[i]
		}
	}
	return nil
}

// serviceNames are the names of a pod that has a service of its own name.
func serviceNames(name, namespace string) []string {
	return []string{name, name + "." + namespace, name + "." + namespace + ".svc", name + "." + namespace + ".svc.cluster.local"}
}

// hostNames are the names of a pod that has a host name within a service.
func hostNames(host, subdomain, namespace string) []string {
	return append([]string{host}, serviceNames(host+"."+subdomain, namespace)...)
}

// env makes variables of names and values in turn.
func env(pairs ...string) []EnvVar {
	list := make([]EnvVar, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, EnvVar{Name: pairs[i], Value: pairs[i+1]})
	}
	return list
}

// restartPolicy reads a restart policy that must be one of those allowed.
func (n node) restartPolicy(fallback RestartPolicy, allowed ...RestartPolicy) RestartPolicy {
	s := RestartPolicy(n.text())
	if s == "" {
		return fallback
	}
	if !slices.Contains(allowed, s) {
		words := make([]string, len(allowed))
		for i, a := range allowed {
			words[i] = string(a)
		}
		n.r.fault(n.path, "use "+strings.Join(words, ", "), "%q is no restart policy here", s)
		return fallback
	}
	return s
}

// without notes fields that have no effect.
func (n node) without(why string, fields ...string) {
	for _, f := range fields {
		if n.get(f).has() {
			n.r.note(n.at(f), "has no effect here: %s", why)
		}
	}
}

// unknown notes fields that no one knows.
func (n node) unknown(known ...string) {
	for _, f := range n.others(known...) {
		n.r.note(n.at(f), "has no effect: %s", unknownField)
	}
}

// duration makes a time of a number of seconds.
func duration(seconds *int64) time.Duration {
	if seconds == nil {
		return 0
	}
	return time.Duration(*seconds) * time.Second
}

// limit reads a number of restarts.
func (n node) limit() *int32 {
	const most = 1 << 30
	i := n.within(0, most, -1)
	if i < 0 {
		return nil
	}
	l := int32(i)
	return &l
}

// crowd refuses a job of more pods than can be laid out.
func (n node) crowd(pods int64) bool {
	if pods <= maxPods {
		return false
	}
	n.r.fault(n.path, "ask for fewer, or use --runner kubernetes", "the job has %d pods, and one machine runs at most %d", pods, maxPods)
	return true
}

func podName(job, replica string, index int) string {
	return fmt.Sprintf("%s-%s-%d", job, replica, index)
}
