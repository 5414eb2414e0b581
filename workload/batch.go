package workload

import (
	"maps"
	"strconv"
)

// jobBackoffLimit is how often the pods of a batch/v1 Job start again where its spec does not say.
const jobBackoffLimit = 6

const indexKey = "batch.kubernetes.io/job-completion-index"

// layoutPod makes a job of one bare pod.
func layoutPod(j *Job, spec node, o Options) error {
	meta := node{r: spec.r, path: "metadata", value: j.source["metadata"]}
	t := node{r: spec.r, value: map[string]any{"metadata": meta.value, "spec": spec.value}}.template()
	p := t.pod(j.Name, nil)
	p.Restart = spec.get("restartPolicy").restartPolicy("", RestartAlways, RestartOnFailure, RestartNever)
	if p.Restart == "" {
		spec.r.note("spec.restartPolicy", "is not set; a cluster would start the pod again for ever (Always), here it runs once (Never)")
		p.Restart = RestartNever
	}
	p.Spec.RestartPolicy = string(p.Restart)
	p.Names = serviceNames(p.Hostname, j.Namespace)[:1]
	if p.Hostname == "" {
		p.Names = []string{p.Name}
	}
	if p.Subdomain != "" && p.Hostname != "" {
		p.Names = hostNames(p.Hostname, p.Subdomain, j.Namespace)
	}
	p.primary(o)
	j.Pods = []Pod{p}
	j.Policy.Completions = 1
	return nil
}

// primary makes the trial's primary container the one whose end counts, where the pod has it.
func (p *Pod) primary(o Options) {
	if p.Spec.container(o.PrimaryContainer) != nil {
		p.Default = o.PrimaryContainer
	}
}

// layoutJob lays out a batch/v1 Job: a pod for each completion, of which as many run at once as parallelism says.
func layoutJob(j *Job, spec node, o Options) error {
	t := spec.get("template").template()
	policy := spec.get("template").get("spec").get("restartPolicy").restartPolicy("", RestartOnFailure, RestartNever)
	if policy == "" {
		spec.r.note("spec.template.spec.restartPolicy", "is not set, which a cluster refuses for a Job; it is taken as Never")
		policy = RestartNever
	}
	t.spec.RestartPolicy = string(policy)
	parallelism := spec.get("parallelism").within(0, 1<<31-1, 1)
	pods := j.completions(spec, parallelism)
	if spec.get("completions").crowd(pods) {
		return nil
	}
	limit := int32(jobBackoffLimit)
	if l := spec.get("backoffLimit").limit(); l != nil {
		limit = *l
	}
	j.Policy.BackoffLimit = &limit
	j.Policy.Recreate = true
	j.Policy.ActiveDeadline = duration(spec.get("activeDeadlineSeconds").seconds(1))
	j.Policy.Suspended = spec.get("suspend").boolean()
	j.Policy.CleanPods = "None"
	j.Policy.Parallelism = int32(min(parallelism, pods))
	for i := range int(pods) {
		p := t.pod(j.Name+"-"+strconv.Itoa(i), j.jobLabels(j.Name))
		p.Index, p.Rank, p.Restart = i, i, policy
		p.Held = i >= int(parallelism)
		if j.Policy.Indexed {
			p.complete(i)
			p.Hostname = p.Name
		}
		p.Names = []string{p.Name}
		if p.Subdomain != "" {
			p.Names = hostNames(p.Name, p.Subdomain, j.Namespace)
		}
		p.primary(o)
		j.Pods = append(j.Pods, p)
	}
	const counted = "each failed pod counts against backoffLimit"
	spec.without(counted, "podFailurePolicy", "podReplacementPolicy", "backoffLimitPerIndex", "maxFailedIndexes")
	spec.without("the job succeeds when as many pods as completions says have", "successPolicy")
	spec.unknown("template", "parallelism", "completions", "completionMode", "backoffLimit", "activeDeadlineSeconds", "suspend",
		"podFailurePolicy", "podReplacementPolicy", "backoffLimitPerIndex", "maxFailedIndexes", "successPolicy",
		"ttlSecondsAfterFinished", "selector", "manualSelector", "managedBy")
	return nil
}

// completions reads how many pods must succeed, and returns how many there are.
func (j *Job) completions(spec node, parallelism int64) int64 {
	mode := spec.get("completionMode").text()
	switch mode {
	case "", "NonIndexed":
	case "Indexed":
		j.Policy.Indexed = true
	default:
		spec.r.fault("spec.completionMode", "use NonIndexed or Indexed", "%q is no completion mode", mode)
	}
	n, ok := spec.get("completions").integer()
	switch {
	case !ok && j.Policy.Indexed:
		spec.r.note("spec.completions", "is not set, which a cluster refuses for an Indexed Job; it is taken as parallelism")
		n = parallelism
	case !ok && parallelism > 1:
		j.Policy.Success = successAny
		j.Policy.Completions = 1
		return parallelism
	case !ok:
		n = 1
	}
	if n < 1 {
		spec.r.fault("spec.completions", "ask for 1 or more", "is %d: there is nothing to run", n)
		return 0
	}
	if parallelism < 1 {
		spec.r.fault("spec.parallelism", "ask for 1 or more", "is %d: nothing would ever run", parallelism)
		return 0
	}
	j.Policy.Completions = int32(min(n, maxPods))
	return n
}

// complete gives a pod its index among the completions of a job.
func (p *Pod) complete(index int) {
	i := strconv.Itoa(index)
	p.Labels[indexKey] = i
	p.Annotations = maps.Clone(p.Annotations)
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	p.Annotations[indexKey] = i
	for _, list := range [][]Container{p.Spec.InitContainers, p.Spec.Containers} {
		for k := range list {
			if !list[k].defines("JOB_COMPLETION_INDEX") {
				list[k].Env = append(list[k].Env, EnvVar{Name: "JOB_COMPLETION_INDEX", Value: i})
			}
		}
	}
}

func (c *Container) defines(name string) bool {
	for _, e := range c.Env {
		if e.Name == name {
			return true
		}
	}
	return false
}

func (j *Job) jobLabels(name string) map[string]string {
	labels := map[string]string{"batch.kubernetes.io/job-name": name, "job-name": name}
	if j.UID != "" {
		labels["batch.kubernetes.io/controller-uid"], labels["controller-uid"] = j.UID, j.UID
	}
	return labels
}
