package doctor

import (
	"fmt"
	"slices"
	"strings"

	"qalam/workload"
)

func startError(s *Snapshot) (f *Finding) {
	s.each(func(p *workload.PodStatus, c *workload.ContainerStatus) bool {
		e := lastEnd(c)
		message := ""
		switch {
		case c.Waiting != nil && (c.Waiting.Reason == "CreateContainerError" || c.Waiting.Reason == "RunContainerError"):
			message = c.Waiting.Message
		case e != nil && (e.Reason == "StartError" || e.Reason == "ContainerCannotRun"):
			message = e.Message
		default:
			return false
		}
		f = &Finding{
			Code: "StartError", Severity: Error,
			Message:  fmt.Sprintf("container %s of %s could not be started: %s", c.Name, p.Name, message),
			Evidence: nil,
			Fix:      "check the container's command, and the image map that says which folder stands for its image (qalam explain images)",
		}
		return true
	})
	return f
}

func configError(s *Snapshot) (f *Finding) {
	s.each(func(p *workload.PodStatus, c *workload.ContainerStatus) bool {
		if c.Waiting == nil || c.Waiting.Reason != "CreateContainerConfigError" {
			return false
		}
		f = &Finding{
			Code: "ConfigError", Severity: Error,
			Message: fmt.Sprintf("container %s of %s lacks something its template refers to: %s", c.Name, p.Name, c.Waiting.Message),
			Fix:     "hand in the ConfigMap or Secret with the experiment, as another document of the file or another file",
		}
		return true
	})
	return f
}

func suspended(s *Snapshot) *Finding {
	if s.Job == nil || !s.Job.Policy.Suspended || s.Ended {
		return nil
	}
	return &Finding{
		Code: "Suspended", Severity: Warning, Message: fmt.Sprintf("the %s is suspended: nothing starts", s.Job.Kind),
		Evidence: []string{"runPolicy.suspend: true"}, Fix: "remove suspend from the trial template",
	}
}

func outOfMemory(s *Snapshot) (f *Finding) {
	s.each(func(p *workload.PodStatus, c *workload.ContainerStatus) bool {
		e := lastEnd(c)
		if e == nil || e.Reason != "OOMKilled" {
			return false
		}
		limit := s.memoryLimit(p.Name, c.Name)
		f = &Finding{Code: "OOMKilled", Severity: Error, Message: fmt.Sprintf("%s ran out of memory", p.Name)}
		if limit != "" {
			f.Message += ": its limit is " + limit
			f.Evidence = append(f.Evidence, "resources.limits.memory: "+limit)
		}
		if sized := s.sized(); sized != "" {
			f.Evidence = append(f.Evidence, sized)
		}
		f.Fix = "raise resources.limits.memory, or narrow the parameters that set the size of the model or batch"
		return true
	})
	return f
}

func (s *Snapshot) memoryLimit(pod, container string) string {
	if s.Job == nil {
		return ""
	}
	for _, p := range s.Job.Pods {
		for _, c := range p.Spec.Containers {
			if p.Name == pod && c.Name == container {
				return string(c.Resources.Limits["memory"])
			}
		}
	}
	return ""
}

func acceleratorOutOfMemory(s *Snapshot) *Finding {
	pod, line := s.match("CUDA out of memory", "torch.cuda.OutOfMemoryError", "torch.OutOfMemoryError", "HIP out of memory", "RESOURCE_EXHAUSTED")
	if line == "" {
		return nil
	}
	f := &Finding{
		Code: "AcceleratorOutOfMemory", Severity: Error, Message: pod + " ran out of the accelerator's memory",
		Evidence: []string{clip(line)},
		Fix:      "narrow the parameters that set the size of the model or batch; the point counts as infeasible",
	}
	if sized := s.sized(); sized != "" {
		f.Evidence = append(f.Evidence, sized)
	}
	return f
}

func portTaken(s *Snapshot) *Finding {
	pod, line := s.match("Address already in use", "errno: 98", "EADDRINUSE", "address already in use")
	if line == "" {
		return nil
	}
	return &Finding{
		Code: "PortTaken", Severity: Error, Message: pod + " wants a port that something else listens on", Evidence: []string{clip(line)},
		Fix: "run with network namespaces (qalam says at the start which tier it uses), or give each replica a port of its own",
	}
}

func sharedMemory(s *Snapshot) *Finding {
	pod, line := s.match("is killed by signal: Bus error", "posix_fallocate failed", "insufficient shared memory")
	if line == "" {
		return nil
	}
	return &Finding{
		Code: "SharedMemoryTooSmall", Severity: Error, Message: pod + " needs more shared memory than /dev/shm has", Evidence: []string{clip(line)},
		Fix: "mount an emptyDir with medium Memory at /dev/shm, or use fewer data loader workers",
	}
}

func collective(s *Snapshot) *Finding {
	pod, line := s.match("Watchdog caught collective operation timeout", "ncclSystemError", "Duplicate GPU detected", "ncclUnhandledCudaError",
		"ncclInternalError", "No usable listening port")
	if line == "" {
		return nil
	}
	fix := "set NCCL_DEBUG=INFO in the template to see which link fails; check NCCL_SOCKET_IFNAME"
	if strings.Contains(line, "Duplicate GPU") {
		fix = "two ranks share one GPU, which NCCL refuses: use the gloo backend, or ask for one GPU per rank"
	}
	return &Finding{Code: "CollectiveFailed", Severity: Error, Message: pod + ": a collective operation of the training failed", Evidence: []string{clip(line)}, Fix: fix}
}

