package provision

import (
	"crypto/sha1"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"qalam/workload"
)

// field resolves a fieldRef.
func (s *scene) field(path string) (string, error) {
	switch path {
	case "metadata.name":
		return s.pod.Name, nil
	case "metadata.namespace":
		return s.task.Job.Namespace, nil
	case "metadata.uid":
		return s.uid(), nil
	case "metadata.labels":
		return listed(s.pod.Labels), nil
	case "metadata.annotations":
		return listed(s.pod.Annotations), nil
	case "spec.nodeName":
		return s.o.Node, nil
	case "spec.serviceAccountName":
		if name := s.pod.Spec.ServiceAccountName; name != "" {
			return name, nil
		}
		return "default", nil
	case "status.podIP", "status.podIPs":
		return s.address(s.pod.Name), nil
	case "status.hostIP", "status.hostIPs":
		return loopback, nil
	}
	for prefix, m := range map[string]map[string]string{"metadata.labels['": s.pod.Labels, "metadata.annotations['": s.pod.Annotations} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			if key, ok := strings.CutSuffix(rest, "']"); ok {
				return m[key], nil
			}
		}
	}
	return "", fmt.Errorf("fieldRef %q is none that a pod has: metadata.name, .namespace, .uid, .labels['…'], .annotations['…'], "+
		"spec.nodeName, spec.serviceAccountName, status.podIP, status.hostIP", path)
}

const loopback = "127.0.0.1"

func (s *scene) address(pod string) string {
	if ip := s.grant.Addresses[pod]; ip != "" {
		return ip
	}
	return loopback
}

// uid is made from the job's, so that it is the same whenever it is asked for.
func (s *scene) uid() string {
	h := sha1.Sum([]byte(s.task.Job.UID + "/" + s.task.Job.Namespace + "/" + s.pod.Name + "/" + strconv.Itoa(s.task.ID.Attempt)))
	h[6] = h[6]&0x0f | 0x50
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// listed writes labels as a downward API volume does.
func listed(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, k+"="+strconv.Quote(m[k]))
	}
	return strings.Join(lines, "\n")
}

// resourceField resolves a resourceFieldRef: the quantity divided by the divisor, rounded up. A limit that is not set is what the
// machine has, a request that is not set is the limit.
func (s *scene) resourceField(c *workload.Container, ref *workload.ResourceRef) (string, error) {
	if ref.ContainerName != "" {
		of := s.container(ref.ContainerName)
		if of == nil {
			return "", fmt.Errorf("resourceFieldRef names container %q, which the pod does not have", ref.ContainerName)
		}
		c = of
	}
	side, name, _ := strings.Cut(ref.Resource, ".")
	if side != "limits" && side != "requests" {
		return "", fmt.Errorf("resourceFieldRef %q must begin with limits. or requests.", ref.Resource)
	}
	in := Units // processors count in thousandths, as their divisor may
	if name == "cpu" {
		in = Milli
	}
	limit, limited := c.Resources.Limits[name]
	amount := in(limit)
	switch request, requested := c.Resources.Requests[name]; {
	case side == "requests" && requested:
		amount = in(request)
	case side == "requests" || limited:
	case name == "cpu":
		amount = int64(s.o.Cores) * 1000
	case name == "memory":
		amount = s.o.Memory
	}
	divisor := in("1")
	if ref.Divisor != "" && ref.Divisor != "0" {
		if divisor = in(workload.Quantity(ref.Divisor)); divisor <= 0 {
			return "", fmt.Errorf("resourceFieldRef %s: divisor %q is no positive quantity", ref.Resource, ref.Divisor)
		}
	}
	return strconv.FormatInt(ratio(amount, divisor), 10), nil
}

func (s *scene) container(name string) *workload.Container {
	for _, list := range [][]workload.Container{s.pod.Spec.InitContainers, s.pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
