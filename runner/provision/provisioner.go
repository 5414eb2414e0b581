package provision

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"qalam/runner"
	"qalam/workload"
)

// Options say what a Provisioner works with.
type Options struct {
	Config  Config
	Tier    Tier
	Home    string   // folder below which persistent volumes lie: volumes/<namespace>/<claim>
	Environ []string // the user's environment, NAME=value
	Node    string   // this machine's name
	Cores   int      // processors of this machine
	Memory  int64    // of this machine, bytes
	// Parallel says how many trials of an experiment share the machine, for the default number of threads; nil means one.
	Parallel func(experiment string) int
	// HostPaths lists folders of this machine that pods may mount by hostPath, besides those in Config.Volumes.
	HostPaths []string
	// Layers gives every container a layer of its own for what it writes into the folders of its image, and OwnTmp a /tmp of its
	// own. Both need namespaces, Layers needs overlayfs too.
	Layers, OwnTmp bool
}

// Provisioner makes what pods need on this machine. It may be used by several goroutines at once.
type Provisioner struct {
	o      Options
	mounts func() []string // where something is mounted on this machine
}

// New makes a Provisioner.
func New(o Options) *Provisioner { return &Provisioner{o, sync.OnceValue(mountPoints)} }

// Check says why a task can never run on this machine, and what to do; nil when it can. It names every fault there is.
func (p *Provisioner) Check(task runner.Task) error {
	var faults []error
	for _, s := range p.scenes(task) {
		s.containers()
		for _, f := range s.faults {
			faults = append(faults, fmt.Errorf("pod %s: %w", s.pod.Name, f))
		}
	}
	return firstOfEach(faults)
}

// firstOfEach joins faults; pods of a kind have the same ones, which are told for the first of them only.
func firstOfEach(faults []error) error {
	seen := map[string]bool{}
	return errors.Join(slices.DeleteFunc(faults, func(err error) bool {
		text := err.Error()
		if inner := errors.Unwrap(err); inner != nil {
			text = inner.Error()
		}
		defer func() { seen[text] = true }()
		return seen[text]
	})...)
}

// Notes says what is handled otherwise here than in a cluster, one line each: fields that have no effect, images that are not
// mapped, what was made or rewritten.
func (p *Provisioner) Notes(task runner.Task) []string {
	var notes []string
	add := func(n string) {
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	for _, n := range task.Job.Notes {
		add(n)
	}
	for _, s := range p.scenes(task) {
		for _, field := range s.pod.Spec.Unsupported {
			if why := s.pod.Spec.Extra[field]; why != "" {
				add(field + " has no effect here: " + why)
			} else {
				add(field + " has no effect here")
			}
		}
		s.containers()
		for _, n := range s.notes {
			add(n)
		}
	}
	return notes
}

// scenes sets the scene for every pod that runs, with nothing granted and nothing made.
func (p *Provisioner) scenes(task runner.Task) []*scene {
	var all []*scene
	for i := range task.Job.Pods {
		if pod := &task.Job.Pods[i]; !pod.Idle {
			all = append(all, p.scene(task, pod, "", Grant{}))
		}
	}
	return all
}

// Provision makes what one pod of the task needs below dir, which exists and is the pod's own: see process.Provisioner. What an
// earlier call for the same pod made stays, with what containers wrote into it.
func (p *Provisioner) Provision(task runner.Task, pod workload.Pod, dir string, grant Grant) ([]Container, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := p.scene(task, &pod, abs, grant)
	containers := s.containers()
	if len(s.faults) > 0 {
		return nil, errors.Join(s.faults...)
	}
	if err := s.realise(); err != nil {
		return nil, err
	}
	return containers, nil
}

// scene is one pod of a task on this machine. Laying out its containers is free of effects; what is to be made for them is
// written down, and realise makes it.
type scene struct {
	*Provisioner
	task    runner.Task
	pod     *workload.Pod
	dir     string // of the pod; "" when nothing is to be made
	grant   Grant
	names   map[string]string // pod by each of its names
	ports   map[string]int    // as in Grant.Ports
	volumes map[string]*volume
	secrets []string
	notes   []string
	faults  []error
	folders []folder
	files   []file
	checks  []check // what may not lead out of the folder it is in
	layers  int     // so far
	inside  bool    // it is a worker inside a launcher: the job's files are the launcher's
}

func (p *Provisioner) scene(task runner.Task, pod *workload.Pod, dir string, grant Grant) *scene {
	s := &scene{Provisioner: p, task: task, pod: pod, dir: dir, grant: grant, names: podNames(task.Job), volumes: map[string]*volume{}}
	s.ports = s.portMap()
	return s
}

func (s *scene) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(s.notes, n) {
		s.notes = append(s.notes, n)
	}
}

func (s *scene) fault(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if !slices.ContainsFunc(s.faults, func(f error) bool { return f.Error() == err.Error() }) {
		s.faults = append(s.faults, err)
	}
}

// shortestSecret is the length from which a secret's value is hidden in what is shown: shorter ones occur by chance.
const shortestSecret = 8

func (s *scene) secret(_, value string) {
	for _, v := range []string{value, strings.TrimSpace(value)} {
		if len(v) >= shortestSecret && !slices.Contains(s.secrets, v) {
			s.secrets = append(s.secrets, v)
		}
	}
}

