package resources

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/workload"
)

// need is what a task asks for.
type need struct {
	milliCPU, memory int64
	devices          map[string]int64 // by resource
	together         int              // pods that run at once
}

// standard are the resources that are not counted as devices; ephemeral storage is not counted at all.
var standard = []string{"cpu", "memory", "ephemeral-storage", "storage"}

// needOf sums up what all pods of a task request: Kubernetes' rules for one pod, and of a Job whose parallelism is less than its
// pods only as many as run at once.
func needOf(task runner.Task) (need, error) {
	job := task.Job
	n := need{devices: map[string]int64{}}
	pods := make([]map[string]int64, len(job.Pods))
	for i := range job.Pods {
		var err error
		if pods[i], err = podNeed(&job.Pods[i].Spec); err != nil {
			return n, fmt.Errorf("pod %s: %w", job.Pods[i].Name, err)
		}
	}
	together := len(pods)
	if par := int(job.Policy.Parallelism); par > 0 {
		together = min(together, par)
	}
	n.together = together
	names := map[string]bool{}
	for _, p := range pods {
		for name := range p {
			names[name] = true
		}
	}
	for name := range names {
		each := make([]int64, len(pods))
		for i, p := range pods {
			each[i] = p[name]
		}
		slices.SortFunc(each, func(a, b int64) int { return cmp.Compare(b, a) })
		var sum int64
		for _, v := range each[:together] {
			sum = add(sum, v)
		}
		switch name {
		case "cpu":
			n.milliCPU = sum
		case "memory":
			n.memory = sum
		default:
			if sum > 0 {
				n.devices[name] = sum
			}
		}
	}
	return n, nil
}

// podNeed is what a pod requests: of its containers together, or of an init container with the sidecars before it if that is more.
func podNeed(spec *workload.PodSpec) (map[string]int64, error) {
	sum, sidecars, peak := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		req, err := requests(c)
		if err != nil {
			return nil, err
		}
		for name, v := range req {
			peak[name] = max(peak[name], add(sidecars[name], v))
			if c.RestartPolicy == string(workload.RestartAlways) {
				sidecars[name] = add(sidecars[name], v)
			}
		}
	}
	for i := range spec.Containers {
		req, err := requests(&spec.Containers[i])
		if err != nil {
			return nil, err
		}
		for name, v := range req {
			sum[name] = add(sum[name], v)
		}
	}
	for name, v := range sidecars {
		sum[name] = add(sum[name], v)
	}
	for name, v := range peak {
		sum[name] = max(sum[name], v)
	}
	return sum, nil
}

// requests is what one container requests: its limit where it gives no request. Processors count in thousandths.
func requests(c *workload.Container) (map[string]int64, error) {
	out := map[string]int64{}
	all := maps.Clone(c.Resources.Limits)
	if all == nil {
		all = map[string]workload.Quantity{}
	}
	maps.Copy(all, c.Resources.Requests)
	for name, q := range all {
		milli, err := q.MilliValue()
		switch {
		case err != nil:
			return nil, fmt.Errorf("container %s: resources: %s: %w", c.Name, name, err)
		case milli < 0:
			return nil, fmt.Errorf("container %s: resources: %s: %s is negative", c.Name, name, q)
		case name == "cpu":
			out[name] = provision.Milli(q)
		case name == "memory":
			out[name] = provision.Units(q)
		case slices.Contains(standard, name):
		case milli%1000 != 0 && milli < math.MaxInt64:
			return nil, fmt.Errorf("container %s: resources: %s: %s is no whole number", c.Name, name, q)
		default:
			out[name] = provision.Units(q)
		}
	}
	return out, nil
}

// add is a+b for quantities that are not negative, at most the largest integer.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// nothing says that the task takes nothing that others could lack.
func (n *need) nothing() bool { return n.milliCPU == 0 && n.memory == 0 && len(n.devices) == 0 }

// cpus writes thousandths of a processor: "2 CPUs", "1 CPU", "0.5 CPUs".
func cpus(milli int64) string {
	if milli == 1000 {
		return "1 CPU"
	}
	return number(milli) + " CPUs"
}

func number(milli int64) string { return strconv.FormatFloat(float64(milli)/1000, 'g', 6, 64) }

// size writes bytes: "1.5 GiB".
func size(bytes int64) string {
	units, x := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}, float64(bytes)
	i := 0
	for x >= 1024 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0") + " " + units[i]
}
