package workload

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Where the files of an MPI job lie in its pods.
const (
	mpiFolder     = "/etc/mpi/"
	mpiHostfile   = mpiFolder + "hostfile"
	mpiAgent      = mpiFolder + "kubexec.sh"
	mpiDiscover   = mpiFolder + "discover_hosts.sh"
	sshNote       = "workers are entered by a program in place of ssh: no keys are made, and no sshd need run"
	implementOpen = "OpenMPI"
)

// mpi holds what an MPIJob says beyond its replicas.
type mpi struct {
	slots int
	kind  string // OpenMPI, Intel or MPICH (v2beta1)
}

// mpi2Rules are those of the mpi-operator's MPIJob, whose launcher is a batch/v1 Job.
var mpi2Rules = &rules{
	field: "mpiReplicaSpecs", types: []string{"Launcher", "Worker"}, restart: RestartNever, launcher: RestartOnFailure, required: "Launcher",
	extra:  []string{"slotsPerWorker", "sshAuthMountPath", "launcherCreationPolicy", "mpiImplementation", "runLauncherAsWorker"},
	settle: settleMPI2, env: envMPI2,
}

func layoutMPI2(j *Job, spec node, o Options) error { return mpi2Rules.layout(j, spec, o) }

const mostSlots = 1 << 20

func settleMPI(k *kubeflowJob) {
	k.speaks, k.Policy.Success = "launcher", "launcher"
	k.mpi.slots = int(k.spec.get("slotsPerWorker").within(1, mostSlots, 1))
	if own := k.spec.get("cleanPodPolicy"); own.has() {
		policy := own.cleanPods("None")
		if !k.spec.get("runPolicy").get("cleanPodPolicy").has() {
			k.Policy.CleanPods = policy
		}
	}
	launcher := k.replica("Launcher")
	var hosts, found strings.Builder
	slots := strconv.Itoa(k.mpi.slots)
	if launcher.template.spec.gpus() > 0 {
		hosts.WriteString(k.Name + "-launcher slots=" + slots + "\n")
	}
	found.WriteString("#!/bin/sh")
	pods := []string{k.Name + "-launcher"}
	for _, i := range k.workersByName() {
		found.WriteString("\necho " + podName(k.Name, "worker", i) + ":" + slots)
	}
	for i := range k.count("Worker") {
		name := podName(k.Name, "worker", i)
		hosts.WriteString(name + " slots=" + slots + "\n")
		pods = append(pods, name)
	}
	main := k.spec.get("mainContainer").text()
	if main != "" {
		main = " --container " + main
	}
	k.Files = []File{
		{Path: mpiHostfile, Mode: 0o444, Content: hosts.String(), Pods: pods},
		{Path: mpiAgent, Mode: 0o555, Pods: pods, Content: "#!/bin/sh\nset -x\nPOD_NAME=$1\nshift\n/opt/kube/kubectl exec ${POD_NAME}" + main + " -- /bin/sh -c \"$*\""},
		{Path: mpiDiscover, Mode: 0o555, Content: found.String(), Pods: pods},
	}
}

// workersByName returns the workers' indexes in the order of their names.
func (k *kubeflowJob) workersByName() []int {
	list := make([]int, k.count("Worker"))
	for i := range list {
		list[i] = i
	}
	slices.SortFunc(list, func(a, b int) int { return strings.Compare(strconv.Itoa(a), strconv.Itoa(b)) })
	return list
}

func (k *kubeflowJob) count(name string) int {
	if r := k.replica(name); r != nil {
		return r.count
	}
	return 0
}

func envMPI(k *kubeflowJob, p *Pod) {
	p.Names = []string{p.Name}
	first := &p.Spec.Containers[0]
	if p.Replica == "worker" {
		p.sleeps([]string{"sleep", "365d"})
		return
	}
	p.name(k.Name + "-launcher")
	first.addUnlessSet("OMPI_MCA_plm_rsh_agent", mpiAgent, "OMPI_MCA_orte_default_hostfile", mpiHostfile,
		"I_MPI_HYDRA_BOOTSTRAP", "rsh", "I_MPI_HYDRA_BOOTSTRAP_EXEC", mpiAgent)
	if k.replica("Launcher").template.spec.gpus() == 0 {
		first.Env = append(first.Env, env("NVIDIA_VISIBLE_DEVICES", "", "NVIDIA_DRIVER_CAPABILITIES", "")...)
	}
}

// name gives a pod another name than its replica type and index make.
func (p *Pod) name(name string) { p.Name, p.Names = name, []string{name} }

func (c *Container) addUnlessSet(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if !c.defines(pairs[i]) {
			c.Env = append(c.Env, EnvVar{Name: pairs[i], Value: pairs[i+1]})
		}
	}
}

// sleeps gives a worker the command that its operator gives one which has none, and marks one that only waits to be entered.
func (p *Pod) sleeps(fallback []string) {
	c := &p.Spec.Containers[0]
	if len(c.Command) == 0 {
		c.Command = fallback
	}
	words := strings.Fields(strings.Join(append(slices.Clone(c.Command), c.Args...), " "))
	for len(words) > 1 && (shells[path.Base(words[0])] || words[0] == "-c" || words[0] == "exec") {
		words = words[1:]
	}
	if len(words) > 0 && len(p.Spec.Containers) == 1 {
		name := path.Base(words[0])
		p.Idle = name == "sshd" || name == "sleep" && len(words) == 2
	}
}

