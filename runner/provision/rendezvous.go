package provision

import (
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"qalam/workload"
)

// The variables by which the processes of a job find each other.
var (
	// addressAndPort are pairs of a host's name and its port.
	addressAndPort = [][2]string{
		{"MASTER_ADDR", "MASTER_PORT"}, {"PET_MASTER_ADDR", "PET_MASTER_PORT"},
		{"COORDINATOR_ADDRESS", "COORDINATOR_PORT"}, {"DMLC_TRACKER_URI", "DMLC_TRACKER_PORT"},
	}
	// endpoints hold host:port.
	endpoints = []string{"PET_RDZV_ENDPOINT", "PADDLE_MASTER", "JAX_COORDINATOR_ADDRESS"}
)

// podNames finds a pod by any name that its peers have for it.
func podNames(job *workload.Job) map[string]string {
	names := map[string]string{}
	for i := range job.Pods {
		p := &job.Pods[i]
		names[p.Name] = p.Name
		for _, n := range p.Names {
			names[n] = p.Name
		}
	}
	return names
}

// Listens lists the ports on which each pod may listen, by the pod's name: the ports of its containers, and those by which other
// pods know it.
func Listens(job *workload.Job) map[string][]int {
	names, out := podNames(job), map[string][]int{}
	add := func(pod string, port int) {
		if pod != "" && port > 0 && port < 1<<16 && !slices.Contains(out[pod], port) {
			out[pod] = append(out[pod], port)
		}
	}
	for i := range job.Pods {
		p := &job.Pods[i]
		if p.WaitFor != nil {
			add(names[p.WaitFor.Pod], p.WaitFor.Port)
		}
		for j := range p.Spec.Containers {
			c := &p.Spec.Containers[j]
			for _, port := range c.Ports {
				add(p.Name, port.ContainerPort)
			}
			known(c.Env, names, p.Name, add)
		}
	}
	for _, ports := range out {
		slices.Sort(ports)
	}
	return out
}

// known tells every pod and port that an environment speaks of; own is the pod that it belongs to.
func known(env []workload.EnvVar, names map[string]string, own string, tell func(pod string, port int)) {
	e := literal(env)
	for _, pair := range addressAndPort {
		if port, err := strconv.Atoi(e[pair[1]]); err == nil {
			tell(names[e[pair[0]]], port)
		}
	}
	for _, name := range endpoints {
		if pod, port, ok := endpoint(e[name], names, own); ok {
			tell(pod, port)
		}
	}
	if port, err := strconv.Atoi(e["WORKER_PORT"]); err == nil {
		for host := range strings.SplitSeq(e["WORKER_ADDRS"], ",") {
			tell(names[host], port)
		}
	}
	var tf tfConfig
	if json.Unmarshal([]byte(e["TF_CONFIG"]), &tf) == nil {
		tf.each(func(host string) string {
			if pod, port, ok := endpoint(host, names, own); ok {
				tell(pod, port)
			}
			return host
		})
	}
}

// literal is the last value of each variable that has one written out.
func literal(env []workload.EnvVar) map[string]string {
	m := map[string]string{}
	for _, v := range env {
		if v.ValueFrom == nil {
			m[v.Name] = v.Value
		}
	}
	return m
}

// endpoint takes host:port apart; a host that is yet to be inserted, $(POD_IP), is the pod itself.
func endpoint(s string, names map[string]string, own string) (pod string, port int, ok bool) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.Atoi(p)
	if pod = names[host]; pod == "" && strings.HasPrefix(host, "$(") {
		pod = own
	}
	return pod, port, err == nil && pod != ""
}

// tfConfig is TF_CONFIG; its cluster holds a list of hosts for each type, or a sparse list (an object).
type tfConfig struct {
	Cluster     map[string]any  `json:"cluster,omitempty"`
	Task        json.RawMessage `json:"task,omitempty"`
	Environment string          `json:"environment,omitempty"`
}