func download(s *Snapshot) *Finding {
	pod, line := s.match("urllib.error.URLError", "urlopen error", "HTTPError", "Max retries exceeded", "Temporary failure in name resolution",
		"Could not resolve host", "yann.lecun.com", "ConnectionError: HTTPSConnectionPool", "getaddrinfo failed")
	if line == "" || s.peerNamed(line) || strings.Contains(line, "c10d") || strings.Contains(line, "gai error") {
		return nil // or it speaks of the rendezvous
	}
	return &Finding{
		Code: "DownloadRefused", Severity: Error, Message: pod + " could not download what it needs", Evidence: []string{clip(line)},
		Fix: "trials have no network of the outside unless asked for: run with --network host, or put the data into a folder of the image map or a volume",
	}
}

// peerNamed reports whether a line speaks of a pod of the trial itself: then the network outside is not the trouble.
func (s *Snapshot) peerNamed(line string) bool {
	for _, p := range s.Pods {
		if strings.Contains(line, p.Name) {
			return true
		}
	}
	return false
}

// incomplete are words of lines by which a program says that it lacks something.
var incomplete = []string{"ModuleNotFoundError: No module named ", "ImportError: ", "command not found", "No such file or directory", "can't open file "}

func missingModule(s *Snapshot) *Finding {
	pod, c := s.failedFirst()
	if c == nil {
		return nil
	}
	l := s.log(pod.Name, c.Name)
	line := l.lastError()
	if !slices.ContainsFunc(incomplete, func(t string) bool { return strings.Contains(line, t) }) {
		return nil
	}
	return &Finding{
		Code: "ProgramIncomplete", Severity: Error, Message: fmt.Sprintf("%s lacks something it needs: %s", pod.Name, line),
		Evidence: []string{fmt.Sprintf("exit code %d", lastEnd(c).ExitCode)},
		Fix:      "map the image to the folder, virtual environment and PATH that have it (qalam explain images)",
	}
}

func deadline(s *Snapshot) *Finding {
	if s.Verdict.Reason != "DeadlineExceeded" {
		return nil
	}
	return &Finding{
		Code: "DeadlineExceeded", Severity: Error, Message: "the trial ran longer than its activeDeadlineSeconds allow: " + s.Verdict.Message,
		Evidence: tailOf(s), Fix: "raise activeDeadlineSeconds in the trial template, or find out what it waited for",
	}
}

// tailOf is the last line of the primary container's log.
func tailOf(s *Snapshot) []string {
	for _, pod := range s.Primary.Pods {
		if l := s.log(pod, s.Primary.Container); l != nil && len(l.Tail) > 0 {
			return []string{"last line: " + clip(strings.TrimSpace(l.Tail[len(l.Tail)-1]))}
		}
	}
	return nil
}

// signals names those that end processes from outside or by their own fault.
var signals = map[int]string{4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}

func exitCode(s *Snapshot) *Finding {
	pod, c := s.failedFirst()
	if c == nil || s.recovered(c) || !s.Ended && c.Running != nil && c.RestartCount == 0 {
		return nil
	}
	e := lastEnd(c)
	f := &Finding{
		Code: "ExitCode", Severity: Error, Message: fmt.Sprintf("%s exited with code %d", pod.Name, e.ExitCode),
		Fix: fmt.Sprintf("see its whole log: qalam logs EXPERIMENT --trial TRIAL --pod %s", pod.Name),
	}
	if line := s.log(pod.Name, c.Name).lastError(); line != "" {
		f.Message += ": " + line
	}
	if name := signals[e.Signal]; e.Signal != 0 {
		f.Code = "KilledBySignal"
		f.Message = fmt.Sprintf("%s was killed by signal %d %s", pod.Name, e.Signal, name)
		if e.Signal == 9 {
			f.Fix = "something outside killed it: the kernel for want of memory (see dmesg), or a person"
		}
	}
	if e.Message != "" {
		f.Evidence = append(f.Evidence, clip(e.Message))
	}
	return f
}

// recovered says that a container that failed before has been running for a while.
func (s *Snapshot) recovered(c *workload.ContainerStatus) bool {
	return !s.Ended && c.Running != nil && s.Now.Sub(c.Running.StartedAt) >= recovery
}

func crashLoop(s *Snapshot) *Finding {
	p, c := s.failedFirst()
	if s.Ended || c == nil || c.RestartCount == 0 || !s.loops(c) {
		return nil
	}
	f := &Finding{
		Code: "CrashLoop", Severity: Error,
		Message: fmt.Sprintf("%s fails again and again: %d restarts, exit code %d", p.Name, c.RestartCount, lastEnd(c).ExitCode),
		Fix:     "a point that always fails is started again and again under restartPolicy OnFailure: set restartPolicy Never, or a lower backoffLimit",
	}
	if line := s.log(p.Name, c.Name).lastError(); line != "" {
		f.Evidence = []string{line}
	}
	if s.Verdict.Message != "" {
		f.Evidence = append(f.Evidence, s.Verdict.Message)
	}
	return f
}

// loops says that a container that has failed waits to be started again, or has been, several times, just now.
func (s *Snapshot) loops(c *workload.ContainerStatus) bool {
	switch {
	case c.Waiting != nil:
		return c.Waiting.Reason == "CrashLoopBackOff"
	case c.Running != nil:
		return c.RestartCount > 1 && !s.recovered(c)
	}
	return s.Verdict.Phase == workload.Restarting
}