var shells = map[string]bool{"sh": true, "bash": true, "dash": true, "ash": true, "zsh": true}

// gpus counts the devices that a pod's containers ask for.
func (s *PodSpec) gpus() int64 {
	var sum int64
	for _, c := range s.Containers {
		for name, q := range c.Resources.Limits {
			if strings.Contains(strings.ToLower(name), "gpu") {
				if n, err := q.Value(); err == nil {
					sum = max(sum, 0) + min(n, 1<<20)
				}
			}
		}
	}
	return sum
}

func settleMPI2(k *kubeflowJob) {
	k.speaks, k.Policy.Success = "launcher", "launcher"
	k.Policy.Recreate = true // the launcher is a Job
	if k.Policy.BackoffLimit == nil {
		limit := int32(jobBackoffLimit)
		k.Policy.BackoffLimit = &limit
	}
	k.mpi.slots = int(k.spec.get("slotsPerWorker").within(1, mostSlots, 1))
	kind := k.spec.get("mpiImplementation")
	switch k.mpi.kind = kind.text(); k.mpi.kind {
	case "":
		k.mpi.kind = implementOpen
	case implementOpen, "Intel", "MPICH":
	default:
		kind.r.fault(kind.path, "use OpenMPI, Intel or MPICH", "%q is no implementation of MPI", k.mpi.kind)
	}
	k.spec.without("the launcher starts when its workers could be entered, which here is at once", "launcherCreationPolicy")
	kind.r.note("spec.sshAuthMountPath", "%s", sshNote)
	separator := " slots="
	if k.mpi.kind != implementOpen {
		separator = ":"
	}
	var hosts, found strings.Builder
	found.WriteString("#!/bin/sh\n")
	launcher := k.Name + "-launcher"
	pods := []string{launcher}
	suffix := "." + k.Name + "." + k.Namespace + ".svc"
	line := suffix + separator + strconv.Itoa(k.mpi.slots) + "\n"
	if k.spec.get("runLauncherAsWorker").boolean() {
		hosts.WriteString(launcher + line)
	}
	for i := range k.count("Worker") {
		hosts.WriteString(podName(k.Name, "worker", i) + line)
		pods = append(pods, podName(k.Name, "worker", i))
	}
	for _, i := range k.workersByName() {
		found.WriteString("echo " + podName(k.Name, "worker", i) + suffix + "\n")
	}
	k.Files = []File{
		{Path: mpiHostfile, Mode: 0o444, Content: hosts.String(), Pods: pods[:1]},
		{Path: mpiDiscover, Mode: 0o555, Content: found.String(), Pods: pods[:1]},
		{Path: mpiAgent, Mode: 0o555, Content: agentOnly, Pods: pods[:1]},
	}
}

// agentOnly stands where a cluster uses ssh; a runner puts its own program in its place.
const agentOnly = "#!/bin/sh\necho \"$0: this runner has no way to enter $1\" >&2\nexit 1\n"

func envMPI2(k *kubeflowJob, p *Pod) {
	p.Labels[labelOperator] = "mpi-operator"
	p.Labels[labelRole] = p.Replica
	p.Subdomain = k.Name
	first := &p.Spec.Containers[0]
	if p.Replica == "worker" {
		p.Names = hostNames(p.Name, k.Name, k.Namespace)
		if len(first.Args) > 0 && len(first.Command) == 0 {
			p.sleeps(nil)
		} else {
			p.sleeps([]string{"/usr/sbin/sshd", "-De"})
		}
		first.Env = append(first.Env, env("K_MPI_JOB_ROLE", "worker")...)
		return
	}
	p.Name = k.Name + "-launcher"
	p.Names = hostNames(p.Name, k.Name, k.Namespace)
	slots := strconv.Itoa(k.mpi.slots)
	vars := env("K_MPI_JOB_ROLE", "launcher")
	switch k.mpi.kind {
	case "Intel":
		vars = append(vars, env("I_MPI_HYDRA_HOST_FILE", mpiHostfile, "I_MPI_PERHOST", slots,
			"I_MPI_HYDRA_BOOTSTRAP", "rsh", "I_MPI_HYDRA_BOOTSTRAP_EXEC", mpiAgent)...)
	case "MPICH":
		vars = append(vars, env("HYDRA_HOST_FILE", mpiHostfile, "HYDRA_LAUNCHER", "rsh", "HYDRA_LAUNCHER_EXEC", mpiAgent)...)
	default:
		vars = append(vars, env("OMPI_MCA_orte_keep_fqdn_hostnames", "true", "OMPI_MCA_orte_default_hostfile", mpiHostfile,
			"OMPI_MCA_plm_rsh_agent", mpiAgent, "OMPI_MCA_orte_set_default_slots", slots)...)
	}
	first.Env = append(first.Env, append(vars, env("NVIDIA_VISIBLE_DEVICES", "", "NVIDIA_DRIVER_CAPABILITIES", "")...)...)
}