// each replaces every host.
func (t *tfConfig) each(f func(string) string) {
	for _, hosts := range t.Cluster {
		switch h := hosts.(type) {
		case []any:
			for i := range h {
				if s, ok := h[i].(string); ok {
					h[i] = f(s)
				}
			}
		case map[string]any:
			for k := range h {
				if s, ok := h[k].(string); ok {
					h[k] = f(s)
				}
			}
		}
	}
}

// portMap says which ports are others here. Where the machine's network is shared they are the granted ones. Where the pods of a
// task share an address, those that listen on one and the same port get the next free ones, the first keeps it.
func (s *scene) portMap() map[string]int {
	if len(s.grant.Ports) > 0 || s.shared() {
		return s.grant.Ports
	}
	listens := Listens(s.task.Job)
	taken := map[string]bool{}
	at := func(pod string, port int) string { return s.address(pod) + "/" + strconv.Itoa(port) }
	all := map[int]bool{}
	for _, ports := range listens {
		for _, port := range ports {
			all[port] = true
		}
	}
	m := map[string]int{}
	for i := range s.task.Job.Pods {
		pod := s.task.Job.Pods[i].Name
		for _, port := range listens[pod] {
			own := port
			for taken[at(pod, own)] || own != port && all[own] {
				own++
				if own >= 1<<16 {
					own = 1 << 10
				}
			}
			taken[at(pod, own)] = true
			if own != port {
				m[pod+"/"+strconv.Itoa(port)] = own
			}
		}
	}
	return m
}

// rewritten is a container's environment with the addresses and ports that hold on this machine.
func (s *scene) rewritten(c *workload.Container) []workload.EnvVar {
	if !s.shared() && len(s.ports) == 0 {
		return c.Env
	}
	env := slices.Clone(c.Env)
	e := literal(env)
	changed := map[string]string{}
	set := func(name, value string) {
		if value != e[name] {
			changed[name] = value
		}
	}
	for _, pair := range addressAndPort {
		if pod, ok := s.names[e[pair[0]]]; ok {
			set(pair[0], s.host(e[pair[0]]))
			set(pair[1], s.port(pod, e[pair[1]]))
		}
	}
	for _, name := range endpoints {
		set(name, s.endpoint(e[name]))
	}
	if hosts := e["WORKER_ADDRS"]; hosts != "" {
		parts := strings.Split(hosts, ",")
		for i := range parts {
			parts[i] = s.host(parts[i])
		}
		set("WORKER_ADDRS", strings.Join(parts, ","))
		set("WORKER_PORT", s.port(s.pod.Name, e["WORKER_PORT"]))
		if len(parts) > 1 && changed["WORKER_PORT"] != "" {
			s.note("container %s: every worker has a WORKER_PORT of its own here: programs that take it for their peers' port too (LightGBM) cannot meet", c.Name)
		}
	}
	var tf tfConfig
	if e["TF_CONFIG"] != "" && json.Unmarshal([]byte(e["TF_CONFIG"]), &tf) == nil {
		tf.each(s.endpoint)
		if b, err := json.Marshal(tf); err == nil && tf.Cluster != nil {
			set("TF_CONFIG", string(b))
		}
	}
	for i := range env {
		if value, ok := changed[env[i].Name]; ok && env[i].ValueFrom == nil {
			s.note("container %s: %s has addresses and ports of this machine instead of the pods' own", c.Name, env[i].Name)
			env[i].Value = value
		}
	}
	return env
}

// host is a pod's name, or its address where names cannot be looked up.
func (s *scene) host(name string) string {
	if pod, ok := s.names[name]; ok && s.o.Tier == Plain {
		return s.address(pod)
	}
	return name
}

func (s *scene) port(pod, port string) string {
	if own, ok := s.ports[pod+"/"+port]; ok {
		return strconv.Itoa(own)
	}
	return port
}

func (s *scene) endpoint(e string) string {
	pod, port, ok := endpoint(e, s.names, s.pod.Name)
	if !ok {
		return e
	}
	host, _, _ := net.SplitHostPort(e)
	return net.JoinHostPort(s.host(host), s.port(pod, strconv.Itoa(port)))
}