// shared says that the pod's processes see this machine's network.
func (s *scene) shared() bool { return s.o.Tier == Plain || s.grant.HostNetwork }

// containers lays out all containers of the pod: init containers first.
func (s *scene) containers() []Container {
	var all []Container
	for i := range s.pod.Spec.InitContainers {
		c := &s.pod.Spec.InitContainers[i]
		laid := s.layout(c)
		laid.Init, laid.Sidecar = true, c.RestartPolicy == string(workload.RestartAlways)
		all = append(all, laid)
	}
	for i := range s.pod.Spec.Containers {
		all = append(all, s.layout(&s.pod.Spec.Containers[i]))
	}
	for i := range all {
		all[i].Process.Secrets = s.secrets
	}
	return all
}

// layout says what one container needs.
func (s *scene) layout(c *workload.Container) Container {
	im, mapped := s.o.Config.Image(c.Image)
	spec := s.specEnv(c)
	v := &view{scene: s, c: c}
	s.imageMounts(v, c, im)
	s.volumeMounts(v, c, spec)
	s.jobFiles(v, spec)
	s.collected(v, c)
	s.pushed(v, c)
	s.checkpoint(v, c)
	env := s.environment(c, im, spec, s.task.ID)
	argv := s.argv(c, im, mapped, spec)
	out := Container{Name: c.Name, Termination: s.termination(v, c, argv, spec)}
	dir := s.workingDir(v, c, im)
	s.ownTmp(v, argv, dir, im, mapped, env, spec)
	v.settle()
	if s.o.Tier == Plain {
		argv = v.rewriteArgv(argv)
		v.rewriteEnv(env, spec, im)
		dir = v.plainDir(dir)
		out.Paths = v.binds
	} else {
		dir = v.reachable(dir)
		out.Process.Mounts = v.binds
	}
	s.pushEnv(c, env)
	out.Process.Argv, out.Process.Env, out.Process.Dir = argv, env.list(), dir
	out.Process.Limits = s.limits(c)
	s.checkProgram(v, c, argv, env, dir, mapped)
	return out
}

// limits reads the container's limits, and complains about quantities that are none.
func (s *scene) limits(c *workload.Container) Limits {
	for _, side := range []map[string]workload.Quantity{c.Resources.Limits, c.Resources.Requests} {
		for name, q := range side {
			if n, err := q.Value(); err != nil {
				s.fault("container %s: resources: %s: %v", c.Name, name, err)
			} else if n < 0 {
				s.fault("container %s: resources: %s: %s is negative", c.Name, name, q)
			}
		}
	}
	return Limits{MilliCPU: Milli(c.Resources.Limits["cpu"]), Memory: Units(c.Resources.Limits["memory"])}
}

// argv joins command and args as Kubernetes does: command stands instead of the image's own, args instead of the image's.
func (s *scene) argv(c *workload.Container, im Image, mapped bool, spec *vars) []string {
	var argv []string
	secretly := func(name string) (string, bool) {
		v, ok := spec.get(name)
		if ok && slices.Contains(s.secrets, v) {
			s.note("container %s: its command line holds the secret in $(%s), which other users of this machine can see: "+
				"let the program read the variable itself", c.Name, name)
		}
		return v, ok
	}
	if len(c.Command) == 0 {
		argv = append(argv, im.Command...)
	}
	for _, word := range slices.Concat(c.Command, c.Args) {
		argv = append(argv, expand(word, secretly))
	}
	if len(c.Command) == 0 && len(im.Command) == 0 {
		if !s.pod.Idle {
			s.noCommand(c, mapped)
		}
		return nil
	}
	for _, word := range argv {
		if strings.ContainsRune(word, 0) {
			s.fault("container %s: its command line has a zero byte", c.Name)
		}
	}
	return argv
}

func (s *scene) noCommand(c *workload.Container, mapped bool) {
	why := fmt.Sprintf("image %q is not known on this machine", c.Image)
	if mapped {
		why = fmt.Sprintf("the image map has no command for image %q", c.Image)
	}
	s.fault("container %s has no command, and %s: give the container a command; or write the image's own into the image map "+
		"(images.yaml: {image: %q, command: [python3, /path/to/train.py]}); or use a runner that pulls images (--runner kubernetes)",
		c.Name, why, c.Image)
}

// termination gives the container a file for its last words if it has a use for one. The default path needs /dev to be covered,
// which is not done for programs that do not name it.
func (s *scene) termination(v *view, c *workload.Container, argv []string, spec *vars) string {
	path := c.TerminationMessagePath
	if path == "" {
		path = "/dev/termination-log"
		names := func(word string) bool { return strings.Contains(word, path) }
		if !slices.ContainsFunc(argv, names) && !slices.ContainsFunc(spec.list(), names) {
			return ""
		}
	}
	source := s.below("termination", c.Name)
	s.files = append(s.files, file{path: source, mode: 0o600, once: true})
	v.mount(Mount{Source: source, Target: path}, "terminationMessagePath")
	return source
}

// below is a path in the pod's folder.
func (s *scene) below(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// exists says whether a path is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
