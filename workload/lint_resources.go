package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// capacity is the part of rule L17 that needs no cluster: what can never fit.
func (c *check) capacity() {
	if c.Capacity == nil || !c.sound {
		return
	}
	sums := c.job.asked()
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		have, known := c.Capacity[name]
		if !known && !extended(name) {
			continue
		}
		most := int64(0)
		if known {
			v, err := have.MilliValue()
			if err != nil {
				continue
			}
			most = v
		}
		parallel := int64(max(c.Parallel, 1))
		switch need := sums[name]; {
		case need > most:
			c.warn("L17", SeverityError, "spec", fmt.Sprintf("a trial asks for %s %s, and there are %s: it can never run", milli(need), name, milli(most)), "ask for less, or for fewer replicas")
		case need > most/parallel:
			c.warn("L17", SeverityWarning, "parallelTrialCount", fmt.Sprintf("%d trials at once ask for %d times %s %s, and there are %s: some will wait", parallel, parallel, milli(need), name, milli(most)), fmt.Sprintf("set it to %d", max(most/max(need, 1), 1)))
		}
	}
}

// asked adds up what the pods of a job ask for at once, in thousandths.
func (j *Job) asked() map[string]int64 {
	sums := map[string]int64{}
	for i := range j.Pods {
		p := &j.Pods[i]
		if p.Idle || p.Held {
			continue
		}
		for _, n := range p.Spec.Containers {
			for name, q := range n.Resources.asked() {
				if v, err := q.MilliValue(); err == nil {
					sums[name] += v
				}
			}
		}
	}
	return sums
}

// asked is what a container is admitted by: its requests, and its limits where it has no request.
func (r Resources) asked() map[string]Quantity {
	m := maps.Clone(r.Limits)
	if m == nil {
		m = map[string]Quantity{}
	}
	maps.Copy(m, r.Requests)
	return m
}

// milli writes thousandths.
func milli(n int64) string {
	if n%1000 == 0 {
		return fmt.Sprint(n / 1000)
	}
	return fmt.Sprintf("%.3f", float64(n)/1000)
}

// extended says whether a resource is one of devices, of which requests and limits must be equal.
func extended(name string) bool {
	return strings.Contains(name, "/") && !strings.HasPrefix(name, "kubernetes.io/") && !strings.Contains(name, ".kubernetes.io/")
}

// resources are rules L18 and L19.
func (c *check) resources() {
	for _, r := range c.templates {
		for _, n := range r.containers() {
			var res Resources
			for _, p := range r.pods[:min(len(r.pods), 1)] {
				if own := p.Spec.container(scalarOrText(n.get("name").value)); own != nil {
					res = own.Resources
				}
			}
			at := n.get("resources")
			for _, name := range slices.Sorted(maps.Keys(res.Requests)) {
				want, _ := res.Requests[name].MilliValue()
				limit, ok := res.Limits[name]
				have, _ := limit.MilliValue()
				if extended(name) && (!ok || want != have) {
					c.warn("L18", SeverityError, at.get("requests").at(name), "a cluster refuses a request for "+name+" that is not also its limit", "set limits and requests of "+name+" to the same number")
				}
			}
			memory, ok := res.Limits["memory"]
			v, err := memory.Value()
			switch {
			case !ok:
				c.warn("L19", SeverityNote, at.path, "the container has no memory limit: a trial can take the memory of all others", "set resources.limits.memory")
			case err == nil && v < 1<<30 && strings.Contains(scalarOrText(n.get("image").value), "torch"):
				c.warn("L19", SeverityNote, at.get("limits").at("memory"), "is less than PyTorch needs to start with ease", "set it to 1Gi or more")
			}
		}
	}
}

// shm is rule L20.
func (c *check) shm() {
	for _, r := range c.templates {
		for _, n := range r.containers() {
			text := strings.ToLower(strings.Join(words(n), " "))
			nccl := strings.Contains(text, "nccl")
			for _, e := range n.get("env").list() {
				nccl = nccl || strings.HasPrefix(scalarOrText(e.get("name").value), "NCCL_")
			}
			if !nccl && !workers(text) {
				continue
			}
			if !slices.ContainsFunc(n.get("volumeMounts").list(), func(m node) bool { return m.get("mountPath").value == "/dev/shm" }) {
				c.warn("L20", SeverityWarning, n.at("volumeMounts"), "the container uses shared memory (NCCL or data loader workers), of which a cluster gives it 64 MiB", "mount an emptyDir with medium: Memory at /dev/shm")
			}
		}
	}
}

// workers says whether a command asks for processes that load data.
func workers(text string) bool {
	for _, option := range []string{"num_workers", "num-workers", "dataloader_num_workers"} {
		if _, after, ok := strings.Cut(text, option); ok {
			return !strings.HasPrefix(strings.TrimLeft(after, "= "), "0")
		}
	}
	return false
}

// cleaning is rule L21.
func (c *check) cleaning() {
	if !c.Retain || c.kubeflow == nil || c.job.Policy.CleanPods != "None" {
		return
	}
	servers := slices.ContainsFunc(c.job.Pods, func(p Pod) bool { return p.Replica == "ps" })
	if c.kind == "MPIJob" && len(c.job.Pods) > 1 || servers {
		c.warn("L21", SeverityWarning, "spec.runPolicy.cleanPodPolicy", "the job's workers or servers never end by themselves, and with retain nothing removes them", "set cleanPodPolicy: Running")
	}
}

// claims is rule L25.
func (c *check) claims() {
	pods, place := map[string]int{}, map[string]string{}
	for _, r := range c.templates {
		for _, v := range r.get("spec").get("volumes").list() {
			name := scalarOrText(v.get("persistentVolumeClaim").get("claimName").value)
			if name == "" {
				continue
			}
			pods[name] += len(r.pods)
			if v.get("persistentVolumeClaim").get("readOnly").value != true && place[name] == "" {
				place[name] = v.path
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pods)) {
		if place[name] == "" || pods[name] < 2 && c.Parallel < 2 {
			continue
		}
		if raw, err := json.Marshal(c.spec.value); err == nil && strings.Contains(string(raw), `"subPathExpr"`) {
			continue // each pod has a folder of its own
		}
		c.warn("L25", SeverityWarning, place[name], "several pods write to the claim "+name+": one that is ReadWriteOnce mounts on one node only, and trials overwrite each other's files",
			"use a ReadWriteMany claim, and a subPathExpr or an argument that tells trials apart")
	}
}
