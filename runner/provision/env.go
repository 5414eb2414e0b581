package provision

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"qalam/runner"
	"qalam/workload"
)

// PassedEnv lists the variables of the user's that every container gets, where the user has them; a * at the end stands for
// anything. Nothing else of the user's environment reaches a trial, unless the configuration's passEnv names it; variables that
// would make a program believe that it runs in a cluster (KUBERNETES_…) never do.
var PassedEnv = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
	"LD_LIBRARY_PATH", "LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_CACHE_PATH", "CUDA_LAUNCH_BLOCKING", "ROCM_PATH", "HSA_*",
	"http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	"XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_HUB_OFFLINE", "TORCH_HOME", "KERAS_HOME", "TFDS_DATA_DIR",
	"PIP_CACHE_DIR", "NLTK_DATA", "MPLCONFIGDIR", "PYTHONDONTWRITEBYTECODE",
	"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
	"QALAM_MNIST", "MNIST_DIR",
}

// envName is what Kubernetes takes for a variable's name.
var envName = pattern(`^[-._a-zA-Z][-._a-zA-Z0-9]*$`)

// passes says whether a variable of the user's reaches trials.
func (p *Provisioner) passes(name string) bool {
	if strings.HasPrefix(name, "KUBERNETES_") {
		return false
	}
	matches := func(pattern string) bool {
		start, wild := strings.CutSuffix(pattern, "*")
		return pattern == name || wild && strings.HasPrefix(name, start)
	}
	return slices.ContainsFunc(PassedEnv, matches) || slices.ContainsFunc(p.o.Config.PassEnv, matches)
}

// userEnv is the part of the user's environment that trials see.
func (p *Provisioner) userEnv() *vars {
	e := newVars()
	for _, kv := range p.o.Environ {
		if name, value, ok := strings.Cut(kv, "="); ok && p.passes(name) {
			e.set(name, value)
		}
	}
	return e
}

// imageEnv adds what the configuration says for all containers and for this image.
func (s *scene) imageEnv(e *vars, im Image) {
	for _, m := range []map[string]string{s.o.Config.Env, im.Env} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			e.set(name, m[name])
		}
	}
	if im.Venv != "" {
		path, _ := e.get("PATH")
		e.set("PATH", strings.TrimSuffix(im.Venv+"/bin:"+path, ":"))
		e.set("VIRTUAL_ENV", im.Venv)
	}
}

// specEnv is what the container's spec says: envFrom in order, then env in order. References see what stands before them.
func (s *scene) specEnv(c *workload.Container) *vars {
	e := newVars()
	for _, from := range c.EnvFrom {
		s.envFrom(e, c, from)
	}
	for _, v := range s.rewritten(c) {
		if !envName().MatchString(v.Name) {
			s.note("container %s: variable %q is left out: a name has letters, digits, -, . and _ only and starts with no digit", c.Name, v.Name)
			continue
		}
		value := expand(v.Value, e.get)
		if v.Value == "" && v.ValueFrom != nil {
			var ok bool
			if value, ok = s.valueFrom(c, v); !ok {
				continue
			}
		}
		e.set(v.Name, value)
	}
	return e
}

func (s *scene) envFrom(e *vars, c *workload.Container, from workload.EnvFrom) {
	kind, ref := "ConfigMap", from.ConfigMapRef
	if from.SecretRef != nil {
		kind, ref = "Secret", from.SecretRef
	}
	if ref == nil {
		return
	}
	doc, ok := s.task.Documents[kind+"/"+ref.Name]
	if !ok {
		if !ref.Optional {
			s.missing(c.Name, kind, ref.Name)
		}
		return
	}
	for _, key := range slices.Sorted(maps.Keys(doc.Data)) {
		name := from.Prefix + key
		if !envName().MatchString(name) {
			s.note("container %s: key %q of %s %s is left out: it is no name for a variable", c.Name, key, kind, ref.Name)
			continue
		}
		if kind == "Secret" {
			s.secret(name, string(doc.Data[key]))
		}
		e.set(name, string(doc.Data[key]))
	}
}

// missing is the fault that Kubernetes calls CreateContainerConfigError.
func (s *scene) missing(container, kind, name string) {
	s.fault("container %s: %s %q not found: add it to the experiment's file as a document of its own, or mark the reference optional",
		container, kind, name)
}

// valueFrom resolves a reference; false means that the variable is not to be set.
func (s *scene) valueFrom(c *workload.Container, v workload.EnvVar) (string, bool) {
	switch from := v.ValueFrom; {
	case from.FieldRef != nil:
		value, err := s.field(from.FieldRef.FieldPath)
		if err != nil {
			s.fault("container %s: variable %s: %v", c.Name, v.Name, err)
		}
		return value, err == nil
	case from.ResourceFieldRef != nil:
		value, err := s.resourceField(c, from.ResourceFieldRef)
		if err != nil {
			s.fault("container %s: variable %s: %v", c.Name, v.Name, err)
		}
		return value, err == nil
	case from.ConfigMapKeyRef != nil:
		return s.key(c, "ConfigMap", from.ConfigMapKeyRef)
	case from.SecretKeyRef != nil:
		value, ok := s.key(c, "Secret", from.SecretKeyRef)
		if ok {
			s.secret(v.Name, value)
		}
		return value, ok
	}
	s.fault("container %s: variable %s: valueFrom names no source that is known here", c.Name, v.Name)
	return "", false
}

func (s *scene) key(c *workload.Container, kind string, ref *workload.KeyRef) (string, bool) {
	doc, ok := s.task.Documents[kind+"/"+ref.Name]
	if !ok {
		if !ref.Optional {
			s.missing(c.Name, kind, ref.Name)
		}
		return "", false
	}
	b, ok := doc.Data[ref.Key]
	if !ok && !ref.Optional {
		s.fault("container %s: %s %q has no key %q: it has %s", c.Name, kind, ref.Name, ref.Key, orNone(slices.Sorted(maps.Keys(doc.Data))))
	}
	return string(b), ok
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Threads is how many threads a numeric library should use in a container that may use milliCPU thousandths of a processor (0:
// no limit) on a machine with cores processors, where sharers processes compute at once: all that the limit allows, otherwise an
// equal share. Two busy threads on one processor slow PyTorch down thirteenfold.
func Threads(milliCPU int64, cores, sharers int) int {
	if milliCPU > 0 {
		return int(max(1, min((milliCPU+999)/1000, int64(max(cores, 1)))))
	}
	return max(1, cores/max(sharers, 1))
}

// threads sets the variables that numeric libraries read, unless the user has set one of them anywhere.
func (s *scene) threads(e, spec *vars, c *workload.Container) {
	for _, name := range []string{"OMP_NUM_THREADS", "MKL_NUM_THREADS"} {
		_, outside := e.get(name)
		_, inside := spec.get(name)
		if outside || inside {
			return
		}
	}
	limit := Milli(c.Resources.Limits["cpu"])
	if limit == 0 {
		limit = Milli(c.Resources.Requests["cpu"])
	}
	n := strconv.Itoa(Threads(limit, s.o.Cores, s.sharers(spec)))
	e.set("OMP_NUM_THREADS", n)
	e.set("MKL_NUM_THREADS", n)
}

// sharers counts the processes that compute at once if all trials run at once that may.
func (s *scene) sharers(spec *vars) int {
	n := len(s.task.Job.Pods)
	if par := int(s.task.Job.Policy.Parallelism); par > 0 {
		n = min(n, par)
	}
	if per, ok := spec.get("PET_NPROC_PER_NODE"); ok {
		if k, err := strconv.Atoi(per); err == nil && k > 1 && k < 1<<16 {
			n *= k
		}
	}
	if s.o.Parallel != nil {
		n *= max(1, s.o.Parallel(s.task.ID.Experiment))
	}
	return n
}

// devices shows a container the accelerators that it was given, and hides all others.
func (s *scene) devices(e *vars, c *workload.Container, granted []Device) {
	ids := map[string][]string{}
	for _, d := range granted {
		vendor, _, _ := strings.Cut(d.Resource, "/")
		ids[vendor] = append(ids[vendor], d.ID)
	}
	for _, name := range []string{"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"} {
		if v, ok := e.get(name); ok && v != "" {
			s.note("container %s: %s=%s is replaced by the accelerators that the container asks for", c.Name, name, v)
		}
	}
	nvidia, amd := ids["nvidia.com"], ids["amd.com"]
	e.set("CUDA_VISIBLE_DEVICES", strings.Join(nvidia, ","))
	e.set("NVIDIA_VISIBLE_DEVICES", "void")
	if len(nvidia) > 0 {
		e.set("NVIDIA_VISIBLE_DEVICES", strings.Join(nvidia, ","))
		e.set("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
	}
	if len(amd) == 0 {
		e.set("HIP_VISIBLE_DEVICES", "-1")
		return
	}
	// HIP counts among the devices that ROCR leaves visible, and takes CUDA's variable for its own.
	e.set("ROCR_VISIBLE_DEVICES", strings.Join(amd, ","))
	within := make([]string, len(amd))
	for i := range within {
		within[i] = strconv.Itoa(i)
	}
	e.set("HIP_VISIBLE_DEVICES", strings.Join(within, ","))
	e.set("CUDA_VISIBLE_DEVICES", strings.Join(within, ","))
}

// noBytecode keeps Python from writing into the user's folders where trials have no layers of their own.
const noBytecode = "PYTHONDONTWRITEBYTECODE"

// environment joins everything, later over earlier: the user's, the image map's, the pod's, the spec's, the devices'.
func (s *scene) environment(c *workload.Container, im Image, spec *vars, id runner.ID) *vars {
	e := s.userEnv()
	s.imageEnv(e, im)
	e.set("HOSTNAME", s.hostname())
	if id.Trial != "" {
		e.set("KATIB_TRIAL_NAME", id.Trial)
	}
	s.threads(e, spec, c)
	if _, had := e.get(noBytecode); !had && !im.Shared && !(s.o.Layers && s.o.Tier == Namespaces) && (len(im.Mounts) > 0 || im.WorkingDir != "") {
		e.set(noBytecode, "1")
	}
	if s.shared() && len(s.task.Job.Pods) > 1 {
		for _, name := range []string{"GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME", "TP_SOCKET_IFNAME"} {
			e.set(name, "lo")
		}
	}
	e.merge(spec)
	s.devices(e, c, s.grant.Devices[s.pod.Name+"/"+c.Name])
	return e
}

func (s *scene) hostname() string {
	if s.pod.Hostname != "" {
		return s.pod.Hostname
	}
	return s.pod.Name
}

// pattern compiles an expression when it is first used: every start of a trial's supervisor would pay for it otherwise.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
